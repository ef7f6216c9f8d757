"""The links of a page of a search: first, previous, next, last. https://hl7.org/fhir/R4/search.html#paging.

A link holds where its page begins or ends and the instant of the first page; sealed, so that nobody makes one up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.records.request import FhirRequest
from fhir.errors import Expired, InvalidValue
from fhir.search.control import once
from fhir.search.run import ORDERS, Page, Place

Pairs = Sequence[tuple[str, str]]

HOUR = 3_600_000_000
"""In microseconds."""

_AFTER, _BEFORE, _LAST = (f"{way} {ORDERS}" for way in ("after", "before", "last"))
"""What a link leads to, in the orders of this release."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The page that a request asks for.

    Attributes:
        place: Where it lies.
        instant: Of the first page, in microseconds.
        size: How many matches the last page holds, when that is asked for.
    """

    place: Place
    instant: int
    size: int | None = None

    @property
    def is_later(self) -> bool:
        """Whether the request came by a link."""
        return self.place.as_of is not None


def opened(request: FhirRequest, pairs: Pairs, where: str) -> Opened:
    """Return the page that a request asks for: the first, or that of its `_cursor`.

    Args:
        request: The request.
        pairs: Its names and values.
        where: The path of what is searched.

    Raises:
        InvalidValue: the cursor is not the caller's, or not of this query.
        Expired: its first page was so long ago that what it showed is not known any more.
    """
    cursor = once(pairs, "_cursor")
    if not cursor:
        return Opened(Place(), request.now)
    asked = [pair for pair in pairs if pair[0] != "_cursor"]
    way, instant, *position = request.hub.cursors.open(cursor, request.binding(where, asked))
    if way not in (_AFTER, _BEFORE, _LAST):
        raise InvalidValue("This page link is of another release; search anew", "_cursor")
    hours = request.hub.settings.page_link_hours
    if instant < request.now - hours * HOUR:
        raise Expired(f"A page link lasts {hours} hours from the first page on; search anew", "_cursor")
    if way == _LAST:
        return Opened(Place(None, backwards=True, as_of=instant), instant, int(position[0]))
    return Opened(Place(position, way == _BEFORE, instant), instant)


def links(
    request: FhirRequest, asked: Pairs, own: str, where: str, page: Page, *, here: Opened, limit: int
) -> list[dict[str, str]]:
    """Return the links of a page.

    Args:
        request: The request.
        asked: What was searched for.
        own: The same as a query string.
        where: The path of what is searched.
        page: What was found.
        here: The page that was asked for.
        limit: How many matches a page holds; 0 if they are only counted.
    """
    address = f"{request.hub.settings.address}/fhir/{where}".rstrip("/")
    itself = f"{address}?{own}" if own else address
    binding = request.binding(where, asked)

    def link(relation: str, *position: Any) -> dict[str, str]:
        cursor = request.hub.cursors.seal(position, binding)
        return {"relation": relation, "url": f"{address}?{own}{'&' if own else ''}_cursor={cursor}"}

    found = [{"relation": "self", "url": itself}]
    if here.is_later:
        found.append({"relation": "first", "url": itself})
    # So many that walking forwards comes to the same page.
    size = (page.total - 1) % limit + 1 if page.total and limit else 0
    if page.before is not None:
        found.append(link("previous", _BEFORE, here.instant, *page.before))
    elif size and here.is_later and not page.matches and not here.place.backwards:
        # What was to come is gone.
        found.append(link("previous", _LAST, here.instant, size))
    if page.after is not None:
        found.append(link("next", _AFTER, here.instant, *page.after))
        if size:
            found.append(link("last", _LAST, here.instant, size))
    return found
