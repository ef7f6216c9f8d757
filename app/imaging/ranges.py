"""Ranges of octets of what is answered in one piece.

https://www.rfc-editor.org/rfc/rfc9110#section-14 (PS3.18 8.1: origin servers may take them)
"""

import re

from app.imaging.request import DicomRequest
from app.records.response import Header, Response
from fhir.errors import RangeNotSatisfiable

TAKEN: Header = (b"accept-ranges", b"bytes")

_RANGE = re.compile(rb"\s*bytes\s*=\s*([0-9]{0,18})\s*-\s*([0-9]{0,18})\s*")


def wanted(request: DicomRequest, size: int, tag: bytes) -> range | None:
    """Return which octets of an answer are asked for; None for all of them.

    Several ranges at once, and what is no range, are answered with the whole, as is a range of another version.

    Raises:
        RangeNotSatisfiable: there are not so many octets.
    """
    match = _RANGE.fullmatch(request.headers.get(b"range", b""))
    if match is None or request.headers.get(b"if-range", tag) != tag or not any(match.groups()):
        return None
    first, last = match.groups()
    if not first:
        start, stop = max(0, size - int(last)), size
    else:
        start, stop = int(first), min(size, int(last) + 1) if last else size
        if last and int(last) < start:
            return None
    if start >= stop:
        raise RangeNotSatisfiable(f"There are {size} octets", size=size)
    return range(start, stop)


def content_range(part: range, size: int) -> Header:
    """Return the header that tells which octets of how many are answered."""
    return b"content-range", f"bytes {part.start}-{part.stop - 1}/{size}".encode()


def in_one_piece(request: DicomRequest, body: bytes, headers: list[Header], tag: bytes) -> Response:
    """Return a body, or the range of it that is asked for.

    Raises:
        RangeNotSatisfiable: there are not so many octets.
    """
    part = wanted(request, len(body), tag)
    if part is None:
        return Response(200, body, [*headers, TAKEN])
    return Response(206, body[part.start : part.stop], [*headers, TAKEN, content_range(part, len(body))])
