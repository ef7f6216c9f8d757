"""Studies and what their instances say follow their orders: one that comes late, changes, is deleted or gets a label.

What a study is based on is found out anew from what is there, whatever has happened: so it is the same in the end, in
whichever order things come. Only what the hub itself has made is changed.
"""

from collections.abc import Iterable

import orjson
from sqlalchemy import BigInteger, Integer, Text, bindparam, literal, or_, select

from app.imaging.hold import hold
from app.imaging.imaging_study import study_uid
from app.imaging.reports.requests import Json, is_mistake, links_of, numbers_of, orders_of, references
from app.records.own import custody, read_own
from app.records.prepare import prepare
from app.records.row_ids import id_of
from app.records.writing import Writing
from dicom.reports.kinds import STORAGE, Kind, kind_of
from dicom.store.tables import dicom_instance, dicom_study
from fhir.exact import read as read_exactly
from fhir.exact import write as write_exactly
from fhir.search.hashing import hash64
from fhir.spec.search_parameters import parameters
from fhir.store.categories import Category
from fhir.store.read import vread
from fhir.store.stored import Stored
from fhir.store.tables import index_reference

TYPE_OF = {
    Kind.REPORT: "DiagnosticReport",
    Kind.DOSE: "Observation",
    Kind.DOCUMENT: "DocumentReference",
    Kind.KEY_IMAGES: "DocumentReference",
}
"""The kinds of instances of which a resource is made, and its type."""

_PATIENT = bindparam("patient", type_=BigInteger)
_CUSTODIAN = bindparam("custodian", type_=Integer)
_STUDIES = select(dicom_study.c.patient_key, dicom_study.c.id).where(
    dicom_study.c.patient_key == _PATIENT, dicom_study.c.custodian == _CUSTODIAN
)
_BY_NUMBER = _STUDIES.where(dicom_study.c.accession_number == bindparam("number", type_=Text))
_BY_UID = _STUDIES.where(dicom_study.c.study_instance_uid == bindparam("uid", type_=Text))
_BY_ROW = _STUDIES.where(dicom_study.c.id == bindparam("row", type_=BigInteger))
_LINK = index_reference.c.target_hash == bindparam("hash", type_=BigInteger)
_BASED = (
    select(dicom_study.c.patient_key, dicom_study.c.id)
    .join(
        index_reference,
        (index_reference.c.patient_key == dicom_study.c.patient_key) & (index_reference.c.row == dicom_study.c.id),
    )
    .where(
        index_reference.c.parameter == parameters("ImagingStudy")["basedon"].id,
        _LINK,
        dicom_study.c.custodian == _CUSTODIAN,
    )
)
_TOLD = (
    select(dicom_instance.c.patient_key, dicom_instance.c.study)
    .join(
        index_reference,
        (index_reference.c.patient_key == dicom_instance.c.patient_key)
        & (index_reference.c.row == dicom_instance.c.id),
    )
    .where(
        index_reference.c.parameter.in_(
            [
                literal(parameters("DiagnosticReport")["based-on"].id),
                literal(parameters("Observation")["based-on"].id),
                literal(parameters("DocumentReference")["related"].id),
            ]
        ),
        _LINK,
        dicom_instance.c.custodian == _CUSTODIAN,
    )
)
_ACCESSION = select(dicom_study.c.accession_number).where(
    dicom_study.c.patient_key == _PATIENT, dicom_study.c.id == bindparam("row", type_=BigInteger)
)
TELLING = or_(
    dicom_instance.c.sop_class_uid.startswith(f"{STORAGE}88."),
    dicom_instance.c.sop_class_uid.startswith(f"{STORAGE}104."),
)
"""The condition under which a row of dicom_instance may be one of `TYPE_OF`; `kind_of` says whether it is."""

_TELLING = (
    select(dicom_instance.c.id, dicom_instance.c.sop_class_uid)
    .where(
        dicom_instance.c.patient_key == _PATIENT, dicom_instance.c.study == bindparam("row", type_=BigInteger), TELLING
    )
    .order_by(dicom_instance.c.id)
)

Place = tuple[int, int]
"""Patient key and row of a study."""


async def accession_of(writing: Writing, patient_key: int, row: int) -> str:
    """Return the Accession Number of a study, by its row; empty when it has none."""
    rows = await writing.connection.fetch(_ACCESSION, {"patient": patient_key, "row": row})
    return str(rows[0][0]) if rows else ""


async def hold_studies(writing: Writing) -> None:
    """Let nobody store images of the site when one of its orders or ImagingStudies was gathered.

    Who looks for studies before the lock sees none of those that are just being stored, while these do not see the
    order, or the ImagingStudy, whose labels hide them. What is gathered is written after that, so that nobody waits in
    a circle.
    """
    if writing.request.authority.may_write(Category.IMAGING) and any(map(_meets_studies, writing.written)):
        await hold(writing.connection, writing.request.authority.custodian)


def _meets_studies(one: Stored) -> bool:
    if one.type == "ServiceRequest":
        return _concerns_studies(one, _body(one))
    return one.type == "ImagingStudy" and not one.deleted


def _body(one: Stored) -> Json:
    """Return what a resource says; of one that is deleted nothing."""
    body: Json = orjson.loads(one.body) if one.body else {}
    return body


