"""The OpenAPI document: it is sound, says all that is registered, and names nothing that is not there."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from app.imaging.services import SERVICES
from app.openapi.answers import REFUSALS, known_statuses
from app.openapi.doors import PATHS
from app.openapi.search import CONTROLS
from app.records.capabilities import ASKED_OF_ALL, searchable
from app.records.interactions import INTERACTIONS
from fhir.search.control import NAMES
from fhir.store.types import NUMBERS
from tests.asgi import call
from tests.world import World

pytestmark = pytest.mark.anyio

METHODS = ("get", "put", "post", "delete", "patch", "head")
WORDS = {"type": "Patient", "id": "x", "version": "1", "number": "0", "member": "Observation", "frames": "1"}


async def document(world: World, query: str = "") -> dict[str, Any]:
    answer = await world.http.get(f"/fhir/openapi.json{query}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    return dict(answer.json())


def operations(told: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any], list[dict[str, Any]]]]:
    """Yield path, method, operation and all its parameters."""
    for path, item in told["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method], [*item.get("parameters", ()), *item[method].get("parameters", ())]


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


@pytest.mark.parametrize("query", ["", "?type=Patient", "?type=AuditEvent", "?type=Composition"])
async def test_the_document_is_sound(world: World, query: str) -> None:
    told = await document(world, query)
    names = [one["operationId"] for _, _, one, _ in operations(told)]

    assert told["openapi"].startswith("3.1")
    assert len(set(names)) == len(names) > 5
    for reference in _references(told):
        node: Any = told
        for word in reference.removeprefix("#/").split("/"):
            node = node[word]
        assert node
    for path, method, one, parameters in operations(told):
        in_path = {parameter["name"] for parameter in parameters if parameter["in"] == "path"}
        assert in_path == set(re.findall(r"\{(\w+)\}", path)), path
        assert all(parameter["required"] for parameter in parameters if parameter["in"] == "path")
        assert len({(parameter["name"], parameter["in"]) for parameter in parameters}) == len(parameters), path
        assert all(answer.get("description") or "$ref" in answer for answer in one["responses"].values())
        assert one["responses"], (method, path)


async def test_every_door_is_in_it(world: World) -> None:
    told = await document(world)
    found = {(method.upper(), re.sub(r"\{\w+\}", "*", path)) for path, method, _, _ in operations(told)}
    words = ("type", "id", "version", "member", "number")
    fhir = {
        (method, "/".join(["/fhir", *("*" if word in words else word for word in form.split("/") if word)]))
        for method, form in INTERACTIONS
    }
    images = {(method, f"/dicomweb/{form}") for method, form in SERVICES}
    others = {("GET", path) for path in (*PATHS, "/health", "/metrics")} | {("GET", "/oauth/jwks")}
    others |= {("POST", f"/oauth/{name}") for name in ("token", "introspect", "revoke", "launch")}

    assert found >= fhir | images | others
    documents = ("smart-configuration", "oauth-authorization-server", "openid-configuration")
    well_known = {("GET", f"/.well-known/{name}") for name in documents}
    well_known.add(("GET", "/fhir/.well-known/smart-configuration"))
    assert found == fhir | images | others | well_known


@pytest.mark.parametrize("query", ["", "?type=Patient", "?type=Encounter"])
async def test_everything_in_it_is_there(world: World, query: str) -> None:
    caller = await world.client("hospital-a")

    for path, method, _, parameters in operations(await document(world, query)):
        first = {one["name"]: one["schema"]["enum"][0] for one in parameters if "enum" in one["schema"]}
        words = {**WORDS, **{name: one for name, one in first.items() if name == "type"}}
        address = path
        for name in re.findall(r"\{(\w+)\}", path):
            address = address.replace(f"{{{name}}}", words.get(name, "1.2"))
        answer = await call(world.app, method.upper(), address, caller)
        assert answer.status not in (405, 500, 501), (method, path)
        assert b"not an address" not in answer.body, (method, path)
        assert answer.status != 404 or b"OperationOutcome" in answer.body, (method, path)


async def test_a_type_is_told_with_its_search_parameters(world: World) -> None:
    told = await document(world, "?type=Observation")

    asked = {one["name"] for one in told["paths"]["/fhir/Observation"]["get"]["parameters"]}
    assert {one.code for one in searchable("Observation")} | set(CONTROLS) | set(ASKED_OF_ALL) - {"_type"} == asked
    assert "/fhir/Observation/$lastn" in told["paths"]
    assert "/fhir/Observation/{id}/$everything" not in told["paths"]
    assert "post" not in (await document(world, "?type=AuditEvent"))["paths"]["/fhir/AuditEvent"]


def test_every_control_parameter_is_told() -> None:
    assert set(CONTROLS) | set(ASKED_OF_ALL) >= NAMES - {"_containedType"}
    assert known_statuses() <= {int(status) for status in REFUSALS}


async def test_an_unknown_type_is_refused(world: World) -> None:
    answer = await world.http.get("/fhir/openapi.json?type=Pet")

    assert (answer.status_code, answer.json()["issue"][0]["expression"]) == (400, ["type"])


async def test_it_is_the_same_for_everybody(world: World) -> None:
    caller = await world.client("hospital-a")

    for path in PATHS:
        open_to_all = await call(world.app, "GET", path, {})
        assert open_to_all == await call(world.app, "GET", path, caller)
        assert open_to_all.status == 200
        assert (await call(world.app, "POST", path, {})).status == 401
        assert (await call(world.app, "HEAD", path, {})).body == b""


def test_all_types_can_be_told() -> None:
    from app.openapi.document import openapi_document

    assert all(openapi_document("http://hub.example", name, ()) for name in NUMBERS)
