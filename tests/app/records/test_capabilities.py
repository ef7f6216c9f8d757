"""The CapabilityStatement claims what is registered, all of it, and each claim is true."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from app.records.interactions import INTERACTIONS
from app.records.operations import OPERATIONS, named_in
from fhir.profiles.structure import check
from fhir.store.types import NUMBERS
from tests.asgi import call
from tests.world import World, a_patient, an_observation

pytestmark = pytest.mark.anyio

JSON = "application/fhir+json"
SAMPLES = {
    "token": "a",
    "string": "a",
    "date": "2024",
    "number": "1",
    "quantity": "1",
    "reference": "Patient/1",
    "uri": "http://example.org/a",
    "special": "1|1|1|km",
}
"""A value for each type of search parameter; a composite is asked whether it is missing."""

SPECIAL = {"_filter": "_id eq 1", "_has": "", "_list": "none", "_type": ""}
ACROSS = {"transaction": "", "batch": "", "search-system": "", "history-system": "_history"}


async def stated(world: World, query: str = "") -> dict[str, Any]:
    return dict((await world.http.get(f"/fhir/metadata{query}")).json())


async def test_the_statement_is_of_the_structure_of_r4(world: World) -> None:
    assert check(await stated(world)) == []


async def test_all_that_is_registered_is_claimed(world: World) -> None:
    (rest,) = (await stated(world))["rest"]
    of_types = {one["code"] for resource in rest["resource"] for one in resource["interaction"]}
    of_system = {one["code"] for one in rest["interaction"]}
    types = {one["name"] for resource in rest["resource"] for one in resource["operation"]}
    system = {one["name"] for one in rest["operation"]}

    for (method, form), interaction in INTERACTIONS.items():
        if interaction.code == "operation":
            assert named_in(form) in (types if form.startswith("type") else system), (method, form)
        elif form.startswith("type"):
            assert interaction.code in {*of_types, "search-system"}, (method, form)
        else:
            assert interaction.code in of_system, (method, form)
    assert {one["type"] for one in rest["resource"]} == set(NUMBERS)


def test_every_operation_is_described_and_every_description_is_of_one() -> None:
    registered = {named_in(form) for _, form in INTERACTIONS} - {""}

    assert set(OPERATIONS) == registered
    assert [name for name, one in OPERATIONS.items() if not one.text.endswith((".", "alone."))] == []
    assert {one for operation in OPERATIONS.values() for one in operation.types} <= set(NUMBERS)


def _queries(resource: dict[str, Any]) -> Iterator[str]:
    """Yield searches that hold every claim about searches of a type."""
    asked = [
        f"{one['name']}:missing=true" if one["type"] == "composite" else f"{one['name']}={quote(SAMPLES[one['type']])}"
        for one in resource["searchParam"]
    ]
    asked += [f"_include={quote(one)}" for one in resource["searchInclude"]]
    asked += [f"_revinclude={quote(one)}" for one in resource["searchRevInclude"]]
    for start in range(0, len(asked), 20):
        yield "&".join(asked[start : start + 20])


@pytest.mark.uncounted
async def test_every_search_that_is_claimed_is_answered(world: World) -> None:
    caller = await world.client("hospital-a")
    (rest,) = (await stated(world))["rest"]
    refused = []

    for resource in rest["resource"]:
        for query in _queries(resource):
            answer = await call(world.app, "GET", f"/fhir/{resource['type']}?{query}&_count=1", caller)
            if answer.status != 200:
                refused.append((resource["type"], query, answer.body[:200]))
    assert {one["name"] for one in rest["searchParam"]} == set(SPECIAL)
    special = "_filter=_id%20eq%201&_list=none&_has:Observation:patient:code=a"
    for address in (f"Patient?{special}", "?_type=Patient,Observation"):
        answer = await call(world.app, "GET", f"/fhir/{address}".replace("/?", "?"), caller)
        assert answer.status == 200, answer.body

    assert refused == []


async def test_every_interaction_that_is_claimed_is_done(world: World) -> None:
    caller = await world.client("hospital-a")
    (rest,) = (await stated(world))["rest"]
    requests = {
        "read": ("GET", "/x"),
        "vread": ("GET", "/x/_history/1"),
        "history-instance": ("GET", "/x/_history"),
        "history-type": ("GET", "/_history"),
        "search-type": ("GET", ""),
        "create": ("POST", ""),
        "update": ("PUT", "/x"),
        "patch": ("PATCH", "/x"),
        "delete": ("DELETE", "/x"),
    }
    for resource in rest["resource"]:
        claimed = {one["code"] for one in resource["interaction"]}
        for code in claimed:
            method, path = requests[code]
            answer = await call(world.app, method, f"/fhir/{resource['type']}{path}", caller, b"{}", JSON)
            # What does not exist, or is no resource, is refused as such: not because it is not done.
            assert answer.status in (200, 400, 404, 422), (resource["type"], code, answer.body)
            assert b"not an address" not in answer.body
        assert resource["conditionalCreate"] is ("create" in claimed)
    for code, path in ACROSS.items():
        kind = "batch" if code == "batch" else "transaction"
        body = f'{{"resourceType":"Bundle","type":"{kind}"}}'.encode()
        method = "GET" if code.endswith("system") else "POST"
        answer = await call(world.app, method, f"/fhir/{path}", caller, body if method == "POST" else b"", JSON)
        assert answer.status == 200, (code, answer.body)
    assert {one["code"] for one in rest["interaction"]} == set(ACROSS)


async def test_nobody_writes_what_is_not_claimed_to_be_written(world: World) -> None:
    caller = await world.client("hospital-a")
    (rest,) = (await stated(world))["rest"]
    unwritten = [one["type"] for one in rest["resource"] if {"code": "create"} not in one["interaction"]]

    answer = await call(world.app, "DELETE", "/fhir/AuditEvent/x", caller)

    assert (unwritten, answer.status) == (["AuditEvent"], 404)


@pytest.mark.uncounted
async def test_every_operation_that_is_claimed_is_answered(world: World) -> None:
    caller = await world.client("hospital-a") | {"prefer": "respond-async"}
    (rest,) = (await stated(world))["rest"]
    claims = [("", one["name"]) for one in rest["operation"]]
    claims += [(resource["type"], one["name"]) for resource in rest["resource"] for one in resource["operation"]]
    words = {"id": "x", "version": "1", "number": "0"}

    for type_name, name in claims:
        forms = [
            (method, form)
            for method, form in INTERACTIONS
            if named_in(form) == name and form.startswith("type") is bool(type_name)
        ]
        answers = [
            await call(
                world.app,
                method,
                "/fhir/" + "/".join(({"type": type_name} | words).get(word, word) for word in form.split("/")),
                caller,
                b"{}" if method == "POST" else b"",
                JSON,
            )
            for method, form in forms
        ]
        assert forms
        assert all(answer.status < 500 and answer.status != 405 for answer in answers), (type_name, name)
        assert any(b"not an address" not in answer.body for answer in answers), (type_name, name)


async def test_operations_have_a_definition_each(world: World) -> None:
    (rest,) = (await stated(world))["rest"]
    found = {one["name"]: one["definition"] for resource in rest["resource"] for one in resource["operation"]}

    assert found["everything"] == "http://hl7.org/fhir/OperationDefinition/Patient-everything"
    page = (await world.http.get(found["original"].partition("#")[0])).text
    assert f'id="{found["original"].partition("#")[2]}"' in page


async def test_conditions_patches_and_formats_that_are_claimed_are_taken(world: World) -> None:
    caller = await world.client("hospital-a")
    statement = await stated(world)
    patient = await world.post(caller, a_patient(identifier=[{"system": "urn:a", "value": "1"}]))
    again = await world.http.post(
        "/fhir/Patient", headers=caller | {"if-none-exist": "identifier=urn:a|1"}, json=a_patient()
    )
    read = await world.http.get(f"/fhir/Patient/{patient['id']}", headers=caller | {"if-none-match": 'W/"1"'})
    changed = await world.http.put("/fhir/Patient?identifier=urn:a|1", headers=caller, json=patient)
    forms = [
        (await world.http.get(f"/fhir/Patient/{patient['id']}?_format={quote(form)}", headers=caller)).status_code
        for form in statement["format"]
    ]
    patches = [
        (await call(world.app, "PATCH", "/fhir/Patient/none", caller, b"?", kind)).status
        for kind in statement["patchFormat"]
    ]
    gone = await world.http.delete("/fhir/Patient?identifier=urn:a|1", headers=caller)

    assert [one.status_code for one in (again, read, changed, gone)] == [200, 304, 200, 204]
    assert (forms, patches) == ([200] * 4, [400] * 3)


async def test_a_part_of_the_statement_is_answered(world: World) -> None:
    summary, elements = await stated(world, "?_summary=true"), await stated(world, "?_elements=fhirVersion")

    assert "rest" not in elements
    assert {"fhirVersion", "kind", "status", "format", "date"} <= set(elements)
    assert "resource" in summary["rest"][0] or "rest" in summary
    assert (await world.http.get("/fhir/metadata?_elements=nothing")).status_code == 400
    assert (await world.http.get("/fhir/metadata?_summary=count")).status_code == 400


async def test_the_parameters_of_operations_are_those_that_are_taken(world: World) -> None:
    caller = await world.client("hospital-a")
    patient = await world.post(caller, a_patient())
    await world.post(caller, an_observation(patient["id"]))
    later = {"prefer": "respond-async"}
    base = {"everything": f"Patient/{patient['id']}", "export": "Patient", "lastn": "Observation", "diff": ""}

    for name, place in base.items():
        for known in [*OPERATIONS[name].parameters, None]:
            code = known.name if known else "nonsense"
            person = "patient=x&" if name == "lastn" and code != "patient" else ""
            address = f"/fhir/{place}/${name}?{person}{code}=x".replace("//", "/")
            answer = await call(world.app, "GET", address, caller | later if name == "export" else caller)
            unknown = b"is not a parameter" in answer.body or b"no search parameter" in answer.body
            at_instance = name == "diff" and code == "fromVersion"
            assert unknown is (known is None or at_instance), (name, code, answer.body)
