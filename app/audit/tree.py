"""The Merkle tree over the audit records: append, root, proofs and their verification.

https://www.rfc-editor.org/rfc/rfc9162#section-2.1
"""

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from typing import NamedTuple, Self

HASH_BYTES = 32
EMPTY_ROOT = sha256().digest()

_BLOCK = 256
"""Leaves whose subtree is computed level by level, a power of two."""


class Node(NamedTuple):
    """The root of a perfect subtree: leaves `[position << level, (position + 1) << level)`."""

    level: int
    """0 for a leaf; a node of level n covers 2^n leaves."""
    position: int
    """Counts from 0 within the level."""


HashReader = Callable[[Sequence[Node]], Sequence[bytes]]
"""Reads the hashes of perfect subtrees from wherever they are kept; asked once a proof."""


def leaf_hash(record: bytes) -> bytes:
    """Return the hash of a leaf: SHA-256(0x00 || record)."""
    return sha256(b"\x00" + record).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node: SHA-256(0x01 || left || right)."""
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """What appending needs of a tree: its size and the roots of its perfect subtrees, largest first.

    Holds one hash for every 1 bit of `size`, so a log of any length fits in 2 KB.
    """

    __slots__ = ("hashes", "size")

    def __init__(self, size: int = 0, hashes: Iterable[bytes] = ()) -> None:
        self.size = size
        self.hashes = list(hashes)
        if size < 0 or len(self.hashes) != size.bit_count():
            raise ValueError(f"a tree of {size} leaves has another frontier than {len(self.hashes)} hashes")
        if any(len(one) != HASH_BYTES for one in self.hashes):
            raise ValueError(f"a frontier's hashes are {HASH_BYTES} bytes each")

    def append(self, leaf: bytes) -> list[bytes]:
        """Add one leaf hash.

        Returns:
            The hashes of the perfect subtrees this leaf completed, the leaf itself first: the one at place
            `k` is `Node(k, (size - 1) >> k)`, `size` being the size after the call. A store that answers
            proofs keeps them.
        """
        completed = [leaf]
        hashes = self.hashes
        size = self.size
        while size & 1:
            leaf = sha256(b"\x01" + hashes.pop() + leaf).digest()
            completed.append(leaf)
            size >>= 1
        hashes.append(leaf)
        self.size += 1
        return completed

    def extend(self, leaves: Sequence[bytes]) -> None:
        """Add leaf hashes in order: as `append` for each, in a third of the time."""
        at = min(-self.size % _BLOCK, len(leaves))
        for leaf in leaves[:at]:
            self.append(leaf)
        while len(leaves) - at >= _BLOCK:
            self._push(_block_root(leaves[at : at + _BLOCK]))
            at += _BLOCK
        for leaf in leaves[at:]:
            self.append(leaf)

    def _push(self, subtree: bytes) -> None:
        """Add the root of the next `_BLOCK` leaves; the size is a multiple of it."""
        blocks = self.size // _BLOCK
        while blocks & 1:
            subtree = sha256(b"\x01" + self.hashes.pop() + subtree).digest()
            blocks >>= 1
        self.hashes.append(subtree)
        self.size += _BLOCK

    def root(self) -> bytes:
        """Return the Merkle tree hash of all leaves appended so far."""
        if not self.hashes:
            return EMPTY_ROOT
        result = self.hashes[-1]
        for left in reversed(self.hashes[:-1]):
            result = node_hash(left, result)
        return result

    def copy(self) -> Self:
        """Return an independent frontier of the same tree."""
        return type(self)(self.size, self.hashes)

    def to_bytes(self) -> bytes:
        """Return the state: the size as 8 bytes big-endian, then the hashes."""
        return self.size.to_bytes(8, "big") + b"".join(self.hashes)

    @classmethod
    def from_bytes(cls, state: bytes) -> Self:
        """Return the frontier that `to_bytes` wrote.

        Raises:
            ValueError: The state is cut off or holds another number of hashes than its size asks for.
        """
        if len(state) < 8:
            raise ValueError("a frontier's state begins with 8 bytes of size")
        return cls(
            int.from_bytes(state[:8], "big"),
            (state[at : at + HASH_BYTES] for at in range(8, len(state), HASH_BYTES)),
        )


def _block_root(leaves: Sequence[bytes]) -> bytes:
    level = b"".join(leaves)
    while len(level) > HASH_BYTES:
        pairs = range(0, len(level), 2 * HASH_BYTES)
        level = b"".join([sha256(b"\x01" + level[at : at + 2 * HASH_BYTES]).digest() for at in pairs])
    return level


def root(leaves: Iterable[bytes]) -> bytes:
    """Return the Merkle tree hash of leaf hashes, in order."""
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf)
    return frontier.root()


def reader(leaves: Sequence[bytes]) -> HashReader:
    """Return a reader that computes perfect subtrees from leaf hashes held in memory."""

    def read(nodes: Sequence[Node]) -> list[bytes]:
        return [root(leaves[at << level : (at + 1) << level]) for level, at in nodes]

    return read


def perfect_subtrees(start: int, end: int) -> list[Node]:
    """Return the largest perfect subtrees that tile the leaves `[start, end)`, left to right."""
    nodes = []
    while start < end:
        # Alignment bounds a subtree from the left, the leaves that remain bound it from the right.
        level = (end - start).bit_length() - 1
        if start:
            level = min(level, (start & -start).bit_length() - 1)
        nodes.append(Node(level, start >> level))
        start += 1 << level
    return nodes


def inclusion_proof(index: int, size: int, get_hashes: HashReader) -> list[bytes]:
    """Return the inclusion path of a leaf, from the leaf's sibling up.

    https://www.rfc-editor.org/rfc/rfc9162#section-2.1.3.1

    Args:
        index: The leaf, counted from 0.
        size: The number of leaves of the tree it is proven in.
        get_hashes: Reads the hashes of perfect subtrees of that tree.

    Raises:
        IndexError: The tree has no such leaf.
    """
    if not 0 <= index < size:
        raise IndexError(f"a tree of {size} leaves has no leaf {index}")
    siblings = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            siblings.append((middle, end))
            end = middle
        else:
            siblings.append((start, middle))
            start = middle
    return _roots(siblings[::-1], get_hashes)


def consistency_proof(old: int, new: int, get_hashes: HashReader) -> list[bytes]:
    """Return the proof that the tree of `new` leaves begins with the tree of `old` leaves.

    https://www.rfc-editor.org/rfc/rfc9162#section-2.1.4.1

    Raises:
        IndexError: Not 0 <= old <= new.
    """
    if not 0 <= old <= new:
        raise IndexError(f"no tree of {new} leaves begins with one of {old}")
    if old in (0, new):
        return []  # Every tree begins with the empty one and with itself.
    parts = []
    start, end = 0, new
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            parts.append((middle, end))
            end = middle
        else:
            parts.append((start, middle))
            start = middle
    if start:
        parts.append((start, end))
    return _roots(parts[::-1], get_hashes)


def verify_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> bool:
    """Tell whether `proof` shows that `leaf` is leaf `index` of the tree of `size` leaves and this root.

    https://www.rfc-editor.org/rfc/rfc9162#section-2.1.3.2
    """
    if not 0 <= index < size or not _well_formed(leaf, root, *proof):
        return False
    at, last, result = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if at & 1 or at == last:
            result = node_hash(sibling, result)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            result = node_hash(result, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and result == root


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Tell whether `proof` shows that the tree of `new` leaves begins with the tree of `old` leaves.

    https://www.rfc-editor.org/rfc/rfc9162#section-2.1.4.2
    """
    if not 0 <= old <= new or not _well_formed(old_root, new_root, *proof):
        return False
    if old == 0:
        return not proof and old_root == EMPTY_ROOT and (new > 0 or new_root == EMPTY_ROOT)
    if old == new:
        return not proof and old_root == new_root
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    return bool(path) and _rebuild(old, new, path) == (old_root, new_root)


