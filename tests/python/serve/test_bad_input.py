"""What a client gets wrong: each with its proper code and a sentence, and no effect on others."""

import socket
import struct
import time

import grpc
import h2.config
import h2.connection
import h2.events
import pytest
from serving import COMMENTS, MARK, failed
from google.rpc import error_details_pb2, status_pb2

TEXT = COMMENTS["normal"]


@pytest.fixture(autouse=True)
def others_are_not_affected(api, server):
    """A call on another connection goes on before, and after."""
    with server.channel() as channel:
        stub = api.RiskClassifierStub(channel)
        one = lambda: stub.Classify(api.ClassifyRequest(review=api.Review(text=TEXT)), timeout=5)
        assert one().prediction.label == "normal"
        yield
        assert one().prediction.label == "normal"


def details(error):
    """The details of an error, by type."""
    found = dict(error.trailing_metadata()).get("grpc-status-details-bin")
    status = status_pb2.Status.FromString(found) if found else status_pb2.Status()
    kinds = {"ErrorInfo": error_details_pb2.ErrorInfo, "RetryInfo": error_details_pb2.RetryInfo}
    unpacked = {}
    for detail in status.details:
        kind = detail.type_url.rsplit(".", 1)[1]
        unpacked[kind] = kinds[kind].FromString(detail.value)
    return unpacked


def reason(error):
    info = details(error)["ErrorInfo"]
    assert info.domain == "postloan.v1"
    return info.reason


@pytest.mark.parametrize(
    "text, expected, sentence",
    [
        ("", "EMPTY_TEXT", "the comment is empty"),
        (" \n\u3000\u200b", "EMPTY_TEXT", "the comment is empty"),
        (MARK * 501, "TEXT_TOO_LONG", "the comment has 2004 characters; the limit is 2000"),
    ],
)
def test_a_bad_comment_is_an_invalid_argument(api, stub, text, expected, sentence):
    error = failed(stub.Classify, api.ClassifyRequest(review=api.Review(text=text)))
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert error.details() == sentence
    assert reason(error) == expected


def test_a_comment_at_the_limit_is_classified(api, stub):
    text = (MARK * 500)[:2000]
    assert stub.Classify(api.ClassifyRequest(review=api.Review(text=text))).prediction.label


def test_a_request_without_a_review_is_an_invalid_argument(api, stub):
    error = failed(stub.Classify, api.ClassifyRequest())
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert reason(error) == "MISSING_REVIEW"


def field(number, payload):
    assert len(payload) < 128
    return bytes([number << 3 | 2, len(payload)]) + payload


def raw(channel, method, message):
    return channel.unary_unary(method, lambda m: m, lambda m: m)(message, timeout=5)


def test_text_that_is_not_utf8_is_an_invalid_argument_and_harms_no_neighbour(api, channel):
    bad, good = field(2, b"\xe8\xb4"), field(2, TEXT.encode())
    error = failed(raw, channel, "/postloan.v1.RiskClassifier/Classify", field(1, bad))
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert reason(error) == "INVALID_UTF8"
    answer = raw(channel, "/postloan.v1.RiskClassifier/ClassifyBatch",
                 b"".join(field(1, review) for review in [good, bad, field(1, b"\xff") + good, good]))
    results = api.ClassifyBatchResponse.FromString(answer).results
    assert [result.WhichOneof("outcome") for result in results] == ["prediction", "error", "error", "prediction"]
    assert [results[place].error.reason for place in [1, 2]] == [api.ReviewError.INVALID_UTF8] * 2


def test_one_bad_review_of_a_batch_gets_an_error_of_its_own(api, stub):
    texts = [TEXT, "", TEXT, "长" * 2001, TEXT]
    reviews = [api.Review(id=str(number), text=text) for number, text in enumerate(texts)]
    results = stub.ClassifyBatch(api.ClassifyBatchRequest(reviews=reviews)).results
    assert [result.id for result in results] == ["0", "1", "2", "3", "4"]
    assert [result.WhichOneof("outcome") for result in results] == [
        "prediction", "error", "prediction", "error", "prediction"
    ]
    assert results[1].error.reason == api.ReviewError.EMPTY_TEXT
    assert results[3].error.reason == api.ReviewError.TEXT_TOO_LONG
    assert results[3].error.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    assert results[0].prediction == results[4].prediction


