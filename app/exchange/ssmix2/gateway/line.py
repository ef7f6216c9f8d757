"""The line to the hub: tokens by SMART Backend Services, batches of files as NDJSON, an answer for each file.

https://hl7.org/fhir/smart-app-launch/backend-services.html
"""

import ssl
import time
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson
from joserfc.jwk import ECKey

from app.access.signing import ASSERTION_TYPE, client_assertion
from app.access.transactions import SSMIX2

DOOR = "/exchange/ssmix2/files"
NDJSON = "application/x-ndjson"
TIMEOUT_SECONDS = 300.0
RENEWED_BEFORE_SECONDS = 30.0
"""So long before its end a token is not used any more."""


class LineDown(Exception):
    """The hub does not answer, or cannot do it now: the same is sent again later."""

    def __init__(self, text: str, after_seconds: float = 0.0) -> None:
        super().__init__(text)
        self.after_seconds = after_seconds


class NotTaken(Exception):
    """The hub does not take the batch as it is: it may be too large, or one line of it may be at fault."""


class NotLetIn(Exception):
    """The hub refuses the gateway itself, not a file: somebody must look at its key, its scope or its address."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A file on its way."""

    path: str
    body: bytes = b""
    parts: Mapping[str, bytes] | None = None
    """The files of a content folder by their names, instead of `body`."""

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.body) + sum(map(len, (self.parts or {}).values()))

    def line(self) -> bytes:
        """Return it as the hub's door takes it."""
        told: dict[str, Any] = {"path": self.path}
        if self.parts is None:
            told["body"] = b64encode(self.body).decode()
        else:
            told["parts"] = {name: b64encode(octets).decode() for name, octets in self.parts.items()}
        return orjson.dumps(told)


@dataclass(frozen=True, slots=True)
class Answered:
    """What the hub says of a file."""

    path: str
    state: str
    """`done`, `unchanged` or `refused`."""
    findings: Sequence[Mapping[str, Any]]


class Line:
    """The line to one hub.

    Args:
        address: The hub's.
        client: The gateway's client_id.
        key: Its private key, a JWK.
        authorities: A file of certificates (PEM) that the hub's own is signed by, when the system does not know them.
        certificate: The gateway's own certificate and its key (PEM), where the hub asks for one.
    """

    def __init__(
        self,
        address: str,
        client: str,
        key: Path,
        *,
        authorities: Path | None = None,
        certificate: tuple[Path, Path] | None = None,
    ) -> None:
        self._address = address.rstrip("/")
        self._client = client
        self._key = ECKey.import_key(orjson.loads(key.read_bytes()))
        context = ssl.create_default_context(cafile=str(authorities) if authorities else None)
        if certificate is not None:
            context.load_cert_chain(*map(str, certificate))
        self._http = httpx.AsyncClient(verify=context, timeout=TIMEOUT_SECONDS, trust_env=False)
        self._token, self._ends = "", 0.0

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def send(self, letters: Sequence[Letter]) -> list[Answered]:
        """Send files and return what became of each, in their order.

        Raises:
            LineDown: it is to be sent again later; perhaps the hub has some of it.
            NotTaken: it is to be sent in smaller batches.
            NotLetIn: the gateway is refused.
        """
        body = b"\n".join(letter.line() for letter in letters)
        response = await self._post(body)
        if response.status_code == 401:
            # The token was revoked, or the hub has come back from a backup that does not know it.
            self._token = ""
            response = await self._post(body)
        if response.status_code in (400, 413, 422):
            raise NotTaken(response.text[:300])
        if response.status_code != 200:
            raise _failed(response)
        return [Answered(one["path"], one["state"], one["findings"]) for one in orjson.loads(response.content)["files"]]

    async def _post(self, body: bytes) -> httpx.Response:
        headers = {"authorization": f"Bearer {await self._bearer()}", "content-type": NDJSON}
        return await self._asked(f"{self._address}{DOOR}", content=body, headers=headers)

    async def _asked(self, address: str, **what: Any) -> httpx.Response:
        try:
            return await self._http.post(address, **what)
        except httpx.TransportError as error:
            raise LineDown(f"{self._address} does not answer: {str(error) or type(error).__name__}") from error

    async def _bearer(self) -> str:
        if self._token and time.monotonic() < self._ends:
            return self._token
        endpoint = f"{self._address}/oauth/token"
        form = {
            "grant_type": "client_credentials",
            "scope": SSMIX2,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": client_assertion(self._client, self._key, endpoint),
        }
        response = await self._asked(endpoint, data=form)
        if response.status_code != 200:
            raise _failed(response)
        given = response.json()
        self._token = given["access_token"]
        self._ends = time.monotonic() + float(given["expires_in"]) - RENEWED_BEFORE_SECONDS
        return self._token


def _failed(response: httpx.Response) -> LineDown | NotLetIn:
    """Return what an answer other than 200 means."""
    text = f"The hub answers {response.status_code}: {response.text[:300]}"
    if response.status_code == 429 or response.status_code >= 500:
        after = response.headers.get("retry-after", "")
        return LineDown(text, float(after) if after.isdigit() else 0.0)
    return NotLetIn(text)
