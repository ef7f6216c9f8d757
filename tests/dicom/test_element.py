"""Elements and items, written; the scanner reads them back."""

import struct

import pytest

from dicom.data_set import EXPLICIT_LITTLE, Scanner
from dicom.element import element, head, items


@pytest.mark.parametrize(
    ("vr", "value", "written"),
    [
        ("LO", b"abc", b"\x08\x00\x50\x00LO\x04\x00abc "),
        ("UI", b"1.2", b"\x08\x00\x50\x00UI\x04\x001.2\0"),
        ("OB", b"\x01", b"\x08\x00\x50\x00OB\0\0\x02\0\0\0\x01\0"),
        ("UT", b"", b"\x08\x00\x50\x00UT\0\0\0\0\0\0"),
    ],
    ids=["texts end in a blank", "UIDs in a NUL", "bytes in a NUL, and a long length", "nothing"],
)
def test_values_are_of_even_length(vr: str, value: bytes, written: bytes) -> None:
    assert element(0x00080050, vr, value) == written


def test_a_sequence_is_read_as_it_was_written() -> None:
    inner = element(0x00081150, "UI", b"1.2.840")
    whole = element(0x00081199, "SQ", items([inner, b""]))

    found, end = Scanner(whole).data_set(0, len(whole), EXPLICIT_LITTLE)

    first, second = found[0x00081199].items or ()
    assert end == len(whole)
    assert (list(first), second) == ([0x00081150], {})


def test_a_short_length_holds_no_long_value() -> None:
    with pytest.raises(struct.error):
        head(0x00080050, "LO", 65_536)
