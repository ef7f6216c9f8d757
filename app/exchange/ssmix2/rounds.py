"""Which files of a batch are written in one transaction: none in which a resource would be written twice.

What two files have in common keeps them in their order; files that have nothing in common need none.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.exchange.ssmix2.kinds import BASIC, Flag
from app.exchange.ssmix2.path import NotOfAStore, read_name
from app.exchange.ssmix2.understand import Understood
from fhir.search.hashing import hash64

Touched = tuple[str, int]
"""A patient's number, and the hash of what is written of the patient."""


@dataclass(frozen=True, slots=True)
class Round:
    """Files that are written in one transaction.

    Attributes:
        followed: What a later file of the batch writes again: what it replaces is history at once.
    """

    files: tuple[Understood, ...]
    followed: frozenset[Touched]


def touched(one: Understood) -> Iterable[Touched]:
    """Yield what a file writes, and what it may delete."""
    number = one.patient.key.value
    yield number, one.slot_hash
    yield number, one.file_hash
    if one.patient.action != "mention":
        yield number, one.patient.hash
    for piece in one.pieces:
        if piece.action != "mention":
            yield number, piece.hash


def slot_of(path: str) -> list[Touched]:
    """Return what a file that was refused would replace, as far as its path says it."""
    try:
        name = read_name(path.rpartition("/")[2])
    except NotOfAStore:
        return []
    return [(name.patient, hash64(name.slot))] if name.flag is Flag.CURRENT else []


def rounds(files: Sequence[Understood], awaited: Iterable[Touched] = ()) -> list[Round]:
    """Return the files of a batch in as few rounds as keep their order; who a patient is comes first in each.

    Args:
        files: The files.
        awaited: What files would write that were refused: what they replace stays until they come again.
    """
    parts: list[list[Understood]] = []
    last: dict[Touched, int] = {}
    for one in files:
        what = list(touched(one))
        place = max((last[each] + 1 for each in what if each in last), default=0)
        if place == len(parts):
            parts.append([])
        parts[place].append(one)
        for each in what:
            last[each] = place
    found: list[Round] = []
    followed = set(awaited)
    for part in reversed(parts):
        found.append(Round(tuple(sorted(part, key=lambda one: one.name.kind != BASIC)), frozenset(followed)))
        followed |= {each for one in part if one.name.flag is Flag.CURRENT for each in touched(one)}
    return found[::-1]
