"""A hub's own search parameters, from the definition to the answer."""

import asyncio
import json
from typing import Any

import pytest
from sqlalchemy import select

from app.access.directory import find_organisation
from app.records.commit import committed
from app.records.inside import inside_request
from app.records.page_links import HOUR
from app.records.prepare import prepare
from app.records.search_parameters.index import _BATCH
from app.records.search_parameters.kept import all_kept
from app.records.search_parameters.tables import ACTIVE, search_parameter_source
from app.records.superseded import clear_all
from app.records.writing import Writing
from fhir.search.extract import MOST_OWN
from fhir.spec.search_parameters import FIRST_OWN
from fhir.store.tables import INDEX_TABLES
from tests.fhir.search.test_plans import explained
from tests.search_parameters import a_search_parameter, all_indexed, indexed, own_parameter, status
from tests.world import World, a_consent, a_patient, an_observation

pytestmark = pytest.mark.anyio

EYES = "http://example.org/eyes"
CLINIC = "http://example.org/clinic"


def an_extension(url: str, **value: Any) -> dict[str, Any]:
    return {"extension": [{"url": url, **value}]}


async def _found(world: World, caller: dict[str, str], query: str) -> set[str]:
    response = await world.http.get(f"/fhir/{query}", headers=caller)
    assert response.status_code == 200, response.text
    return {one["resource"]["id"] for one in response.json().get("entry", ())}


async def _refusal(world: World, caller: dict[str, str], query: str) -> tuple[int, str, str]:
    response = await world.http.get(f"/fhir/{query}", headers=caller)
    issue = response.json()["issue"][0]
    return response.status_code, issue["code"], issue["diagnostics"]


TYPES: dict[str, tuple[str, str, dict[str, Any], list[str], list[str]]] = {
    "token": (
        f"Patient.extension('{EYES}').value.as(Coding)",
        "token",
        {"valueCoding": {"system": "urn:eyes", "code": "blue", "display": "Blue as the sea"}},
        ["blue", "urn:eyes|blue", "urn:eyes|"],
        ["green", "urn:other|blue"],
    ),
    "string": (
        f"Patient.extension.where(url='{EYES}').value.ofType(string)",
        "string",
        {"valueString": "ﾌﾞﾙｰ"},
        ["ブ", "ブルー"],
        ["ルー"],
    ),
    "date": (
        f"(Patient.extension.where(url = '{EYES}').value as date)",
        "date",
        {"valueDate": "2024-05-01"},
        ["2024-05", "lt2024-06", "ge2024-05-01"],
        ["2023", "gt2024-05-01"],
    ),
    "number": (f"Patient.extension('{EYES}').value", "number", {"valueInteger": 7}, ["7", "gt6"], ["8", "lt7"]),
    "quantity": (
        f"Patient.extension('{EYES}').value as Quantity",
        "quantity",
        {"valueQuantity": {"value": 1.5, "system": "http://unitsofmeasure.org", "code": "mm"}},
        ["1.5", "gt1||mm"],
        ["3", "1.5||cm"],
    ),
    "uri": (f"Patient.extension('{EYES}').value.as(uri)", "uri", {"valueUri": "urn:a:b"}, ["urn:a:b"], ["urn:a"]),
    "reference": (
        f"Patient.extension('{EYES}').value.as(Reference)",
        "reference",
        {"valueReference": {"reference": "Practitioner/eye-doctor"}},
        ["Practitioner/eye-doctor", "eye-doctor"],
        ["Practitioner/other"],
    ),
}


