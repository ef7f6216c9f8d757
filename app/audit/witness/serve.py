"""The witness as a server: its folder, its keys, and the one address that a log calls.

Nothing but the standard library and `cryptography`, so that a member site runs it beside anything. TLS is a reverse
proxy's business; whoever calls proves itself by the log's signature.

https://c2sp.org/tlog-witness
"""

import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from app.audit.keyfile import create_signer, read_signer
from app.audit.note import COSIGNATURE, Signer, Verifier
from app.audit.witness.add_checkpoint import MOST_BYTES, Reply, add_checkpoint
from app.audit.witness.state import State

SIGNER, LOGS, STATE = "signer", "logs", "state.sqlite3"
"""The files of the folder: the witness's key, the public keys of the logs one a line, what it has signed."""

READ_SECONDS = 10
"""How long a caller may take to send its request."""


def create(folder: Path, name: str) -> Signer:
    """Make the folder of a new witness and return its key.

    Args:
        folder: Where; its signer must not exist.
        name: The witness's name, such as `hospital-a.example.jp/witness`.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    signer = create_signer(folder / SIGNER, name, COSIGNATURE)
    (folder / LOGS).touch()
    return signer


def trust(folder: Path, vkey: str) -> Verifier:
    """Add the public key of a log that is witnessed; a log may have several, of which any signs."""
    key = Verifier.parse(vkey.strip())
    with (folder / LOGS).open("a", encoding="utf-8") as file:
        file.write(key.vkey + "\n")
    return key


def logs(folder: Path) -> dict[str, list[Verifier]]:
    """Return the public keys of the logs, by origin."""
    found: dict[str, list[Verifier]] = {}
    for line in (folder / LOGS).read_text(encoding="utf-8").splitlines():
        if line.strip():
            key = Verifier.parse(line.strip())
            found.setdefault(key.name, []).append(key)
    return found


def signer_of(folder: Path) -> Signer:
    """Return the witness's key."""
    return read_signer(folder / SIGNER)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    answer: Callable[[bytes], Reply]


class _Handler(BaseHTTPRequestHandler):
    """Answers `POST …/add-checkpoint`, and nothing else."""

    protocol_version = "HTTP/1.1"
    timeout = READ_SECONDS
    server: _Server

    def do_POST(self) -> None:
        """Answer a checkpoint."""
        length = self.headers.get("content-length", "")
        if self.path.rpartition("/")[2] != "add-checkpoint":
            self._send(Reply(404, "nothing is here\n"), close=True)
        elif not (length.isascii() and length.isdigit()) or int(length[:9]) > MOST_BYTES or len(length) > 9:
            self._send(Reply(413, f"a request has {MOST_BYTES} bytes at most\n"), close=True)
        else:
            self._send(self.server.answer(self.rfile.read(int(length))))

    def _send(self, reply: Reply, *, close: bool = False) -> None:
        body = reply.body.encode()
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.type)
        self.send_header("Content-Length", str(len(body)))
        if close:
            # What else the caller sends is not read.
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing of each request: the state file has what counts."""


def server(folder: Path, host: str, port: int, clock: Callable[[], float] = time.time) -> ThreadingHTTPServer:
    """Return the server of a folder, listening; `serve_forever` runs it."""
    signer, state = signer_of(folder), State(folder / STATE)

    def answer(body: bytes) -> Reply:
        # A log's new key is trusted from the next request on.
        return add_checkpoint(body, state, signer, logs(folder), int(clock()))

    made = _Server((host, port), _Handler)
    made.answer = answer
    return made
