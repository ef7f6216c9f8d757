"""Looks at signatures that were not looked at on arrival: those of Provenance, of large documents, of bulk imports.

What is not done is done after a restart: the table says what waits.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import Integer, and_, bindparam, select

from app.clock import EPOCH
from app.consent.visibility import EVERYTHING_VISIBLE
from app.hub import Hub
from app.records.jobs import run as jobs
from app.records.signatures.keep import settle_verdicts
from app.records.signatures.tables import signature_check
from fhir.signatures.canonical import BYTES, forms
from fhir.signatures.carried import MOST, attachments, own_verdicts, signature_data
from fhir.signatures.chain import Trust
from fhir.signatures.check import check_content
from fhir.signatures.fhir_xml import xml_forms
from fhir.signatures.verdict import State, Verdict
from fhir.store.read import COLUMNS, read_as_of, received, stored, vread
from fhir.store.stored import Stored
from fhir.store.tables import resource, resource_version
from fhir.store.types import NUMBERS
from fhir.undo import original
from fhir.xml.to_json import to_json

BATCH = 1
"""Versions that are held at a time: each may have as many bytes as a Bundle may."""

MOST_TARGETS = 20
"""Of one Provenance."""

MOST_BYTES = 20_000_000
"""Of all its targets together: each of its signatures may be of each of them, in several forms."""

_SAME_ROW = and_(resource.c.patient_key == signature_check.c.patient_key, resource.c.row == signature_check.c.row)
_SAME_VERSION = and_(
    resource_version.c.patient_key == signature_check.c.patient_key,
    resource_version.c.row == signature_check.c.row,
    resource_version.c.version == signature_check.c.version,
)
_PENDING = (
    select(*COLUMNS, resource_version.c.undo)
    .select_from(signature_check.join(resource, _SAME_ROW).join(resource_version, _SAME_VERSION))
    .where(signature_check.c.checked == 0)
    .order_by(signature_check.c.row)
    .limit(bindparam("count", type_=Integer))
)


logger = logging.getLogger(__name__)


def start(hub: Hub) -> Callable[[], Awaitable[None]]:
    """Start the task and return what ends it."""
    return jobs.start(lambda: check_pending(hub), hub.signatures_wait, "signatures")


async def check_pending(hub: Hub) -> None:
    """Look at all that waits."""
    while found := await hub.database.reader.fetch(_PENDING, {"count": BATCH}):
        for row in found:
            one = stored(row)
            try:
                verdicts = await _verdicts(hub, one, bytes(row[-1]))
            except Exception:
                # Nothing that was sent keeps others waiting.
                logger.exception("The signatures of a %s cannot be looked at", one.type)
                verdicts = [Verdict(State.UNCHECKED, "format", "The signature cannot be looked at")]
            async with hub.database.write() as connection:
                await settle_verdicts(connection, one, verdicts, hub.clock())


async def _verdicts(hub: Hub, one: Stored, undo: bytes) -> Sequence[Verdict]:
    trust = await asyncio.to_thread(hub.trust.current)
    came = EPOCH + timedelta(microseconds=one.last_updated)
    if one.type != "Provenance":
        sent = _Sent(one.body, undo)
        return await asyncio.to_thread(lambda: own_verdicts(orjson.loads(sent.body), sent.body, sent.xml, trust, came))
    tree = orjson.loads(one.body)
    contents, is_whole = await _contents(hub, one, _links(tree))

    def look() -> list[Verdict]:
        return [_of_targets(each, contents, is_whole, trust, came) for each in tree.get("signature", ())[:MOST]]

    return await asyncio.to_thread(look)


class _Sent:
    """A version as it was sent: its JSON, and its XML when it was that."""

    def __init__(self, body: bytes, undo: bytes) -> None:
        whole = original(body, undo)
        self.xml = whole if whole.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") else None
        self.body = whole if self.xml is None else to_json(whole).body


class _Content:
    """What a Provenance names as its target, in all the ways in which it may have been signed."""

    def __init__(self, target: Stored, undo: bytes, attached: Sequence[bytes]) -> None:
        self.name = f"{target.type}/{target.id}/_history/{target.version}"
        self._sent = _Sent(target.body, undo)
        self._body = target.body
        self._attached = attached
        self.size = len(self._body) + sum(map(len, attached))

    def ways(self) -> Iterator[tuple[str, bytes]]:
        """Yield its bytes, those of what it holds, and its canonical forms as sent and as stored."""
        yield BYTES, self._sent.xml if self._sent.xml is not None else self._sent.body
        yield from ((f"{BYTES} of the attachment", one) for one in self._attached)
        yield from forms(self._sent.body)
        yield from forms(self._body)

    def trees(self) -> list[tuple[str, Any]]:
        """Return the forms of its XML."""
        return xml_forms(self._sent.body, self._sent.xml)


def _links(tree: Mapping[str, Any]) -> list[str]:
    return [str(one["reference"]) for one in tree.get("target", ()) if "reference" in one][:MOST_TARGETS]


async def _contents(hub: Hub, by: Stored, links: Sequence[str]) -> tuple[list[_Content], bool]:
    """Return what the targets of a Provenance hold, and whether all of them are small enough to be looked at."""
    found: list[_Content] = []
    left = MOST_BYTES
    for link in links:
        one = await _content(hub, by, link)
        if one is None:
            continue
        left -= one.size
        if left < 0:
            return found, False
        found.append(one)
    return found, True


async def _content(hub: Hub, by: Stored, link: str) -> _Content | None:
    """Return what a link means, as of the Provenance; None when it is nothing that the same site keeps.

    Of what other sites keep nothing is told: whether it is there, and what it holds, would show in the verdict.
    """
    reader = hub.database.reader
    path = link.removeprefix(f"{hub.settings.fhir_address}/")
    name, _, version = path.partition("/_history/")
    type_name, _, id_ = name.partition("/")
    if type_name not in NUMBERS:
        return None
    if version:
        number = int(version) if version.isdigit() and len(version) < 10 else 0
        found = await vread(reader, EVERYTHING_VISIBLE, type_name, id_, number)
    else:
        found = await read_as_of(reader, EVERYTHING_VISIBLE, type_name, id_, by.last_updated)
    if found is None or found.deleted or found.custodian != by.custodian:
        return None
    whole = await received(reader, EVERYTHING_VISIBLE, type_name, id_, found.version)
    return None if whole is None else _Content(found, bytes(whole[1]), await _attached(hub, found, by.last_updated))


async def _attached(hub: Hub, target: Stored, as_of: int) -> list[bytes]:
    """Return the bytes that a target holds, and those of a Binary that a DocumentReference names."""
    tree = orjson.loads(target.body)
    found = list(attachments(tree)) if target.type in ("Binary", "DocumentReference") else []
    for one in tree.get("content", ()) if target.type == "DocumentReference" else ():
        link = str(one.get("attachment", {}).get("url", "")).removeprefix(f"{hub.settings.fhir_address}/")
        type_name, _, id_ = link.partition("/_history/")[0].partition("/")
        if type_name != "Binary":
            continue
        binary = await read_as_of(hub.database.reader, EVERYTHING_VISIBLE, type_name, id_, as_of)
        if binary is not None and not binary.deleted and binary.custodian == target.custodian:
            found += attachments(orjson.loads(binary.body))
    return found[:MOST_TARGETS]


def _of_targets(
    signature: Mapping[str, Any], contents: Sequence[_Content], is_whole: bool, trust: Trust, came: datetime
) -> Verdict:
    """Return the verdict of a signature: of the target that it is of, or why it is of none."""
    data = signature_data(signature)
    if not data:
        return Verdict(State.UNCHECKED, "missing", "The signature has no data")
    told = []
    for one in contents:
        verdict = replace(check_content(data, one.ways(), trust, came, trees=one.trees), target=one.name)
        if (verdict.state, verdict.reason) != (State.INVALID, "content"):
            return verdict
        told.append(verdict)
    if not is_whole:
        return Verdict(State.UNCHECKED, "size", "What is signed is too large to be looked at")
    if not told:
        return Verdict(State.UNCHECKED, "target", "What is signed is not kept here by the same site")
    return told[0]
