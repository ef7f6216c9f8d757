"""Searches for what codes mean: value sets and hierarchies become the codes that they stand for.

https://hl7.org/fhir/R4/search.html#modifiers
"""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.records.terminology.known import terminology
from fhir.errors import Deleted, FhirError, NotFound, UnknownTerminology
from fhir.resource import parse
from fhir.search.asked import Criterion
from fhir.search.query import Query
from fhir.search.terms import terms, with_codes
from fhir.search.values import CodesValue, TermValue
from fhir.terminology.references import Name
from fhir.terminology.searched import Codes, codes_around, codes_in, values
from fhir.terminology.value_set import compiled, value_set

if TYPE_CHECKING:
    from app.records.request import Request


async def with_terms(request: "Request", query: Query) -> Query:
    """Return a query whose values are codes, also where it names value sets or what lies above or below a code.

    Args:
        request: On whose behalf: what it may not see is not known.
        query: As it was read.

    Raises:
        UnknownTerminology: something is not known, or does not exist for the caller.
        TooCostly: it stands for too many codes.
    """
    if not query.has_terms:
        return query
    found: dict[tuple[Criterion, TermValue], Sequence[CodesValue]] = {}
    for criterion, value in terms(query):
        if (criterion, value) not in found:
            found[criterion, value] = await _values(request, criterion, value)
    return with_codes(query, found)


async def _values(request: "Request", criterion: Criterion, value: TermValue) -> Sequence[CodesValue]:
    name = f"{criterion.parameter.code}:{criterion.modifier}"
    try:
        if value.value_set:
            codes = await _of_value_set(request, value.value_set, name, whole=criterion.modifier == "not-in")
        else:
            codes = await _of_concept(request, value, criterion.modifier or "", name)
    except FhirError as error:
        error.expression = name
        raise
    types = criterion.parameter.element_types
    with_system = bool(types & {"Coding", "CodeableConcept"})
    return await asyncio.to_thread(values, codes, without_system="code" in types, with_system=with_system)


async def _of_value_set(request: "Request", named: str, name: str, *, whole: bool) -> Codes:
    own = f"{request.hub.settings.fhir_address}/"
    local = named.removeprefix(own)
    if local.startswith("ValueSet/"):
        resource = await _stored(request, local.removeprefix("ValueSet/"))
        known = await terminology(request, (), [resource])
        members = await asyncio.to_thread(compiled, known, resource)
    else:
        known = await terminology(request, [Name("ValueSet", named)])
        if known.known("ValueSet", named) is None and known.implied(named) is None:
            raise UnknownTerminology(f"The value set {named} is not known here", name)
        members = await asyncio.to_thread(value_set, known, named)
    return await asyncio.to_thread(codes_in, members, name, whole=whole)


async def _stored(request: "Request", id_: str) -> dict[str, object]:
    try:
        return parse((await request.record.read("ValueSet", id_)).body)
    except (NotFound, Deleted):
        # A search tells nothing more of it than of one that never was.
        raise UnknownTerminology(f"The value set ValueSet/{id_} is not known here") from None


async def _of_concept(request: "Request", value: TermValue, modifier: str, name: str) -> Codes:
    known = await terminology(request, [Name("CodeSystem", value.system)])
    system = await asyncio.to_thread(known.code_system, value.system)
    if system is None:
        raise UnknownTerminology(f"The code system {value.system} is not known here", name)
    return await asyncio.to_thread(codes_around, system, value.code, modifier, name)
