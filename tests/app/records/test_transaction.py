"""A transaction is done whole or not at all; a batch entry by entry, each through the gates."""

from typing import Any

import pytest

from tests.world import World, a_consent, a_patient, an_observation

pytestmark = pytest.mark.anyio


def entry(method: str, url: str, resource: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"request": {"method": method, "url": url, **more.pop("request", {})}, **more}
    return made | ({"resource": resource} if resource is not None else {})


def a_bundle(kind: str, *entries: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": kind, **({"entry": list(entries)} if entries else {})}


async def test_entries_refer_to_each_other_in_any_order(world: World) -> None:
    hospital = await world.client("hospital-a")
    observation = an_observation("x") | {"subject": {"reference": "urn:uuid:c757873d-ec9a-4326-a141-556f43239520"}}
    bundle = a_bundle(
        "transaction",
        entry("POST", "Observation", observation),
        entry("POST", "Patient", a_patient(), fullUrl="urn:uuid:c757873d-ec9a-4326-a141-556f43239520"),
        entry("POST", "Observation", an_observation("hospital-a-late")),
        entry("PUT", "Patient/hospital-a-late", a_patient(id="hospital-a-late")),
    )

    done = await world.http.post("/fhir", headers=hospital, json=bundle)

    assert done.status_code == 200, done.text
    assert [one["response"]["status"] for one in done.json()["entry"]] == ["201"] * 4
    patient = done.json()["entry"][1]["response"]["location"].split("/")[5]
    assert await world.total(hospital, f"Observation?patient={patient}") == 1
    assert await world.total(hospital, "Observation?patient=hospital-a-late") == 1


@pytest.mark.parametrize(
    ("bad", "status", "expression"),
    [
        (
            entry("POST", "Observation", {"resourceType": "Observation", "status": "final"}),
            422,
            "Bundle.entry[1].resource.Observation.code",
        ),
        (entry("POST", "Observation", an_observation("unknown")), 422, "Bundle.entry[1].resource"),
        (entry("PUT", "Patient/hospital-b-1", a_patient(id="hospital-b-1")), 404, "Bundle.entry[1].resource"),
        (entry("DELETE", "Patient/hospital-b-1"), 404, "Bundle.entry[1]"),
        (
            entry("PUT", "Patient/hospital-a-1", a_patient(id="hospital-a-2")),
            400,
            "Bundle.entry[1].resource.Patient.id",
        ),
        (entry("POST", "Patient"), 400, "Bundle.entry[1].resource"),
        (entry("OPTIONS", "Patient"), 400, "Bundle.entry[1].request.method"),
        (entry("GET", "Patient/unknown"), 404, "Bundle.entry[1]"),
        (entry("GET", "Patient/unknown/$summary"), 400, "Bundle.entry[1]"),
        (entry("PUT", "Patient", a_patient()), 400, "Bundle.entry[1].request.url"),
        (entry("PUT", "Patient?nonsense=x", a_patient()), 400, "Bundle.entry[1]"),
        (entry("PUT", "Patient?_count=1", a_patient()), 400, "Bundle.entry[1].request.url"),
        (entry("PUT", "Patient?gender=male", a_patient(id="hospital-b-1")), 404, "Bundle.entry[1]"),
        (
            entry("POST", "Observation", an_observation("x") | {"subject": {"reference": "Patient?gender=female"}}),
            412,
            "Bundle.entry[1].resource",
        ),
        (entry("POST", "Observation", a_patient()), 400, "Bundle.entry[1].resource.resourceType"),
        ({"resource": a_patient()}, 400, "Bundle.entry[1].request"),
        (
            entry("POST", "Patient", a_patient(), request={"ifNoneExist": "nonsense=1"}),
            400,
            "Bundle.entry[1]",
        ),
        (
            entry("PUT", "Patient/hospital-a-1", a_patient(id="hospital-a-1"), request={"ifMatch": 'W/"3"'}),
            412,
            "Bundle.entry[1]",
        ),
        (
            entry("PUT", "Patient/hospital-a-1", a_patient(id="hospital-a-1"), request={"ifMatch": "x"}),
            400,
            "Bundle.entry[1]",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
async def test_one_refused_entry_refuses_all_and_is_named(
    world: World, bad: dict[str, Any], status: int, expression: str
) -> None:
    hospital = await world.client("hospital-a")

    refused = await world.http.post(
        "/fhir", headers=hospital, json=a_bundle("transaction", entry("POST", "Patient", a_patient()), bad)
    )

    assert (refused.status_code, refused.json()["resourceType"]) == (status, "OperationOutcome"), refused.text
    assert refused.json()["issue"][0]["expression"][0].startswith(expression), refused.text
    assert await world.total(hospital, "Patient") == 0


async def test_two_entries_may_not_write_one_resource(world: World) -> None:
    hospital = await world.client("hospital-a")
    twice = entry("PUT", "Patient/hospital-a-1", a_patient(id="hospital-a-1"))

    refused = await world.http.post("/fhir", headers=hospital, json=a_bundle("transaction", twice, twice))

    assert (refused.status_code, refused.json()["issue"][0]["expression"]) == (400, ["Bundle.entry"])


async def test_a_dangling_reference_is_named(world: World) -> None:
    hospital = await world.client("hospital-a")
    dangling = an_observation("x") | {"subject": {"reference": "urn:uuid:00000000-0000-4000-8000-000000000000"}}

    refused = await world.http.post(
        "/fhir", headers=hospital, json=a_bundle("transaction", entry("POST", "Observation", dangling))
    )

    assert refused.status_code == 422
    assert refused.json()["issue"][0]["expression"] == ["Bundle.entry[0].resource.subject.reference"]
    assert await world.total(hospital, "Observation") == 0


async def test_updates_and_deletions_are_answered_one_by_one(world: World) -> None:
    hospital = await world.client("hospital-a")
    one, other = [(await world.post(hospital, a_patient()))["id"] for _ in range(2)]
    deletion = a_bundle("transaction", entry("DELETE", f"Patient/{other}"))

    done = await world.http.post(
        "/fhir",
        headers=hospital,
        json=a_bundle(
            "transaction",
            entry("PUT", f"Patient/{one}", a_patient(id=one), request={"ifMatch": 'W/"1"'}),
            entry("DELETE", f"Patient/{other}"),
        ),
    )
    again = await world.http.post("/fhir", headers=hospital, json=deletion)

    answers = [answer["response"] for answer in done.json()["entry"]]
    assert [(answer["status"], answer["etag"]) for answer in answers] == [("200", 'W/"2"'), ("204", 'W/"2"')]
    assert again.json()["entry"] == [{"response": {"status": "204"}}]


async def test_a_large_transaction_is_checked_beside_the_loop(world: World) -> None:
    hospital = await world.client("hospital-a")
    bundle = a_bundle("transaction", *(entry("POST", "Patient", a_patient()) for _ in range(60)))

    done = await world.http.post("/fhir", headers=hospital, json=bundle)

    assert done.status_code == 200
    assert await world.total(hospital, "Patient?_summary=count") == 60


async def test_an_empty_transaction_and_an_empty_batch_do_nothing(world: World) -> None:
    hospital = await world.client("hospital-a")

    answers = [
        (await world.http.post("/fhir", headers=hospital, json=a_bundle(kind))).json()
        for kind in ("transaction", "batch")
    ]

    assert answers == [
        {"resourceType": "Bundle", "type": "transaction-response"},
        {"resourceType": "Bundle", "type": "batch-response"},
    ]


async def test_a_batch_goes_through_the_gates_entry_by_entry(world: World) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    patient = (await world.post(hospital, a_patient()))["id"]
    shown = (await world.post(hospital, a_patient()))["id"]
    await world.post(hospital, a_consent(shown, "clinic-c"))

    done = await world.http.post(
        "/fhir",
        headers=clinic,
        json=a_bundle(
            "batch",
            entry("GET", f"Patient/{patient}"),
            entry("GET", f"Patient/{shown}"),
            entry("GET", "Patient?_sort=_id"),
            entry("POST", "Patient", a_patient()),
            entry("POST", "Observation", an_observation(patient)),
            entry("POST", ""),
            {"fullUrl": "urn:uuid:c757873d-ec9a-4326-a141-556f43239520"},
            entry("GET", "Nothing"),
            entry("DELETE", f"Patient/{shown}", request={"ifMatch": 'W/"1"'}),
        ),
    )

    answers = done.json()["entry"]
    statuses = [answer["response"]["status"] for answer in answers]
    assert statuses == ["404", "200", "200", "201", "422", "400", "400", "404", "403"]
    assert answers[1]["resource"]["id"] == shown
    assert answers[2]["resource"]["total"] == 1
    assert answers[4]["response"]["outcome"]["resourceType"] == "OperationOutcome"
    assert await world.total(clinic, "Patient?_summary=count") == 2


@pytest.mark.parametrize("kind", ["history", "searchset", "nonsense"])
async def test_a_bundle_of_another_type_is_not_carried_out(world: World, kind: str) -> None:
    hospital = await world.client("hospital-a")

    refused = await world.http.post("/fhir", headers=hospital, json=a_bundle(kind))

    assert refused.status_code in (400, 422)
    assert refused.json()["issue"][0]["expression"] == ["Bundle.type"]
