"""The sites as the pages name them: a title, and a colour that stays the same on every page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.access.directory import Organisation, organisations
from app.hub import Hub

COLOURS = 8
"""Colours in the style sheet, `site-0` and on; beyond, they begin anew, and the title tells the sites apart."""

_CARE = ("hospital", "clinic", "pharmacy")


@dataclass(frozen=True, slots=True)
class Sites:
    """The organisations of the region."""

    by_key: Mapping[int, Organisation]

    @property
    def care(self) -> Sequence[Organisation]:
        """The sites that hold records."""
        return [one for one in self.by_key.values() if one.kind in _CARE]

    def title(self, key: int) -> str:
        """Return the title of a custodian."""
        found = self.by_key.get(key)
        return found.title if found else str(key)

    def colour(self, key: int) -> str:
        """Return the class of a custodian's colour."""
        return f"site-{(key - 1) % COLOURS}"

    def slug(self, key: int) -> str:
        """Return the slug of a custodian."""
        found = self.by_key.get(key)
        return found.slug if found else str(key)

    def named(self, name: str) -> str:
        """Return the title of the site that a Consent names by reference, number or slug; else the name itself."""
        for one in self.by_key.values():
            if name in (one.reference, one.number, one.slug):
                return one.title
        return name


async def read_sites(hub: Hub) -> Sites:
    """Return the organisations of the region."""
    return Sites({one.key: one for one in await organisations(hub.database.reader)})
