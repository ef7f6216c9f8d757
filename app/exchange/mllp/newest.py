"""Late messages: what happened before what is known already changes nothing. Sites resend, and queues overtake."""

from collections.abc import Iterable

from sqlalchemy import BigInteger, bindparam, delete, select

from app.db import WriteConnection
from app.exchange.mllp.tables import mllp_newest
from fhir.errors import InvalidValue
from fhir.search import date
from fhir.search.hashing import hash64
from fhir.search.numbers import NUMBERS, in_numbers
from fhir.search.values import Numbers

_patient = mllp_newest.c.patient_key == bindparam("k_patient", type_=BigInteger)
_identity = mllp_newest.c.identity == bindparam("k_identity", type_=BigInteger)
_KNOWN = select(mllp_newest.c.identity, mllp_newest.c.happened).where(
    _patient, in_numbers(mllp_newest.c.identity, bindparam("identities", type_=NUMBERS))
)
_FORGET = delete(mllp_newest).where(_patient, _identity)


def instant(occurred: str) -> int | None:
    """Return the first instant of a FHIR dateTime in microseconds since 1970 UTC, None for none."""
    try:
        return date.interval(occurred)[0] if occurred else None
    except InvalidValue:
        return None


class Newest:
    """When what a message says of one patient was said last; looked up at once, noted at once.

    Args:
        connection: Inside the write.
        patient_key: Whose it is.
    """

    def __init__(self, connection: WriteConnection, patient_key: int) -> None:
        self._connection = connection
        self._patient_key = patient_key
        self._known: dict[int, int | None] = {}
        self._noted: dict[int, int] = {}
        self._stale: set[int] = set()

    async def learn(self, identities: Iterable[str]) -> None:
        """Look up what is known of what is meant: references by identifiers."""
        wanted = {hash64(one) for one in identities} - self._known.keys()
        if not wanted:
            return
        values = {"k_patient": self._patient_key, "identities": Numbers(sorted(wanted))}
        found = {int(identity): int(at) for identity, at in await self._connection.fetch(_KNOWN, values)}
        self._known |= {one: found.get(one) for one in wanted}

    async def is_late(self, identity: str, happened: int | None) -> bool:
        """Return whether something newer is known of what `identity` means; else note when this happened.

        Args:
            identity: What is meant.
            happened: When it happened, in microseconds since 1970 UTC; None is never late.
        """
        if happened is None:
            return False
        hashed = hash64(identity)
        await self.learn([identity])
        known = self._known[hashed]
        if known is not None and known > happened:
            return True
        if known is not None and hashed not in self._noted:
            self._stale.add(hashed)
        self._known[hashed] = self._noted[hashed] = happened
        return False

    async def keep(self) -> None:
        """Write what was noted."""
        if self._stale:
            stale = [{"k_patient": self._patient_key, "k_identity": one} for one in sorted(self._stale)]
            await self._connection.execute_many(_FORGET, stale)
        rows = [(self._patient_key, hashed, happened) for hashed, happened in self._noted.items()]
        if rows:
            await self._connection.insert(mllp_newest, rows)
        self._noted, self._stale = {}, set()
