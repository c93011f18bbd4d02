//! The methods that are served, known before a call's message is read.

/// A method, by its place in [`KNOWN`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Method(usize);

/// Which service answers a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    RiskClassifier,
    OpenInference,
    Health,
    ReflectionV1,
    ReflectionV1Alpha,
    Unknown,
}

struct Known {
    path: &'static str,
    service: Service,
    /// Messages may come without an end: only the silence between them is limited.
    open_ended: bool,
}

const fn known(path: &'static str, service: Service, open_ended: bool) -> Known {
    Known { path, service, open_ended }
}

/// The one in use most comes first: they are looked up in order.
const KNOWN: [Known; 15] = [
    known("/postloan.v1.RiskClassifier/Classify", Service::RiskClassifier, false),
    known("/postloan.v1.RiskClassifier/ClassifyBatch", Service::RiskClassifier, false),
    known("/postloan.v1.RiskClassifier/ClassifyStream", Service::RiskClassifier, true),
    known("/postloan.v1.RiskClassifier/GetModel", Service::RiskClassifier, false),
    known("/inference.GRPCInferenceService/ModelInfer", Service::OpenInference, false),
    known("/inference.GRPCInferenceService/ServerLive", Service::OpenInference, false),
    known("/inference.GRPCInferenceService/ServerReady", Service::OpenInference, false),
    known("/inference.GRPCInferenceService/ModelReady", Service::OpenInference, false),
    known("/inference.GRPCInferenceService/ServerMetadata", Service::OpenInference, false),
    known("/inference.GRPCInferenceService/ModelMetadata", Service::OpenInference, false),
    known("/grpc.health.v1.Health/Check", Service::Health, false),
    known("/grpc.health.v1.Health/Watch", Service::Health, true),
    known("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", Service::ReflectionV1, true),
    known(
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        Service::ReflectionV1Alpha,
        true,
    ),
    known("unknown", Service::Unknown, false),
];

impl Method {
    /// How many there are, the unknown one included.
    pub(super) const COUNT: usize = KNOWN.len();

    /// The method at `path`, such as `/postloan.v1.RiskClassifier/Classify`.
    pub(super) fn of(path: &str) -> Self {
        let found = KNOWN.iter().position(|known| known.path == path);
        Self(found.unwrap_or(Self::COUNT - 1))
    }

    pub(super) fn index(self) -> usize {
        self.0
    }

    /// Its name as metrics and logs give it: the path without the first slash. All methods that
    /// do not exist have one name, so that a caller cannot fill memory with names.
    pub(super) fn name(self) -> &'static str {
        KNOWN[self.0].path.trim_start_matches('/')
    }

    pub(super) fn service(self) -> Service {
        KNOWN[self.0].service
    }

    /// Whether it is about one comment.
    pub(super) fn is_single(self) -> bool {
        self.0 == 0
    }

    pub(super) fn is_open_ended(self) -> bool {
        KNOWN[self.0].open_ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_is_no_method_is_unknown_whatever_it_is() {
        assert_eq!(Method::of("/postloan.v1.RiskClassifier/Classify").index(), 0);
        for path in ["", "/", "unknown2", "/postloan.v1.RiskClassifier/classify"] {
            assert_eq!(Method::of(path).service(), Service::Unknown, "{path}");
        }
    }
}
