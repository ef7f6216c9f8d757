"""What a site keeps itself, for writes that go on from it whatever the token opens: documents that are replaced."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from app.consent.visibility import EVERYTHING_VISIBLE
from app.identity.scope import patient_keys
from app.records.conditional import Custody, matches
from app.records.prepare import prepare
from app.records.query import read_query
from app.records.request import Request
from app.records.writing import Writing
from fhir.patch.exact import Patch
from fhir.resource import parse
from fhir.search.run import search
from fhir.search.values import escape
from fhir.store.read import read
from fhir.store.stored import Stored
from fhir.store.write import PATCH

MOST = 1_000
"""Documents or Folders that one document may be tied to."""


def custody(writing: Writing) -> Custody:
    """Return what is in the site's own custody."""
    return Custody(EVERYTHING_VISIBLE, writing.request.authority.custodian)


async def read_own(writing: Writing, type_name: str, id_: str) -> Stored | None:
    """Return the current version of one of the site's resources; None when there is none, or it was deleted."""
    found = await read(writing.connection, custody(writing), type_name, id_)
    return None if found is None or found.deleted else found


async def find_own(writing: Writing, type_name: str, *pairs: tuple[str, str]) -> Sequence[Stored]:
    """Return the site's resources of a type that a search finds."""
    query = read_query(writing.request.hub, type_name, pairs)
    return await matches(writing.connection, custody(writing), query, most=MOST)


async def by_identifier(request: Request, type_name: str, identifier: Mapping[str, Any]) -> Sequence[Stored]:
    """Return the site's resources of a type that have an identifier, outside of a transaction."""
    asked = token(str(identifier.get("system", "")), str(identifier.get("value", "")))
    query = read_query(request.hub, type_name, [("identifier", asked)])
    seen = Custody(EVERYTHING_VISIBLE, request.authority.custodian)
    return (await search(request.hub.database.reader, seen, query, patient_keys, limit=MOST)).matches


def token(system: str, value: str) -> str:
    """Return system and value as a search writes them."""
    return f"{escape(system)}|{escape(value)}"


async def change(writing: Writing, current: Stored, patch: Patch, path: str) -> Stored:
    """Gather the next version of one of the site's resources, made by a patch of the hub's own.

    Raises:
        Forbidden: the role does not write such resources.
        Conflict: it was changed at the same time.
    """
    body = patch(bytes(current.body))
    prepared = prepare(body, writing.request.authority, resource=parse(body), path=path)
    return await writing.update(prepared, current.id, path=path, method=PATCH)


async def take_back(writing: Writing, made: Sequence[Stored], policy: str) -> None:
    """Gather the deletion of what the hub has made for a site, and of the Provenances that say of what.

    Args:
        writing: The write transaction.
        made: What was made.
        policy: That of those Provenances; one of another policy or with other targets is the site's own, and stays.
    """
    links = [f"{one.type}/{one.id}" for one in made]
    origins = {one.id: one for link in links for one in await find_own(writing, "Provenance", ("target", link))}
    for origin in origins.values():
        said = orjson.loads(origin.body)
        if said.get("policy") == [policy] and {one.get("reference") for one in said["target"]} <= set(links):
            writing.take_back(origin)
    for one in made:
        writing.take_back(one)


async def read_named(writing: Writing, type_name: str, id_: str) -> Stored | None:
    """Return the current version of what a write names, as far as the caller may read it; None where it was deleted."""
    found = await read(writing.connection, writing.request.visibility_for("r"), type_name, id_)
    return None if found is None or found.deleted else found
