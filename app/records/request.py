"""A request at a door: who calls, what is asked, and what has been disclosed so far."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote_plus

from starlette.types import Message, Receive

from app.access.caller import Caller
from app.consent.decide import Authority, finds, implies, may_write
from app.records.accept import PLAIN, wants_xml
from app.records.content import check_type, is_packed, is_xml, unpacked
from app.records.record import Record
from app.records.sight import Sight
from app.uploads.check import check_body
from fhir.errors import FhirError, InvalidValue, TooLarge
from fhir.store.categories import Category
from fhir.store.connection import Visibility
from fhir.xml.to_json import Converted, to_json

if TYPE_CHECKING:
    from app.hub import Hub
    from app.records.writing import Writing

T = TypeVar("T")

Settle = Callable[["Writing", Mapping[int, bytes] | None], Awaitable[None]]
"""What is called inside the transaction of a write: see `Request.settle`."""

THREAD_BYTES = 1_000_000
"""From so many bytes on, a body is unpacked and converted in a thread, so that other requests go on."""

MOST_PARAMETERS = 500
"""The most parameters of a query."""


class CutShort(FhirError):
    """What has come of a body is not all of it, however whole it may look; nobody waits for the answer."""

    status = 400
    code = "invalid"


class Request:
    """One request at any door.

    Attributes:
        hub: The running hub.
        caller: Who asks.
        method: The HTTP method.
        path: The path as received.
        query_string: What came after the question mark, undecoded.
        headers: The request's headers, names in small letters.
        action: C, R, U, D or E.
        now: The instant of the request, in microseconds since 1970 UTC, cut to milliseconds.
        recorded: Whether the audit record of the request is durable already.
        images_of: Patient key and custodian of each study whose images, or what is said of them, were shown.
        received: The body, once it was read as a whole.
        streamed: Whether the body was taken piece by piece, and so cannot be taken again.
        settle: Is called inside the transaction of its write, with the answers to the entries of a transaction by
            their numbers: whoever carries the request out for somebody keeps there that it is done.
    """

    def __init__(self, hub: "Hub", scope: Mapping[str, Any], receive: Receive, caller: Caller) -> None:
        self.hub = hub
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.query_string: bytes = scope["query_string"]
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.network: str = scope["client"][0] if scope.get("client") else ""
        self._sight = Sight()
        self.action = "R"
        self.recorded = False
        self.images_of: set[tuple[int, int]] = set()
        self.received: bytes | None = None
        self.streamed = False
        self.settle: Settle | None = None
        self.now = hub.clock() // 1000 * 1000
        self._receive = receive
        self.decide(caller)

    def decide(self, caller: Caller) -> None:
        """Decide what `caller` may see and write; a second time when it had to be identified anew."""
        self.caller = caller
        settings = self.hub.settings
        self._sight.decide(
            caller,
            now=self.now,
            implied=implies(settings.consent, caller.purpose),
            finds=finds(settings.find_patients, caller.purpose),
            glass_labels=settings.break_glass_labels,
        )
        self._authority: Authority | None = None
        self._record: Record | None = None

    @property
    def interaction(self) -> str:
        """What is asked, by the name the audit log uses; what may be seen depends on it."""
        return self._sight.interaction

    @interaction.setter
    def interaction(self, code: str) -> None:
        self._sight.interaction = code

    @property
    def visibility(self) -> Visibility:
        """What the caller may see, now, by the interaction that is asked for."""
        return self._sight.visibility

    @visibility.setter
    def visibility(self, seen: Visibility) -> None:
        """Let a request see what its caller does not: the hub's own."""
        self._sight.visibility = seen

    def visibility_for(self, letters: str) -> Visibility:
        """Return what the caller may see whose scope has some letters of `cruds`: what it may change, for instance."""
        return self._sight.by(letters)

    @property
    def authority(self) -> Authority:
        """What the caller may write."""
        if self._authority is None:
            self._authority = may_write(self.caller, any_id=self.hub.settings.single_owner)
        return self._authority

    def let_write(self, category: Category) -> None:
        """Let the caller write a category of its own custody that its role does not, for one act that is decided."""
        self._authority = replace(self.authority, categories=self.authority.categories | 1 << category)

    @property
    def record(self) -> Record:
        """The caller's view of the store."""
        if self._record is None:
            self._record = Record(self.hub.database.reader, self.caller.epoch, self._sight)
        return self._record

    def binding(self, place: str, pairs: Iterable[tuple[str, str]]) -> str:
        """Return what a page link is good for: the caller, the place and the parameters; none of them holds a NUL."""
        caller = self.caller
        asked = "\0".join([text for pair in pairs for text in pair])
        scoped = f"|{caller.scopes.text}|{caller.patient_key}" if caller.scopes is not None else ""
        return f"{caller.organisation}|{caller.account}|{caller.client}{scoped}|{place}?{asked}"

    @cached_property
    def pairs(self) -> list[tuple[str, str]]:
        """The parameters of the query string, decoded, in their order."""
        return decode_pairs(self.query_string)

    async def body(self, limit: int) -> bytes:
        """Return the body.

        Args:
            limit: The most bytes it may have.

        Raises:
            TooLarge: it has more; the rest is not read.
        """
        stated = self.headers.get(b"content-length", b"0")
        if not stated.isdigit() or int(stated) > limit:
            raise TooLarge(f"The body is larger than {limit} bytes")
        first, rest, size = b"", bytearray(), 0
        async for chunk in self.chunks():
            size += len(chunk)
            if size > limit:
                # A traceback keeps this frame alive: what was read so far must not stay with it.
                rest.clear()
                raise TooLarge(f"The body is larger than {limit} bytes")
            if first:
                # One piece that grows is given back to the system as a whole; thousands of small ones are not.
                rest += chunk
            else:
                first = chunk
        self.received = first + rest if rest else first
        self.streamed = False
        return self.received

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body as it comes.

        Raises:
            CutShort: the caller goes away before all of it has come.
        """
        self.streamed = True
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise CutShort("The caller went away before the body was whole")
            yield message.get("body", b"")
            if not message.get("more_body"):
                return


_MAY_STORE = frozenset({"POST", "PUT", "PATCH"})


class FhirRequest(Request):
    """One request at the FHIR door.

    Attributes:
        type: The resource type in the path, or an empty text.
        id: The resource's id in the path, or an empty text.
        version: The version in the path, or an empty text.
        source: The body as its sender wrote it, when that was XML.
        sources: Of an XML Bundle: what its sender wrote of each entry's resource.
        member: The type, or `*`, that is searched for in the compartment of `type` and `id`, or an empty text.
        scope: The request as it came in, by which its caller can be identified again.
        nested: Whether it is an entry of another request, or such a request asked once more.
    """

    def __init__(self, hub: "Hub", scope: Mapping[str, Any], receive: Receive, caller: Caller) -> None:
        super().__init__(hub, scope, receive, caller)
        self.scope = scope
        self.type = ""
        self.id = ""
        self.version = ""
        self.source: bytes | None = None
        self.sources: Sequence[bytes | None] = ()
        self.member = ""
        self.nested = False

    @property
    def lenient(self) -> bool:
        """Whether unknown parameters are to be ignored (`Prefer: handling=lenient`)."""
        return b"handling=lenient" in self.headers.get(b"prefer", b"").replace(b" ", b"")

    def check_accept(self) -> None:
        """Refuse a request for a format that is not written.

        Raises:
            NotAcceptable: neither `Accept` nor `_format`, which is stronger, allows JSON or XML.
        """
        accept = self.headers.get(b"accept", b"")
        if b"_format" in self.query_string:
            wants_xml(accept, dict(reversed(self.pairs)).get("_format"))
        elif accept not in PLAIN:
            wants_xml(accept, None)

    def check_content_type(self) -> None:
        """Refuse a body that is not read, and before anything is done an answer that is not written.

        Raises:
            UnsupportedMediaType: the body is in another format.
            NotAcceptable: as `check_accept` says.
        """
        content_type = self.headers.get(b"content-type")
        if content_type is not None:
            check_type(content_type)
        self.check_accept()

    async def body(self, limit: int) -> bytes:
        """Return the body, unpacked; of XML the JSON that it means.

        Args:
            limit: The most bytes it may have, packed and unpacked.

        Raises:
            TooLarge: it has more.
            UnsupportedMediaType: it is packed in a way that is not read.
            InvalidValue: it is not packed as it says.
            InvalidXml: it is not the XML of a resource.
            Dangerous: it holds a program, a document with macros, or what a virus scanner knows.
        """
        packed = is_packed(self.headers.get(b"content-encoding", b""))
        body = await super().body(limit)
        if packed:
            body = await _aside(unpacked, body, limit)
        if is_xml(self.headers.get(b"content-type", b"")):
            self.source = body
            converted: Converted = await _aside(to_json, body)
            body, self.sources = converted.body, converted.entries
        if not self.nested and self.method in _MAY_STORE:
            await check_body(self, body)
        return body


async def _aside(work: Callable[..., T], body: bytes, *others: Any) -> T:
    """Return the result of `work`, done in a thread when the body is large."""
    if len(body) < THREAD_BYTES:
        return work(body, *others)
    return await asyncio.to_thread(work, body, *others)


def decode_pairs(query: bytes) -> list[tuple[str, str]]:
    """Return the parameters of an urlencoded query, decoded, in their order.

    Raises:
        InvalidValue: it is not UTF-8, holds a NUL, or has more than 500 parameters.
    """
    parts = [part for part in query.split(b"&") if part]
    if len(parts) > MOST_PARAMETERS or b"%00" in query:
        raise InvalidValue(f"The query holds a NUL, or has more than {MOST_PARAMETERS} parameters")
    try:
        named = [part.decode("ascii").partition("=") for part in parts]
        return [(_decoded(name), _decoded(value)) for name, _, value in named]
    except UnicodeDecodeError as error:
        raise InvalidValue("The query is not urlencoded UTF-8") from error


def _decoded(text: str) -> str:
    if "%" not in text and "+" not in text:
        return text
    # Names, codes and systems come again and again; what is long does not.
    return _unquoted(text) if len(text) < 100 else unquote_plus(text, errors="strict")


@lru_cache(maxsize=4096)
def _unquoted(text: str) -> str:
    return unquote_plus(text, errors="strict")


def replayed(body: bytes) -> Receive:
    """Return a `receive` that gives `body` as one message."""

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive
