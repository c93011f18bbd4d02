"""Fixtures: servers, clients for them (stubs made from the proto file at test time), certificates."""

import importlib
import sys
from pathlib import Path

import pytest
import trustme
from grpc_tools import protoc
from serving import ROOT, Server, promote, train


@pytest.fixture(scope="session")
def api(tmp_path_factory):
    """The messages and stubs of postloan.v1."""
    folder = tmp_path_factory.mktemp("stubs")
    failed = protoc.main([
        "protoc", f"-I{ROOT / 'proto'}", f"-I{Path(protoc.__file__).parent / '_proto'}",
        f"--python_out={folder}", f"--grpc_python_out={folder}", "postloan/v1/risk_classifier.proto",
    ])
    assert not failed
    sys.path.insert(0, str(folder))
    messages = importlib.import_module("postloan.v1.risk_classifier_pb2")
    stubs = importlib.import_module("postloan.v1.risk_classifier_pb2_grpc")
    messages.RiskClassifierStub = stubs.RiskClassifierStub
    return messages


@pytest.fixture
def start(request):
    """Starts servers that end with the test."""
    servers = []

    def start(*flags, **options):
        servers.append(Server(*flags, **options))
        return servers[-1]

    yield start
    for server in servers:
        if server.process.poll() is None:
            server.process.kill()
            server.process.wait()
        server.reader.join(5)


@pytest.fixture(scope="session")
def server():
    """A server with the shipped model and small limits, for all tests that do not change it."""
    server = Server("--max-text-chars", 2000, "--max-batch-reviews", 50, "--max-message-bytes", 100_000)
    yield server
    assert server.stop() == 0


@pytest.fixture(scope="session")
def channel(server):
    with server.channel() as channel:
        yield channel


@pytest.fixture
def stub(api, channel):
    return api.RiskClassifierStub(channel)


@pytest.fixture(scope="session")
def authority():
    return trustme.CA()


@pytest.fixture(scope="session")
def certificates(authority, tmp_path_factory):
    """The paths of an authority, a server's certificate and its key."""
    folder = tmp_path_factory.mktemp("tls")
    issued = authority.issue_cert("127.0.0.1", "localhost")
    paths = {name: folder / f"{name}.pem" for name in ["ca", "cert", "key"]}
    authority.cert_pem.write_to_path(paths["ca"])
    issued.private_key_pem.write_to_path(paths["key"])
    for pem in issued.cert_chain_pems:
        pem.write_to_path(paths["cert"], append=True)
    return paths


@pytest.fixture
def store(tmp_path):
    """A store of two versions of a small model, the first in production."""
    store = tmp_path / "models" / "risk"
    for seed in [1, 2]:
        train(store, seed)
    promote(store, 1)
    return store
