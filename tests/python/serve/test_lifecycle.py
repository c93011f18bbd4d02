"""Start, reload, shutdown; settings; health, reflection."""

import json
import shutil
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from serving import COMMENTS, failed, hold_stream, promote, run, train
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from google.protobuf.descriptor_pool import DescriptorPool

TEXT = COMMENTS["normal"]


def version(api, channel):
    request = api.ClassifyRequest(review=api.Review(text=TEXT))
    return api.RiskClassifierStub(channel).Classify(request, timeout=5).prediction.model.version


def wait_for_version(api, channel, expected):
    until = time.time() + 10
    while version(api, channel) != expected:
        assert time.time() < until
        time.sleep(0.05)


def test_a_promoted_version_takes_over_and_a_rollback_takes_it_back(api, start, store):
    server = start("--model", store)
    with server.channel() as channel:
        assert version(api, channel) == 1
        done = promote(store, 2)
        assert done.stdout.startswith("risk/2 is in production: promoted from 1 to 2 by ")
        wait_for_version(api, channel, 2)
        assert api.RiskClassifierStub(channel).GetModel(api.GetModelRequest()).model.version == 2
        assert server.metric("postloan_model_in_use", version=2) == 1
        assert server.metric("postloan_model_in_use", version=1) == 0
        run("models", "rollback", "risk", "--folder", str(store.parent))
        wait_for_version(api, channel, 1)
    history = run("models", "history", "risk", "--folder", str(store.parent)).stdout.splitlines()
    assert [line.split(" by ")[0] for line in history] == [
        "promoted from 2 to 1", "promoted from 1 to 2", "rolled back from 2 to 1",
    ]


def test_a_bad_version_is_not_promoted_and_one_that_gets_there_leaves_the_old_one_answering(api, start, store):
    server = start("--model", store)
    with (store / "2" / "weights.safetensors").open("r+b") as weights:
        weights.seek(200)
        weights.write(b"\xff")
    before = (store / "production").read_text(), run("models", "history", "risk", "--folder", str(store.parent)).stdout
    done = promote(store, 2, check=False)
    assert done.returncode == 4 and "SHA-256" in done.stderr
    assert promote(store, 9, check=False).returncode == 4
    assert before == ((store / "production").read_text(), run("models", "history", "risk", "--folder", str(store.parent)).stdout)
    # Somebody writes the file by hand.
    (store / "production").write_text("2\n")
    line = server.wait_for("the promoted model version cannot be used")
    assert line["level"] == "ERROR" and line["still"] == "risk/1" and "SHA-256" in line["error"]
    with server.channel() as channel:
        assert version(api, channel) == 1
    assert server.metric("postloan_model_loads_total", outcome="failed") == 1
    # It is not tried again and again.
    time.sleep(2.5)
    assert server.metric("postloan_model_loads_total", outcome="failed") == 1


def test_a_rollback_needs_a_version_to_go_back_to(tmp_path):
    store = tmp_path / "models" / "risk"
    train(store, 1)
    done = run("models", "rollback", "risk", "--folder", str(store.parent), check=False)
    assert done.returncode == 4 and "no version was in production before" in done.stderr
    done = run("models", "promote", "nothing", "1", "--folder", str(store.parent), check=False)
    assert done.returncode == 4


def test_training_alone_changes_nothing_and_a_hang_up_takes_the_highest_version(api, start, tmp_path):
    store = tmp_path / "models" / "risk"
    train(store, 1)
    server = start("--model", store)
    with server.channel() as channel:
        train(store, 2)
        time.sleep(1.5)
        assert version(api, channel) == 1
        server.signal(signal.SIGHUP)
        wait_for_version(api, channel, 2)


