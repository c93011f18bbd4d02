//! `postloan evaluate` and `postloan predict`, as an analyst meets them.

mod common;

use common::{CORPUS, Folder, run, run_with_input};
use serde_json::{Value, json};

#[test]
fn evaluation_prints_metrics_the_confusion_matrix_and_a_line_for_each_value_of_a_field() {
    let folder = Folder::new();
    let data = folder.file(
        "new.jsonl",
        "{\"text\": \"按时还款，经营正常\", \"label\": \"normal\", \"branch\": \"东\"}\n\
         {\"text\": \"失联，已逾期三个月\", \"label\": \"risky\", \"branch\": \"西\"}\n\
         {\"text\": \"失联，已逾期三个月\", \"label\": \"watch\", \"branch\": \"西\"}\n",
    );
    let done = run(&["evaluate", &data, "--by", "branch"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    for expected in
        ["post-loan-risk/1 on 3 comments: accuracy 0.6667", "given \\ predicted", "东", "西"]
    {
        assert!(done.stdout.contains(expected), "{}", done.stdout);
    }
    let json = run(&["evaluate", &data, "--by", "branch", "--json"]).stdout;
    let report: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(report["seen_in_training"], false);
    assert_eq!(report["metrics"]["rows"], 3);
    assert_eq!(report["by"][0]["values"]["西"]["accuracy"], 0.5);
    assert_eq!(report["metrics"]["confusion"][1][2], 1);
}

#[test]
fn an_evaluation_report_is_a_whole_page_of_its_own_in_chinese_or_english() {
    let folder = Folder::new();
    let data = folder.file(
        "new.jsonl",
        "{\"id\": \"甲<1>\", \"text\": \"失联，<b>已逾期三个月\", \"label\": \"normal\", \"branch\": \"东\"}\n\
         {\"text\": \"失联，已逾期三个月\", \"label\": \"risky\", \"branch\": \"西\"}\n",
    );
    let (page, english) = (folder.path("report.html"), folder.path("english.html"));
    assert_eq!(run(&["evaluate", &data, "--by", "branch", "--report", &page]).code, 0);
    assert_eq!(run(&["evaluate", &data, "--report", &english, "--lang", "en"]).code, 0);
    let html = std::fs::read_to_string(&page).unwrap();
    for part in
        ["混淆矩阵", "代价曲线", "可靠性图", "按 branch", "按评价字数", "甲&lt;1&gt;", "<mark"]
    {
        assert!(html.contains(part), "{part}");
    }
    assert!(html.contains("&lt;b&gt;") && !html.contains("<b>") && !html.contains("NaN"));
    assert!(std::fs::read_to_string(&english).unwrap().contains("Confusion matrix"));
    assert_eq!(run(&["evaluate", &data, "--by", "branch", "--report", &page]).code, 0);
    assert_eq!(std::fs::read_to_string(&page).unwrap(), html, "the same bytes each time");

    let nowhere = run(&["evaluate", &data, "--report", "no/such/folder/report.html"]);
    assert_eq!(nowhere.code, 5, "{}", nowhere.stderr);
}

#[test]
fn evaluation_on_the_training_data_says_that_it_flatters() {
    let done = run(&["evaluate", CORPUS, "--by", "phenomenon"]);
    assert_eq!(done.code, 0);
    assert!(done.stderr.contains("the model was trained on these comments"), "{}", done.stderr);
    assert!(done.stdout.contains("euphemism"));
}

#[test]
fn data_that_cannot_be_evaluated_is_refused_by_line() {
    let folder = Folder::new();
    let unknown = folder.file(
        "a.jsonl",
        "{\"text\": \"x\", \"label\": \"normal\"}\n{\"text\": \"x\", \"label\": \"bad\"}\n",
    );
    let empty_text = folder.file("b.jsonl", "{\"text\": \" \", \"label\": \"normal\"}\n");
    let nothing = folder.file("c.jsonl", "");
    for (data, sentence) in [
        (&unknown, "field `label` at line 2: label `bad` is not one of normal, watch, risky"),
        (&empty_text, "line 1: the comment is empty"),
        (&nothing, "there are no labelled comments"),
    ] {
        let failed = run(&["evaluate", data]);
        assert_eq!(failed.code, 3, "{}", failed.stderr);
        assert!(failed.stderr.contains(sentence), "{}", failed.stderr);
    }
}

#[test]
fn a_comment_is_predicted_with_its_reasons_in_its_own_words() {
    let done = run(&["predict", "--explain", "多次上门无人，疑似失联，已欠息３个月。"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(done.stdout.starts_with("有风险 risky"), "{}", done.stdout);
    assert!(done.stdout.contains("  多次上门无人，疑似失联，已欠息３个月。\n"), "{}", done.stdout);
    let words: Vec<&str> = done
        .stdout
        .lines()
        .filter(|line| line.starts_with("  +"))
        .filter_map(|line| line.split_whitespace().nth(1))
        .collect();
    // None lies on top of another.
    assert_eq!(words, ["已欠息３个月", "无人", "多次"]);
    assert!(!done.stdout.contains('\u{1b}'), "no colours where there is no terminal");
}

#[test]
fn lines_of_standard_input_are_predicted_and_a_bad_one_is_told_by_its_number() {
    let done = run_with_input(&["predict", "--json", "--explain"], "经营正常\n\n已失联\n");
    assert_eq!(done.code, 6);
    assert_eq!(done.stderr, "postloan: line 2: the comment is empty\n");
    let lines: Vec<Value> =
        done.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    let phrase = &lines[1]["explanation"]["phrases"][0];
    assert_eq!((&phrase["words"], &phrase["range"]), (&json!("失联"), &json!([3, 9])));
    let reason = &lines[1]["explanation"]["reasons"][0];
    let range: Vec<usize> = reason["ranges"][0]
        .as_array()
        .unwrap()
        .iter()
        .map(|n| n.as_u64().unwrap() as usize)
        .collect();
    assert_eq!(reason["words"].as_str().unwrap(), &"已失联"[range[0]..range[1]]);
}

#[test]
fn standard_input_that_is_not_utf8_is_refused() {
    let failed = run_with_input(&["predict"], b"\xff\xfe\n".to_vec());
    assert_eq!(failed.code, 3);
    assert!(failed.stderr.contains("cannot read standard input"), "{}", failed.stderr);
}

#[test]
fn the_model_can_be_named_by_the_environment() {
    let output = common::postloan()
        .args(["predict", "x"])
        .env("POSTLOAN_MODEL", "no/such")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(4));
}

#[test]
fn models_are_listed_and_shown() {
    let list = run(&["models", "list"]).stdout;
    assert!(list.contains("post-loan-risk"), "{list}");
    let json: Value = serde_json::from_str(&run(&["models", "list", "--json"]).stdout).unwrap();
    assert_eq!((&json[0]["version"], &json[0]["in_use"]), (&1.into(), &true.into()));
    let shown = run(&["models", "show"]).stdout;
    assert!(shown.contains("5 folds by author (30 groups, none in two folds)"), "{shown}");
    assert_eq!(run(&["models", "list", "no/such"]).code, 3);
}
