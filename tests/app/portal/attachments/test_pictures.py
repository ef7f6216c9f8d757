import random
import struct
import zlib
from io import BytesIO

import pytest
from PIL import Image

from app.portal.attachments.markup import Unreadable
from app.portal.attachments.pictures import LONGEST_EDGE, count_pages, draw_page
from tests.attachments import a_picture


@pytest.mark.parametrize(
    ("form", "mode", "media_type"),
    [
        ("PNG", "RGB", "image/jpeg"),
        ("PNG", "RGBA", "image/jpeg"),
        ("PNG", "L", "image/png"),
        ("PNG", "I;16", "image/png"),
        ("PNG", "P", "image/jpeg"),
        ("JPEG", "RGB", "image/jpeg"),
        ("TIFF", "1", "image/png"),
        ("GIF", "L", "image/jpeg"),
        ("BMP", "RGB", "image/jpeg"),
    ],
)
def test_a_picture_is_drawn_anew(form: str, mode: str, media_type: str) -> None:
    octets = a_picture(form, mode=mode)

    made, kind = draw_page(octets, 0)

    assert kind == media_type
    assert Image.open(BytesIO(made)).size == (40, 20)
    assert made != octets


def test_every_page_of_a_fax_is_drawn() -> None:
    octets = a_picture("TIFF", pages=3, mode="1")

    assert count_pages(octets) == 3
    assert draw_page(octets, 2)[1] == "image/png"
    with pytest.raises(Unreadable):
        draw_page(octets, 3)


def test_a_large_picture_is_made_smaller() -> None:
    made, _ = draw_page(a_picture("JPEG", (4_000, 1_000)), 0)

    assert Image.open(BytesIO(made)).size == (LONGEST_EDGE, 400)


def bomb(width: int, height: int) -> bytes:
    """Return a PNG that says it is so large, and holds a little of it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    "octets",
    [b"", b"<svg onload='alert(1)'/>", b"%PDF-1.4", a_picture()[:60], bomb(8_000, 8_000), bomb(60_000, 60_000)],
    ids=["empty", "svg", "pdf", "cut", "large", "huge"],
)
def test_what_is_no_picture_or_too_large_is_not_drawn(octets: bytes) -> None:
    with pytest.raises(Unreadable):
        draw_page(octets, 0)


@pytest.mark.filterwarnings("ignore::UserWarning")  # of Pillow, about what it passes over
def test_no_bytes_do_anything_but_be_drawn_or_refused() -> None:
    chance = random.Random(3)
    wholes = [a_picture("TIFF", pages=2), a_picture("PNG"), a_picture("GIF", mode="L"), a_picture("BMP")]

    for turn in range(300):
        octets = bytearray(wholes[turn % 4])
        for _ in range(chance.randrange(1, 5)):
            octets[chance.randrange(len(octets))] = chance.randrange(256)
        count_pages(bytes(octets))
        try:
            draw_page(bytes(octets), 0)
        except Unreadable:
            continue
