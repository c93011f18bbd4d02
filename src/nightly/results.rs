//! Results and refusals as rows of the sink.

use serde_json::Value as Json;

use super::ledger::Batch;
use super::source::{Progress, SourceRow};
use crate::batch::{Verdict, refusal_reason};
use crate::model::{ClassIndex, ClassifyError, RiskClassifier};
use crate::records::RefusalReason;
use crate::records::database::Value;

/// Makes rows of a run.
pub(super) struct RowMaker<'a> {
    pub(super) run: i64,
    pub(super) date: &'a str,
    pub(super) classifier: &'a RiskClassifier,
    pub(super) model: String,
}

/// The class whose probability is the risk of a review: the most severe one; without severities,
/// the last.
pub(super) fn gravest_class(classifier: &RiskClassifier) -> ClassIndex {
    let labels = classifier.labels().iter().enumerate();
    labels.max_by_key(|(_, label)| label.severity).map_or(0, |(class, _)| class)
}

impl RowMaker<'_> {
    /// Adds a row, and what became of it, to `batch`.
    pub(super) fn add(
        &self,
        batch: &mut Batch,
        row: SourceRow,
        verdict: Option<Result<Verdict, ClassifyError>>,
        now: &str,
    ) {
        let SourceRow { position, key, id, refusal, .. } = row;
        match (refusal, verdict, id) {
            (None, Some(Ok(verdict)), Some(id)) => {
                batch.needs_human += u64::from(verdict.prediction.needs_human);
                batch.results.push(self.result(id, &key, &verdict, now));
            }
            (refusal, verdict, id) => {
                let reason = match (refusal, verdict) {
                    (Some(reason), _) => reason,
                    (None, Some(Err(error))) => refusal_reason(error),
                    (None, _) => RefusalReason::EmptyComment,
                };
                batch.rejected.push(vec![
                    self.run.into(),
                    position.into(),
                    // What no database takes is left out.
                    id.map(|id| id.replace('\0', "")).into(),
                    reason.code().into(),
                    reason.to_string().into(),
                ]);
            }
        }
        batch.progress = Progress { read: position, last_key: Some(key) };
    }

    fn result(&self, id: String, key: &Value, verdict: &Verdict, now: &str) -> Vec<Value> {
        let labels = self.classifier.labels();
        let prediction = &verdict.prediction;
        let label = |class: ClassIndex| Value::from(labels.get(class).id.as_str());
        let probabilities: serde_json::Map<String, Json> = labels
            .iter()
            .zip(&prediction.probabilities)
            .map(|(label, &probability)| (label.id.clone(), probability.into()))
            .collect();
        let reasons = (!verdict.reasons.is_empty()).then(|| {
            let reasons = verdict.reasons.iter().map(|reason| {
                serde_json::json!({
                    "words": reason.words.replace('\0', ""), "contribution": reason.contribution,
                })
            });
            Json::Array(reasons.collect()).to_string()
        });
        vec![
            self.run.into(),
            id.into(),
            self.date.into(),
            label(prediction.class),
            label(prediction.most_likely),
            prediction.confidence().into(),
            prediction.probabilities[gravest_class(self.classifier)].into(),
            Json::Object(probabilities).to_string().into(),
            i64::from(prediction.needs_human).into(),
            reasons.into(),
            self.model.as_str().into(),
            serde_json::to_string(key).unwrap_or_default().into(),
            now.into(),
        ]
    }
}
