"""Pictures of odd but allowed images: what is shown equals what pydicom and numpy make of the same bytes."""

import struct
from io import BytesIO

import imagecodecs
import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.pixels import apply_color_lut, apply_modality_lut, apply_voi_lut

from dicom.failures import InvalidInstance
from dicom.frames import frame
from dicom.part10 import read_instance
from dicom.presentation import presentation
from dicom.rendering import PNG, Picture, render_frame
from dicom.transcoding import to_transfer_syntax
from tests.dicom.making import (
    EXPLICIT,
    IMPLICIT,
    J2K,
    JPEG,
    RLE,
    UIDS,
    element,
    file,
    fragments,
    image,
    implicit,
    instance,
    item,
    us,
)

JPEG_LS, LOSSLESS, HTJ2K = (f"1.2.840.10008.1.2.4.{number}" for number in ("80", "70", "201"))
SIGNED = np.array([[-2048, -1, 0], [1, 1000, 2047]], "<i2")


def numbers(values):
    return struct.pack(f"<{len(values)}h", *values)


def grey(pixels, **changes):
    """A native image of sixteen bits."""
    array = np.asarray(pixels, "<i2")
    made = image(*array.shape, bits=16, stored=16, sign=1) | {0x7FE00010: ("OW", array.tobytes())}
    return instance(made | {int(tag, 16): value for tag, value in changes.items()})


def shown(data, index=0, **asked):
    found = read_instance(data)
    picture = Picture(media_type=PNG, **asked)
    args = found.pixels.image, found.file.transfer_syntax.uid, frame(found, index), presentation(found, index)
    return np.asarray(Image.open(BytesIO(render_frame(*args, picture))))


def theirs(data):
    """Return the data set and the pixels as pydicom reads them."""
    ds = pydicom.dcmread(BytesIO(data), force=True)
    return ds, ds.pixel_array


def to_eight_bits(values):
    """Return the whole range of values as 0 to 255."""
    values = values.astype(float)
    return np.rint((values - values.min()) / (values.max() - values.min()) * 255).astype(np.uint8)


def lut(first, entries, bits=16, vr="US", data_vr="OW"):
    data = us(*entries) if data_vr == "OW" else bytes(entries)
    inner = element(0x00283002, vr, us(len(entries), first & 0xFFFF, bits)) + element(0x00283006, data_vr, data)
    return item(inner)


def compressed(array, stream, syntax, **changes):
    made = image(*array.shape[:2], bits=array.itemsize * 8, **changes)
    made |= {0x00280006: ("US", us(changes.get("planar", 0)))} if array.ndim == 3 else {}
    tail = element(0x7FE00010, "OB", length=0xFFFFFFFF) + fragments(stream + b"\0" * (len(stream) % 2))
    return instance(made, syntax, tail)


def test_signed_twelve_bits_in_sixteen_keep_their_sign_whatever_lies_above_them():
    bits = SIGNED.view("<u2") & 0x0FFF
    native = image(2, 3, bits=16, stored=12, sign=1) | {0x7FE00010: ("OW", (bits | 0xA000).astype("<u2").tobytes())}

    assert (shown(instance(native)) == to_eight_bits(SIGNED)).all()


@pytest.mark.parametrize("syntax", [RLE, LOSSLESS, JPEG_LS, J2K, HTJ2K])
@pytest.mark.parametrize(("bits", "stored"), [(16, 12), (16, 16), (8, 8)])
def test_signed_pixels_survive_every_lossless_syntax(syntax, bits, stored):
    low, high = -(2 ** (stored - 1)), 2 ** (stored - 1) - 1
    pixels = np.linspace(low, high, 64 * 64).round().astype(f"<i{bits // 8}").reshape(64, 64)
    made = image(64, 64, bits=bits, stored=stored, sign=1) | {0x7FE00010: ("OW", pixels.tobytes())}

    there = to_transfer_syntax(read_instance(instance(made)), syntax)
    back = to_transfer_syntax(read_instance(there), EXPLICIT)

    assert (theirs(back)[1] == pixels).all()
    assert (shown(there) == to_eight_bits(pixels)).all()
    if syntax in (RLE, J2K):  # pydicom has no decoder for the others here
        assert (theirs(there)[1] == pixels).all()