@pytest.mark.parametrize("name", TYPES)
async def test_each_type_finds_what_was_there_before_and_what_comes_after(world: World, name: str) -> None:
    expression, type_, value, hits, misses = TYPES[name]
    own = await world.client("hospital-a")
    before = (await world.post(own, a_patient(**an_extension(EYES, **value))))["id"]
    plain = (await world.post(own, a_patient()))["id"]

    await own_parameter(world, "eyes", "Patient", type_, expression)
    after = (await world.post(own, a_patient(**an_extension(EYES, **value))))["id"]

    for text in hits:
        assert await _found(world, own, f"Patient?eyes={text}") == {before, after}, text
    for text in misses:
        assert await _found(world, own, f"Patient?eyes={text}") == set(), text
    assert await _found(world, own, "Patient?eyes:missing=true") == {plain}
    assert await _found(world, own, "Patient?_filter=eyes pr true and not (gender eq female)") == {before, after}


async def test_an_update_and_a_deletion_are_followed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    own = await world.client("hospital-a")
    await own_parameter(world, "eyes", "Patient", "token", f"Patient.extension('{EYES}').value.as(code)")
    made = await world.post(own, a_patient(**an_extension(EYES, valueCode="blue")))
    address = f"/fhir/Patient/{made['id']}"

    await world.http.put(address, headers=own, json={**made, **an_extension(EYES, valueCode="green")})
    found = [await _found(world, own, f"Patient?eyes={code}") for code in ("blue", "green")]
    await world.http.delete(address, headers=own)

    assert found == [set(), {made["id"]}]
    assert await _found(world, own, "Patient?eyes=green") == set()
    # Pages that began before the update still read the row of the first version.
    assert await _rows(world) == 1

    later = world.hub.clock() + (world.hub.settings.page_link_hours + 1) * HOUR
    monkeypatch.setattr(world.hub, "clock", lambda: later)
    await clear_all(world.hub)
    assert await _rows(world) == 0


async def test_it_works_wherever_parameters_do(world: World) -> None:
    own = await world.client("hospital-a")
    await own_parameter(world, "eyes", "Patient", "token", f"Patient.extension('{EYES}').value.as(code)")
    await own_parameter(
        world, "clinic", "Observation", "reference", f"Observation.extension('{CLINIC}').value.as(Reference)"
    )
    blue, green = [
        (await world.post(own, a_patient(**an_extension(EYES, valueCode=code))))["id"] for code in ("blue", "green")
    ]
    place = (await world.post(own, {"resourceType": "Location", "name": "Eyes"}))["id"]
    link = an_extension(CLINIC, valueReference={"reference": f"Location/{place}"})
    seen = (await world.post(own, an_observation(blue, **link)))["id"]
    other = (await world.post(own, an_observation(green)))["id"]

    assert await _found(world, own, "Observation?patient.eyes=blue") == {seen}
    assert await _found(world, own, "Observation?clinic:Location.name=eyes") == {seen}
    assert await _found(world, own, "Location?_has:Observation:clinic:patient.eyes=blue") == {place}
    assert await _found(world, own, "Location?_has:Observation:clinic:patient.eyes=green") == set()
    assert await _found(world, own, "Observation?_include=Observation:clinic") == {seen, other, place}
    assert await _found(world, own, "Observation?_include=Observation:*") == {seen, other, place, blue, green}
    assert await _found(world, own, "Location?_revinclude=Observation:clinic:Location") == {seen, place}
    assert await _found(world, own, "Location?_revinclude=*") == {seen, place}
    assert await _found(world, own, "Patient?eyes:not=blue") == {green}
    for key, expected in (("eyes", [blue, green]), ("-eyes", [green, blue])):
        answer = (await world.http.get(f"/fhir/Patient?_sort={key}", headers=own)).json()
        assert [one["resource"]["id"] for one in answer["entry"]] == expected
    condition = {**own, "If-None-Exist": "eyes=blue"}
    found = await world.http.post("/fhir/Patient", headers=condition, json=a_patient())
    assert (found.status_code, found.json()["id"]) == (200, blue)


