"""Indexing a source: the hub asks what studies it has, window by window, and knows their instances from then on.

By QIDO-RS where the source has it, else by C-FIND. What was seen stays known when it is interrupted; it goes on from
the last whole window. https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_10.6.html
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from app.background import again, started
from app.imaging.keep import Received
from app.imaging.patient import printable
from app.imaging.sources.dimse import find
from app.imaging.sources.failures import SourceFailed, Untrue
from app.imaging.sources.line import Line
from app.imaging.sources.references import MOST_REFERENCES, of_model
from app.imaging.sources.request import SourceRequest
from app.imaging.sources.source import ImagingSource, Registered
from app.imaging.sources.state import advance, states
from app.imaging.sources.web import fetch_json
from app.imaging.stored import stored
from dicom.model_facts import text_of
from dicom.values import is_uid

if TYPE_CHECKING:
    from app.hub import Hub

PAGE = 100
"""Studies or series of one QIDO-RS question."""

INSTANCES_PAGE = 1_000

LOOK_SECONDS = 300.0
"""How often the hub looks whether an index is due."""

OVERLAP_DAYS = 7
"""Days before the last index that the next one looks at again: studies arrive late."""

HOUR = 3_600_000_000

STUDY, SERIES, INSTANCE = 0x0020000D, 0x0020000E, 0x00080018

_STUDY_KEYS = (
    *("StudyInstanceUID", "StudyDate", "StudyTime", "AccessionNumber", "StudyDescription", "PatientName", "PatientID"),
    *("IssuerOfPatientID", "PatientBirthDate", "PatientSex", "ReferringPhysicianName", "StudyID"),
)
_SERIES_KEYS = (
    *("SeriesInstanceUID", "Modality", "SeriesNumber", "SeriesDescription", "SeriesDate", "SeriesTime"),
    "BodyPartExamined",
)
_INSTANCE_KEYS = ("SOPInstanceUID", "SOPClassUID", "InstanceNumber", "NumberOfFrames", "Rows", "Columns")

Model = Mapping[str, Any]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Indexed:
    """What an index has seen so far."""

    studies: int = 0
    instances: int = 0
    """That are references now, those that were before included."""
    refused: int = 0
    """Instances that are not taken: without UIDs, or in use under another patient; and studies of no use."""
    window: str = ""
    """The last window that was seen as a whole."""


Tell = Callable[[Indexed], None]


async def index(hub: "Hub", registered: Registered, *, since: date | None = None, tell: Tell | None = None) -> Indexed:
    """Ask a source for its studies and refer to their instances; go on where an index was interrupted.

    Args:
        hub: The running hub.
        registered: The source.
        since: Studies of this day and later; all, and those without a date too, when None.
        tell: Is told after each window.

    Raises:
        SourceFailed: the source cannot be asked; what was seen stays, and the next index goes on from there.
    """
    source = registered.source
    if not (source.qido or source.host):
        raise Untrue(f"The imaging source {source.name} has neither QIDO-RS nor DIMSE to be asked what it has")
    state = (await states(hub.database.reader))[source.key]
    seen, done = Indexed(), state.index_done
    # An index of another kind that was interrupted is not this one's beginning.
    kind = f"{since or 'all'}|"
    begin = state.position.removeprefix(kind) if state.position.startswith(kind) else ""
    indexed = state.indexed if begin else 0
    async for window, some in _windows(hub, source, since, begin):
        for study in some:
            try:
                seen = await _study(hub, registered, study, seen)
            except Untrue as error:
                # The line is sound: what is odd about one study keeps no other from being known.
                logger.warning("A study is not indexed: %s", error)
                seen = replace(seen, refused=seen.refused + 1)
        seen = replace(seen, window=window)
        await advance(hub, source.key, position=kind + window, indexed=indexed + seen.studies, done=done)
        if tell is not None:
            tell(seen)
    await advance(hub, source.key, position="", indexed=indexed + seen.studies, done=hub.clock())
    return seen


async def _windows(
    hub: "Hub", source: ImagingSource, since: date | None, begin: str
) -> AsyncIterator[tuple[str, Sequence[Model]]]:
    """Yield the windows after `begin`, each with the studies in it: days, or pages of everything."""
    line = hub.held.line(source)
    if since is not None:
        today = datetime.fromtimestamp(hub.clock() / 1e6, UTC).date() + timedelta(days=1)
        day = date.fromisoformat(begin) + timedelta(days=1) if begin else since
        while day <= today:
            yield day.isoformat(), await _studies(line, f"{day:%Y%m%d}")
            day += timedelta(days=1)
        return
    if not source.qido:
        yield "all", await _studies(line, "")
        return
    offset = int(begin) if begin.isdecimal() else 0
    while some := await _asked(line, "/studies", [("limit", str(PAGE)), ("offset", str(offset))]):
        offset += len(some)
        yield str(offset), some


async def _asked(line: Line, path: str, query: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    async with line.asking():
        return await fetch_json(line, line.source.qido, path, query)


async def _pages(line: Line, path: str, query: Sequence[tuple[str, str]], size: int) -> list[Model]:
    """Return all results of a question, page by page; a source that ignores `offset` is noticed."""
    found: dict[str, Model] = {}
    while len(found) < MOST_REFERENCES:
        page = await _asked(line, path, [*query, ("limit", str(size)), ("offset", str(len(found)))])
        new = {_name(one): one for one in page if _name(one) not in found}
        found |= new
        if len(page) < size or not new:
            break
    return list(found.values())


def _name(model: Model) -> str:
    return text_of(model, INSTANCE) or text_of(model, SERIES) or text_of(model, STUDY)


async def _found(line: Line, level: str, keys: Mapping[str, str]) -> list[dict[str, Any]]:
    async with line.asking():
        return await find(line, level, keys)


async def _studies(line: Line, day: str) -> Sequence[Model]:
    if line.source.qido:
        return await _pages(line, "/studies", [("StudyDate", day)] if day else [], PAGE)
    return await _found(line, "STUDY", dict.fromkeys(_STUDY_KEYS, "") | {"StudyDate": day})


async def _below(line: Line, level: str, study: str, series: str = "") -> Sequence[Model]:
    """Return the series of a study, or the instances of a series."""
    if line.source.qido:
        if not series:
            return await _pages(line, f"/studies/{study}/series", [], PAGE)
        return await _pages(line, f"/studies/{study}/series/{series}/instances", [], INSTANCES_PAGE)
    keys = dict.fromkeys(_INSTANCE_KEYS if series else _SERIES_KEYS, "") | {"StudyInstanceUID": study}
    return await _found(line, level, keys | ({"SeriesInstanceUID": series} if series else {}))


async def _study(hub: "Hub", registered: Registered, study: Model, seen: Indexed) -> Indexed:
    """Refer to the instances of one study, in one transaction."""
    line = hub.held.line(registered.source)
    uid = text_of(study, STUDY)
    if not is_uid(uid):
        return replace(seen, refused=seen.refused + 1)
    found: list[Received] = []
    total = 0
    for series in await _below(line, "SERIES", uid):
        name = text_of(series, SERIES)
        for instance in await _below(line, "IMAGE", uid, name) if is_uid(name) else ():
            total += 1
            # Each level says what the one below leaves out: the UIDs of the address are those that are asked for.
            made = of_model(registered.source.key, instance, series, study)
            if made is not None and _is_of(made, uid, name):
                found.append(made)
    filed = 0
    if found:
        request = SourceRequest(hub, registered, "source-index")
        filed = len((await stored(request, found)).stored)
    return replace(
        seen, studies=seen.studies + 1, instances=seen.instances + filed, refused=seen.refused + total - filed
    )


def _is_of(made: Received, study: str, series: str) -> bool:
    facts = made.extracted.facts
    stated = facts.study.study_instance_uid, facts.series.series_instance_uid
    return stated == (study, series) and bool(printable(facts.study.patient_id))


def start(hub: "Hub") -> Callable[[], Awaitable[None]]:
    """Start what indexes the sources whose time has come; return what ends it."""
    waits, fails = "Imaging sources are indexed later", "Imaging sources cannot be indexed"
    work = again(partial(_due, hub), LOOK_SECONDS, logger, waits=waits, fails=fails)
    return started(work, "indexes of imaging sources")


async def _due(hub: "Hub") -> None:
    known = await states(hub.database.reader)
    for one in await hub.sources.all():
        hours, state = one.source.index_hours, known.get(one.source.key)
        if not hours or state is None or hub.clock() - state.index_done < hours * HOUR:
            continue
        last = datetime.fromtimestamp(state.index_done / 1e6, UTC).date() - timedelta(days=OVERLAP_DAYS)
        try:
            await index(hub, one, since=last if state.index_done else None)
        except SourceFailed as error:
            logger.warning("An index waits: %s", error)
