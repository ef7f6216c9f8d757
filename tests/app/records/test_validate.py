"""`$validate` answers what is wrong, stores nothing, and discloses no more than a read."""

import asyncio
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from fhir.profiles.profile import Checker
from tests.app.records.test_profiles import PROFILE, issues, loaded
from tests.profiles import HERE
from tests.world import World, a_patient

pytestmark = pytest.mark.anyio

NOTHING = [{"severity": "information", "code": "informational", "diagnostics": "No issues were found."}]


def a_question(**values: Any) -> dict[str, Any]:
    """Return Parameters; a resource is given as `resource`, codes and canonicals by their names."""
    kinds = {"mode": "valueCode", "profile": "valueUri", "resource": "resource"}
    return {
        "resourceType": "Parameters",
        "parameter": [{"name": name, kinds[name]: value} for name, value in values.items()],
    }


async def test_a_resource_without_fault_is_said_to_have_none_and_is_not_stored(world: World) -> None:
    hospital = await world.client("hospital-a")

    answer = await world.http.post("/fhir/Patient/$validate", headers=hospital, json=a_patient())

    assert (answer.status_code, answer.json()["issue"]) == (200, NOTHING)
    assert await world.total(hospital, "Patient?_summary=count") == 0


async def test_each_fault_has_its_path(world: World) -> None:
    hospital = await world.client("hospital-a")
    wrong = a_patient(birthDate="yesterday", name=[{"given": [1]}], colour="red")

    answer = await world.http.post("/fhir/Patient/$validate", headers=hospital, json=wrong)

    assert answer.status_code == 200
    assert sorted(issues(answer.json())) == [
        ("error", "structure", ["Patient.colour"]),
        ("error", "structure", ["Patient.name[0].given[0]"]),
        ("error", "value", ["Patient.birthDate"]),
    ]


@pytest.mark.parametrize("by", ["query", "parameters", "meta"])
async def test_a_profile_is_asked_for_in_the_query_in_parameters_or_named_by_the_resource(
    world: World, tmp_path: Path, by: str
) -> None:
    hospital = await world.client("hospital-a")
    await loaded(world, tmp_path, PROFILE)
    address, body = {
        "query": (f"?profile={HERE}P", a_patient()),
        "parameters": ("", a_question(resource=a_patient(), profile=HERE + "P")),
        "meta": ("", a_patient(meta={"profile": [HERE + "P"]})),
    }[by]

    answer = await world.http.post(f"/fhir/Patient/$validate{address}", headers=hospital, json=body)

    assert answer.status_code == 200
    assert issues(answer.json()) == [("error", "required", ["Patient.photo"])]


async def test_a_profile_that_is_asked_for_and_not_loaded_is_an_error(world: World) -> None:
    hospital = await world.client("hospital-a")

    answer = await world.http.post(
        "/fhir/Patient/$validate?profile=http://example.org/none", headers=hospital, json=a_patient()
    )

    assert answer.status_code == 200
    assert issues(answer.json()) == [("error", "not-found", [])]


async def test_entries_of_a_bundle_are_checked(world: World, tmp_path: Path) -> None:
    hospital = await world.client("hospital-a")
    await loaded(world, tmp_path, PROFILE)
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"resource": a_patient()}, {"resource": a_patient(meta={"profile": [HERE + "P"]})}],
    }

    answer = await world.http.post("/fhir/Bundle/$validate", headers=hospital, json=bundle)

    assert issues(answer.json()) == [("error", "required", ["Bundle.entry[1].resource.photo"])]


async def test_what_is_stored_is_validated(world: World, tmp_path: Path) -> None:
    hospital = await world.client("hospital-a")
    stored = await world.post(hospital, a_patient())
    await loaded(world, tmp_path, PROFILE)
    address = f"/fhir/Patient/{stored['id']}/$validate"

    plain = await world.http.get(address, headers=hospital)
    by_profile = await world.http.get(f"{address}?profile={HERE}P&mode=profile", headers=hospital)
    posted = await world.http.post(address, headers=hospital, json=a_question(profile=HERE + "P"))

    assert (plain.status_code, plain.json()["issue"]) == (200, NOTHING)
    assert issues(by_profile.json()) == issues(posted.json()) == [("error", "required", ["Patient.photo"])]


