"""What is known of a document, or of a fact, that is removed for good; that a document was deleted stays known."""

from sqlalchemy import BigInteger, bindparam, delete

from app.db import WriteConnection
from app.records.documents import kept
from app.records.documents.tables import document_fact
from fhir.store.stored import Stored

_patient = document_fact.c.patient_key == bindparam("k_patient", type_=BigInteger)
_FACT = delete(document_fact).where(_patient, document_fact.c.row == bindparam("k_row", type_=BigInteger))


async def forget_document(connection: WriteConnection, removed: Stored) -> None:
    """Remove what is known of a resource that is removed for good: by what, as a fact, and of whom, as a document."""
    await connection.execute(_FACT, {"k_patient": removed.patient_key, "k_row": removed.row})
    known = await kept.find_by_row(connection, removed.patient_key, removed.row) if removed.type == "Bundle" else None
    if known is not None:
        # As one that was deleted before it came: what was made before that does not come back.
        await kept.put_entries(connection, known.patient_key, known.row, ())
        await kept.put(
            connection, known._replace(patient_key=0, row=0, holds=0, number="", reference="", provenance="")
        )
