//! `postloan train`, as a user meets it.

mod common;

use std::fs;
use std::path::Path;

use common::{CORPUS, Folder, Run, labelled, run, run_with_input};
use serde_json::Value;

const THREE: [&str; 3] = ["normal", "watch", "risky"];

/// Trains on `data` and expects the failure's exit code and words; nothing is left behind.
fn refused(data: &str, options: &[&str], code: i32, sentence: &str) {
    let folder = Folder::new();
    let input = folder.file("data.jsonl", data);
    let model = folder.path("model");
    let mut arguments = vec!["train", &input, "--model", &model];
    arguments.extend(options);
    let Run { code: found, stderr, .. } = run(&arguments);
    assert_eq!(found, code, "{stderr}");
    assert!(stderr.contains(sentence), "expected `{sentence}` in: {stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert_eq!(folder.names(), ["data.jsonl"]);
}

#[test]
fn it_prints_the_table_and_writes_a_model_that_predicts() {
    let folder = Folder::new();
    let data = folder.file("data.jsonl", labelled(&THREE, 9));
    let model = folder.path("risk");
    let trained = run(&["train", &data, "--model", &model, "--folds", "3"]);
    assert_eq!(trained.code, 0, "{}", trained.stderr);
    for expected in [
        "3 stratified random folds (seed 42)",
        "so these figures flatter",
        "accuracy  1.0000",
        "given \\ predicted",
        "risk/1",
    ] {
        assert!(trained.stdout.contains(expected), "{expected} not in {}", trained.stdout);
    }
    let predicted = run(&["predict", "--model", &model, "客户已逾期失联查封"]);
    assert!(predicted.stdout.starts_with("有风险 risky"), "{}", predicted.stdout);
    let mut files: Vec<String> = fs::read_dir(format!("{model}/1"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    assert_eq!(
        files,
        [
            "MODEL_CARD.md",
            "character-vocabulary.tsv",
            "decisions.json",
            "manifest.json",
            "out-of-fold.csv",
            "pipeline.json",
            "stop-words.txt",
            "user-dictionary.txt",
            "vocabulary.tsv",
            "weights.safetensors"
        ]
    );
}

#[test]
fn the_same_data_settings_and_seed_give_the_same_bytes_at_one_and_at_two_threads() {
    let folder = Folder::new();
    // A fifth of the corpus, of all writers.
    let corpus = fs::read_to_string(CORPUS).unwrap();
    let some: String = corpus.lines().step_by(5).map(|line| format!("{line}\n")).collect();
    let some = folder.file("some.jsonl", some);
    for threads in ["1", "2"] {
        let model = folder.path(&format!("{threads}/post-loan-risk"));
        let trained = run(&[
            "train",
            &some,
            "--model",
            &model,
            "--threads",
            threads,
            "--group-field",
            "author",
        ]);
        assert_eq!(trained.code, 0, "{}", trained.stderr);
    }
    let file = |threads: &str, name: &Path| {
        fs::read(Path::new(&folder.path(&format!("{threads}/post-loan-risk/1"))).join(name))
            .unwrap()
    };
    let mut compared = 0;
    for entry in fs::read_dir(folder.path("1/post-loan-risk/1")).unwrap() {
        let name = entry.unwrap().file_name();
        let name = Path::new(&name);
        assert!(file("1", name) == file("2", name), "{name:?} differs");
        compared += 1;
    }
    assert_eq!(compared, 10);
}

#[test]
fn groups_stay_together_and_the_report_says_how_folds_were_made() {
    let folder = Folder::new();
    let data = folder.file("data.jsonl", labelled(&THREE, 9));
    let model = folder.path("risk");
    let train = |options: &[&str]| {
        let mut arguments = vec!["train", &data, "--model", &model];
        arguments.extend(options);
        run(&arguments)
    };
    let grouped = train(&["--folds", "2", "--group-field", "author"]);
    assert!(grouped.stdout.contains("2 folds by author (3 groups, none in two folds)"));
    let each = train(&["--folds", "logo", "--group-field", "author"]);
    assert!(each.stdout.contains("each author held out in turn (3 groups)"), "{}", each.stdout);
    let by = train(&["--folds", "3", "--by", "author"]).stdout;
    assert!(by.lines().any(|line| line.starts_with("b ") && line.contains(" 9 ")), "{by}");
    let none = train(&["--folds", "0"]);
    assert!(!none.stdout.contains("Cross-validation"));
    let card = fs::read_to_string(format!("{model}/4/MODEL_CARD.md")).unwrap();
    assert!(card.contains("It was not cross-validated"));
}

#[test]
fn json_gives_all_of_it_to_a_machine() {
    let folder = Folder::new();
    let data = folder.file("data.jsonl", labelled(&THREE, 6));
    let trained = run(&["train", &data, "--model", &folder.path("m"), "--folds", "2", "--json"]);
    let report: Value = serde_json::from_str(&trained.stdout).unwrap();
    assert_eq!(report["rows"], 18);
    assert_eq!(report["metrics"]["metrics"]["confusion"].as_array().unwrap().len(), 3);
    assert_eq!(report["training"]["converged"], true);
}

#[test]
fn csv_and_standard_input_train_as_well() {
    let folder = Folder::new();
    let mut csv = "label,text\n".to_owned();
    for number in 0..6 {
        csv += &format!("0,\"正常, 第{number}次\"\n1,\"逾期\n第{number}次\"\n");
    }
    let data = folder.file("data.csv", &csv);
    let trained = run(&["train", &data, "--model", &folder.path("m"), "--folds", "2"]);
    assert_eq!(trained.code, 0, "{}", trained.stderr);
    let piped = run_with_input(
        &["train", "-", "--input-format", "csv", "--model", &folder.path("m"), "--folds", "2"],
        csv,
    );
    assert_eq!(piped.code, 0, "{}", piped.stderr);
    let vocabulary =
        |version: u32| fs::read(folder.path(&format!("m/{version}/vocabulary.tsv"))).unwrap();
    assert_eq!(vocabulary(1), vocabulary(2));
}

#[test]
fn each_part_of_the_recipe_can_be_left_out_and_the_model_keeps_which() {
    let folder = Folder::new();
    let data = folder.file("data.jsonl", labelled(&THREE, 6));
    let model = folder.path("m");
    for (without, text, characters) in [
        ("clauses", [false, true, true], true),
        ("quantities", [true, false, true], true),
        ("negation,characters", [true, true, false], false),
        ("all", [false, false, false], false),
    ] {
        let trained = run(&[
            "train",
            &data,
            "--model",
            &model,
            "--folds",
            "0",
            "--without",
            without,
            "--json",
        ]);
        let report: Value = serde_json::from_str(&trained.stdout).unwrap();
        let path = Path::new(report["model"].as_str().unwrap()).join("pipeline.json");
        let pipeline: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        let kept = ["clauses", "quantities", "negation"].map(|part| pipeline["text"][part] == true);
        assert_eq!(kept, text, "{without}");
        assert_eq!(pipeline["text"]["privacy"], true, "privacy is no part that can be left out");
        assert_eq!(pipeline["features"]["characters"].is_object(), characters, "{without}");
    }
}

#[test]
fn any_two_to_fifty_labels_train_without_preparation() {
    let folder = Folder::new();
    let labels: Vec<String> = (0..50).map(|number| format!("l{number:02}")).collect();
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    for count in [2, 50] {
        let data = folder.file("data.jsonl", labelled(&labels[..count], 3));
        let trained = run(&["train", &data, "--model", &folder.path("m"), "--folds", "3"]);
        assert_eq!(trained.code, 0, "{}", trained.stderr);
    }
    let shown = run(&["models", "show", "--model", &folder.path("m"), "--json"]);
    let manifest: Value = serde_json::from_str(&shown.stdout).unwrap();
    assert_eq!(manifest["labels"].as_array().unwrap().len(), 50);
    assert_eq!(manifest["labels"][7]["id"], "l07");
}

#[test]
fn a_label_file_names_and_orders_the_labels() {
    let folder = Folder::new();
    let labels = folder.file(
        "labels.toml",
        "[[label]]\nid=\"bad\"\nname=\"不良\"\nseverity=9\n[[label]]\nid=\"ok\"\nname=\"良好\"\nseverity=1\n",
    );
    let data = folder.file("data.jsonl", labelled(&["bad", "ok"], 4));
    let model = folder.path("m");
    let trained = run(&["train", &data, "--model", &model, "--folds", "2", "--labels", &labels]);
    assert_eq!(trained.code, 0, "{}", trained.stderr);
    let predicted = run(&["predict", "--model", &model, "--json", "流水下降"]).stdout;
    let predicted: Value = serde_json::from_str(&predicted).unwrap();
    assert_eq!((&predicted["label"], &predicted["name"]), (&"ok".into(), &"良好".into()));
}

#[test]
fn stop_words_and_a_user_dictionary_are_used_and_kept() {
    let folder = Folder::new();
    let data = folder.file("data.jsonl", labelled(&["normal", "risky"], 4));
    let stop_words = folder.file("stop.txt", "客户\n");
    let dictionary = folder.file("words.txt", "还款正常 9999\n");
    let model = folder.path("m");
    let trained = run(&[
        "train",
        &data,
        "--model",
        &model,
        "--folds",
        "0",
        "--stop-words",
        &stop_words,
        "--user-dictionary",
        &dictionary,
    ]);
    assert_eq!(trained.code, 0, "{}", trained.stderr);
    let vocabulary = fs::read_to_string(format!("{model}/1/vocabulary.tsv")).unwrap();
    assert!(vocabulary.contains("还款正常\t") && !vocabulary.contains("客户"), "{vocabulary}");
    let kept = fs::read_to_string(format!("{model}/1/user-dictionary.txt")).unwrap();
    assert_eq!(kept, "还款正常 9999\n");
}

#[test]
fn data_that_cannot_teach_is_refused_in_a_sentence() {
    let rows = |labels: &[&str], count| labelled(labels, count);
    refused("", &[], 3, "there are no labelled comments in the data");
    refused(&rows(&["normal"], 6), &[], 3, "expected 2 to 50 labels, found 1");
    let many: Vec<String> = (0..51).map(|number| number.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    refused(&rows(&many, 1), &[], 3, "expected 2 to 50 labels, found 51");
    refused(&rows(&THREE, 4), &[], 3, "label `normal` has 4 rows, fewer than the 5 folds");
    refused(&rows(&THREE, 6), &["--folds", "1"], 3, "expected 2 folds or more, found 1");
    refused(
        &rows(&THREE, 9),
        &["--group-field", "author"],
        3,
        "field `author` holds 3 groups, fewer than the 5 folds",
    );
    refused(&rows(&THREE, 6), &["--min-df", "99"], 3, "no term is left of");
    refused(
        &rows(&THREE, 6),
        &["--group-field", "branch"],
        3,
        "18 of 18 records cannot be used; the first:",
    );
}

#[test]
fn a_label_that_the_label_file_does_not_name_is_refused_by_line() {
    let folder = Folder::new();
    let labels = folder.file("labels.toml", fs::read("data/labels.toml").unwrap());
    let good = labelled(&THREE, 6);
    refused(
        &(good.clone() + "{\"text\": \"x\", \"label\": \"frozen\"}\n"),
        &["--labels", &labels],
        3,
        "field `label` at line 19: label `frozen` is not one of normal, watch, risky",
    );
    refused(
        &labelled(&["normal", "risky"], 6),
        &["--labels", &labels],
        3,
        "label `watch` has no rows",
    );
    refused(&good, &["--labels", "no/such.toml"], 3, "cannot read `no/such.toml`");
    let wrong = folder.file("wrong.toml", "labels = []");
    refused(&good, &["--labels", &wrong], 3, "expected `[[label]]` tables");
}

#[test]
fn a_record_that_cannot_be_used_is_named_by_line_and_never_by_its_text() {
    let secret = "张三失联";
    for (line, reason) in [
        (format!("{{\"text\": \"{secret}\""), "not valid JSON at column"),
        (format!("{{\"text\": \"{secret}\"}}"), "field `label` is missing or empty"),
        ("{\"label\": \"normal\"}".to_owned(), "field `text` is missing or empty"),
        (format!("[\"{secret}\"]"), "expected a JSON object, found an array"),
    ] {
        let folder = Folder::new();
        let data = folder.file("data.jsonl", labelled(&THREE, 6) + &line + "\n");
        let failed = run(&["train", &data, "--model", &folder.path("m")]);
        assert_eq!(failed.code, 3);
        assert!(failed.stderr.contains("1 of 19 records cannot be used"), "{}", failed.stderr);
        assert!(failed.stderr.contains(&format!("line 19: {reason}")), "{}", failed.stderr);
        assert!(!failed.stderr.contains(secret));
    }
}

#[test]
fn settings_that_cannot_be_are_refused() {
    let data = labelled(&THREE, 6);
    refused(&data, &["--c", "0"], 2, "C must be a positive number, not 0");
    refused(&data, &["--ngrams", "0"], 3, "n-grams of 1 to 8 words can be had, not of 0");
    refused(&data, &["--folds", "logo"], 2, "--folds logo needs --group-field");
    refused(
        &data,
        &["--solver", "linfa", "--memory-budget", "0"],
        2,
        "use the sparse solver, or raise the budget",
    );
    let usage = run(&["train", "x.jsonl", "--model", "m", "--min-df", "1.5"]);
    assert_eq!(usage.code, 2);
    assert!(usage.stderr.contains("expected a whole number, or a share from 0.0 to 1.0"));
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let folder = Folder::new();
    let model = folder.path("m");
    for (data, sentence) in [
        ("no/such.jsonl", "cannot open `no/such.jsonl`: No such file or directory"),
        ("data", "cannot tell the format of `data`"),
        ("data/labels.toml", "cannot tell the format of `data/labels.toml`"),
    ] {
        let failed = run(&["train", data, "--model", &model]);
        assert_eq!(failed.code, 3, "{}", failed.stderr);
        assert!(failed.stderr.contains(sentence), "{}", failed.stderr);
    }
    let data = folder.file("data.jsonl", labelled(&THREE, 6));
    let file = folder.file("file", "");
    let failed = run(&["train", &data, "--model", &format!("{file}/m"), "--folds", "0"]);
    assert_eq!(failed.code, 5, "{}", failed.stderr);
    assert!(failed.stderr.contains("cannot write `"), "{}", failed.stderr);
}

#[test]
fn a_report_shows_out_of_fold_predictions_and_the_learning_curve_that_the_model_keeps() {
    let folder = Folder::new();
    let data = folder.file("data.jsonl", labelled(&["normal", "watch", "risky"], 40));
    let (model, page) = (folder.path("model"), folder.path("report.html"));
    let done = run(&[
        "train",
        &data,
        "--model",
        &model,
        "--learning-curve",
        "--report",
        &page,
        "--by",
        "author",
    ]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    let html = std::fs::read_to_string(&page).unwrap();
    for part in ["每条都由没有用它训练的模型判断", "学习曲线", "按 author", "混淆矩阵"]
    {
        assert!(html.contains(part), "{part}");
    }
    let manifest = std::fs::read_to_string(folder.path("model/1/manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    let curve = manifest["metrics"]["learning_curve"].as_array().unwrap();
    let shares: Vec<f64> = curve.iter().map(|point| point["share"].as_f64().unwrap()).collect();
    assert_eq!(shares, [0.1, 0.25, 0.5, 0.75, 1.0]);
    assert_eq!(curve[4]["rows"], 96.0);
    assert!(curve[0]["rows"].as_f64().unwrap() < 15.0);

    let later = folder.path("later.html");
    assert_eq!(run(&["evaluate", &data, "--model", &model, "--report", &later]).code, 0);
    assert!(std::fs::read_to_string(&later).unwrap().contains("学习曲线"));
    let no_folds = ["train", &data, "--model", &model, "--folds", "0", "--report", &page];
    assert_eq!(run(&no_folds).code, 2);
}

#[test]
fn each_way_of_calibration_is_kept_with_the_model_and_used_once() {
    let folder = Folder::new();
    let data = folder.file("data.jsonl", labelled(&THREE, 12));
    let model = folder.path("m");
    for (version, way, kept) in [
        (1, "none", "softmax"),
        (2, "temperature", "temperature"),
        (3, "matrix", "matrix"),
        (4, "isotonic", "isotonic"),
    ] {
        let options = ["--folds", "2", "--calibration", way, "--without", "characters", "--json"];
        let trained = run(&[&["train", &data, "--model", &model], &options[..]].concat());
        assert_eq!(trained.code, 0, "{}", trained.stderr);
        let report: Value = serde_json::from_str(&trained.stdout).unwrap();
        assert_eq!(report["training"]["calibration"]["method"], way);
        let scores = &report["metrics"]["calibration"];
        let changed = scores["before"] != scores["after"];
        assert_eq!(changed, way != "none", "{scores}");
        assert_eq!(scores["after"]["log_loss"], report["metrics"]["metrics"]["log_loss"]);
        let read = |name: &str| fs::read_to_string(format!("{model}/{version}/{name}")).unwrap();
        let decisions: Value = serde_json::from_str(&read("decisions.json")).unwrap();
        let calibrator = &decisions["calibrator"];
        assert!(calibrator == kept || calibrator.get(kept).is_some(), "{calibrator}");
        assert!(read("MODEL_CARD.md").contains(&format!("Calibration: {way}.")));
    }
    // Kept out of fold are the probabilities before calibration, the same whichever way.
    let kept = |version: u32| fs::read(format!("{model}/{version}/out-of-fold.csv")).unwrap();
    assert!((2..=4).all(|version| kept(version) == kept(1)));
    let confidence = |version: u32| {
        let path = format!("{model}/{version}");
        let said = run(&["predict", "--model", &path, "--json", "客户已逾期失联查封"]);
        let said: Value = serde_json::from_str(&said.stdout).unwrap();
        said["probabilities"]["risky"].as_f64().unwrap()
    };
    assert!((2..=4).all(|version| confidence(version) != confidence(1)));
}

#[test]
fn a_search_writes_what_it_tried_and_is_the_same_at_one_and_at_two_threads() {
    let folder = Folder::new();
    let data = folder.file("data.jsonl", labelled(&THREE, 12));
    for threads in ["1", "2"] {
        let model = folder.path(&format!("{threads}/m"));
        let options = ["--folds", "2", "--search", "--threads", threads, "--char-min-df", "2"];
        let trained = run(&[&["train", &data, "--model", &model], &options[..]].concat());
        assert_eq!(trained.code, 0, "{}", trained.stderr);
        for expected in ["char n-grams", "negation", "the same comments, so these figures flatter"]
        {
            assert!(trained.stdout.contains(expected), "{expected} not in {}", trained.stdout);
        }
    }
    let read = |threads: &str, name: &str| {
        fs::read_to_string(folder.path(&format!("{threads}/m/1/{name}"))).unwrap()
    };
    for name in ["manifest.json", "MODEL_CARD.md", "decisions.json", "out-of-fold.csv"] {
        assert!(read("1", name) == read("2", name), "{name} differs");
    }
    assert!(read("1", "MODEL_CARD.md").contains("## How its settings were chosen"));
    let manifest: Value = serde_json::from_str(&read("1", "manifest.json")).unwrap();
    let pipeline: Value = serde_json::from_str(&read("1", "pipeline.json")).unwrap();
    let tried = manifest["training"]["search"].as_array().unwrap();
    let taken = |setting: &str| {
        let of_setting = tried.iter().filter(|trial| trial["setting"] == setting);
        let taken: Vec<&Value> = of_setting.filter(|trial| trial["taken"] == true).collect();
        assert_eq!(taken.len(), 1, "{setting}");
        taken[0]["value"].as_str().unwrap().to_owned()
    };
    for part in ["clauses", "quantities", "negation"] {
        assert_eq!(pipeline["text"][part] == true, taken(part) == "on", "{part}");
    }
    assert_eq!(format!("1-{}", pipeline["features"]["max_ngram"]), taken("word n-grams"));
}

#[test]
fn a_nested_search_says_that_its_figures_come_from_comments_with_no_part_in_choosing() {
    let folder = Folder::new();
    let data = folder.file("data.jsonl", labelled(&THREE, 12));
    let model = folder.path("m");
    let arguments = [
        "train",
        &data,
        "--model",
        &model,
        "--folds",
        "2",
        "--search=nested",
        "--char-min-df",
        "2",
    ];
    let trained = run(&arguments);
    assert_eq!(trained.code, 0, "{}", trained.stderr);
    let said = "settings were chosen in each fold anew, without the comments held out";
    assert!(trained.stdout.contains(said), "{}", trained.stdout);
    let card = fs::read_to_string(format!("{model}/1/MODEL_CARD.md")).unwrap();
    assert!(card.contains(said));
}
