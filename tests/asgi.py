"""Requests to the application without a client library between, so that thousands of them take seconds."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from fastapi import FastAPI


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    @property
    def octets(self) -> bytes:
        """Everything that left: headers and body."""
        return b"\n".join(name + b": " + value for name, value in self.headers) + b"\n\n" + self.body


async def call(
    app: FastAPI,
    method: str,
    address: str,
    headers: dict[str, str],
    body: bytes = b"",
    kind: str = "",
    before_first_byte: Callable[[], Awaitable[None]] | None = None,
) -> Answer:
    """Return the application's answer to one request.

    `kind` is the body's media type; `before_first_byte` is called when the answer is about to leave.
    """
    parts = urlsplit(address)
    sent: list[Any] = []
    asked = {**headers, "content-length": str(len(body)), "host": "127.0.0.1:8080"}
    if kind:
        asked["content-type"] = kind

    bodies = iter([body])

    async def receive() -> dict[str, Any]:
        for one in bodies:
            return {"type": "http.request", "body": one, "more_body": False}
        # Whoever asked stays until the answer has come.
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Any) -> None:
        if not sent and before_first_byte is not None:
            await before_first_byte()
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "http",
        "method": method,
        "path": parts.path,
        "raw_path": parts.path.encode(),
        "root_path": "",
        "query_string": parts.query.encode(),
        "headers": _raw(asked.items()),
        "client": ("127.0.0.1", 40000),
        "server": ("127.0.0.1", 8080),
    }
    await app(scope, receive, send)
    start = next(message for message in sent if message["type"] == "http.response.start")
    octets = b"".join(message.get("body", b"") for message in sent if message["type"] == "http.response.body")
    return Answer(start["status"], list(start["headers"]), octets)


def _raw(headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode()) for name, value in headers]
