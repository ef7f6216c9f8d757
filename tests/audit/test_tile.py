"""Tiles have the addresses, the widths and the hashes that the standard says."""

import pytest

from app.audit import tile
from app.audit.tile import Tile
from app.audit.tree import Frontier, leaf_hash


@pytest.mark.parametrize(
    ("number", "digits"), [(0, "000"), (67, "067"), (999, "999"), (1000, "x001/000"), (1234067, "x001/x234/067")]
)
def test_a_number_is_in_groups_of_three(number, digits):
    assert tile.digits(number) == digits
    assert tile.parse(f"0/{digits}") == Tile(0, number)


def test_a_tree_of_70000_has_the_tiles_that_the_standard_names():
    found = tile.tiles(70_000)

    assert [one for one in found if one.level == 0] == [*(Tile(0, n) for n in range(273)), Tile(0, 273, 112)]
    assert [one.path for one in found if one.level] == ["tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1"]


def test_a_tree_of_256_has_a_full_tile_and_one_hash_above():
    assert [one.path for one in tile.tiles(256)] == ["tile/0/000", "tile/1/000.p/1"]
    assert tile.tiles(0) == []


@pytest.mark.parametrize("since", [0, 1, 255, 256, 300, 65_535, 65_536, 70_000])
def test_new_tiles_and_old_ones_are_all(since):
    new = tile.tiles(70_000, since)

    assert set(tile.tiles(70_000)) <= {*new, *tile.tiles(since)}
    assert all(not tile.holds(one, since) for one in new)
    assert all(tile.holds(one, 70_000) for one in new)


@pytest.mark.parametrize(
    "path",
    [
        *("", "0", "0/0", "0/00", "0/0000", "00/000", "0/x000/000", "0/001/000", "64/000", "-1/000", "0/000.p/0"),
        *("0/000.p/256", "0/000.p/257", "0/000.p/01", "0/000/", "0/000.p", "0/x00１/000", "0/" + "x001/" * 6 + "000"),
    ],
)
def test_no_other_address_is_a_tiles(path):
    assert tile.parse(path) is None


@pytest.mark.parametrize("start", [0, 1, 100, 255, 256, 257, 511])
@pytest.mark.parametrize("count", [0, 1, 155, 256, 300, 1000])
def test_many_leaves_at_once_are_as_one_by_one(start, count):
    leaves = [leaf_hash(b"%d" % number) for number in range(start + count)]
    one_by_one, at_once = Frontier(), Frontier()
    for leaf in leaves:
        one_by_one.append(leaf)

    at_once.extend(leaves[:start])
    at_once.extend(leaves[start:])

    assert at_once.to_bytes() == one_by_one.to_bytes()
