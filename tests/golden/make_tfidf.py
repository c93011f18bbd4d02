"""Makes tfidf.json: what scikit-learn's TfidfVectorizer gives for some documents and settings.

    python tests/golden/make_tfidf.py > tests/golden/tfidf.json
"""

import json
import random

import sklearn
from sklearn.feature_extraction.text import TfidfVectorizer

random.seed(20261121)
WORDS = ["逾期", "正常", "失联", "还款", "经营", "无", "a", "b", "m3", "30%", "抵押物", "查封"]
DOCUMENTS = [
    [random.choices(WORDS, weights=range(len(WORDS), 0, -1))[0] for _ in range(random.randint(1, 30))]
    for _ in range(60)
]
QUERIES = DOCUMENTS[:10] + [[], ["未知"], ["未知", "逾期", "逾期", "未知"], ["查封"] * 9]
SETTINGS = [
    dict(ngram_range=(1, 1), min_df=1, max_df=1.0, max_features=None, sublinear_tf=False),
    dict(ngram_range=(1, 2), min_df=2, max_df=1.0, max_features=None, sublinear_tf=True),
    dict(ngram_range=(1, 3), min_df=3, max_df=0.5, max_features=None, sublinear_tf=False),
    dict(ngram_range=(1, 1), min_df=0.1, max_df=40, max_features=None, sublinear_tf=True),
    dict(ngram_range=(1, 1), min_df=1, max_df=1.0, max_features=5, sublinear_tf=False),
]

cases = []
for settings in SETTINGS:
    vectorizer = TfidfVectorizer(
        tokenizer=lambda d: d, preprocessor=lambda d: d, token_pattern=None, **settings
    )
    vectorizer.fit(DOCUMENTS)
    matrix = vectorizer.transform(QUERIES)
    cases.append({
        "max_ngram": settings["ngram_range"][1],
        "min_df": settings["min_df"],
        "max_df": settings["max_df"],
        "max_features": settings["max_features"],
        "sublinear_tf": settings["sublinear_tf"],
        "vocabulary": list(vectorizer.get_feature_names_out()),
        "rows": [
            [[int(i), float(v)] for i, v in sorted(zip(row.indices, row.data))]
            for row in (matrix[i] for i in range(matrix.shape[0]))
        ],
    })

print(json.dumps(
    {"scikit_learn": sklearn.__version__, "documents": DOCUMENTS, "queries": QUERIES, "cases": cases},
    ensure_ascii=False,
))
