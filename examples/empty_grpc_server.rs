//! A tonic server as tonic's own examples write one, whose `Classify` gives the same answer to
//! everything: what gRPC itself costs, for `benches/serving/versus_empty.py`.
//!
//! ```sh
//! cargo run --release --example empty_grpc_server -- 127.0.0.1:50052
//! ```

use std::error::Error;

use postloan::serve::contract::v1;
use postloan::serve::contract::v1::risk_classifier_server::{RiskClassifier, RiskClassifierServer};
use tonic::codegen::tokio_stream::Empty;
use tonic::transport::Server;
use tonic::{Request, Response, Status, Streaming};

struct SameAnswer(v1::ClassifyResponse);

#[tonic::async_trait]
impl RiskClassifier for SameAnswer {
    async fn classify(
        &self,
        _: Request<v1::ClassifyRequest>,
    ) -> Result<Response<v1::ClassifyResponse>, Status> {
        Ok(Response::new(self.0.clone()))
    }

    async fn classify_batch(
        &self,
        _: Request<v1::ClassifyBatchRequest>,
    ) -> Result<Response<v1::ClassifyBatchResponse>, Status> {
        Err(Status::unimplemented("only Classify"))
    }

    type ClassifyStreamStream = Empty<Result<v1::ClassifyStreamResponse, Status>>;

    async fn classify_stream(
        &self,
        _: Request<Streaming<v1::ClassifyStreamRequest>>,
    ) -> Result<Response<Self::ClassifyStreamStream>, Status> {
        Err(Status::unimplemented("only Classify"))
    }

    async fn get_model(
        &self,
        _: Request<v1::GetModelRequest>,
    ) -> Result<Response<v1::GetModelResponse>, Status> {
        Err(Status::unimplemented("only Classify"))
    }
}

/// As large as what the real server answers.
fn answer() -> v1::ClassifyResponse {
    let labels = ["normal", "watch", "risky"];
    let probability =
        |label: &str| v1::LabelProbability { label: label.to_owned(), probability: 0.3 };
    v1::ClassifyResponse {
        id: String::new(),
        prediction: Some(v1::Prediction {
            label: "watch".to_owned(),
            display_name: "关注风险".to_owned(),
            severity: Some(1),
            confidence: 0.3,
            probabilities: labels.map(probability).to_vec(),
            most_likely_label: "watch".to_owned(),
            needs_human: false,
            explanation: None,
            model: Some(v1::ModelVersion { name: "post-loan-risk".to_owned(), version: 1 }),
        }),
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address =
        std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:50052".to_owned()).parse()?;
    let service = RiskClassifierServer::new(SameAnswer(answer()));
    Server::builder().add_service(service).serve(address).await?;
    Ok(())
}
