"""Studies on the timeline with what belongs with them: order, reports, doses and documents under one line.

What is grouped is what the page has read; a report of a study that is on another page stands by itself.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from app.imaging.imaging_study import study_uid
from app.portal.gate import Visit
from app.portal.items import Item
from app.portal.studies.linked import (
    MOST_ORDERS,
    Order,
    accession_of,
    based_on,
    belongs,
    find_orders,
    is_document_of,
    read_orders,
)
from app.portal.studies.shown import shown_quantity
from app.portal.studies.sums import component_sums, totals
from fhir.store.categories import Category, category

KINDS = ("DiagnosticReport", "Observation", "DocumentReference")
"""The types of what is shown under a study."""


@dataclass(slots=True)
class Group:
    """A study with what belongs with it."""

    uid: str
    """StudyInstanceUID, or an empty text."""
    orders: list[Order] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)

    def sums(self, one: Item) -> list[tuple[str, str]]:
        """Return the names and the texts of what a dose report of it adds up."""
        return [(name, shown_quantity(found)) for name, found in totals([component_sums(one.body)]).items()]


async def read_groups(visit: Visit, patient_id: str, items: Sequence[Item], shown: Sequence[Item]) -> dict[int, Group]:
    """Return the studies among what is shown, by their rows, with what belongs with them and exists for the caller.

    Args:
        visit: The request.
        patient_id: The id of one of the person's Patients.
        items: What the page has read.
        shown: What of it passes the filter.
    """
    studies = [one for one in shown if one.type == "ImagingStudy"]
    found = {one.row: Group(study_uid(one.body)) for one in studies}
    await _add_orders(visit, patient_id, studies, found)
    by_place: dict[int, list[Item]] = {}
    for one in studies:
        by_place.setdefault(one.custodian, []).append(one)
    for one in items:
        if one.type in KINDS:
            study = _study_of(one, by_place.get(one.custodian, ()), found)
            if study is not None:
                found[study.row].items.append(one)
    for group in found.values():
        group.items.sort(key=lambda one: (KINDS.index(one.type), one.when))
    return found


def _study_of(one: Item, studies: Sequence[Item], groups: Mapping[int, Group]) -> Item | None:
    """Return the study that a line belongs with, of those of the same site; that all are of one person is known."""
    if one.type == "Observation":
        links = _links(one.body.get("partOf", ()))
        return next((each for each in studies if f"ImagingStudy/{each.id}" in links), None)
    if one.kind == "laboratory" and category(one.body) is Category.LABORATORY:
        return None
    is_its = belongs if one.type == "DiagnosticReport" else is_document_of
    for each in studies:
        named = based_on(each.body) | {f"ServiceRequest/{order.id}" for order in groups[each.row].orders}
        if is_its(one.body, f"ImagingStudy/{each.id}", study_uid(each.body), accession_of(each.body), named):
            return each
    return None


def _links(references: Iterable[Mapping[str, object]]) -> set[str]:
    return {str(one.get("reference", "")).partition("/_history/")[0] for one in references}


def without_members(shown: Sequence[Item], groups: Mapping[int, Group]) -> list[Item]:
    """Return what is shown by itself: neither under a study, nor said by a report that is."""
    under = [one for group in groups.values() for one in group.items]
    members = {one.row for one in under}
    said = {(one.custodian, link) for one in under for link in _links(one.body.get("result", ()))}
    return [one for one in shown if one.row not in members and (one.custodian, f"{one.type}/{one.id}") not in said]


async def _add_orders(visit: Visit, patient_id: str, studies: Sequence[Item], groups: Mapping[int, Group]) -> None:
    """Add the orders of studies, as far as they exist for the caller.

    Those that a study names; of one that names none, those of the person at the same site with its accession number.
    """
    wanted = list(dict.fromkeys(link for one in studies for link in sorted(based_on(one.body))))
    orders = {f"ServiceRequest/{one.id}": one for one in await read_orders(visit, wanted)}
    for study in studies:
        groups[study.row].orders = [orders[link] for link in sorted(based_on(study.body)) if link in orders]
    without = [study for study in studies if not groups[study.row].orders and accession_of(study.body)]
    numbers = list(dict.fromkeys(accession_of(study.body) for study in without))[:MOST_ORDERS]
    for order in await find_orders(visit, patient_id, numbers):
        for study in without:
            if study.custodian == order.custodian and accession_of(study.body) in order.numbers:
                groups[study.row].orders.append(order)
