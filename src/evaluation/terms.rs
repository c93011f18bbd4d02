//! The terms that decisions went by.

use std::collections::HashMap;

use crate::model::{ClassIndex, Reason};

/// A term and what it did.
#[derive(Debug, Clone, PartialEq)]
pub struct TermShare {
    /// The term, as it is written in a model's vocabulary.
    pub term: String,
    /// What it contributed to the score of a label, all comments together.
    pub contribution: f64,
    /// In how many comments.
    pub comments: u64,
}

/// Adds up, for each label, what each term did for it.
#[derive(Debug, Clone)]
pub struct StrongestTerms {
    labels: Vec<HashMap<String, (f64, u64)>>,
}

impl StrongestTerms {
    /// Nothing added up yet, for so many labels.
    #[must_use]
    pub fn new(labels: usize) -> Self {
        Self { labels: vec![HashMap::new(); labels] }
    }

    /// Adds the reasons that spoke for the label a comment was given.
    pub fn add(&mut self, predicted: ClassIndex, reasons: &[Reason]) {
        let terms = &mut self.labels[predicted];
        for reason in reasons.iter().filter(|reason| reason.contribution > 0.0) {
            match terms.get_mut(&reason.term) {
                Some((contribution, comments)) => {
                    *contribution += reason.contribution;
                    *comments += 1;
                }
                None => {
                    terms.insert(reason.term.clone(), (reason.contribution, 1));
                }
            }
        }
    }

    /// For each label the terms that did most for it, at most `limit`: those of two letters or
    /// more, since a character by itself says nothing to a reader. A term that is part of a
    /// stronger one, or has a stronger one in it, is left out: it is the same words again.
    #[must_use]
    pub fn strongest(self, limit: usize) -> Vec<Vec<TermShare>> {
        self.labels.into_iter().map(|terms| strongest(terms, limit)).collect()
    }
}

fn strongest(terms: HashMap<String, (f64, u64)>, limit: usize) -> Vec<TermShare> {
    let letters = |term: &str| term.chars().filter(|c| c.is_alphanumeric()).count();
    let mut sorted: Vec<TermShare> = terms
        .into_iter()
        .filter(|(term, _)| letters(term) > 1)
        .map(|(term, (contribution, comments))| TermShare { term, contribution, comments })
        .collect();
    sorted.sort_by(|a, b| {
        b.contribution.total_cmp(&a.contribution).then_with(|| a.term.cmp(&b.term))
    });
    let joined = |term: &TermShare| term.term.replace(' ', "");
    let mut kept: Vec<TermShare> = Vec::new();
    for term in sorted {
        if kept.len() == limit {
            break;
        }
        let name = joined(&term);
        let again =
            kept.iter().map(joined).any(|other| other.contains(&name) || name.contains(&other));
        if !again {
            kept.push(term);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(term: &str, contribution: f64) -> Reason {
        Reason { term: term.to_owned(), contribution, ranges: vec![] }
    }

    #[test]
    fn terms_are_added_up_by_label_and_the_same_words_stand_once() {
        let mut terms = StrongestTerms::new(2);
        terms.add(0, &[reason("失联", 1.0), reason("联", 0.9), reason("已 失联", 0.8)]);
        terms.add(0, &[reason("逾期", 0.6), reason("失联", 0.5), reason("按时", -2.0)]);
        let [first, second] = &terms.strongest(5)[..] else { panic!("two labels") };
        assert!(second.is_empty());
        let shown: Vec<_> =
            first.iter().map(|term| (&*term.term, term.contribution, term.comments)).collect();
        assert_eq!(shown, [("失联", 1.5, 2), ("逾期", 0.6, 1)]);
    }
}
