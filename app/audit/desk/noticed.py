"""What was noticed on a day, so that it is counted once: pairs of HMACs, which tell nothing without the master key."""

from collections import Counter
from collections.abc import Collection
from functools import lru_cache

from sqlalchemy import BigInteger, Integer, Select, SmallInteger, bindparam, delete, select

from app.audit.desk.kinds import KINDS
from app.audit.desk.tables import audit_noticed
from app.audit.keys import Keys
from app.db import DatabaseConnection, WriteConnection
from app.db.padded import padded, parameters

SAW, SEEN_BY, SITE = 1, 2, 3
"""Whom an account saw on a day; who saw a person; of which sites an account has seen records, for good."""

FLAGGED = {kind: number for number, kind in enumerate(KINDS, 10)}
"""What was flagged on a day: by the kind of the flag."""

_EVERY = (SAW, SEEN_BY, SITE, *FLAGGED.values())

FOR_GOOD = 0
"""The day of what is kept."""

KEPT_DAYS = 3

_NO_YEAR = 0
"""What is noticed goes on over the turn of a year, other than the HMACs of records."""

_FORGET = delete(audit_noticed).where(
    audit_noticed.c.day > FOR_GOOD, audit_noticed.c.day < bindparam("k_day", type_=Integer)
)


def hashed(keys: Keys, kind: str, value: str) -> int:
    """Return 64 bits of the HMAC of an account's name (`user`), of a patient, a person or a site."""
    return keys.pseudonym(f"desk-{kind}", value, _NO_YEAR, min(keys.ids))[1]


@lru_cache(maxsize=64)
def _known(subjects: int, days: int) -> Select[tuple[int, int, int, int]]:
    return select(audit_noticed).where(
        audit_noticed.c.kind.in_([bindparam(f"kind{n}", n, type_=SmallInteger) for n in _EVERY]),
        audit_noticed.c.subject.in_(parameters("subject", subjects, BigInteger)),
        audit_noticed.c.day.in_(parameters("day", days, Integer)),
    )


class Noticed:
    """What was noticed about some subjects on some days; what is new is written by `keep`."""

    def __init__(self) -> None:
        self._pairs: set[tuple[int, int, int, int]] = set()
        self._counts: Counter[tuple[int, int, int]] = Counter()
        self._new: list[tuple[int, int, int, int]] = []

    def add(self, kind: int, subject: int, day: int, object_: int, *, most: int = 0) -> bool:
        """Note a pair, and return whether it is new.

        Args:
            kind: What is noticed.
            subject: Whose count it is.
            day: The day.
            object_: What is counted.
            most: So many are noted, and one more; 0 for any number. Beyond, nothing is new.
        """
        pair, of = (kind, subject, day, object_), (kind, subject, day)
        if pair in self._pairs or (most and self._counts[of] > most):
            return False
        self._pairs.add(pair)
        self._counts[of] += 1
        self._new.append(pair)
        return True

    def count(self, kind: int, subject: int, day: int) -> int:
        """Return how many were noted."""
        return self._counts[(kind, subject, day)]

    async def read(self, connection: DatabaseConnection, subjects: Collection[int], days: Collection[int]) -> None:
        """Read what was noted about these subjects on these days, and for good."""
        if not subjects:
            return
        named, of = padded("subject", sorted(subjects)), padded("day", sorted({FOR_GOOD, *days}))
        for kind, subject, day, object_ in await connection.fetch(_known(len(named), len(of)), named | of):
            self._pairs.add((int(kind), int(subject), int(day), int(object_)))
            self._counts[(int(kind), int(subject), int(day))] += 1

    async def keep(self, connection: WriteConnection) -> None:
        """Write what is new."""
        if self._new:
            await connection.insert_missing(audit_noticed, self._new)


async def forget(connection: WriteConnection, today: int) -> int:
    """Drop what was noted more than some days ago, and return how many pairs that were."""
    return await connection.execute(_FORGET, {"k_day": today - KEPT_DAYS})