async def test_what_is_hidden_is_not_found_by_it(world: World) -> None:
    own, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    await own_parameter(world, "eyes", "Patient", "token", f"Patient.extension('{EYES}').value.as(code)")
    made = [(await world.post(own, a_patient(**an_extension(EYES, valueCode="blue"))))["id"] for _ in range(2)]
    for one in made:
        await world.post(own, an_observation(one))

    await world.post(own, a_consent(made[0], "clinic-c"))

    assert await _found(world, clinic, "Patient?eyes=blue") == {made[0]}
    assert await world.total(clinic, "Observation?patient.eyes=blue") == 1
    assert await world.total(own, "Observation?patient.eyes=blue") == 2


async def test_a_composite_of_one_element_and_one_of_the_resource(world: World) -> None:
    own = await world.client("hospital-a")
    r4 = "http://hl7.org/fhir/SearchParameter"
    parts = [
        {"definition": f"{r4}/clinical-code", "expression": "code"},
        {"definition": f"{r4}/Observation-component-value-quantity", "expression": "value.as(Quantity)"},
    ]
    patient = (await world.post(own, a_patient()))["id"]

    def component(code: str, value: float) -> dict[str, Any]:
        return {"code": {"coding": [{"code": code}]}, "valueQuantity": {"value": value}}

    right = await world.post(own, an_observation(patient, component=[component("a", 1), component("b", 2)]))
    await own_parameter(world, "part", "Observation", "composite", "Observation.component", component=parts)
    whole = [parts[0], {"definition": f"{r4}/Observation-status", "expression": "status"}]
    await own_parameter(world, "whole", "Observation", "composite", "Observation", component=whole)
    crossed = await world.post(own, an_observation(patient, component=[component("a", 2), component("b", 1)]))

    assert await _found(world, own, "Observation?part=a$1") == {right["id"]}
    assert await _found(world, own, "Observation?part=a$2,b$2") == {right["id"], crossed["id"]}
    assert await _found(world, own, "Observation?part:missing=true") == set()
    assert await _found(world, own, "Observation?whole=4548-4$final") == {right["id"], crossed["id"]}
    assert await _found(world, own, "Observation?whole=4548-4$amended") == set()


async def test_several_types_have_it_each_and_texts_of_codes_too(world: World) -> None:
    own = await world.client("hospital-a")
    await own_parameter(
        world,
        *("why", ["Encounter", "Procedure"], "token", "Encounter.reasonCode | Procedure.reasonCode"),
    )
    patient = (await world.post(own, a_patient()))["id"]
    reason = {"reasonCode": [{"coding": [{"code": "x"}], "text": "Bruises"}]}
    subject = {"subject": {"reference": f"Patient/{patient}"}}
    made = [
        await world.post(own, {"resourceType": "Procedure", "status": "completed", **subject, **reason}),
        await world.post(
            own, {"resourceType": "Encounter", "status": "finished", "class": {"code": "AMB"}, **subject, **reason}
        ),
    ]

    for one in made:
        assert await _found(world, own, f"{one['resourceType']}?why=x") == {one["id"]}
        assert await _found(world, own, f"{one['resourceType']}?why:text=bruis") == {one["id"]}
    assert (await _refusal(world, own, "Observation?why=x"))[0] == 400


@pytest.mark.parametrize("role", ["system", "doctor", "operator", "auditor"])
async def test_only_the_secretariat_writes_them_and_everybody_reads(world: World, role: str) -> None:
    caller = await world.client("hospital-a", role=role)
    definition = a_search_parameter("eyes", "Patient", "token", "Patient.gender")
    office = await world.client("secretariat", role="secretariat")
    made = await world.post(office, definition)

    refused = await world.http.post("/fhir/SearchParameter", headers=caller, json=definition)
    changed = await world.http.put(f"/fhir/SearchParameter/{made['id']}", headers=caller, json=made)
    read = await world.http.get(f"/fhir/SearchParameter/{made['id']}", headers=caller)

    assert (refused.status_code, changed.status_code, read.status_code) == (403, 403, 200)
    assert await status(world, caller, made["id"])


