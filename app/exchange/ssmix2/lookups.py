"""What the hub has already of what a batch is about: one statement for all patients, files or identifiers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Integer, Select, SmallInteger, and_, bindparam, delete, func, select

from app.db import DatabaseConnection
from app.exchange.hl7v2.to_fhir.mapped import Key
from app.exchange.ssmix2.tables import ssmix2_entry, ssmix2_file
from app.exchange.ssmix2.understand import hash_of
from fhir.search.hashing import hash64
from fhir.search.numbers import NUMBERS as MANY
from fhir.search.numbers import in_numbers
from fhir.search.values import Numbers
from fhir.spec.search_parameters import parameters
from fhir.store.in_order import in_order
from fhir.store.tables import CURRENT_TOKEN, index_token, resource
from fhir.store.types import NAMES, NUMBERS

_PATIENT_KEYS, _HASHES = bindparam("patient_keys", type_=MANY), bindparam("hashes", type_=MANY)
_BY_IDENTIFIER = (
    select(
        resource.c.type,
        index_token.c.code_hash,
        index_token.c.system_hash,
        resource.c.patient_key,
        resource.c.row,
        resource.c.id,
    )
    .select_from(in_order(index_token, resource, CURRENT_TOKEN))
    .where(
        index_token.c.parameter == bindparam("parameter", type_=Integer),
        in_numbers(index_token.c.code_hash, _HASHES),
        resource.c.custodian == bindparam("custodian", type_=Integer),
        resource.c.type == bindparam("type", type_=SmallInteger),
        resource.c.deleted == 0,
    )
)
_ENTRIES = select(ssmix2_entry).where(
    in_numbers(ssmix2_entry.c.patient_key, _PATIENT_KEYS), in_numbers(ssmix2_entry.c.hash, _HASHES)
)
_OF_SLOTS = select(ssmix2_entry).where(
    in_numbers(ssmix2_entry.c.patient_key, _PATIENT_KEYS), in_numbers(ssmix2_entry.c.slot, _HASHES)
)
_IDS = select(resource.c.patient_key, resource.c.row, resource.c.id).where(
    in_numbers(resource.c.patient_key, _PATIENT_KEYS), in_numbers(resource.c.row, _HASHES)
)
_LATEST = (
    select(ssmix2_file.c.patient_key, ssmix2_file.c.name, func.max(ssmix2_file.c.number).label("number"))
    .where(in_numbers(ssmix2_file.c.patient_key, _PATIENT_KEYS), in_numbers(ssmix2_file.c.name, _HASHES))
    .group_by(ssmix2_file.c.patient_key, ssmix2_file.c.name)
    .subquery()
)
_FILES: Select[tuple[Any, ...]] = select(
    ssmix2_file.c.patient_key, ssmix2_file.c.name, ssmix2_file.c.number, ssmix2_file.c.flag, ssmix2_file.c.digest
).join(
    _LATEST,
    and_(
        ssmix2_file.c.patient_key == _LATEST.c.patient_key,
        ssmix2_file.c.name == _LATEST.c.name,
        ssmix2_file.c.number == _LATEST.c.number,
    ),
)
FORGET = delete(ssmix2_entry).where(
    ssmix2_entry.c.patient_key == bindparam("k_patient", type_=BigInteger),
    ssmix2_entry.c.hash == bindparam("k_hash", type_=BigInteger),
)


@dataclass(frozen=True, slots=True)
class Found:
    """A resource that is there."""

    patient_key: int
    row: int
    id: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of `ssmix2_entry`."""

    patient_key: int
    hash: int
    row: int
    type: str
    occurred: int
    name: int
    slot: int
    content: int

    def as_row(self) -> tuple[Any, ...]:
        """Return it as the table has it."""
        return (
            *(self.patient_key, self.hash, self.row, NUMBERS[self.type]),
            *(self.occurred, self.name, self.slot, self.content),
        )


@dataclass(frozen=True, slots=True)
class File:
    """The newest row of `ssmix2_file` under a name."""

    number: int
    flag: int
    digest: bytes


async def by_identifier(
    connection: DatabaseConnection, custodian: int, keys: Iterable[Key]
) -> Mapping[Key, Sequence[Found]]:
    """Return what a site has under identifiers, whoever wrote it; of each the resources that are not deleted."""
    by_type: dict[str, dict[tuple[int, int], Key]] = {}
    for key in keys:
        by_type.setdefault(key.type, {})[hash64(key.value), hash64(key.system)] = key
    found: dict[Key, list[Found]] = {}
    for type_name, wanted in by_type.items():
        parameter = parameters(type_name).get("identifier")
        if parameter is None:
            continue
        values = {
            "parameter": parameter.id,
            "hashes": Numbers(sorted({code for code, _ in wanted})),
            "custodian": custodian,
            "type": NUMBERS[type_name],
        }
        for _, code, system, patient_key, row, id_ in await connection.fetch(_BY_IDENTIFIER, values):
            key_found = wanted.get((code, system))
            if key_found is not None:
                found.setdefault(key_found, []).append(Found(patient_key, row, id_))
    return found


def _entry(row: Sequence[Any]) -> Entry:
    patient_key, hashed, number, type_number, *rest = row
    return Entry(patient_key, hashed, number, NAMES[type_number], *rest)


async def entries(
    connection: DatabaseConnection, patient_keys: Iterable[int], keys: Iterable[Key]
) -> dict[tuple[int, int], Entry]:
    """Return what files of patients were written as before, by patient key and hash of the identifier."""
    values = {"patient_keys": Numbers(sorted(patient_keys)), "hashes": Numbers(sorted({hash_of(key) for key in keys}))}
    found = [_entry(row) for row in await connection.fetch(_ENTRIES, values)]
    return {(one.patient_key, one.hash): one for one in found}


async def of_slots(
    connection: DatabaseConnection, patient_keys: Iterable[int], slots: Iterable[int]
) -> dict[tuple[int, int], list[Entry]]:
    """Return what files of some slots were written as before, by patient key and slot."""
    values = {"patient_keys": Numbers(sorted(patient_keys)), "hashes": Numbers(sorted(set(slots)))}
    found: dict[tuple[int, int], list[Entry]] = {}
    for row in await connection.fetch(_OF_SLOTS, values):
        one = _entry(row)
        found.setdefault((one.patient_key, one.slot), []).append(one)
    return found


async def ids(connection: DatabaseConnection, wanted: Iterable[Entry]) -> dict[int, str]:
    """Return the ids of resources by their rows."""
    keys, rows = set[int](), set[int]()
    for one in wanted:
        keys.add(one.patient_key)
        rows.add(one.row)
    if not rows:
        return {}
    values = {"patient_keys": Numbers(sorted(keys)), "hashes": Numbers(sorted(rows))}
    return {row: id_ for _, row, id_ in await connection.fetch(_IDS, values)}


async def files(
    connection: DatabaseConnection, patient_keys: Iterable[int], names: Iterable[int]
) -> dict[tuple[int, int], File]:
    """Return the newest file under each name of patients, by patient key and name."""
    values = {"patient_keys": Numbers(sorted(patient_keys)), "hashes": Numbers(sorted(set(names)))}
    rows = await connection.fetch(_FILES, values)
    return {(patient_key, name): File(number, flag, bytes(digest)) for patient_key, name, number, flag, digest in rows}
