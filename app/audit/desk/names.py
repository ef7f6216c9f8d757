"""Whose record it is, as far as a flag asks: the same name as a colleague, the same family name, somebody important.

Names are compared as the patient index folds them. Nothing of this leaves the job but that a rule holds.

https://hl7.org/fhir/R4/extension-patient-importance.html
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, Select, Text, select

from app.access.tables import account, organisation
from app.audit.desk.tables import watched_patient
from app.db import DatabaseConnection
from app.db.padded import padded, parameters
from app.identity import fold
from app.identity.person import persons_of
from app.identity.tables import person_patient
from app.identity.traits import traits_of
from fhir.resource import parse
from fhir.store.in_order import in_order
from fhir.store.labels import ACT_CODE
from fhir.store.tables import CURRENT_VERSION, resource, resource_version

IMPORTANCE = "http://hl7.org/fhir/StructureDefinition/patient-importance"
IMPORTANT = "VIP"
_LABELS = frozenset({(ACT_CODE, "CEL"), (ACT_CODE, "VIP")})
_EMPLOYEE = (ACT_CODE, "EMP")
SHORTEST_FAMILY = 2
"""Characters of a family name that the beginning of a name without a space is compared with: 林 is not 林田."""


@dataclass(frozen=True, slots=True)
class Whose:
    """A site's Patient, as flags know it."""

    person: int
    families: frozenset[str] = frozenset()
    """Family names, folded."""
    wholes: frozenset[str] = frozenset()
    """Whole names, folded."""
    important: str = ""
    """Why it is somebody important: `label`, `importance`, `list`; empty for nobody."""
    employee: bool = False
    """Whether the site has marked it as one of its own people."""


@lru_cache(maxsize=16)
def _bodies(count: int) -> Select[Any]:
    keys = parameters("key", count, BigInteger)
    # A Patient is the first row of its own key; one that was deleted has no name.
    return (
        select(resource.c.patient_key, resource_version.c.body)
        .select_from(in_order(resource, resource_version, CURRENT_VERSION))
        .where(resource.c.patient_key.in_(keys), resource.c.row == resource.c.patient_key, resource.c.deleted == 0)
    )


_other = person_patient.alias("other")
_WATCHED = (
    select(_other.c.person).join(watched_patient, watched_patient.c.patient_key == _other.c.patient_key).distinct()
)


@lru_cache(maxsize=16)
def _colleagues(count: int) -> Select[Any]:
    ids = parameters("key", count, Text)
    return (
        select(organisation.c.resource_id, account.c.title)
        .join(organisation, organisation.c.key == account.c.organisation)
        .where(account.c.disabled == 0, account.c.role != "patient", organisation.c.resource_id.in_(ids))
    )


def _important(patient: Mapping[str, Any]) -> str:
    for coding in patient.get("meta", {}).get("security", ()):
        if (coding.get("system"), coding.get("code")) in _LABELS:
            return "label"
    for extension in patient.get("extension", ()):
        if extension.get("url") == IMPORTANCE:
            codings = extension.get("valueCodeableConcept", {}).get("coding", ())
            if any(coding.get("code") == IMPORTANT for coding in codings):
                return "importance"
    return ""


def _is_employee(patient: Mapping[str, Any]) -> bool:
    labels = patient.get("meta", {}).get("security", ())
    return any((coding.get("system"), coding.get("code")) == _EMPLOYEE for coding in labels)


def _whose(body: bytes, person: int, *, listed: bool) -> Whose:
    patient, found = parse(body), traits_of(body)
    return Whose(
        person,
        frozenset(
            {*(fold.plain(one.family) for one in found.kanji), *(one.family for one in found.kana)} - {""},
        ),
        frozenset(
            {
                *(fold.plain(one.whole) for one in found.kanji if one.family),
                *(one.whole for one in found.kana if one.family),
                *(" ".join(sorted(one)) for one in found.letters if len(one) > 1),
            }
        ),
        _important(patient) or ("list" if listed else ""),
        _is_employee(patient),
    )


async def whose(connection: DatabaseConnection, patient_keys: Collection[int]) -> dict[int, Whose]:
    """Return the Patients with these keys; of one that is gone, or was deleted, only which person it is."""
    if not patient_keys:
        return {}
    ordered = sorted(patient_keys)
    values, persons = padded("key", ordered), await persons_of(connection, ordered)
    watched = {int(person) for (person,) in await connection.fetch(_WATCHED, {})}
    found = {}
    for key in patient_keys:
        person = persons.get(key, key)
        found[key] = Whose(person, important="list" if person in watched else "")
    for key, body in await connection.fetch(_bodies(len(values)), values):
        person = found[int(key)].person
        found[int(key)] = _whose(bytes(body), person, listed=person in watched)
    return found


@lru_cache(maxsize=65_536)
def spoken(title: str) -> frozenset[str]:
    """Return the ways a person's name is compared as a whole: as kanji, as kana, as letters."""
    latin = fold.letters(title)
    forms = {fold.plain(fold.kanji(title)), fold.kana(title)}
    return frozenset((forms | ({" ".join(sorted(latin))} if len(latin) > 1 else set())) - {""})


def bears(title: str, families: Collection[str]) -> bool:
    """Return whether the person with this name has one of these family names."""
    first, space, rest = fold.width(title).strip().partition(" ")
    if space and rest.strip():
        return not {fold.plain(fold.kanji(first)), fold.kana(first)}.isdisjoint(families)
    wholes = (fold.plain(fold.kanji(title)), fold.kana(title))
    long = [one for one in families if len(one) >= SHORTEST_FAMILY]
    return any(whole.startswith(one) and whole != one for whole in wholes for one in long)


async def colleagues(connection: DatabaseConnection, wanted: Collection[str]) -> Mapping[str, frozenset[str]]:
    """Return the names of the people of these organisations, by their references, folded."""
    found: dict[str, set[str]] = {}
    ids = {reference.removeprefix("Organization/") for reference in wanted} - {""}
    if not ids:
        return {}
    values = padded("key", sorted(ids))
    for id_, title in await connection.fetch(_colleagues(len(values)), values):
        found.setdefault(f"Organization/{id_}", set()).update(spoken(title))
    return {reference: frozenset(names) for reference, names in found.items()}
