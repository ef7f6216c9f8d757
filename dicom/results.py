"""The answers of QIDO-RS: found facts in the DICOM JSON Model.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_10.6.3.html#sect_10.6.3.3
"""

from dataclasses import dataclass
from typing import Any

import orjson

from dicom.attributes import ATTRIBUTES, BY_TAG, OTHERS, Attribute, Level, Match
from dicom.indexing import InstanceFacts, SeriesFacts, StudyFacts
from dicom.json_model import Json, rebase
from dicom.matching import Query
from dicom.names import PersonName

_ALWAYS = {
    Level.STUDY: frozenset(a.tag for a in ATTRIBUTES if a.level is Level.STUDY),
    Level.SERIES: frozenset(a.tag for a in ATTRIBUTES if a.level is Level.SERIES) | {0x0020000D},
    Level.INSTANCE: frozenset(a.tag for a in ATTRIBUTES if a.level is Level.INSTANCE)
    | {0x0020000D, 0x0020000E, 0x00080060},
}
"""What every result carries: its level, and where it belongs."""


@dataclass(frozen=True, slots=True)
class Found:
    """One result; the facts of the levels above come with it."""

    patient_key: int
    id: int
    """The row of the level searched."""
    custodian: int
    study: StudyFacts
    series: SeriesFacts | None
    instance: InstanceFacts | None
    modalities_in_study: tuple[str, ...]
    """Of the visible series; for studies only."""
    number_of_series: int
    """Visible; for studies only."""
    number_of_instances: int
    """Visible; for studies and series."""
    model: bytes | None = None
    """The DICOM JSON of a visible instance of it, when something is wanted of that."""
    sop_classes_in_study: tuple[str, ...] = ()
    """Of the visible instances; for studies, when they are wanted."""


def result(query: Query, found: Found, base: str) -> Json:
    """Return one result as a dict ready for a JSON encoder.

    Args:
        query: What was asked; attributes of the levels above come only when asked for.
        found: What was found.
        base: The public root of the DICOMweb service, without a slash at its end.
    """
    tags = _ALWAYS[query.level] | query.include
    model = {
        f"{attribute.tag:08X}": element_of(attribute, getattr(facts, attribute.column))
        for attribute in ATTRIBUTES
        if (facts := _facts(attribute, found)) is not None
        and attribute.match is not Match.MODALITIES
        and (query.include_all or attribute.tag in tags)
    }
    model["00080005"] = {"vr": "CS", "Value": ["ISO_IR 192"]}
    model["00080056"] = {"vr": "CS", "Value": ["ONLINE"]}
    model["00081190"] = {"vr": "UR", "Value": [base + path(found)]}
    if found.model is not None:
        model = _of_the_instance(query, orjson.loads(rebase(found.model, base))) | model
    if query.level is Level.STUDY:
        if found.sop_classes_in_study:
            model["00080062"] = _values("UI", found.sop_classes_in_study)
        model["00080061"] = _values("CS", found.modalities_in_study)
        model["00201206"] = _values("IS", (found.number_of_series,))
        model["00201208"] = _values("IS", (found.number_of_instances,))
    if query.level is Level.SERIES:
        model["00201209"] = _values("IS", (found.number_of_instances,))
    return dict(sorted(model.items()))


def told(query: Query, model: bytes | None) -> bytes | None:
    """Return as much of an instance's DICOM JSON as the results of a search tell of it."""
    return None if model is None else orjson.dumps(_of_the_instance(query, orjson.loads(model)))


def _of_the_instance(query: Query, model: Json) -> Json:
    """Return what is asked for and not indexed; bulk data is not for a search to give."""
    if query.include_all and query.level is Level.INSTANCE:
        named = {tag for tag in model if int(tag, 16) not in BY_TAG}
    else:
        tags = query.include | (OTHERS[query.level] if query.include_all else frozenset())
        named = {f"{tag:08X}" for tag in tags if tag not in BY_TAG}
    told = {tag: element for tag, element in model.items() if tag in named}
    return {tag: one for tag, one in told.items() if "BulkDataURI" not in one and "InlineBinary" not in one}


def path(found: Found) -> str:
    """Return where a result is retrieved, relative to the root of the service."""
    return (
        f"/studies/{found.study.study_instance_uid}"
        + (f"/series/{found.series.series_instance_uid}" if found.series else "")
        + (f"/instances/{found.instance.sop_instance_uid}" if found.instance else "")
    )


def _facts(attribute: Attribute, found: Found) -> Any:
    return {Level.STUDY: found.study, Level.SERIES: found.series, Level.INSTANCE: found.instance}[attribute.level]


def element_of(attribute: Attribute, value: Any) -> Json:
    """Return a fact as an element of the DICOM JSON Model, without a Value when it says nothing."""
    if isinstance(value, PersonName):
        groups = {
            "Alphabetic": value.alphabetic,
            "Ideographic": value.ideographic,
            "Phonetic": value.phonetic,
        }
        value = {group: text for group, text in groups.items() if text}
    return _values(attribute.vr, () if value in ("", None, {}) else (value,))


def _values(vr: str, values: tuple[Any, ...]) -> Json:
    return {"vr": vr, "Value": list(values)} if values else {"vr": vr}
