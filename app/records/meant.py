"""What the conditions and the conditional references of a transaction mean, asked inside it.

https://hl7.org/fhir/R4/http.html#trules
"""

import re
from collections.abc import Iterable, MutableSequence
from contextlib import suppress

from app.exchange.pixm.feed import check_domain, check_patient
from app.records.conditional import condition, match, own
from app.records.delete import delete_where
from app.records.row_ids import new_id
from app.records.steps import Step, check_distinct, name_entry
from app.records.writing import Writing
from fhir.errors import FhirError, InvalidValue, MultipleMatches, NotFound
from fhir.links import references
from fhir.store.stored import Stored
from fhir.store.types import NUMBERS

_QUERY = re.compile(r"([A-Z][A-Za-z]+)\?(.+)", re.DOTALL)


async def meant(
    writing: Writing, steps: Iterable[Step], conditional: list[Step], done: MutableSequence[Stored | None]
) -> dict[str, Stored]:
    """Settle what each condition means, and return what each conditional reference means.

    Args:
        writing: The transaction.
        steps: All its steps.
        conditional: Those with a condition; they get the id they write, or note what they found.
        done: What each entry wrote or found.

    Raises:
        FhirError: a condition or a reference means several resources, or a reference none.
    """
    for step in conditional:
        try:
            await _settle(writing, step, done)
        except FhirError as error:
            name_entry(error, step.number)
            raise
    if conditional:
        check_distinct([*steps])
    found: dict[str, Stored] = {}
    for step in steps:
        for link in _queries(step):
            if link not in found:
                found[link] = await _referred(writing, link, step.path)
    return found


async def _settle(writing: Writing, step: Step, done: MutableSequence[Stored | None]) -> None:
    query = step.query
    if query is None:
        return
    path = f"Bundle.entry[{step.number}].request.{'ifNoneExist' if step.method == 'POST' else 'url'}"
    if step.where:
        await check_domain(writing, step.type, step.where)
    if step.where and step.type == "Patient" and step.prepared is not None:
        await check_patient(writing, step.prepared.resource, step.where)
    if step.method == "DELETE":
        # What is not there need not be deleted: that fails no transaction.
        with suppress(NotFound):
            done[step.number] = (await delete_where(writing, query, path))[0]
        return
    one = await match(writing.connection, own(writing.request), query, path)
    if one is not None:
        _found(step, one, done)
    elif step.method == "PATCH":
        raise NotFound(f"No {step.type} fulfils the condition", path)
    elif step.method == "PUT":
        stated = step.prepared.resource.get("id") if step.prepared is not None else None
        if stated is not None:
            step.id = stated
        else:
            step.row, step.id = new_id(writing.request.hub)


def _found(step: Step, one: Stored, done: MutableSequence[Stored | None]) -> None:
    stated = step.prepared.resource.get("id") if step.method == "PUT" and step.prepared is not None else None
    if stated not in (None, one.id):
        raise InvalidValue("The condition means a resource of another id", f"{step.path}.id")
    step.found, step.id, step.row = True, one.id, 0
    if step.method == "POST":
        done[step.number] = one


def _queries(step: Step) -> list[str]:
    """Return the references of a step's resource that are queries."""
    if step.prepared is None or b"?" not in step.prepared.body:
        return []
    return [link for link in references(step.prepared.body) if _QUERY.fullmatch(link)]


async def _referred(writing: Writing, link: str, path: str) -> Stored:
    """Return the one resource that a conditional reference means.

    It is looked for in the caller's own custody first: a Patient must be there. Directory entries of others may be
    meant too.
    """
    hit = _QUERY.fullmatch(link)
    if hit is None or hit[1] not in NUMBERS:
        raise InvalidValue(f"Not a conditional reference: {link[:100]}", path)
    query = condition(writing.request, hit[1], hit[2], path)
    one = await match(writing.connection, own(writing.request), query, path)
    if one is None:
        one = await match(writing.connection, writing.request.visibility, query, path)
    if one is None:
        raise MultipleMatches(f"The conditional reference means no resource: {link[:100]}", path)
    return one
