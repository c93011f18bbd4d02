#!/usr/bin/env python3
"""Ten times as much as the server can take, for 30 s: every call answered, memory bounded, health
answered within a second throughout, and normal service within a second afterwards.

    cargo build --release
    .venv/bin/python benches/serving/overload.py

First it measures what the server can take of batches of 500 comments to be explained, which cost it
far more than they cost who asks; then it offers ten times that: calls are started by the clock,
whether earlier ones have been answered or not. Another process asks for health and for one comment
all the while. Needs the Python packages of tests/python/requirements.txt. Loopback only.
"""

import asyncio
import collections
import subprocess
import sys
import tempfile
import time

import grpc
from common import Server, percentile, stubs
from grpc_health.v1 import health_pb2, health_pb2_grpc
from versus_empty import COMMENT

SECONDS = float(sys.argv[1]) if len(sys.argv) == 2 else 30
FACTOR = 10
REVIEWS = 500
DEADLINE = 5
SERVING = health_pb2.HealthCheckResponse.SERVING


def probe(port):
    """Asks for health and for one comment every tenth of a second, until told to end: prints what was asked, when
    the answer came, how long it took and what it was."""
    api, Stub = stubs(tempfile.mkdtemp())
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        health, classify = health_pb2_grpc.HealthStub(channel).Check, Stub(channel).Classify
        comment = api.ClassifyRequest(review=api.Review(text=COMMENT))
        while True:
            for name, call, request in [
                ("health", health, health_pb2.HealthCheckRequest()), ("comment", classify, comment),
            ]:
                begun = time.time()
                try:
                    answer = call(request, timeout=DEADLINE)
                    code = "OK" if name == "comment" or answer.status == SERVING else "NOT_SERVING"
                except grpc.RpcError as error:
                    code = error.code().name
                print(name, time.time(), time.time() - begun, code, flush=True)
            time.sleep(0.1)


async def main():
    server = Server("--max-concurrent-requests", 40, "--max-bulk-requests", 32)
    try:
        await overload(server)
    finally:
        server.process.kill()


async def overload(server):
    api, Stub = stubs(tempfile.mkdtemp())
    options = api.ClassifyOptions(explain_top_k=1)
    request = api.ClassifyBatchRequest(reviews=[api.Review(text=COMMENT)] * REVIEWS, options=options)
    options = [("grpc.use_local_subchannel_pool", 1)]
    channels = [grpc.aio.insecure_channel(f"127.0.0.1:{server.port}", options) for _ in range(16)]
    calls = [Stub(channel).ClassifyBatch for channel in channels]
    codes = collections.Counter()

    async def one(call):
        try:
            await call(request, timeout=DEADLINE)
            codes["OK"] += 1
        except grpc.aio.AioRpcError as error:
            codes[error.code().name] += 1

    # What it can take: as many as are answered when eight are always under way.
    async def always(call, until):
        while time.time() < until:
            await one(call)

    await asyncio.gather(*(always(call, time.time() + 3) for call in calls[:8]))
    capacity = codes["OK"] / 3
    print(f"capacity: {capacity:.0f} batches/s, {capacity * REVIEWS:.0f} comments/s")
    before = server.memory()
    codes.clear()

    command = [sys.executable, __file__, "probe", str(server.port)]
    probing = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    # Until it asks.
    await asyncio.sleep(2)
    begun, started, under_way = time.time(), 0, set()
    while (elapsed := time.time() - begun) < SECONDS:
        while started < elapsed * capacity * FACTOR:
            task = asyncio.create_task(one(calls[started % len(calls)]))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
            started += 1
        await asyncio.sleep(0.001)
    ended = time.time()
    await asyncio.gather(*under_way)
    probing.terminate()
    probes = {"health": [], "comment": []}
    for line in probing.communicate()[0].splitlines():
        name, at, took, code = line.split()
        probes[name].append((float(at), float(took), code))
    answered = [took for _, took, code in probes["health"] if code == "OK"]
    healths = len(probes["health"])
    during = collections.Counter(code for at, _, code in probes["comment"] if begun < at < ended)
    recovered = min(at - ended for at, _, code in probes["comment"] if code == "OK" and at > ended)
    print(f"offered: {started} batches in {SECONDS:.0f} s, {started / SECONDS / capacity:.1f} x capacity")
    print(f"answers: {dict(codes)}")
    print(f"single comments meanwhile: {dict(during)}")
    print(f"health: {len(answered)} answers of {healths}, slowest {max(answered) * 1e3:.0f} ms, "
          f"median {percentile(answered, 0.5) * 1e3:.1f} ms")
    print(f"memory: {before:.0f} MiB before, {server.peak():.0f} MiB at most")
    print(f"a single call was answered {recovered * 1e3:.0f} ms after the end")
    assert sum(codes.values()) == started
    assert set(codes) <= {"OK", "RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED"}, codes
    assert len(answered) == healths and max(answered) < 1
    assert recovered < 1
    assert server.stop() == 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["probe"]:
        probe(sys.argv[2])
    else:
        asyncio.run(main())
