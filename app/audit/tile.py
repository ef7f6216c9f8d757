"""Tiles: the tree in files of 256 hashes, from which anybody computes any proof.

A tile of level l holds the roots of perfect subtrees of 256^l leaves; its address is `tile/<l>/<n>`, in groups of
three digits, with `.p/<w>` when it holds only w hashes yet.

https://c2sp.org/tlog-tiles
"""

import re
from typing import NamedTuple

HEIGHT = 8
"""Levels of the tree that a tile covers."""

WIDTH = 1 << HEIGHT
"""Hashes of a full tile."""

MOST_LEVEL = 7
"""256^8 leaves are more than any log has; the standard's own bound is 63."""

_PATH = re.compile(r"([0-9]|[1-5][0-9]|6[0-3])/((?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


class Tile(NamedTuple):
    """One tile."""

    level: int
    """0 for leaves; a hash of level l covers 256^l leaves."""
    number: int
    """Counts from 0 within the level."""
    width: int = WIDTH
    """Hashes in it, 1 to 256."""

    @property
    def path(self) -> str:
        """The address below the log's: `tile/0/x001/067` or `tile/0/x001/067.p/8`."""
        partial = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{self.level}/{digits(self.number)}{partial}"

    @property
    def first(self) -> int:
        """The position of its first hash within the level."""
        return self.number * WIDTH


def digits(number: int) -> str:
    """Return a number in groups of three digits: 1234067 is `x001/x234/067`."""
    text = str(number)
    text = text.zfill(-(-len(text) // 3) * 3)
    groups = [text[at : at + 3] for at in range(0, len(text), 3)]
    return "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])


def parse(path: str) -> Tile | None:
    """Return the tile of what follows `tile/` in an address; None when no tile has it."""
    matched = _PATH.fullmatch(path)
    if matched is None:
        return None
    number = int(matched[2].replace("/", "").replace("x", ""))
    tile = Tile(int(matched[1]), number, int(matched[3] or WIDTH))
    # An address is the shortest of its tile: no leading groups of zeros, no width of a full one.
    return tile if tile.path == f"tile/{path}" and tile.width <= WIDTH else None


def holds(tile: Tile, size: int) -> bool:
    """Return whether a tree of `size` leaves has a tile, or had it when it was smaller."""
    return tile.level <= MOST_LEVEL and tile.first + tile.width <= size >> (HEIGHT * tile.level)


def tiles(size: int, since: int = 0) -> list[Tile]:
    """Return the tiles of a tree of `size` leaves that one of `since` leaves has not."""
    found = []
    for level in range(MOST_LEVEL + 1):
        hashes, before = size >> (HEIGHT * level), since >> (HEIGHT * level)
        if not hashes:
            break
        found += [Tile(level, number) for number in range(before // WIDTH, hashes // WIDTH)]
        if hashes % WIDTH and hashes != before:
            found.append(Tile(level, hashes // WIDTH, hashes % WIDTH))
    return found
