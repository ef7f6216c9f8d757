"""When what is known of a resource happened, by the other door: messages come by a line and in stores.

What a line has brought is not overwritten by an older file, nor what a file has brought by a message that is late.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone

from sqlalchemy import bindparam, select

from app.db import DatabaseConnection
from app.exchange.hl7v2.to_fhir.mapped import Key
from app.exchange.mllp.tables import mllp_newest
from app.exchange.ssmix2.tables import ssmix2_entry
from app.exchange.ssmix2.understand import hash_of
from fhir.search.hashing import hash64
from fhir.search.numbers import NUMBERS as MANY
from fhir.search.numbers import in_numbers
from fhir.search.values import Numbers

JAPAN = timezone(timedelta(hours=9))
"""The zone of 発生日時."""

_PATIENT_KEYS, _HASHES = bindparam("patient_keys", type_=MANY), bindparam("hashes", type_=MANY)
_OF_LINES = select(mllp_newest.c.patient_key, mllp_newest.c.identity, mllp_newest.c.happened).where(
    in_numbers(mllp_newest.c.patient_key, _PATIENT_KEYS), in_numbers(mllp_newest.c.identity, _HASHES)
)
_OF_FILES = select(ssmix2_entry.c.hash, ssmix2_entry.c.occurred).where(
    in_numbers(ssmix2_entry.c.patient_key, _PATIENT_KEYS), in_numbers(ssmix2_entry.c.hash, _HASHES)
)


def digits(happened: int) -> int:
    """Return an instant, in microseconds since 1970 UTC, as 発生日時 writes it: a number of 17 digits."""
    moment = datetime.fromtimestamp(happened // 1_000_000, JAPAN)
    return int(f"{moment:%Y%m%d%H%M%S}{happened // 1_000 % 1_000:03}")


async def of_lines(
    connection: DatabaseConnection, patient_keys: Iterable[int], keys: Iterable[Key]
) -> Mapping[tuple[int, int], int]:
    """Return when what messages of lines have said of resources happened.

    Args:
        connection: Inside the transaction.
        patient_keys: Whose they are.
        keys: By what they are found again.

    Returns:
        発生日時 as numbers, by patient key and `hash_of` the identifier.
    """
    hashes = {hash64(key.reference): hash_of(key) for key in keys}
    values = {"patient_keys": Numbers(sorted(patient_keys)), "hashes": Numbers(sorted(hashes))}
    rows = await connection.fetch(_OF_LINES, values)
    return {(patient_key, hashes[identity]): digits(happened) for patient_key, identity, happened in rows}


async def of_files(connection: DatabaseConnection, patient_key: int, keys: Iterable[Key]) -> Mapping[Key, int]:
    """Return when what files of a patient have said of resources happened: 発生日時 as numbers."""
    hashes = {hash_of(key): key for key in keys}
    values = {"patient_keys": Numbers([patient_key]), "hashes": Numbers(sorted(hashes))}
    return {hashes[hashed]: int(occurred) for hashed, occurred in await connection.fetch(_OF_FILES, values)}
