"""postloan audit beside cleanlab, on labels of the corpus of which a share was flipped.

    cargo build --release
    python3 -m venv .venv-audit && .venv-audit/bin/pip install -r benches/audit/requirements.txt
    .venv-audit/bin/python benches/audit/versus_cleanlab.py

For each seed the labels of 5 % of the corpus are flipped at random to another label. `postloan
audit` finds probable wrong labels by out-of-fold probabilities (five folds by author), which
cleanlab's `find_label_issues` gets, too. Precision: of the labels called wrong, the share that was
flipped; recall: of the flipped labels, the share called wrong; both also for as many of the first
findings as labels were flipped.
"""

import argparse
import csv
import json
import random
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from cleanlab.filter import find_label_issues

ROOT = Path(__file__).resolve().parents[2]
LABELS = ["normal", "watch", "risky"]


def flipped(rows, share, seed):
    """The rows with a share of their labels flipped, and which these are."""
    source = random.Random(seed)
    chosen = sorted(source.sample(range(len(rows)), round(share * len(rows))))
    wrong = [dict(row) for row in rows]
    for row in chosen:
        others = [label for label in LABELS if label != rows[row]["label"]]
        wrong[row]["label"] = source.choice(others)
    return wrong, set(chosen)


def audit(postloan, rows):
    """The positions of labels that postloan calls wrong, ranked, and the probabilities."""
    with tempfile.TemporaryDirectory() as folder:
        data, findings, probabilities = (
            Path(folder) / name for name in ["data.jsonl", "findings.jsonl", "probabilities.jsonl"]
        )
        data.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
        subprocess.run(
            [postloan, "audit", data, "--output", findings, "--probabilities", probabilities,
             "--group-field", "author"],
            check=True, capture_output=True, cwd=ROOT,
        )
        found = [json.loads(line) for line in findings.read_text("utf-8").splitlines()]
        wrong = [row["line"] - 1 for row in found if row["finding"] == "wrong_label"]
        given = [json.loads(line) for line in probabilities.read_text("utf-8").splitlines()]
        return wrong, np.array([[row[f"p_{label}"] for label in LABELS] for row in given])


def scores(found, truth):
    first = set(found[: len(truth)])
    hits = len(truth & set(found))
    return {
        "found": len(found),
        "precision": hits / len(found),
        "recall": hits / len(truth),
        "precision of the first": len(truth & first) / len(first),
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--share", type=float, default=0.05)
    parser.add_argument("--postloan", default=ROOT / "target" / "release" / "postloan")
    options = parser.parse_args()
    lines = (ROOT / "data" / "reviews.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    names = ["found", "precision", "recall", "precision of the first"]
    print("| seed | flipped | | " + " | ".join(names) + " |\n|--:|--:|---|--:|--:|--:|--:|")
    for seed in options.seeds:
        wrong, truth = flipped(rows, options.share, seed)
        found, probabilities = audit(options.postloan, wrong)
        labels = np.array([LABELS.index(row["label"]) for row in wrong])
        theirs = find_label_issues(
            labels, probabilities, return_indices_ranked_by="self_confidence", n_jobs=1
        ).tolist()
        for name, issues in [("postloan", found), ("cleanlab", theirs)]:
            figures = scores(issues, truth)
            cells = " | ".join(
                str(figures[key]) if key == "found" else f"{figures[key]:.4f}" for key in names
            )
            print(f"| {seed} | {len(truth)} | {name} | {cells} |")
        both = set(found) & set(theirs)
        print(f"| | | both the same | {len(both)} | | | |", flush=True)


if __name__ == "__main__":
    main()
