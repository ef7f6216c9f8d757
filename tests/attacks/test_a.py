"""A1 to A13: a search tells nothing of what its caller may not see, however it is asked."""

import json

import pytest

from tests.app.imaging.test_canary import make_one_person
from tests.attacks.probe import (
    HIDDEN,
    NUMBER,
    PATIENT,
    SAME_NUMBER,
    SECRET,
    SEEN,
    STRANGER,
    Question,
    form,
    put,
    reference,
    secret,
    secrets,
    stock,
    tell,
    unchanged,
)
from tests.world import World, a_consent, a_patient, an_observation

pytestmark = pytest.mark.anyio

CHAINS = (
    "Patient?_has:Observation:patient:code=2345-7",
    "Patient?_has:Observation:patient:value-quantity=gt9",
    "Patient?_has:Condition:patient:code=F20",
    "Patient?_has:Observation:patient:_has:DiagnosticReport:result:status=amended",
    "Observation?_has:DiagnosticReport:result:status=amended",
    "Observation?_has:Observation:has-member:code=2345-7",
    "Observation?patient._has:Condition:patient:code=F20",
    "DiagnosticReport?result.code=2345-7",
    "DiagnosticReport?result.has-member:Observation.code=4548-4",
    "Practitioner?_has:Observation:performer:code=2345-7",
    "Practitioner?_has:Observation:performer:patient.name=秘密",
    "Practitioner?_has:Patient:general-practitioner:name=秘密",
)
BISECTED = (
    "Observation?value-quantity=gt9",
    "Observation?value-quantity=gt9.8&value-quantity=lt10",
    "Observation?code-value-quantity=2345-7$gt9",
    "Observation?combo-code-value-quantity=http://loinc.org|2345-7$9.9",
    "Patient?_has:Observation:patient:code-value-quantity=2345-7$gt9",
    "DiagnosticReport?result.code-value-quantity=2345-7$gt9",
)
NEGATIVES = (
    "Observation?code:not=4548-4",
    "Observation?code:not-in=http://example.org/vs",
    "Observation?has-member:missing=false",
    "Observation?status:not=final",
    "Patient?_has:Observation:patient:code:not=4548-4",
    "Patient?_has:Observation:patient:has-member:missing=false",
    f"Patient?_id:not={PATIENT}",
    "Observation?_filter=not (code eq 4548-4)",
)
COUNTS = (
    "Observation?_summary=count",
    "Observation?_total=accurate&_count=1",
    "Observation?_total=estimate&_count=1",
    "Observation?_count=0",
    "Patient?_summary=count",
    "?_type=Observation,Condition,DiagnosticReport&_summary=count",
    f"Patient/{PATIENT}/Observation?_summary=count",
)
INCLUDES = (
    "DiagnosticReport?_include=DiagnosticReport:result",
    "DiagnosticReport?_include=*",
    "DiagnosticReport?_include=DiagnosticReport:*",
    "DiagnosticReport?_include=DiagnosticReport:result&_include:iterate=Observation:has-member",
    f"Observation?_id={SEEN}&_revinclude=Observation:has-member",
    f"Observation?_id={SEEN}&_revinclude=DiagnosticReport:result",
    f"Observation?_id={SEEN}&_revinclude=*",
    f"Patient?_id={PATIENT}&_revinclude=Condition:patient",
    f"Patient?_id={PATIENT}&_revinclude=Observation:subject&_revinclude:iterate=DiagnosticReport:result",
    "Practitioner?_id=hospital-a-dr&_revinclude=Observation:performer",
    "Practitioner?_id=hospital-a-dr&_revinclude=Patient:general-practitioner",
)
TEXTS = (
    "Observation?_content=秘密",
    "Observation?_text=極秘",
    "Condition?_content=秘密",
    "Patient?_content=秘密",
    "Observation?code:text=秘密",
    "Observation?_filter=value-quantity gt 9",
    'Observation?_filter=code eq 2345-7 or status eq "amended"',
    "Patient?_filter=_has:Observation:patient:code eq 2345-7",
)
ALIASES = (
    f"Observation?subject=Patient/{HIDDEN}",
    f"Observation?subject:Patient={HIDDEN}",
    f"Observation?patient={HIDDEN}",
    f"Observation?patient=Patient/{HIDDEN}",
    f"Observation?patient=http://127.0.0.1:8080/fhir/Patient/{HIDDEN}",
    f"Observation?patient={PATIENT},{HIDDEN}",
    f"Observation?patient.identifier={NUMBER}|01130012",
    f"Observation?patient.identifier={SAME_NUMBER}|01130012",
    "Observation?patient.identifier=01130012",
    "Observation?subject:Patient.identifier=01130012",
    f"Observation?patient._id={HIDDEN}",
    f"Patient?identifier={NUMBER}|01130012",
    f"Patient?identifier={SAME_NUMBER}|01130012",
    f"Patient?_id={HIDDEN}",
    f"?_type=Observation&patient={HIDDEN}",
)


async def test_a1_has_is_no_oracle(world: World) -> None:
    await unchanged(world, CHAINS)


async def test_a2_values_cannot_be_bisected(world: World) -> None:
    await unchanged(world, BISECTED)


async def test_a3_no_order_tells_a_hidden_value(world: World) -> None:
    await unchanged(
        world,
        [
            "Observation?_sort=status&_count=1",
            "Observation?_sort=-value-quantity&_count=1",
            "Observation?_sort=date&_count=2",
            "DiagnosticReport?_sort=result.date&status=final",
            "DiagnosticReport?_sort=result.status&status=final",
        ],
    )


