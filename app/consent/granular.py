"""The query of a scope as a condition in SQL, on the index rows that a search for the same would look at.

Only what says something of the resource itself, and is there in its index rows: no chains, nothing that is fulfilled
by an absent value (`:not`, `:missing`), nothing that needs a terminology. A scope beyond that is not granted.
https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html#scopes-for-requesting-fhir-resources
"""

import datetime as dt
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, FromClause

from app.access.scopes import InvalidScope, ResourceScope
from app.consent.visibility import EVERYTHING_VISIBLE
from fhir.errors import FhirError
from fhir.search import date
from fhir.search.asked import Criterion
from fhir.search.condition import test
from fhir.search.criterion import FULL_TEXT, Region, parse
from fhir.search.in_force import R4
from fhir.search.moment import View
from fhir.search.shapes import AnyShape, planned
from fhir.search.tree import all_of
from fhir.search.values import DateValue
from fhir.store.types import NUMBERS

_KINDS = frozenset({"token", "string", "reference", "uri", "date", "number", "quantity"})
MOST_VALUES = 50
"""Alternatives of one condition."""

Conditions = tuple[tuple[AnyShape, ...], tuple[tuple[str, Any], ...]]
"""Shapes, and the values of their binds."""

_zone: dt.timezone = date.JST


def _asked(type_name: str, name: str, text: str) -> Criterion:
    """Return the criterion of one condition.

    Raises:
        FhirError: it is no search for the type.
        InvalidScope: the hub cannot enforce it.
    """
    found = parse(type_name, name, text, Region("", _zone, False, R4))
    if not isinstance(found, Criterion) or found.modifier is not None or found.parameter.type not in _KINDS:
        raise InvalidScope(f"{name} is no condition of a scope that the hub can enforce")
    today = any(isinstance(value, DateValue) and value.prefix == "ap" for value in found.values)
    if name in FULL_TEXT or today or len(found.values) > MOST_VALUES:
        raise InvalidScope(f"{name} is no condition of a scope that the hub can enforce")
    return found


@lru_cache(maxsize=1024)
def compiled(scope: ResourceScope, label: str = "v") -> Conditions:
    """Return what a scope's query asks; the names of its binds begin with `label`.

    Raises:
        InvalidScope: the hub cannot enforce it.
    """
    if scope.type == "*":
        raise InvalidScope(f"{scope}: conditions are for one type")
    shapes: list[AnyShape] = []
    binds: dict[str, Any] = {}
    for number, (name, text) in enumerate(scope.query):
        try:
            shape, bound = planned(_asked(scope.type, name, text), scope.type, f"{label}x{number}")
        except FhirError as error:
            raise InvalidScope(f"{scope}: {error.diagnostics}") from error
        shapes.append(shape)
        binds |= bound
    return tuple(shapes), tuple(binds.items())


def holds(alias: FromClause, type_name: str, shapes: tuple[AnyShape, ...], label: str) -> ColumnElement[bool]:
    """Return whether a row of `resource` fulfils what a scope's query asks."""
    view = View(EVERYTHING_VISIBLE)
    number = NUMBERS[type_name]
    return all_of([test(alias, shape, f"{label}x{n}", number, view) for n, shape in enumerate(shapes)])