def test_swaps_under_load_fail_no_call_and_each_answer_is_of_the_version_it_names(api, start, store):
    """A short one; benches/serving/swaps.py makes 200."""
    expected = {}
    for number in [1, 2]:
        predicted = run("predict", "--json", TEXT, "--model", str(store / str(number))).stdout
        expected[number] = json.loads(predicted)["confidence"]
    assert expected[1] != expected[2]
    server = start("--model", store)
    stop, seen = threading.Event(), []

    def load(_):
        with server.channel() as channel:
            stub = api.RiskClassifierStub(channel)
            reviews = [api.Review(text=TEXT)] * 20
            while not stop.is_set():
                single = stub.Classify(api.ClassifyRequest(review=reviews[0])).prediction
                results = stub.ClassifyBatch(api.ClassifyBatchRequest(reviews=reviews)).results
                batch = [result.prediction for result in results]
                assert len({prediction.model.version for prediction in batch}) == 1
                for prediction in [single, *batch]:
                    assert prediction.confidence == expected[prediction.model.version]
                seen.append(single.model.version)

    with ThreadPoolExecutor(4) as threads:
        done = [threads.submit(load, number) for number in range(4)]
        for swap in range(6):
            lines = len(server.lines)
            promote(store, 2 - swap % 2)
            server.wait_for("a model version has taken over", since=lines)
        stop.set()
        for one in done:
            one.result(20)
    assert set(seen) == {1, 2}
    assert server.metric("postloan_calls_total", code="OK") == server.metric("postloan_calls_total")
    assert server.metric("postloan_model_loads_total", outcome="loaded") == 6


def test_on_the_signal_calls_under_way_end_and_new_ones_are_not_taken(api, start):
    server = start("--shutdown-delay", "500ms")
    with server.channel() as channel, server.channel() as watcher:
        health = health_pb2_grpc.HealthStub(watcher)
        statuses = health.Watch(health_pb2.HealthCheckRequest(service="postloan.v1.RiskClassifier"))
        assert next(statuses).status == health_pb2.HealthCheckResponse.SERVING
        answers, release = hold_stream(api, channel)
        server.signal(signal.SIGTERM)
        # First it is not ready, and still answers.
        assert next(statuses).status == health_pb2.HealthCheckResponse.NOT_SERVING
        assert server.http("/readyz")[0] == 503
        assert server.http("/livez")[0] == 200
        assert version(api, watcher)
        time.sleep(1)
        # Then nobody new gets in.
        with server.channel() as late:
            error = failed(version, api, late)
            assert error.code() == grpc.StatusCode.UNAVAILABLE
        assert server.process.poll() is None
        release.set()
        assert [answer.result.prediction.label for answer in answers] == ["normal"]
        begun = time.time()
        assert server.process.wait(10) == 0
        # Who only watches the health does not hold it up.
        assert time.time() - begun < 3


def test_calls_that_do_not_end_are_cut_off_after_the_time_limit(api, start):
    server = start("--drain-timeout", "700ms")
    with server.channel() as channel:
        answers, release = hold_stream(api, channel)
        begun = time.time()
        assert server.stop() == 0
        assert 0.6 < time.time() - begun < 5
        assert server.wait_for("the time for calls under way is over")["under_way"] == 1
        assert failed(next, answers).code() == grpc.StatusCode.UNAVAILABLE
        release.set()


def test_a_second_signal_ends_at_once(api, start):
    server = start("--drain-timeout", "60s")
    with server.channel() as channel:
        answers, release = hold_stream(api, channel)
        server.signal(signal.SIGINT)
        server.wait_for("stopping")
        time.sleep(0.3)
        assert server.process.poll() is None
        server.signal(signal.SIGTERM)
        assert server.process.wait(3) == 8
        release.set()


def test_health_is_told_for_each_service(channel):
    health = health_pb2_grpc.HealthStub(channel)
    for service in ["", "postloan.v1.RiskClassifier", "inference.GRPCInferenceService"]:
        answer = health.Check(health_pb2.HealthCheckRequest(service=service), timeout=5)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    error = failed(health.Check, health_pb2.HealthCheckRequest(service="no.such.Service"), timeout=5)
    assert error.code() == grpc.StatusCode.NOT_FOUND


def test_reflection_lists_the_public_services_and_describes_them(channel):
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    listed = next(stub.ServerReflectionInfo(iter([reflection_pb2.ServerReflectionRequest(list_services="")])))
    names = {service.name for service in listed.list_services_response.service}
    assert names == {"postloan.v1.RiskClassifier", "inference.GRPCInferenceService", "grpc.health.v1.Health"}
    pool = DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
    service = pool.FindServiceByName("postloan.v1.RiskClassifier")
    assert [method.name for method in service.methods] == ["Classify", "ClassifyBatch", "ClassifyStream", "GetModel"]
    # Text is text to a client, whatever the server takes it for.
    text = pool.FindMessageTypeByName("postloan.v1.Review").fields_by_name["text"]
    assert text.type == text.TYPE_STRING


