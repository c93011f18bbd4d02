#!/usr/bin/env python3
"""Whether memory is flat over 2,000,000 calls: what the server has in memory after every tenth of
them.

    cargo build --release
    python3 benches/serving/memory.py

Needs h2load (Debian: nghttp2-client). Loopback only.
"""

import sys
import tempfile

from common import Server, h2load
from versus_empty import request_body

CALLS = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000_000
PARTS = 10


def main():
    server = Server()
    with tempfile.NamedTemporaryFile() as body:
        body.write(request_body())
        body.flush()
        print(f"at the start {server.memory():7.1f} MiB")
        samples = []
        for part in range(1, PARTS + 1):
            load = h2load(server.port, body.name, 8, 32, CALLS // PARTS)
            load.communicate()
            samples.append(server.memory())
            print(f"after {CALLS * part // PARTS:9,} {samples[-1]:7.1f} MiB", flush=True)
    answered = server.counted("postloan_calls_total", code="OK")
    print(f"{answered:,} answered; peak {server.peak():.1f} MiB; last / first {samples[-1] / samples[0]:.3f}")
    assert answered == CALLS // PARTS * PARTS
    assert samples[-1] < 1.1 * samples[0] + 5, "memory grows"
    assert server.stop() == 0


if __name__ == "__main__":
    main()
