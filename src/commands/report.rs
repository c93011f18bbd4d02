//! The evaluation report, which several commands write.

use clap::Args;
use rayon::prelude::*;

use super::failure::Failure;
use crate::evaluation::{
    EvaluationReport, LENGTH_FIELD, LearningPoint, MetricsByField, Mistake, Origin, Scored,
    StrongestTerms, TermShare, length_band,
};
use crate::model::{Phrase, Phrases, RiskClassifier};
use crate::records::Review;
use crate::report::Language;

/// How many terms are shown for each label.
const TERMS: usize = 15;

/// How a report is written.
#[derive(Debug, Clone, Args)]
pub(super) struct ReportOptions {
    /// The language of the report
    #[arg(long, value_name = "LANGUAGE", default_value = "zh", help_heading = "Report")]
    lang: Language,
    /// How many wrong predictions to show in the report, the worst first
    #[arg(long, value_name = "N", default_value_t = 30, help_heading = "Report")]
    mistakes: usize,
}

impl ReportOptions {
    /// The rows of the wrong predictions that a report shows.
    pub(super) fn mistakes(&self, scored: &[Scored]) -> Vec<usize> {
        EvaluationReport::worst(scored, self.mistakes)
    }
}

/// The report on a model's predictions of `reviews`, whose optional fields are those of `by` and
/// then the id. The mistakes are explained by `explainer`, where it makes them, too.
pub(super) fn report_of_model(
    classifier: &RiskClassifier,
    options: &ReportOptions,
    reviews: &[Review],
    by: &[String],
    scored: &[Scored],
    (origin, explainer): (Origin, Option<&RiskClassifier>),
) -> Result<String, Failure> {
    let labels = classifier.labels();
    let learning_curve = &classifier.manifest().metrics["learning_curve"];
    let learning_curve: Vec<LearningPoint> =
        serde_json::from_value(learning_curve.clone()).unwrap_or_default();
    let mut mistakes = Vec::new();
    for row in options.mistakes(scored) {
        let review = &reviews[row];
        let explanation = explainer.map(|model| model.worker().explain(&review.text)).transpose();
        let explanation = explanation
            .map_err(|error| Failure::input(error).context(format!("line {}", review.line)))?
            .filter(|explanation| explanation.prediction.class == scored[row].predicted);
        let phrases = explanation.map_or_else(Vec::new, |explanation| {
            Phrases::of(&review.text, &explanation.reasons).phrases
        });
        mistakes.push(mistake(review, by, &scored[row], phrases));
    }
    let report = EvaluationReport {
        language: options.lang,
        model: classifier.id().to_string(),
        software: concat!("postloan ", env!("CARGO_PKG_VERSION")).to_owned(),
        labels,
        origin,
        scored,
        fields: fields(classifier, reviews, by, scored),
        learning_curve,
        terms: strongest_terms(classifier, reviews)?,
        mistakes,
    };
    Ok(report.to_html())
}

fn mistake<'a>(
    review: &'a Review,
    by: &[String],
    scored: &'a Scored,
    phrases: Vec<Phrase>,
) -> Mistake<'a> {
    let id = review.optional.last().filter(|id| !id.is_empty());
    Mistake {
        id: id.cloned().unwrap_or_else(|| format!("#{}", review.line)),
        text: &review.text,
        fields: by.iter().cloned().zip(review.optional.iter().cloned()).collect(),
        scored,
        phrases,
    }
}

/// The metrics by each field of `by`, and by length.
fn fields(
    classifier: &RiskClassifier,
    reviews: &[Review],
    by: &[String],
    scored: &[Scored],
) -> Vec<MetricsByField> {
    let labels = classifier.labels();
    let by_field = by.iter().enumerate().map(|(position, field)| {
        let values = reviews.iter().map(|review| review.optional[position].as_str());
        MetricsByField::of(labels, field, values.zip(scored))
    });
    let lengths = reviews.iter().map(|review| length_band(&review.text));
    let by_length = MetricsByField::of(labels, LENGTH_FIELD, lengths.zip(scored));
    by_field.chain([by_length]).collect()
}

/// For each label the terms that the model's decisions on `reviews` went by.
fn strongest_terms(
    classifier: &RiskClassifier,
    reviews: &[Review],
) -> Result<Vec<Vec<TermShare>>, Failure> {
    /// Explanations are large: only those of so many comments are in memory at once.
    const AT_ONCE: usize = 512;
    let mut terms = StrongestTerms::new(classifier.labels().len());
    for reviews in reviews.chunks(AT_ONCE) {
        let explanations: Vec<_> = reviews
            .par_iter()
            .map_init(|| classifier.worker(), |worker, review| worker.explain(&review.text))
            .collect::<Result<_, _>>()
            .map_err(Failure::input)?;
        // In the order of the comments: sums depend on it in their last bits.
        for explanation in explanations {
            terms.add(explanation.prediction.class, &explanation.reasons);
        }
    }
    Ok(terms.strongest(TERMS))
}
