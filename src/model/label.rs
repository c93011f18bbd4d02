//! The labels a model tells apart: data, not code.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The position of a label in its [`LabelSet`], and of its column in a model's weights.
pub type ClassIndex = usize;

/// One label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// What stands in data and in output, such as `watch`.
    pub id: String,
    /// What people read, such as 关注风险.
    pub name: String,
    /// The order of severity: a higher number is worse. Unknown where no label file gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<u32>,
}

/// What is wrong with a set of labels.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum LabelError {
    /// There are too few or too many.
    #[error("expected {min} to {max} labels, found {found}", min = LabelSet::MIN, max = LabelSet::MAX)]
    Count {
        /// How many there are.
        found: usize,
    },
    /// A label stands twice.
    #[error("label `{0}` stands twice")]
    Repeated(String),
    /// A label's id cannot be used as a column name.
    #[error("label `{0}`: an id is 1 to 64 visible characters without white space, comma or quote")]
    Id(String),
    /// The label file is not of the form described at [`LabelSet::parse`].
    #[error("expected `[[label]]` tables with id, name and severity: {0}")]
    File(String),
    /// A record's label is not in the set.
    #[error("label `{found}` is not one of {known}")]
    Unknown {
        /// The label found.
        found: String,
        /// The labels of the set, separated by commas.
        known: String,
    },
}

/// The labels of a model, 2 to 50, in the order of its outputs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Label>", into = "Vec<Label>")]
pub struct LabelSet(Vec<Label>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LabelFile {
    label: Vec<Label>,
}

impl LabelSet {
    /// The fewest labels a model tells apart.
    pub const MIN: usize = 2;
    /// The most labels a model tells apart.
    pub const MAX: usize = 50;

    /// A set of the given labels, in their order.
    ///
    /// # Errors
    ///
    /// Fewer than 2 or more than 50, one that stands twice, or an id that cannot be a column name.
    pub fn new(labels: Vec<Label>) -> Result<Self, LabelError> {
        if !(Self::MIN..=Self::MAX).contains(&labels.len()) {
            return Err(LabelError::Count { found: labels.len() });
        }
        let mut seen = BTreeSet::new();
        for label in &labels {
            let usable = (1..=64).contains(&label.id.chars().count())
                && !label.id.contains(|c: char| {
                    c.is_whitespace() || c.is_control() || matches!(c, ',' | '"')
                });
            if !usable {
                return Err(LabelError::Id(label.id.clone()));
            }
            if !seen.insert(&label.id) {
                return Err(LabelError::Repeated(label.id.clone()));
            }
        }
        Ok(Self(labels))
    }

    /// `normal` (贷款正常), `watch` (关注风险) and `risky` (有风险), in order of severity.
    #[must_use]
    pub fn post_loan() -> Self {
        let label = |id: &str, name: &str, severity| Label {
            id: id.to_owned(),
            name: name.to_owned(),
            severity: Some(severity),
        };
        Self(vec![
            label("normal", "贷款正常", 0),
            label("watch", "关注风险", 1),
            label("risky", "有风险", 2),
        ])
    }

    /// Reads a label file: TOML, one `[[label]]` table for each label with its `id`, `name` and
    /// `severity`. The set is in order of severity.
    ///
    /// # Errors
    ///
    /// A file of another form, or one of the errors of [`new`](Self::new).
    pub fn parse(source: &str) -> Result<Self, LabelError> {
        let LabelFile { label: mut labels } = toml::from_str(source).map_err(|error| {
            let before = &source[..error.span().map_or(0, |span| span.start)];
            let line = before.matches('\n').count() + 1;
            LabelError::File(format!("line {line}: {}", error.message()))
        })?;
        labels.sort_by_key(|label| label.severity);
        Self::new(labels)
    }

    /// The labels that stand in data: in order of severity if they are among those of
    /// [`post_loan`](Self::post_loan), otherwise sorted by id, named by it, and of no known
    /// severity.
    ///
    /// # Errors
    ///
    /// One of the errors of [`new`](Self::new).
    pub fn of_data<'a>(ids: impl IntoIterator<Item = &'a str>) -> Result<Self, LabelError> {
        let ids: BTreeSet<&str> = ids.into_iter().collect();
        let known: Vec<Label> = Self::post_loan()
            .0
            .into_iter()
            .filter(|label| ids.contains(label.id.as_str()))
            .collect();
        if known.len() == ids.len() {
            return Self::new(known);
        }
        let unnamed = |id: &str| Label { id: id.to_owned(), name: id.to_owned(), severity: None };
        Self::new(ids.into_iter().map(unnamed).collect())
    }

    /// The number of labels.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a set has at least two labels")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The labels in the order of the model's outputs.
    pub fn iter(&self) -> std::slice::Iter<'_, Label> {
        self.0.iter()
    }

    /// The label at `class`.
    ///
    /// # Panics
    ///
    /// If there is no such class.
    #[must_use]
    pub fn get(&self, class: ClassIndex) -> &Label {
        &self.0[class]
    }

    /// The class of the label whose id is `id`.
    ///
    /// # Errors
    ///
    /// [`LabelError::Unknown`] if it is not in the set.
    pub fn class_of(&self, id: &str) -> Result<ClassIndex, LabelError> {
        self.0.iter().position(|label| label.id == id).ok_or_else(|| LabelError::Unknown {
            found: id.to_owned(),
            known: self.ids().join(", "),
        })
    }

    /// The ids in the order of the model's outputs.
    #[must_use]
    pub fn ids(&self) -> Vec<&str> {
        self.0.iter().map(|label| label.id.as_str()).collect()
    }
}