def test_signed_eight_bits_of_jpeg_baseline_are_read_as_they_say_and_never_written():
    pixels = np.repeat(np.arange(-64, 64, dtype=np.int8)[None, :], 16, axis=0)
    stream = imagecodecs.jpeg8_encode(pixels.view(np.uint8), level=100)
    data = compressed(pixels, stream, JPEG, sign=1)
    _, expected = theirs(data)

    assert expected.min() < -60
    assert np.abs(shown(data).astype(int) - to_eight_bits(expected).astype(int)).max() <= 1
    native = instance(image(16, 128, bits=8, sign=1) | {0x7FE00010: ("OB", pixels.tobytes())})
    with pytest.raises(InvalidInstance, match="signed pixels and palettes are not written in a lossy Transfer Syntax"):
        to_transfer_syntax(read_instance(native), JPEG)


def coloured(first, entries, bits, vr="US", indices=(0, 1, 2, 3), sign=0, width=8, segmented=False):
    made = image(1, len(indices), bits=width, sign=sign, kind=b"PALETTE COLOR")
    pixels = np.array(indices, f"<i{width // 8}" if sign else f"<u{width // 8}").tobytes()
    for n in range(3):
        values = [min(2**bits - 1, one * (n + 1)) for one in entries]
        data = bytes(values) if bits == 8 and len(values) % 2 == 0 else us(*values)
        made[0x00281101 + n] = (vr, us(len(entries), first & 0xFFFF, bits))
        made[0x00281201 + n] = ("OW", data)
    return instance(made | {0x7FE00010: ("OB" if width == 8 else "OW", pixels)})


@pytest.mark.parametrize(
    "data",
    [
        coloured(0, [0, 20, 40, 80], 8),
        coloured(0, [0, 5_000, 10_000, 21_000], 16),
        coloured(1, [10_000, 20_000, 3], 16),
        coloured(-2, [0, 5_000, 10_000, 21_000], 16, "SS", (-3, -2, 0, 1), sign=1),
        coloured(-2, [0, 5_000, 10_000, 21_000], 16, "SS", (-3000, -2, 0, 1000), sign=1, width=16),
        coloured(1_000, [0, 5_000, 10_000, 21_000], 16, "US", (0, 1_000, 1_003, 60_000), width=16),
    ],
    ids=["bytes", "words", "odd and from 1", "signed indices", "signed words", "words as indices"],
)
def test_palettes_colour_as_pydicom_does(data):
    ds, indices = theirs(data)
    expected = apply_color_lut(indices, ds)
    expected = expected if expected.dtype == np.uint8 else expected >> 8

    assert (shown(data) == expected).all()


def test_a_palette_in_segments_is_expanded():
    made = image(1, 4, bits=8, kind=b"PALETTE COLOR")
    segments = us(0, 2, 100, 10_000, 1, 4, 50_000, 0, 1, 7)
    for n in range(3):
        made[0x00281101 + n] = ("US", us(7, 0, 16))
        made[0x00281221 + n] = ("OW", segments)
    data = instance(made | {0x7FE00010: ("OB", bytes([0, 2, 5, 6]))})
    ds, indices = theirs(data)

    assert (shown(data) == apply_color_lut(indices, ds) >> 8).all()
    assert shown(data)[0, :, 0].tolist() == [0, 20_000 >> 8, 50_000 >> 8, 0]


@pytest.mark.parametrize("broken", [us(1, 4, 9), us(2, 1, 0, 0), us(7, 1, 1), us(0, 2, 1, 2), us(0, 1, 1, 2, 9, 8, 0)])
def test_a_palette_whose_segments_are_none_is_refused(broken):
    made = image(1, 4, bits=8, kind=b"PALETTE COLOR")
    for n in range(3):
        made |= {0x00281101 + n: ("US", us(7, 0, 16)), 0x00281221 + n: ("OW", broken)}
    with pytest.raises(InvalidInstance, match="look-up table"):
        shown(instance(made | {0x7FE00010: ("OB", bytes(4))}))


def test_monochrome1_is_white_where_it_is_low():
    data = grey([[0, 50, 100]], **{"00280004": ("CS", b"MONOCHROME1")})

    assert shown(data).tolist() == [[255, 127, 0]]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"00280120": ("SS", numbers([-2000]))}, [[0, 0, 128, 255]]),
        ({"00280120": ("US", numbers([-2000]))}, [[0, 0, 128, 255]]),
        ({"00280120": ("SS", numbers([-2000])), "00280121": ("SS", numbers([0]))}, [[0, 0, 0, 255]]),
        ({}, [[0, 243, 249, 255]]),
    ],
    ids=["signed", "a VR that is not the pixels'", "a range", "none"],
)
def test_padding_is_left_out_of_the_range_that_is_shown(changes, expected):
    assert shown(grey([[-2000, 0, 50, 100]], **changes)).tolist() == expected


