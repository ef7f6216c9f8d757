"""Resources that name no patient but belong with others that do: an attachment's bytes, the origin of a record.

They are in the record of those they point at, and carry their labels; `app/records/labelled.py` sees to the labels that
those are given later.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import BigInteger, Integer, SmallInteger, Text, and_, bindparam, select

from app.db import DatabaseConnection
from fhir.belonging import pointed_at
from fhir.search.hashing import hash64
from fhir.spec.search_parameters import parameters
from fhir.store.in_order import by_hash, in_order
from fhir.store.tables import NO_PATIENT, index_uri, resource, resource_id
from fhir.store.types import NUMBERS

_OWN = (
    select(resource.c.patient_key, resource.c.labels)
    .select_from(by_hash(resource))
    .where(
        resource_id.c.hash == bindparam("hash", type_=BigInteger),
        resource.c.type == bindparam("type", type_=SmallInteger),
        resource.c.id == bindparam("id", type_=Text),
        resource.c.custodian == bindparam("custodian", type_=Integer),
    )
    # Whoever gives it a label is waited for, or waits, and then finds what is written here.
    .with_for_update(read=True, of=resource)
)

_LOCATION = parameters("DocumentReference")["location"].id
_ATTACHING = (
    select(resource.c.labels)
    .select_from(
        in_order(
            index_uri,
            resource,
            and_(
                resource.c.patient_key == index_uri.c.patient_key,
                resource.c.row == index_uri.c.row,
                resource.c.version == index_uri.c.version,
            ),
        )
    )
    .where(
        index_uri.c.parameter == _LOCATION,
        index_uri.c.value.in_([bindparam("link", type_=Text), bindparam("address", type_=Text)]),
        resource.c.custodian == bindparam("custodian", type_=Integer),
    )
    .with_for_update(read=True, of=resource)
)

Belonging = tuple[int, int]
"""Patient key and labels."""


async def inherited(
    connection: DatabaseConnection, stored: Mapping[str, Any], made: Mapping[str, Belonging], custodian: int
) -> tuple[set[int], int]:
    """Return the patient keys and the labels that a resource takes over.

    Args:
        connection: Inside the write transaction.
        stored: The resource, its references final.
        made: What this transaction has gathered already, by reference.
        custodian: Whose resources count: nobody's data comes under another's patient by a pointer.
    """
    keys: set[int] = set()
    labels = 0
    for link in pointed_at(stored):
        belonging = made.get(link)
        if belonging is None:
            belonging = await _own(connection, link, custodian)
        keys.add(belonging[0])
        labels |= belonging[1]
    return keys - {NO_PATIENT}, labels


async def _own(connection: DatabaseConnection, link: str, custodian: int) -> Belonging:
    type_name, _, id_ = link.partition("/")
    values = {"hash": hash64(link), "type": NUMBERS.get(type_name, 0), "id": id_, "custodian": custodian}
    rows = await connection.fetch(_OWN, values)
    return (rows[0][0], rows[0][1]) if rows else (NO_PATIENT, 0)


async def labels_of(connection: DatabaseConnection, links: Iterable[str], custodian: int) -> int:
    """Return the labels that resources of a custodian, as `Type/id`, have now and until this transaction is done."""
    labels = 0
    # In one order, so that two transactions cannot wait for each other.
    for link in sorted(links):
        labels |= (await _own(connection, link, custodian))[1]
    return labels


async def attaching(connection: DatabaseConnection, link: str, address: str, custodian: int) -> int:
    """Return the labels of the DocumentReferences that named a resource as their attachment before it was there.

    Args:
        connection: Inside the write transaction.
        link: The resource as `Type/id`.
        address: The same as a whole address.
        custodian: Whose DocumentReferences count.
    """
    labels = 0
    for (found,) in await connection.fetch(_ATTACHING, {"link": link, "address": address, "custodian": custodian}):
        labels |= found
    return labels
