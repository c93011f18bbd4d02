#!/usr/bin/env python3
"""200 model swaps under load: no call fails, and each answer is of the version that it names.

    cargo build --release
    .venv/bin/python benches/serving/swaps.py

Needs the Python packages of tests/python/requirements.txt. Loopback only.
"""

import collections
import concurrent.futures
import json
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

import grpc
from common import POSTLOAN, ROOT, Server, stubs
from versus_empty import COMMENT

SWAPS = int(sys.argv[1]) if len(sys.argv) > 1 else 200
CLIENTS = 6


def run(*arguments):
    done = subprocess.run([POSTLOAN, *map(str, arguments)], cwd=ROOT, check=True, capture_output=True, text=True)
    return done.stdout


def main():
    folder = pathlib.Path(tempfile.mkdtemp())
    api, Stub = stubs(folder)
    store = folder / "models" / "risk"
    lines = (ROOT / "data" / "reviews.jsonl").read_text().splitlines()
    expected = {}
    for version, part in [(1, lines[::3]), (2, lines[1::3])]:
        data = folder / f"part-{version}.jsonl"
        data.write_text("\n".join(part))
        run("train", data, "--model", store, "--folds", "0")
        predicted = json.loads(run("predict", "--json", COMMENT, "--model", store / str(version)))
        expected[version] = predicted["probabilities"]
    assert expected[1] != expected[2]
    run("models", "promote", "risk", 1, "--folder", store.parent)

    server = Server("--model", store)
    stop, counts, memory = threading.Event(), collections.Counter(), []

    def load(number):
        options = [("grpc.use_local_subchannel_pool", 1)]
        with grpc.insecure_channel(f"127.0.0.1:{server.port}", options) as channel:
            stub = Stub(channel)
            single = api.ClassifyRequest(review=api.Review(text=COMMENT))
            batch = api.ClassifyBatchRequest(reviews=[api.Review(text=COMMENT)] * 50)
            while not stop.is_set():
                if number % 3:
                    predictions = [stub.Classify(single).prediction]
                else:
                    predictions = [result.prediction for result in stub.ClassifyBatch(batch).results]
                    assert len({prediction.model.version for prediction in predictions}) == 1
                for prediction in predictions:
                    found = {of.label: of.probability for of in prediction.probabilities}
                    assert found == expected[prediction.model.version]
                counts[predictions[0].model.version] += 1

    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as threads:
        clients = [threads.submit(load, number) for number in range(CLIENTS)]
        for swap in range(1, SWAPS + 1):
            run("models", "promote", "risk", 1 + swap % 2, "--folder", store.parent)
            until = time.time() + 15
            while server.counted("postloan_model_loads_total", outcome="loaded") < swap:
                assert time.time() < until, "a swap did not happen"
                time.sleep(0.02)
            if swap % max(1, SWAPS // 10) == 0:
                memory.append(server.memory())
                print(f"{swap:4} swaps, {sum(counts.values()):8,} calls, {memory[-1]:6.1f} MiB", flush=True)
        stop.set()
        for client in clients:
            client.result(30)
    ok, calls = server.counted("postloan_calls_total", code="OK"), server.counted("postloan_calls_total")
    print(f"{SWAPS} swaps, {calls:,} calls by {CLIENTS} clients, {calls - ok} failed; by version {dict(counts)}")
    assert ok == calls and set(counts) == {1, 2}
    assert server.stop() == 0


if __name__ == "__main__":
    main()
