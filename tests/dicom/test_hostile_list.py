"""What hostile files do to readers of DICOM, one by one: none of it costs memory, and each has its reason."""

import struct
import tracemalloc
import zlib

import pytest

from dicom.character_sets import codecs_of, decode
from dicom.failures import InvalidInstance
from dicom.json_model import render
from dicom.part10 import read_instance
from dicom.preamble import other_kind
from tests.dicom.making import DEFLATED, RLE, UIDS, element, file, fragments, image, instance, item, us

PIXELS = 0x7FE00010
MEGABYTE = 1 << 20


def refused(data):
    """The reason, and the most memory that was taken on the way to it."""
    tracemalloc.start()
    try:
        with pytest.raises(InvalidInstance) as caught:
            render(read_instance(data))
        return caught.value.reason, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def nested(depth):
    body = b""
    for _ in range(depth):
        body = element(0x00081140, "SQ", item(body))
    return body


def nested_without_lengths(depth):
    return (element(0x00081140, "SQ", length=0xFFFFFFFF) + item(length=0xFFFFFFFF)) * depth


def a_bomb(gigabytes):
    """A megabyte of deflate for each gigabyte of zeros."""
    squeezer = zlib.compressobj(9, wbits=-15)
    start = squeezer.compress(b"".join(element(tag, *UIDS[tag]) for tag in sorted(UIDS)))
    start += squeezer.flush(zlib.Z_FULL_FLUSH)
    block = squeezer.compress(bytes(MEGABYTE)) + squeezer.flush(zlib.Z_FULL_FLUSH)
    return start + block * (1024 * gigabytes) + squeezer.flush()


def test_a_deflate_bomb_is_refused_before_it_goes_off():
    bomb = file(a_bomb(1), DEFLATED)

    reason, most_bytes = refused(bomb)

    assert 1_000_000 < len(bomb) < 1_500_000
    assert reason == "the deflated data set is too large"
    assert most_bytes < 300 * MEGABYTE


def test_what_deflate_makes_of_pictures_is_no_bomb():
    squeezer = zlib.compressobj(wbits=-15)
    body = b"".join(element(tag, *UIDS[tag]) for tag in sorted(UIDS)) + element(0x00420011, "OB", bytes(20 * MEGABYTE))

    found = read_instance(file(squeezer.compress(body) + squeezer.flush(), DEFLATED))

    assert found.file.data_set[0x00420011].length == 20 * MEGABYTE


LONGER = "is longer than what is left of the data set"
WRONG = {
    "a value of four gigabytes": (
        instance({0x00420011: None}, tail=element(0x00420011, "OB", b"x", 0xFFFFFFFE)),
        f"the element 00420011 {LONGER}",
    ),
    "a name of 64 kilobytes that is not there": (
        instance({0x00100010: None}, tail=element(0x00400244, "PN", b"A^B", 65534)),
        f"the element 00400244 {LONGER}",
    ),
    "a value cut short": (
        instance({**image(), PIXELS: ("OB", b"123456")})[:-3],
        f"the element 7FE00010 {LONGER}",
    ),
    "500 sequences in each other": (instance(tail=nested(500)), "sequences are nested deeper than 32"),
    "10,000 sequences in each other": (
        instance(tail=nested_without_lengths(10_000)),
        "sequences are nested deeper than 32",
    ),
    "400,000 empty private elements": (
        instance(
            tail=b"".join(
                struct.pack("<HH2sH", 0x0029 + (number >> 16) * 2, number & 0xFFFF, b"LO", 0)
                for number in range(400_000)
            )
        ),
        "the data set has more than 20000 elements",
    ),
    "ten million values": (
        instance(tail=element(0x00189810, "UC", b"a\\" * 10_000_000)),
        "the header is larger than 16777216 bytes",
    ),
    "as many values as the header has room for": (
        instance(tail=element(0x00189810, "UC", b"a\\" * 8_000_000)),
        "an element has more than 100000 values",
    ),
    "a VR that there is not": (
        instance(tail=element(0x00400009, "ZZ", b"1")),
        "the element 00400009 has the unknown VR ZZ",
    ),
    "Rows of 32 bits": (
        instance({**image(), 0x00280010: ("UL", struct.pack("<L", 0x00010001)), PIXELS: ("OB", b"123456")}),
        "Rows or Columns is missing or impossible",
    ),
    "Columns of 32 bits that would be two of 16": (
        instance({**image(), 0x00280011: ("UL", struct.pack("<L", 0xFFFF_FFFF)), PIXELS: ("OB", b"123456")}),
        "Rows or Columns is missing or impossible",
    ),
    "no end of the fragments": (
        instance(image(), RLE, element(PIXELS, "OB", fragments(b"1234")[:-8], 0xFFFFFFFF)),
        "the pixel data is cut short: its Sequence Delimitation Item is missing",
    ),
    "frames of four gigabytes": (
        instance({**image(rows=65535, columns=65535), PIXELS: ("OB", b"123456")}),
        "the pixel data has 6 bytes where 4294836225 are needed",
    ),
    "two thousand million frames": (
        instance({**image(frames=2_000_000_000), PIXELS: ("OB", b"123456")}),
        "Number of Frames is missing or impossible",
    ),
    "a path for a UID": (
        instance({0x0020000D: ("UI", b"../../../../etc/passwd")}),
        "the Study Instance UID is no UID",
    ),
    "a path for an instance": (
        instance({0x00080018: ("UI", b"1.2/../../3")}),
        "the SOP Instance UID is no UID",
    ),
}


