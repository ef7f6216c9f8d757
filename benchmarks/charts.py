"""The population that is measured: the whole record of each person in one transaction, made from its number alone.

Every other person has diabetes and is measured monthly (`benchmarks.region`); the others have what a town has: mostly
a little, some of them much. One in 500 has a thousand entries. So a thousand persons have some 50,000 resources.
"""

import random
from collections.abc import Sequence
from typing import Any

from benchmarks import entries, region
from benchmarks.entries import ORGANIZATIONS, PRACTITIONERS, Resource
from benchmarks.region import Push, transaction

EACH = 50
"""Resources that a person has, on average and about."""

IDENTIFIERS = "urn:oid:1.2.392.100495.20.3.51.11310000001"
LARGE_EVERY, LARGE_AT, LARGE = 500, 51, 1_000
"""Of so many persons one, the one of this number, has so many entries."""

_SEED = 392_000_000_000
_CONSENTING = 0.8
"""Of those whose record is not asked for by name."""

_KINDS: Sequence[tuple[Any, int]] = (
    *((entries.encounter, 30), (entries.blood_pressure, 25), (entries.medication_request, 20)),
    *((entries.condition, 10), (entries.document_reference, 6), (entries.allergy_intolerance, 2)),
)
_FAMILIES = (
    *("佐藤", "鈴木", "高橋", "田中", "伊藤", "渡邉", "山本", "中村", "小林", "加藤"),
    *("吉田", "山田", "佐々木", "山口", "松本", "井上", "木村", "林", "斎藤", "清水"),
)
_SECOND = ("崎", "原", "島", "野", "沢", "川", "田", "村", "本", "井", "上", "岡", "橋", "谷", "山")


def is_chronic(number: int) -> bool:
    """Return whether a person has diabetes and monthly results."""
    return number % 2 == 0


def is_large(number: int) -> bool:
    """Return whether a person has `LARGE` entries."""
    return number % LARGE_EVERY == LARGE_AT


def identifier(number: int) -> str:
    """Return the identifier of a person as a search asks for it."""
    return f"{IDENTIFIERS}|{number:08d}"


def family(number: int) -> str:
    """Return a family name of 320, the first ones more often."""
    return _FAMILIES[number % 20] if number % 3 else _FAMILIES[number % 20][0] + _SECOND[number // 20 % 15]


def _patient(number: int, chance: random.Random) -> Resource:
    made = region.patient(number, chance)
    (name,) = made["name"]
    name["family"] = family(int(6000 * chance.random() ** 2))
    name["text"] = f"{name['family']} {name['given'][0]}"
    return {**made, "managingOrganization": {"reference": f"Organization/hospital-o{number % ORGANIZATIONS}"}}


def _other(person: str, count: int, chance: random.Random, url: str) -> list[tuple[str, Resource]]:
    kinds, weights = zip(*_KINDS, strict=True)
    made = [
        (f"{url}{one:04d}", kind(person, chance)) for one, kind in enumerate(chance.choices(kinds, weights, k=count))
    ]
    results = [name for name, resource in made if resource["resourceType"] == "Observation"]
    if results:
        made.append((f"{url}{9000:04d}", entries.diagnostic_report(person, results[:8], chance)))
    return made


def chart(number: int) -> Push:
    """Return the transaction with the record of the person of this number, always the same."""
    chance = random.Random(_SEED + number)
    person = f"urn:uuid:00000000-0000-4000-8000-{number:012d}"
    url = f"urn:uuid:00000000-0000-4000-9000-{number:08d}"
    made = [(person, _patient(number, chance))]
    if is_chronic(number):
        tests = [region.observation(person, one, chance) for one in range(region.OBSERVATIONS)]
        made += [(f"{url}{5000 + one:04d}", test) for one, test in enumerate(tests)]
        made.append((f"{url}8000", entries.condition(person, chance, entries.DIABETES)))
        report = entries.diagnostic_report(person, [f"{url}{5000 + one:04d}" for one in range(5)], chance)
        made.append((f"{url}8001", report))
        made += _other(person, 7, chance, url)
    else:
        many = LARGE - 3 if is_large(number) else min(300, int(6 * chance.paretovariate(1.15)))
        made += _other(person, many, chance, url)
    if is_chronic(number) or is_large(number) or chance.random() < _CONSENTING:
        made.append((f"{url}9999", region.consent(person, "clinic")))
    return region.push(made)


def directory() -> bytes:
    """Return the transaction with the staff and the departments that charts refer to."""
    chance = random.Random(_SEED - 1)
    departments: list[dict[str, Any]] = [
        {"resourceType": "Organization", "id": f"hospital-o{number}", "name": f"第{number + 1}診療科"}
        for number in range(ORGANIZATIONS)
    ]
    staff: list[dict[str, Any]] = [
        {
            "resourceType": "Practitioner",
            "id": f"hospital-p{number}",
            "active": True,
            "name": [{"family": family(chance.randrange(6000)), "given": ["誠"]}],
        }
        for number in range(PRACTITIONERS)
    ]
    return transaction([(f"{one['resourceType']}/{one['id']}", one) for one in (*departments, *staff)], method="PUT")
