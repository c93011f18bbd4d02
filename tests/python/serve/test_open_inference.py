"""The Open Inference Protocol, with Triton's own client."""

import json

import numpy as np
import pytest
import tritonclient.grpc as triton
from serving import COMMENTS, MARK, VERSION, run

NAME = "post-loan-risk"


@pytest.fixture(scope="module")
def client(server):
    with triton.InferenceServerClient(server.address) as client:
        yield client


def text_tensor(texts, shape=None):
    tensor = triton.InferInput("text", shape or [len(texts)], "BYTES")
    array = np.array([text.encode() if isinstance(text, str) else text for text in texts], dtype=np.object_)
    tensor.set_data_from_numpy(array.reshape(shape or [len(texts)]))
    return tensor


def test_server_and_model_are_live_and_ready(client):
    assert client.is_server_live() and client.is_server_ready()
    assert client.is_model_ready(NAME) and client.is_model_ready(NAME, str(VERSION))
    assert not client.is_model_ready(NAME, "99") and not client.is_model_ready("another")


def test_metadata_says_which_tensors_there_are(client):
    assert client.get_server_metadata().name == "postloan"
    metadata = client.get_model_metadata(NAME)
    assert list(metadata.versions) == [str(VERSION)]
    shapes = {tensor.name: (tensor.datatype, list(tensor.shape)) for tensor in [*metadata.inputs, *metadata.outputs]}
    assert shapes == {"text": ("BYTES", [-1]), "label": ("BYTES", [-1]), "probabilities": ("FP64", [-1, 3])}


@pytest.mark.parametrize("shape", [[3], [3, 1]])
def test_labels_and_probabilities_are_those_of_the_predict_command(client, shape):
    texts = list(COMMENTS.values())
    result = client.infer(NAME, [text_tensor(texts, shape)], request_id="abc")
    assert result.get_response().id == "abc"
    assert [label.decode() for label in result.as_numpy("label")] == list(COMMENTS)
    probabilities = result.as_numpy("probabilities")
    assert probabilities.shape == (3, 3)
    for row, text in zip(probabilities, texts):
        predicted = json.loads(run("predict", "--json", text).stdout)["probabilities"]
        assert row.tolist() == [predicted[label] for label in COMMENTS]


def test_one_text_and_fifty_give_the_same(client):
    texts = [COMMENTS["watch"]] * 50
    many = client.infer(NAME, [text_tensor(texts)]).as_numpy("probabilities")
    one = client.infer(NAME, [text_tensor(texts[:1])]).as_numpy("probabilities")
    assert (many == one).all()


def test_only_the_outputs_that_are_asked_for_are_given(client):
    result = client.infer(
        NAME, [text_tensor([COMMENTS["normal"]])], outputs=[triton.InferRequestedOutput("probabilities")]
    )
    assert result.as_numpy("label") is None and result.as_numpy("probabilities").shape == (1, 3)


def test_contents_that_are_not_raw_are_answered_in_kind(client):
    from tritonclient.grpc import service_pb2

    request = service_pb2.ModelInferRequest(model_name=NAME)
    tensor = request.inputs.add(name="text", datatype="BYTES", shape=[1])
    tensor.contents.bytes_contents.append(COMMENTS["risky"].encode())
    answer = client._client_stub.ModelInfer(request)
    assert not answer.raw_output_contents
    assert answer.outputs[0].contents.bytes_contents == [b"risky"]
    assert len(answer.outputs[1].contents.fp64_contents) == 3


def failure(call, *arguments, **options):
    with pytest.raises(triton.InferenceServerException) as error:
        call(*arguments, **options)
    assert MARK not in str(error.value)
    return error.value.status().removeprefix("StatusCode."), error.value.message()


def test_what_is_wrong_is_said_with_its_code(client):
    good = COMMENTS["normal"]
    assert failure(client.infer, "another", [text_tensor([good])])[0] == "NOT_FOUND"
    assert failure(client.infer, NAME, [text_tensor([good])], model_version="99")[0] == "NOT_FOUND"
    assert failure(client.get_model_metadata, "another")[0] == "NOT_FOUND"
    code, message = failure(client.infer, NAME, [text_tensor([good, ""])])
    assert (code, message) == ("INVALID_ARGUMENT", "element 1 of `text`: the comment is empty")
    code, message = failure(client.infer, NAME, [text_tensor([good] * 40 + [b"\xff"])])
    assert code == "INVALID_ARGUMENT" and message.startswith("element 40 of `text`: the text is not valid UTF-8")
    code, message = failure(client.infer, NAME, [text_tensor([good] * 51)])
    assert (code, message) == ("INVALID_ARGUMENT", "the batch has 51 reviews; the limit is 50")
    numbers = triton.InferInput("text", [1], "FP32")
    numbers.set_data_from_numpy(np.array([1.0], dtype=np.float32))
    assert failure(client.infer, NAME, [numbers])[0] == "INVALID_ARGUMENT"
    other = triton.InferInput("words", [1], "BYTES")
    other.set_data_from_numpy(np.array([b"a"], dtype=np.object_))
    assert failure(client.infer, NAME, [other])[0] == "INVALID_ARGUMENT"
    asked = [triton.InferRequestedOutput("logits")]
    assert failure(client.infer, NAME, [text_tensor([good])], outputs=asked)[0] == "INVALID_ARGUMENT"