def test_flags_win_over_the_environment_and_that_over_the_file(tmp_path):
    import tomllib

    from serving import clean_environment

    file = tmp_path / "serve.toml"
    file.write_text('max_batch_reviews = 1\nmax_text_chars = 1\nthreads = 1\notlp_headers = "key=verysecret"\n')
    environment = clean_environment() | {"POSTLOAN_MAX_TEXT_CHARS": "2", "POSTLOAN_MAX_BATCH_REVIEWS": "2"}
    printed = run("serve", "--print-config", "--config", str(file), "--max-batch-reviews", "3", env=environment).stdout
    config = tomllib.loads(printed)
    assert (config["max_batch_reviews"], config["max_text_chars"], config["threads"]) == (3, 2, 1)
    assert config["max_connections"] == 1024
    assert "verysecret" not in printed


@pytest.mark.parametrize(
    "source, code, sentence",
    [
        ("max_bacth_reviews = 3", 3, "max_bacth_reviews"),
        ("threads = 'many'", 3, "line 1"),
        ("threads = 0", 2, "threads"),
        ("model = '/no/such/model'", 4, "no model at"),
        ("token_file = '/no/such/file'", 3, "/no/such/file"),
        ("tls_cert = '/no/such/cert'\ntls_key = '/no/such/key'", 3, "/no/such/cert"),
        ("listen = '192.0.2.1:1'\nallow_insecure = true", 7, "cannot listen on 192.0.2.1:1"),
    ],
)
def test_settings_that_cannot_be_are_one_sentence_and_an_exit_code(tmp_path, source, code, sentence):
    file = tmp_path / "serve.toml"
    file.write_text(source)
    done = run("serve", "--config", str(file), check=False)
    assert done.returncode == code, done.stderr
    assert sentence in done.stderr and len(done.stderr.splitlines()) == 1


def test_a_model_that_is_broken_at_the_start_is_refused(tmp_path):
    from serving import ROOT, VERSION

    broken = tmp_path / str(VERSION)
    shutil.copytree(ROOT / "models" / "post-loan-risk" / str(VERSION), broken)
    (broken / "vocabulary.tsv").write_text("")
    done = run("serve", "--model", str(broken), check=False)
    assert done.returncode == 4 and "vocabulary.tsv" in done.stderr


@pytest.fixture
def notified(tmp_path):
    """The socket that systemd listens on, and the environment in which it starts a service."""
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(path)
        notify.settimeout(10)
        yield notify, {"NOTIFY_SOCKET": path}


def test_systemd_is_told_when_the_server_is_ready_and_when_it_stops(start, notified):
    notify, environment = notified
    server = start(environment=environment)
    assert b"READY=1" in notify.recv(1024)
    assert server.stop() == 0
    # Without a watchdog there was nothing to tell in between.
    assert b"STOPPING=1" in notify.recv(1024)


def test_systemds_watchdog_hears_of_the_server_in_time_until_it_has_ended(api, start, notified):
    notify, environment = notified
    limit = 2.0
    environment |= {"WATCHDOG_USEC": str(int(limit * 1e6))}
    server = start("--drain-timeout", "4s", environment=environment)
    assert b"READY=1" in notify.recv(1024)

    def pings(seconds):
        """How many come in that time, of which none may be late."""
        count, until = 0, time.time() + seconds
        while time.time() < until:
            notify.settimeout(limit)
            count += b"WATCHDOG=1" in notify.recv(1024)
        return count

    assert pings(5) >= 2
    with server.channel() as channel:
        _, release = hold_stream(api, channel)
        server.signal(signal.SIGTERM)
        server.wait_for("stopping")
        # Also while calls under way are waited for.
        assert pings(3) >= 1
        assert server.process.poll() is None
        release.set()
        assert server.process.wait(10) == 0


def test_a_watchdog_of_another_process_is_not_told(start, notified):
    notify, environment = notified
    server = start(environment=environment | {"WATCHDOG_USEC": "100000", "WATCHDOG_PID": "1"})
    assert b"READY=1" in notify.recv(1024)
    time.sleep(0.5)
    assert server.stop() == 0
    assert b"STOPPING=1" in notify.recv(1024)
