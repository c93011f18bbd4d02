"""How many, how much: over a limit a call is told so at once, and health is always answered."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import grpc
from serving import COMMENTS, MARK, failed, hold_stream
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc

TEXT = COMMENTS["normal"]


def healthy(channel):
    stub = health_pb2_grpc.HealthStub(channel)
    return stub.Check(health_pb2.HealthCheckRequest(), timeout=1).status == health_pb2.HealthCheckResponse.SERVING


def test_over_the_concurrency_limit_a_call_is_told_at_once_when_to_come_again(api, start):
    server = start("--max-concurrent-requests", 2)
    with server.channel() as channel:
        held = [hold_stream(api, channel) for _ in range(2)]
        begun = time.time()
        for _ in range(20):
            error = failed(api.RiskClassifierStub(channel).Classify, api.ClassifyRequest(review=api.Review(text=TEXT)))
            assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert time.time() - begun < 1
        metadata = dict(error.trailing_metadata())
        status = status_pb2.Status.FromString(metadata["grpc-status-details-bin"])
        retry = error_details_pb2.RetryInfo.FromString(status.details[0].value)
        assert retry.retry_delay.ToMilliseconds() == int(metadata["grpc-retry-pushback-ms"]) == 200
        # Health is outside every limit.
        assert healthy(channel)
        assert server.http("/readyz")[0] == 200
        assert server.metric("postloan_turned_away_total", reason="concurrency") == 20
        # One line a second says so, not one a call.
        assert server.wait_for("calls were turned away")["level"] == "WARN"
        for answers, release in held:
            release.set()
            assert [answer.result.prediction.label for answer in answers] == ["normal"]
        assert api.RiskClassifierStub(channel).Classify(api.ClassifyRequest(review=api.Review(text=TEXT)))


def test_batches_and_streams_leave_places_for_single_calls(api, start):
    server = start("--max-bulk-requests", 1)
    with server.channel() as channel:
        stub = api.RiskClassifierStub(channel)
        answers, release = hold_stream(api, channel)
        error = failed(stub.ClassifyBatch, api.ClassifyBatchRequest())
        assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert failed(stub.ClassifyStream, iter([])).code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert stub.Classify(api.ClassifyRequest(review=api.Review(text=TEXT)))
        release.set()
        assert [answer.result.prediction.label for answer in answers] == ["normal"]
        stub.ClassifyBatch(api.ClassifyBatchRequest())


def test_over_the_connection_limit_health_is_answered_and_work_is_not(api, start):
    server = start("--max-connections", 2)
    channels = [server.channel() for _ in range(3)]
    request = api.ClassifyRequest(review=api.Review(text=TEXT))
    for channel in channels[:2]:
        assert api.RiskClassifierStub(channel).Classify(request)
    assert healthy(channels[2])
    error = failed(api.RiskClassifierStub(channels[2]).Classify, request)
    assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED and "connections" in error.details()
    for channel in channels:
        channel.close()
    until = time.time() + 5
    while server.metric("postloan_connections"):
        assert time.time() < until
        time.sleep(0.05)
    with server.channel() as channel:
        assert api.RiskClassifierStub(channel).Classify(request)


def test_streams_beyond_the_limit_of_a_connection_wait_for_their_turn(api, start):
    server = start("--max-streams-per-connection", 2)
    with server.channel() as channel, ThreadPoolExecutor(16) as threads:
        stub = api.RiskClassifierStub(channel)
        one = lambda _: stub.Classify(api.ClassifyRequest(review=api.Review(text=TEXT)), timeout=10)
        assert all(answer.prediction.label == "normal" for answer in threads.map(one, range(200)))


def test_in_an_overload_every_call_is_answered_health_too_and_afterwards_all_is_well(api, start):
    """A short one; benches/serving/overload.py is the long one."""
    server = start("--max-concurrent-requests", 4, "--max-bulk-requests", 4)
    codes, stop = [], threading.Event()
    request = api.ClassifyBatchRequest(reviews=[api.Review(text=MARK + "经营正常，" * 100)] * 100)

    def work(_):
        with server.channel() as channel:
            stub = api.RiskClassifierStub(channel)
            while not stop.is_set():
                try:
                    stub.ClassifyBatch(request, timeout=5)
                    codes.append("OK")
                except grpc.RpcError as error:
                    codes.append(error.code().name)

    with ThreadPoolExecutor(40) as threads, server.channel() as channel:
        done = [threads.submit(work, number) for number in range(40)]
        until = time.time() + 3
        while time.time() < until:
            begun = time.time()
            assert healthy(channel)
            assert time.time() - begun < 1
            time.sleep(0.1)
        stop.set()
        for one in done:
            one.result(10)
        begun = time.time()
        api.RiskClassifierStub(channel).Classify(api.ClassifyRequest(review=api.Review(text=TEXT)), timeout=1)
        assert time.time() - begun < 1
    assert set(codes) <= {"OK", "RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED"}
    assert codes.count("OK") > 0 and codes.count("RESOURCE_EXHAUSTED") > 0


def test_streams_without_pause_and_single_calls_do_not_starve_each_other(api, start):
    """Held loosely here, for any machine; benches/serving/fairness.py measures it."""
    server = start()
    stop = threading.Event()
    sent, answered = [0, 0], [0, 0]

    def stream(number):
        def requests():
            while not stop.is_set():
                sent[number] += 1
                yield api.ClassifyStreamRequest(review=api.Review(text=TEXT))

        with server.channel() as channel:
            for _ in api.RiskClassifierStub(channel).ClassifyStream(requests()):
                answered[number] += 1

    with ThreadPoolExecutor(2) as threads, server.channel() as channel:
        streams = [threads.submit(stream, number) for number in range(2)]
        stub = api.RiskClassifierStub(channel)
        times = []
        # However long this machine takes to let them, all of them get on side by side.
        until = time.time() + 60
        while (len(times) < 300 or min(answered) < 300) and time.time() < until:
            begun = time.time()
            stub.Classify(api.ClassifyRequest(review=api.Review(text=TEXT)), timeout=5)
            times.append(time.time() - begun)
        side_by_side = min(answered)
        stop.set()
        for one in streams:
            one.result(30)
    assert len(times) >= 300 and side_by_side >= 300, (len(times), side_by_side)
    # No review of a stream goes without its answer.
    assert answered == sent
    assert sorted(times)[int(0.99 * len(times))] < 0.5