def _concerns_studies(order: Stored, body: Json) -> bool:
    """Return whether a study may be based on an order, or may have been."""
    return order.version > 1 or bool(numbers_of(body))


async def follow_orders(writing: Writing, labelled: Iterable[Stored]) -> None:
    """Write the versions of ImagingStudies and of what their instances say that the transaction makes necessary.

    Args:
        writing: The transaction, whose versions are written.
        labelled: What was given labels beside these, with all that it has now.
    """
    if not writing.request.authority.may_write(Category.IMAGING):
        return
    places: dict[Place, None] = {}
    for one in writing.written:
        if one.type == "ServiceRequest":
            body = _body(one)
            if _concerns_studies(one, body):
                places |= dict.fromkeys(await _of_order(writing, one, body))
        elif one.type == "ImagingStudy" and (one.labels or await _is_based_otherwise(writing, one)):
            places |= dict.fromkeys(await _of_study(writing, one))
    for one in labelled:
        if one.type == "ServiceRequest":
            places |= dict.fromkeys(await _of_order(writing, one, _body(one)))
        elif one.type == "ImagingStudy":
            places |= dict.fromkeys(await _of_study(writing, one))
    if not places:
        return
    await hold(writing.connection, writing.request.authority.custodian)
    for patient_key, row in sorted(places):
        await follow_study(writing, patient_key, row)
    await writing.write_gathered()


async def _of_order(writing: Writing, order: Stored, body: Json) -> list[Place]:
    """Return the studies that an order, with what it says, means; and those that something says are based on it."""
    fetch, own = writing.connection.fetch, {"custodian": order.custodian}
    found: list[Place] = []
    for number in [] if is_mistake(body) else numbers_of(body):
        rows = await fetch(_BY_NUMBER, own | {"patient": order.patient_key, "number": number})
        found += [(row[0], row[1]) for row in rows]
    for statement in (_BASED, _TOLD):
        rows = await fetch(statement, own | {"hash": hash64(f"ServiceRequest/{order.id}")})
        found += [(row[0], row[1]) for row in rows]
    return found


async def _is_based_otherwise(writing: Writing, study: Stored) -> bool:
    """Return whether an ImagingStudy says of its orders something else than it did."""
    if study.deleted or study.version == 1:
        return False
    seen = custody(writing)
    before = await vread(writing.connection, seen, study.type, study.id, study.version - 1)
    said = _body(before) if before is not None else {}
    return bool(said.get("basedOn") != _body(study).get("basedOn"))


async def _of_study(writing: Writing, study: Stored) -> list[Place]:
    """Return the study of an ImagingStudy, the hub's or the site's own, of which the hub has instances."""
    own = {"patient": study.patient_key, "custodian": study.custodian}
    rows = list(await writing.connection.fetch(_BY_ROW, own | {"row": study.row}))
    uid = study_uid(_body(study))
    if uid:
        rows += await writing.connection.fetch(_BY_UID, own | {"uid": uid})
    return [(row[0], row[1]) for row in rows]


async def follow_study(writing: Writing, patient_key: int, row: int) -> None:
    """Gather what a study and what its instances say are based on now, where that is not what they say.

    Args:
        writing: The write transaction, in which images of the site are held.
        patient_key: Of the study.
        row: Of the study, and of its ImagingStudy.
    """
    orders = await orders_of(writing, patient_key, await accession_of(writing, patient_key, row))
    described = await read_own(writing, "ImagingStudy", id_of(row))
    if described is not None:
        await _say(writing, described, orders)
    await follow_told(writing, patient_key, row, orders)


async def follow_told(writing: Writing, patient_key: int, row: int, orders: list[Stored]) -> None:
    """Gather what the resources that are made of a study's instances are based on now, where they do not say so."""
    for instance, sop_class in await writing.connection.fetch(_TELLING, {"patient": patient_key, "row": row}):
        type_name = TYPE_OF.get(kind_of(sop_class))
        made = await read_own(writing, type_name, id_of(instance)) if type_name else None
        if made is not None:
            await _say(writing, made, orders)


async def _say(writing: Writing, current: Stored, orders: list[Stored]) -> None:
    tree = read_exactly(bytes(current.body))
    links = links_of(orders, current.labels)
    changed = _related(tree, links) if current.type == "DocumentReference" else _based_on(tree, links)
    if changed is not None:
        await writing.follow(current, prepare(write_exactly(changed), writing.request.authority))


def _based_on(tree: Json, links: list[str]) -> Json | None:
    """Return a resource based on some orders and no others; None when it says so already."""
    if [one.get("reference") for one in tree.get("basedOn", ())] == links:
        return None
    others = {name: value for name, value in tree.items() if name != "basedOn"}
    return others | ({"basedOn": references(links)} if links else {})


def _related(tree: Json, links: list[str]) -> Json | None:
    """Return a DocumentReference related to some orders and no others; None when it says so already."""
    context = dict(tree.get("context", {}))
    related = list(context.pop("related", ()))
    orders = [one for one in related if str(one.get("reference", "")).startswith("ServiceRequest/")]
    if [one["reference"] for one in orders] == links:
        return None
    related = [one for one in related if one not in orders] + references(links)
    context |= {"related": related} if related else {}
    others = {name: value for name, value in tree.items() if name != "context"}
    return others | ({"context": context} if context else {})
