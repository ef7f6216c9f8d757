"""The instances that a WADO-RS request names, as far as its caller may see them; looking at them is recorded here.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_10.4.html
"""

from collections.abc import Iterable
from typing import Protocol, TypeVar

from app.imaging.events import Touched
from app.imaging.one_person import of_one_person
from app.imaging.request import DicomRequest
from dicom.store.read import DigestRow, InstanceRow, ModelRow, read_digests, read_instances, read_models
from fhir.errors import NotFound


class _Copy(Protocol):
    """A row of one custodian's copy of an instance."""

    @property
    def patient_key(self) -> int:
        """The site's Patient."""
        ...

    @property
    def custodian(self) -> int:
        """Who keeps the copy."""
        ...

    @property
    def study_instance_uid(self) -> str:
        """Its study."""
        ...

    @property
    def sop_instance_uid(self) -> str:
        """What it is a copy of."""
        ...


Copy = TypeVar("Copy", bound=_Copy)


async def instances(request: DicomRequest) -> list[InstanceRow]:
    """Return the instances the address names, by series and number; the access is recorded.

    Raises:
        NotFound: there are none for the caller.
        AuditUnavailable: the access cannot be recorded.
    """
    rows = await read_instances(
        request.record.connection, request.visibility, request.study, request.series or None, request.instance or None
    )
    return await _disclosed(request, rows)


async def instances_of_one_person(request: DicomRequest) -> list[InstanceRow]:
    """Return what `instances` does, of one person: the caller's own site's goes before that of others.

    What the request asks afterwards means the same sites.
    """
    named = (request.study, request.series or None, request.instance or None)
    rows = await read_instances(request.record.connection, request.visibility, *named)
    rows = await of_one_person(request.hub.database.reader, rows, request.caller.organisation)
    request.sites = frozenset(row.custodian for row in rows)
    return await _disclosed(request, rows)


async def models(request: DicomRequest) -> list[ModelRow]:
    """Return the DICOM JSON of the same instances; the access is recorded.

    Raises:
        NotFound: there are none for the caller.
        AuditUnavailable: the access cannot be recorded.
    """
    rows = await read_models(
        request.record.connection, request.visibility, request.study, request.series or None, request.instance or None
    )
    return await _disclosed(request, rows)


async def models_of_class(request: DicomRequest, sop_class_uid: str) -> list[ModelRow]:
    """Return the DICOM JSON of the study's instances of one class, if there are any; the access is recorded.

    Raises:
        AuditUnavailable: the access cannot be recorded.
    """
    rows = await read_models(request.record.connection, request.visibility, request.study, sop_class_uid=sop_class_uid)
    meant = _meant(request, rows)
    return await _recorded(request, meant) if meant else []


async def digests(request: DicomRequest) -> list[DigestRow]:
    """Return what names the instances of a series in `models`; the access is recorded.

    Raises:
        NotFound: there are none for the caller.
        AuditUnavailable: the access cannot be recorded.
    """
    rows = await read_digests(request.record.connection, request.visibility, request.study, request.series)
    return await _disclosed(request, rows)


def _meant(request: DicomRequest, rows: list[Copy]) -> list[Copy]:
    return [row for row in rows if row.custodian in request.sites] if request.sites else rows


async def _disclosed(request: DicomRequest, rows: list[Copy]) -> list[Copy]:
    rows = _meant(request, rows)
    if not rows:
        raise NotFound("There is no such study, series or instance")
    return await _recorded(request, rows)


async def _recorded(request: DicomRequest, rows: list[Copy]) -> list[Copy]:
    """Return one copy of each instance, once it is on record that they are looked at."""
    chosen = one_copy(rows, request.caller.organisation)
    touched = {Touched(row.patient_key, row.custodian, row.study_instance_uid) for row in chosen}
    await request.hub.episodes.enter(request, sorted(touched))
    request.recorded = True
    return chosen


def one_copy(rows: Iterable[Copy], organisation: int) -> list[Copy]:
    """Return one row for each instance, of the caller's own copy when there is one.

    The same CD is brought to two hospitals; whoever may see both copies wants to see one.
    """
    chosen: dict[str, Copy] = {}
    for row in rows:
        known = chosen.get(row.sop_instance_uid)
        if known is None or (row.custodian == organisation != known.custodian):
            chosen[row.sop_instance_uid] = row
    return list(chosen.values())
