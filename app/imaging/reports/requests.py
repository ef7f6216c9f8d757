"""The orders of a study: ServiceRequests of the same patient at the same site that have its accession number.

Which of them comes first does not matter: a study looks for its orders when it is described, and `follow` sees to those
that are written, corrected, deleted or labelled later.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from app.imaging.patient import printable
from app.records.own import find_own, read_own
from app.records.row_ids import id_of
from app.records.writing import Writing
from fhir.search.values import escape
from fhir.store.stored import Stored

MOST_NUMBERS = 20
"""Identifiers of an order that are looked for."""

_NUMBERS = frozenset({"ACSN", "PLAC", "FILL"})
_WORDS = ("accession", "order", "placer", "filler")
"""In the systems of such numbers, where an identifier has no type."""

_MISTAKES = frozenset({"entered-in-error"})

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


def is_mistake(order: Json) -> bool:
    """Return whether an order was entered in error: no study is based on it."""
    return order.get("status") in _MISTAKES


async def orders_of(writing: Writing, patient_key: int, accession: str) -> list[Stored]:
    """Return the orders that a site has for one of its studies, the oldest first.

    Args:
        writing: The write transaction.
        patient_key: Of the study.
        accession: Its Accession Number.
    """
    number = printable(accession)
    if not number:
        return []
    found = await find_own(writing, "ServiceRequest", ("identifier", escape(number)))
    own = [one for one in found if one.patient_key == patient_key and _is_order(orjson.loads(one.body), number)]
    return sorted(own, key=lambda one: one.row)


def _is_order(body: Json, number: str) -> bool:
    return not is_mistake(body) and number in numbers_of(body)


def links_of(orders: Iterable[Stored], labels: int) -> list[str]:
    """Return references to orders, as a resource with some labels names them.

    An order with a label that the resource does not have is left out: whoever sees the one must not learn of the other.
    """
    return [f"ServiceRequest/{one.id}" for one in orders if not one.labels & ~labels]


def references(links: Sequence[str]) -> list[Json]:
    """Return links as an element of FHIR has them."""
    return [{"reference": link} for link in links]


async def with_requests(writing: Writing, study: Json, row: int, patient_key: int, accession: str) -> Json:
    """Return an ImagingStudy that says which orders it is based on.

    Args:
        writing: The write transaction.
        study: The hub's own ImagingStudy, made anew.
        row: Of the study and of its ImagingStudy.
        patient_key: Of the study.
        accession: Its Accession Number.
    """
    orders = await orders_of(writing, patient_key, accession)
    current = await read_own(writing, "ImagingStudy", id_of(row)) if orders else None
    found = links_of(orders, current.labels if current else 0)
    return study | {"basedOn": references(found)} if found else study