UNKNOWN = {"extension": [{"url": "http://example.org/unknown", "valueCode": "unknown"}]}
REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"expression": "Patient.name.first()"}, "SearchParameter.expression", "'first'"),
    ({"expression": "Patient.unheard"}, "SearchParameter.expression", "leads nowhere"),
    ({"expression": "Observation.status"}, "SearchParameter.expression", "leads to nothing in Patient"),
    ({"expression": "Patient.photo"}, "SearchParameter.expression", "leads to nothing in Patient that a token"),
    ({"expression": "Patient.name.where(use='a b')"}, "SearchParameter.expression", "'a b'"),
    ({"expression": "(" * 5000 + "Patient.name"}, "SearchParameter.expression", "up to 4000 characters"),
    ({"expression": "(" * 3000 + "Patient.name"}, "SearchParameter.expression", "outside"),
    ({"expression": "Patient.extension.value.extension.value.extension.value"}, "SearchParameter.expression", "more"),
    ({"expression": "Patient.name[99999999999]"}, "SearchParameter.expression", "outside"),
    ({"expression": None}, "SearchParameter.expression", "is needed"),
    ({"base": ["Resource"]}, "SearchParameter.base[0]", "no single resource type"),
    ({"code": "_eyes"}, "SearchParameter.code", "cannot be the name"),
    ({"code": "patient"}, "SearchParameter.code", "cannot be the name"),
    ({"code": "a.b"}, "SearchParameter.code", "cannot be the name"),
    ({"code": "gender", "expression": "Patient.active"}, "SearchParameter.code", "R4 has a search parameter"),
    ({"code": None, "_code": UNKNOWN}, "SearchParameter.code", "a value is needed"),
    ({"url": None, "_url": UNKNOWN}, "SearchParameter.url", "a value is needed"),
    (
        {"type": "composite", "component": [{"_definition": UNKNOWN, "expression": "name"}] * 2},
        "SearchParameter.component[0].definition",
        "a value is needed",
    ),
    ({"type": "special"}, "SearchParameter.type", "special"),
    ({"xpathUsage": "phonetic"}, "SearchParameter.xpathUsage", "only normal"),
    ({"type": "composite"}, "SearchParameter.component", "2 to 8"),
    (
        {"type": "composite", "component": [{"definition": "urn:x", "expression": "name"}] * 2},
        "SearchParameter.component[0].definition",
        "no search parameter of R4",
    ),
    (
        {"type": "reference", "expression": "Patient.managingOrganization", "target": ["Location"]},
        "SearchParameter.target",
        "Organization only",
    ),
]


@pytest.mark.parametrize(("fields", "where", "why"), REFUSED, ids=[f"{n}" for n in range(len(REFUSED))])
async def test_what_is_not_understood_is_refused_with_the_part(
    world: World, fields: dict[str, Any], where: str, why: str
) -> None:
    office = await world.client("secretariat", role="secretariat")
    definition = a_search_parameter("eyes", "Patient", "token", "Patient.gender") | fields
    definition = {name: value for name, value in definition.items() if value is not None}

    refused = await world.http.post("/fhir/SearchParameter", headers=office, json=definition)

    issue = refused.json()["issue"][0]
    assert refused.status_code == 422
    assert issue["expression"] == [where]
    assert why in issue["diagnostics"]
    assert await all_kept(world.hub.database.reader) == []
    draft = await world.http.post("/fhir/SearchParameter", headers=office, json={**definition, "status": "draft"})
    assert draft.status_code == 201


