"""`_summary` and `_elements`: which part of each resource an answer holds.

https://hl7.org/fhir/R4/http.html#parameters
"""

from typing import Any

from app.records.request import FhirRequest
from fhir.errors import InvalidValue
from fhir.search import control
from fhir.store.stored import Stored
from fhir.subset import Subset, chosen, part

NAMES = frozenset({"_summary", "_elements"})
"""The parameters that are read here."""


def wanted(request: FhirRequest) -> Subset | None:
    """Return which part a read or a history asks for; None for the whole.

    Raises:
        InvalidValue: a value is not of its parameter's form, or the type has no such element.
    """
    if not request.query_string:
        return None
    fields: dict[str, Any] = {}
    for name, text in request.pairs:
        if name in NAMES:
            control.read(fields, name, text)
    summary = fields.get("summary")
    if summary == "count":
        raise InvalidValue("_summary=count is for searches", "_summary")
    return chosen(summary, fields.get("elements", ()), (request.type,))


def part_of(found: Stored, subset: Subset | None, *, asked: bool = True) -> bytes:
    """Return the JSON of a version, or of the part of it that is wanted.

    Args:
        found: The version.
        subset: The part that is wanted; None for the whole.
        asked: Whether it is what was asked for, rather than included with it.
    """
    return found.body if subset is None else part(found.body, subset, asked=asked)
