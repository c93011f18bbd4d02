//! The one classifier that every door calls.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use rustc_hash::FxHashMap;
use thiserror::Error;

use super::bundle::{ModelBundle, ModelError};
use super::decision::{DecisionError, DecisionPolicy, Prediction};
use super::label::LabelSet;
use super::manifest::{Manifest, ModelId, hexadecimal};
use super::scorer::{Scorer, ScorerBuffers};
use super::store::resolve_version;
use crate::features::TermId;
use crate::text::{AnalyzedText, Analyzer, Segmenter, readable};

/// The longest comment that is classified, in characters: what a cell of a spreadsheet can hold.
pub const MAX_COMMENT_CHARS: usize = 32_767;

/// Why a comment cannot be classified.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ClassifyError {
    /// There is nothing visible in it.
    #[error("the comment is empty")]
    Empty,
    /// It is over the limit.
    #[error("the comment has {chars} characters; the limit is {limit}")]
    TooLong {
        /// Its length in characters.
        chars: usize,
        /// The limit in characters.
        limit: usize,
    },
}

/// A prediction with everything that led to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// The prediction.
    pub prediction: Prediction,
    /// The score of the predicted class, before calibration and prior: `intercept` plus all
    /// contributions, to within 1e-9.
    pub score: f64,
    /// The part of the score that no term gave: intercepts, and what the number of sentences
    /// says.
    pub intercept: f64,
    /// Every term of the comment that the model knows, from what spoke most for the predicted
    /// class to what spoke most against it.
    pub reasons: Vec<Reason>,
}

impl Explanation {
    /// At most `limit` reasons that spoke for the predicted class, the strongest first.
    #[must_use]
    pub fn supporting(&self, limit: usize) -> &[Reason] {
        let supporting = self.reasons.partition_point(|reason| reason.contribution > 0.0);
        &self.reasons[..supporting.min(limit)]
    }
}

/// A term and what it did to the score of the predicted class.
#[derive(Debug, Clone, PartialEq)]
pub struct Reason {
    /// The term in the model's vocabulary, as it is written in its file: words in normal form
    /// joined by spaces, or characters.
    pub term: String,
    /// What it added to the score: its weight × its TF-IDF value, through both stages.
    pub contribution: f64,
    /// The byte ranges in the comment where it stands, in order.
    pub ranges: Vec<Range<usize>>,
}

impl Reason {
    /// The words of `comment`, from which the reason was given, where the term first stands.
    #[must_use]
    pub fn words<'c>(&self, comment: &'c str) -> &'c str {
        self.ranges.first().and_then(|range| comment.get(range.clone())).unwrap_or_default()
    }
}

/// A trained model, ready to classify.
///
/// Cloning is cheap: clones share one immutable model. Each thread classifies with a [`Worker`]
/// of its own.
///
/// # Examples
///
/// ```
/// use postloan::model::RiskClassifier;
///
/// let classifier = RiskClassifier::open("models/post-loan-risk")?;
/// let mut worker = classifier.worker();
///
/// let comment = "多次上门无人，电话停机，疑似失联，已欠息三个月。";
/// let prediction = worker.classify(comment)?;
/// assert_eq!(classifier.labels().get(prediction.class).id, "risky");
///
/// let explanation = worker.explain(comment)?;
/// for reason in explanation.supporting(3) {
///     println!("{:+.2} {}", reason.contribution, reason.words(comment));
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct RiskClassifier {
    shared: Arc<Shared>,
    policy: Arc<DecisionPolicy>,
}

#[derive(Debug)]
struct Shared {
    manifest: Manifest,
    analyzer: Analyzer,
    scorer: Scorer,
}

