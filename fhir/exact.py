"""JSON that is read, changed and written again: each number keeps its text, 6.30 and 1e2 alike."""

from decimal import Decimal
from typing import Any, Self

import msgspec


class Number(Decimal):
    """A number with a fraction or an exponent, and the text it was written with."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> Self:
        """Return the number that `text` writes."""
        made = super().__new__(cls, text)
        made.text = text
        return made

    def __deepcopy__(self, memo: Any) -> "Number":
        return self


def _text(value: Any) -> msgspec.Raw:
    if not isinstance(value, Number):
        raise TypeError(f"no JSON for {type(value)}")
    return msgspec.Raw(value.text.encode())


_DECODER = msgspec.json.Decoder(Any, float_hook=Number)
_ENCODER = msgspec.json.Encoder(enc_hook=_text)
_SORTED = msgspec.json.Encoder(enc_hook=_text, order="sorted")


def read(body: bytes) -> Any:
    """Return the tree of JSON that is known to be strict."""
    return _DECODER.decode(body)


def write(tree: Any) -> bytes:
    """Return a tree of `read` as JSON, members in their order."""
    return _ENCODER.encode(tree)


def same(one: Any, other: Any) -> bool:
    """Return whether two trees of `read` are written alike, but for the order of members: 6.30 is not 6.3."""
    return canonical(one) == canonical(other)


def canonical(tree: Any) -> bytes:
    """Return a tree of `read` as JSON in which the order of members does not count."""
    return _SORTED.encode(tree)
