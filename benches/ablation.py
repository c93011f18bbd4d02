"""Leaves out the parts of the recipe, one at a time: prints the table of docs/QUALITY.md.

    cargo build --release && python3 benches/ablation.py

Five folds by author on data/reviews.jsonl; microseconds a comment on one thread, the median of
five batches of the corpus less the time of an empty one.
"""

import json
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
POSTLOAN = ROOT / "target" / "release" / "postloan"
CORPUS = ROOT / "data" / "reviews.jsonl"
PARTS = [
    "", "clauses", "layout", "quantities", "trends", "negation", "hypotheticals", "skips", "rarity",
    "characters", "sentences", "all",
]


def run(*arguments):
    start = time.perf_counter()
    done = subprocess.run([POSTLOAN, *arguments], check=True, capture_output=True)
    return time.perf_counter() - start, done.stdout


def microseconds(folder, version):
    empty = folder / "empty.jsonl"
    empty.write_text("")

    def seconds(data):
        runs = [
            run("batch", data, "--output", folder / "out.csv", "--threads", "1", "--model", version)[0]
            for _ in range(5)
        ]
        return statistics.median(runs)

    return (seconds(CORPUS) - seconds(empty)) / 14_660 * 1e6


def main():
    rows = {}
    for part in PARTS:
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            options = ["--without", part] if part else []
            if part == "all":
                options += ["--c", "10"]
            _, printed = run(
                "train", CORPUS, "--model", folder / "m", "--group-field", "author",
                "--by", "phenomenon", "--json", *options,
            )
            report = json.loads(printed)
            rows[part] = report, microseconds(folder, report["model"])
    phenomena = list(rows[""][0]["by"]["values"])
    print(f"| without | accuracy | log loss | risky recall | µs a comment | {' | '.join(phenomena)} |")
    print("|---|" + "--:|" * (4 + len(phenomena)))
    for part, (report, cost) in rows.items():
        metrics = report["metrics"]["metrics"]
        risky = next(label for label in metrics["classes"] if label["label"] == "risky")
        by = [f"{report['by']['values'][name]['accuracy']:.3f}" for name in phenomena]
        print(
            f"| {part or '(nothing)'} | {metrics['accuracy']:.4f} | {metrics['log_loss']:.4f} "
            f"| {risky['recall']:.4f} | {cost:.0f} | {' | '.join(by)} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
