"""Just as much DER as is needed to find the parts of an attribute or an answer.

https://www.itu.int/rec/T-REC-X.690
"""

from typing import NamedTuple

CONSTRUCTED = 0x20
DEEPEST = 16


class Element(NamedTuple):
    """One element: its tag, what it holds, and both as they were written."""

    tag: int
    content: bytes
    whole: bytes


def element(tag: int, content: bytes) -> bytes:
    """Return an element as DER."""
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes((tag, 0x80 | len(length))) + length + content


def children(data: bytes) -> list[Element]:
    """Return the elements that stand one after the other in `data`; those before the first that is none."""
    found = []
    at = 0
    while at + 2 <= len(data):
        tag, size, start = data[at], data[at + 1], at + 2
        if size & 0x80:
            count = size & 0x7F
            if not 0 < count <= 4 or start + count > len(data):
                break
            size = int.from_bytes(data[start : start + count])
            start += count
        if tag & 0x1F == 0x1F or start + size > len(data):
            break
        found.append(Element(tag, data[start : start + size], data[at : start + size]))
        at = start + size
    return found
