#!/usr/bin/env python3
"""How long single calls take while two clients stream without a pause.

    cargo build --release
    .venv/bin/python benches/serving/fairness.py

Single calls come one after another on a connection of their own, first alone and then beside the
streams. The clients are h2load for the single calls and two processes of grpcio for the streams,
on the same machine: on two cores, they compete with the server. Needs h2load (Debian:
nghttp2-client) and the Python packages of tests/python/requirements.txt. Loopback only.
"""

import multiprocessing
import pathlib
import sys
import tempfile
import time

from common import Server, h2load, percentile, stubs
from versus_empty import COMMENT, request_body

CALLS = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
STREAMS = 2


def stream(port, ready, stop, answered):
    import grpc

    api, Stub = stubs(tempfile.mkdtemp())
    request = api.ClassifyStreamRequest(review=api.Review(text=COMMENT))

    def requests():
        while not stop.is_set():
            for _ in range(64):
                yield request

    count = 0
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        for _ in Stub(channel).ClassifyStream(requests()):
            count += 1
            if count == 100:
                ready.release()
    answered.put(count)


def singles(server, body):
    with tempfile.NamedTemporaryFile(suffix=".log") as log:
        output = h2load(server.port, body, 1, 1, CALLS, f"--log-file={log.name}").communicate()[0]
        assert f"{CALLS} succeeded" in output, output
        times = [int(line.split(b"\t")[2]) for line in pathlib.Path(log.name).read_bytes().splitlines()]
    return [percentile(times, share) for share in (0.5, 0.99, 0.999)]


def main():
    server = Server()
    with tempfile.NamedTemporaryFile() as body:
        body.write(request_body())
        body.flush()
        singles(server, body.name)
        print("single calls alone:              median %d µs, p99 %d µs, p99.9 %d µs" % tuple(singles(server, body.name)))
        ready, stop, answered = multiprocessing.Semaphore(0), multiprocessing.Event(), multiprocessing.Queue()
        clients = [
            multiprocessing.Process(target=stream, args=(server.port, ready, stop, answered)) for _ in range(STREAMS)
        ]
        for client in clients:
            client.start()
        for _ in clients:
            ready.acquire()
        begun = time.time()
        beside = singles(server, body.name)
        took = time.time() - begun
        stop.set()
        total = sum(answered.get(timeout=60) for _ in clients)
        for client in clients:
            client.join(30)
    print("beside %d streams without pause:  median %d µs, p99 %d µs, p99.9 %d µs" % (STREAMS, *beside))
    print(f"the streams had {total:,} answers, about {total / took:,.0f}/s")
    assert server.stop() == 0


if __name__ == "__main__":
    main()