impl TryFrom<Vec<Label>> for LabelSet {
    type Error = LabelError;

    fn try_from(labels: Vec<Label>) -> Result<Self, LabelError> {
        Self::new(labels)
    }
}

impl From<LabelSet> for Vec<Label> {
    fn from(labels: LabelSet) -> Self {
        labels.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_labels_of_data_are_named_and_in_order_of_severity() {
        assert_eq!(LabelSet::of_data(["risky", "normal", "watch"]), Ok(LabelSet::post_loan()));
        let two = LabelSet::of_data(["risky", "normal", "risky"]).unwrap();
        assert_eq!(two.ids(), ["normal", "risky"]);
        assert_eq!(two.get(1).name, "有风险");
    }

    #[test]
    fn other_labels_of_data_are_sorted_and_of_no_severity() {
        let labels = LabelSet::of_data(["2", "0", "normal"]).unwrap();
        assert_eq!(labels.ids(), ["0", "2", "normal"]);
        assert_eq!(labels.get(2).name, "normal");
        assert!(labels.iter().all(|label| label.severity.is_none()));
    }

    #[test]
    fn a_label_file_orders_by_severity() {
        let labels = LabelSet::parse(
            "[[label]]\nid = \"bad\"\nname = \"损失\"\nseverity = 3\n\
             [[label]]\nid = \"good\"\nname = \"正常\"\nseverity = 0\n",
        )
        .unwrap();
        assert_eq!(labels.ids(), ["good", "bad"]);
        assert_eq!(labels.get(1).severity, Some(3));
    }

    #[test]
    fn a_label_file_of_another_form_is_refused() {
        for source in ["", "label = 3", "[[label]]\nid = \"a\"\n", "[[label]]\nid=\"a\"\nnam=\"b\""]
        {
            assert!(matches!(LabelSet::parse(source), Err(LabelError::File(_))), "{source}");
        }
    }

    #[test]
    fn sets_that_cannot_be_are_refused() {
        let of = |ids: &[&str]| LabelSet::of_data(ids.iter().copied());
        assert_eq!(of(&["only"]), Err(LabelError::Count { found: 1 }));
        assert_eq!(of(&["a,b", "c"]), Err(LabelError::Id("a,b".to_owned())));
        assert_eq!(of(&["", "c"]), Err(LabelError::Id(String::new())));
        let many: Vec<String> = (0..51).map(|i| i.to_string()).collect();
        assert_eq!(
            LabelSet::of_data(many.iter().map(String::as_str)),
            Err(LabelError::Count { found: 51 })
        );
        let twice = vec![LabelSet::post_loan().get(0).clone(); 2];
        assert_eq!(LabelSet::new(twice), Err(LabelError::Repeated("normal".to_owned())));
    }

    #[test]
    fn an_unknown_label_names_itself_and_the_known_ones() {
        let error = LabelSet::post_loan().class_of("frozen").unwrap_err();
        assert_eq!(error.to_string(), "label `frozen` is not one of normal, watch, risky");
    }
}
