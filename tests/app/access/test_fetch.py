"""G1: what the hub fetches from other servers, and where it does not go."""

import json
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import ClassVar

import pytest

from app.access import fetch
from app.access.fetch import MOST_BYTES, NotFetched, basic, fetch_json, may_reach

pytestmark = pytest.mark.anyio

HERE = "127.0.0.0/8"


class Other(BaseHTTPRequestHandler):
    """Another server, good and bad."""

    asked: ClassVar[list[tuple[str, str, str]]] = []

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
        Other.asked.append((self.path, body, self.headers.get("authorization", "")))
        if self.path == "/slow":
            time.sleep(1)
        self.send_response({"/moved": 302, "/refused": 400}.get(self.path, 200))
        self.send_header("Location", "/good")
        self.end_headers()
        bodies = {"/large": b'{"a":"' + b"x" * MOST_BYTES + b'"}', "/list": b"[]", "/text": b"<html>"}
        self.wfile.write(bodies.get(self.path, json.dumps({"host": self.headers["host"]}).encode()))

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def other() -> Iterator[str]:
    Other.asked = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Other) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()
        thread.join()


async def test_it_fetches_json_and_says_whom_it_asks(other: str) -> None:
    assert await fetch_json(f"{other}/good", networks=HERE) == {"host": other.removeprefix("http://")}


async def test_it_posts_a_form_with_the_clients_secret(other: str) -> None:
    await fetch_json(f"{other}/good", networks=HERE, form={"code": "a b"}, authorization=basic("a:b", "c/d"))

    assert Other.asked == [("/good", "code=a+b", "Basic YSUzQWI6YyUyRmQ=")]


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/moved", "answers 302"),
        ("/refused", "answers 400"),
        ("/large", "answers more than"),
        ("/list", "no JSON object"),
        ("/text", "cannot be asked"),
    ],
)
async def test_what_is_not_to_be_used(other: str, path: str, why: str) -> None:
    with pytest.raises(NotFetched, match=why):
        await fetch_json(f"{other}{path}", networks=HERE)

    assert [one[0] for one in Other.asked] == [path]


async def test_it_does_not_wait_for_ever(other: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "WAIT_SECONDS", 0.2)

    with pytest.raises(NotFetched, match=r"in time|Timeout"):
        await fetch_json(f"{other}/slow", networks=HERE)


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:{port}/good",
        "http://localhost:{port}/good",
        "https://2130706433:{port}/good",
        "https://0x7f000001:{port}/good",
        "https://[::ffff:127.0.0.1]:{port}/good",
        "https://[::1]:{port}/good",
        "https://10.0.0.1/good",
        "https://169.254.169.254/latest/meta-data",
        "https://[fd00::1]/good",
        "https://0.0.0.0:{port}/good",
        "http://example.org/good",
        "ftp://example.org/good",
        "file:///etc/passwd",
        "https://user@/good",
        "https://" + "a" * 300 + ".example/",
        "not an address",
    ],
)
async def test_it_goes_nowhere_inwards(other: str, address: str) -> None:
    with pytest.raises(NotFetched):
        await fetch_json(address.format(port=other.rpartition(":")[2]), networks="")

    assert Other.asked == []


@pytest.mark.parametrize(
    ("address", "networks", "allowed"),
    [
        ("8.8.8.8", "", True),
        ("2001:4860:4860::8888", "", True),
        ("10.1.2.3", "", False),
        ("10.1.2.3", "192.168.0.0/16, 10.0.0.0/8", True),
        ("::ffff:10.1.2.3", "", False),
        ("::ffff:10.1.2.3", "10.0.0.0/8", True),
        ("224.0.0.1", "", False),
        ("100.64.0.1", "", False),
        ("172.16.0.1", "10.0.0.0/8", False),
        ("64:ff9b::7f00:1", "", False),
        ("64:ff9b::a01:203", "10.0.0.0/8", True),
        ("2002:7f00:1::", "", False),
        ("::7f00:1", "", False),
        ("fec0::1", "", False),
    ],
)
def test_which_addresses_may_be_reached(address: str, networks: str, allowed: bool) -> None:
    assert may_reach(address, networks) is allowed
