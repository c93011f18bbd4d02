//! `inference.GRPCInferenceService`, the Open Inference Protocol: the same predictions as tensors.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use tonic::{Request, Response, Status};

use super::bulk::Urgency;
use super::contract::inference as api;
use super::contract::inference::model_infer_response::InferOutputTensor;
use super::contract::inference::model_metadata_response::TensorMetadata;
use super::gate::Deadline;
use super::model_in_use::{ModelInUse, text_of};
use super::predictions::ReviewFailure;
use super::risk_classifier::LONG_TEXT_BYTES;
use super::shared::Shared;
use crate::model::Prediction;

const INPUT: &str = "text";
const LABEL: &str = "label";
const PROBABILITIES: &str = "probabilities";
const BYTES: &str = "BYTES";
const FP64: &str = "FP64";

/// Texts of one call are classified this many at a time.
const SLICE_TEXTS: usize = 32;

/// The service.
#[derive(Debug, Clone)]
pub(super) struct OpenInferenceService {
    shared: Arc<Shared>,
}

impl OpenInferenceService {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// The model in use, if it is the one asked for.
    fn model(&self, name: &str, version: &str) -> Result<Arc<ModelInUse>, Status> {
        let model = self.shared.model.load_full();
        let id = model.classifier().id();
        if name == id.name && (version.is_empty() || version == id.version.to_string()) {
            return Ok(model);
        }
        let in_use = format!("the model in use is `{}`, version {}", id.name, id.version);
        Err(Status::not_found(in_use))
    }

    /// The prediction of each text; the first text that has none fails the call.
    async fn predict(
        &self,
        model: &Arc<ModelInUse>,
        texts: Vec<Bytes>,
        deadline: Option<std::time::Instant>,
    ) -> Result<Vec<Prediction>, Status> {
        let max_chars = self.shared.settings.max_text_chars as usize;
        if let [text] = &texts[..]
            && text.len() <= LONG_TEXT_BYTES
        {
            let decided = text_of(text, max_chars).and_then(|text| model.decide(text));
            return match decided {
                Ok(prediction) => Ok(vec![prediction]),
                Err(failure) => {
                    self.shared.metrics.reviews_refused.inc();
                    Err(at_place(0, failure))
                }
            };
        }
        let count = texts.len();
        let slices: Vec<(usize, Vec<Bytes>)> = texts
            .chunks(SLICE_TEXTS)
            .enumerate()
            .map(|(number, slice)| (number * SLICE_TEXTS, slice.to_vec()))
            .collect();
        let mut done = stream::iter(slices)
            .map(|(first, slice)| {
                let model = Arc::clone(model);
                self.shared.bulk.run(Urgency::Bulk, move |anybody_waits| {
                    let mut predictions = Vec::with_capacity(slice.len());
                    for (text, place) in slice.iter().zip(first..) {
                        let passed =
                            deadline.is_some_and(|deadline| std::time::Instant::now() >= deadline);
                        if passed || !anybody_waits() {
                            return Err(Status::deadline_exceeded("the deadline passed"));
                        }
                        let decided = text_of(text, max_chars).and_then(|text| model.decide(text));
                        predictions.push(decided.map_err(|failure| at_place(place, failure))?);
                    }
                    Ok(predictions)
                })
            })
            .buffered(2 * self.shared.settings.bulk_threads);
        let mut predictions = Vec::with_capacity(count);
        while let Some(slice) = done.next().await {
            let failed = || Err(Status::internal("the server failed on these texts"));
            match slice.unwrap_or_else(failed) {
                Ok(slice) => predictions.extend(slice),
                Err(status) => {
                    self.shared.metrics.reviews_refused.inc();
                    return Err(status);
                }
            }
        }
        Ok(predictions)
    }
}

fn at_place(place: usize, mut failure: ReviewFailure) -> Status {
    failure.message = format!("element {place} of `{INPUT}`: {}", failure.message);
    failure.into_status()
}

