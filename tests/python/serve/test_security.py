"""TLS, mutual TLS, tokens: who comes in, and what is said to who does not."""

import socket
import time

import grpc
import pytest
import trustme
from serving import COMMENTS, failed, run
from grpc_health.v1 import health_pb2, health_pb2_grpc

TEXT = COMMENTS["normal"]


def classify(api, channel, **options):
    request = api.ClassifyRequest(review=api.Review(text=TEXT))
    return api.RiskClassifierStub(channel).Classify(request, timeout=5, **options)


def secure(server, authority, identity=None):
    key = identity and identity.private_key_pem.bytes()
    chain = identity and b"".join(pem.bytes() for pem in identity.cert_chain_pems)
    credentials = grpc.ssl_channel_credentials(authority.cert_pem.bytes(), key, chain)
    return grpc.secure_channel(server.address, credentials, [("grpc.use_local_subchannel_pool", 1)])


def tls_flags(certificates):
    return "--tls-cert", certificates["cert"], "--tls-key", certificates["key"]


def test_over_tls_calls_are_answered_and_others_do_not_get_in(api, start, authority, certificates):
    server = start(*tls_flags(certificates))
    with secure(server, authority) as channel:
        assert classify(api, channel).prediction.label == "normal"
    # Another authority than the one that signed the server's certificate.
    with secure(server, trustme.CA()) as channel:
        assert failed(classify, api, channel).code() == grpc.StatusCode.UNAVAILABLE
    # Plain text to a TLS port.
    with server.channel() as channel:
        assert failed(classify, api, channel).code() == grpc.StatusCode.UNAVAILABLE
    line = server.wait_for("a TLS handshake failed")
    assert line["reason"]
    with socket.create_connection(("127.0.0.1", server.port), 5) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
        while plain.recv(1024):
            pass
    until = time.time() + 5
    while not any(line.get("reason") == "the client does not speak TLS" for line in server.log()):
        assert time.time() < until
        time.sleep(0.02)
    with secure(server, authority) as channel:
        assert classify(api, channel).prediction.label == "normal"


def test_call_speaks_tls_and_bears_tokens(start, certificates, tmp_path):
    tokens = tmp_path / "tokens.toml"
    token = run("token", "new", "operator", "--expires", "2100-01-01", "--file", str(tokens)).stdout
    (tmp_path / "token").write_text(token)
    server = start(*tls_flags(certificates), "--token-file", tokens)
    at = ["--server", f"localhost:{server.port}", "--ca", str(certificates["ca"])]
    assert run("call", "health", *at).stdout == "SERVING\n"
    assert run("call", "model", *at, "--token", str(tmp_path / "token")).returncode == 0
    done = run("call", "model", *at, check=False)
    assert done.returncode == 7 and "UNAUTHENTICATED" in done.stderr


def test_with_a_client_authority_only_its_certificates_come_in(api, start, authority, certificates):
    client_authority = trustme.CA()
    path = certificates["ca"].with_name("clients.pem")
    client_authority.cert_pem.write_to_path(path)
    server = start(*tls_flags(certificates), "--client-ca", path)
    with secure(server, authority, client_authority.issue_cert("anybody")) as channel:
        assert classify(api, channel).prediction.label == "normal"
    for wrong in [None, trustme.CA().issue_cert("anybody")]:
        with secure(server, authority, wrong) as channel:
            assert failed(classify, api, channel).code() == grpc.StatusCode.UNAVAILABLE
    assert server.metric("postloan_turned_away_total", reason="tls") >= 2


def test_call_shows_its_certificate_to_a_server_that_wants_one(start, certificates, tmp_path):
    client_authority = trustme.CA()
    client_authority.cert_pem.write_to_path(tmp_path / "clients.pem")
    server = start(*tls_flags(certificates), "--client-ca", tmp_path / "clients.pem")
    at = ["--server", f"localhost:{server.port}", "--ca", str(certificates["ca"])]

    def identity(name, authority):
        issued = authority.issue_cert("operator")
        issued.private_key_pem.write_to_path(tmp_path / f"{name}.key")
        for pem in issued.cert_chain_pems:
            pem.write_to_path(tmp_path / f"{name}.pem", append=True)
        return ["--cert", str(tmp_path / f"{name}.pem"), "--key", str(tmp_path / f"{name}.key")]

    good, other = identity("good", client_authority), identity("other", trustme.CA())
    assert " normal " in run("call", "classify", TEXT, *at, *good).stdout
    assert run("call", "health", *at, *good).stdout == "SERVING\n"
    # Health, too, is only for those whose connection comes about.
    for wrong in [[], other]:
        for what in [["classify", TEXT], ["health"]]:
            done = run("call", *what, *at, *wrong, check=False)
            assert done.returncode == 7 and not done.stdout, done
            assert len(done.stderr.splitlines()) == 1 and TEXT not in done.stderr, done.stderr
    # A key that is another certificate's, none at all, or no PEM.
    for flags, code, sentence in [
        ([*at, *good[:3], other[3]], 7, ""),
        ([*at, *good[:2]], 2, "--key"),
        ([*at[:2], *good], 2, "--ca"),
        ([*at, "--cert", str(tmp_path / "none.pem"), *good[2:]], 3, "none.pem"),
    ]:
        done = run("call", "health", *flags, check=False)
        assert done.returncode == code and sentence in done.stderr, done
    with (tmp_path / "good.key").open("w") as key:
        key.write("no key")
    done = run("call", "health", *at, *good, check=False)
    assert done.returncode == 7 and "no key" not in done.stderr, done