def test_one_bad_review_of_a_stream_gets_an_error_of_its_own(api, stub):
    texts = [TEXT, "", TEXT]
    requests = [api.ClassifyStreamRequest(review=api.Review(text=text)) for text in texts]
    requests.append(api.ClassifyStreamRequest())
    results = [answer.result for answer in stub.ClassifyStream(iter(requests))]
    assert [result.WhichOneof("outcome") for result in results] == ["prediction", "error", "prediction", "error"]
    assert results[3].error.reason == api.ReviewError.MISSING_REVIEW


def test_an_empty_batch_has_no_results(api, stub):
    assert not stub.ClassifyBatch(api.ClassifyBatchRequest()).results


def test_too_large_a_batch_is_an_invalid_argument(api, stub):
    error = failed(stub.ClassifyBatch, api.ClassifyBatchRequest(reviews=[api.Review(text=TEXT)] * 51))
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert error.details() == "the batch has 51 reviews; the limit is 50"
    assert reason(error) == "BATCH_TOO_LARGE"


def test_too_large_a_message_is_resource_exhausted_and_not_to_be_retried(api, stub):
    large = api.Review(text="长" * 40_000)
    one = api.ClassifyStreamRequest(review=large)
    for error in [
        failed(stub.Classify, api.ClassifyRequest(review=large)),
        failed(stub.ClassifyBatch, api.ClassifyBatchRequest(reviews=[large])),
        failed(stub.ClassifyStream, iter([one])),
    ]:
        assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "100000" in error.details()
        assert dict(error.trailing_metadata())["grpc-retry-pushback-ms"] == "-1"
        assert "RetryInfo" not in details(error)


def test_an_unknown_method_is_unimplemented(channel):
    for method in ["/postloan.v1.RiskClassifier/Classified", "/no.such/Method"]:
        error = failed(raw, channel, method, b"")
        assert error.code() == grpc.StatusCode.UNIMPLEMENTED
        assert "no such method" in error.details()


def test_a_message_of_another_type_is_internal(channel):
    error = failed(raw, channel, "/postloan.v1.RiskClassifier/Classify", b"\xff\xff\xff")
    assert error.code() == grpc.StatusCode.INTERNAL


def test_a_deadline_that_passed_is_deadline_exceeded(api, start):
    server = start("--max-batch-reviews", 5000, "--threads", 1, "--bulk-threads", 1)
    with server.channel() as channel:
        stub = api.RiskClassifierStub(channel)
        reviews = [api.Review(text=MARK + "经营正常，" * 50)] * 5000
        begun = time.time()
        error = failed(stub.ClassifyBatch, api.ClassifyBatchRequest(reviews=reviews), timeout=0.05)
        assert error.code() == grpc.StatusCode.DEADLINE_EXCEEDED
        assert time.time() - begun < 2
        # The work that nobody waits for is given up.
        until = time.time() + 5
        while server.metric("postloan_calls_in_flight") and time.time() < until:
            time.sleep(0.02)
        assert server.metric("postloan_calls_in_flight") == 0


def test_the_servers_own_deadline_ends_a_call_without_one(api, start):
    server = start("--max-batch-reviews", 5000, "--bulk-threads", 1, "--request-deadline", "30ms")
    with server.channel() as channel:
        reviews = [api.Review(text=MARK + "经营正常，" * 50)] * 5000
        error = failed(api.RiskClassifierStub(channel).ClassifyBatch, api.ClassifyBatchRequest(reviews=reviews))
        assert error.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    assert server.metric("postloan_calls_total", code="DEADLINE_EXCEEDED") == 1


def test_a_cancelled_call_is_given_up(api, server, stub):
    method = "postloan.v1.RiskClassifier/ClassifyStream"
    before = server.metric("postloan_calls_total", method=method, code="CANCELLED")

    def without_an_end():
        while True:
            yield api.ClassifyStreamRequest(review=api.Review(text=TEXT))

    answers = stub.ClassifyStream(without_an_end())
    for _ in range(100):
        next(answers)
    answers.cancel()
    until = time.time() + 5
    while server.metric("postloan_calls_total", method=method, code="CANCELLED") == before:
        assert time.time() < until
        time.sleep(0.02)


