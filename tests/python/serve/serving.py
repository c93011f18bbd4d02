"""A running `postloan serve`, models for it, and what was written while it ran."""

import json
import os
import random
import re
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import grpc
import pytest

ROOT = Path(__file__).resolve().parents[3]
BUILT = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / os.environ.get("POSTLOAN_PROFILE", "debug")
POSTLOAN = BUILT / "postloan"
# The version of the shipped model that is in use.
VERSION = max(int(folder.name) for folder in (ROOT / "models" / "post-loan-risk").iterdir() if folder.name.isdigit())
# A word that every comment of these tests has, and nothing else: it must never be found in what a
# server writes.
MARK = "玛瑙苍穹"
COMMENTS = {
    "normal": f"{MARK}公司经营正常，按时还款，无风险。",
    "watch": f"{MARK}公司流水下降，订单减少，建议关注。",
    "risky": f"{MARK}公司逾期三个月，法人失联，房产被查封。",
}
# Everything that any server wrote, for the test that searches it.
WRITTEN = []


def clean_environment():
    return {name: value for name, value in os.environ.items() if not name.startswith("POSTLOAN_")}


def run(*arguments, check=True, **options):
    options = {"env": clean_environment(), "cwd": ROOT, **options}
    done = subprocess.run([POSTLOAN, *arguments], capture_output=True, text=True, timeout=120, **options)
    assert not check or done.returncode == 0, done.stderr
    return done


class Server:
    """A server of its own process, on ports that the system chooses."""

    def __init__(self, *flags, environment=None):
        self.lines = []
        self.process = subprocess.Popen(
            [POSTLOAN, "serve", "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0",
             "--log-format", "json", "--log-level", "debug", *map(str, flags)],
            cwd=ROOT, env=clean_environment() | (environment or {}), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self.port = int(self.wait_for("calls are answered")["address"].rsplit(":", 1)[1])
        self.metrics_port = int(self.wait_for("metrics and probes")["address"].rsplit(":", 1)[1])

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line)
            WRITTEN.append(line)

    def log(self):
        return [json.loads(line) for line in list(self.lines)]

    def wait_for(self, message, seconds=20, since=0):
        """The first line of the log with this message."""
        until = time.time() + seconds
        while time.time() < until:
            for line in self.log()[since:]:
                if message in line.get("message", ""):
                    return line
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise AssertionError(f"no {message!r} in:\n{''.join(self.lines)}")

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def channel(self, *options):
        # Each channel has a connection of its own.
        return grpc.insecure_channel(self.address, [("grpc.use_local_subchannel_pool", 1), *options])

    def http(self, path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}{path}", timeout=5) as answer:
                status, body = answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            status, body = error.code, error.read().decode()
        WRITTEN.append(body)
        return status, body

    def metric(self, name, **labels):
        """The sum of the samples of a series that have these labels."""
        total = 0.0
        for line in self.http("/metrics")[1].splitlines():
            found = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line)
            if found and found[1] == name:
                given = dict(re.findall(r'(\w+)="([^"]*)"', found[2] or ""))
                if all(given.get(label) == str(value) for label, value in labels.items()):
                    total += float(found[3])
        return total

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self, seconds=40):
        """Ends the server, and gives its exit code."""
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        code = self.process.wait(seconds)
        self.reader.join(5)
        return code


SIGNS = {
    "normal": ["按时还款", "经营正常", "流水稳定", "账户正常", "配合检查"],
    "watch": ["流水下降", "订单减少", "回款放缓", "库存增加", "人员流失"],
    "risky": ["逾期", "法人失联", "房产查封", "已停产", "涉诉"],
}


def labelled(seed):
    """Labelled comments of which a small model learns something, another for every seed.

    As in life, a comment has signs of other labels, too, and some have the wrong label: a model
    that had none of that to learn from would be certain of everything.
    """
    chance, lines = random.Random(seed), []
    for number in range(120):
        label = chance.choice(list(SIGNS))
        signs = chance.sample(SIGNS[label], 2) + [chance.choice(SIGNS[chance.choice(list(SIGNS))])]
        chance.shuffle(signs)
        if chance.random() < 0.1:
            label = chance.choice(list(SIGNS))
        text = f"第{number}次检查，客户{'，'.join(signs)}。"
        lines.append(json.dumps({"id": str(number), "text": text, "label": label}, ensure_ascii=False))
    return "\n".join(lines)


def train(store, seed):
    """Trains the next version of the model `store`."""
    data = Path(store).parent / f"labelled-{seed}.jsonl"
    data.parent.mkdir(parents=True, exist_ok=True)
    data.write_text(labelled(seed))
    run("train", str(data), "--model", str(store), "--folds", "0")


def promote(store, version, **options):
    return run("models", "promote", store.name, str(version), "--folder", str(store.parent), **options)


def hold_stream(api, channel):
    """A stream that has answered one comment and is under way until the event is set, before which it sends
    another."""
    release = threading.Event()
    request = api.ClassifyStreamRequest(review=api.Review(text=COMMENTS["normal"]))

    def requests():
        yield request
        release.wait(30)
        yield request

    answers = api.RiskClassifierStub(channel).ClassifyStream(requests())
    assert next(answers).result.prediction.label == "normal"
    return answers, release


def failed(call, *arguments, **options):
    """The error that a call ends in."""
    with pytest.raises(grpc.RpcError) as error:
        result = call(*arguments, **options)
        if hasattr(result, "__iter__") and not hasattr(result, "DESCRIPTOR"):
            list(result)
    assert MARK not in error.value.details()
    assert MARK.encode() not in b"".join(
        value if isinstance(value, bytes) else value.encode() for _, value in error.value.trailing_metadata()
    )
    return error.value
