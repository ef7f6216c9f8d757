"""The identifiers of C-FIND, C-MOVE and C-GET: what is asked for, and at which level.

https://dicom.nema.org/medical/dicom/current/output/chtml/part04/chapter_C.html
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dicom.attributes import BY_TAG, DEPTH, Level, Match
from dicom.json_model import Json
from dicom.services.data_sets import Small
from dicom.values import SPECIFIC_CHARACTER_SET, is_uid

QUERY_RETRIEVE_LEVEL = 0x00080052
RETRIEVE_AE_TITLE = 0x00080054
INSTANCE_AVAILABILITY = 0x00080056
PATIENT_ID, STUDY, SERIES, INSTANCE = 0x00100020, 0x0020000D, 0x0020000E, 0x00080018
TIMEZONE_OFFSET = 0x00080201
MOST_UIDS = 10_000
"""In one identifier."""

LEVELS = {"PATIENT": Level.STUDY, "STUDY": Level.STUDY, "SERIES": Level.SERIES, "IMAGE": Level.INSTANCE}
"""By Query/Retrieve Level, what is searched for: patients are those of studies."""

_UNIQUE = {"PATIENT": PATIENT_ID, "STUDY": STUDY, "SERIES": SERIES, "IMAGE": INSTANCE}
_COUNTED = frozenset((0x00201206, 0x00201208, 0x00201209))
"""Numbers of related series and instances."""
_OF_PATIENT = frozenset((0x00100010, PATIENT_ID, 0x00100021, 0x00100030, 0x00100040))
_ABOUT_THE_ANSWER = frozenset(
    (SPECIFIC_CHARACTER_SET, QUERY_RETRIEVE_LEVEL, RETRIEVE_AE_TITLE, INSTANCE_AVAILABILITY, TIMEZONE_OFFSET)
)
_SEPARATOR = re.compile(r"[\\,]")


class InvalidIdentifier(ValueError):
    """The identifier does not match its class; its text says how and is for the caller."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a C-FIND asks.

    Attributes:
        word: The Query/Retrieve Level: `STUDY` for example.
        level: What is searched for.
        pairs: What must match, as `dicom.matching.parse_query` takes it.
        returned: The tags that are asked for.
        is_partly_unsupported: Whether a key is among them that the hub does not know.
        characters: The Specific Character Set of the identifier.
    """

    word: str
    level: Level
    pairs: Sequence[tuple[str, str]]
    returned: frozenset[int]
    is_partly_unsupported: bool
    characters: str


def word_of(identifier: Small, *, patient_root: bool) -> str:
    """Return the Query/Retrieve Level.

    Raises:
        InvalidIdentifier: it is not one of the information model.
    """
    word = identifier.text(QUERY_RETRIEVE_LEVEL)
    if word not in LEVELS or (word == "PATIENT" and not patient_root):
        raise InvalidIdentifier("The Query/Retrieve Level is none of this model")
    return word


def asked(identifier: Small, *, patient_root: bool) -> Asked:
    """Return what the identifier of a C-FIND asks.

    Raises:
        InvalidIdentifier: its level is none of the information model.
    """
    word = word_of(identifier, patient_root=patient_root)
    level = LEVELS[word]
    pairs: list[tuple[str, str]] = []
    returned: set[int] = set()
    is_partly_unsupported = False
    for tag, element in identifier.elements.items():
        if tag in _ABOUT_THE_ANSWER or not tag & 0xFFFF:
            continue
        attribute = BY_TAG.get(tag)
        is_known = attribute is not None and DEPTH[attribute.level] <= DEPTH[level]
        if word == "PATIENT":
            is_known = tag in _OF_PATIENT
        value = identifier.key(tag) if element.items is None else ""
        if is_known and attribute is not None:
            returned.add(tag)
            if value.strip("* \\"):
                pairs.append((f"{tag:08X}", value))
        elif tag in _COUNTED and word != "PATIENT":
            returned.add(tag)
        else:
            is_partly_unsupported = True
    returned.add(_UNIQUE[word])
    characters = identifier.text(SPECIFIC_CHARACTER_SET)
    return Asked(word, level, pairs, frozenset(returned), is_partly_unsupported, characters)


def answered(asked: Asked, found: Json, title: str) -> dict[int, tuple[str, list[Any]]]:
    """Return the identifier of one answer.

    Args:
        asked: What was asked.
        found: The result as `dicom.results.result` returns it.
        title: The AE title where it is retrieved.
    """
    model: dict[int, tuple[str, list[Any]]] = {}
    for tag in asked.returned:
        element = found.get(f"{tag:08X}")
        if element is not None:
            model[tag] = (element["vr"], element.get("Value", []))
        elif tag in BY_TAG and BY_TAG[tag].match is not Match.MODALITIES:
            model[tag] = (BY_TAG[tag].vr, [])
    model[QUERY_RETRIEVE_LEVEL] = ("CS", [asked.word])
    model[RETRIEVE_AE_TITLE] = ("AE", [title])
    model[INSTANCE_AVAILABILITY] = ("CS", ["ONLINE"])
    return model


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a C-MOVE or C-GET names; an empty tuple means all that is there.

    Attributes:
        word: The Query/Retrieve Level.
        patient_id: Of PATIENT level, or with the others in the Patient Root model; empty for any.
    """

    word: str
    patient_id: str
    studies: tuple[str, ...]
    series: tuple[str, ...]
    instances: tuple[str, ...]


def wanted(identifier: Small, *, patient_root: bool) -> Wanted:
    """Return what the identifier of a C-MOVE or C-GET names.

    Raises:
        InvalidIdentifier: a unique key of its level is missing, or is none.
    """
    word = word_of(identifier, patient_root=patient_root)
    patient_id = identifier.text(PATIENT_ID)
    found = Wanted(
        word,
        patient_id,
        _uids(identifier, STUDY),
        _uids(identifier, SERIES) if word in ("SERIES", "IMAGE") else (),
        _uids(identifier, INSTANCE) if word == "IMAGE" else (),
    )
    missing = {"PATIENT": not patient_id, "STUDY": not found.studies, "SERIES": not found.series}
    if missing.get(word, not found.instances):
        raise InvalidIdentifier(f"The unique key of level {word} is missing")
    if set(patient_id) & set("*?\\"):
        raise InvalidIdentifier("A Patient ID to be retrieved has no wildcards")
    return found


def _uids(identifier: Small, tag: int) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(one.strip() for one in _SEPARATOR.split(identifier.text(tag)) if one.strip()))
    if len(found) > MOST_UIDS or not all(map(is_uid, found)):
        raise InvalidIdentifier("A unique key is no UID, or there are too many")
    return found
