"""Which documents state what a caller has been shown. What exists of a document for the caller is asked at the gate."""

from collections.abc import Collection

from sqlalchemy import and_, bindparam, select

from app.records.documents.tables import document, document_entry
from fhir.search.numbers import NUMBERS, in_numbers
from fhir.search.values import Numbers
from fhir.store.connection import Connection
from fhir.store.stored import Stored
from fhir.store.tables import resource

_HOLDING = and_(
    document.c.patient_key == document_entry.c.patient_key,
    document.c.row == document_entry.c.document,
    document.c.holds == 1,
)
_STATING = (
    select(document_entry.c.row, document_entry.c.document)
    .join(document, _HOLDING)
    .where(
        in_numbers(document_entry.c.patient_key, bindparam("keys", type_=NUMBERS)),
        document_entry.c.row != document_entry.c.patient_key,
    )
)
_BUNDLES = (
    select(resource.c.id)
    .join(
        document_entry,
        and_(
            resource.c.patient_key == document_entry.c.patient_key,
            resource.c.row == document_entry.c.document,
        ),
    )
    .join(document, _HOLDING)
    .where(
        document_entry.c.patient_key == bindparam("key"),
        document_entry.c.row == bindparam("row"),
    )
)


async def stating(connection: Connection, patient_keys: Collection[int]) -> dict[int, set[int]]:
    """Return from the rows of some patients' facts to the rows of the Bundles that state them."""
    found: dict[int, set[int]] = {}
    for row, bundle in await connection.fetch(_STATING, {"keys": Numbers(sorted(patient_keys))}):
        found.setdefault(row, set()).add(bundle)
    return found


async def bundles_of(connection: Connection, one: Stored) -> list[str]:
    """Return the ids of the Bundles that state a resource."""
    rows = await connection.fetch(_BUNDLES, {"key": one.patient_key, "row": one.row})
    return sorted(str(id_) for (id_,) in rows)
