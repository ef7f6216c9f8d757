"""`$graphql` reads what exists for the caller, by the searches and reads of the hub, and is on record as they are."""

import json
from typing import Any

import httpx
import pytest

from app.records.graphql import load
from tests.portal import recorded
from tests.world import World, a_consent, a_patient, an_observation

pytestmark = pytest.mark.anyio


async def ask(world: World, caller: dict[str, str], query: str, at: str = "", **more: Any) -> httpx.Response:
    return await world.http.post(f"/fhir/{at}$graphql", headers=caller, json={"query": query, **more})


async def data(world: World, caller: dict[str, str], query: str, at: str = "", **more: Any) -> Any:
    response = await ask(world, caller, query, at, **more)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("application/json")
    return response.json()["data"]


def refusal(response: httpx.Response) -> tuple[int, str]:
    """Return status and issue type of a failure, whose form is GraphQL's."""
    body = response.json()
    (error,) = body["errors"]
    assert body["data"] is None
    assert error["message"]
    outcome = error["extensions"]["resource"]
    assert outcome["resourceType"] == "OperationOutcome"
    return response.status_code, outcome["issue"][0]["code"]


async def a_record(world: World, hospital: dict[str, str], **fields: Any) -> tuple[str, str, list[str]]:
    """Return a patient, a doctor and three Observations that refer to both."""
    patient = (await world.post(hospital, a_patient()))["id"]
    doctor = (await world.post(hospital, {"resourceType": "Practitioner", "name": [{"family": "佐藤"}]}))["id"]
    by = [{"reference": f"Practitioner/{doctor}"}]
    made = [
        await world.post(
            hospital, an_observation(patient, performer=by, effectiveDateTime=f"2024-05-0{day}T10:00:00Z", **fields)
        )
        for day in (1, 2, 3)
    ]
    return patient, doctor, [one["id"] for one in made]


async def test_a_resource_is_queried_by_every_way_of_asking(world: World) -> None:
    hospital = await world.client("hospital-a")
    sent = (
        '{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":6.30,"unit":"%"}}'
    )
    made = (await world.http.post("/fhir/Observation", headers=hospital, content=sent)).json()["id"]
    query, address = "{ status valueQuantity { value } }", f"/fhir/Observation/{made}/$graphql"
    parameters = {"resourceType": "Parameters", "parameter": [{"name": "query", "valueString": query}]}

    answers = [
        await world.http.get(address, headers=hospital, params={"query": query}),
        await world.http.post(address, headers=hospital, json={"query": query}),
        await world.http.post(address, headers=hospital | {"Content-Type": "application/graphql"}, content=query),
        await world.http.post(address, headers=hospital | {"Content-Type": "application/fhir+json"}, json=parameters),
    ]

    for answer in answers:
        assert (answer.status_code, answer.text) == (
            200,
            '{"data":{"status":"final","valueQuantity":{"value":6.30}}}',
        )


async def test_variables_and_operations_are_chosen(world: World) -> None:
    hospital = await world.client("hospital-a")
    _, _, made = await a_record(world, hospital)
    query = "query A($id: ID!) { Observation(id: $id) { status } } query B { PatientList { id } }"

    answer = await data(world, hospital, query, variables={"id": made[0]}, operationName="A")
    by_get = await world.http.get(
        "/fhir/$graphql",
        headers=hospital,
        params={"query": query, "variables": json.dumps({"id": made[0]}), "operationName": "A"},
    )

    assert answer == by_get.json()["data"] == {"Observation": {"status": "final"}}


