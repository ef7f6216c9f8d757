"""The compressed metadata of whole series: derived, named by what it was made of, and free to be gone.

Nothing here is current or stale: what was made of other instances than the reader sees has another tag.
"""

from sqlalchemy import BigInteger, bindparam, delete, insert, select

from dicom.store.connection import Connection
from dicom.store.tables import dicom_series_metadata as kept

_PLACE = (
    kept.c.patient_key == bindparam("k_patient", type_=BigInteger),
    kept.c.series == bindparam("k_series", type_=BigInteger),
)
_READ = select(kept.c.packed).where(*_PLACE, kept.c.tag == bindparam("k_tag"))
_DELETE = delete(kept).where(*_PLACE)
_INSERT = insert(kept).values({column.name: bindparam(column.name) for column in kept.c})


async def packed_metadata(connection: Connection, patient_key: int, series: int, tag: str) -> bytes | None:
    """Return what was kept of a series under a tag, or None."""
    rows = await connection.fetch(_READ, {"k_patient": patient_key, "k_series": series, "k_tag": tag})
    return bytes(rows[0][0]) if rows else None


async def keep_packed(connection: Connection, patient_key: int, series: int, tag: str, packed: bytes) -> None:
    """Keep the metadata of a series, which is there, instead of what was kept of it before."""
    await forget_packed(connection, patient_key, series)
    values = {"patient_key": patient_key, "series": series, "tag": tag, "packed": packed}
    await connection.execute(_INSERT, values)


async def forget_packed(connection: Connection, patient_key: int, series: int) -> None:
    """Remove what is kept of a series: its custodian has deleted some of it."""
    await connection.execute(_DELETE, {"k_patient": patient_key, "k_series": series})