fn tensor(name: &str, datatype: &str, shape: Vec<i64>) -> TensorMetadata {
    TensorMetadata { name: name.to_owned(), datatype: datatype.to_owned(), shape }
}

/// A count of elements as a dimension.
fn dimension(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[tonic::async_trait]
impl api::grpc_inference_service_server::GrpcInferenceService for OpenInferenceService {
    async fn server_live(
        &self,
        _: Request<api::ServerLiveRequest>,
    ) -> Result<Response<api::ServerLiveResponse>, Status> {
        Ok(Response::new(api::ServerLiveResponse { live: true }))
    }

    async fn server_ready(
        &self,
        _: Request<api::ServerReadyRequest>,
    ) -> Result<Response<api::ServerReadyResponse>, Status> {
        Ok(Response::new(api::ServerReadyResponse { ready: self.shared.is_ready() }))
    }

    async fn model_ready(
        &self,
        request: Request<api::ModelReadyRequest>,
    ) -> Result<Response<api::ModelReadyResponse>, Status> {
        let api::ModelReadyRequest { name, version } = request.into_inner();
        let ready = self.shared.is_ready() && self.model(&name, &version).is_ok();
        Ok(Response::new(api::ModelReadyResponse { ready }))
    }

    async fn server_metadata(
        &self,
        _: Request<api::ServerMetadataRequest>,
    ) -> Result<Response<api::ServerMetadataResponse>, Status> {
        Ok(Response::new(api::ServerMetadataResponse {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            extensions: Vec::new(),
        }))
    }

    async fn model_metadata(
        &self,
        request: Request<api::ModelMetadataRequest>,
    ) -> Result<Response<api::ModelMetadataResponse>, Status> {
        let api::ModelMetadataRequest { name, version } = request.into_inner();
        let model = self.model(&name, &version)?;
        let classifier = model.classifier();
        let labels = dimension(classifier.labels().len());
        Ok(Response::new(api::ModelMetadataResponse {
            name: classifier.id().name.clone(),
            versions: vec![classifier.id().version.to_string()],
            platform: "postloan".to_owned(),
            inputs: vec![tensor(INPUT, BYTES, vec![-1])],
            outputs: vec![
                tensor(LABEL, BYTES, vec![-1]),
                tensor(PROBABILITIES, FP64, vec![-1, labels]),
            ],
        }))
    }

    async fn model_infer(
        &self,
        request: Request<api::ModelInferRequest>,
    ) -> Result<Response<api::ModelInferResponse>, Status> {
        let deadline = Deadline::of(request.extensions());
        let request = request.into_inner();
        let model = self.model(&request.model_name, &request.model_version)?;
        let wanted = Outputs::of(&request)?;
        let raw = !request.raw_input_contents.is_empty();
        let id = request.id.clone();
        let texts = texts(request)?;
        self.shared.check_batch(texts.len())?;
        let predictions = self.predict(&model, texts, deadline).await?;

        let classifier = model.classifier();
        let mut response = api::ModelInferResponse {
            model_name: classifier.id().name.clone(),
            model_version: classifier.id().version.to_string(),
            id,
            ..Default::default()
        };
        let rows = dimension(predictions.len());
        if wanted.label {
            let labels = predictions.iter().map(|prediction| {
                Bytes::copy_from_slice(classifier.labels().get(prediction.class).id.as_bytes())
            });
            let contents =
                api::InferTensorContents { bytes_contents: labels.collect(), ..Default::default() };
            push(&mut response, LABEL, BYTES, vec![rows], contents, raw);
        }
        if wanted.probabilities {
            let probabilities = predictions.iter().flat_map(|p| p.probabilities.iter().copied());
            let contents = api::InferTensorContents {
                fp64_contents: probabilities.collect(),
                ..Default::default()
            };
            let shape = vec![rows, dimension(classifier.labels().len())];
            push(&mut response, PROBABILITIES, FP64, shape, contents, raw);
        }
        Ok(Response::new(response))
    }
}

/// Which tensors the caller wants.
struct Outputs {
    label: bool,
    probabilities: bool,
}

impl Outputs {
    fn of(request: &api::ModelInferRequest) -> Result<Self, Status> {
        let mut outputs = Self { label: false, probabilities: false };
        for output in &request.outputs {
            match output.name.as_str() {
                LABEL => outputs.label = true,
                PROBABILITIES => outputs.probabilities = true,
                _ => {
                    return Err(Status::invalid_argument(format!(
                        "there is no such output; the outputs are `{LABEL}` and `{PROBABILITIES}`"
                    )));
                }
            }
        }
        if request.outputs.is_empty() {
            outputs = Self { label: true, probabilities: true };
        }
        Ok(outputs)
    }
}

/// The texts of a request, if it has the one input there is and its shape is that of its data.
fn texts(mut request: api::ModelInferRequest) -> Result<Vec<Bytes>, Status> {
    let input = match request.inputs.pop() {
        Some(input) if request.inputs.is_empty() && input.name == INPUT => input,
        _ => return Err(Status::invalid_argument(format!("expected one input, `{INPUT}`"))),
    };
    if input.datatype != BYTES {
        return Err(Status::invalid_argument(format!("input `{INPUT}` must be of {BYTES}")));
    }
    let count = match input.shape[..] {
        [count] | [count, 1] => count,
        _ => {
            let message = format!("input `{INPUT}` must be of shape [n] or [n, 1]");
            return Err(Status::invalid_argument(message));
        }
    };
    let texts = match (input.contents, request.raw_input_contents.pop()) {
        (None, Some(raw)) if request.raw_input_contents.is_empty() => elements(raw)?,
        (Some(contents), None) => contents.bytes_contents,
        (None, None) => Vec::new(),
        _ => {
            let message = "expected either contents or raw_input_contents, of the one input";
            return Err(Status::invalid_argument(message));
        }
    };
    if usize::try_from(count) != Ok(texts.len()) {
        let message =
            format!("input `{INPUT}` has {} elements, and its shape says {count}", texts.len());
        return Err(Status::invalid_argument(message));
    }
    Ok(texts)
}

/// The elements of a raw BYTES tensor, each after its length in four bytes.
fn elements(mut raw: Bytes) -> Result<Vec<Bytes>, Status> {
    let cut_short = || Status::invalid_argument("raw_input_contents ends within an element");
    let mut elements = Vec::new();
    while !raw.is_empty() {
        let (length, _) = raw.split_first_chunk::<4>().ok_or_else(cut_short)?;
        let length = u32::from_le_bytes(*length) as usize;
        let _ = raw.split_to(4);
        if raw.len() < length {
            return Err(cut_short());
        }
        elements.push(raw.split_to(length));
    }
    Ok(elements)
}

/// Adds a tensor to a response, in the representation that the request had.
fn push(
    response: &mut api::ModelInferResponse,
    name: &str,
    datatype: &str,
    shape: Vec<i64>,
    contents: api::InferTensorContents,
    raw: bool,
) {
    let mut tensor = InferOutputTensor {
        name: name.to_owned(),
        datatype: datatype.to_owned(),
        shape,
        ..Default::default()
    };
    if raw {
        let mut bytes = Vec::new();
        for element in &contents.bytes_contents {
            // A label's id has at most 64 characters.
            bytes.extend_from_slice(&u32::try_from(element.len()).unwrap_or(0).to_le_bytes());
            bytes.extend_from_slice(element);
        }
        bytes.extend(contents.fp64_contents.iter().flat_map(|number| number.to_le_bytes()));
        response.raw_output_contents.push(bytes.into());
    } else {
        tensor.contents = Some(contents);
    }
    response.outputs.push(tensor);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_elements_are_read_and_a_raw_tensor_cut_short_is_refused() {
        let raw = Bytes::from_static(b"\x02\0\0\0ab\0\0\0\0\x01\0\0\0c");
        assert_eq!(elements(raw.clone()).unwrap(), ["ab", "", "c"]);
        for end in [1, 5, 14] {
            assert!(elements(raw.slice(..end)).is_err(), "{end}");
        }
    }
}