async def test_hidden_and_never_existing_are_answered_alike(world: World) -> None:
    owner, stranger = await world.client("hospital-a"), await world.client("clinic-c")
    stored = await world.post(owner, a_patient())

    for method, body in (("GET", None), ("POST", a_patient(id=stored["id"])), ("POST", None)):
        hidden = await world.http.request(
            method, f"/fhir/Patient/{stored['id']}/$validate?mode=update", headers=stranger, json=body
        )
        never = await world.http.request(
            method, "/fhir/Patient/never/$validate?mode=update", headers=stranger, json=body
        )

        assert (hidden.status_code, never.status_code) == (404, 404)
        assert hidden.text.replace(stored["id"], "never") == never.text


async def test_a_mode_says_whether_the_caller_may(world: World) -> None:
    hospital, reader = await world.client("hospital-a"), await world.client("hospital-a", role="auditor")
    stored = await world.post(hospital, a_patient())
    address = f"/fhir/Patient/{stored['id']}/$validate"
    own = {**a_patient(), "id": stored["id"]}

    update = await world.http.post(f"{address}?mode=update", headers=hospital, json=own)
    other_id = await world.http.post(f"{address}?mode=update", headers=hospital, json={**own, "id": "other"})
    delete = await world.http.post(address, headers=hospital, json=a_question(mode="delete"))
    create = await world.http.post("/fhir/Patient/$validate?mode=create", headers=reader, json=a_patient())

    assert update.json()["issue"] == delete.json()["issue"] == NOTHING
    assert issues(other_id.json()) == [("error", "invalid", ["Patient.id"])]
    assert issues(create.json()) == [("error", "forbidden", [])]
    assert (await world.http.get(f"/fhir/Patient/{stored['id']}", headers=hospital)).json() == stored


@pytest.mark.parametrize(
    ("address", "body", "expression"),
    [
        ("Patient/$validate", None, ["resource"]),
        ("Patient/$validate", {"resourceType": "Observation"}, ["resourceType"]),
        ("Patient/$validate?mode=sometimes", {"resourceType": "Patient"}, ["mode"]),
        ("Patient/$validate?mode=delete", {"resourceType": "Patient"}, ["mode"]),
        ("Patient/$validate?mode=profile", {"resourceType": "Patient"}, ["profile"]),
        ("Patient/$validate?profile=", {"resourceType": "Patient"}, ["profile"]),
        ("Patient/$validate", {"resourceType": "Parameters", "parameter": []}, ["resource"]),
        ("Patient/$validate", {"resourceType": "Parameters", "parameter": 1}, ["Parameters.parameter"]),
        (
            "Patient/$validate",
            {"resourceType": "Parameters", "parameter": [{"name": 1}]},
            ["Parameters.parameter[0].name"],
        ),
    ],
    ids=[
        *("nothing", "another type", "no such mode", "delete of no instance", "mode without profile"),
        *("empty profile", "no resource in parameters", "no array of parameters", "a name that is none"),
    ],
)
async def test_a_question_that_cannot_be_answered_is_refused(
    world: World, address: str, body: Any, expression: list[str]
) -> None:
    hospital = await world.client("hospital-a")

    answer = await world.http.post(f"/fhir/{address}", headers=hospital, json=body)

    assert answer.status_code == 400
    assert answer.json()["issue"][0].get("expression", []) == expression


async def test_json_that_is_not_strict_is_refused(world: World) -> None:
    hospital = await world.client("hospital-a")
    headers = {**hospital, "Content-Type": "application/fhir+json"}

    answer = await world.http.post("/fhir/Patient/$validate", headers=headers, content=b'{"a": 1, "a": 2}')

    assert answer.status_code == 400


async def test_a_profile_compiles_once_and_beside_the_requests(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hospital = await world.client("hospital-a")
    await loaded(world, tmp_path, PROFILE)
    compiled: list[threading.Thread] = []
    compile_ = Checker._compile

    def noted(self: Checker) -> Any:
        compiled.append(threading.current_thread())
        # Long enough for the other request to come to the same profile.
        time.sleep(0.2)
        return compile_(self)

    monkeypatch.setattr(Checker, "_compile", noted)
    address = f"/fhir/Patient/$validate?profile={HERE}P"

    answers = await asyncio.gather(*(world.http.post(address, headers=hospital, json=a_patient()) for _ in range(2)))

    assert [issues(one.json()) for one in answers] == [[("error", "required", ["Patient.photo"])]] * 2
    assert len(compiled) == 1
    assert compiled[0] is not threading.main_thread()
