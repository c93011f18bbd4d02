//! `postloan audit`, as whoever keeps the labels meets it.

mod common;

use common::{Folder, labelled, run};
use serde_json::Value;

fn findings(path: &str) -> Vec<Value> {
    let lines = std::fs::read_to_string(path).unwrap();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn of_kind<'f>(findings: &'f [Value], kind: &str) -> Vec<&'f Value> {
    findings.iter().filter(|finding| finding["finding"] == kind).collect()
}

#[test]
fn a_flipped_label_is_found_with_the_words_that_speak_against_it() {
    let folder = Folder::new();
    let mut data = labelled(&["normal", "watch", "risky"], 40);
    data += "{\"id\": \"flipped\", \"text\": \"客户逾期、失联、查封，逾期失联查封。\", \"label\": \"normal\"}\n";
    let data = folder.file("data.jsonl", data);
    let output = folder.path("findings.jsonl");
    let done = run(&["audit", &data, "--output", &output, "--similarity", "1", "--json"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    let found = findings(&output);
    let wrong = of_kind(&found, "wrong_label");
    assert_eq!(wrong.len(), 1, "{found:?}");
    assert_eq!(wrong[0]["id"], "flipped");
    assert_eq!((&wrong[0]["label"], &wrong[0]["suggested"]), (&"normal".into(), &"risky".into()));
    let reason = wrong[0]["reason"].as_str().unwrap();
    assert!(reason.contains("“有风险”") && reason.contains("依据："), "{reason}");
    assert!(wrong[0]["text"].as_str().unwrap().contains("查封"));
    let summary: Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(summary["comments"], 121);
    assert_eq!(summary["findings"]["wrong_label"], 1);
}

#[test]
fn texts_that_stand_twice_are_told_by_their_labels_and_groups() {
    let folder = Folder::new();
    let mut data = labelled(&["normal", "watch", "risky"], 40);
    let long = "借款人在城东经营五金店，每月十五日前足额还款，抵押房产状态良好";
    for (id, text, label, author) in [
        ("c1", "电站并网发电", "normal", "a"),
        ("c2", "电站 并网发电。", "risky", "b"),
        ("l1", "猪场存栏稳定", "normal", "a"),
        ("l2", "猪场存栏稳定", "normal", "b"),
        ("d1", "茶叶出口顺畅", "normal", "a"),
        ("d2", "茶叶出口顺畅", "normal", "a"),
        ("n1", &*long.replace("十五", "十六"), "normal", "c"),
        ("n2", long, "normal", "c"),
    ] {
        let row = serde_json::json!({"id": id, "text": text, "label": label, "author": author});
        data += &format!("{row}\n");
    }
    let data = folder.file("data.jsonl", data);
    let (output, probabilities) = (folder.path("findings.jsonl"), folder.path("p.csv"));
    let done = run(&[
        "audit",
        &data,
        "--output",
        &output,
        "--group-field",
        "author",
        "--folds",
        "3",
        "--probabilities",
        &probabilities,
    ]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    let found = findings(&output);
    let about = |kind: &str| -> Vec<&str> {
        let ids = of_kind(&found, kind).into_iter().map(|finding| finding["id"].as_str().unwrap());
        ids.filter(|id| id.len() == 2).collect()
    };
    assert_eq!(about("conflicting_labels"), ["c1", "c2"]);
    assert_eq!(about("leak"), ["l2"]);
    assert_eq!(about("duplicate"), ["d2"]);
    assert_eq!(about("near_duplicate"), ["n2"]);
    let ranks: Vec<u64> = found.iter().map(|finding| finding["rank"].as_u64().unwrap()).collect();
    assert_eq!(ranks, (1..=found.len() as u64).collect::<Vec<_>>());
    let probabilities = std::fs::read_to_string(probabilities).unwrap();
    assert!(probabilities.starts_with("id,line,label,p_normal,p_watch,p_risky\n"));
    assert_eq!(probabilities.lines().count(), 129);
    assert!(!probabilities.contains("还款"), "no texts in it");
}

#[test]
fn a_label_of_too_few_comments_is_named_and_the_others_are_checked() {
    let folder = Folder::new();
    let mut data = labelled(&["normal", "watch", "risky"], 40);
    data += "{\"id\": \"x\", \"text\": \"其他情况\", \"label\": \"other\", \"author\": \"a\"}\n";
    let data = folder.file("data.jsonl", data);
    let output = folder.path("findings.csv");
    let done = run(&["audit", &data, "--output", &output, "--lang", "en"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(done.stderr.contains("label `other` has too few comments to be checked"));
    let csv = std::fs::read_to_string(&output).unwrap();
    assert!(csv.contains("only 1 comments of other"), "{csv}");
}

#[test]
fn data_that_cannot_be_audited_is_refused() {
    let folder = Folder::new();
    let nothing = folder.file("nothing.jsonl", "");
    let data = folder.file("data.jsonl", labelled(&["normal", "risky"], 10));
    let output = folder.path("findings.csv");
    assert_eq!(run(&["audit", &nothing, "--output", &output]).code, 3);
    assert_eq!(run(&["audit", &data, "--output", &output, "--folds", "0"]).code, 2);
    assert_eq!(run(&["audit", &data, "--output", &output, "--similarity", "0"]).code, 2);
    assert_eq!(run(&["audit", &data, "--output", "no/such/f.csv"]).code, 5);
    assert_eq!(folder.names(), ["data.jsonl", "nothing.jsonl"], "nothing half written");
}
