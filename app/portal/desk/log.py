"""What the pages of the desk read the log with, and what stands on top of each of them."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.audit.balp import Observer
from app.audit.desk.flags import open_counts
from app.audit.desk.pages import BEFORE_ALL, Before, Log
from app.audit.desk.reviews import waiting
from app.portal.gate import Visit
from app.portal.reviewer import reviewer_of
from app.portal.sites import Sites

MOST_DIGITS = 19


@dataclass(frozen=True, slots=True)
class Bar:
    """What waits for the auditor."""

    reviews: int
    """Reviews that are due."""
    flags: int
    """Flags that are open."""


async def bar_of(visit: Visit) -> Bar:
    """Return what waits for the auditor."""
    reader = visit.hub.database.reader
    return Bar(await waiting(reader, visit.fhir.now), sum((await open_counts(reader)).values()))


def log_of(visit: Visit, sites: Sites) -> Log:
    """Return what a page reads events with."""
    settings = visit.hub.settings
    return Log(
        visit.hub.database.reader,
        reviewer_of(visit),
        Observer("Device/hub", settings.fhir_address, settings.region),
        visit.fhir.now,
        {one.slug: one.reference for one in sites.by_key.values()},
        {one.slug: one.key for one in sites.by_key.values()},
    )


def titles_of(sites: Sites) -> Mapping[str, str]:
    """Return what each organisation is called, by its reference."""
    return {one.reference: one.title for one in sites.by_key.values()}


def number_of(text: str) -> int:
    """Return the number of an address or a form, 0 for what is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < MOST_DIGITS + 1 and int(text) < 2**63 else 0


def before_of(text: str) -> Before:
    """Return where a page begins, as its address has it; the first page for what is no place."""
    recorded, _, row = text.partition("-")
    is_place = (recorded == "0" or number_of(recorded)) and number_of(row)
    return (number_of(recorded), number_of(row)) if is_place else BEFORE_ALL