def test_padding_of_signed_pixels_in_implicit_vr_is_negative():
    elements = image(1, 3, bits=16, sign=1) | {0x00280120: ("SS", numbers([-2000]))}
    elements |= {0x7FE00010: ("OW", numbers([-2000, 0, 100]))}
    body = b"".join(implicit(tag, value) for tag, (_, value) in sorted((UIDS | elements).items()))

    assert shown(file(body, IMPLICIT)).tolist() == [[0, 0, 255]]


WINDOWS = {
    "LINEAR": lambda x: np.clip((x - 99.5) / 199 + 0.5, 0, 1),
    "LINEAR_EXACT": lambda x: np.clip((x - 100) / 200 + 0.5, 0, 1),
    "SIGMOID": lambda x: 1 / (1 + np.exp(-4 * (x - 100) / 200)),
}


@pytest.mark.parametrize("function", WINDOWS)
def test_windows_follow_their_function_as_the_standard_writes_it(function):
    window = {"00281050": ("DS", b"100"), "00281051": ("DS", b"200"), "00281056": ("CS", function.encode())}
    rescale = {"00281052": ("DS", b"-1024"), "00281053": ("DS", b"2")}
    stored = np.arange(400, 700, 3)[None, :]
    data = grey(stored, **window, **rescale)
    ds, pixels = theirs(data)
    units = apply_modality_lut(pixels, ds)
    of_pydicom = apply_voi_lut(units, ds).astype(float)

    assert (shown(data) == np.rint(WINDOWS[function](stored * 2.0 - 1024) * 255)).all()
    # pydicom stretches over the range that the rescaled values could have.
    low, high = apply_modality_lut(np.array([-32768, 32767]), ds)
    assert np.abs(shown(data) - (of_pydicom - low) / (high - low) * 255).max() <= 1


@pytest.mark.parametrize(("first", "vr"), [(0, "US"), (-2, "SS"), (3, "US")])
def test_a_modality_lut_goes_before_slope_and_window(first, vr):
    entries = [10, 20, 40, 80, 160]
    data = grey([[-5, -2, 0, 2, 3, 9]], **{"00283000": ("SQ", lut(first, entries, vr=vr)), "00281053": ("DS", b"7")})
    ds, pixels = theirs(data)

    assert (shown(data) == to_eight_bits(apply_modality_lut(pixels, ds))).all()


@pytest.mark.parametrize(
    ("entries", "bits", "data_vr"),
    [([0, 4_000, 30_000, 65_535], 16, "OW"), ([0, 1, 500, 1_023], 10, "OW"), ([0, 9, 99, 255], 8, "OW")],
)
def test_a_voi_lut_goes_before_a_window(entries, bits, data_vr):
    window = {"00281050": ("DS", b"1"), "00281051": ("DS", b"2"), "00281052": ("DS", b"-10"), "00281053": ("DS", b"1")}
    data = grey([[0, 9, 10, 11, 12, 99]], **window, **{"00283010": ("SQ", lut(0, entries, bits, "SS", data_vr))})
    ds, pixels = theirs(data)
    expected = apply_voi_lut(apply_modality_lut(pixels, ds).astype(int), ds).astype(float)

    assert (shown(data) == np.rint(expected * 255 / (2**bits - 1))).all()
    assert not (shown(data, window=presentation(read_instance(data)).window) == shown(data)).all()


def test_a_lut_that_cannot_be_read_is_as_none():
    broken = item(element(0x00283002, "US", us(5, 0, 16)) + element(0x00283006, "OW", us(1, 2)))

    assert shown(grey([[0, 50, 100]], **{"00283010": ("SQ", broken), "00283000": ("SQ", item())})).tolist() == [
        [0, 128, 255]
    ]


def test_native_planes_and_planes_of_rle_are_the_same_pixels():
    pixels = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3) * 9
    planes = image(2, 3, samples=3, kind=b"RGB", planar=1)
    native = instance(planes | {0x7FE00010: ("OB", np.moveaxis(pixels, -1, 0).tobytes())})
    rle = to_transfer_syntax(read_instance(native), RLE)

    for data in (native, rle, to_transfer_syntax(read_instance(rle), EXPLICIT)):
        assert (shown(data) == pixels).all()
        assert (theirs(data)[1] == pixels).all()


