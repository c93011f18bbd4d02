"""Leaves out the parts of the recipe, one at a time: prints the table of docs/QUALITY.md.

    cargo build --release && python3 benches/ablation.py

Five folds by author on data/reviews.jsonl. Microseconds are processor time a comment on one thread:
the least of seven batches of the corpus less the least of seven empty ones, all models in turn.
"""

import json
import os
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
POSTLOAN = ROOT / "target" / "release" / "postloan"
CORPUS = ROOT / "data" / "reviews.jsonl"
PARTS = [
    "", "clauses", "layout", "quantities", "trends", "negation", "hypotheticals", "skips", "rarity",
    "selection", "characters", "sentences", "all",
]
ROUNDS = 7
COMMENTS = 14_660


def train(part, folder):
    options = ["--without", part] if part else []
    if part == "all":
        options += ["--c", "10"]
    done = subprocess.run(
        [POSTLOAN, "train", CORPUS, "--model", folder / (part or "whole"), "--group-field", "author",
         "--by", "phenomenon", "--json", *options],
        check=True, capture_output=True,
    )
    return json.loads(done.stdout)


def processor_seconds(data, folder, model):
    """The processor time of a batch on one thread."""
    command = ["batch", data, "--output", folder / "out.csv", "--threads", "1", "--model", model]
    process = subprocess.Popen(
        [POSTLOAN, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, f"batch ended with {status}"
    return usage.ru_utime + usage.ru_stime


def microseconds(models, folder):
    empty = folder / "empty.jsonl"
    empty.write_text("")
    least = {model: {CORPUS: float("inf"), empty: float("inf")} for model in models}
    for _ in range(ROUNDS):
        for model, times in least.items():
            for data in times:
                times[data] = min(times[data], processor_seconds(data, folder, model))
    return [(times[CORPUS] - times[empty]) / COMMENTS * 1e6 for times in least.values()]


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        reports = [train(part, folder) for part in PARTS]
        costs = microseconds([report["model"] for report in reports], folder)
    rows = dict(zip(PARTS, zip(reports, costs)))
    phenomena = list(rows[""][0]["by"]["values"])
    print(f"| without | accuracy | log loss | risky recall | µs a comment | {' | '.join(phenomena)} |")
    print("|---|" + "--:|" * (4 + len(phenomena)))
    for part, (report, cost) in rows.items():
        metrics = report["metrics"]["metrics"]
        risky = next(label for label in metrics["classes"] if label["label"] == "risky")
        by = [f"{report['by']['values'][name]['accuracy']:.3f}" for name in phenomena]
        print(
            f"| {part or '(nothing)'} | {metrics['accuracy']:.4f} | {metrics['log_loss']:.4f} "
            f"| {risky['recall']:.4f} | {cost:.1f} | {' | '.join(by)} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
