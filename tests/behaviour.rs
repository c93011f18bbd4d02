//! The laws of `examples/behaviour` that hold without exception, and a floor under the others.

#[path = "../examples/behaviour/cases.rs"]
mod cases;
#[path = "../examples/behaviour/laws.rs"]
mod laws;

mod common;

use laws::{Case, Expectation, Law, Violation};
use postloan::model::RiskClassifier;
use postloan::text::{Analyzer, Segmenter, StopWords, TextSettings, UserDictionary};

/// What a law was tried on, and the first case in which it does not hold.
fn account(law: &Law, broken: &[Violation]) -> String {
    let first = broken.first().map_or_else(String::new, |first| {
        let Case { before, after } = first.case;
        format!(", such as {before} ({}) → {after} ({})", first.before, first.after)
    });
    let (name, expected) = (law.name, law.expectation.words());
    format!("{name} ({expected}): {} of {} broken{first}", broken.len(), law.cases.len())
}

#[test]
fn what_text_processing_guarantees_holds_without_exception() {
    let classifier = RiskClassifier::open(common::SHIPPED_MODEL).unwrap();
    let has_privacy = classifier.manifest().training["text"]["privacy"] == true;
    let corpus = cases::corpus(common::CORPUS).unwrap();
    let mut tried = 0;
    for law in laws::laws(&corpus) {
        let guaranteed = match law.expectation {
            Expectation::Identical => true,
            // A model of before there was privacy keeps its text settings.
            Expectation::IdenticalWithPrivacy => has_privacy,
            _ => false,
        };
        if guaranteed {
            let broken = law.violations(&classifier).unwrap();
            assert!(broken.is_empty(), "{}", account(&law, &broken));
            tried += law.cases.len();
        }
    }
    assert!(tried >= 300, "{tried}");
}

#[test]
fn what_points_at_a_person_becomes_the_same_terms_without_exception() {
    let dictionary = UserDictionary::banking().unwrap();
    let segmenter = Segmenter::new(&dictionary);
    let analyzer = Analyzer::new(segmenter, StopWords::default(), TextSettings::FULL);
    let terms = |comment: &str| {
        let analyzed = analyzer.analyzed(comment);
        let words: Vec<String> = analyzed.words().map(str::to_owned).collect();
        let characters: Vec<String> = analyzed.characters().map(str::to_owned).collect();
        (words, characters)
    };
    let corpus = cases::corpus(common::CORPUS).unwrap();
    let mut tried = 0;
    for law in laws::laws(&corpus) {
        if law.expectation == Expectation::IdenticalWithPrivacy {
            for case in &law.cases {
                assert_eq!(terms(&case.before), terms(&case.after), "{}", law.name);
                tried += 1;
            }
        }
    }
    assert!(tried >= 300, "{tried}");
}

#[test]
fn every_law_is_tried_and_most_cases_obey() {
    let classifier = RiskClassifier::open(common::SHIPPED_MODEL).unwrap();
    let corpus = cases::corpus(common::CORPUS).unwrap();
    let (mut cases, mut broken) = (0, 0);
    let mut accounts = Vec::new();
    for law in laws::laws(&corpus) {
        assert!(law.cases.len() >= 8, "{}: {} cases", law.name, law.cases.len());
        cases += law.cases.len();
        let violations = law.violations(&classifier).unwrap();
        broken += violations.len();
        accounts.push(account(&law, &violations));
    }
    assert!(cases >= 1000, "{cases}");
    // A model that got much worse at this should not be shipped unseen.
    assert!(broken * 10 <= cases, "{broken} of {cases}:\n{}", accounts.join("\n"));
}
