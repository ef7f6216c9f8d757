"""Why a connection by TLS ended is known, also where the other side had gone before it was spoken to."""

import socket
import ssl
import threading
from pathlib import Path

import pytest

from app.imaging.sources.tls import Tls, unreachable
from tests.certificates import Authority

SECONDS = 10.0


def test_what_the_other_side_said_before_it_went_is_known_to_who_could_only_send(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.issue("pacs")
    strict = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    strict.load_cert_chain(certificate, key)
    strict.load_verify_locations(authority.path)
    strict.verify_mode = ssl.CERT_REQUIRED
    context = Tls(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(authority.path)
    listening = socket.create_server(("127.0.0.1", 0))

    def refuse() -> None:
        taken, _ = listening.accept()
        with taken, pytest.raises(ssl.SSLError):
            strict.wrap_socket(taken, server_side=True)

    refusing = threading.Thread(target=refuse)
    refusing.start()
    with (
        listening,
        socket.create_connection(listening.getsockname(), SECONDS) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as connection,
    ):
        # With TLS 1.3 this side believes that it is let in.
        refusing.join(SECONDS)
        with pytest.raises((ConnectionError, ssl.SSLEOFError)):
            while True:
                connection.send(b"A-ASSOCIATE-RQ")

    assert context.failure is not None
    assert unreachable(context.failure).why == "untaken"
