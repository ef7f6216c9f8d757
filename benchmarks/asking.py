"""One caller that asks the hub one thing after the other over one connection, with as little of its own as there is."""

import contextlib
import http.client
from collections.abc import Mapping
from typing import Any, Self

import orjson

from benchmarks.load import Failed

WAIT_SECONDS = 600


class Asking(contextlib.AbstractContextManager["Asking"]):
    """A connection with a token.

    Args:
        base: `http://127.0.0.1:8090`.
        token: The bearer token.
    """

    def __init__(self, base: str, token: str) -> None:
        self._connection = http.client.HTTPConnection(base.removeprefix("http://"), timeout=WAIT_SECONDS)
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/fhir+json"}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def get(self, address: str, headers: Mapping[str, str] | None = None) -> tuple[int, http.client.HTTPMessage, bytes]:
        """Return status, headers and body of an address.

        Raises:
            Failed: the answer is an error.
        """
        self._connection.request("GET", address, headers={**self._headers, **(headers or {})})
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status >= 400:
            raise Failed(f"{answer.status} for {address}: {body[:300]!r}")
        return answer.status, answer.headers, body

    def json(self, address: str) -> Any:
        """Return the body of an answer, parsed.

        Raises:
            Failed: the answer is an error.
        """
        return orjson.loads(self.get(address)[2])
