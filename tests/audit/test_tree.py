"""The tree against the reference vectors of Certificate Transparency, and against its own laws."""

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.audit import tree
from app.audit.tree import Frontier, Node

# The test data of the Certificate Transparency reference implementation (RFC 6962), which every log shares.
LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
INCLUSION = [
    (0, 1, []),
    (
        *(0, 8),
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        *(5, 8),
        [
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
    (
        *(1, 5),
        [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
]
CONSISTENCY = [
    (1, 1, []),
    (
        *(1, 8),
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    ),
    (
        *(6, 8),
        [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
    (
        *(2, 5),
        [
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    ),
    (
        *(6, 7),
        [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    ),
]
HASHES = [tree.leaf_hash(bytes.fromhex(leaf)) for leaf in LEAVES]

sizes = st.integers(1, 200)


def some_leaves(count):
    return [tree.leaf_hash(b"%d" % number) for number in range(count)]


@pytest.mark.parametrize("size", range(9))
def test_roots_are_those_of_the_reference_implementation(size):
    assert tree.root(HASHES[:size]).hex() == ROOTS[size]


@pytest.mark.parametrize(("index", "size", "path"), INCLUSION)
def test_inclusion_proofs_are_those_of_the_reference_implementation(index, size, path):
    proof = tree.inclusion_proof(index, size, tree.reader(HASHES[:size]))

    assert [one.hex() for one in proof] == path
    assert tree.verify_inclusion(index, size, HASHES[index], proof, bytes.fromhex(ROOTS[size]))


@pytest.mark.parametrize(("old", "new", "path"), CONSISTENCY)
def test_consistency_proofs_are_those_of_the_reference_implementation(old, new, path):
    proof = tree.consistency_proof(old, new, tree.reader(HASHES[:new]))

    assert [one.hex() for one in proof] == path
    assert tree.verify_consistency(old, new, bytes.fromhex(ROOTS[old]), bytes.fromhex(ROOTS[new]), proof)


@settings(deadline=None)
@given(sizes, st.data())
def test_every_leaf_is_proven_in_its_place_and_in_no_other(size, data):
    index = data.draw(st.integers(0, size - 1))
    other = data.draw(st.integers(-1, size))
    leaves = some_leaves(size)

    proof = tree.inclusion_proof(index, size, tree.reader(leaves))

    assert tree.verify_inclusion(index, size, leaves[index], proof, tree.root(leaves))
    if other != index:
        assert not tree.verify_inclusion(other, size, leaves[index], proof, tree.root(leaves))


@settings(deadline=None)
@given(sizes, st.data())
def test_a_changed_inclusion_proof_proves_nothing(size, data):
    index = data.draw(st.integers(0, size - 1))
    leaves = some_leaves(size)
    proof = tree.inclusion_proof(index, size, tree.reader(leaves))
    root = tree.root(leaves)

    assert not tree.verify_inclusion(index, size, tree.leaf_hash(b"another"), proof, root)
    assert not tree.verify_inclusion(index, size, leaves[index], [*proof, root], root)
    assert not tree.verify_inclusion(index, size, leaves[index], [root, *proof], root)
    assert not tree.verify_inclusion(index, size, leaves[index], [b"short", *proof], root)
    for place, one in enumerate(proof):
        changed = bytes([one[0] ^ 8]) + one[1:]
        assert not tree.verify_inclusion(
            index, size, leaves[index], [*proof[:place], changed, *proof[place + 1 :]], root
        )
    if proof:
        assert not tree.verify_inclusion(index, size, leaves[index], proof[:-1], root)


@settings(deadline=None)
@given(st.integers(0, 200), st.data())
def test_every_tree_is_proven_to_begin_with_every_smaller_one(new, data):
    old = data.draw(st.integers(0, new))
    leaves = some_leaves(new)

    proof = tree.consistency_proof(old, new, tree.reader(leaves))

    assert tree.verify_consistency(old, new, tree.root(leaves[:old]), tree.root(leaves), proof)


@settings(deadline=None)
@given(sizes, st.data())
def test_a_changed_consistency_proof_proves_nothing(new, data):
    old = data.draw(st.integers(1, new))
    leaves = some_leaves(new)
    first, second = tree.root(leaves[:old]), tree.root(leaves)
    proof = tree.consistency_proof(old, new, tree.reader(leaves))

    assert not tree.verify_consistency(old, new, sha256(b"x").digest(), second, proof)
    assert not tree.verify_consistency(old, new, first, sha256(b"x").digest(), proof)
    assert not tree.verify_consistency(old, new, first, second, [*proof, second])
    assert not tree.verify_consistency(old, new, first, second, [second, *proof])
    assert not tree.verify_consistency(old, new, first, second, [*proof, b"short"])
    assert not tree.verify_consistency(new + 1, new, first, second, proof)
    for place, one in enumerate(proof):
        changed = bytes([one[0] ^ 16]) + one[1:]
        assert not tree.verify_consistency(old, new, first, second, [*proof[:place], changed, *proof[place + 1 :]])
    if proof:
        assert not tree.verify_consistency(old, new, first, second, proof[:-1])


def test_a_proof_of_the_wrong_length_proves_nothing_even_for_a_root_made_to_fit():
    leaf, other = HASHES[0], HASHES[1]
    long = tree.node_hash(other, leaf)

    assert not tree.verify_inclusion(0, 8, leaf, [], leaf)
    assert not tree.verify_inclusion(0, 1, leaf, [other], long)
    assert not tree.verify_consistency(4, 8, leaf, leaf, [])
    # The proof of 3 in 4 has three hashes; the roots are what a fourth one would lead to.
    first, second = tree.node_hash(leaf, other), tree.node_hash(leaf, tree.node_hash(other, leaf))
    assert tree.verify_consistency(3, 4, first, second, [other, leaf, leaf])
    assert not tree.verify_consistency(
        3, 4, tree.node_hash(leaf, first), tree.node_hash(leaf, second), [other, leaf, leaf, leaf]
    )


def test_only_the_empty_tree_is_where_every_tree_begins():
    root = bytes.fromhex(ROOTS[3])

    assert tree.verify_consistency(0, 3, tree.EMPTY_ROOT, root, [])
    assert not tree.verify_consistency(0, 3, root, root, [])
    assert not tree.verify_consistency(0, 0, tree.EMPTY_ROOT, root, [])
    assert not tree.verify_consistency(0, 3, tree.EMPTY_ROOT, root, [root])


@settings(deadline=None)
@given(st.integers(0, 300), st.data())
def test_a_frontier_goes_on_from_its_stored_state(size, data):
    at = data.draw(st.integers(0, size))
    leaves = some_leaves(size)
    frontier = Frontier()
    for leaf in leaves[:at]:
        frontier.append(leaf)

    restored = Frontier.from_bytes(frontier.to_bytes())
    for leaf in leaves[at:]:
        restored.append(leaf)

    assert (restored.size, restored.root()) == (size, tree.root(leaves))
    assert (frontier.size, frontier.root()) == (at, tree.root(leaves[:at]))


def test_a_copied_frontier_is_independent():
    frontier = Frontier()
    frontier.append(HASHES[0])

    frontier.copy().append(HASHES[1])

    assert frontier.root().hex() == ROOTS[1]


@settings(deadline=None)
@given(st.integers(1, 130), st.data())
def test_the_nodes_that_appending_completes_answer_every_proof(size, data):
    leaves = some_leaves(size)
    frontier, stored = Frontier(), {}
    for leaf in leaves:
        for level, one in enumerate(frontier.append(leaf)):
            stored[Node(level, (frontier.size - 1) >> level)] = one
    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(1, size))

    def read(nodes):
        return [stored[node] for node in nodes]

    inclusion = tree.inclusion_proof(index, size, read)
    consistency = tree.consistency_proof(old, size, read)

    assert inclusion == tree.inclusion_proof(index, size, tree.reader(leaves))
    assert consistency == tree.consistency_proof(old, size, tree.reader(leaves))


@pytest.mark.parametrize(
    "state",
    [b"", b"\0" * 7, b"\0" * 7 + b"\1", b"\0" * 8 + b"x" * 32, b"\0" * 7 + b"\1" + b"x" * 31],
    ids=["empty", "half a size", "no hash", "a hash too many", "a short hash"],
)
def test_a_damaged_frontier_is_refused(state):
    with pytest.raises(ValueError, match="frontier"):
        Frontier.from_bytes(state)


def test_a_frontier_has_no_negative_size():
    with pytest.raises(ValueError, match="frontier"):
        Frontier(-1, [HASHES[0]])


@pytest.mark.parametrize("index", [-1, 3])
def test_a_leaf_outside_the_tree_has_no_proof(index):
    with pytest.raises(IndexError, match="3 leaves"):
        tree.inclusion_proof(index, 3, tree.reader(HASHES))


@pytest.mark.parametrize(("old", "new"), [(-1, 3), (4, 3)])
def test_a_tree_begins_with_no_larger_one(old, new):
    with pytest.raises(IndexError, match="no tree"):
        tree.consistency_proof(old, new, tree.reader(HASHES))


def test_an_unaligned_range_is_tiled_by_the_largest_perfect_subtrees():
    assert tree.perfect_subtrees(0, 7) == [(2, 0), (1, 2), (0, 6)]
    assert tree.perfect_subtrees(5, 16) == [(0, 5), (1, 3), (3, 1)]
    assert tree.perfect_subtrees(3, 3) == []
