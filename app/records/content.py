"""What a body is made of: its media type, and how it is unpacked without ever being larger than allowed.

https://hl7.org/fhir/R4/http.html#mime-type, https://www.rfc-editor.org/rfc/rfc1952
"""

import re
import zlib

from fhir.errors import InvalidValue, TooLarge, UnsupportedMediaType

_PIECE_BYTES = 64 * 1024
_JSON = frozenset({b"application/fhir+json", b"application/json", b"text/json"})
_XML = frozenset({b"application/fhir+xml", b"application/xml", b"text/xml"})
_PARAMETER = re.compile(rb'\b(charset|fhirversion)\s*=\s*"?([^";\s]*)', re.IGNORECASE)
_TAKEN = {b"charset": (b"utf-8", b"us-ascii"), b"fhirversion": (b"4.0", b"4.0.1", b"r4")}


def is_xml(content_type: bytes) -> bool:
    """Return whether a body of this type is FHIR XML."""
    return content_type.partition(b";")[0].strip().lower() in _XML


def check_type(content_type: bytes) -> None:
    """Refuse a body that is neither FHIR JSON nor FHIR XML.

    Raises:
        UnsupportedMediaType: it is of another type, not in UTF-8, or of another version of FHIR.
    """
    kind, _, parameters = content_type.partition(b";")
    kind = kind.strip().lower()
    taken = kind in _JSON or kind in _XML
    for name, value in _PARAMETER.findall(parameters) if parameters else ():
        taken &= value.lower() in _TAKEN[name.lower()]
    if not taken:
        raise UnsupportedMediaType(f"A body of type {content_type.decode('latin-1')[:200]} is not read")


def is_packed(encoding: bytes) -> bool:
    """Return whether a body with this `Content-Encoding` is packed.

    Raises:
        UnsupportedMediaType: by another way than gzip.
    """
    if encoding in (b"", b"identity"):
        return False
    if encoding.strip().lower() in (b"gzip", b"x-gzip"):
        return True
    raise UnsupportedMediaType("Of compressed bodies only those packed by gzip are read")


def unpacked(body: bytes, limit: int) -> bytes:
    """Return what is in a gzip body.

    Args:
        body: One gzip member.
        limit: The most bytes in it; no more than that is ever unpacked.

    Raises:
        TooLarge: there are more.
        InvalidValue: it is not gzip, is cut short, or more follows.
    """
    unpacker = zlib.decompressobj(wbits=31)
    parts: list[bytes] = []
    room = limit
    try:
        for start in range(0, len(body), _PIECE_BYTES):
            part = unpacker.decompress(body[start : start + _PIECE_BYTES], room + 1)
            room -= len(part)
            if room < 0:
                # A traceback keeps this frame alive: what was unpacked so far must not stay with it.
                parts.clear()
                part = b""
                raise TooLarge(f"The body, unpacked, is larger than {limit} bytes")
            parts.append(part)
            if unpacker.eof and (unpacker.unused_data or start + _PIECE_BYTES < len(body)):
                raise InvalidValue("Something follows the gzip body", "Content-Encoding")
    except zlib.error as error:
        raise InvalidValue(f"The body is not gzip: {error}", "Content-Encoding") from None
    if not unpacker.eof:
        raise InvalidValue("The gzip body is cut short", "Content-Encoding")
    return b"".join(parts)
