//! `postloan call`: a small client of the service, for operators.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde::Serialize;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Channel;
use tonic::{Request, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::Outcome;
use super::failure::Failure;
use super::options::{RecordOptions, one_line, print, print_json, tell};
use super::prediction_json::{ExplanationJson, PhraseJson, PredictionJson, ReasonJson};
use super::server_options::ServerOptions;
use crate::serve::contract::v1;
use crate::serve::contract::v1::review_result::Outcome as ReviewOutcome;
use crate::serve::contract::v1::risk_classifier_client::RiskClassifierClient;

/// A batch of many explanations is larger than what tonic takes by default.
const MAX_ANSWER: usize = 64 << 20;
/// A batch that is sent stays well under the server's limit on messages.
const MAX_SENT: usize = 1 << 20;

/// Options of `postloan call`.
#[derive(Debug, Args)]
pub(super) struct CallArgs {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    server: ServerOptions,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Asks whether the server, or one of its services, takes work.
    Health {
        /// The service, such as postloan.v1.RiskClassifier
        #[arg(default_value = "")]
        service: String,
    },
    /// Classifies one comment.
    Classify {
        /// The comment
        text: String,
        /// How many reasons to give at most
        #[arg(long, value_name = "N", default_value_t = 0)]
        explain: u32,
    },
    /// Classifies the comments of a file in batches, and prints a JSON object a line for each.
    Batch {
        /// The file (.csv, .jsonl, …), or `-` for standard input
        file: PathBuf,
        /// How many reasons to give at most
        #[arg(long, value_name = "N", default_value_t = 0)]
        explain: u32,
        #[command(flatten)]
        records: RecordOptions,
    },
    /// Says which model is in use, and which limits are in force.
    Model,
}

pub(super) fn run(args: &CallArgs) -> Result<Outcome, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::service)?;
    runtime.block_on(async {
        let client = Client::connect(&args.server).await?;
        match &args.action {
            Action::Health { service } => client.health(service).await,
            Action::Classify { text, explain } => client.classify(text, *explain).await,
            Action::Batch { file, explain, records } => client.batch(file, *explain, records).await,
            Action::Model => client.model().await,
        }
    })
}

struct Client<'a> {
    options: &'a ServerOptions,
    channel: Channel,
    token: Option<MetadataValue<Ascii>>,
}

impl<'a> Client<'a> {
    async fn connect(options: &'a ServerOptions) -> Result<Self, Failure> {
        Ok(Self { options, token: options.token()?, channel: options.connect().await? })
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.set_timeout(self.options.timeout.0);
        if let Some(token) = &self.token {
            request.metadata_mut().insert("authorization", token.clone());
        }
        request
    }

    fn classifier(&self) -> RiskClassifierClient<Channel> {
        RiskClassifierClient::new(self.channel.clone()).max_decoding_message_size(MAX_ANSWER)
    }

    async fn health(&self, service: &str) -> Result<Outcome, Failure> {
        let request = HealthCheckRequest { service: service.to_owned() };
        let mut health = HealthClient::new(self.channel.clone());
        let answer = health.check(self.request(request)).await.map_err(answered)?;
        let status = answer.into_inner().status();
        print(&format!("{}\n", status.as_str_name()))?;
        match status {
            ServingStatus::Serving => Ok(Outcome::Done),
            _ => Err(Failure::service("the server does not take work")),
        }
    }

    async fn classify(&self, text: &str, explain: u32) -> Result<Outcome, Failure> {
        let request = v1::ClassifyRequest {
            review: Some(v1::Review { id: Default::default(), text: text.to_owned().into() }),
            options: Some(v1::ClassifyOptions { explain_top_k: explain }),
        };
        let answer = self.classifier().classify(self.request(request)).await.map_err(answered)?;
        let prediction = answer.into_inner().prediction.unwrap_or_default();
        if self.options.json {
            print_json(&prediction_json(&prediction))?;
        } else {
            print(&for_people(&prediction))?;
        }
        Ok(Outcome::Done)
    }

    async fn batch(
        &self,
        file: &Path,
        explain: u32,
        records: &RecordOptions,
    ) -> Result<Outcome, Failure> {
        let reader = records.open(file)?;
        let limits = self.get_model().await?.limits.unwrap_or_default();
        let most = (limits.max_batch_reviews as usize).max(1);
        let mut sent = Sent { client: self, explain, refused: 0 };
        let mut batch = Vec::new();
        let mut bytes = 0;
        for record in reader {
            match record? {
                Ok(review) => {
                    bytes += review.text.len() + review.id.len();
                    batch.push(v1::Review { id: review.id.into(), text: review.text.into() });
                }
                Err(refusal) => {
                    sent.refused += 1;
                    tell(&format!("postloan: {refusal}"));
                }
            }
            if batch.len() >= most || bytes >= MAX_SENT {
                sent.send(std::mem::take(&mut batch)).await?;
                bytes = 0;
            }
        }
        if !batch.is_empty() {
            sent.send(batch).await?;
        }
        Ok(if sent.refused == 0 { Outcome::Done } else { Outcome::SomeRefused })
    }

    async fn get_model(&self) -> Result<v1::GetModelResponse, Failure> {
        let request = self.request(v1::GetModelRequest {});
        Ok(self.classifier().get_model(request).await.map_err(answered)?.into_inner())
    }

