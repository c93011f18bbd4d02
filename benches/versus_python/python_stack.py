"""The stack that postloan replaces: jieba + scikit-learn + joblib.

    python python_stack.py train DATA.jsonl MODEL.joblib   trains and prints the fit's seconds
    python python_stack.py batch DAY.csv MODEL.joblib OUT.csv

The settings are those of `postloan train`: words and bigrams in two comments or more, sublinear
TF-IDF, C = 10.
"""

import csv
import json
import sys
import time
import unicodedata
from pathlib import Path

import jieba

DICTIONARY = Path(__file__).resolve().parents[2] / "data" / "user-dictionary.txt"


def terms(text):
    text = unicodedata.normalize("NFKC", text).lower()
    return [word for word in jieba.lcut(text) if any(c.isalnum() for c in word)]


def load_dictionary():
    jieba.setLogLevel(60)
    for line in DICTIONARY.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            word, frequency = line.split()
            jieba.add_word(word.lower(), int(frequency))


def train(data, model):
    import joblib
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    load_dictionary()
    rows = [json.loads(line) for line in open(data, encoding="utf-8")]
    vectorizer = TfidfVectorizer(
        tokenizer=terms, lowercase=False, token_pattern=None,
        ngram_range=(1, 2), min_df=2, sublinear_tf=True,
    )
    matrix = vectorizer.fit_transform([row["text"] for row in rows])
    labels = [row["label"] for row in rows]
    start = time.perf_counter()
    classifier = LogisticRegression(C=10, max_iter=1000).fit(matrix, labels)
    seconds = time.perf_counter() - start
    joblib.dump((vectorizer, classifier), model)
    # The objective that postloan reports: scikit-learn's, times C.
    rows_of = {label: index for index, label in enumerate(classifier.classes_)}
    log_p = classifier.predict_log_proba(matrix)
    loss = -sum(log_p[row, rows_of[label]] for row, label in enumerate(labels))
    objective = loss + (classifier.coef_**2).sum() / (2 * classifier.C)
    print(json.dumps({"fit_seconds": seconds, "terms": matrix.shape[1], "objective": objective}))


def batch(day, model, output):
    import joblib

    load_dictionary()
    vectorizer, classifier = joblib.load(model)
    with open(day, encoding="utf-8", newline="") as source:
        rows = list(csv.DictReader(source))
    probabilities = classifier.predict_proba(vectorizer.transform([row["text"] for row in rows]))
    with open(output, "w", encoding="utf-8", newline="") as sink:
        writer = csv.writer(sink)
        writer.writerow(["id", "label", "confidence", *(f"p_{c}" for c in classifier.classes_)])
        for row, p in zip(rows, probabilities):
            best = p.argmax()
            writer.writerow([row["id"], classifier.classes_[best], p[best], *p])


if __name__ == "__main__":
    # joblib keeps `terms` by its module's name.
    sys.modules["python_stack"] = sys.modules["__main__"]
    terms.__module__ = "python_stack"
    {"train": train, "batch": batch}[sys.argv[1]](*sys.argv[2:])
