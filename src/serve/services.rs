//! The services, joined: each call goes to the one its method belongs to.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use http::{Request, Response};
use tonic::body::Body;
use tonic::codegen::{BoxFuture, Service as _};
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};
use tonic_reflection::server::Builder;

use super::contract::FILE_DESCRIPTOR_SET;
use super::contract::inference::grpc_inference_service_server::{
    GrpcInferenceServiceServer, SERVICE_NAME as OPEN_INFERENCE,
};
use super::contract::v1::risk_classifier_server::{
    RiskClassifierServer, SERVICE_NAME as RISK_CLASSIFIER,
};
use super::method::{Method, Service};
use super::open_inference::OpenInferenceService;
use super::request_body::RequestBody;
use super::risk_classifier::RiskClassifierService;
use super::shared::Shared;

type Answer = BoxFuture<Response<Body>, Infallible>;
/// A service whose type has no name.
type Reflection = Box<dyn Fn(Request<RequestBody>) -> Answer + Send + Sync>;

/// The services whose health can be asked for; the first is the server itself.
pub(super) const HEALTH_OF: [&str; 3] = ["", RISK_CLASSIFIER, OPEN_INFERENCE];

/// All services of a server.
pub(super) struct Services {
    /// For `Classify` on its short road.
    pub(super) single: RiskClassifierService,
    risk_classifier: RiskClassifierServer<RiskClassifierService>,
    open_inference: GrpcInferenceServiceServer<OpenInferenceService>,
    health: HealthServer<HealthService>,
    reflection_v1: Reflection,
    reflection_v1alpha: Reflection,
}

impl Services {
    pub(super) fn new(
        shared: &Arc<Shared>,
        health: HealthReporter,
    ) -> Result<Self, tonic_reflection::server::Error> {
        let limit = shared.settings.max_message_bytes as usize;
        let reflection = || {
            let mut builder = Builder::configure()
                .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
                .include_reflection_service(false);
            for service in [RISK_CLASSIFIER, OPEN_INFERENCE, "grpc.health.v1.Health"] {
                builder = builder.with_service_name(service);
            }
            builder
        };
        let (v1, v1alpha) = (reflection().build_v1()?, reflection().build_v1alpha()?);
        Ok(Self {
            single: RiskClassifierService::new(Arc::clone(shared)),
            risk_classifier: RiskClassifierServer::new(RiskClassifierService::new(Arc::clone(
                shared,
            )))
            .max_decoding_message_size(limit),
            open_inference: GrpcInferenceServiceServer::new(OpenInferenceService::new(Arc::clone(
                shared,
            )))
            .max_decoding_message_size(limit),
            health: HealthServer::new(HealthService::from_health_reporter(health)),
            reflection_v1: Box::new(move |request| v1.clone().call(request)),
            reflection_v1alpha: Box::new(move |request| v1alpha.clone().call(request)),
        })
    }

    /// Answers a call of `method`.
    pub(super) fn call(&self, method: Method, request: Request<RequestBody>) -> Answer {
        match method.service() {
            Service::RiskClassifier => self.risk_classifier.clone().call(request),
            Service::OpenInference => self.open_inference.clone().call(request),
            Service::Health => self.health.clone().call(request),
            Service::ReflectionV1 => (self.reflection_v1)(request),
            Service::ReflectionV1Alpha => (self.reflection_v1alpha)(request),
            Service::Unknown => {
                let status = tonic::Status::unimplemented("there is no such method");
                Box::pin(std::future::ready(Ok(status.into_http())))
            }
        }
    }
}

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Services").finish_non_exhaustive()
    }
}
