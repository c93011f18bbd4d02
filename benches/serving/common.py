"""What the measurements of the service share: a server, a model in two versions, its memory."""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"
POSTLOAN = TARGET / "postloan"


def stubs(folder):
    """The messages and stubs of postloan.v1, made from the proto file."""
    from grpc_tools import protoc

    failed = protoc.main([
        "protoc", f"-I{ROOT / 'proto'}", f"-I{pathlib.Path(protoc.__file__).parent / '_proto'}",
        f"--python_out={folder}", f"--grpc_python_out={folder}", "postloan/v1/risk_classifier.proto",
    ])
    assert not failed
    sys.path.insert(0, str(folder))
    from postloan.v1 import risk_classifier_pb2, risk_classifier_pb2_grpc

    return risk_classifier_pb2, risk_classifier_pb2_grpc.RiskClassifierStub


class Server:
    """`postloan serve` on ports that the system chooses."""

    def __init__(self, *flags):
        self.lines = []
        self.process = subprocess.Popen(
            [POSTLOAN, "serve", "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0",
             "--log-format", "json", *map(str, flags)],
            cwd=ROOT, stderr=subprocess.PIPE, text=True,
        )
        threading.Thread(target=self._read, daemon=True).start()
        self.port, self.metrics_port = self.port_of("calls are answered"), self.port_of("metrics and probes")

    def _read(self):
        self.lines.extend(self.process.stderr)

    def port_of(self, message):
        until = time.time() + 30
        while time.time() < until and self.process.poll() is None:
            for line in list(self.lines):
                if message in line:
                    return int(json.loads(line)["address"].rsplit(":", 1)[1])
            time.sleep(0.02)
        raise SystemExit("".join(self.lines))

    def memory(self):
        """What the process has in memory, in MiB."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024

    def peak(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024

    def metrics(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=10) as answer:
            return answer.read().decode()

    def counted(self, name, **labels):
        total = 0
        for line in self.metrics().splitlines():
            found = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line)
            if found and found[1] == name:
                given = dict(re.findall(r'(\w+)="([^"]*)"', found[2] or ""))
                if all(given.get(label) == str(value) for label, value in labels.items()):
                    total += float(found[3])
        return int(total)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def h2load(port, body, connections, streams, requests, *more):
    """Starts h2load with Classify of `body`."""
    return subprocess.Popen(
        ["h2load", "-c", str(connections), "-m", str(streams), "-n", str(requests), "-d", str(body),
         "-H", "content-type: application/grpc", "-H", "te: trailers", *more,
         f"http://127.0.0.1:{port}/postloan.v1.RiskClassifier/Classify"],
        stdout=subprocess.PIPE, text=True,
    )
