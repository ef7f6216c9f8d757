"""Spoilt code streams: each is a frame or a refusal, and the worker that one of them kills is replaced."""

import random
import sys
from contextlib import suppress

import imagecodecs
import numpy as np
import pytest

from dicom.decoding import DecodingPool
from dicom.encoding import encode_frame
from dicom.failures import InvalidInstance
from dicom.image_pixel import ImagePixel
from dicom.pixel_array import decode_frame
from dicom.transfer_syntaxes import COMPRESSED, HTJ2K_LOSSLESS, JPEG_BASELINE, JPEG_LS_LOSSLESS, TRANSFER_SYNTAXES

pytestmark = pytest.mark.anyio

GREY = ImagePixel(48, 40, 1, 16, 12, 0, 0, "MONOCHROME2", 1)
COLOUR = ImagePixel(48, 40, 3, 8, 8, 0, 0, "RGB", 1)
AT_ONCE = 20
NEAR_LOSSLESS, LOSSY_2000, LOSSY_HT = (f"1.2.840.10008.1.2.4.{number}" for number in ("81", "91", "203"))


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="module")
def pool():
    pool = DecodingPool(1, max_memory_bytes=2 * 1024**3, max_seconds=10)
    yield pool
    pool.close()


def whole():
    """Return images, syntaxes and their sound code streams."""
    source = np.random.default_rng(1)
    found = []
    for image, top in ((GREY, 4096), (COLOUR, 256)):
        shape = (48, 40) if image is GREY else (48, 40, 3)
        pixels = source.integers(0, top, shape).astype(f"u{image.bits_allocated // 8}")
        made = [uid for uid in COMPRESSED if image is COLOUR or uid != JPEG_BASELINE]
        found += [(image, uid, encode_frame(image, pixels, uid)) for uid in made]
        found.append((image, NEAR_LOSSLESS, imagecodecs.jpegls_encode(pixels, level=3)))
        found.append((image, LOSSY_2000, imagecodecs.jpeg2k_encode(pixels, level=40, codecformat="j2k")))
        found.append((image, LOSSY_HT, imagecodecs.htj2k_encode(pixels)))
    return found


def spoilt(stream, source):
    changed = bytearray(stream)
    for _ in range(source.randrange(1, 6)):
        # Mostly the markers at the front, which say how much there is.
        place = source.randrange(min(len(changed), source.choice((32, 200, len(changed)))))
        changed[place : place + source.choice((0, 1, 1, 4))] = source.randbytes(source.choice((1, 1, 2, 4)))
    return bytes(changed[: source.choice((len(changed), len(changed), source.randrange(len(changed))))])


def decoded(frames):
    """Decode in a worker: say of each whether it was a frame, or why not."""
    said = []
    for image, uid, stream in frames:
        try:
            array = decode_frame(image, TRANSFER_SYNTAXES[uid], stream)
            said.append("" if array.shape[:2] == (48, 40) else "another shape")
        except InvalidInstance as error:
            said.append(error.reason)
    return said


async def each(pool, frames):
    """Return what became of frames; where one kills the worker each is tried alone."""
    try:
        return await pool.run(decoded, frames)
    except InvalidInstance as error:
        if len(frames) == 1:
            return [error.reason]
    half = len(frames) // 2
    return [*await each(pool, frames[:half]), *await each(pool, frames[half:])]


async def fuzz(pool, seed, count, sound):
    source = random.Random(seed)
    said = []
    for _ in range(0, count, AT_ONCE):
        some = [source.choice(sound) for _ in range(AT_ONCE)]
        said += await each(pool, [(image, uid, spoilt(stream, source)) for image, uid, stream in some])
    return said


REASONS = {
    "",
    "a frame cannot be decoded",
    "a frame could not be decoded within its limits",
    "a frame has another size than the header says",
    "a frame has another type than the header says",
    "a frame needs too much memory",
    "the RLE header counts other segments",
}


async def test_sound_streams_are_decoded_and_spoilt_ones_are_frames_or_refused(pool):
    sound = whole()
    # Some damaged streams of JPEG-LS take for ever: each would cost a worker here.
    quick = [one for one in sound if one[1] not in (JPEG_LS_LOSSLESS, NEAR_LOSSLESS)]

    assert set(await pool.run(decoded, sound)) == {""}
    said = await fuzz(pool, 7, 200, quick)

    assert set(said) <= REASONS
    assert said.count("") > 5 < len([one for one in said if one])


def broken_off(frames):
    """Return those in which the decoder fails between lines, and says so to nobody who calls it."""
    found = []
    for image, uid, stream in frames:
        failures = []
        sys.unraisablehook = failures.append
        with suppress(RuntimeError, ValueError):
            imagecodecs.htj2k_decode(stream)
        sys.unraisablehook = sys.__unraisablehook__
        found += [(image, uid, stream)] if failures else []
    return found


async def test_a_frame_of_htj2k_that_breaks_off_is_refused_and_shows_nothing_else(pool):
    source = random.Random(3)
    stream = encode_frame(GREY, np.random.default_rng(3).integers(0, 4096, (48, 40)).astype("u2"), HTJ2K_LOSSLESS)
    # The markers at the front stay: what they say is asked before any decoder.
    head, body = stream[:120], stream[120:]
    frames = [(GREY, HTJ2K_LOSSLESS, head + spoilt(body, source)) for _ in range(100)]

    frames = await pool.run(broken_off, frames)

    assert frames
    assert set(await pool.run(decoded, frames)) == {"a frame cannot be decoded"}


@pytest.mark.soak
async def test_twenty_thousand_spoilt_streams_are_frames_or_refused(pool):
    assert set(await fuzz(pool, 8, 20_000, whole())) <= REASONS