@pytest.mark.parametrize(("data", "reason"), WRONG.values(), ids=WRONG)
def test_a_hostile_file_is_refused_with_its_reason_and_little_memory(data, reason):
    found, most_bytes = refused(data)

    assert found == reason
    # Twice the file, for what is copied of it, and what twenty thousand elements take.
    assert most_bytes < 2 * len(data) + 20 * MEGABYTE


@pytest.mark.parametrize(
    ("value", "declared", "shown"),
    [
        (b"\x1b$B;3ED", rb"\ISO 2022 IR 87", "山田"),
        (b"\x1b$B;", rb"\ISO 2022 IR 87", "\ufffd"),
        (b"\x1b$Zabc", rb"\ISO 2022 IR 87", "abc"),
        (b"A\x1b", b"ISO_IR 100", "A"),
        (b"\xff\xfe", b"ISO_IR 192", "\ufffd\ufffd"),
        (b"ABC", b"ISO_IR 99999", "ABC"),
    ],
    ids=["right", "half a character", "no such set", "an escape alone", "no UTF-8", "no such term"],
)
def test_a_bad_escape_spoils_its_text_only(value, declared, shown):
    assert shown in decode(value, codecs_of(declared))
    assert render(read_instance(instance({0x00080005: ("CS", declared), 0x00100010: ("PN", value)})))


@pytest.mark.parametrize(
    ("begins", "kind"),
    [
        (b"MZ\x90\0\x03", "a Windows program"),
        (b"\x7fELF\x02\x01", "a Linux program"),
        (b"II*\0\x08", "a TIFF"),
        (b"MM\0*", "a TIFF"),
        (b"#!/bin/sh\n", "a script"),
        (b"\xef\xbb\xbf  <SCRIPT>", "markup, which may hold a script"),
        (b"@Echo off", "a batch file"),
        (b"%PDF-1.7", "a PDF"),
        (b"PK\x03\x04", "a ZIP archive"),
        (bytes(128), ""),
        (b"", ""),
        (b"Renkei phantom MZ", ""),
    ],
)
def test_a_preamble_tells_what_else_a_file_is(begins, kind):
    whole = begins.ljust(128, b"\0") + instance()[128:]

    assert other_kind(whole) == kind
    # It is read all the same: a preamble is a sender's own (PS3.10 7.1).
    assert read_instance(whole).sop_instance_uid == "1.2.3.4"


def test_numbers_of_16_bits_are_not_read_out_of_others():
    # CVE-2026-5442: rows and columns that multiply to little when they are cut to 16 bits.
    data = instance({**image(rows=1, columns=1), 0x00280010: ("UL", us(1, 1)), PIXELS: ("OB", b"12")})

    assert refused(data)[0] == "Rows or Columns is missing or impossible"
