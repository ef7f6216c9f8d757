"""What was removed for good leaves the files too that it came from: they say the same."""

from sqlalchemy import BigInteger, bindparam, delete, select

from app.db import DatabaseConnection
from app.exchange.ssmix2.path import read_name
from app.exchange.ssmix2.tables import ssmix2_entry, ssmix2_file
from fhir.search.hashing import hash64
from fhir.store.stored import Stored

_KEY, _ROW, _NAME = (bindparam(name, type_=BigInteger) for name in ("k_patient", "k_row", "k_name"))
_OF_ROW = (ssmix2_entry.c.patient_key == _KEY, ssmix2_entry.c.row == _ROW)
_WRITERS = select(ssmix2_entry.c.name, ssmix2_entry.c.slot).where(*_OF_ROW)
_FILES = select(ssmix2_file.c.name, ssmix2_file.c.path).where(ssmix2_file.c.patient_key == _KEY).distinct()
_ENTRY = delete(ssmix2_entry).where(*_OF_ROW)
_FILE = delete(ssmix2_file).where(ssmix2_file.c.patient_key == _KEY, ssmix2_file.c.name == _NAME)
_WHOLE = tuple(delete(table).where(table.c.patient_key == _KEY) for table in (ssmix2_entry, ssmix2_file))


async def forget_files(connection: DatabaseConnection, gone: Stored) -> None:
    """Remove the file that wrote a resource last, with those that it has replaced; of a Patient, all files.

    Args:
        connection: Inside the transaction that removes the resource.
        gone: What is removed.
    """
    if gone.type == "Patient":
        for statement in _WHOLE:
            await connection.execute(statement, {"k_patient": gone.patient_key})
        return
    place = {"k_patient": gone.patient_key, "k_row": gone.row}
    writers = await connection.fetch(_WRITERS, place)
    slots, names = {slot for _, slot in writers if slot}, {name for name, _ in writers}
    if slots:
        files = await connection.fetch(_FILES, {"k_patient": gone.patient_key})
        # What a file replaces is of the same order or list, and says the same of it.
        names |= {name for name, path in files if hash64(read_name(path.rpartition("/")[2]).slot) in slots}
    for name in names:
        await connection.execute(_FILE, {"k_patient": gone.patient_key, "k_name": name})
    await connection.execute(_ENTRY, place)
