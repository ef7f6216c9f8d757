"""Whom the HMACs of erased records mean, among those that a report asks about.

Of a record whose details are erased the log keeps HMACs: nobody can read them back, but a name that is known can be
compared with them.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from app.audit.keys import Keys
from app.audit.record import ERASED, Event, year_of

_KINDS = {"user": "user", "client": "client", "organisation": "organisation", "custodian": "organisation"}
"""Fields of an event, and the kind of their HMACs."""


class KnownNames:
    """Puts known names in the place of their HMACs.

    Args:
        keys: The audit keys.
        users: Names of accounts.
        clients: Ids of clients.
        organisations: References: `Organization/<id>`.
    """

    def __init__(
        self,
        keys: Keys,
        *,
        users: Sequence[str] = (),
        clients: Sequence[str] = (),
        organisations: Sequence[str] = (),
    ) -> None:
        self._keys = keys
        self._names = {"user": users, "client": clients, "organisation": organisations}
        self._of_year = lru_cache(maxsize=64)(self._hidden)

    def _hidden(self, year: int) -> Mapping[tuple[str, str], str]:
        """Return the names by kind and HMAC, of each master key."""
        return {
            (kind, ERASED + self._keys.pseudonym(kind, name, year, key)[0]): name
            for kind, names in self._names.items()
            for name in names
            for key in self._keys.ids
        }

    def named(self, event: Event) -> Event:
        """Return an event with the names that are known; one that is not erased as it is."""
        if not event.erased:
            return event
        known = self._of_year(year_of(event.recorded))
        found: dict[str, Any] = {}
        for field, kind in _KINDS.items():
            hidden = getattr(event, field)
            found[field] = known.get((kind, hidden or ""), hidden)
        return event._replace(**found)

    async def all(self, events: AsyncIterator[Event]) -> AsyncIterator[Event]:
        """Yield events with the names that are known."""
        async for event in events:
            yield self.named(event)