async def test_references_and_reverse_references_are_followed(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient, doctor, made = await a_record(world, hospital)

    answer = await data(
        world,
        hospital,
        """{ name { family }
             ObservationList(_reference: patient, _sort: "date", status: [final, amended]) {
               id performer { reference resource { ... on Practitioner { name { family } } } }
               subject { resource(type: Patient) { id birthDate } }
               subject2: subject { resource(type: Group) { id } } } }""",
        f"Patient/{patient}/",
    )

    assert answer["name"] == [{"family": "山田"}]
    assert [one["id"] for one in answer["ObservationList"]] == made
    assert answer["ObservationList"][0] == {
        "id": made[0],
        "performer": [{"reference": f"Practitioner/{doctor}", "resource": {"name": [{"family": "佐藤"}]}}],
        "subject": {"resource": {"id": patient, "birthDate": "1960-01-02"}},
        "subject2": {},
    }


async def test_lists_are_searches(world: World) -> None:
    hospital = await world.client("hospital-a")
    _, _, made = await a_record(world, hospital)

    answer = await data(
        world,
        hospital,
        """{ all: ObservationList(_sort: "-date") { id }
             some: ObservationList(_sort: "date", _count: 2) { id }
             by_id: ObservationList(_id: ["ONE", "none"]) { id }
             filtered: ObservationList(_filter: "status eq amended") { id }
             dated: ObservationList(date: "2024-05-02", code: "http://loinc.org|4548-4") { id }
             by_path: ObservationList(fhirpath: "effective = '2024-05-03T10:00:00Z'") { id }
             comma: ObservationList(_id: "ONE,TWO") { id } }""".replace("ONE", made[0]).replace("TWO", made[1]),
    )

    found = {key: [one["id"] for one in value] for key, value in answer.items()}
    assert found == {
        "all": made[::-1],
        "some": made[:2],
        "by_id": made[:1],
        "filtered": [],
        "dated": made[1:2],
        "by_path": made[2:],
        "comma": [],
    }


async def test_lists_and_references_are_shaped_too(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient, doctor, made = await a_record(world, hospital)

    answer = await data(
        world,
        hospital,
        """{ one: ObservationList(_sort: "date") @first { id }
             ObservationList(_sort: "date") @flatten { ids: id performer @flatten { resource @flatten {
               ... on Practitioner { doctors: id } } } }
             at: ObservationList(_sort: "date") @slice(path: "$index") { id @singleton } }""",
    )

    assert answer == {
        "one": {"id": made[0]},
        "ids": made,
        "doctors": [doctor] * 3,
        "at.0": [{"id": made[0]}],
        "at.1": [{"id": made[1]}],
        "at.2": [{"id": made[2]}],
    }
    several = await ask(world, hospital, "{ ObservationList @singleton { id } }")
    assert refusal(several) == (422, "processing")
    assert (await data(world, hospital, "{ ConditionList { id } x: ConditionList @first { id } }")) == {
        "ConditionList": []
    }
    assert patient


async def test_a_version_and_a_resource_inside_are_resolved(world: World) -> None:
    hospital = await world.client("hospital-a")
    doctor = await world.post(hospital, {"resourceType": "Practitioner", "name": [{"family": "佐藤"}]})
    named = f"/fhir/Practitioner/{doctor['id']}"
    await world.http.put(named, headers=hospital, json={**doctor, "name": [{"family": "鈴木"}]})
    own = world.hub.settings.fhir_address
    links = [f"Practitioner/{doctor['id']}{more}" for more in ("", "/_history/1", "/_history/9", "/x")]
    links += ["#inside", f"{own}/{links[0]}", "http://other.example/fhir/Practitioner/1", "urn:uuid:1"]
    inside = {"resourceType": "Practitioner", "id": "inside", "name": [{"family": "高橋"}]}
    made = await world.post(
        hospital,
        {
            "resourceType": "Basic",
            "code": {"text": "x"},
            "contained": [inside],
            "extension": [{"url": "u", "valueReference": {"reference": link}} for link in links],
        },
    )

    answer = await data(
        world,
        hospital,
        "{ extension { valueReference { resource(optional: true) { ... on Practitioner { name { family } } } } } }",
        f"Basic/{made['id']}/",
    )

    found = [one["valueReference"].get("resource") for one in answer["extension"]]
    families = [one["name"][0]["family"] if one else None for one in found]
    assert families == ["鈴木", "佐藤", None, None, "高橋", "鈴木", None, None]


async def test_a_connection_has_pages(world: World) -> None:
    hospital = await world.client("hospital-a")
    _, _, made = await a_record(world, hospital)
    fields = "{ count offset pagesize first previous next last edges { mode score resource { id } } }"

    first = await data(world, hospital, f'{{ p: ObservationConnection(_sort: "date", _count: 2) {fields} }}')
    cursor = first["p"]["next"]
    second = await data(world, hospital, f'{{ p: ObservationConnection(_cursor: "{cursor}") {fields} }}')
    again = await data(world, hospital, f'{{ p: ObservationConnection(_cursor: "{second["p"]["first"]}") {fields} }}')

    pages = [one["p"] for one in (first, second, again)]
    assert [[edge["resource"]["id"] for edge in page["edges"]] for page in pages] == [made[:2], made[2:], made[:2]]
    assert [(page["count"], page["offset"], page["pagesize"]) for page in pages] == [(3, 0, 2), (3, 2, 2), (3, 0, 2)]
    assert ["next" in page for page in pages] == [True, False, True]
    assert {edge["mode"] for page in pages for edge in page["edges"]} == {"match"}


async def test_a_cursor_is_good_for_its_caller_only(world: World) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    await a_record(world, hospital)
    first = await data(world, hospital, "{ p: ObservationConnection(_count: 2) { next } }")

    for caller, cursor in ((clinic, first["p"]["next"]), (hospital, first["p"]["next"] + "A"), (hospital, "x")):
        answer = await ask(world, caller, f'{{ ObservationConnection(_cursor: "{cursor}") {{ count }} }}')
        assert refusal(answer) == (400, "invalid")


async def test_what_is_hidden_does_not_exist(world: World) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    patient, doctor, made = await a_record(world, hospital)
    own = (await world.post(clinic, a_patient(link=[{"other": {"reference": "Patient/none"}, "type": "seealso"}])))[
        "id"
    ]
    linked = {"reference": f"Observation/{made[0]}"}
    basic = {"resourceType": "Basic", "code": {"text": "x"}, "subject": linked}
    other = {**basic, "subject": {"reference": "Observation/none"}}
    ids = [(await world.post(clinic, one))["id"] for one in (basic, other)]
    follow = "{ subject { resource%s { ... on Observation { status } } } }"

    hidden, never = [await ask(world, clinic, follow % "", f"Basic/{id_}/") for id_ in ids]
    optional = [await data(world, clinic, follow % "(optional: true)", f"Basic/{id_}/") for id_ in ids]
    reads = [await ask(world, clinic, f'{{ Patient(id: "{id_}") {{ id }} }}') for id_ in (patient, "none")]
    instances = [await ask(world, clinic, "{ id }", f"Patient/{id_}/") for id_ in (patient, "none")]
    lists = await data(
        world,
        clinic,
        """{ PatientList { id } ObservationConnection { count } PractitionerList { id }
             Patient(id: "OWN") { link { other { resource(optional: true) { ... on Patient { id } } } } } }""".replace(
            "OWN", own
        ),
    )

    assert refusal(hidden) == refusal(never) == (404, "not-found")
    assert hidden.text.replace(made[0], "none") == never.text
    assert optional == [{"subject": {}}] * 2
    assert [refusal(one) for one in (*reads, *instances)] == [(404, "not-found")] * 4
    assert reads[0].text.replace(patient, "none") == reads[1].text
    assert lists["PatientList"] == [{"id": own}]
    assert lists["ObservationConnection"] == {"count": 0}
    assert lists["PractitionerList"] == [{"id": doctor}]
    assert lists["Patient"] == {"link": [{"other": {}}]}


async def test_consent_opens_and_closes(world: World) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    patient, _, _ = await a_record(world, hospital)
    query = "{ ObservationList { id subject { resource { ... on Patient { id } } } } }"
    before = await data(world, clinic, query)
    consent = await world.post(hospital, a_consent(patient, "clinic-c"))

    during = await data(world, clinic, query)
    await world.http.put(f"/fhir/Consent/{consent['id']}", headers=hospital, json={**consent, "status": "inactive"})
    after = await data(world, clinic, query)

    assert before == after == {"ObservationList": []}
    assert [one["subject"]["resource"] for one in during["ObservationList"]] == [{"id": patient}] * 3


async def test_every_patient_that_is_read_is_on_record_with_the_query(world: World) -> None:
    hospital = await world.client("hospital-a")
    patients = [(await a_record(world, hospital))[0] for _ in range(2)]
    before = len(await recorded(world))
    query = "{ ObservationList { subject { resource { ... on Patient { birthDate } } } } }"

    await data(world, hospital, query)

    events = (await recorded(world))[before:]
    assert {one.patient for one in events} == {f"Patient/{id_}" for id_ in patients}
    assert {one.action for one in events} == {"E"}
    assert all("ObservationList" in (one.query or "") for one in events)
    assert all(f"{one.patient}/_history/1" in one.entities for one in events)
    assert [len(one.entities) for one in events] == [4, 4]


async def test_references_of_many_resources_are_read_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    hospital = await world.client("hospital-a")
    for _ in range(3):
        await a_record(world, hospital)
    asked: list[int] = []
    resolve = load.Loading._resolve

    async def noted(self: load.Loading, links: Any) -> None:
        asked.append(len(set(links)))
        await resolve(self, links)

    monkeypatch.setattr(load.Loading, "_resolve", noted)

    answer = await data(
        world, hospital, "{ ObservationList { performer { resource { ... on Practitioner { id } } } } }"
    )

    assert len(answer["ObservationList"]) == 9
    assert asked == [3, 0]


async def test_costs_are_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    hospital = await world.client("hospital-a")
    await a_record(world, hospital)
    queries = {
        "searches": """{ ObservationList { subject { resource { ... on Patient {
            ConditionList(_reference: patient) { id } a: ConditionList(_reference: patient) { id }
            b: ConditionList(_reference: patient) { id } } } } } }""",
        "resources": "{ ObservationList { subject { resource { ... on Patient { id } } } } }",
    }
    monkeypatch.setattr(load, "MOST_SEARCHES", 3)
    searches = await ask(world, hospital, queries["searches"])
    monkeypatch.setattr(load, "MOST_RESOURCES", 3)
    resources = await ask(world, hospital, queries["resources"])
    settings = world.hub.settings.model_copy(update={"page_entries_limit": 2})
    monkeypatch.setattr(world.hub, "settings", settings)
    whole = await ask(world, hospital, "{ ObservationList { id } }")
    too_many = await ask(world, hospital, "{ ObservationList(_count: 3) { id } }")
    some = await data(world, hospital, "{ ObservationList(_count: 2) { id } }")

    assert [refusal(one) for one in (searches, resources, whole, too_many)] == [(403, "too-costly")] * 4
    assert len(some["ObservationList"]) == 2


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"", "application/json", 400),
        (b"{}", "application/json", 400),
        (b'{"query": 1}', "application/json", 400),
        (b'{"query": "{ PatientList { id } }", "variables": 1}', "application/json", 400),
        (b'{"query": "{ PatientList { id } }", "colour": 1}', "application/json", 400),
        (b"{ PatientList", "application/graphql", 400),
        (b"\xff", "application/graphql", 400),
        (b"{ PatientList { id } }", "text/plain", 415),
        (b'{"query": "' + b"x" * 300_000 + b'"}', "application/json", 413),
        (b'{"query": "{ PatientList(_include: x) { id } }"}', "application/json", 400),
        (b'{"query": "{ PatientList(birthdate: nonsense) { id } }"}', "application/json", 400),
        (b'{"query": "{ Patient(id: 1) { nothing } }"}', "application/json", 400),
    ],
)
async def test_what_is_no_query_is_refused_in_the_form_of_graphql(
    world: World, body: bytes, kind: str, status: int
) -> None:
    hospital = await world.client("hospital-a")

    answer = await world.http.post("/fhir/$graphql", headers=hospital | {"Content-Type": kind}, content=body)

    assert refusal(answer)[0] == status, answer.text


async def test_inside_a_batch_the_answer_is_a_binary(world: World) -> None:
    hospital = await world.client("hospital-a")
    await world.post(hospital, a_patient())
    get = {"request": {"method": "GET", "url": "$graphql?query={PatientList{gender}}"}}
    batch = {"resourceType": "Bundle", "type": "batch", "entry": [get]}

    (entry,) = (await world.http.post("/fhir", headers=hospital, json=batch)).json()["entry"]

    assert entry["response"]["status"] == "200"
    assert (entry["resource"]["resourceType"], entry["resource"]["contentType"]) == (
        "Binary",
        "application/json; charset=utf-8",
    )
