//! `postloan decide` and `postloan estimate-prior`, and what decisions do elsewhere.

mod common;

use std::fs;

use common::{Folder, labelled, run};
use serde_json::Value;

const THREE: [&str; 3] = ["normal", "watch", "risky"];

/// A model trained with cross-validation, in a folder of its own.
fn trained(folder: &Folder) -> String {
    let data = folder.file("data.jsonl", labelled(&THREE, 12));
    let model = folder.path("risk");
    let run = run(&["train", &data, "--model", &model, "--folds", "3", "--calibration", "none"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    model
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn a_decision_is_the_next_version_with_the_same_weights() {
    let folder = Folder::new();
    let model = trained(&folder);
    let decided = run(&[
        "decide",
        "--model",
        &model,
        "--costs",
        "default",
        "--prior",
        "normal=0.80,watch=0.13,risky=0.07",
        "--human-precision",
        "0.9",
    ]);
    assert_eq!(decided.code, 0, "{}", decided.stderr);
    assert!(decided.stdout.contains("recall risky"), "{}", decided.stdout);
    let read = |version: u32, file: &str| fs::read(format!("{model}/{version}/{file}")).unwrap();
    assert_eq!(read(1, "weights.safetensors"), read(2, "weights.safetensors"));
    let policy = json(&String::from_utf8(read(2, "decisions.json")).unwrap());
    assert_eq!(policy["costs"][2][0], 40.0);
    assert_eq!(policy["prior"][0], 0.8);
    assert_eq!(run(&["models", "verify", "--model", &model]).code, 0);

    let predicted = run(&["predict", "--json", "--model", &model, "客户按时还款正常"]);
    let prediction = json(&predicted.stdout);
    assert_eq!(prediction["most_likely"], "normal");
    let reset = run(&["decide", "--model", &model, "--reset", "--json"]);
    assert_eq!(json(&reset.stdout)["policy"]["costs"], Value::Null);
}

#[test]
fn a_dry_run_writes_nothing() {
    let folder = Folder::new();
    let model = trained(&folder);
    let dry = run(&["decide", "--model", &model, "--costs", "default", "--dry-run"]);
    assert_eq!(dry.code, 0, "{}", dry.stderr);
    assert!(dry.stdout.ends_with("nothing was written\n"), "{}", dry.stdout);
    assert!(!fs::exists(format!("{model}/2")).unwrap());
}

#[test]
fn costs_and_priors_that_cannot_be_are_refused_in_one_sentence() {
    let folder = Folder::new();
    let model = trained(&folder);
    let costs = |contents: &str| folder.file("costs.toml", contents);
    for (arguments, sentence) in [
        (vec!["--prior".into(), "normal=1".into()], "--prior says nothing of `watch`"),
        (vec!["--prior".into(), "normal=.5,watch=.1,risky=.1".into()], "they sum to 1"),
        (vec!["--prior".into(), "calm=1".into()], "--prior: "),
        (vec!["--prior".into(), "estimate".into()], "`postloan estimate-prior DATA`"),
        (vec!["--costs".into(), folder.path("none.toml")], "No such file"),
        (vec!["--costs".into(), costs("[normal]\nwatch = 1")], "expected `risky = NUMBER`"),
        (vec!["--human-below".into(), "2".into()], "from 0 to 1"),
    ] {
        let mut command = vec!["decide", "--model", &model];
        command.extend(arguments.iter().map(String::as_str));
        let refused = run(&command);
        assert_eq!(refused.code, 2, "{}", refused.stderr);
        assert!(refused.stderr.contains(sentence), "{sentence} not in {}", refused.stderr);
        assert_eq!(refused.stderr.lines().count(), 1, "{}", refused.stderr);
    }
}

#[test]
fn the_shipped_costs_are_the_default_ones() {
    let folder = Folder::new();
    let model = trained(&folder);
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/data/costs.toml");
    let policy = |costs: &str| {
        let run = run(&["decide", "--model", &model, "--dry-run", "--json", "--costs", costs]);
        json(&run.stdout)["policy"]["costs"].clone()
    };
    assert_eq!(policy(shipped), policy("default"));
}

#[test]
fn a_prior_is_estimated_from_comments_without_labels_and_corrects_probabilities() {
    let folder = Folder::new();
    let model = trained(&folder);
    let line = |text: &str| serde_json::json!({"id": text, "text": text}).to_string() + "\n";
    let mut night = String::new();
    for number in 0..20 {
        let sign = if number < 18 { "按时还款正常" } else { "逾期失联查封" };
        night += &line(&format!("客户{sign}，第{number}次检查。"));
    }
    let night = folder.file("night.jsonl", night);
    let estimated = run(&["estimate-prior", &night, "--model", &model, "--json"]);
    assert_eq!(estimated.code, 0, "{}", estimated.stderr);
    let shares = json(&estimated.stdout)["shares"].clone();
    assert!((shares[0].as_f64().unwrap() - 0.9).abs() < 0.05, "{shares}");

    let output = folder.path("out.jsonl");
    let prior = "normal=0.9,watch=0.02,risky=0.08";
    let batch = run(&["batch", &night, "--output", &output, "--model", &model, "--prior", prior]);
    assert_eq!(batch.code, 0, "{}", batch.stderr);
    let first = json(fs::read_to_string(&output).unwrap().lines().next().unwrap());
    assert_eq!((&first["label"], &first["needs_human"]), (&"normal".into(), &"no".into()));
    let plain =
        json(&run(&["predict", "--json", "--model", &model, first["id"].as_str().unwrap()]).stdout);
    assert!(first["p_normal"].as_f64() > plain["probabilities"]["normal"].as_f64());
}
