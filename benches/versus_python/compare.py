"""postloan beside jieba + scikit-learn + joblib: whole processes, in turn, in one run.

    .venv/bin/python benches/versus_python/compare.py [--runs 7] [--rows 1000000]

Needs the release binary (`cargo build --release`) and the packages of
tests/python/requirements.txt, which `scripts/test` installs into `.venv`. Prints medians, the
median of the ratios pair by pair, and the peak memory of a batch of 7,000 and of --rows rows.
"""

import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# Training is compared on the same plain words and bigrams; the nightly job runs the shipped
# model, whose recipe does more than Python's.
ROOT = Path(__file__).resolve().parents[2]
POSTLOAN = ROOT / "target" / "release" / "postloan"
STACK = Path(__file__).with_name("python_stack.py")
DAY = ROOT / "data" / "sample-day.csv"
CORPUS = ROOT / "data" / "reviews.jsonl"
MODEL = ROOT / "models" / "post-loan-risk"


def run(command):
    """Runs a command to its end: seconds, peak memory in MiB, what it printed."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    printed = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if status != 0:
        sys.exit(f"{command} ended with status {status}")
    return seconds, usage.ru_maxrss / 1024, printed


def report(name, ours, theirs):
    ratios = [their / our for our, their in zip(ours, theirs)]
    print(
        f"{name}: postloan {statistics.median(ours):.3f} s, Python "
        f"{statistics.median(theirs):.3f} s, {statistics.median(ratios):.1f} times as fast "
        f"(pair by pair {min(ratios):.1f} to {max(ratios):.1f}, {len(ratios)} pairs)",
        flush=True,
    )


def nightly(folder, runs, model):
    ours_command = [POSTLOAN, "batch", DAY, "--output", folder / "ours.csv", "--model", model]
    theirs_command = [sys.executable, STACK, "batch", DAY, folder / "model.joblib", folder / "theirs.csv"]
    run(ours_command), run(theirs_command)
    pairs = [(run(ours_command), run(theirs_command)) for _ in range(runs)]
    report("nightly 7,000, whole process", [a[0] for a, _ in pairs], [b[0] for _, b in pairs])
    print(f"  peak memory: postloan {pairs[0][0][1]:.0f} MiB, Python {pairs[0][1][1]:.0f} MiB")


def training(folder, runs):
    ours_command = [
        POSTLOAN, "train", CORPUS, "--model", folder / "m", "--folds", "0", "--json",
        "--without", "all", "--c", "10", "--calibration", "none",
    ]
    theirs_command = [sys.executable, STACK, "train", CORPUS, folder / "model.joblib"]
    pairs = []
    for _ in range(runs):
        ours, theirs = run(ours_command), run(theirs_command)
        pairs.append((ours[0], theirs[0], json.loads(ours[2]), json.loads(theirs[2])))
    report(
        "training, the solver alone",
        [ours["solver_seconds"] for _, _, ours, _ in pairs],
        [theirs["fit_seconds"] for _, _, _, theirs in pairs],
    )
    ours, theirs = pairs[0][2], pairs[0][3]
    print(
        f"  postloan: {ours['terms']} terms, objective {ours['training']['objective']:.1f}; "
        f"Python: {theirs['terms']} terms, objective {theirs['objective']:.1f} (lower is closer)"
    )
    report("training, whole process", [p[0] for p in pairs], [p[1] for p in pairs])


def memory(folder, rows, model):
    with open(DAY, encoding="utf-8", newline="") as source:
        header, *day = csv.reader(source)
    large = folder / "large.csv"
    with open(large, "w", encoding="utf-8", newline="") as sink:
        writer = csv.writer(sink)
        writer.writerow(header)
        for number in range(rows):
            _, *rest = day[number % len(day)]
            writer.writerow([f"L{number:09}", *rest])
    for name, path in [("7,000", DAY), (f"{rows:,}", large)]:
        seconds, peak, _ = run([POSTLOAN, "batch", path, "--output", folder / "out.csv", "--model", model])
        print(f"batch of {name} rows: {seconds:.2f} s, peak memory {peak:.0f} MiB", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7, help="pairs of nightly runs")
    parser.add_argument("--model", type=Path, default=MODEL, help="the model of the batches")
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the large batch")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        training(folder, max(1, arguments.runs // 2))
        nightly(folder, arguments.runs, arguments.model)
        memory(folder, arguments.rows, arguments.model)


if __name__ == "__main__":
    main()