async def test_the_same_twice_is_one_and_another_of_its_name_is_refused(world: World) -> None:
    own = await world.client("hospital-a")
    office = await world.client("secretariat", role="secretariat")
    first = await own_parameter(world, "sex", "Patient", "token", "Patient.gender")
    second = await world.post(office, a_search_parameter("sex", "Patient", "token", "(Patient.gender)", url="urn:x"))
    made = (await world.post(own, a_patient()))["id"]

    other = a_search_parameter("sex", "Patient", "token", "Patient.active")
    refused = await world.http.post("/fhir/SearchParameter", headers=office, json=other)
    as_r4 = await world.post(office, a_search_parameter("gender", "Patient", "token", "Patient.gender"))

    assert (refused.status_code, refused.json()["issue"][0]["code"]) == (422, "duplicate")
    assert len(await all_kept(world.hub.database.reader)) == 1
    assert await status(world, office, as_r4["id"]) == {"Patient": ("active", 100)}
    await world.http.delete(f"/fhir/SearchParameter/{first}", headers=office)
    assert await status(world, office, second["id"]) == {"Patient": ("active", 100)}
    assert await _found(world, own, "Patient?sex=male") == {made}


async def test_what_is_retired_is_refused_at_once_and_its_rows_go(world: World) -> None:
    own = await world.client("hospital-a")
    office = await world.client("secretariat", role="secretariat")
    await world.post(own, a_patient())
    id_ = await own_parameter(world, "sex", "Patient", "token", "Patient.gender")
    before = (await world.http.get(f"/fhir/SearchParameter/{id_}", headers=office)).json()
    assert await _found(world, own, "Patient?sex=male")

    retired = await world.http.put(f"/fhir/SearchParameter/{id_}", headers=office, json={**before, "status": "retired"})

    assert retired.status_code == 200
    assert (await _refusal(world, own, "Patient?sex=male"))[:2] == (400, "invalid")
    assert await status(world, office, id_) == {"Patient": ("off", 0)}
    await all_indexed(world)
    assert await _rows(world) == 0
    again = await world.http.put(f"/fhir/SearchParameter/{id_}", headers=office, json=before)
    assert again.status_code == 200
    await indexed(world, office, id_)
    assert await _found(world, own, "Patient?sex=male")


async def test_another_expression_is_indexed_anew(world: World) -> None:
    own = await world.client("hospital-a")
    office = await world.client("secretariat", role="secretariat")
    made = (await world.post(own, a_patient(active=True)))["id"]
    id_ = await own_parameter(world, "sex", "Patient", "token", "Patient.gender")
    before = (await world.http.get(f"/fhir/SearchParameter/{id_}", headers=office)).json()

    await world.http.put(
        f"/fhir/SearchParameter/{id_}", headers=office, json={**before, "expression": "Patient.active"}
    )
    await indexed(world, office, id_)

    assert await _found(world, own, "Patient?sex=male") == set()
    assert await _found(world, own, "Patient?sex=true") == {made}
    await all_indexed(world)
    assert await _rows(world) == 1


async def test_its_rules_are_kept(world: World) -> None:
    own = await world.client("hospital-a")
    await own_parameter(
        world,
        *("born", "Patient", "date", "Patient.birthDate"),
        comparator=["eq", "ge"],
        multipleOr=False,
        multipleAnd=False,
        modifier=["missing"],
    )
    await own_parameter(world, "called", "Patient", "string", "Patient.name.family", modifier=["exact"])
    made = (await world.post(own, a_patient()))["id"]

    assert await _found(world, own, "Patient?born=ge1960") == {made}
    assert await _found(world, own, "Patient?born:missing=false") == {made}
    assert await _found(world, own, "Patient?called:exact=山田") == {made}
    for query in (
        "born=lt2000",
        "born=1960,1961",
        "born=1960&born=1960-01",
        "called:contains=田",
        "called:missing=true",
    ):
        assert (await _refusal(world, own, f"Patient?{query}"))[:2] == (400, "not-supported"), query


async def test_a_reference_leads_to_its_targets_only(world: World) -> None:
    own = await world.client("hospital-a")
    await own_parameter(world, "who", "Observation", "reference", "Observation.performer", target=["Practitioner"])

    assert await world.total(own, "Observation?who:Practitioner.name=x") == 0
    assert (await _refusal(world, own, "Observation?who:Organization.name=x"))[0] == 400


