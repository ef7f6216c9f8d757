"""The law of gate 2 holds of scopes: what a token is not for changes nothing of any answer."""

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.access.scopes import parse
from fhir.store.types import NUMBERS
from tests.property import oracle
from tests.property.oracle import DIRECTORY, Region, Row
from tests.property.test_non_interference import (
    _ROWS,
    EXAMPLES,
    SEEDS,
    build,
    caller,
    compare,
    prepare_once,
    region,
)
from tests.property.worlds import a_world, an_asker, questions
from tests.world import World

pytestmark = pytest.mark.anyio

# More scopes than a token may have cannot be asked for: the types that worlds have are enough.
_TYPES = ("Patient", "Practitioner", "ValueSet", "Medication", "Basic", "List", "Group", "Account", "Condition")
_TYPES += ("Encounter", "Provenance", "DocumentReference", "Binary", "MedicationRequest", "RiskAssessment", "Consent")
GRANULAR = " ".join((*(f"user/{name}.rs" for name in _TYPES), "user/Observation.rs?category=laboratory"))


def _is_laboratory(row: Row) -> bool:
    codes = [code["code"] for one in row.latest.get("category", ()) for code in one["coding"]]
    return not row.deleted and "laboratory" in codes


def by_category(row: Row, _: str, __: Region) -> bool:
    """Return whether the granular scopes name a row."""
    return row.type in _TYPES or (row.type == "Observation" and _is_laboratory(row))


def by_patient(row: Row, patient: str, known: Region) -> bool:
    """Return whether `patient/*.rs` names a row, for the launch's patient."""
    if not row.patients:
        return row.category == DIRECTORY or row.type == "Medication"
    return {known.persons[one] for one in row.patients} == {known.persons[patient]}


RULES = {GRANULAR: by_category, "patient/*.rs": by_patient}


async def hold_the_law(world: World, keys: dict[str, int], seed: int, size: int) -> None:
    """Build the world of a seed and compare the answers to a caller under each of the scopes."""
    chance = random.Random(seed)
    made = a_world(chance, size)
    await build(world, keys, made)
    known = await region(world, made)
    patients = made.of("Patient")
    rows = {
        id_: row for kind, id_, row in await world.hub.database.reader.fetch(_ROWS, {}) if kind == NUMBERS["Patient"]
    }
    for text, names in RULES.items():
        asker = an_asker(chance)
        chosen = chance.choice(patients).id if patients else ""
        if text == "patient/*.rs" and not chosen:
            continue
        by = replace(await caller(world, keys, asker), scopes=parse(text), patient_key=rows.get(chosen, 0))
        hidden = [row for row in made.rows if not (oracle.visible(row, asker, known) and names(row, chosen, known))]
        await compare(world, by, list(questions(chance, made, 10)), hidden)


@settings(EXAMPLES, max_examples=12)
@given(seed=SEEDS, size=st.integers(10, 80))
async def test_no_answer_depends_on_what_the_token_is_not_for(world: World, seed: int, size: int) -> None:
    await hold_the_law(world, await prepare_once(world, "implied"), seed, size)