impl RiskClassifier {
    /// Opens a model: a version folder, or a folder of versions, then the one its `production`
    /// file names, otherwise the highest.
    ///
    /// # Errors
    ///
    /// Whatever is wrong with the folder, by file: see [`ModelError`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, ModelError> {
        let folder = resolve_version(path.as_ref())?;
        // jieba's dictionary takes as long to load as all the rest: load both at once.
        let (bundle, segmenter) = thread::scope(|scope| {
            let segmenter = scope.spawn(Segmenter::with_general_words);
            let bundle = ModelBundle::read(&folder);
            (bundle, segmenter.join())
        });
        let bundle = bundle?;
        let mut segmenter = segmenter.unwrap_or_else(|_| Segmenter::with_general_words());
        segmenter.add_words(&bundle.user_dictionary);
        let found = hexadecimal(&segmenter.fingerprint());
        if found != bundle.segmenter_fingerprint {
            return Err(ModelError::Segmenter {
                path: folder,
                expected: bundle.segmenter_fingerprint,
                found,
            });
        }
        let shared = Shared {
            manifest: bundle.manifest,
            analyzer: Analyzer::new(segmenter, bundle.stop_words, bundle.text),
            scorer: Scorer::new(bundle.vectorizer, &bundle.linear, bundle.second_stage),
        };
        Ok(Self { shared: Arc::new(shared), policy: Arc::new(bundle.decisions) })
    }

    /// The same model with another way to decide.
    ///
    /// # Errors
    ///
    /// A policy that does not fit the labels.
    pub fn with_policy(self, policy: DecisionPolicy) -> Result<Self, DecisionError> {
        policy.check(self.labels().len())?;
        Ok(Self { policy: Arc::new(policy), ..self })
    }

    /// How scores become decisions.
    #[must_use]
    pub fn policy(&self) -> &DecisionPolicy {
        &self.policy
    }

    /// The model's name and version.
    #[must_use]
    pub fn id(&self) -> &ModelId {
        &self.shared.manifest.model
    }

    /// The labels, in the order of the probabilities.
    #[must_use]
    pub fn labels(&self) -> &LabelSet {
        &self.shared.manifest.labels
    }

    /// What the model's folder says of itself.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.shared.manifest
    }

    /// A worker with buffers of its own, for one thread.
    #[must_use]
    pub fn worker(&self) -> Worker {
        Worker {
            shared: Arc::clone(&self.shared),
            policy: Arc::clone(&self.policy),
            analyzed: AnalyzedText::default(),
            buffers: ScorerBuffers::default(),
        }
    }

    /// Classifies one comment. For more than one, a [`worker`](Self::worker) saves its buffers.
    ///
    /// # Errors
    ///
    /// A comment that is empty or too long.
    pub fn classify(&self, comment: &str) -> Result<Prediction, ClassifyError> {
        self.worker().classify(comment)
    }
}

/// Classifies comments one after another, reusing its buffers.
#[derive(Debug, Clone)]
pub struct Worker {
    shared: Arc<Shared>,
    policy: Arc<DecisionPolicy>,
    analyzed: AnalyzedText,
    buffers: ScorerBuffers,
}

impl Worker {
    /// Classifies a comment.
    ///
    /// # Errors
    ///
    /// A comment with nothing visible in it, or of more than [`MAX_COMMENT_CHARS`] characters.
    pub fn classify(&mut self, comment: &str) -> Result<Prediction, ClassifyError> {
        self.score(comment)?;
        Ok(self.policy.decide(self.buffers.scores()))
    }

    /// Classifies a comment and gives the reasons.
    ///
    /// # Errors
    ///
    /// As [`classify`](Self::classify).
    pub fn explain(&mut self, comment: &str) -> Result<Explanation, ClassifyError> {
        self.score(comment)?;
        let Self { shared, policy, analyzed, buffers } = self;
        let scorer = &shared.scorer;
        let prediction = policy.decide(buffers.scores());
        let class = prediction.class;

        let mut found: FxHashMap<TermId, (f64, Vec<Range<usize>>)> = FxHashMap::default();
        let intercept = scorer.attribute(class, analyzed, buffers, |term, contribution| {
            found.entry(term).or_default().0 += contribution;
        });
        scorer.for_each_occurrence(analyzed, buffers, |term, range| {
            found.entry(term).or_default().1.push(range);
        });
        let mut terms: Vec<_> = found.into_iter().collect();
        terms.sort_unstable_by(|(a, (x, _)), (b, (y, _))| y.total_cmp(x).then(a.cmp(b)));
        let reasons = terms
            .into_iter()
            .map(|(term, (contribution, mut ranges))| {
                ranges.sort_unstable_by_key(|range| range.start);
                let term = readable(scorer.vectorizer().term(term)).into_owned();
                Reason { term, contribution, ranges }
            })
            .collect();
        Ok(Explanation { prediction, score: buffers.scores()[class], intercept, reasons })
    }

    /// Leaves the comment's scores in `self.buffers`.
    fn score(&mut self, comment: &str) -> Result<(), ClassifyError> {
        // A character has at least one byte: most comments need no counting.
        if comment.len() > MAX_COMMENT_CHARS {
            let chars = comment.chars().count();
            if chars > MAX_COMMENT_CHARS {
                return Err(ClassifyError::TooLong { chars, limit: MAX_COMMENT_CHARS });
            }
        }
        let Shared { analyzer, scorer, .. } = &*self.shared;
        analyzer.analyze(comment, &mut self.analyzed);
        if self.analyzed.is_blank() {
            return Err(ClassifyError::Empty);
        }
        scorer.score(&self.analyzed, &mut self.buffers);
        Ok(())
    }
}
