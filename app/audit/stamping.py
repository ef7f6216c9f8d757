"""Has the newest checkpoint stamped by an authority of time, once in a while.

https://www.rfc-editor.org/rfc/rfc3161#section-3.4
"""

import logging
from pathlib import Path

import httpx
from sqlalchemy import func, select

from app.audit import note, proofs
from app.audit.stamp import WrongStamp, request, roots_of, verify_stamp
from app.audit.tables import audit_timestamp
from app.clock import Clock
from app.db import Database, DatabaseConnection

SEND_SECONDS = 10.0
MOST_BYTES = 100_000
"""The longest answer: a token with the authority's chain of certificates."""

LOCK = 0x7374_616D_70
"""The key under which processes take turns."""

ASKS = "application/timestamp-query"
ANSWERS = "application/timestamp-reply"

_LAST = select(func.max(audit_timestamp.c.stamped), func.max(audit_timestamp.c.size))

logger = logging.getLogger(__name__)


class Stamping:
    """Asks one authority.

    Args:
        database: The hub's database.
        address: The authority's; empty when there is none.
        roots: The certificates that its stamps are checked against, PEM.
        every_seconds: How often.
        clock: The present in microseconds.
    """

    def __init__(
        self, database: Database, address: str, roots: Path | None, every_seconds: float, clock: Clock
    ) -> None:
        self._database = database
        self._address = address
        self._roots = roots
        self._every = int(every_seconds * 1_000_000)
        self._clock = clock
        self.failure = ""
        """Why the last checkpoint could not be stamped; empty when it was."""

    async def run(self) -> bool:
        """Have the newest checkpoint stamped when it is time, and return whether it was.

        Raises:
            DatabaseUnavailable: the database does not answer.
        """
        if not self._address or self._roots is None:
            return False
        try:
            size, signed = await proofs.newest(self._database.reader)
        except IndexError:
            return False
        if not await self._is_due(self._database.reader, size):
            return False
        try:
            kept = await self._stamp(size, note.parse(signed)[0])
        except (OSError, ValueError, httpx.HTTPError, httpx.InvalidURL) as error:
            self.failure = str(error) or type(error).__name__
            logger.error("The checkpoint cannot be stamped by %s: %s", self._address, self.failure)
            return False
        self.failure = ""
        return kept

    async def _is_due(self, connection: DatabaseConnection, size: int) -> bool:
        """Return whether the last stamp, of whatever process, is long ago and of a smaller log."""
        ((stamped, of),) = await connection.fetch(_LAST, {})
        return stamped is None or (self._clock() - stamped >= self._every and size > of)

    async def _stamp(self, size: int, text: str) -> bool:
        """Have a text stamped and return whether the stamp is kept: not when another process was faster."""
        asked = request(text)
        token = await ask(self._address, asked.as_bytes())
        # A stamp that nobody could check later is none: it is kept once it holds here.
        verify_stamp(token, text, roots_of(self._roots or Path()), asked=asked)
        async with self._database.write() as connection:
            await connection.lock(LOCK)
            if not await self._is_due(connection, size):
                return False
            await connection.insert(audit_timestamp, [(size, self._clock(), token)])
        return True


async def ask(address: str, asked: bytes) -> bytes:
    """Return what the authority answers.

    Raises:
        WrongStamp: it is no time stamp.
        httpx.HTTPError: there is no answer.
    """
    async with (
        httpx.AsyncClient(timeout=SEND_SECONDS, trust_env=False) as http,
        http.stream("POST", address, content=asked, headers={"Content-Type": ASKS}) as response,
    ):
        response.raise_for_status()
        if response.headers.get("content-type", "").partition(";")[0].strip().lower() != ANSWERS:
            raise WrongStamp("the answer is no time stamp")
        received = b""
        async for chunk in response.aiter_bytes():
            received += chunk
            if len(received) > MOST_BYTES:
                raise WrongStamp("the answer is too long")
        return received
