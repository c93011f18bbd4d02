"""postloan beside scikit-learn on the same words, the same folds and the same settings.

    .venv/bin/python tests/python/scikit_learn.py

prints the table of the README: five folds by author, and the figures by phenomenon.
"""

import functools
import json
import os
import struct
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, log_loss

ROOT = Path(__file__).resolve().parents[2]
CORPUS = ROOT / "data" / "reviews.jsonl"
BUILT = ROOT / "target" / os.environ.get("POSTLOAN_PROFILE", "debug")
LABELS = ["normal", "watch", "risky"]
FOLDS = 5


@functools.cache
def corpus():
    """The corpus as postloan cuts it: a dict a comment, with its terms."""
    printed = subprocess.run(
        [BUILT / "examples" / "export_terms", CORPUS], check=True, capture_output=True
    )
    return [json.loads(line) for line in printed.stdout.decode().splitlines()]


def targets():
    return np.array([LABELS.index(row["label"]) for row in corpus()])


def fold_of_rows():
    """Authors in order, author i in fold i mod 5."""
    authors = sorted({row["author"] for row in corpus()})
    return np.array([authors.index(row["author"]) % FOLDS for row in corpus()])


def vectorizer(**settings):
    return TfidfVectorizer(
        tokenizer=lambda terms: terms, preprocessor=lambda terms: terms, token_pattern=None,
        **{"sublinear_tf": True, **settings},
    )


def train(folder, *options):
    """Trains by postloan; gives the version's folder and what was printed."""
    printed = subprocess.run(
        [BUILT / "postloan", "train", CORPUS, "--model", Path(folder) / "m", "--json", *options],
        check=True, capture_output=True,
    )
    report = json.loads(printed.stdout)
    return Path(report["model"]), report


def read_weights(version):
    """Vocabulary, weights of shape (terms, classes) and intercept of a model folder."""
    lines = (version / "vocabulary.tsv").read_text(encoding="utf-8").splitlines()
    vocabulary = [line.split("\t")[0] for line in lines]
    data = (version / "weights.safetensors").read_bytes()
    (header_bytes,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + header_bytes])

    def tensor(name):
        start, end = (8 + header_bytes + offset for offset in header[name]["data_offsets"])
        kind = {"F32": "<f4", "F64": "<f8"}[header[name]["dtype"]]
        values = np.frombuffer(data[start:end], kind).astype(float)
        return values.reshape(header[name]["shape"])

    return vocabulary, tensor("weights"), tensor("intercept")


def probabilities(matrix, weights, intercept):
    scores = matrix @ weights + intercept
    scores -= scores.max(axis=1, keepdims=True)
    exponentials = np.exp(scores)
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def objective(matrix, classes, weights, intercept, c):
    """sum of -ln p(true class) + |W|^2 / 2C: linfa's objective, and scikit-learn's times C."""
    p = probabilities(matrix, weights, intercept)[np.arange(len(classes)), classes]
    return -np.log(p).sum() + (weights**2).sum() / (2 * c)


def scikit_learn_out_of_fold(c=10.0, **settings):
    """scikit-learn's out-of-fold probabilities, columns in the order of LABELS."""
    rows, classes, folds = corpus(), targets(), fold_of_rows()
    result = np.zeros((len(rows), len(LABELS)))
    for fold in range(FOLDS):
        inside, outside = np.where(folds != fold)[0], np.where(folds == fold)[0]
        tfidf = vectorizer(**settings)
        matrix = tfidf.fit_transform([rows[i]["terms"] for i in inside])
        model = LogisticRegression(C=c, max_iter=2000).fit(matrix, classes[inside])
        result[outside] = model.predict_proba(tfidf.transform([rows[i]["terms"] for i in outside]))
    return result


def main():
    print("| five folds by author | accuracy | macro F1 | log loss | recall of risky |")
    print("|---|--:|--:|--:|--:|")
    for name, options in [
        ("postloan", []),
        (
            "postloan, plain words (`--without all --c 10 --calibration none`)",
            ["--without", "all", "--c", "10", "--calibration", "none"],
        ),
    ]:
        with tempfile.TemporaryDirectory() as folder:
            _, report = train(folder, "--group-field", "author", *options)
        ours = report["metrics"]["metrics"]
        risky = next(label for label in ours["classes"] if label["label"] == "risky")
        print(
            f"| {name} | {ours['accuracy']:.4f} | {ours['macro_f1']:.4f} "
            f"| {ours['log_loss']:.4f} | {risky['recall']:.4f} |"
        )
    classes = targets()
    for name, settings in [
        ("scikit-learn, the same plain words and settings", dict(c=10.0, ngram_range=(1, 2), min_df=2)),
        ("scikit-learn, the same plain words, its defaults", dict(c=1.0, sublinear_tf=False)),
    ]:
        p = scikit_learn_out_of_fold(**settings)
        predicted = p.argmax(axis=1)
        print(
            f"| {name} | {(predicted == classes).mean():.4f} "
            f"| {f1_score(classes, predicted, average='macro'):.4f} | {log_loss(classes, p):.4f} "
            f"| {(predicted[classes == 2] == 2).mean():.4f} |"
        )


if __name__ == "__main__":
    main()
