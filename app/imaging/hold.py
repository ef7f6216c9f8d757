"""Who stores images of a site, describes its studies, or takes some away, does so one after the other."""

from app.db import WriteConnection
from fhir.search.hashing import hash64


async def hold(connection: WriteConnection, custodian: int) -> None:
    """Let nobody else store images of a site, or take some away, until the transaction ends."""
    await connection.lock(hash64(f"dicom/{custodian}"))
