"""Profiles at ingest: what a resource names in `meta.profile` is checked where the package is loaded."""

import asyncio
import base64
import json
import threading
from pathlib import Path
from typing import Any

import pytest

from app.packages.archive import read_package
from app.packages.load import load, remove
from fhir.profiles.definitions import Definition, Definitions
from tests.packages import a_package
from tests.profiles import HERE, a_profile
from tests.world import World, a_patient

pytestmark = pytest.mark.anyio

PROFILE = a_profile("P", "Patient", ("Patient.photo", {"min": 1}))
TOLD = {"Prefer": "return=OperationOutcome"}


async def loaded(world: World, folder: Path, *resources: dict[str, Any]) -> None:
    """Load a package of these conformance resources."""
    await load(world.hub, read_package(a_package(folder / "p.tgz", *resources)), user_name="tester")


def issues(answer: dict[str, Any]) -> list[tuple[str, str, list[str]]]:
    return [
        (one["severity"], one["code"], one.get("expression", []))
        for one in answer["issue"]
        if one["severity"] != "information"
    ]


def strictly(world: World) -> None:
    world.hub.settings = world.hub.settings.model_copy(update={"profiles_strict": True})


def named(*, profile: str = HERE + "P", **fields: Any) -> dict[str, Any]:
    return a_patient(meta={"profile": [profile]}, **fields)


async def test_what_breaks_a_profile_is_stored_and_the_caller_is_told(world: World, tmp_path: Path) -> None:
    hospital = await world.client("hospital-a")
    await loaded(world, tmp_path, PROFILE)

    answer = await world.http.post("/fhir/Patient", headers={**hospital, **TOLD}, json=named())

    assert answer.status_code == 201
    assert issues(answer.json()) == [("warning", "required", ["Patient.photo"])]


async def test_what_follows_a_profile_is_stored_without_a_word(world: World, tmp_path: Path) -> None:
    hospital = await world.client("hospital-a")
    await loaded(world, tmp_path, PROFILE)
    strictly(world)

    answer = await world.http.post("/fhir/Patient", headers={**hospital, **TOLD}, json=named(photo=[{"title": "x"}]))

    assert answer.status_code == 201
    assert issues(answer.json()) == []


async def test_a_strict_hub_refuses_what_breaks_a_profile(world: World, tmp_path: Path) -> None:
    hospital = await world.client("hospital-a")
    await loaded(world, tmp_path, PROFILE)
    strictly(world)
    entry = {"request": {"method": "POST", "url": "Patient"}, "resource": named()}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}

    alone = await world.http.post("/fhir/Patient", headers=hospital, json=named())
    inside = await world.http.post("/fhir", headers=hospital, json=bundle)

    assert (alone.status_code, issues(alone.json())) == (422, [("error", "required", ["Patient.photo"])])
    place = "Bundle.entry[0].resource.Patient.photo"
    assert (inside.status_code, issues(inside.json())) == (422, [("error", "required", [place])])
    assert await world.total(hospital, "Patient?_summary=count") == 0


async def test_an_update_is_checked_as_well(world: World, tmp_path: Path) -> None:
    hospital = await world.client("hospital-a")
    stored = await world.post(hospital, a_patient())
    await loaded(world, tmp_path, PROFILE)

    answer = await world.http.put(
        f"/fhir/Patient/{stored['id']}", headers={**hospital, **TOLD}, json={**named(), "id": stored["id"]}
    )

    assert answer.status_code == 200
    assert issues(answer.json()) == [("warning", "required", ["Patient.photo"])]


async def test_a_package_counts_from_the_next_request_on_and_no_longer_when_it_is_removed(
    world: World, tmp_path: Path
) -> None:
    hospital = await world.client("hospital-a")

    async def told() -> list[str]:
        answer = await world.http.post("/fhir/Patient", headers={**hospital, **TOLD}, json=named())
        return [code for _, code, _ in issues(answer.json())]

    before = await told()
    await loaded(world, tmp_path, PROFILE)
    during = await told()
    await remove(world.hub, "example.package", "1.0.0", user_name="tester")
    after = await told()

    assert (before, during, after) == (["not-found"], ["required"], ["not-found"])


async def test_entries_of_a_document_are_checked_with_it(world: World, tmp_path: Path) -> None:
    hospital = await world.client("hospital-a")
    await loaded(world, tmp_path, PROFILE)
    entry = {"fullUrl": "urn:uuid:00000000-0000-4000-8000-000000000001", "resource": named()}
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [entry]}

    stored = await world.http.post("/fhir/Bundle", headers={**hospital, **TOLD}, json=bundle)
    strictly(world)
    refused = await world.http.post("/fhir/Bundle", headers=hospital, json=bundle)

    place = ["Bundle.entry[0].resource.photo"]
    assert (stored.status_code, issues(stored.json())) == (201, [("warning", "required", place)])
    assert (refused.status_code, issues(refused.json())) == (422, [("error", "required", place)])


async def test_a_name_that_is_escaped_hides_no_profile(world: World, tmp_path: Path) -> None:
    hospital = await world.client("hospital-a")
    await loaded(world, tmp_path, PROFILE)
    body = json.dumps(named()).replace('"profile"', '"profil\\u0065"')

    headers = {**hospital, **TOLD, "Content-Type": "application/fhir+json"}
    answer = await world.http.post("/fhir/Patient", headers=headers, content=body)

    assert issues(answer.json()) == [("warning", "required", ["Patient.photo"])]


