#!/usr/bin/env python3
"""How long single calls take while two clients stream without a pause.

    cargo build --release
    python3 benches/serving/fairness.py

Single calls come one after another on a connection of their own, first alone and then beside the
streams: each of those sends 10,000 comments over ClassifyStream as fast as the server takes them,
and then the next 10,000. Server and clients (all of them h2load, Debian: nghttp2-client) share the
machine. Loopback only.
"""

import pathlib
import subprocess
import sys
import tempfile
import time

from common import Server, h2load, percentile
from versus_empty import request_body

CALLS = int(sys.argv[1]) if len(sys.argv) > 1 else 30_000
STREAMS = 2
COMMENTS = 10_000


def singles(server, body):
    with tempfile.NamedTemporaryFile(suffix=".log") as log:
        output = h2load(server.port, body, 1, 1, CALLS, f"--log-file={log.name}").communicate()[0]
        assert f"{CALLS} succeeded" in output, output
        times = [int(line.split(b"\t")[2]) for line in pathlib.Path(log.name).read_bytes().splitlines()]
    return "median %d µs, p99 %d µs, p99.9 %d µs" % tuple(percentile(times, share) for share in (0.5, 0.99, 0.999))


def streams(server, body):
    return subprocess.Popen(
        ["h2load", "-c", str(STREAMS), "-m", "1", "-D", "3600", "-d", body, "-H", "content-type: application/grpc",
         "-H", "te: trailers", f"http://127.0.0.1:{server.port}/postloan.v1.RiskClassifier/ClassifyStream"],
        stdout=subprocess.DEVNULL,
    )


def main():
    server = Server()
    with tempfile.NamedTemporaryFile() as one, tempfile.NamedTemporaryFile() as many:
        one.write(request_body())
        one.flush()
        # A ClassifyStreamRequest has its review where a ClassifyRequest has it.
        many.write(request_body() * COMMENTS)
        many.flush()
        singles(server, one.name)
        print(f"single calls alone:             {singles(server, one.name)}")
        clients = streams(server, many.name)
        try:
            time.sleep(1)
            before, begun = server.counted("postloan_predictions_total"), time.time()
            time.sleep(3)
            alone = (server.counted("postloan_predictions_total") - before) / (time.time() - begun)
            before, begun = server.counted("postloan_predictions_total"), time.time()
            print(f"beside {STREAMS} streams without pause: {singles(server, one.name)}")
            took = time.time() - begun
            streamed = (server.counted("postloan_predictions_total") - before - CALLS) / took
        finally:
            clients.kill()
        print(f"the streams: {alone:,.0f} comments/s by themselves, {streamed:,.0f}/s beside the single calls")
        assert streamed > 0
    assert server.stop() == 0


if __name__ == "__main__":
    main()
