#!/usr/bin/env python3
"""Ten times as much as the server can take, for 30 s: every call answered, memory bounded, health
answered within a second throughout, and normal service within a second afterwards.

    cargo build --release
    .venv/bin/python benches/serving/overload.py

First it measures what the server can take of batches of 500 comments, then it offers ten times
that: calls are started by the clock, whether earlier ones have been answered or not. Needs the
Python packages of tests/python/requirements.txt. Loopback only.
"""

import asyncio
import collections
import sys
import tempfile
import time

import grpc
from common import Server, percentile, stubs
from grpc_health.v1 import health_pb2, health_pb2_grpc
from versus_empty import COMMENT

SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else 30
FACTOR = 10
REVIEWS = 500
DEADLINE = 5


async def main():
    api, Stub = stubs(tempfile.mkdtemp())
    server = Server("--max-concurrent-requests", 32, "--max-bulk-requests", 32)
    request = api.ClassifyBatchRequest(reviews=[api.Review(text=COMMENT)] * REVIEWS)
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

    health = health_pb2_grpc.HealthStub(grpc.aio.insecure_channel(f"127.0.0.1:{server.port}", options))
    answered = []

    async def ask():
        while True:
            begun = time.time()
            answer = await health.Check(health_pb2.HealthCheckRequest(), timeout=1)
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
            answered.append(time.time() - begun)
            await asyncio.sleep(0.1)

    asking = asyncio.create_task(ask())
    begun, started, under_way = time.time(), 0, set()
    while (elapsed := time.time() - begun) < SECONDS:
        while started < elapsed * capacity * FACTOR:
            task = asyncio.create_task(one(calls[started % len(calls)]))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
            started += 1
        await asyncio.sleep(0.001)
    ended = time.time()
    # The next single call on a new connection, while the last of the flood is still being answered.
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}", options) as channel:
        while True:
            try:
                await Stub(channel).Classify(api.ClassifyRequest(review=api.Review(text=COMMENT)), timeout=1)
                break
            except grpc.aio.AioRpcError:
                assert time.time() - ended < 1, "no normal service within a second"
    recovered = time.time() - ended
    await asyncio.gather(*under_way)
    asking.cancel()
    print(f"offered: {started} batches in {SECONDS:.0f} s, {started / SECONDS / capacity:.1f} x capacity")
    print(f"answers: {dict(codes)}")
    print(f"health: {len(answered)} answers, slowest {max(answered) * 1e3:.0f} ms, "
          f"median {percentile(answered, 0.5) * 1e3:.1f} ms")
    print(f"memory: {before:.0f} MiB before, {server.peak():.0f} MiB at most")
    print(f"a single call was answered {recovered * 1e3:.0f} ms after the end")
    assert sum(codes.values()) == started
    assert set(codes) <= {"OK", "RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED"}, codes
    assert max(answered) < 1
    assert server.stop() == 0


if __name__ == "__main__":
    asyncio.run(main())
