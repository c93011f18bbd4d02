//! A prediction in JSON, whichever door it came from.

use serde::Serialize;

/// A prediction.
#[derive(Debug, Serialize)]
pub(super) struct PredictionJson<'a> {
    /// The id of a file's record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<&'a str>,
    pub(super) label: &'a str,
    pub(super) name: &'a str,
    pub(super) confidence: f64,
    /// The label of the highest score, whatever prior and costs say.
    pub(super) most_likely: &'a str,
    pub(super) needs_human: bool,
    pub(super) probabilities: serde_json::Map<String, serde_json::Value>,
    pub(super) model: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) explanation: Option<ExplanationJson<'a>>,
}

#[derive(Debug, Serialize)]
pub(super) struct ExplanationJson<'a> {
    pub(super) score: f64,
    pub(super) intercept: f64,
    /// Parts of the text that do not overlap, for people.
    pub(super) phrases: Vec<PhraseJson<'a>>,
    /// Single terms.
    pub(super) reasons: Vec<ReasonJson<'a>>,
}

#[derive(Debug, Serialize)]
pub(super) struct PhraseJson<'a> {
    pub(super) words: &'a str,
    pub(super) contribution: f64,
    /// Where it stands: `[start, end)` in bytes of the text.
    pub(super) range: [usize; 2],
}

#[derive(Debug, Serialize)]
pub(super) struct ReasonJson<'a> {
    pub(super) term: &'a str,
    pub(super) contribution: f64,
    pub(super) words: &'a str,
    /// Where the term stands: `[start, end)` in bytes of the text.
    pub(super) ranges: Vec<[usize; 2]>,
}
