"""Small files for tests, byte by byte, so that each may be wrong in one way."""

import struct
from pathlib import Path

import pydicom.data

PYDICOM = Path(pydicom.data.__file__).parent
EXPLICIT, IMPLICIT, BIG, DEFLATED = (
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2",
    "1.2.840.10008.1.2.2",
    "1.2.840.10008.1.2.1.99",
)
RLE, JPEG, J2K = "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.90"
LONG = {"OB", "OW", "OF", "SQ", "UN", "UT", "UC", "UR", "OD", "OL", "OV", "SV", "UV"}

UIDS = {
    0x00080016: ("UI", b"1.2.840.10008.5.1.4.1.1.7\0"),
    0x00080018: ("UI", b"1.2.3.4"),
    0x0020000D: ("UI", b"1.2.3"),
    0x0020000E: ("UI", b"1.2.3.1\0"),
}


def us(*numbers):
    return struct.pack(f"<{len(numbers)}H", *numbers)


def element(tag, vr, value=b"", length=None):
    value += b"\0" * (len(value) % 2)
    length = len(value) if length is None else length
    head = struct.pack("<HH", tag >> 16, tag & 0xFFFF) + vr.encode()
    return head + (struct.pack("<HL", 0, length) if vr in LONG else struct.pack("<H", length)) + value


def implicit(tag, value=b"", length=None):
    length = len(value) if length is None else length
    return struct.pack("<HHL", tag >> 16, tag & 0xFFFF, length) + value


def item(value=b"", length=None):
    return implicit(0xFFFEE000, value, length)


ITEM_END = implicit(0xFFFEE00D)
SEQUENCE_END = implicit(0xFFFEE0DD)
UNDEFINED = 0xFFFFFFFF


def fragments(*values, table=b""):
    return item(table) + b"".join(item(value) for value in values) + SEQUENCE_END


def file(body, transfer_syntax=EXPLICIT):
    meta = element(0x00020001, "OB", b"\0\1") + element(0x00020010, "UI", transfer_syntax.encode())
    return bytes(128) + b"DICM" + element(0x00020000, "UL", struct.pack("<L", len(meta))) + meta + body


def instance(changes=None, transfer_syntax=EXPLICIT, tail=b""):
    """A Part 10 file with the four UIDs; `changes` adds or replaces elements, or removes them by None."""
    elements = UIDS | (changes or {})
    body = b"".join(element(tag, *elements[tag]) for tag in sorted(elements) if elements[tag] is not None)
    return file(body + tail, transfer_syntax)


def image(rows=2, columns=3, bits=8, frames=None, samples=1, kind=b"MONOCHROME2", **others):
    """The Image Pixel module's elements."""
    return {
        0x00280002: ("US", us(samples)),
        0x00280004: ("CS", kind),
        **({0x00280008: ("IS", str(frames).encode())} if frames is not None else {}),
        0x00280010: ("US", us(rows)),
        0x00280011: ("US", us(columns)),
        0x00280100: ("US", us(bits)),
        0x00280101: ("US", us(others.get("stored", bits))),
        0x00280103: ("US", us(others.get("sign", 0))),
        **({0x00280006: ("US", us(others["planar"]))} if "planar" in others else {}),
    }


def pydicom_file(name):
    folder = "charset_files" if name.startswith("chr") else "test_files"
    return (PYDICOM / folder / name).read_bytes()
