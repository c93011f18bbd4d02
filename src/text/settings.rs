//! Which parts of understanding a text are on.

use serde::{Deserialize, Serialize};

/// Which parts of text understanding are on. Each is kept with a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextSettings {
    /// Clauses: no n-gram reaches across the end of one.
    pub clauses: bool,
    /// Quantities: numbers with their units become buckets, such as ⟨31–60天⟩.
    pub quantities: bool,
    /// Negation: a denied word becomes another word, such as ¬逾期.
    pub negation: bool,
    /// Layout: items of numbered lists, fields of forms and blanks between ideographs begin
    /// sentences or clauses, too.
    #[serde(default)]
    pub layout: bool,
    /// Trends: a percentage knows whether it is a rise or a fall, and so does the way from one
    /// quantity to another.
    #[serde(default)]
    pub trends: bool,
    /// Hypotheticals: a word behind 若, 如果 or 一旦 becomes another word, such as ?逾期, to the end
    /// of the sentence.
    #[serde(default)]
    pub hypotheticals: bool,
    /// Privacy: numbers and names that point at a person become classes, such as ⟨姓名⟩, before
    /// anything is learned. Models of before there was this part have it off.
    #[serde(default)]
    pub privacy: bool,
}

impl TextSettings {
    /// Words as they stand, and nothing else.
    pub const PLAIN: Self = Self {
        clauses: false,
        quantities: false,
        negation: false,
        layout: false,
        trends: false,
        hypotheticals: false,
        privacy: false,
    };

    /// All parts.
    pub const FULL: Self = Self {
        clauses: true,
        quantities: true,
        negation: true,
        layout: true,
        trends: true,
        hypotheticals: true,
        privacy: true,
    };
}

/// Plain: what a model of before there were such settings was trained with.
impl Default for TextSettings {
    fn default() -> Self {
        Self::PLAIN
    }
}
