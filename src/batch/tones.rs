//! How grave a label is among the others, for colours.

use crate::model::LabelSet;
use crate::records::Tone;

/// The tone of each label: good for the least severe, bad for the most severe, and between; none
/// where the severity is not known.
#[must_use]
pub fn tones(labels: &LabelSet) -> Vec<Option<Tone>> {
    let severities = || labels.iter().filter_map(|label| label.severity);
    let (least, most) = (severities().min(), severities().max());
    labels
        .iter()
        .map(|label| match label.severity {
            None => None,
            severity if severity == most => Some(Tone::Bad),
            severity if severity == least => Some(Tone::Good),
            Some(_) => Some(Tone::Watch),
        })
        .collect()
}
