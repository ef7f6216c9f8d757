import dataclasses
import struct
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from dicom.failures import InvalidInstance
from dicom.frames import frame
from dicom.image_pixel import ImagePixel
from dicom.look_up import Table
from dicom.part10 import read_instance
from dicom.presentation import Presentation, Window, presentation
from dicom.rendering import JPEG, PNG, Picture, render_frame
from tests.dicom.making import EXPLICIT, pydicom_file

PLAIN = Presentation(1.0, 0.0, None, False, None, None)


def shown(image, stored, presented=PLAIN, **asked):
    body = render_frame(image, EXPLICIT, stored, presented, Picture(media_type=PNG, **asked))
    return np.asarray(Image.open(BytesIO(body))).tolist()


def grey(*values, bits=16, **changes):
    """One row of pixels."""
    image = ImagePixel(1, len(values), 1, bits, bits, 1, 0, "MONOCHROME2", 1)
    return dataclasses.replace(image, **changes), struct.pack(f"<{len(values)}h", *values)


def rendered(name, **asked):
    found = read_instance(pydicom_file(name))
    picture = Picture(**asked)
    syntax = found.file.transfer_syntax.uid
    body = render_frame(found.pixels.image, syntax, frame(found, 0), presentation(found), picture)
    return Image.open(BytesIO(body))


def test_a_ct_becomes_a_jpeg_of_its_size():
    picture = rendered("CT_small.dcm")

    assert (picture.format, picture.size, picture.mode) == ("JPEG", (128, 128), "L")


@pytest.mark.parametrize("name", ["examples_rgb_color.dcm", "examples_palette.dcm", "examples_ybr_color.dcm",
                                  "examples_jpeg2k.dcm", "SC_rgb_rle_16bit.dcm"])  # fmt: skip
def test_colour_becomes_colour(name):
    assert rendered(name, media_type=JPEG).mode == "RGB"


def test_a_thumbnail_is_no_larger_than_asked_and_keeps_its_shape():
    assert rendered("JPGExtended.dcm", max_edge=64).size == (16, 64)
    assert rendered("CT_small.dcm", max_edge=500).size == (128, 128)


def test_quality_decides_the_size_in_bytes():
    found = read_instance(pydicom_file("CT_small.dcm"))

    def size(quality):
        picture = Picture(quality=quality)
        return len(render_frame(found.pixels.image, EXPLICIT, frame(found, 0), presentation(found), picture))

    assert size(95) > size(30)


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        (Window(0.5, 3), [[0, 0, 128, 255]]),
        (Window(0, 2, "LINEAR_EXACT"), [[0, 0, 128, 255]]),
        (Window(0, 4, "SIGMOID"), [[30, 69, 128, 186]]),
        (Window(0, 1), [[0, 0, 255, 255]]),
        (Window(0.5, 1), [[0, 0, 0, 255]]),
        (Window(0, 0.5), [[0, 0, 128, 255]]),
    ],
)
def test_a_window_follows_its_function(window, expected):
    assert shown(*grey(-2, -1, 0, 1), window=window) == expected


def test_the_askers_window_comes_before_the_headers():
    presented = dataclasses.replace(PLAIN, window=Window(1000, 2, "LINEAR_EXACT"))

    assert shown(*grey(0, 1), presented) == [[0, 0]]
    assert shown(*grey(0, 1), presented, window=Window(0, 2, "LINEAR_EXACT")) == [[128, 255]]


def test_the_window_is_in_the_modalitys_units():
    presented = dataclasses.replace(PLAIN, slope=2.0, intercept=-100.0)

    assert shown(*grey(50, 51), presented, window=Window(1, 2, "LINEAR_EXACT")) == [[0, 255]]


def test_without_a_window_all_values_are_shown_and_padding_does_not_count():
    presented = dataclasses.replace(PLAIN, padding=(-2000, -2000))

    assert shown(*grey(-2000, 0, 50, 100), presented) == [[0, 0, 128, 255]]
    assert shown(*grey(-2000, -2000), presented) == [[128, 128]]


@pytest.mark.parametrize("slope", [1e308, -1e308, 1e-308])
def test_impossible_slopes_still_give_a_picture(slope):
    presented = dataclasses.replace(PLAIN, slope=slope, window=Window(0, 1e-300, "SIGMOID"))

    ((one, other),) = shown(*grey(-30000, 30000), presented)

    assert {one, other} <= set(range(256))


def test_an_inverse_picture_is_white_where_it_was_black():
    presented = dataclasses.replace(PLAIN, inverse=True)

    assert shown(*grey(0, 100), presented) == [[255, 0]]


def test_wide_and_floating_values_are_shown():
    wide = dataclasses.replace(grey(0)[0], columns=2, bits_allocated=32, bits_stored=32)
    floating = dataclasses.replace(wide, columns=3, floating_point=True)

    assert shown(wide, struct.pack("<2l", -(2**30), 2**30)) == [[0, 255]]
    assert shown(floating, struct.pack("<3f", 0.0, float("nan"), 0.5), window=Window(0.5, 1, "LINEAR_EXACT")) == [
        [0, 0, 128]
    ]


def test_a_palette_colours_and_ends_at_its_ends():
    table = Table(10, 16, (0, 0xFF00))
    presented = dataclasses.replace(PLAIN, palette=(table, table, Table(10, 8, (7, 9))))

    assert shown(*grey(9, 10, 11, 99), presented) == [[[0, 0, 7], [0, 0, 7], [255, 255, 9], [255, 255, 9]]]


def test_a_palette_needs_whole_numbers():
    table = Table(0, 8, (1,))
    presented = dataclasses.replace(PLAIN, palette=(table, table, table))
    image = dataclasses.replace(grey(0)[0], bits_allocated=32, bits_stored=32, floating_point=True)

    with pytest.raises(InvalidInstance, match="a palette needs whole numbers"):
        shown(image, struct.pack("<f", 1.0), presented)


def test_more_than_eight_bits_of_colour_are_narrowed():
    image = dataclasses.replace(grey(0)[0], samples_per_pixel=3, bits_stored=12, photometric_interpretation="RGB")

    assert shown(image, struct.pack("<3H", 0xFFF, 0x800, 0)) == [[[255, 128, 0]]]
