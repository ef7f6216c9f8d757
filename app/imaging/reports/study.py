"""What a study holds, as far as its caller may see it: series, images by number, and what each other instance says.

That the study is looked at is recorded as DICOMweb does, before anything of it is returned.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from app.imaging.found import instances, instances_of_one_person, one_copy
from app.imaging.pixels import stored_bytes
from app.imaging.rejected import rejected
from app.imaging.request import DicomRequest
from app.records.request import FhirRequest, replayed
from dicom.attributes import Level
from dicom.bulk_data import NoBulkData, value_at
from dicom.failures import InvalidInstance
from dicom.indexing import SeriesFacts, StudyFacts
from dicom.matching import parse_query
from dicom.reports.kinds import Kind, kind_of
from dicom.store.read import InstanceRow, read_models
from dicom.store.search import search
from fhir.errors import NotFound

MOST_SERIES = 1_000
MOST_OBJECTS = 200
"""Instances that are no images of which a study's page says what they say; the others are counted."""

MOST_BYTES = 128 * 1024 * 1024
"""Of an instance whose file is shown by the portal; a larger one is had by DICOMweb."""


@dataclass(frozen=True, slots=True)
class Object:
    """An instance that is no image."""

    kind: Kind
    row: InstanceRow
    model: dict[str, Any]
    """Its DICOM JSON."""


@dataclass(frozen=True, slots=True)
class Series:
    """A series of a study."""

    facts: SeriesFacts
    instances: int
    kind: Kind
    """Of its first instance."""


@dataclass(frozen=True, slots=True)
class Study:
    """A study as its caller sees it."""

    facts: StudyFacts
    patient_key: int
    custodian: int
    series: Sequence[Series]
    images: int
    objects: Sequence[Object]
    unread: int
    """Instances that are no images, beyond those in `objects`."""
    rows: dict[str, InstanceRow]
    """Every instance, by its UID."""
    rejected: Mapping[str, str] = field(default_factory=dict)
    """Instances that are not to be used, with the code of why."""
    sites: frozenset[int] = frozenset()
    """Who keeps it of this person."""

    def of(self, *kinds: Kind) -> list[Object]:
        """Return what is of some kinds, in its order."""
        return [one for one in self.objects if one.kind in kinds]


def dicom_request(request: FhirRequest, study: str, sites: Iterable[int] = ()) -> DicomRequest:
    """Return the same request as one that reads a study at the DICOMweb door: of some custodians, or of all."""
    made = DicomRequest(request.hub, request.scope, replayed(b""), request.caller)
    made.study, made.interaction, made.sites = study, "wado", frozenset(sites)
    return made


async def read_study(request: DicomRequest) -> Study:
    """Return the study that a request names, of one person: the caller's own site's goes before that of others.

    Raises:
        NotFound: it does not exist for the caller.
        AuditUnavailable: the access cannot be recorded.
    """
    rows = await instances_of_one_person(request)
    kinds = [kind_of(row.sop_class_uid) for row in rows]
    others = [(row, kind) for row, kind in zip(rows, kinds, strict=True) if kind is not Kind.IMAGE]
    objects = [Object(kind, row, await _model(request, row)) for row, kind in others[:MOST_OBJECTS]]
    query = parse_query(Level.SERIES, [("StudyInstanceUID", request.study)], max_limit=MOST_SERIES)
    found = await search(request.record.connection, request.visibility, query)
    found = [one for one in found if one.custodian in request.sites]
    if not found:
        raise NotFound("There is no such study")
    counted = Counter(row.series_instance_uid for row in rows)
    first = {row.series_instance_uid: kind for row, kind in reversed(list(zip(rows, kinds, strict=True)))}
    facts = {one.series.series_instance_uid: one.series for one in reversed(found) if one.series is not None}
    copy = next((one for one in found if one.custodian == rows[0].custodian), found[0])
    return Study(
        facts=copy.study,
        patient_key=rows[0].patient_key,
        custodian=rows[0].custodian,
        series=[Series(facts[uid], counted[uid], first[uid]) for uid in _in_order(facts) if uid in counted],
        images=len(rows) - len(others),
        objects=objects,
        unread=len(others) - len(objects),
        rows={row.sop_instance_uid: row for row in rows},
        rejected=await rejected(request, rows),
        sites=request.sites,
    )


def _in_order(facts: dict[str, SeriesFacts]) -> list[str]:
    """Return the UIDs of series by their numbers; those without one come last."""
    numbered = [(one.series_number is None, one.series_number or 0, uid) for uid, one in facts.items()]
    return [uid for _, _, uid in sorted(numbered)]


async def _model(request: DicomRequest, row: InstanceRow) -> dict[str, Any]:
    found = await read_models(
        request.record.connection, request.visibility, request.study, row.series_instance_uid, row.sop_instance_uid
    )
    own = [one for one in found if one.custodian == row.custodian] or one_copy(found, request.caller.organisation)
    model: dict[str, Any] = orjson.loads(own[0].model) if own else {}
    return model


async def read_object(request: DicomRequest) -> Object:
    """Return the one instance that a request names by study and instance.

    Raises:
        NotFound: it does not exist for the caller.
        AuditUnavailable: the access cannot be recorded.
    """
    (row, *_) = await instances(request)
    return Object(kind_of(row.sop_class_uid), row, await _model(request, row))


async def octets_of(request: DicomRequest, one: Object, path: str) -> bytes:
    """Return a value of an instance as it came.

    Args:
        request: Whose hub is asked.
        one: The instance.
        path: Of the value, as bulk data is named.

    Raises:
        NotFound: it has none, or is larger than is read.
    """
    if one.row.size > MOST_BYTES:
        raise NotFound("The instance is too large to be shown")
    data = await stored_bytes(request.hub, one.row)
    try:
        return await asyncio.to_thread(value_at, data, path)
    except (NoBulkData, InvalidInstance) as error:
        raise NotFound("There is no such value in the instance") from error
