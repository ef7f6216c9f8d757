"""C1 and C2: operations, and the entries of a Bundle, are under the same rules as everything else."""

import json

import pytest

from tests.attacks.probe import (
    HIDDEN,
    PATIENT,
    SECRET,
    SEEN,
    STRANGER,
    Question,
    put,
    reference,
    secrets,
    stock,
    tell,
    unchanged,
)
from tests.attacks.test_a import ALIASES, BISECTED, CHAINS, COUNTS
from tests.world import World

pytestmark = pytest.mark.anyio

JSON, GRAPHQL = "application/fhir+json", "application/graphql"


def graph(query: str) -> Question:
    return Question("$graphql", "POST", query, GRAPHQL)


def bundle(kind: str, *addresses: str) -> Question:
    """Return reads and searches as the entries of a Bundle."""
    entries = [{"request": {"method": "GET", "url": address}} for address in addresses]
    return Question("", "POST", json.dumps({"resourceType": "Bundle", "type": kind, "entry": entries}), JSON)


OPERATIONS = (
    f"Patient/{PATIENT}/$everything",
    f"Patient/{PATIENT}/$everything?_type=Observation",
    f"Patient/{PATIENT}/$everything?_count=8",
    "Observation/$lastn?patient=" + PATIENT,
    "Observation/$meta",
    graph("{ObservationList{id valueQuantity{value}}}"),
    graph('{DiagnosticReportList(status:"final"){id result{resource(optional:true){...on Observation{id}}}}}'),
    graph(f'{{Patient(id:"{PATIENT}"){{id ConditionList(_reference:patient){{id code{{text}}}}}}}}'),
    graph(f'{{ObservationConnection(patient:"{PATIENT}"){{count edges{{resource{{id}}}}}}}}'),
    Question(f"Patient/{PATIENT}/$graphql", "POST", "{ObservationList(_reference:subject){id}}", GRAPHQL),
)


async def test_c1_no_operation_crosses_over_to_what_is_hidden(world: World) -> None:
    await unchanged(world, OPERATIONS)


async def test_c1_a_generated_document_holds_nothing_hidden(world: World) -> None:
    owner, stranger = await stock(world), await world.client(STRANGER)
    composition = {"resourceType": "Composition", "id": "hospital-a-letter", "status": "final", "title": "紹介状"}
    composition |= {"type": {"text": "紹介状"}, "date": "2024-05-01", "subject": reference(f"Patient/{PATIENT}")}
    composition |= {"author": [reference("Practitioner/hospital-a-dr")]}
    sections = [{"title": "結果", "entry": [reference(f"Observation/{id_}") for id_ in (SEEN, SECRET)]}]
    await put(world, owner, {**composition, "section": sections})
    await secrets(world, owner)

    for address in ("Composition/hospital-a-letter/$document", f"Patient/{PATIENT}/$summary"):
        theirs, own = [await tell(world, caller, address) for caller in (stranger, owner)]
        assert (theirs.status, own.status) == (200, 200)
        assert "2345-7" in own.text
        assert [word for word in ("2345-7", "F20", "秘密", "極秘", "9.9") if word in theirs.text] == []


async def test_c1_the_hidden_is_to_operations_what_never_was(world: World) -> None:
    owner, stranger = await stock(world), await world.client(STRANGER)
    await secrets(world, owner)
    forms = [f"Patient/{{}}/${name}" for name in ("everything", "summary", "meta", "validate", "graphql?query={{id}}")]
    forms += ["Observation/$lastn?patient={}", "$diff?from=Patient/{}&to=Patient/{}"]

    for form in forms:
        told = []
        for id_ in (HIDDEN, "hospital-a-nobody"):
            answer = await tell(world, stranger, form.format(id_, id_))
            told.append((answer.status, answer.text.replace(id_, "ID")))
        assert told[0] == told[1], form


async def test_c2_an_entry_is_answered_as_if_it_came_alone(world: World) -> None:
    asked = (*CHAINS[:5], *BISECTED[:3], *COUNTS[:3], *ALIASES[:3])

    await unchanged(world, [*(bundle("batch", one) for one in asked), bundle("transaction", *asked)])


async def test_c2_an_entry_that_names_the_hidden_is_as_one_that_names_nothing(world: World) -> None:
    owner, stranger = await stock(world), await world.client(STRANGER)
    await secrets(world, owner)

    for kind in ("batch", "transaction"):
        told = []
        for id_ in (SECRET, "hospital-a-never"):
            answers = [bundle(kind, f"Observation/{id_}"), bundle(kind, f"Observation/{id_}/_history/1")]
            answers += [bundle(kind, f"Observation?_id={id_}"), bundle(kind, f"Observation/{id_}/$meta")]
            found = [await tell(world, stranger, one) for one in answers]
            told.append([(one.status, one.text.replace(id_, "ID")) for one in found])
        assert told[0] == told[1]
