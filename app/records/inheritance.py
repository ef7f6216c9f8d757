"""Resources that name no patient but belong with others that do: an attachment's bytes, the origin of a record.

They are in the record of those they point at, and carry their labels.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, Integer, SmallInteger, Text, bindparam, select

from app.db import DatabaseConnection
from fhir.search.hashing import hash64
from fhir.store.in_order import by_hash
from fhir.store.tables import NO_PATIENT, resource, resource_id
from fhir.store.types import NUMBERS

POINTERS = {"Binary": "securityContext", "Provenance": "target"}
"""The element by which resources of a type point at those they belong with."""

_OWN = (
    select(resource.c.patient_key, resource.c.labels)
    .select_from(by_hash(resource))
    .where(
        resource_id.c.hash == bindparam("hash", type_=BigInteger),
        resource.c.type == bindparam("type", type_=SmallInteger),
        resource.c.id == bindparam("id", type_=Text),
        resource.c.custodian == bindparam("custodian", type_=Integer),
    )
)

Belonging = tuple[int, int]
"""Patient key and labels."""


def pointed_at(stored: Mapping[str, Any]) -> list[str]:
    """Return the references `Type/id` by which a resource points at those it belongs with."""
    pointers = stored.get(POINTERS.get(stored["resourceType"], ""), ())
    found = [pointers] if isinstance(pointers, dict) else pointers
    links = [one.get("reference", "").partition("/_history/")[0] for one in found]
    return ["/".join(link.split("/")[-2:]) for link in links if "/" in link]


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
            type_name, _, id_ = link.partition("/")
            values = {"hash": hash64(link), "type": NUMBERS.get(type_name, 0), "id": id_, "custodian": custodian}
            rows = await connection.fetch(_OWN, values)
            belonging = (rows[0][0], rows[0][1]) if rows else (NO_PATIENT, 0)
        keys.add(belonging[0])
        labels |= belonging[1]
    return keys - {NO_PATIENT}, labels