@pytest.mark.parametrize("kind", [b"YBR_ICT", b"YBR_RCT", b"RGB"])
def test_colour_transforms_of_jpeg_2000_are_undone(kind):
    pixels = np.random.default_rng(1).integers(0, 255, (32, 32, 3), dtype=np.uint8)
    reversible = kind != b"YBR_ICT"
    level = 0 if reversible else 60
    stream = imagecodecs.jpeg2k_encode(
        pixels, codecformat="j2k", reversible=reversible, level=level, mct=kind != b"RGB"
    )
    data = compressed(pixels, stream, J2K if reversible else J2K[:-2] + "91", samples=3, kind=kind)

    difference = np.abs(shown(data).astype(int) - pixels)
    assert difference.max() <= (0 if reversible else 4)
    ours = to_transfer_syntax(read_instance(data), EXPLICIT)
    assert np.abs(theirs(ours)[1].astype(int) - pixels).max() <= difference.max()


def test_half_the_colours_are_those_of_two_pixels_and_odd_columns_are_refused():
    made = image(1, 4, samples=3, kind=b"YBR_FULL_422", planar=0)
    data = instance(made | {0x7FE00010: ("OB", bytes([50, 200, 90, 160, 10, 20, 128, 128]))})
    ds, _ = theirs(data)
    expected = pydicom.pixels.pixel_array(ds)

    assert np.abs(shown(data).astype(int) - expected).max() <= 1
    odd = instance(image(2, 3, samples=3, kind=b"YBR_FULL_422", planar=0) | {0x7FE00010: ("OB", bytes(12))})
    with pytest.raises(InvalidInstance, match="have even columns"):
        shown(odd)


def test_rle_that_calls_its_whole_triplets_half_is_coloured_too():
    pixels = np.full((2, 2, 3), (76, 85, 255), np.uint8)
    native = instance(image(2, 2, samples=3, kind=b"RGB", planar=0) | {0x7FE00010: ("OB", pixels.tobytes())})
    rle = to_transfer_syntax(read_instance(native), RLE).replace(b"CS\x04\0RGB ", b"CS\x0c\0YBR_FULL_422")

    assert shown(rle)[0, 0].tolist() == [254, 0, 0]


def test_one_bit_frames_begin_between_octets():
    frames = np.random.default_rng(2).integers(0, 2, (5, 3, 3), dtype=np.uint8)
    packed = np.packbits(frames.ravel(), bitorder="little").tobytes()
    data = instance(image(3, 3, bits=1, frames=5) | {0x7FE00010: ("OB", packed)})

    assert (theirs(data)[1] == frames).all()
    assert all((shown(data, index) == frames[index] * 255).all() for index in range(5))


@pytest.mark.parametrize(("tag", "vr", "kind", "bits"), [(0x7FE00008, "OF", "<f4", 32), (0x7FE00009, "OD", "<f8", 64)])
def test_parametric_maps_are_shown_over_their_finite_range(tag, vr, kind, bits):
    values = np.array([[100.0, 150.0, 200.0, np.nan, np.inf]], kind)
    made = image(1, 5, bits=bits) | {0x00280101: None, tag: (vr, values.tobytes())}

    assert shown(instance(made))[0, :3].tolist() == [0, 128, 255]


def test_thirty_two_bit_pixels_are_shown():
    pixels = np.array([[0, 2**31, 2**32 - 1]], "<u4")
    data = instance(image(1, 3, bits=32) | {0x7FE00010: ("OW", pixels.tobytes())})

    assert shown(data).tolist() == [[0, 128, 255]]
    assert (theirs(data)[1] == pixels).all()


def test_each_frame_has_the_window_and_rescale_of_its_group():
    def group(center, slope):
        window = element(0x00281050, "DS", center) + element(0x00281051, "DS", b"100")
        rescale = element(0x00281052, "DS", b"0") + element(0x00281053, "DS", slope)
        return item(element(0x00289132, "SQ", item(window)) + element(0x00289145, "SQ", item(rescale)))

    made = image(1, 3, bits=16, frames=2) | {0x52009230: ("SQ", group(b"50", b"1") + group(b"100", b"2"))}
    data = instance(made | {0x7FE00010: ("OW", us(10, 50, 90, 10, 50, 90))})

    def expected(values, center):
        return np.rint(np.clip((np.array(values) - (center - 0.5)) / 99 + 0.5, 0, 1) * 255).tolist()

    assert shown(data, 0).tolist() == [expected([10, 50, 90], 50)]
    assert shown(data, 1).tolist() == [expected([20, 100, 180], 100)]
