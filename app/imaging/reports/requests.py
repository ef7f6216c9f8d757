"""The orders of a study: ServiceRequests of the same patient at the same site that have its accession number.

Which of them comes first does not matter: a study looks for its orders when it is described, an order for its studies
when it is written.
"""

from typing import Any

import orjson
from sqlalchemy import BigInteger, Integer, Text, bindparam, select

from app.imaging.hold import hold
from app.imaging.patient import printable
from app.records.own import find_own, read_own
from app.records.prepare import prepare
from app.records.row_ids import id_of
from app.records.writing import Writing
from dicom.store.tables import dicom_study
from fhir.exact import read as read_exactly
from fhir.exact import write as write_exactly
from fhir.search.values import escape
from fhir.store.categories import Category
from fhir.store.stored import Stored

MOST_NUMBERS = 20
"""Identifiers of an order that are looked for."""

_NUMBERS = frozenset({"ACSN", "PLAC", "FILL"})
_WORDS = ("accession", "order", "placer", "filler")
"""In the systems of such numbers, where an identifier has no type."""

_MISTAKES = frozenset({"entered-in-error"})
_STUDIES = select(dicom_study.c.id).where(
    dicom_study.c.patient_key == bindparam("patient", type_=BigInteger),
    dicom_study.c.custodian == bindparam("custodian", type_=Integer),
    dicom_study.c.accession_number == bindparam("number", type_=Text),
)

Json = dict[str, Any]


def numbers_of(request: Any) -> list[str]:
    """Return the numbers of an order that a study may bear: accession, placer and filler number.

    Args:
        request: A ServiceRequest, or another resource with the numbers of its order.
    """
    found = []
    for one in request.get("identifier", ()):
        codes = {each.get("code") for each in one.get("type", {}).get("coding", ())}
        system = str(one.get("system", "")).lower()
        if codes & _NUMBERS or any(word in system for word in _WORDS):
            found.append(str(one.get("value", "")).strip())
    return [one for one in dict.fromkeys(found) if one][:MOST_NUMBERS]


async def requests_of(writing: Writing, study_row: int, patient_key: int, accession: str) -> list[str]:
    """Return references to the orders that a site has for one of its studies, the oldest first.

    An order with a label that the study does not have is left out: whoever sees the study must not learn of it.

    Args:
        writing: The write transaction.
        study_row: Of the study and of its ImagingStudy.
        patient_key: Of the study.
        accession: Its Accession Number.
    """
    number = printable(accession)
    if not number:
        return []
    found = await find_own(writing, "ServiceRequest", ("identifier", escape(number)))
    study = await read_own(writing, "ImagingStudy", id_of(study_row)) if found else None
    hidden = ~(study.labels if study else 0)
    own = [
        one
        for one in found
        if one.patient_key == patient_key and not one.labels & hidden and _is_order(orjson.loads(one.body), number)
    ]
    return [f"ServiceRequest/{one.id}" for one in sorted(own, key=lambda one: one.row)]


def _is_order(body: Json, number: str) -> bool:
    return body.get("status") not in _MISTAKES and number in numbers_of(body)


async def follow_requests(writing: Writing) -> None:
    """Let the ImagingStudies of each order that was written say that they are based on it, or no longer."""
    orders = [one for one in writing.written if one.type == "ServiceRequest"]
    if not orders or not writing.request.authority.may_write(Category.IMAGING):
        return
    found = [(one, studies) for one in orders if (studies := await _studies(writing, one))]
    if not found:
        return
    # Whoever stores images of the site describes its studies, too.
    await hold(writing.connection, writing.request.authority.custodian)
    for one, studies in found:
        for id_, is_based in studies.items():
            await _say(writing, id_, one, is_based=is_based)


async def _studies(writing: Writing, order: Stored) -> dict[str, bool]:
    """Return the ids of the ImagingStudies that an order means, or meant, and whether it still does."""
    link = f"ServiceRequest/{order.id}"
    found: dict[str, bool] = {}
    if order.version > 1:
        found = {one.id: False for one in await find_own(writing, "ImagingStudy", ("basedon", link))}
    body = {} if order.deleted else orjson.loads(order.body)
    if body and body.get("status") not in _MISTAKES:
        for number in numbers_of(body):
            values = {"patient": order.patient_key, "custodian": order.custodian, "number": number}
            found |= {id_of(row): True for (row,) in await writing.connection.fetch(_STUDIES, values)}
    return found


async def _say(writing: Writing, id_: str, order: Stored, *, is_based: bool) -> None:
    link, current = f"ServiceRequest/{order.id}", await read_own(writing, "ImagingStudy", id_)
    if current is None:
        return
    is_based = is_based and not order.labels & ~current.labels
    tree = read_exactly(bytes(current.body))
    others = [one for one in tree.get("basedOn", ()) if one.get("reference") != link]
    based = [*others, {"reference": link}] if is_based else others
    if len(based) == len(tree.get("basedOn", ())):
        return
    tree = {name: value for name, value in tree.items() if name != "basedOn"} | ({"basedOn": based} if based else {})
    await writing.follow(current, prepare(write_exactly(tree), writing.request.authority))


async def with_requests(writing: Writing, study: Json, row: int, patient_key: int, accession: str) -> Json:
    """Return an ImagingStudy that says which orders it is based on; its parameters are those of `requests_of`."""
    found = [{"reference": link} for link in await requests_of(writing, row, patient_key, accession)]
    return study | {"basedOn": found} if found else study