def _rebuild(old: int, new: int, path: list[bytes]) -> tuple[bytes, bytes] | None:
    """Return both roots as the path gives them, or nothing when it has the wrong length."""
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    first = second = path[0]
    for part in path[1:]:
        if last == 0:
            return None
        if at & 1 or at == last:
            first, second = node_hash(part, first), node_hash(part, second)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            second = node_hash(second, part)
        at, last = at >> 1, last >> 1
    return (first, second) if last == 0 else None


def _split(size: int) -> int:
    """Return the largest power of two smaller than `size`: where RFC 9162 parts a tree."""
    return 1 << (size - 1).bit_length() - 1


def _roots(parts: Sequence[tuple[int, int]], get_hashes: HashReader) -> list[bytes]:
    """Return the root of each part, from one reading of the perfect subtrees they are made of."""
    tilings = [perfect_subtrees(start, end) for start, end in parts]
    hashes = iter(get_hashes([node for tiling in tilings for node in tiling]))
    roots = []
    for tiling in tilings:
        below = [next(hashes) for _ in tiling]
        result = below.pop()
        while below:
            result = node_hash(below.pop(), result)
        roots.append(result)
    return roots


def _well_formed(*hashes: bytes) -> bool:
    return all(len(one) == HASH_BYTES for one in hashes)
