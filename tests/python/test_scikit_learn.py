"""Holds postloan to scikit-learn: the same minimum, the same probabilities, the same quality."""

import collections

import numpy as np
import pytest
import scikit_learn as reference
from sklearn.linear_model import LogisticRegression

C = 10.0


def train_to_convergence(folder, solver):
    """postloan's model of the corpus's 2,000 most frequent words."""
    version, report = reference.train(
        folder, "--without", "all", "--solver", solver, "--max-terms", "2000", "--ngrams", "1", "--folds", "0",
        "--tolerance", "1e-6", "--c", str(C), "--calibration", "none",
    )
    assert report["training"]["converged"]
    return *reference.read_weights(version), report["training"]["objective"]


@pytest.fixture(scope="module")
def problem(tmp_path_factory):
    """The corpus with its 2,000 most frequent words, and scikit-learn's model of it."""
    rows, classes = reference.corpus(), reference.targets()
    # Which words tie for the last places is nobody's business: both take the same.
    vocabulary, *_ = train_to_convergence(tmp_path_factory.mktemp("vocabulary"), "sparse")
    tfidf = reference.vectorizer(vocabulary=vocabulary)
    matrix = tfidf.fit_transform([row["terms"] for row in rows])
    model = LogisticRegression(C=C, tol=1e-8, max_iter=10_000).fit(matrix, classes)
    return vocabulary, matrix, classes, model.coef_.T, model.intercept_


def test_the_vocabulary_is_that_of_the_most_frequent_words(problem):
    counts = collections.Counter(term for row in reference.corpus() for term in row["terms"])
    kept = set(problem[0])
    assert len(kept) == 2000
    assert min(counts[term] for term in kept) >= max(
        count for term, count in counts.items() if term not in kept
    )


@pytest.mark.parametrize("solver", ["sparse", "linfa"])
def test_a_solver_run_to_convergence_gives_the_model_of_scikit_learn(problem, solver, tmp_path):
    vocabulary, matrix, classes, coefficients, intercept = problem
    our_vocabulary, weights, our_intercept, told = train_to_convergence(tmp_path, solver)
    assert our_vocabulary == vocabulary

    theirs = reference.objective(matrix, classes, coefficients, intercept, C)
    ours = reference.objective(matrix, classes, weights, our_intercept, C)
    assert ours == pytest.approx(theirs, rel=1e-5)
    # The same vectors, too: what postloan says of its objective is what these give.
    assert told == pytest.approx(ours, rel=1e-9)
    difference = np.abs(
        reference.probabilities(matrix, weights, our_intercept)
        - reference.probabilities(matrix, coefficients, intercept)
    )
    assert difference.max() < 1e-3


def test_five_folds_by_author_score_no_worse_than_scikit_learn_on_the_same_words(tmp_path):
    _, report = reference.train(
        tmp_path, "--without", "all", "--group-field", "author", "--c", str(C), "--calibration", "none",
    )
    ours = report["metrics"]["metrics"]["accuracy"]
    p = reference.scikit_learn_out_of_fold(c=C, ngram_range=(1, 2), min_df=2)
    theirs = (p.argmax(axis=1) == reference.targets()).mean()
    assert ours >= theirs - 0.003
