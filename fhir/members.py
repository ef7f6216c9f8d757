"""Where the members of a JSON object stand in its bytes, without building what they hold.

https://www.rfc-editor.org/rfc/rfc8259#section-4
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

import msgspec
import orjson

from fhir.resource import InvalidJson

_T = TypeVar("_T")
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])
# The brace or the comma, the key, the colon; what follows is the value, whose length msgspec knows.
_BEFORE_VALUE = re.compile(rb'[ \t\r\n]*+[{,][ \t\r\n]*+"((?:[^"\\]|\\.)*+)"[ \t\r\n]*+:[ \t\r\n]*+')
_END = re.compile(rb"[ \t\r\n]*+\{?[ \t\r\n]*+\}[ \t\r\n]*+")


@dataclass(frozen=True, slots=True)
class Member:
    """A member of an object; its value is `body[start:end]`."""

    key: str
    start: int
    end: int


def members(body: bytes) -> Iterator[Member]:
    """Yield the members of an object in their order.

    What lies inside the values is skipped at C speed and only known to be balanced; `parse` it to know more.

    Args:
        body: A JSON object; white space around it is allowed.

    Raises:
        InvalidJson: It is not an object, or a key stands in it twice.
    """
    position = 0
    for key, raw in _decode(_OBJECT, body).items():
        before = _BEFORE_VALUE.match(body, position)
        value = bytes(raw)
        # msgspec keeps the last of two equal keys in the place of the first. A walk that meets these keys
        # with these values, then the brace, is a reading of the bytes by JSON's grammar; it has only one.
        if before is None or not _is(before[1], key) or not body.startswith(value, before.end()):
            raise InvalidJson(f"The key {key!r}, or one before it, stands twice in one object.")
        position = before.end() + len(value)
        yield Member(key, before.end(), position)
    if not _END.fullmatch(body, position):
        raise InvalidJson("A key stands twice in one object.")


def value_of(body: bytes, key: str) -> bytes:
    """Return the bytes of a member's value, when it is known that no key stands twice in the object.

    Raises:
        InvalidJson: It is not an object.
        KeyError: It has no such member.
    """
    return bytes(_decode(_OBJECT, body)[key])


def items(body: bytes) -> Iterator[bytes]:
    """Yield the items of an array, each in its own bytes.

    Raises:
        InvalidJson: It is not an array.
    """
    for raw in _decode(_ARRAY, body):
        yield bytes(raw)


def _is(raw: bytes, key: str) -> bool:
    if b"\\" in raw:
        return bool(orjson.loads(b'"' + raw + b'"') == key)
    return raw == key.encode()


def _decode(decoder: "msgspec.json.Decoder[_T]", body: bytes) -> _T:
    try:
        return decoder.decode(body)
    except RecursionError:
        raise InvalidJson("Objects and arrays are nested too deep.") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidJson(f"This is not JSON: {error}.") from None
