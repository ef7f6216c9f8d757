"""Pictures of others as pictures of ours: decoded within bounds, drawn anew, so that nothing of their files is left.

Many pages (TIFF), or one. https://www.iana.org/assignments/media-types#image
"""

import struct
import threading
from io import BytesIO
from typing import Any

from PIL import Image, ImageOps

from app.portal.attachments.markup import Unreadable

FORMATS = ("PNG", "JPEG", "TIFF", "GIF", "BMP")
MOST_PIXELS = 50_000_000
"""Of one page: A4 at 600 dots an inch has 35 million."""

MOST_PAGES = 100
LONGEST_EDGE = 1_600
"""Pixels of what is shown."""

_FAULTS = (OSError, ValueError, SyntaxError, TypeError, KeyError, IndexError, OverflowError, EOFError, struct.error)
_BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)

_one_at_a_time = threading.Semaphore(2)
"""A page takes 150 MB while it is drawn."""


def _opened(octets: bytes) -> Any:
    return Image.open(BytesIO(octets), formats=FORMATS)


def count_pages(octets: bytes) -> int:
    """Return how many pages a picture has, 0 when it cannot be read; only a TIFF has several."""
    try:
        image = _opened(octets)
        if image.format != "TIFF":
            return 1
        for page in range(1, MOST_PAGES):
            try:
                image.seek(page)
            except EOFError:
                return page
    except (*_FAULTS, *_BOMBS, MemoryError):
        return 0
    return MOST_PAGES


def _flat(image: Any) -> Any:
    """Return a picture in shades of grey or colours, without transparency."""
    if image.mode in ("1", "L"):
        return image.convert("L")
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        low, high = image.convert("F").getextrema()
        return image.convert("F").point(lambda one: (one - low) * (255 / ((high - low) or 1))).convert("L")
    if "A" in image.mode or "transparency" in image.info:
        ground = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(ground, image.convert("RGBA")).convert("RGB")
    return image.convert("RGB")


def draw_page(octets: bytes, page: int) -> tuple[bytes, str]:
    """Return a page as a picture of at most 1,600 pixels a side, and its media type.

    Raises:
        Unreadable: there is no such page, it is larger than is drawn, or not what it says.
    """
    if page >= MOST_PAGES:
        raise Unreadable("no such page")
    try:
        with _one_at_a_time:
            image = _opened(octets)
            if page:
                image.seek(page)
            if image.size[0] * image.size[1] > MOST_PIXELS:
                raise Unreadable(f"more than {MOST_PIXELS} pixels")
            image.draft("RGB" if image.mode == "RGB" else image.mode, (LONGEST_EDGE, LONGEST_EDGE))
            drawn = ImageOps.exif_transpose(image)
            drawn = _flat(drawn)
            drawn.thumbnail((LONGEST_EDGE, LONGEST_EDGE), reducing_gap=2.0)
            made = BytesIO()
            if drawn.mode == "L":
                Image.frombytes("L", drawn.size, drawn.tobytes()).save(made, "PNG", compress_level=3)
                return made.getvalue(), "image/png"
            Image.frombytes("RGB", drawn.size, drawn.tobytes()).save(made, "JPEG", quality=88)
            return made.getvalue(), "image/jpeg"
    except Unreadable:
        raise
    except (*_FAULTS, *_BOMBS, MemoryError) as error:
        raise Unreadable(f"no picture that can be read: {type(error).__name__}") from error
