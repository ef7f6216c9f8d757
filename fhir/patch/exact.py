"""The tree of a resource that is changed and written again: each number keeps its text, 6.30 and 1e2 alike."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Self

import msgspec

from fhir.errors import FhirError
from fhir.resource import parse

Patch = Callable[[bytes], bytes]
"""From a stored body to the patched one."""


class MalformedPatch(FhirError):
    """The document is not a patch, whatever it would be applied to."""

    status = 400
    code = "structure"


class TooCostly(FhirError):
    """The patch would make more of a resource than the server takes."""

    status = 422
    code = "too-costly"


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


def read(body: bytes) -> Any:
    """Return the tree of JSON that is known to be strict."""
    return _DECODER.decode(body)


def read_strictly(document: bytes) -> Any:
    """Return the tree of any JSON value, read as strictly as a resource.

    Raises:
        InvalidJson: it is not strict JSON; the lines that are named count from one before the document.
    """
    # `parse` takes objects: the document becomes the only member of one, and nothing can stand beside it.
    wrapped = b'{"patch":\n' + document + b"\n}"
    if parse(wrapped).keys() != {"patch"}:
        raise MalformedPatch("The document is more than one JSON value")
    return read(wrapped)["patch"]


def write(tree: Any) -> bytes:
    """Return a tree of `read` as JSON, members in their order."""
    return _ENCODER.encode(tree)
