"""A request at a FHIR door: who calls, what is asked, and what has been disclosed so far."""

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from starlette.types import Message, Receive

from app.access.caller import Caller
from app.consent.decide import Authority, may_see, may_write
from app.consent.visibility import CallerVisibility
from fhir.errors import InvalidValue, NotAcceptable, TooLarge, UnsupportedMediaType

if TYPE_CHECKING:
    from app.hub import Hub
    from app.records.record import Record

_JSON_TYPES = {b"application/fhir+json", b"application/json", b"text/json"}
_ACCEPTED = (b"*/*", b"application/*", b"json")


class FhirRequest:
    """One request.

    Attributes:
        hub: The running hub.
        caller: Who asks.
        method: The HTTP method.
        path: The path as received.
        query_string: What came after the question mark, undecoded.
        headers: The request's headers, names in small letters.
        type: The resource type in the path, or an empty text.
        id: The resource's id in the path, or an empty text.
        version: The version in the path, or an empty text.
        received: The body, once it was read.
        recorded: Whether the audit record of the request is durable already.
    """

    def __init__(self, hub: "Hub", scope: Mapping[str, Any], receive: Receive, caller: Caller) -> None:
        self.hub = hub
        self.caller = caller
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.query_string: bytes = scope["query_string"]
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.network: str = scope["client"][0] if scope.get("client") else ""
        self.type = ""
        self.id = ""
        self.version = ""
        self.interaction = ""
        self.action = "R"
        self.recorded = False
        self.received: bytes | None = None
        self._receive = receive

    @cached_property
    def now(self) -> int:
        """The instant of the request, in microseconds since 1970 UTC, cut to milliseconds."""
        return self.hub.clock() // 1000 * 1000

    @cached_property
    def visibility(self) -> CallerVisibility:
        """What the caller may see, now."""
        return may_see(self.caller, now=self.now, implied=self.hub.settings.consent == "implied")

    @cached_property
    def authority(self) -> Authority:
        """What the caller may write."""
        return may_write(self.caller, any_id=self.hub.settings.single_owner)

    @cached_property
    def record(self) -> "Record":
        """The caller's view of the store."""
        from app.records.record import Record

        return Record(self)

    @cached_property
    def pairs(self) -> list[tuple[str, str]]:
        """The parameters of the query string, decoded, in their order."""
        return decode_pairs(self.query_string)

    @property
    def lenient(self) -> bool:
        """Whether unknown parameters are to be ignored (`Prefer: handling=lenient`)."""
        return b"handling=lenient" in self.headers.get(b"prefer", b"").replace(b" ", b"")

    def check_accept(self) -> None:
        """Refuse a request for a format that is not written.

        Raises:
            NotAcceptable: neither `Accept` nor `_format` allows JSON.
        """
        accept = self.headers.get(b"accept")
        if accept and not any(word in accept for word in _ACCEPTED):
            raise NotAcceptable("Resources are written as application/fhir+json")
        if b"_format" in self.query_string:
            wanted = [value for name, value in self.pairs if name == "_format"]
            if any("json" not in value for value in wanted):
                raise NotAcceptable("Resources are written as application/fhir+json", "_format")

    def check_content_type(self) -> None:
        """Refuse a body that is not JSON.

        Raises:
            UnsupportedMediaType: it is in another format or compressed.
        """
        content_type = self.headers.get(b"content-type", b"application/fhir+json").partition(b";")[0]
        if content_type.strip().lower() not in _JSON_TYPES:
            raise UnsupportedMediaType(f"A body of type {content_type.decode('latin-1')} is not read")
        if self.headers.get(b"content-encoding", b"identity") != b"identity":
            raise UnsupportedMediaType("A compressed body is not read")

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
        chunks: list[bytes] = []
        size = 0
        while True:
            message = await self._receive()
            chunk = message.get("body", b"")
            size += len(chunk)
            if size > limit:
                # A traceback keeps this frame alive: what was read so far must not stay with it.
                chunks.clear()
                raise TooLarge(f"The body is larger than {limit} bytes")
            chunks.append(chunk)
            if not message.get("more_body"):
                self.received = chunks[0] if len(chunks) == 1 else b"".join(chunks)
                return self.received


def decode_pairs(query: bytes) -> list[tuple[str, str]]:
    """Return the parameters of an urlencoded query, decoded, in their order.

    Raises:
        InvalidValue: it is not UTF-8, holds a NUL, or has more than 500 parameters.
    """
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=500)
    except (UnicodeDecodeError, ValueError) as error:
        raise InvalidValue("The query is not urlencoded UTF-8, or has too many parameters") from error
    if b"%00" in query:
        raise InvalidValue("The query holds a NUL")
    return pairs


def replayed(body: bytes) -> Receive:
    """Return a `receive` that gives `body` as one message."""

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive
