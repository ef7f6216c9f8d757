"""`$everything`: all that exists for the caller of a person, over all sites, and what that refers to; as a stream.

https://hl7.org/fhir/R4/patient-operation-everything.html
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from itertools import islice
from urllib.parse import urlencode

import orjson

from app.records.events import events
from app.records.format import THREAD_BYTES, XML, wanted
from app.records.parameters import Pairs, interval, known_types, one_of, only, operation_pairs, whole_number
from app.records.record import NEWEST, StaleCaller, known_type
from app.records.renew import renew
from app.records.request import FhirRequest
from app.records.response import NO_SNIFF, PRIVATE, FhirResponse, Streamed, streamed_response
from fhir.errors import NotFound
from fhir.links import references
from fhir.search.hashing import hash64
from fhir.store.stored import Stored
from fhir.store.types import NUMBERS
from fhir.store.walk import CHUNK_ROWS, HASHES, Key, Span, chunks
from fhir.xml.stream import END, entries, head

KEYS = 2_000
"""Places that are looked up at once."""

MOST_LINKS = 10_000
"""References that are remembered as they are written."""

_KNOWN = ("_since", "_type", "_count", "start", "end", "_cursor")

Entry = tuple[Stored, str]
"""A resource and why it is there: `match` or `include`."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for.

    Attributes:
        types: The types wanted.
        span: The times wanted.
        count: The most resources of the person in this answer; None for all.
        at: Where this page begins: 0 for the Patients, 1 for the rest; clinical date and row of the one before.
        pairs: The parameters, without the cursor.
    """

    types: frozenset[str]
    span: Span
    count: int | None
    at: tuple[int, int, int]
    pairs: Pairs


def _binding(request: FhirRequest, pairs: Pairs) -> str:
    return request.binding(f"{request.type}/{request.id}/$everything", pairs)


async def _asked(request: FhirRequest) -> Asked:
    pairs = await operation_pairs(request)
    found = only(pairs, _KNOWN)
    since, start, end = (interval(found, name) for name in ("_since", "start", "end"))
    every = Span()
    span = Span(since[0] if since else every.since, start[0] if start else every.start, end[1] if end else every.end)
    cursor = one_of(found, "_cursor")
    plain = [pair for pair in pairs if pair[0] != "_cursor"]
    count = whole_number(found, "_count", most=request.hub.settings.page_entries_limit)
    at = (0, *NEWEST)
    if cursor is not None:
        phase, order, row = request.hub.cursors.open(cursor, _binding(request, plain))
        at = (phase, order, row)
    names = [name for text in found.get("_type", ()) for name in text.split(",")]
    return Asked(frozenset(known_types(names) or NUMBERS), span, count, at, plain)


class _Walk:
    """The way through a person's record: the Patients, then the rest from the newest, what they refer to in between.

    Memory holds `KEYS` places, one chunk of bodies, and a number for each resource that was referred to.
    """

    def __init__(self, request: FhirRequest, asked: Asked) -> None:
        self._request = request
        self._asked = asked
        self._phases = [asked.types & {"Patient"}, asked.types - {"Patient"}]
        self._phase, *at = asked.at
        self._at = (at[0], at[1])
        self._left = asked.count
        self._keys: deque[Key] = deque()
        self._referred: deque[Key] = deque()
        self._waiting: dict[int, None] = {}
        self._seen: set[int] = set()
        self._links: set[str] = set()
        """What was referred to lately; the same patient and people are, again and again."""
        self._own = f"{request.hub.settings.address}/fhir/"

    async def chunk(self) -> list[Entry]:
        """Return the next resources; none at the end. Rights that change on the way count from then on."""
        while True:
            try:
                if self._referred:
                    found = await self._give(self._referred, "include")
                    if found:
                        return found
                elif len(self._waiting) >= HASHES or (self._waiting and not await self._any()):
                    await self._look_up()
                elif await self._any():
                    found = await self._give(self._keys, "match")
                    if found:
                        return found
                else:
                    return []
            except StaleCaller:
                await renew(self._request)
                self._keys.clear()

    async def _any(self) -> bool:
        """Return whether anything of the person is left for this answer, and where it lies is known."""
        return self._left != 0 and await self._found()

    async def _found(self) -> bool:
        while not self._keys and self._phase < len(self._phases):
            limit = KEYS if self._left is None else min(KEYS, self._left + 1)
            types = self._phases[self._phase]
            keys = []
            if types:
                keys = await self._request.record.keys_of_person(
                    self._request.id, sorted(types), self._asked.span, limit=limit, before=self._at
                )
            self._keys.extend(keys)
            if not keys:
                self._phase, self._at = self._phase + 1, NEWEST
        return bool(self._keys)

    async def after(self) -> tuple[int, int, int] | None:
        """Return where the next page begins, None when this one is the last."""
        while True:
            try:
                return (self._phase, *self._at) if await self._found() else None
            except StaleCaller:
                await renew(self._request)

    async def _give(self, keys: deque[Key], mode: str) -> list[Entry]:
        most = len(keys) if mode == "include" or self._left is None else self._left
        taken = next(chunks(list(islice(keys, min(most, CHUNK_ROWS)))))
        found = await self._request.record.bodies(taken)
        for _ in taken:
            keys.popleft()
        if mode == "match":
            self._at = (taken[-1].order, taken[-1].row)
            self._left = None if self._left is None else self._left - len(taken)
        for one in found:
            self._note(one)
        return [(one, mode) for one in found]

    def _note(self, one: Stored) -> None:
        """Note what a resource refers to, to be looked up once."""
        for link in references(one.body):
            if link in self._links:
                continue
            if len(self._links) >= MOST_LINKS:
                self._links.clear()
            self._links.add(link)
            # What lies at another address is another thing, though its id may be the same.
            whole = link.removeprefix(self._own).partition("/_history/")[0]
            if whole.count("/") == 1 and whole.partition("/")[0] in self._asked.types:
                hashed = hash64(whole)
                if hashed not in self._seen:
                    self._seen.add(hashed)
                    self._waiting[hashed] = None

    async def _look_up(self) -> None:
        hashes = list(islice(self._waiting, HASHES))
        keys = await self._request.record.referred_keys(hashes, sorted(self._asked.types), self._asked.span)
        for one in hashes:
            del self._waiting[one]
        self._referred.extend(keys)


def _entries(request: FhirRequest, chunk: Sequence[Entry], before: bytes) -> bytes:
    base = f'{{"fullUrl":"{request.hub.settings.address}/fhir/'
    parts: list[bytes] = []
    for one, mode in chunk:
        head = f'{base}{one.type}/{one.id}","resource":'.encode()
        parts += (before, head, one.body, b',"search":{"mode":"%s"}}' % mode.encode())
        before = b","
    return b"".join(parts)


async def _links(request: FhirRequest, asked: Asked, walk: _Walk) -> bytes:
    address = f"{request.hub.settings.address}/fhir/{request.type}/{request.id}/$everything"
    own = urlencode(asked.pairs)
    links = [{"relation": "self", "url": f"{address}?{own}" if own else address}]
    after = await walk.after() if asked.count is not None else None
    if after is not None:
        cursor = request.hub.cursors.seal(after, _binding(request, asked.pairs))
        links.append({"relation": "next", "url": f"{address}?{own}&_cursor={cursor}"})
    return orjson.dumps(links)


async def _next(request: FhirRequest, walk: _Walk) -> list[Entry]:
    """Return the next chunk, which is on record."""
    chunk = await walk.chunk()
    if chunk:
        await request.hub.audit.append(await events(request, [one for one, _ in chunk], 200))
    return chunk


async def _body(request: FhirRequest, asked: Asked, walk: _Walk, chunk: list[Entry]) -> AsyncIterator[bytes]:
    """Yield the Bundle; the first chunk is on record already, each other one before it is given out."""
    head = b'{"resourceType":"Bundle","type":"searchset"'
    empty = not chunk
    before = b',"entry":['
    while chunk:
        yield head + _entries(request, chunk, before)
        head, before = b"", b","
        chunk = await _next(request, walk)
    yield head + (b"" if empty else b"]") + b',"link":' + await _links(request, asked, walk) + b"}"


async def _in_xml(request: FhirRequest, walk: _Walk, head: bytes, first: bytes) -> AsyncIterator[bytes]:
    """Yield the Bundle in XML, of which the first entries are written and on record."""
    yield head + first
    while chunk := await _next(request, walk):
        yield await _xml_entries(request, chunk)
    yield END


async def _xml_entries(request: FhirRequest, chunk: Sequence[Entry]) -> bytes:
    listed = _entries(request, chunk, b"")
    if len(listed) < THREAD_BYTES:
        return entries(listed)
    return await asyncio.to_thread(entries, listed)


async def everything(request: FhirRequest) -> FhirResponse:
    """Answer a person's record.

    As XML it is a stream as well, but for a page: what links it has is known only at its end.

    Raises:
        NotFound: it is asked of another type than Patient, or the Patient does not exist for the caller.
    """
    request.check_accept()
    if request.type != "Patient":
        known_type(request.type)
        raise NotFound(f"{request.path} is not an address of this server")
    asked = await _asked(request)
    await request.record.read("Patient", request.id)
    request.record.disclosed.clear()
    walk = _Walk(request, asked)
    first = await walk.chunk()
    request.record.disclosed += [one for one, _ in first]
    written = wanted(request.headers.items(), request.query_string)
    if written is not None and written.xml and not written.pretty and asked.count is None:
        bundle = b'{"resourceType":"Bundle","type":"searchset","link":%s}' % await _links(request, asked, walk)
        begun = await _xml_entries(request, first) if first else b""
        return Streamed(_in_xml(request, walk, head(bundle), begun), 200, [XML, PRIVATE, NO_SNIFF])
    return streamed_response(_body(request, asked, walk, first))