async def test_the_statement_of_capabilities_names_it(world: World) -> None:
    await own_parameter(world, "sex", "Patient", "token", "Patient.gender")

    statement = (await world.http.get("/fhir/metadata")).json()

    (patient,) = [one for one in statement["rest"][0]["resource"] if one["type"] == "Patient"]
    assert {
        "name": "sex",
        "definition": "http://example.org/SearchParameter/Patient-sex",
        "type": "token",
    } in patient["searchParam"]


async def test_there_are_bounds(world: World) -> None:
    own = await world.client("hospital-a")
    office = await world.client("secretariat", role="secretariat")
    await own_parameter(world, "tel", "Patient", "token", "Patient.telecom")
    many = [{"system": "phone", "value": f"n{number}"} for number in range(MOST_OWN + 1)]
    made = (await world.post(own, a_patient(telecom=many)))["id"]
    world.hub.settings = world.hub.settings.model_copy(update={"own_search_parameters": 1})

    refused = await world.http.post(
        "/fhir/SearchParameter", headers=office, json=a_search_parameter("sex", "Patient", "token", "Patient.gender")
    )

    assert refused.status_code == 422
    assert refused.json()["issue"][0]["code"] == "too-costly"
    assert await _found(world, own, f"Patient?tel=n{MOST_OWN - 1}") == {made}
    assert await _found(world, own, f"Patient?tel=n{MOST_OWN}") == set()


async def test_a_transaction_that_fails_leaves_the_set_as_it_was(world: World) -> None:
    office = await world.client("secretariat", role="secretariat")
    good = a_search_parameter("sex", "Patient", "token", "Patient.gender")
    bad = a_search_parameter("eyes", "Patient", "token", "Patient.eyes")
    entries = [{"resource": one, "request": {"method": "POST", "url": "SearchParameter"}} for one in (good, bad)]

    response = await world.http.post(
        "/fhir", headers=office, json={"resourceType": "Bundle", "type": "transaction", "entry": entries}
    )

    assert response.status_code == 422
    assert await all_kept(world.hub.database.reader) == []
    assert await world.hub.database.reader.fetch(select(search_parameter_source), {}) == []


async def test_a_write_that_is_under_way_is_waited_for(world: World) -> None:
    """It tested the set before the parameter came, and is not committed yet."""
    own = await world.client("hospital-a")
    office = await world.client("secretariat", role="secretariat")
    async with world.hub.database.write() as connection:
        site = await find_organisation(connection, "hospital-a")
    request = await inside_request(world.hub, site, "POST", "/fhir/")
    prepared = prepare(json.dumps(a_patient()).encode(), request.authority)
    begun, go = asyncio.Event(), asyncio.Event()

    async def work(writing: Writing) -> str:
        stored = await writing.create(prepared)
        begun.set()
        await go.wait()
        return stored.id

    late = asyncio.create_task(committed(request, work))
    await begun.wait()
    definition = a_search_parameter("sex", "Patient", "token", "Patient.gender")
    posted = asyncio.create_task(world.http.post("/fhir/SearchParameter", headers=office, json=definition))
    await asyncio.sleep(0.5)
    active = [one for one in await all_kept(world.hub.database.reader) if one.state == ACTIVE]

    go.set()

    id_ = await late
    await indexed(world, office, (await posted).json()["id"])
    assert active == []
    assert await _found(world, own, "Patient?sex=male") == {id_}


async def _rows(world: World) -> int:
    """Return how many index rows own parameters have."""
    counts = [
        len(await world.hub.database.reader.fetch(select(table.c.row).where(table.c.parameter >= FIRST_OWN), {}))
        for table in INDEX_TABLES
    ]
    return sum(counts)


async def test_indexing_goes_along_the_order_of_time_without_sorting(world: World) -> None:
    lines = await explained(world.hub, _BATCH)

    assert [line for line in lines if "ix_resource_type" in line]
    assert [line for line in lines if "TEMP B-TREE" in line or line.startswith("Sort")] == []
