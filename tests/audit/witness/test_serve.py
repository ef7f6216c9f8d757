"""The witness's server: one address, its own folder, and callers that send nonsense."""

import http.client
import threading

import pytest

from app.audit import checkpoint, note
from app.audit.checkpoint import Checkpoint
from app.audit.note import COSIGNATURE, MalformedKey, Signer
from app.audit.tree import leaf_hash, root
from app.audit.witness import serve
from app.audit.witness.add_checkpoint import MOST_BYTES, Submission

LOG = Signer.generate("hub.example.jp/audit")
NEXT = Signer.generate("hub.example.jp/audit")


@pytest.fixture
def folder(tmp_path):
    serve.create(tmp_path / "witness", "hospital-a.example.jp/witness")
    serve.trust(tmp_path / "witness", LOG.verifier.vkey)
    return tmp_path / "witness"


@pytest.fixture
def port(folder):
    with serve.server(folder, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def ask(port, path, body=None, method="POST", **headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    answer = response.status, response.read().decode()
    connection.close()
    return answer


def signed(signer, size=1):
    return checkpoint.sign(Checkpoint(LOG.name, size, root([leaf_hash(b"0")] * size)), signer)


def test_a_checkpoint_is_cosigned(folder, port):
    status, line = ask(port, "/add-checkpoint", Submission(0, (), signed(LOG)).to_bytes())

    key = serve.signer_of(folder).verifier
    assert status == 200
    assert key.type == COSIGNATURE
    assert note.verify(signed(LOG) + line, [key])[1] == [key]


def test_a_key_that_is_trusted_later_counts_at_once(folder, port):
    body = Submission(0, (), signed(NEXT)).to_bytes()
    before = ask(port, "/below/add-checkpoint", body)[0]

    serve.trust(folder, NEXT.verifier.vkey)

    assert (before, ask(port, "/below/add-checkpoint", body)[0]) == (403, 200)


@pytest.mark.parametrize(
    ("path", "method", "body", "status"),
    [
        ("/", "POST", b"x", 404),
        ("/add-checkpoint", "GET", None, 501),
        ("/add-checkpoint", "POST", b"x", 400),
        ("/add-checkpoint", "POST", b"x" * (MOST_BYTES + 1), 413),
    ],
)
def test_nothing_else_is_answered(port, path, method, body, status):
    assert ask(port, path, body, method)[0] == status


@pytest.mark.parametrize("length", ["-1", "x", "9999999999", "１"])
def test_a_length_that_is_none_is_refused(port, length):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.putrequest("POST", "/add-checkpoint")
    connection.putheader("Content-Length", length.encode())
    connection.endheaders()

    assert connection.getresponse().status == 413
    connection.close()


def test_a_key_is_made_once_and_what_is_no_key_is_not_trusted(folder):
    with pytest.raises(FileExistsError):
        serve.create(folder, "other.example")
    with pytest.raises(MalformedKey):
        serve.trust(folder, "nonsense")
    assert (folder / serve.SIGNER).stat().st_mode & 0o777 == 0o600