async def test_a4_negatives_do_not_find_what_is_hidden(world: World) -> None:
    values = {"resourceType": "ValueSet", "id": "hospital-b-vs", "url": "http://example.org/vs", "status": "active"}
    included = [{"system": "http://loinc.org", "concept": [{"code": "4548-4"}]}]
    await put(world, await world.client("hospital-b"), {**values, "compose": {"include": included}})

    await unchanged(world, NEGATIVES)


async def test_a5_no_count_counts_what_is_hidden(world: World) -> None:
    await unchanged(
        world, [*COUNTS, Question("$graphql", "POST", "{ObservationConnection{count}}", "application/graphql")]
    )


async def test_a6_pages_are_full_and_end_where_the_visible_ends(world: World) -> None:
    owner, stranger = await stock(world), await world.client(STRANGER)

    async def pages(query: str) -> list[tuple[list[str], list[str]]]:
        """Return the ids and the links of each page."""
        found, address = [], f"/fhir/{query}"
        while address:
            bundle = (await world.http.get(address, headers=stranger)).json()
            ids = [entry["resource"]["id"] for entry in bundle.get("entry", ())]
            links = {link["relation"]: link["url"] for link in bundle["link"]}
            found.append((ids, sorted(links)))
            address = links.get("next", "")
        return found

    queries = [f"Observation?_sort={key}&_count={count}" for key in ("date", "-date", "_id") for count in (1, 2, 3)]
    before = [await pages(query) for query in queries]
    await secrets(world, owner)
    after = [await pages(query) for query in queries]

    assert after == before
    assert [len(one) for one in before] == [3, 2, 1] * 3


async def test_a7_nothing_hidden_is_included(world: World) -> None:
    await unchanged(world, INCLUDES)


@pytest.mark.parametrize("part", ["_elements=id", "_elements=code", "_summary=true", "_summary=text", "_summary=data"])
async def test_a8_a_part_hides_no_label(world: World, part: str) -> None:
    await unchanged(world, [f"Observation?{part}", f"Condition?{part}"])
    owner, stranger = await world.client("hospital-a"), await world.client(STRANGER)
    mark = {"system": "http://renkei.example/fhir/CodeSystem/disclosure", "code": "UNINFORMED"}
    await put(world, owner, an_observation(PATIENT, id="hospital-a-marked", meta={"security": [mark]}))

    for address in (f"Observation/hospital-a-marked?{part}", f"Observation?_id=hospital-a-marked&{part}"):
        told = json.loads((await tell(world, stranger, address)).text)
        shown = told if told["resourceType"] == "Observation" else told["entry"][0]["resource"]
        assert mark in shown["meta"]["security"]


async def test_a9_what_is_contained_is_as_hidden_as_what_contains_it(world: World) -> None:
    inside = {"resourceType": "Practitioner", "id": "p", "name": [{"family": "秘密"}]}
    fields = {"id": SECRET, "contained": [inside], "performer": [reference("#p")]}

    async def contained(world: World, owner: dict[str, str]) -> None:
        await put(world, owner, secret(an_observation(PATIENT, **fields)))

    await unchanged(world, ["Observation", "Observation?_summary=count", f"Observation?_id={SECRET}"], contained)
    owner, stranger = await world.client("hospital-a"), await world.client(STRANGER)
    for caller in (owner, stranger):
        for query in ("Practitioner?name=秘密", "Observation?performer:Practitioner.name=秘密"):
            assert await world.total(caller, query) == 0
        assert (await tell(world, caller, "Practitioner?_contained=true&name=秘密")).status == 400
        assert (await tell(world, caller, "Practitioner/p")).status == 404


async def test_a10_texts_and_filters_are_no_oracle(world: World) -> None:
    await unchanged(world, TEXTS)


async def test_a11_a_form_finds_no_more_than_an_address(world: World) -> None:
    asked = (*CHAINS[:4], *BISECTED[:4], *COUNTS[:5], *INCLUDES[:4], *TEXTS[:4], *ALIASES[:4])

    await unchanged(world, [form(query) for query in asked])


async def test_a12_by_no_name_of_a_hidden_patient(world: World) -> None:
    await unchanged(world, ALIASES)


async def test_a13_an_own_patient_is_no_way_to_the_records_of_the_same_person_elsewhere(world: World) -> None:
    stranger = await world.client(STRANGER)
    await put(world, stranger, a_patient(id="clinic-c-own"))
    await put(world, stranger, an_observation("clinic-c-own", id="clinic-c-result"))
    asked = ("Observation?patient=clinic-c-own", "Patient?_id=clinic-c-own", "Patient/clinic-c-own/$everything")
    asked += (f"Observation?patient={HIDDEN}", "Patient?_summary=count", "Observation?patient.name=秘密")
    owner = await stock(world)
    before = [await tell(world, stranger, one) for one in asked]
    await secrets(world, owner)
    await make_one_person(world, "clinic-c-own", HIDDEN)

    linked = [await tell(world, stranger, one) for one in asked]
    await world.post(owner, a_consent(HIDDEN, STRANGER))
    permitted = [await tell(world, stranger, one) for one in asked]

    assert linked == before
    assert [one for one, early, late in zip(asked, linked, permitted, strict=True) if early == late] == [asked[1]]
