"""A gateway's way to the hub: tokens by SMART Backend Services, and requests that are tried again with a new one.

https://hl7.org/fhir/smart-app-launch/backend-services.html
"""

import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson
from joserfc.jwk import ECKey

from app.access.signing import ASSERTION_TYPE, client_assertion

TIMEOUT_SECONDS = 300.0
RENEWED_BEFORE_SECONDS = 30.0
"""So long before its end a token is not used any more."""

Body = bytes | AsyncIterator[bytes]


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
class Answered:
    """What the hub says of a file."""

    path: str
    state: str
    """`done`, `unchanged` or `refused`."""
    findings: Sequence[Mapping[str, Any]]


def finding(text: str) -> dict[str, Any]:
    """Return why a file was refused, where no line of it is at fault."""
    return {"segment": "", "index": 0, "field": 0, "text": text}


class HubLine:
    """The line to one hub.

    Args:
        address: The hub's.
        client: The gateway's client_id.
        key: Its private key, a JWK.
        authorities: A file of certificates (PEM) that the hub's own is signed by, when the system does not know them.
        certificate: The gateway's own certificate and its key (PEM), where the hub asks for one.
    """

    scope = ""
    """What its tokens are for; each kind of line has its own."""

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

    async def post(self, door: str, body: Callable[[], Body], headers: Mapping[str, str]) -> httpx.Response:
        """Send something to a door of the hub, and return its answer.

        Args:
            door: The path of its address.
            body: Makes what is sent; a second time when the token was not taken.
            headers: Those of the body.

        Raises:
            LineDown: the hub does not answer.
            NotLetIn: the gateway is refused.
        """
        response = await self._post(door, body(), headers)
        if response.status_code == 401:
            # The token was revoked, or the hub has come back from a backup that does not know it.
            self._token = ""
            response = await self._post(door, body(), headers)
        return response

    async def _post(self, door: str, body: Body, headers: Mapping[str, str]) -> httpx.Response:
        bearer = {"authorization": f"Bearer {await self._bearer()}"}
        return await self._asked(f"{self._address}{door}", content=body, headers={**headers, **bearer})

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
            "scope": self.scope,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": client_assertion(self._client, self._key, endpoint),
        }
        response = await self._asked(endpoint, data=form)
        if response.status_code != 200:
            raise failed(response)
        given = response.json()
        self._token = given["access_token"]
        self._ends = time.monotonic() + float(given["expires_in"]) - RENEWED_BEFORE_SECONDS
        return self._token


def failed(response: httpx.Response) -> LineDown | NotLetIn:
    """Return what an answer other than 200 means."""
    text = f"The hub answers {response.status_code}: {response.text[:300]}"
    if response.status_code == 429 or response.status_code >= 500:
        after = response.headers.get("retry-after", "")
        return LineDown(text, float(after) if after.isdigit() else 0.0)
    return NotLetIn(text)
