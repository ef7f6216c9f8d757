"""Reports, doses, documents and key images among new instances, filed as FHIR in the transaction that stores them.

The resource of an instance has the instance's row number, as the ImagingStudy has that of its study. What it says is
extracted from the study (a Provenance says so), whose labels it carries from the beginning, and those that come later.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from typing import NamedTuple

import orjson

from app.clock import instant
from app.imaging.imaging_study import DICOM_UID
from app.imaging.reports.codes import Json
from app.imaging.reports.follow import TYPE_OF, accession_of
from app.imaging.reports.requests import links_of, orders_of
from app.imaging.reports.resources import Place, resource
from app.records.own import custody, find_own, read_own, take_back, token
from app.records.prepare import prepare
from app.records.row_ids import id_of
from app.records.writing import Writing
from dicom.indexing import Facts
from dicom.reports.kinds import kind_of
from dicom.store.write import Extracted
from fhir.documents.provenance import POLICY, provenance
from fhir.errors import FhirError
from fhir.store.read import read
from fhir.store.stored import Stored

logger = logging.getLogger(__name__)

THREAD_BYTES = 200_000
"""From so many bytes of DICOM JSON on, what it says is read in a thread, so that other requests go on."""


class Told(NamedTuple):
    """A new instance that is no image."""

    row: int
    """In dicom_instance."""
    facts: Facts
    model: bytes
    """Its DICOM JSON."""


def tells(sop_class_uid: str) -> bool:
    """Return whether a resource is made of the instances of a SOP Class."""
    return kind_of(sop_class_uid) in TYPE_OF


def told(row: int, extracted: Extracted) -> Told | None:
    """Return a new instance if a resource is made of it."""
    facts = extracted.facts
    if not tells(facts.instance.sop_class_uid):
        return None
    return Told(row, facts, extracted.columns["model"])


async def file_reports(
    writing: Writing, study_row: int, subject: str, patient_key: int, new: Sequence[Told], *, remake: bool = True
) -> None:
    """Gather the resources of new instances of one study, whose ImagingStudy is gathered already.

    Args:
        writing: The write transaction.
        study_row: Of the study and of its ImagingStudy.
        subject: Reference to its Patient.
        patient_key: Of the same.
        new: The instances.
        remake: Whether a resource that is there is brought to what its instance says; one that was deleted stays so.
    """
    if not new:
        return
    facts = new[0].facts.study
    study = await _study(writing, study_row, facts.study_instance_uid)
    # By the number that the study has: the instances of a study may name several.
    orders = await orders_of(writing, patient_key, await accession_of(writing, patient_key, study_row))
    requests = links_of(orders, study.labels if study else 0)
    link = f"ImagingStudy/{study.id if study else id_of(study_row)}"
    place = Place(subject, link, requests, writing.request.hub.settings.dicomweb_address)
    for one in new:
        try:
            await _file(writing, one, place, study, remake=remake)
        except (FhirError, ValueError, TypeError, KeyError):
            # The instance is stored, and shown by itself; it says nothing that FHIR could hold.
            logger.exception("Nothing is told by FHIR of the instance %s", one.facts.instance.sop_instance_uid)


async def _study(writing: Writing, row: int, uid: str) -> Stored | None:
    """Return the ImagingStudy of a study: the hub's own, or one that its site has written."""
    id_ = id_of(row)
    gathered = (one for one in reversed(writing.written) if one.type == "ImagingStudy" and one.id == id_)
    found = next(gathered, None) or await read_own(writing, "ImagingStudy", id_)
    if found is not None:
        return found
    of_site = await find_own(writing, "ImagingStudy", ("identifier", token(DICOM_UID, f"urn:oid:{uid}")))
    return next(iter(of_site), None)


async def _file(writing: Writing, one: Told, place: Place, study: Stored | None, *, remake: bool) -> None:
    made = await asyncio.to_thread(_said, one, place) if len(one.model) > THREAD_BYTES else _said(one, place)
    if made is None:
        return
    labels = study.labels if study else 0
    security = tuple(orjson.loads(study.body).get("meta", {}).get("security", ())) if study and labels else ()
    prepared = prepare(orjson.dumps(made), writing.request.authority)
    id_ = id_of(one.row)
    current = await read(writing.connection, custody(writing), prepared.type, id_)
    if current is not None:
        # It was known as a reference before its bytes came, or its site has deleted it while the instance stays.
        if remake and not current.deleted:
            await writing.follow(current, prepared)
        return
    await writing.create(prepared, row=one.row, id_=id_, inherited_labels=labels, security=security)
    origin = provenance(
        [f"{prepared.type}/{id_}"],
        place.study,
        recorded=instant(writing.request.now),
        organization=writing.request.caller.organisation_reference,
        version=version("renkei"),
    )
    await writing.create(prepare(orjson.dumps(origin), writing.request.authority))


def _said(one: Told, place: Place) -> Json | None:
    return resource(one.facts, orjson.loads(one.model), place)


async def withdraw_reports(writing: Writing, rows: Iterable[int]) -> None:
    """Gather the deletion of what was told of instances that are deleted.

    Args:
        writing: The write transaction.
        rows: Of the instances in dicom_instance; of those that are images nothing was told.

    What its site has written of a report itself, as a Provenance of its own, stays.
    """
    for row in rows:
        for type_name in dict.fromkeys(TYPE_OF.values()):
            current = await read_own(writing, type_name, id_of(row))
            if current is not None:
                await take_back(writing, [current], POLICY)
