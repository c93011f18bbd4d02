"""Every method, and that all of them say what the batch command says, to the bit."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from serving import COMMENTS, MARK, ROOT, run
from google.protobuf.json_format import MessageToDict


@pytest.fixture(scope="module")
def reviews():
    """Comments of the corpus, each with the mark."""
    lines = (ROOT / "data" / "reviews.jsonl").read_text().splitlines()[::97]
    reviews = [json.loads(line) for line in lines]
    return [{"id": f"评{number}", "text": MARK + review["text"]} for number, review in enumerate(reviews)]


@pytest.fixture(scope="module")
def batch_command(reviews, tmp_path_factory):
    """What `postloan batch` says of them."""
    folder = tmp_path_factory.mktemp("batch")
    lines = [json.dumps(review, ensure_ascii=False) for review in reviews]
    (folder / "in.jsonl").write_text("\n".join(lines))
    run("batch", str(folder / "in.jsonl"), "--output", str(folder / "out.jsonl"))
    rows = [json.loads(line) for line in (folder / "out.jsonl").read_text().splitlines()]
    assert len(rows) == len(reviews) > 100
    return rows


def same(prediction, row):
    """Whether a prediction is that of the batch command, to the last bit."""
    assert prediction.label == row["label"]
    assert prediction.confidence == row["confidence"]
    for of in prediction.probabilities:
        assert of.probability == row[f"p_{of.label}"]
    assert f"{prediction.model.name}/{prediction.model.version}" == row["model"]
    return True


def test_classify_says_what_the_batch_command_says(api, stub, reviews, batch_command):
    for review, row in zip(reviews, batch_command):
        answer = stub.Classify(api.ClassifyRequest(review=api.Review(**review)))
        assert answer.id == review["id"]
        assert same(answer.prediction, row)


def test_classify_batch_says_what_the_batch_command_says(api, stub, reviews, batch_command):
    for start in range(0, len(reviews), 50):
        some = [api.Review(**review) for review in reviews[start:start + 50]]
        answer = stub.ClassifyBatch(api.ClassifyBatchRequest(reviews=some))
        assert len(answer.results) == len(some)
        for review, result, row in zip(some, answer.results, batch_command[start:]):
            assert result.id == review.id
            assert same(result.prediction, row)


def test_classify_stream_says_what_the_batch_command_says_in_order(api, stub, reviews, batch_command):
    requests = (api.ClassifyStreamRequest(review=api.Review(**review)) for review in reviews * 5)
    count = 0
    for answer, review, row in zip(stub.ClassifyStream(requests), reviews * 5, batch_command * 5, strict=True):
        assert answer.result.id == review["id"]
        assert same(answer.result.prediction, row)
        count += 1
    assert count == 5 * len(reviews)


def test_a_stream_gives_each_result_as_soon_as_it_is_ready(api, stub):
    import queue

    to_send = queue.Queue()
    answers = stub.ClassifyStream(iter(to_send.get, None))
    for label, text in COMMENTS.items():
        to_send.put(api.ClassifyStreamRequest(review=api.Review(id=label, text=text)))
        # The next is not sent before this one is here.
        assert next(answers).result.prediction.label == label
    to_send.put(None)
    assert list(answers) == []


def test_labels_have_names_and_severities(api, stub):
    expected = {"normal": ("贷款正常", 0), "watch": ("关注风险", 1), "risky": ("有风险", 2)}
    for label, text in COMMENTS.items():
        prediction = stub.Classify(api.ClassifyRequest(review=api.Review(text=text))).prediction
        assert prediction.label == label
        assert (prediction.display_name, prediction.severity) == expected[label]
        assert [of.label for of in prediction.probabilities] == list(expected)
        assert sum(of.probability for of in prediction.probabilities) == pytest.approx(1)
        most_likely = max(prediction.probabilities, key=lambda of: of.probability)
        assert prediction.most_likely_label == most_likely.label
        assert not prediction.HasField("explanation")


def test_reasons_stand_where_their_ranges_say_in_bytes_and_in_characters(api, stub):
    text = "🏦𠮷 " + COMMENTS["risky"] + "逾期。"
    options = api.ClassifyOptions(explain_top_k=4)
    request = api.ClassifyRequest(review=api.Review(text=text), options=options)
    prediction = stub.Classify(request).prediction
    reasons = prediction.explanation.reasons
    assert 1 <= len(reasons) <= 4
    contributions = [reason.contribution for reason in reasons]
    assert contributions == sorted(contributions, reverse=True) and min(contributions) > 0
    encoded = text.encode()
    for reason in reasons:
        first = reason.ranges[0]
        assert encoded[first.start_byte:first.end_byte].decode() == reason.words
        for place in reason.ranges:
            in_bytes = encoded[place.start_byte:place.end_byte].decode()
            assert in_bytes == text[place.start_char:place.end_char] != ""
    phrases = prediction.explanation.phrases
    assert 1 <= len(phrases) <= 4
    contributions = [phrase.contribution for phrase in phrases]
    assert contributions == sorted(contributions, reverse=True) and min(contributions) > 0
    in_order = sorted((phrase.range.start_byte, phrase.range.end_byte) for phrase in phrases)
    assert all(end <= start for (_, end), (start, _) in zip(in_order, in_order[1:]))
    for phrase in phrases:
        place = phrase.range
        assert encoded[place.start_byte:place.end_byte].decode() == phrase.words
        assert text[place.start_char:place.end_char] == phrase.words


def test_an_explanation_is_that_of_the_predict_command(api, stub):
    text = COMMENTS["watch"]
    printed = json.loads(run("predict", "--json", "--explain", "--reasons", "3", text).stdout)
    options = api.ClassifyOptions(explain_top_k=3)
    for result in [
        stub.Classify(api.ClassifyRequest(review=api.Review(text=text), options=options)),
        stub.ClassifyBatch(api.ClassifyBatchRequest(reviews=[api.Review(text=text)], options=options)).results[0],
    ]:
        explanation = result.prediction.explanation
        assert explanation.score == printed["explanation"]["score"]
        assert explanation.intercept == printed["explanation"]["intercept"]
        found = [(reason.term, reason.contribution, reason.words) for reason in explanation.reasons]
        assert found == [
            (reason["term"], reason["contribution"], reason["words"])
            for reason in printed["explanation"]["reasons"]
        ]
        found = [
            (phrase.words, phrase.contribution, [phrase.range.start_byte, phrase.range.end_byte])
            for phrase in explanation.phrases
        ]
        assert found == [
            (phrase["words"], phrase["contribution"], phrase["range"])
            for phrase in printed["explanation"]["phrases"]
        ]


def test_get_model_says_what_it_is_and_which_limits_are_in_force(api, stub):
    answer = stub.GetModel(api.GetModelRequest())
    assert answer.model.name == "post-loan-risk"
    assert [label.id for label in answer.labels] == ["normal", "watch", "risky"]
    assert [label.display_name for label in answer.labels] == ["贷款正常", "关注风险", "有风险"]
    assert answer.limits.max_text_chars == 2000
    assert answer.limits.max_batch_reviews == 50
    assert answer.limits.max_message_bytes == 100_000
    assert answer.limits.request_deadline.ToSeconds() == 30
    assert answer.training.reviews == sum(answer.training.reviews_by_label)
    assert 0.5 < answer.training.accuracy < 1
    assert json.loads(answer.training.manifest_json)["model"] == MessageToDict(answer.model)
    assert answer.in_use_since.ToSeconds() > 1_700_000_000


def test_many_threads_at_once_get_each_their_own_answer(api, stub, reviews, batch_command):
    def one(place):
        review = api.Review(**reviews[place % len(reviews)])
        answer = stub.Classify(api.ClassifyRequest(review=review))
        return answer.id == review.id and same(answer.prediction, batch_command[place % len(reviews)])

    with ThreadPoolExecutor(16) as threads:
        assert all(threads.map(one, range(1000)))


def test_call_is_a_client_for_operators(server, tmp_path):
    at = ["--server", server.address]
    assert run("call", "health", *at).stdout == "SERVING\n"
    assert run("call", "health", "postloan.v1.RiskClassifier", *at).stdout == "SERVING\n"
    text = COMMENTS["risky"]
    printed = json.loads(run("call", "classify", text, "--json", "--explain", "2", *at).stdout)
    predicted = json.loads(run("predict", "--json", "--explain", "--reasons", "2", text).stdout)
    assert printed["probabilities"] == predicted["probabilities"]
    assert printed["explanation"] == predicted["explanation"]
    assert "有风险" in run("call", "classify", text, *at).stdout
    assert "post-loan-risk" in run("call", "model", *at).stdout
    assert json.loads(run("call", "model", "--json", *at).stdout)["limits"]["max_batch_reviews"] == 50

    # Two batches and a bad record.
    lines = [json.dumps({"id": str(number), "text": text}) for number in range(80)]
    lines.insert(3, json.dumps({"id": "long", "text": "长" * 2001}))
    (tmp_path / "in.jsonl").write_text("\n".join(lines))
    done = run("call", "batch", str(tmp_path / "in.jsonl"), *at, check=False)
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert [result["id"] for result in results] == ["0", "1", "2", "long", *map(str, range(3, 80))]
    assert "2001 characters" in results[3]["error"]
    assert all(result["label"] == "risky" for result in results if result["id"] != "long")
    assert done.returncode == 6


def test_call_fails_with_a_sentence_and_exit_code_7(server):
    done = run("call", "classify", " ", "--server", server.address, check=False)
    assert done.returncode == 7
    assert done.stderr == "postloan: the server answered INVALID_ARGUMENT: the comment is empty\n"
    done = run("call", "health", "no.such.Service", "--server", server.address, check=False)
    assert done.returncode == 7 and "NOT_FOUND" in done.stderr
    done = run("call", "health", "--server", "127.0.0.1:1", check=False)
    assert done.returncode == 7 and "cannot reach 127.0.0.1:1" in done.stderr