    async fn model(&self) -> Result<Outcome, Failure> {
        let answer = self.get_model().await?;
        let model = answer.model.unwrap_or_default();
        let limits = answer.limits.unwrap_or_default();
        let training = answer.training.unwrap_or_default();
        if self.options.json {
            let manifest: serde_json::Value =
                serde_json::from_str(&training.manifest_json).map_err(Failure::service)?;
            print_json(&serde_json::json!({
                "model": { "name": model.name, "version": model.version },
                "server": answer.server,
                "limits": {
                    "max_text_chars": limits.max_text_chars,
                    "max_batch_reviews": limits.max_batch_reviews,
                    "max_message_bytes": limits.max_message_bytes,
                    "max_concurrent_requests": limits.max_concurrent_requests,
                    "max_streams_per_connection": limits.max_streams_per_connection,
                },
                "manifest": manifest,
            }))?;
            return Ok(Outcome::Done);
        }
        let mut shown =
            format!("{}/{} at {}\n\nlabels:\n", model.name, model.version, answer.server);
        for (label, reviews) in answer.labels.iter().zip(&training.reviews_by_label) {
            shown += &format!("  {} ({}): trained on {reviews}\n", label.id, label.display_name);
        }
        if let (Some(accuracy), Some(macro_f1)) = (training.accuracy, training.macro_f1) {
            shown += &format!("\nout of fold: accuracy {accuracy:.4}, macro F1 {macro_f1:.4}\n");
        }
        shown += &format!(
            "\nlimits: {} characters, {} reviews a batch, {} bytes a message, {} calls at once\n",
            limits.max_text_chars,
            limits.max_batch_reviews,
            limits.max_message_bytes,
            limits.max_concurrent_requests
        );
        print(&shown)?;
        Ok(Outcome::Done)
    }
}

/// The batches of a file.
struct Sent<'a> {
    client: &'a Client<'a>,
    explain: u32,
    refused: u64,
}

impl Sent<'_> {
    async fn send(&mut self, reviews: Vec<v1::Review>) -> Result<(), Failure> {
        let request = v1::ClassifyBatchRequest {
            reviews,
            options: Some(v1::ClassifyOptions { explain_top_k: self.explain }),
        };
        let request = self.client.request(request);
        let answer = self.client.classifier().classify_batch(request).await.map_err(answered)?;
        let mut lines = String::new();
        for v1::ReviewResult { id, outcome } in answer.into_inner().results {
            let line = match &outcome {
                Some(ReviewOutcome::Prediction(prediction)) => ResultJson {
                    id: &id,
                    prediction: Some(prediction_json(prediction)),
                    error: None,
                },
                Some(ReviewOutcome::Error(error)) => {
                    self.refused += 1;
                    ResultJson { id: &id, prediction: None, error: Some(&error.message) }
                }
                None => return Err(Failure::service("a result is neither one nor the other")),
            };
            // Strings and finite numbers are always JSON.
            lines += &serde_json::to_string(&line).unwrap_or_default();
            lines.push('\n');
        }
        print(&lines)
    }
}

fn answered(status: Status) -> Failure {
    let code = crate::serve::code_name(status.code());
    Failure::service(format!("the server answered {code}: {}", status.message()))
}

#[derive(Debug, Serialize)]
struct ResultJson<'a> {
    id: &'a str,
    #[serde(flatten)]
    prediction: Option<PredictionJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

/// A prediction as `postloan predict --json` writes it.
fn prediction_json<'a>(prediction: &'a v1::Prediction) -> PredictionJson<'a> {
    let reason = |reason: &'a v1::Reason| ReasonJson {
        term: &reason.term,
        contribution: reason.contribution,
        words: &reason.words,
        ranges: reason
            .ranges
            .iter()
            .map(|range| [range.start_byte as usize, range.end_byte as usize])
            .collect(),
    };
    let phrase = |phrase: &'a v1::Phrase| {
        let range = phrase.range.unwrap_or_default();
        PhraseJson {
            words: &phrase.words,
            contribution: phrase.contribution,
            range: [range.start_byte as usize, range.end_byte as usize],
        }
    };
    PredictionJson {
        id: None,
        label: &prediction.label,
        name: &prediction.display_name,
        confidence: prediction.confidence,
        most_likely: &prediction.most_likely_label,
        needs_human: prediction.needs_human,
        probabilities: prediction
            .probabilities
            .iter()
            .map(|of| (of.label.clone(), of.probability.into()))
            .collect(),
        model: version(prediction),
        explanation: prediction.explanation.as_ref().map(|explanation| ExplanationJson {
            score: explanation.score,
            intercept: explanation.intercept,
            phrases: explanation.phrases.iter().map(phrase).collect(),
            reasons: explanation.reasons.iter().map(reason).collect(),
        }),
    }
}

fn version(prediction: &v1::Prediction) -> String {
    let model = prediction.model.clone().unwrap_or_default();
    format!("{}/{}", model.name, model.version)
}

fn for_people(prediction: &v1::Prediction) -> String {
    let mut shown = format!(
        "{} {} {:.1} %  by {}\n",
        prediction.display_name,
        prediction.label,
        100.0 * prediction.confidence,
        version(prediction)
    );
    for of in &prediction.probabilities {
        shown += &format!("  {} {:.1} %\n", of.label, 100.0 * of.probability);
    }
    for phrase in prediction.explanation.iter().flat_map(|explanation| &explanation.phrases) {
        shown += &format!("  {:+.3}  {}\n", phrase.contribution, one_line(&phrase.words));
    }
    shown
}