def test_with_a_list_of_subjects_only_those_come_in(api, start, authority, certificates):
    flags = *tls_flags(certificates), "--client-ca", certificates["ca"]
    server = start(*flags, "--allowed-subjects", "credit.bank.example,核心系统")
    for allowed in [
        authority.issue_cert("credit.bank.example"),
        authority.issue_cert("other.example", common_name="核心系统"),
    ]:
        with secure(server, authority, allowed) as channel:
            assert classify(api, channel).prediction.label == "normal"
    with secure(server, authority, authority.issue_cert("evil.example")) as channel:
        error = failed(classify, api, channel)
        assert error.code() == grpc.StatusCode.PERMISSION_DENIED
        assert "evil.example" in error.details()


def bearer(token):
    return {"metadata": [("authorization", f"Bearer {token}")]}


def test_a_call_must_bear_a_token_that_is_known_and_not_expired(api, start, tmp_path):
    tokens = tmp_path / "tokens.toml"
    new = lambda name: run("token", "new", name, "--expires", "2100-01-01", "--file", str(tokens)).stdout.strip()
    good, expired = new("credit-system"), new("old-system")
    tokens.write_text(tokens.read_text().replace("2100-01-02", "2001-01-01", 2).replace("2001-01-01", "2100-01-02", 1))
    assert "expired" in run("token", "list", "--file", str(tokens)).stdout
    server = start("--token-file", tokens)
    with server.channel() as channel:
        assert classify(api, channel, **bearer(good)).prediction.label == "normal"
        for options, sentence in [
            ({}, "authorization: Bearer"),
            (bearer("nonsense"), "not one of"),
            (bearer(expired), "expired at 2001-01-01"),
            ({"metadata": [("authorization", f"Basic {good}")]}, "authorization: Bearer"),
        ]:
            error = failed(classify, api, channel, **options)
            assert error.code() == grpc.StatusCode.UNAUTHENTICATED and sentence in error.details()
        # Whether the server lives may be asked by everybody.
        health = health_pb2_grpc.HealthStub(channel)
        assert health.Check(health_pb2.HealthCheckRequest(), timeout=5).status
        assert server.metric("postloan_turned_away_total", reason="token") == 4

        # The file is read again when it changes: a revoked token is out, a new one in.
        newer = new("new-system")
        run("token", "revoke", "credit-system", "--file", str(tokens))
        until = time.time() + 10
        while True:
            try:
                classify(api, channel, **bearer(good))
                assert time.time() < until
                time.sleep(0.1)
            except grpc.RpcError as error:
                assert error.code() == grpc.StatusCode.UNAUTHENTICATED
                break
        assert classify(api, channel, **bearer(newer)).prediction.label == "normal"
        # A broken file leaves the tokens that are in force.
        lines = len(server.lines)
        tokens.write_text("[[token]]\nname = 3")
        server.wait_for("the tokens cannot be read", since=lines)
        assert classify(api, channel, **bearer(newer)).prediction.label == "normal"
    written = "".join(server.lines)
    assert not any(token in written for token in [good, expired, newer])


def test_a_certificate_that_is_renewed_is_taken_over(api, start, tmp_path):
    def issue(authority):
        issued = authority.issue_cert("127.0.0.1")
        issued.private_key_pem.write_to_path(tmp_path / "key")
        issued.cert_chain_pems[0].write_to_path(tmp_path / "cert")

    old, new = trustme.CA(), trustme.CA()
    issue(old)
    server = start("--tls-cert", tmp_path / "cert", "--tls-key", tmp_path / "key")
    with secure(server, old) as channel:
        assert classify(api, channel)
    issue(new)
    server.wait_for("the certificates were read again")
    with secure(server, new) as channel:
        assert classify(api, channel)


@pytest.mark.parametrize("listen", ["0.0.0.0:0", "[::]:0"])
def test_listening_beyond_this_machine_without_tls_and_authentication_is_refused(listen):
    done = run("serve", "--listen", listen, check=False)
    assert done.returncode == 2
    assert "refusing to listen beyond this machine" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    run("serve", "--listen", listen, "--allow-insecure", "--print-config")
