//! The one classifier: reasons, ranges, buffers, and the same answer through every door.

mod common;

use std::fs;

use common::{Folder, SHIPPED_MODEL, labelled, run};
use postloan::model::{ClassifyError, MAX_COMMENT_CHARS, RiskClassifier};
use serde_json::Value;

const COMMENTS: [&str; 4] = [
    "多次上门无人，电话停机，疑似失联，已欠息三个月。",
    "　ＬＴＶ　６５％，按时还款；\r\n未见异常　",
    "订单下滑三成，账期拉长，暂能还息\u{200b}。",
    "！！！",
];

fn classifier() -> RiskClassifier {
    RiskClassifier::open(SHIPPED_MODEL).unwrap()
}

#[test]
fn contributions_and_intercept_add_up_to_the_score() {
    // Words alone, one stage, two labels.
    let folder = Folder::new();
    let data = folder.file("data.jsonl", labelled(&["normal", "risky"], 6));
    let plain = folder.path("plain");
    let trained = run(&["train", &data, "--model", &plain, "--folds", "0", "--without", "all"]);
    assert_eq!(trained.code, 0, "{}", trained.stderr);
    let plain = RiskClassifier::open(&plain).unwrap();
    let of_training: Value =
        serde_json::from_str(fs::read_to_string(&data).unwrap().lines().next().unwrap()).unwrap();
    let known = of_training["text"].as_str().unwrap().repeat(3);
    for (classifier, comments) in [(classifier(), &COMMENTS[..]), (plain, &[&*known, COMMENTS[0]])]
    {
        let mut worker = classifier.worker();
        for comment in comments {
            let explanation = worker.explain(comment).unwrap();
            let sum: f64 = explanation.reasons.iter().map(|reason| reason.contribution).sum();
            let difference = explanation.intercept + sum - explanation.score;
            assert!(difference.abs() < 1e-9, "{comment}: {difference}");
            let probabilities: f64 = explanation.prediction.probabilities.iter().sum();
            assert!((probabilities - 1.0).abs() < 1e-12);
        }
        assert!(!worker.explain(comments[0]).unwrap().reasons.is_empty());
    }
}

#[test]
fn each_reason_stands_in_the_comment_where_it_says() {
    let comment = COMMENTS[1];
    let explanation = classifier().worker().explain(comment).unwrap();
    let share = explanation.reasons.iter().find(|reason| reason.term == "⟨51–80%⟩").unwrap();
    assert_eq!(share.words(comment), "６５％");
    let bigram = explanation.reasons.iter().find(|reason| reason.term == "按时 还款").unwrap();
    assert_eq!(bigram.words(comment), "按时还款");
    for reason in &explanation.reasons {
        assert!(!reason.ranges.is_empty(), "{}", reason.term);
        for range in &reason.ranges {
            assert!(comment.get(range.clone()).is_some_and(|words| !words.is_empty()));
        }
    }
    let supporting = explanation.supporting(2);
    assert_eq!(supporting, &explanation.reasons[..2]);
    assert!(supporting[0].contribution >= supporting[1].contribution);
}

#[test]
fn a_comment_of_no_known_term_gets_the_intercept_alone() {
    let explanation = classifier().worker().explain("☃☃☃").unwrap();
    assert!(explanation.reasons.is_empty());
    assert!((explanation.score - explanation.intercept).abs() < 1e-9, "{explanation:?}");
}

#[test]
fn a_warm_worker_answers_as_a_new_one() {
    let classifier = classifier();
    let mut warm = classifier.worker();
    for comment in COMMENTS.iter().chain(COMMENTS.iter().rev()) {
        assert_eq!(warm.classify(comment), classifier.classify(comment));
        assert_eq!(
            warm.explain(comment).unwrap().prediction,
            classifier.classify(comment).unwrap()
        );
    }
}

#[test]
fn an_empty_and_an_over_long_comment_are_refused_and_the_longest_is_not() {
    let classifier = classifier();
    for empty in ["", " \n\u{3000}", "\u{200b}"] {
        assert_eq!(classifier.classify(empty), Err(ClassifyError::Empty));
    }
    let longest = "贷".repeat(MAX_COMMENT_CHARS);
    assert!(classifier.classify(&longest).is_ok());
    let (chars, limit) = (MAX_COMMENT_CHARS + 1, MAX_COMMENT_CHARS);
    assert_eq!(
        classifier.classify(&(longest + "款")),
        Err(ClassifyError::TooLong { chars, limit })
    );
}

#[test]
fn a_warm_worker_allocates_nothing_per_term() {
    let classifier = classifier();
    let mut worker = classifier.worker();
    let sentence = "客户经营正常，按时还款，抵押物足值，未见其他不利情况。";
    let (short, long) = (sentence.repeat(5), sentence.repeat(100));
    worker.classify(&long).unwrap();
    worker.classify(&short).unwrap();
    let mut allocations = |comment: &str| {
        allocation_counter::measure(|| {
            worker.classify(comment).unwrap();
        })
        .count_total
    };
    // The terms as jieba gives them and the probabilities; the former may grow once.
    assert!(allocations(&short) <= 4, "{}", allocations(&short));
    assert!(allocations(&long) <= 4, "{}", allocations(&long));
}

#[test]
fn the_longest_comment_is_explained_in_time_that_grows_with_its_length() {
    let comment = "逾".repeat(MAX_COMMENT_CHARS);
    let explanation = classifier().worker().explain(&comment).unwrap();
    let places: usize = explanation.reasons.iter().map(|reason| reason.ranges.len()).sum();
    assert!(places >= MAX_COMMENT_CHARS, "{places}");
}

#[test]
fn every_door_gives_the_same_bits() {
    let folder = Folder::new();
    let comments = [COMMENTS[0], COMMENTS[2], COMMENTS[3]];
    let lines: String = comments
        .iter()
        .enumerate()
        .map(|(id, text)| serde_json::json!({"id": id, "text": text}).to_string() + "\n")
        .collect();
    let input = folder.file("day.jsonl", lines);
    let output = folder.path("out.jsonl");
    assert_eq!(run(&["batch", &input, "--output", &output]).code, 0);
    let batch = std::fs::read_to_string(&output).unwrap();

    let mut arguments = vec!["predict", "--json"];
    arguments.extend(comments);
    let predict = run(&arguments).stdout;

    let classifier = classifier();
    for ((batch, predict), comment) in batch.lines().zip(predict.lines()).zip(comments) {
        let batch: Value = serde_json::from_str(batch).unwrap();
        let predict: Value = serde_json::from_str(predict).unwrap();
        let prediction = classifier.classify(comment).unwrap();
        assert_eq!(batch["label"], predict["label"]);
        for (label, probability) in classifier.labels().iter().zip(&prediction.probabilities) {
            let same = |value: &Value| value.as_f64().unwrap().to_bits() == probability.to_bits();
            assert!(same(&batch[format!("p_{}", label.id)]));
            assert!(same(&predict["probabilities"][&label.id]));
        }
    }
}
