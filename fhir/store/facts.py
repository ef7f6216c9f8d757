"""The fixed columns of a resource: what a visibility may speak of.

Which patient it belongs to, its kind, its labels and its clinical date are read off the resource once, when it is
written, and never change with its patient.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from fhir.links import references
from fhir.search.extract import Index
from fhir.spec.elements import properties
from fhir.spec.search_parameters import parameters
from fhir.store.categories import Category, category
from fhir.store.labels import labels
from fhir.store.tables import NO_DATE
from fhir.store.types import NAMES

_PATIENT = re.compile(r"(?:.*/)?Patient/([A-Za-z0-9\-.]{1,64})(?:/_history/.*)?")

_CLINICAL_DATES = {
    "AllergyIntolerance": ("date", "onset"),
    "Condition": ("onset-date", "recorded-date"),
    "ImagingStudy": ("started",),
    "MedicationRequest": ("authoredon",),
    "MedicationDispense": ("whenhandedover", "whenprepared"),
    "MedicationAdministration": ("effective-time",),
    "MedicationStatement": ("effective",),
    "ServiceRequest": ("authored",),
    "Bundle": ("timestamp",),
    "Media": ("created",),
    "Specimen": ("collected",),
    "Goal": ("start-date",),
    "Communication": ("sent",),
    "QuestionnaireResponse": ("authored",),
    "Task": ("authored-on",),
}
"""The search parameters whose first value is the clinical date, where it is not that of `date`."""


class Facts(NamedTuple):
    """What the fixed columns of a row say, but for the patient key and the custodian."""

    category: Category
    labels: int
    clinical_date: int
    by_subject: bool


def patients(body: bytes) -> set[str]:
    """Return the ids of the Patients that `body` refers to."""
    return {match[1] for link in references(body) if (match := _PATIENT.fullmatch(link))}


@lru_cache(maxsize=512)
def subject_element(type_name: str) -> str | None:
    """Return the element that the type's `patient` parameter reads: `subject`, `patient`, `beneficiary` and so on.

    None when the type has no such parameter or it reads several elements or a nested one.
    """
    parameter = parameters(type_name).get("patient")
    if parameter is None:
        return None
    match = re.fullmatch(rf"{type_name}\.(\w+)(?:\.where\(resolve\(\) is Patient\))?", parameter.expression)
    return match.group(1) if match else None


@lru_cache(maxsize=512)
def has_one_subject(type_name: str) -> bool:
    """Return whether a resource of the type is about one Patient at most, by its `patient` parameter."""
    element = subject_element(type_name)
    return element is not None and properties(type_name)[element][0].max == 1


def subjects(resource: Mapping[str, Any]) -> set[str]:
    """Return the ids of the Patients that the type's own `patient` parameter reads."""
    element = subject_element(resource["resourceType"])
    found = resource.get(element, ()) if element else ()
    links = [
        one.get("reference", "") for one in (found if isinstance(found, list) else (found,)) if isinstance(one, dict)
    ]
    return {match[1] for link in links if (match := _PATIENT.fullmatch(link))}


@lru_cache(maxsize=512)
def _date_parameters(type_name: str) -> tuple[int, ...]:
    known = parameters(type_name)
    return tuple(known[code].id for code in _CLINICAL_DATES.get(type_name, ("date",)) if code in known)


@lru_cache(maxsize=512)
def clinical_date_parameter(type_name: str) -> int | None:
    """Return the date parameter whose only index row, where there is one, begins at the clinical date.

    None when the clinical date is read off several parameters, or off elements that may repeat.
    """
    if len(_date_parameters(type_name)) != 1:
        return None
    (number,) = _date_parameters(type_name)
    return number if has_one_date(type_name, number) else None


@lru_cache(maxsize=2048)
def has_one_date(type_name: str, number: int) -> bool:
    """Return whether a resource of a type has one index row at most of the date parameter of R4 with this number."""
    found = [one for one in parameters(type_name).values() if one.id == number]
    steps = [path.split(" ")[:-1] for one in found for path in one.paths]
    known = properties(type_name)
    return bool(found) and all(len(path) == 1 and path[0] in known and known[path[0]][0].max == 1 for path in steps)


def date_parameters(types: Iterable[int]) -> tuple[int, ...]:
    """Return the parameters that the clinical dates of resources of the types are read by."""
    return tuple(sorted({number for one in types for number in _date_parameters(NAMES[one])}))


def _clinical_date(type_name: str, dates: Iterable[tuple[int, int, int]]) -> int:
    """Return the first instant of the first date parameter that has a value."""
    rows = list(dates)
    for parameter in _date_parameters(type_name):
        found = [low for number, low, _ in rows if number == parameter]
        if found:
            return min(found)
    return NO_DATE


def facts(resource: Mapping[str, Any], index: Index, *, inherited_labels: int = 0) -> Facts:
    """Return the facts of a resource that has been checked.

    Args:
        resource: The resource.
        index: Its index values.
        inherited_labels: Labels of the document or folder that it was taken from.
    """
    return Facts(
        category(resource),
        labels(resource) | inherited_labels,
        _clinical_date(resource["resourceType"], index.date),
        bool(subjects(resource)),
    )
