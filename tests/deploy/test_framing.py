"""G9: requests whose end two servers could see in two places reach the hub once, or not at all."""

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from tests.deploy.nginx import Counting, counting, nginx_before


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    """The port of nginx, and the folder of its certificate."""
    folder = tmp_path_factory.mktemp("framing")
    with counting() as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        with nginx_before(server.server_port, folder) as port:
            yield port, folder / "tls"
        server.shutdown()
        thread.join()


def sent(place: tuple[int, Path], request: bytes) -> tuple[list[str], bytes]:
    """What reached the server behind nginx, and what came back on the one connection."""
    Counting.reached = []
    trust = ssl.create_default_context(cafile=place[1] / "authority.pem")
    with (
        socket.create_connection(("localhost", place[0]), 10) as plain,
        trust.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        connection.settimeout(2)
        connection.sendall(request)
        found = b""
        try:
            while more := connection.recv(65_536):
                found += more
        except TimeoutError:
            found += b"(waits)"
    return Counting.reached, found


HEAD = b"POST /fhir/Patient HTTP/1.1\r\nHost: localhost\r\n"
INNER = b"GET /inner HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.mark.parametrize(
    "request_",
    [
        HEAD + b"Content-Length: 5\r\nContent-Length: 50\r\n\r\nhello" + INNER,
        HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + INNER,
        HEAD + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + INNER,
        HEAD + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + INNER,
        HEAD + b"Content-Length: +5\r\n\r\nhello" + INNER,
        HEAD + b"Content-Length: -5\r\n\r\nhello" + INNER,
        b"POST /fhir/Patient HTTP/1.1\r\nHost: localhost\r\nHost: elsewhere\r\nContent-Length: 0\r\n\r\n",
        b"POST /fhir/Patient HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
        b"GET /fhir/Patient HTTP/1.1\r\nHost: localhost\r\nX: a\0b\r\n\r\n",
    ],
    ids=[
        *("two lengths", "a length and chunks", "two codings", "an unknown coding", "a plus", "a minus"),
        *("two hosts", "no host", "a NUL"),
    ],
)
def test_a_request_of_two_ends_is_refused_and_nothing_of_it_arrives(place: tuple[int, Path], request_: bytes) -> None:
    reached, answer = sent(place, request_)

    assert reached == []
    assert answer.split(b" ")[1][:1] in (b"4", b"5")
    assert answer.count(b"HTTP/1.1 ") == 1


def test_a_chunked_request_ends_where_its_chunks_do(place: tuple[int, Path]) -> None:
    body = b"5\r\nhello\r\n0\r\n\r\n"
    last = b"GET /second HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

    reached, answer = sent(place, HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + body + last)

    assert reached == ["POST /fhir/Patient hello", "GET /second "]
    assert answer.count(b"HTTP/1.1 200") == 2


def test_a_header_that_ends_lines_does_not_become_two(place: tuple[int, Path]) -> None:
    reached, _ = sent(
        place,
        b"GET /fhir/Patient?x=%0d%0aX-Renkei-Client-Certificate:%20a HTTP/1.1\r\nHost: localhost\r\n"
        b"X-Request-Id: a\r\nConnection: close\r\n\r\n",
    )

    assert reached == ["GET /fhir/Patient?x=%0d%0aX-Renkei-Client-Certificate:%20a "]