class RawClient:
    """A client that can stop in the middle of a message."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), 5)
        self.http = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self.http.initiate_connection()
        self.flush()

    def flush(self):
        self.socket.sendall(self.http.data_to_send())

    def headers(self, stream, method, *more):
        self.http.send_headers(stream, [
            (":method", "POST"), (":scheme", "http"), (":path", f"/postloan.v1.RiskClassifier/{method}"),
            (":authority", "localhost"), ("content-type", "application/grpc"), ("te", "trailers"), *more,
        ])
        self.flush()

    def data(self, stream, data, end=False):
        self.http.send_data(stream, data, end_stream=end)
        self.flush()

    def status(self, stream, seconds):
        """The gRPC code and sentence that a stream ends with."""
        self.socket.settimeout(seconds)
        while received := self.socket.recv(65536):
            for event in self.http.receive_data(received):
                ends = (h2.events.ResponseReceived, h2.events.TrailersReceived)
                if isinstance(event, ends) and event.stream_id == stream:
                    headers = dict(event.headers)
                    if "grpc-status" in headers:
                        return int(headers["grpc-status"]), headers.get("grpc-message", "")
            self.flush()
        raise AssertionError("the connection ended without a status")


@pytest.mark.parametrize("method", ["Classify", "ClassifyBatch", "ClassifyStream"])
def test_a_client_that_stalls_in_the_middle_of_a_message_is_told_so(api, start, method):
    server = start("--message-timeout", "400ms", "--request-deadline", "20s")
    client = RawClient(server.port)
    client.headers(1, method)
    client.data(1, b"\0" + struct.pack(">I", 100) + b"abc")
    begun = time.time()
    code, sentence = client.status(1, 5)
    assert code == grpc.StatusCode.DEADLINE_EXCEEDED.value[0] and "stalled" in sentence
    assert 0.3 < time.time() - begun < 2
    # Another call on the same connection, and one on another.
    message = api.ClassifyRequest(review=api.Review(text=TEXT)).SerializeToString()
    client.headers(3, "Classify")
    client.data(3, b"\0" + struct.pack(">I", len(message)) + message, end=True)
    assert client.status(3, 5)[0] == 0
    with server.channel() as channel:
        assert api.RiskClassifierStub(channel).Classify(api.ClassifyRequest(review=api.Review(text=TEXT)))


def test_a_client_that_drips_a_message_is_told_so_too(start):
    server = start("--message-timeout", "500ms")
    client = RawClient(server.port)
    client.headers(1, "ClassifyStream")
    client.data(1, b"\0" + struct.pack(">I", 100))
    for _ in range(8):
        client.data(1, b"a")
        time.sleep(0.1)
    assert client.status(1, 5)[0] == grpc.StatusCode.DEADLINE_EXCEEDED.value[0]


def test_a_stream_may_pause_between_messages_but_not_for_ever(api, start):
    server = start("--message-timeout", "200ms", "--request-deadline", "1200ms")
    message = api.ClassifyStreamRequest(review=api.Review(text=TEXT)).SerializeToString()
    framed = b"\0" + struct.pack(">I", len(message)) + message
    client = RawClient(server.port)
    client.headers(1, "ClassifyStream")
    for _ in range(3):
        client.data(1, framed)
        time.sleep(0.6)
    begun = time.time()
    code, sentence = client.status(1, 5)
    assert code == grpc.StatusCode.DEADLINE_EXCEEDED.value[0] and "silent" in sentence
    assert 0.3 < time.time() - begun < 2


def test_a_client_that_takes_no_results_loses_its_connection_and_its_place(api, start):
    server = start("--request-deadline", "600ms")
    message = api.ClassifyStreamRequest(review=api.Review(text=TEXT)).SerializeToString()
    framed = b"\0" + struct.pack(">I", len(message)) + message
    client = RawClient(server.port)
    client.headers(1, "ClassifyStream")
    # Far more results than the 65,535 bytes that HTTP/2 lets a server send unasked.
    for _ in range(1500):
        if client.http.local_flow_control_window(1) < len(framed):
            break
        client.data(1, framed)
    begun = time.time()
    client.socket.settimeout(5)
    with pytest.raises(ConnectionError):
        while client.socket.recv(65536):
            pass
        raise ConnectionError
    assert time.time() - begun < 4
    until = time.time() + 5
    while server.metric("postloan_calls_in_flight"):
        assert time.time() < until
        time.sleep(0.02)


def test_what_is_no_grpc_is_refused(server):
    client = RawClient(server.port)
    client.http.send_headers(1, [
        (":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "localhost"),
    ], end_stream=True)
    client.flush()
    while True:
        events = client.http.receive_data(client.socket.recv(65536))
        answers = [event for event in events if isinstance(event, h2.events.ResponseReceived)]
        if answers:
            assert dict(answers[0].headers)[":status"] == "415"
            return


def test_a_connection_that_says_nothing_is_closed(start):
    server = start("--handshake-timeout", "300ms")
    with socket.create_connection(("127.0.0.1", server.port), 5) as silent:
        silent.sendall(b"PRI * HTTP")
        begun = time.time()
        # What the server says of itself, and then the end.
        while silent.recv(4096):
            pass
        assert time.time() - begun < 3
