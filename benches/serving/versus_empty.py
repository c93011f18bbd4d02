#!/usr/bin/env python3
"""What classification costs over gRPC itself: `postloan serve` beside a tonic server whose handler
is empty (examples/empty_grpc_server.rs), in turn, under the same load and with messages of the
same size.

    cargo build --release --bin postloan --example empty_grpc_server
    python3 benches/serving/versus_empty.py

Needs h2load (Debian: nghttp2-client). Loopback only.
"""

import argparse
import os
import pathlib
import re
import resource
import socket
import statistics
import struct
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"
METHOD = "postloan.v1.RiskClassifier/Classify"
# 116 characters.
COMMENT = (
    "经实地走访，企业生产经营基本正常，车间开工率约七成，较上年同期下降两成；近三个月账户流水合计420万元，"
    "环比减少35%，下游两家客户回款放缓，应收账款增加；抵押厂房状态良好，未见查封，本息按期归还，"
    "建议关注后续订单及现金流变化情况。"
)


def field(number, payload):
    """A length-delimited protobuf field."""
    length, varint = len(payload), bytearray()
    while length >= 0x80:
        varint.append(length & 0x7F | 0x80)
        length >>= 7
    varint.append(length)
    return bytes([number << 3 | 2]) + bytes(varint) + payload


def request_body(comment=COMMENT):
    """A ClassifyRequest as gRPC sends it: review 1 { text 2 }."""
    message = field(1, field(2, comment.encode()))
    return b"\0" + struct.pack(">I", len(message)) + message


def children_cpu():
    """The processor time of the processes that this one has waited for, in seconds."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Server:
    """A server under test, on a port of its own."""

    def __init__(self, name, command, port):
        self.name, self.port = name, port
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=self.log, stderr=self.log)
        until = time.time() + 30
        while time.time() < until:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise SystemExit(f"{name} did not start")

    def cpu(self):
        """The processor time that it has used, in seconds."""
        stat = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text()
        user, system = stat.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


def h2load(port, body, connections, streams, requests):
    """Requests a second, the median latency in µs and the processor time of h2load itself in µs a request, of
    one run in which every call must be OK."""
    before = children_cpu()
    with tempfile.NamedTemporaryFile(suffix=".log") as log:
        command = [
            "h2load", "-c", str(connections), "-m", str(streams), "-n", str(requests), "-d", body,
            "-H", "content-type: application/grpc", "-H", "te: trailers", f"--log-file={log.name}",
            f"http://127.0.0.1:{port}/{METHOD}",
        ]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        latencies = [int(line.split(b"\t")[2]) for line in pathlib.Path(log.name).read_bytes().splitlines()]
    succeeded = int(re.search(r"(\d+) succeeded", output)[1])
    if succeeded != requests or "2xx" not in output:
        raise SystemExit(f"not every call was answered:\n{output}")
    rate = float(re.search(r"finished in [^,]+, ([\d.]+) req/s", output)[1])
    return rate, statistics.median(latencies), (children_cpu() - before) / requests * 1e6


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--requests", type=int, default=200_000)
    parser.add_argument("--latency-requests", type=int, default=20_000)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--streams", type=int, default=32)
    parser.add_argument("--serve", nargs="*", default=[], help="more flags for postloan serve")
    options = parser.parse_args()
    assert len(COMMENT) == 116

    ports = free_port(), free_port()
    servers = [
        Server("empty", [TARGET / "examples/empty_grpc_server", f"127.0.0.1:{ports[0]}"], ports[0]),
        Server("postloan", [TARGET / "postloan", "serve", "--listen", f"127.0.0.1:{ports[1]}",
                            "--log-level", "warn", *options.serve], ports[1]),
    ]
    with tempfile.NamedTemporaryFile() as body:
        body.write(request_body())
        body.flush()
        try:
            measure(servers, body.name, options)
        finally:
            for server in servers:
                server.stop()


def measure(servers, body, options):
    for server in servers:
        h2load(server.port, body, options.connections, options.streams, options.requests // 4)
    rates, medians, work, both = ({server.name: [] for server in servers} for _ in range(4))
    for _ in range(options.runs):
        for server in servers:
            before = server.cpu()
            rate, _, client = h2load(server.port, body, options.connections, options.streams, options.requests)
            work[server.name].append((server.cpu() - before) / options.requests * 1e6)
            # The other way round, so that more is better, as with the rates.
            both[server.name].append(1 / (work[server.name][-1] + client))
            rates[server.name].append(rate)
            _, median, _ = h2load(server.port, body, 1, 1, options.latency_requests)
            medians[server.name].append(median)
    # Where others are at work on the machine, the processor time says what the throughput would be without them:
    # server and h2load share all cores.
    for server in servers:
        print(
            f"{server.name:9} {statistics.median(rates[server.name]):9.0f} requests/s, "
            f"{statistics.median(medians[server.name]):6.1f} µs median at concurrency 1, "
            f"{statistics.median(work[server.name]):5.1f} µs of processor time a request"
        )

    def ratios(values):
        pairs = [ours / theirs for ours, theirs in zip(values["postloan"], values["empty"])]
        return f"{statistics.median(pairs):.3f} ({min(pairs):.3f} to {max(pairs):.3f})"

    print(f"throughput, postloan / empty: {ratios(rates)}, {options.runs} pairs")
    print(f"processor time of server and h2load a request, empty / postloan: {ratios(both)}")
    print(f"latency,    postloan / empty: {ratios(medians)}")


if __name__ == "__main__":
    main()
