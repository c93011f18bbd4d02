"""Metrics, logs and traces."""

import re
import time
from concurrent import futures

import grpc
import pytest
from serving import COMMENTS, MARK, VERSION, failed
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

TEXT = COMMENTS["risky"]


def request(api, text=TEXT):
    return api.ClassifyRequest(review=api.Review(text=text))


def test_metrics_count_calls_predictions_and_refusals(api, start):
    server = start()
    with server.channel() as channel:
        stub = api.RiskClassifierStub(channel)
        for _ in range(3):
            stub.Classify(request(api))
        failed(stub.Classify, request(api, ""))
        stub.ClassifyBatch(api.ClassifyBatchRequest(reviews=[api.Review(text=COMMENTS["normal"]), api.Review()]))
    method = "postloan.v1.RiskClassifier/Classify"
    assert server.metric("postloan_calls_total", method=method, code="OK") == 3
    assert server.metric("postloan_calls_total", method=method, code="INVALID_ARGUMENT") == 1
    assert server.metric("postloan_call_duration_seconds_count", method=method) == 4
    assert 0 < server.metric("postloan_call_duration_seconds_sum", method=method) < 10
    assert server.metric("postloan_predictions_total", label="risky", model="post-loan-risk", version=VERSION) == 3
    assert server.metric("postloan_predictions_total", label="normal") == 1
    assert server.metric("postloan_prediction_confidence_count", version=VERSION) == 4
    assert server.metric("postloan_reviews_refused_total") == 2
    assert server.metric("postloan_calls_in_flight") == 0
    assert server.metric("postloan_model_in_use", version=VERSION) == 1
    assert 0 <= server.metric("postloan_model_in_use_age_seconds") < 60
    assert abs(server.metric("postloan_model_in_use_since_timestamp_seconds") - time.time()) < 60
    assert server.http("/")[0] == 404


def test_metrics_are_openmetrics_text(server):
    text = server.http("/metrics")[1]
    assert text.endswith("# EOF\n")
    sample = re.compile(r'[a-z_]+(\{([a-z]+="[^"]*",?)+\})? [-+.\deInf]+')
    for line in text.splitlines():
        assert line.startswith("# ") or sample.fullmatch(line), line


def test_a_request_id_is_taken_from_the_metadata_or_made_and_given_back(api, server, channel):
    classify = api.RiskClassifierStub(channel).Classify
    _, call = classify.with_call(request(api), metadata=[("x-request-id", "order-4711")])
    assert dict(call.initial_metadata())["x-request-id"] == "order-4711"
    made = {dict(classify.with_call(request(api))[1].initial_metadata())["x-request-id"] for _ in range(3)}
    assert len(made) == 3
    # What is no decent id is not taken over.
    _, call = classify.with_call(request(api), metadata=[("x-request-id", "a b" + "x" * 200)])
    assert "x" * 200 not in dict(call.initial_metadata())["x-request-id"]
    until = time.time() + 5
    while not any(line.get("request_id") == "order-4711" for line in server.log()):
        assert time.time() < until
        time.sleep(0.02)


def test_a_call_that_failed_is_a_log_line_with_everything_to_find_it(api, server, channel):
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    metadata = [("x-request-id", "find-me"), ("traceparent", f"00-{trace}-00f067aa0ba902b7-01")]
    failed(api.RiskClassifierStub(channel).Classify, request(api, MARK * 600), metadata=metadata)
    until = time.time() + 5
    while not (lines := [line for line in server.log() if line.get("request_id") == "find-me"]):
        assert time.time() < until
        time.sleep(0.02)
    line = lines[0]
    assert line["level"] == "INFO" and line["code"] == "INVALID_ARGUMENT"
    assert line["method"] == "postloan.v1.RiskClassifier/Classify"
    assert line["trace_id"] == trace and line["peer"].startswith("127.0.0.1:")
    assert line["status_message"] == "the comment has 2400 characters; the limit is 2000"
    assert line["milliseconds"] >= 0


def test_the_log_can_be_for_people(api, start):
    import subprocess

    from serving import POSTLOAN, ROOT, WRITTEN, clean_environment

    process = subprocess.Popen(
        [POSTLOAN, "serve", "--listen", "127.0.0.1:0"], cwd=ROOT, env=clean_environment(),
        stderr=subprocess.PIPE, text=True,
    )
    try:
        line = process.stderr.readline()
    finally:
        process.terminate()
        WRITTEN.append(process.stderr.read())
        process.wait(20)
    assert re.search(rf"INFO calls are answered address=127\.0\.0\.1:\d+ model=post-loan-risk/{VERSION}", line), line


@pytest.fixture
def collector():
    """An OpenTelemetry collector: the spans it gets, the metadata they came with, its address."""
    spans, metadata = [], []

    class Collector(trace_service_pb2_grpc.TraceServiceServicer):
        def Export(self, request, context):
            metadata.extend(context.invocation_metadata())
            for resource in request.resource_spans:
                for scope in resource.scope_spans:
                    spans.extend((resource.resource, span) for span in scope.spans)
            return trace_service_pb2.ExportTraceServiceResponse()

    server = grpc.server(futures.ThreadPoolExecutor(2))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(Collector(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield spans, metadata, f"http://127.0.0.1:{port}"
    server.stop(None)


def test_spans_go_to_the_collector_as_children_of_the_callers_and_without_the_comment(api, start, collector):
    spans, metadata, address = collector
    server = start("--otlp-endpoint", address, "--otlp-headers", "api-key=verysecret")
    trace, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    with server.channel() as channel:
        stub = api.RiskClassifierStub(channel)
        stub.Classify(request(api), metadata=[("traceparent", f"00-{trace}-{parent}-01")])
        failed(stub.Classify, request(api, ""))
    # What has not been sent yet is sent at the end.
    assert server.stop() == 0
    assert len(spans) == 2
    resource, span = spans[0]
    assert span.name == "postloan.v1.RiskClassifier/Classify"
    assert span.trace_id.hex() == trace and span.parent_span_id.hex() == parent
    attributes = {attribute.key: attribute.value for attribute in span.attributes}
    assert attributes["rpc.method"].string_value == "Classify"
    assert attributes["rpc.grpc.status_code"].int_value == 0
    assert spans[1][1].trace_id.hex() != trace
    names = {attribute.key: attribute.value.string_value for attribute in resource.attributes}
    assert names["service.name"] == "postloan"
    assert ("api-key", "verysecret") in metadata
    assert MARK.encode() not in b"".join(span.SerializeToString() for _, span in spans)
    assert "verysecret" not in "".join(server.lines)