async def test_a_definition_that_cannot_be_used_refuses_nothing(world: World, tmp_path: Path) -> None:
    hospital = await world.client("hospital-a")
    await loaded(world, tmp_path, {**PROFILE, "snapshot": "none"})
    strictly(world)

    answer = await world.http.post("/fhir/Patient", headers={**hospital, **TOLD}, json=named())

    assert answer.status_code == 201
    assert issues(answer.json()) == [("warning", "not-supported", ["Patient.meta.profile[0]"])]


async def test_a_profile_of_another_type_of_r4_is_no_profile(world: World) -> None:
    hospital = await world.client("hospital-a")
    base = "http://hl7.org/fhir/StructureDefinition/"

    own = await world.http.post(
        "/fhir/Patient", headers={**hospital, **TOLD}, json=named(profile=f"{base}Patient|4.0.1")
    )
    other = await world.http.post(
        "/fhir/Patient", headers={**hospital, **TOLD}, json=named(profile=f"{base}Observation")
    )

    assert issues(own.json()) == []
    assert issues(other.json()) == [("warning", "structure", ["Patient.meta.profile[0]"])]


async def test_profiles_wait_for_entries_that_have_the_structure_of_r4(world: World, tmp_path: Path) -> None:
    hospital = await world.client("hospital-a")
    await loaded(world, tmp_path, PROFILE)
    bundle = {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": {**named(), "name": "x"}}]}

    stored = await world.http.post("/fhir/Bundle", headers={**hospital, **TOLD}, json=bundle)
    strictly(world)
    refused = await world.http.post("/fhir/Bundle", headers=hospital, json=bundle)

    place = ["Bundle.entry[0].resource.name"]
    assert (stored.status_code, issues(stored.json())) == (201, [("warning", "structure", place)])
    assert (refused.status_code, issues(refused.json())) == (422, [("error", "structure", place)])


def _of_a_transaction(profile: str) -> tuple[str, str, dict[str, Any]]:
    entry = {"request": {"method": "POST", "url": "Patient"}, "resource": named(profile=profile)}
    return "POST", "/fhir", {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}


def _of_a_patch_inside(profile: str) -> tuple[str, str, dict[str, Any]]:
    content = base64.b64encode(json.dumps(_patch(profile)).encode()).decode()
    binary = {"resourceType": "Binary", "contentType": "application/json-patch+json", "data": content}
    entry = {"request": {"method": "PATCH", "url": "Patient/hospital-a-0"}, "resource": binary}
    return "POST", "/fhir", {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}


def _patch(profile: str) -> list[dict[str, Any]]:
    return [{"op": "add", "path": "/meta", "value": {"profile": [profile]}}]


def _of_a_batch(profile: str) -> tuple[str, str, dict[str, Any]]:
    method, path, bundle = _of_a_transaction(profile)
    return method, path, {**bundle, "type": "batch"}


def _meta(profile: str) -> dict[str, Any]:
    named_by = {"profile": [profile]}
    return {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": named_by}]}


WRITES = {
    "create": lambda profile: ("POST", "/fhir/Patient", named(profile=profile)),
    "update": lambda profile: ("PUT", "/fhir/Patient/hospital-a-1", {**named(profile=profile), "id": "hospital-a-1"}),
    "patch": lambda profile: ("PATCH", "/fhir/Patient/hospital-a-0", _patch(profile)),
    "conditional patch": lambda profile: ("PATCH", "/fhir/Patient?_id=hospital-a-0", _patch(profile)),
    "patch inside a transaction": _of_a_patch_inside,
    "$meta-add": lambda profile: ("POST", "/fhir/Patient/hospital-a-0/$meta-add", _meta(profile)),
    "transaction": _of_a_transaction,
    "batch": _of_a_batch,
    "$validate": lambda profile: ("POST", "/fhir/Patient/$validate", named(profile=profile)),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
async def test_requests_are_answered_while_a_profile_is_compiled(world: World, write: Any) -> None:
    hospital = await world.client("hospital-a")
    await world.http.put("/fhir/Patient/hospital-a-0", headers=hospital, json=a_patient(id="hospital-a-0"))
    begun, may_end, waited = threading.Event(), threading.Event(), []

    def read() -> bytes:
        # In the event loop nobody could say that it may end.
        begun.set()
        waited.append(may_end.wait(10))
        return json.dumps(PROFILE).encode()

    await world.hub.packages.current()
    world.hub.packages._definitions = Definitions([Definition("StructureDefinition", HERE + "P", "1.0", read)])
    method, path, body = write(HERE + "P")
    media_type = {"Content-Type": "application/json-patch+json"} if method == "PATCH" else {}
    content = json.dumps(body).encode()

    async def send() -> int:
        return (await world.http.request(method, path, headers=hospital | media_type, content=content)).status_code

    first = asyncio.create_task(send())
    assert await asyncio.to_thread(begun.wait, 10)
    # Another one that names it waits, and keeps nobody waiting.
    second = asyncio.create_task(world.http.post("/fhir/Patient/$validate", headers=hospital, json=named()))
    others = [
        await world.http.get("/fhir/Patient?_summary=count", headers=hospital),
        await world.http.post("/fhir/Patient/$validate", headers=hospital, json=a_patient()),
    ]
    may_end.set()

    assert [one.status_code for one in others] == [200, 200]
    assert await first in (200, 201)
    assert issues((await second).json()) == [("error", "required", ["Patient.photo"])]
    assert waited == [True]
