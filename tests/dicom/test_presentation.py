import struct

import pytest

from dicom.failures import InvalidInstance
from dicom.part10 import read_instance
from dicom.presentation import Window, presentation
from tests.dicom.making import element, image, instance, item, pydicom_file, us


def of(changes, index=0):
    return presentation(read_instance(instance(changes)), index)


def test_a_ct_says_how_it_is_shown():
    found = presentation(read_instance(pydicom_file("CT_small.dcm")))

    assert (found.slope, found.intercept, found.window, found.inverse) == (1.0, -1024.0, None, False)
    assert (found.padding, found.palette) == ((-2000, -2000), None)


def test_a_window_is_read():
    found = of({0x00281050: ("DS", b"40\\80"), 0x00281051: ("DS", b"400\\100"), 0x00281056: ("CS", b"SIGMOID")})

    assert found.window == Window(40.0, 400.0, "SIGMOID")


@pytest.mark.parametrize(
    "changes",
    [
        {0x00281050: ("DS", b"40")},
        {0x00281051: ("DS", b"400")},
        {0x00281050: ("DS", b"40"), 0x00281051: ("DS", b"0")},
        {0x00281050: ("DS", b"nan"), 0x00281051: ("DS", b"400")},
        {0x00281050: ("DS", b"forty"), 0x00281051: ("DS", b"400")},
    ],
    ids=["no width", "no center", "no wide", "no number", "text"],
)
def test_half_a_window_is_none(changes):
    assert of(changes).window is None


def test_a_slope_of_nothing_is_one():
    assert of({0x00281053: ("DS", b"0")}).slope == 1.0


def test_monochrome1_is_inverse():
    assert of({0x00280004: ("CS", b"MONOCHROME1")}).inverse


def window_group(center):
    inner = element(0x00281050, "DS", center) + element(0x00281051, "DS", b"100")
    return element(0x00289132, "SQ", item(inner))


def rescale_group(slope):
    return element(0x00289145, "SQ", item(element(0x00281052, "DS", b"0") + element(0x00281053, "DS", slope)))


def test_functional_groups_speak_for_their_frame():
    changes = {
        0x52009229: ("SQ", item(rescale_group(b"2") + window_group(b"9"))),
        0x52009230: ("SQ", item(window_group(b"10")) + item(window_group(b"20"))),
    }

    assert [of(changes, index).window.center for index in range(3)] == [10.0, 20.0, 9.0]
    assert of(changes).slope == 2.0


def test_float_values_of_a_wrong_length_are_none():
    changes = {0x00281053: ("FD", b"123456"), 0x00281052: ("FD", struct.pack("<d", 7.5))}

    assert (of(changes).slope, of(changes).intercept) == (1.0, 7.5)


def palette(descriptor=(2, 5, 8), data=b"\x01\x02", vr="US"):
    tables = {}
    for color in range(3):
        tables[0x00281101 + color] = (vr, us(*descriptor))
        tables[0x00281201 + color] = ("OW", data)
    return image(kind=b"PALETTE COLOR") | tables


@pytest.mark.parametrize(
    ("changes", "first", "bits", "entries"),
    [
        (palette(), 5, 8, (1, 2)),
        (palette((2, 5, 16), us(256, 512)), 5, 16, (256, 512)),
        (palette((2, 5, 8), us(256, 512)), 5, 16, (256, 512)),
        (palette((2, 65535, 16), us(1, 512), "SS"), -1, 16, (1, 512)),
        (palette((2, 5, 16), us(1, 255)), 5, 8, (1, 255)),
        (palette((0, 0, 8), b"\x07" * 65536), 0, 8, (7,) * 65536),
    ],
    ids=["bytes", "words", "words that say bytes", "from a negative value", "bytes that say words", "65536"],
)
def test_a_palette_is_read(changes, first, bits, entries):
    red, _, blue = of(changes).palette

    assert (red.first, red.bits, red.entries) == (first, bits, entries)
    assert blue == red


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (image(kind=b"PALETTE COLOR"), "a look-up table is missing or not described"),
        (palette((4, 0, 8), b"\1\2"), "a look-up table is cut short"),
    ],
)
def test_a_palette_that_cannot_be_read_is_refused(changes, reason):
    with pytest.raises(InvalidInstance) as caught:
        of(changes)

    assert caught.value.reason == reason
