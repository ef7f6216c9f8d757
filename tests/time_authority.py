"""An authority of time of the tests' own: OpenSSL behind a small server."""

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from app.audit.stamping import ANSWERS
from tests.ports import free_ports

CONFIGURATION = """
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign
[stamps]
basicConstraints = critical,CA:false
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
[tsa]
default_tsa = tsa_config
[tsa_config]
serial = {folder}/serial
signer_cert = {folder}/stamps.pem
signer_key = {folder}/stamps.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256,sha512
accuracy = secs:1
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


@dataclass
class Authority:
    """An authority of time."""

    folder: Path

    @property
    def root(self) -> Path:
        return self.folder / "root.pem"

    def openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)

    def create(self) -> None:
        """Make a root and the certificate that signs stamps."""
        self.folder.mkdir()
        (self.folder / "tsa.cnf").write_text(CONFIGURATION.format(folder=self.folder))
        (self.folder / "serial").write_text("01\n")
        key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-config", "tsa.cnf")
        new = ("req", "-x509", *key, "-days", "30")
        self.openssl(*new, "-subj", "/CN=root", "-keyout", "root.key", "-out", "root.pem", "-extensions", "authority")
        by = ("-CA", "root.pem", "-CAkey", "root.key")
        self.openssl("req", *key, "-new", "-subj", "/CN=stamps", "-keyout", "stamps.key", "-out", "stamps.csr")
        extensions = ("-extfile", "tsa.cnf", "-extensions", "stamps", "-days", "30")
        self.openssl("x509", "-req", "-in", "stamps.csr", *by, "-CAcreateserial", *extensions, "-out", "stamps.pem")

    def answer(self, query: bytes) -> bytes:
        (self.folder / "query").write_bytes(query)
        self.openssl("ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query", "-out", "reply")
        return (self.folder / "reply").read_bytes()


@dataclass
class Server:
    """The authority's door."""

    address: str
    authority: Authority
    last: bytes = b""
    """The last answer."""
    replayed: bytes = b""
    """What is answered instead of a new stamp."""
    kind: str = ANSWERS


@contextmanager
def serving(authority: Authority) -> Iterator[Server]:
    """Answer queries for as long as the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = self.rfile.read(int(self.headers["content-length"]))
            made.last = made.replayed or made.authority.answer(query)
            self.send_response(200)
            self.send_header("Content-Type", made.kind)
            self.send_header("Content-Length", str(len(made.last)))
            self.end_headers()
            self.wfile.write(made.last)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", free_ports(1)[0]), Handler) as listening:
        made = Server(f"http://127.0.0.1:{listening.server_address[1]}/tsa", authority)
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        yield made
        listening.shutdown()
        thread.join()
