"""One caller of a DICOMweb server, with as little of its own as there is."""

import http.client
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.imaging.made import CONTENT_TYPE
from benchmarks.load import Failed

JSON = "application/dicom+json"
WAIT_SECONDS = 600


@dataclass(slots=True)
class Caller:
    """Who asks a server: at `http://127.0.0.1:8042`, below `/dicom-web`, with a token or without."""

    base: str
    root: str
    token: str = ""

    def headers(self, accept: str) -> dict[str, str]:
        """Return what every request says; that nothing is to be compressed, too."""
        said = {"Accept": accept, "Accept-Encoding": "identity"}
        return said | ({"Authorization": f"Bearer {self.token}"} if self.token else {})

    def ask(self, addresses: Sequence[str], accept: str, *, least: int = 5, seconds: float = 2.0) -> float:
        """Return the median of the milliseconds that an answer takes, the addresses asked in turn over one connection.

        Raises:
            Failed: an answer is an error.
        """
        connection = self._connection()
        taken: list[float] = []
        ends = time.monotonic() + seconds
        while len(taken) < least or time.monotonic() < ends:
            address = self.root + addresses[len(taken) % len(addresses)]
            began = time.perf_counter()
            connection.request("GET", address, headers=self.headers(accept))
            answer = connection.getresponse()
            body = answer.read()
            taken.append((time.perf_counter() - began) * 1000)
            if answer.status >= 300 or not body:
                raise Failed(f"{answer.status} for {address}: {body[:300]!r}")
        connection.close()
        return statistics.median(taken)

    def body(self, address: str, accept: str = JSON) -> bytes:
        """Return the body of an answer."""
        connection = self._connection()
        connection.request("GET", self.root + address, headers=self.headers(accept))
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise Failed(f"{answer.status} for {address}: {body[:300]!r}")
        return body

    def store(self, bodies: Sequence[bytes]) -> float:
        """Send the bodies of STOW-RS requests one after the other and return the seconds they took.

        Raises:
            Failed: an instance was not stored.
        """
        connection = self._connection()
        began = time.monotonic()
        for body in bodies:
            headers = self.headers(JSON) | {"Content-Type": CONTENT_TYPE}
            connection.request("POST", f"{self.root}/studies", body, headers)
            answer = connection.getresponse()
            said = answer.read()
            if answer.status != 200:
                raise Failed(f"{answer.status} for a STOW-RS request: {said[:300]!r}")
        connection.close()
        return time.monotonic() - began

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.base.removeprefix("http://"), timeout=WAIT_SECONDS)
