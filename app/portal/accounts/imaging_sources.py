"""Where sites keep images themselves, and how each such source is doing, for the page of the organisations."""

from dataclasses import dataclass

from app.hub import Hub
from app.imaging.sources.source import ImagingSource, sources
from app.imaging.sources.state import states
from app.imaging.sources.words import Said, read_noted
from app.portal.dates import moment
from dicom.store.refer import count_references


@dataclass(frozen=True, slots=True)
class Shown:
    """A source as the page shows it."""

    source: ImagingSource
    word: str
    """How it is doing: `new`, `well`, `failing` or `broken`."""
    failure: str
    """What failed last, while it is not well; in English, for what has no text of the portal's."""
    why: str
    """The key of that in the portal's texts, behind `sources.why_`; empty when it has none."""
    detail: str
    """What the text tells beside."""
    failed: str
    """When."""
    answered: str
    """When it last answered; empty for never."""
    references: int
    """Images that are only there."""


async def imaging_sources(hub: Hub) -> list[Shown]:
    """Return every source by its name."""
    reader, now = hub.database.reader, hub.clock()
    known = await states(reader)
    return [
        Shown(
            source=one,
            word=(state := known[one.key]).word(now),
            failure=(failure := state.failure if state.failures else ""),
            why=(said := read_noted(failure) or Said("", "")).why,
            detail=said.detail.removeprefix(": "),
            failed=f"{moment(state.last_failure):%Y-%m-%d %H:%M}" if state.failures else "",
            answered=f"{moment(state.last_success):%Y-%m-%d %H:%M}" if state.last_success else "",
            references=await count_references(reader, one.key),
        )
        for one in await sources(reader)
    ]
