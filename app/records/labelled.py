"""The write of a label: what takes its labels from the labelled resource carries it from that transaction on.

Labels go to what points at the resource, to what is attached to it, to what was extracted from it, and to other forms
of a document, however far: from a document to a DocumentReference in it to the bytes. They stay among what one site
keeps.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import orjson
from sqlalchemy import BigInteger, Integer, SmallInteger, Text, and_, bindparam, literal, select, update

from app.db import DatabaseConnection
from app.records.documents.kept import find_by_row
from fhir.belonging import attached, extracted_from, pointed_at
from fhir.search.hashing import hash64
from fhir.search.internal import BELONGS_WITH, EXTRACTED_FROM, TARGET
from fhir.spec.search_parameters import parameters
from fhir.store.in_order import by_hash, in_order
from fhir.store.labels import of_entries_alone
from fhir.store.read import COLUMNS, LAST_BODY, stored
from fhir.store.stored import Stored
from fhir.store.tables import index_reference, resource, resource_id, resource_version
from fhir.store.types import NUMBERS
from fhir.store.write import WIDER

_RELATES_TO = parameters("DocumentReference")["relatesto"].id

_REFERRING = in_order(
    index_reference,
    resource,
    and_(
        resource.c.patient_key == index_reference.c.patient_key,
        resource.c.row == index_reference.c.row,
        resource.c.version == index_reference.c.version,
    ),
)
_POINTING = (
    select(*COLUMNS, index_reference.c.parameter)
    .select_from(in_order(_REFERRING, resource_version, LAST_BODY))
    .where(
        index_reference.c.parameter.in_(
            [literal(number) for number in (BELONGS_WITH, EXTRACTED_FROM, TARGET, _RELATES_TO)]
        ),
        index_reference.c.target_hash == bindparam("hash", type_=BigInteger),
        resource.c.custodian == bindparam("custodian", type_=Integer),
    )
)
_NAMED = (
    select(*COLUMNS)
    .select_from(in_order(by_hash(resource), resource_version, LAST_BODY))
    .where(
        resource_id.c.hash == bindparam("hash", type_=BigInteger),
        resource.c.type == bindparam("type", type_=SmallInteger),
        resource.c.id == bindparam("id", type_=Text),
        resource.c.custodian == bindparam("custodian", type_=Integer),
    )
)
_WIDEN = (
    update(resource)
    .where(resource.c.patient_key == bindparam("k_patient", type_=BigInteger))
    .where(resource.c.row == bindparam("k_row", type_=BigInteger))
    .values(labels=WIDER)
)


async def _named(connection: DatabaseConnection, link: str, custodian: int) -> list[Stored]:
    type_name, _, id_ = link.partition("/")
    values = {"hash": hash64(link), "type": NUMBERS.get(type_name, 0), "id": id_, "custodian": custodian}
    return [stored(row) for row in await connection.fetch(_NAMED, values)]


async def _held(connection: DatabaseConnection, link: str, custodian: int) -> list[str]:
    """Return what holds a document: of a DocumentReference the Bundles that it describes, else itself."""
    if not link.startswith("DocumentReference/"):
        return [link]
    found = [held for one in await _named(connection, link, custodian) for held in attached(orjson.loads(one.body))]
    return [held for held in found if held.startswith("Bundle/")] or [link]


def _transforms(row: Sequence[Any], link: str) -> bool:
    """Return whether a row of what refers to a document is of another form of it, which says all that it says."""
    if row[-1] != _RELATES_TO:
        return False
    related = orjson.loads(stored(row).body or b"{}").get("relatesTo", ())
    links = [one["target"].get("reference", "") for one in related if one["code"] == "transforms"]
    return any(one.partition("/_history/")[0].endswith(link) for one in links)


async def _forms(connection: DatabaseConnection, link: str, custodian: int) -> list[Stored]:
    """Return the DocumentReferences of a document's other forms."""
    rows = await connection.fetch(_POINTING, {"hash": hash64(link), "custodian": custodian})
    return [stored(row) for row in rows if _transforms(row, link)]


class _Heir(NamedTuple):
    """What takes labels over."""

    stored: Stored
    labels: int
    passes_on: bool
    """Whether others take them over from it: not the siblings of an entry from their document."""


async def _inheriting(connection: DatabaseConnection, one: Stored) -> list[_Heir]:
    """Return what takes its labels from a resource itself."""
    values = {"hash": hash64(f"{one.type}/{one.id}"), "custodian": one.custodian}
    rows = await connection.fetch(_POINTING, values)
    # A Binary has nothing but its bytes.
    body = {} if one.type == "Binary" or not one.body else orjson.loads(one.body)
    extracted = one.labels & ~of_entries_alone(body)
    links = dict.fromkeys(attached(body), (one.labels, True))
    found = []
    for row in rows:
        other = stored(row)
        if row[-1] != _RELATES_TO or _transforms(row, f"{one.type}/{one.id}"):
            found.append(_Heir(other, one.labels, True))
        origin = orjson.loads(other.body) if row[-1] in (EXTRACTED_FROM, TARGET) else {}
        for link in pointed_at(origin) if row[-1] == EXTRACTED_FROM else ():
            links.setdefault(link, (extracted, True))
        # Whoever reads the document reads what was extracted from it.
        for link in extracted_from(origin) if row[-1] == TARGET else ():
            for held in await _held(connection, link, one.custodian):
                links.setdefault(held, (one.labels, False))
            found += [_Heir(form, one.labels, True) for form in await _forms(connection, link, one.custodian)]
    described = await find_by_row(connection, one.patient_key, one.row) if one.type == "Bundle" else None
    if described is not None and described.reference:
        # What was extracted from a document names its DocumentReference.
        links.setdefault(f"DocumentReference/{described.reference}", (extracted, True))
    for link, (taken, passes_on) in links.items():
        found += [_Heir(other, taken, passes_on) for other in await _named(connection, link, one.custodian)]
    return found


async def widen(connection: DatabaseConnection, one: Stored, labels: int) -> Stored:
    """Add labels to a resource without a new version, and return it with all that it has."""
    await connection.execute(_WIDEN, {"k_patient": one.patient_key, "k_row": one.row, "n_labels": labels})
    return one._replace(labels=one.labels | labels)


async def pass_labels_on(connection: DatabaseConnection, labelled: Iterable[Stored]) -> list[Stored]:
    """Give the labels of each resource to all that takes its labels from it.

    Args:
        connection: Inside the write transaction, after the resources were written.
        labelled: The resources, each with all its labels and its body.

    Returns:
        What was given labels that it did not have, with all that it has now.
    """
    waiting, widened = list(labelled), []
    while waiting:
        one = waiting.pop()
        for other, taken, passes_on in await _inheriting(connection, one):
            if taken & ~other.labels:
                widened.append(await widen(connection, other, taken))
                if passes_on:
                    waiting.append(widened[-1])
    return widened
