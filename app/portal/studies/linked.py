"""What belongs with a study in the record: orders, reports and documents, also where their senders did not say so.

An order or a report of the same person at the same site belongs with a study whose accession number it has; a report
or a document also when it names the study or one of its orders. Nothing is rewritten: this is asked when the page is
made.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.identity.scope import patient_keys
from app.imaging.imaging_study import accession_numbers
from app.imaging.one_person import of_one_person
from app.imaging.reports.requests import numbers_of
from app.portal.gate import Visit
from app.portal.items import Item, item
from app.portal.people import body_of
from app.portal.values import concept
from app.records.query import read_query
from fhir.search.run import search
from fhir.search.values import escape
from fhir.store.stored import Stored

IMAGING_REPORT = "http://loinc.org|18748-4"
MOST_COPIES = 50
MOST_FOUND = 200
MOST_ORDERS = 32

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Order:
    """A ServiceRequest."""

    id: str
    row: int
    custodian: int
    title: str
    status: str
    when: str
    by: str
    reason: str
    numbers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Linked:
    """What belongs with a study."""

    copies: Sequence[Stored]
    """Its ImagingStudies, one for each site that keeps it and shows it to the caller."""
    orders: Sequence[Order]
    reports: Sequence[Item]
    documents: Sequence[Item] = ()


def order_of(stored: Stored) -> Order:
    """Return a stored ServiceRequest as a line."""
    body = body_of(stored)
    requester = body.get("requester", {})
    return Order(
        id=stored.id,
        row=stored.row,
        custodian=stored.custodian,
        title=concept(body.get("code")) or "—",
        status=str(body.get("status", "")),
        when=str(body.get("authoredOn", "")),
        by=str(requester.get("display", "")),
        reason="、".join(filter(None, (concept(one) for one in body.get("reasonCode", ())))),
        numbers=tuple(numbers_of(body)),
    )


def studies_named(body: Json) -> set[str]:
    """Return what a report says its study is: references, and UIDs as `urn:oid:1.2.3`."""
    found = set()
    for one in body.get("imagingStudy", ()):
        found.add(str(one.get("reference", "")).partition("/_history/")[0])
        found.add(str(one.get("identifier", {}).get("value", "")))
    return found - {""}


def based_on(body: Json) -> set[str]:
    """Return the orders that a resource says it is based on."""
    return {str(one.get("reference", "")).partition("/_history/")[0] for one in body.get("basedOn", ())} - {""}


def accession_of(body: Json) -> str:
    """Return the accession number of an ImagingStudy, or an empty text."""
    return next(iter(accession_numbers(body)), "")


async def _found(visit: Visit, type_name: str, *pairs: tuple[str, str], limit: int = MOST_FOUND) -> Sequence[Stored]:
    record = visit.fhir.record
    query = read_query(visit.hub, type_name, pairs)
    return (await search(record.connection, record.visibility, query, patient_keys, limit=limit)).matches


async def read_orders(visit: Visit, links: Iterable[str]) -> list[Order]:
    """Return the ServiceRequests of some references that exist for the caller; they count as disclosed."""
    named = [("ServiceRequest", link.partition("/")[2]) for link in links if link.startswith("ServiceRequest/")]
    found = await visit.fhir.record.named(named)
    visit.fhir.record.disclosed += found
    return [order_of(one) for one in found]


async def find_orders(visit: Visit, patient_id: str, numbers: Sequence[str]) -> list[Order]:
    """Return the ServiceRequests of a person that have one of some numbers; they count as disclosed."""
    if not numbers:
        return []
    named = ",".join(escape(one) for one in numbers)
    asked = await _found(visit, "ServiceRequest", ("patient", patient_id), ("identifier", named))
    found = [one for one in asked if not set(numbers).isdisjoint(numbers_of(body_of(one)))]
    found = [one for one in found if body_of(one).get("status") != "entered-in-error"]
    visit.fhir.record.disclosed += found
    return [order_of(one) for one in found]


async def read_linked(visit: Visit, uid: str, told: Iterable[str], sites: frozenset[int] = frozenset()) -> Linked:
    """Return what belongs with a study of one person and exists for the caller.

    Args:
        visit: The request.
        uid: StudyInstanceUID.
        told: Ids of the reports that the hub made of the study's own instances: they are shown as these.
        sites: Who keeps images of it that are this person's; when nobody does, its ImagingStudies say whose it is.
    """
    found = await _found(
        visit, "ImagingStudy", ("identifier", f"urn:dicom:uid|urn:oid:{escape(uid)}"), limit=MOST_COPIES
    )
    copies = [one for one in found if one.custodian in sites]
    if not sites:
        copies = await of_one_person(visit.hub.database.reader, found, visit.caller.organisation)
    orders: dict[int, Stored] = {}
    reports: dict[int, Stored] = {}
    documents: dict[int, Stored] = {}
    for copy in copies:
        for one in await _orders(visit, copy):
            orders[one.row] = one
        links = [f"ServiceRequest/{each.id}" for each in orders.values()]
        reports |= {one.row: one for one in await _reports(visit, copy, uid, links)}
        documents |= {one.row: one for one in await _documents(visit, copy, uid, links)}
    known = set(told)
    others = [{row: one for row, one in some.items() if one.id not in known} for some in (reports, documents)]
    visit.fhir.record.disclosed += [*copies, *orders.values(), *others[0].values(), *others[1].values()]
    return Linked(
        copies=copies,
        orders=sorted((order_of(one) for one in orders.values()), key=lambda one: one.row),
        reports=_lines(others[0].values()),
        documents=_lines(others[1].values()),
    )


def _lines(found: Iterable[Stored]) -> list[Item]:
    shown = [made for one in found if (made := item(one)) is not None]
    return sorted(shown, key=lambda one: one.when)


async def _orders(visit: Visit, copy: Stored) -> list[Stored]:
    body = body_of(copy)
    named = [("ServiceRequest", link.partition("/")[2]) for link in based_on(body) if "ServiceRequest/" in link]
    found = await visit.fhir.record.named(named[:MOST_ORDERS])
    number = accession_of(body)
    if number:
        patient = await visit.hub.patient_id(copy.patient_key)
        asked = await _found(visit, "ServiceRequest", ("patient", patient), ("identifier", escape(number)))
        found += [one for one in asked if _same_site(one, copy) and number in numbers_of(body_of(one))]
    return [one for one in found if body_of(one).get("status") != "entered-in-error"]


async def _reports(visit: Visit, copy: Stored, uid: str, orders: Sequence[str]) -> list[Stored]:
    link, number = f"ImagingStudy/{copy.id}", accession_of(body_of(copy))
    patient = await visit.hub.patient_id(copy.patient_key)
    # Nothing finds reports by the study that they name: those of imaging are looked through.
    asked = list(await _found(visit, "DiagnosticReport", ("patient", patient), ("category", "RAD")))
    if number:
        asked += await _found(visit, "DiagnosticReport", ("patient", patient), ("identifier", escape(number)))
    if orders:
        asked += await _found(visit, "DiagnosticReport", ("patient", patient), ("based-on", ",".join(orders)))
    return [one for one in asked if _same_site(one, copy) and belongs(body_of(one), link, uid, number, orders)]


async def _documents(visit: Visit, copy: Stored, uid: str, orders: Sequence[str]) -> list[Stored]:
    link, number = f"ImagingStudy/{copy.id}", accession_of(body_of(copy))
    patient = await visit.hub.patient_id(copy.patient_key)
    # By what they are related to; where that is an identifier nothing finds them: those of imaging are looked through.
    related = ",".join([link, *orders])
    asked = list(await _found(visit, "DocumentReference", ("patient", patient), ("related", related)))
    for name, value in (("category", "RAD"), ("type", IMAGING_REPORT)):
        asked += await _found(visit, "DocumentReference", ("patient", patient), (name, value))
    return [one for one in asked if _same_site(one, copy) and is_document_of(body_of(one), link, uid, number, orders)]


def is_document_of(document: Json, link: str, uid: str, number: str, orders: Iterable[str]) -> bool:
    """Return whether a document is one of a study; the parameters are those of `belongs`."""
    related = document.get("context", {}).get("related", ())
    links = {str(one.get("reference", "")).partition("/_history/")[0] for one in related}
    named = [one["identifier"] for one in related if "identifier" in one]
    if links & {link, *orders} or f"urn:oid:{uid}" in {str(one.get("value", "")) for one in named}:
        return True
    return bool(number) and number in numbers_of({"identifier": named})


def belongs(report: Json, link: str, uid: str, number: str, orders: Iterable[str]) -> bool:
    """Return whether a report is one of a study.

    Args:
        report: A DiagnosticReport of the same patient at the same site.
        link: Reference to the ImagingStudy.
        uid: StudyInstanceUID.
        number: Its accession number, or an empty text.
        orders: References to the study's orders.
    """
    named = studies_named(report)
    if named:
        return link in named or f"urn:oid:{uid}" in named
    meant = {str(one.get("identifier", {}).get("value", "")) for one in report.get("basedOn", ())}
    return bool(number and number in {*numbers_of(report), *meant}) or not based_on(report).isdisjoint(orders)


def _same_site(one: Stored, copy: Stored) -> bool:
    """Return whether a site has both; that they are of one person is known, though not of one number perhaps."""
    return one.custodian == copy.custodian
