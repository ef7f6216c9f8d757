"""Every door asks who calls, and a right that is taken away counts at the very next request, in every process."""

import json
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from app.access import epoch
from app.access.tables import client
from app.imaging.route import DicomRoute
from app.imaging.services import SERVICES
from app.main import create_app
from app.records.interactions import INTERACTIONS
from app.records.route import FhirRoute
from app.settings import Settings
from tests.asgi import call
from tests.world import ADDRESS, World, a_consent, a_patient, an_observation

pytestmark = pytest.mark.anyio

JSON = "application/fhir+json"

OPEN = {
    "/health": "says only whether the hub works",
    "/metrics": "answers loopback callers or a token of its own",
    "/oauth/token": "asks for a signed assertion",
    "/oauth/introspect": "asks who asks",
    "/oauth/revoke": "asks for the client's proof",
    "/oauth/jwks": "public keys",
    "/.well-known/oauth-authorization-server": "tells how to get a token",
    "/.well-known/openid-configuration": "tells how to get a token",
    "/.well-known/smart-configuration": "is where a caller begins",
    "/fhir/.well-known/smart-configuration": "is where a caller begins",
    "/": "is the sign-in",
    "/node-authentication": "records whom a trusted proxy has refused, and tells it so",
    "/sign-in/outside": "leads to the outside provider, if there is one",
    "/sign-in/outside/back": "asks for a code of the provider, and for what this browser has kept",
    "/sign-in/outside/logout": "asks for a token that the provider has signed",
    "/static": "holds style sheets and scripts",
}
"""Routes that answer without a caller, and why."""


def _flat(routes: Any) -> Iterator[Any]:
    for route in routes:
        inner = getattr(route, "routes", None) or getattr(getattr(route, "original_router", None), "routes", None)
        if inner:
            yield from _flat(inner)
        else:
            yield route


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer unknown"},
        {"Authorization": "Basic abc"},
        {"Authorization": "bearer"},
        {"Authorization": "Bearer é"},
        {"Cookie": "renkei_session=unknown"},
        {"Cookie": "other=1; renkei_session="},
    ],
    ids=str,
)
async def test_every_fhir_address_needs_a_caller(world: World, headers: dict[str, str]) -> None:
    forms = {"": "", "type": "Patient", "id": "x", "version": "1"}
    answers = {}
    for method, form in INTERACTIONS:
        path = "/".join(forms.get(word, word) for word in form.split("/"))
        for asked in (method, "HEAD", "OPTIONS", "NONSENSE"):
            answers[asked, path] = (await call(world.app, asked, f"/fhir/{path}", headers)).status
    answers["GET", "nowhere"] = (await call(world.app, "GET", "/fhir/nowhere/at/all/x", headers)).status
    answers["GET", "/fhir"] = (await call(world.app, "GET", "/fhir", headers)).status
    answers["POST", "metadata"] = (await call(world.app, "POST", "/fhir/metadata", headers)).status

    assert set(answers.values()) == {401}, answers


async def test_every_dicomweb_address_needs_a_caller(world: World) -> None:
    answers = {
        (method, form): (await call(world.app, method, f"/dicomweb/{form.replace('*', '1.2.3')}", {})).status
        for method, form in [*SERVICES, ("GET", "nowhere"), ("PUT", "studies")]
    }

    assert set(answers.values()) == {401}, answers


async def test_every_other_route_needs_a_caller_but_those_that_are_open(world: World) -> None:
    answered = set()
    for route in _flat(world.app.router.routes):
        if isinstance(route, FhirRoute | DicomRoute):
            continue
        path = getattr(route, "path", repr(route))
        for method in sorted((getattr(route, "methods", None) or {"GET"}) - {"HEAD"}):
            filled = re.sub(r"\{\w+:int\}", "0", path).replace("{", "").replace("}", "")
            answer = await call(world.app, method, filled, {})
            # Pages send a browser to the sign-in; doors for systems answer 401.
            location = dict(answer.headers).get(b"location", b"")
            refused = answer.status in (401, 403) or (answer.status == 303 and location.split(b"?")[0] == b"/")
            if not refused:
                answered.add(path)

    assert answered == set(OPEN)


async def test_the_capability_statement_is_open(world: World) -> None:
    answer = await world.http.get("/fhir/metadata")

    assert (answer.status_code, answer.json()["resourceType"]) == (200, "CapabilityStatement")


async def test_metrics_are_for_loopback_or_a_token(world: World) -> None:
    open_to_loopback = await world.http.get("/metrics")
    world.hub.settings = world.hub.settings.model_copy(update={"metrics_token": "t"})
    without = await world.http.get("/metrics")
    with_token = await world.http.get("/metrics", headers={"Authorization": "Bearer t"})

    assert [one.status_code for one in (open_to_loopback, without, with_token)] == [200, 403, 200]


@pytest.fixture
async def elsewhere(settings: Settings, world: World) -> AsyncIterator[World]:
    """The same region in another process: a hub of its own on the same database."""
    app = create_app(settings)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ADDRESS) as http,
    ):
        yield World(app, app.state.hub, http)


def entries(method: str, url: str, body: Any = None) -> bytes:
    entry = {"request": {"method": method, "url": url}} | ({"resource": body} if body else {})
    kind = "batch" if method == "GET" else "transaction"
    return json.dumps({"resourceType": "Bundle", "type": kind, "entry": [entry]}).encode()


def requests(patient: str, observation: str) -> dict[str, tuple[str, str, bytes]]:
    body = json.dumps(an_observation(patient, id=observation)).encode()
    return {
        "read": ("GET", f"Observation/{observation}", b""),
        "read of nothing": ("GET", "Observation/nothing", b""),
        "vread": ("GET", f"Observation/{observation}/_history/1", b""),
        "history": ("GET", f"Observation/{observation}/_history", b""),
        "original": ("GET", f"Observation/{observation}/$original", b""),
        "search": ("GET", "Observation", b""),
        "empty search": ("GET", "Observation?code=nothing", b""),
        "count": ("GET", "Observation?_count=0", b""),
        "empty count": ("GET", "Observation?_summary=count&code=nothing", b""),
        "summary": ("GET", f"Patient/{patient}/$summary", b""),
        "create": ("POST", "Observation", body),
        "update": ("PUT", f"Observation/{observation}", body),
        "delete": ("DELETE", f"Observation/{observation}", b""),
        "transaction": ("POST", "", entries("POST", "Patient", a_patient())),
        "batch": ("POST", "", entries("GET", f"Observation/{observation}")),
    }


@pytest.mark.parametrize("name", requests("", ""))
async def test_a_disabled_client_is_refused_at_its_next_request_everywhere(
    world: World, elsewhere: World, name: str
) -> None:
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]
    observation = (await world.post(hospital, an_observation(patient)))["id"]
    method, path, body = requests(patient, observation)[name]
    assert (await call(elsewhere.app, "GET", f"/fhir/Observation/{observation}", hospital)).status == 200

    async with world.hub.database.write() as connection:
        await connection.execute(update(client).values(disabled=1), {})
        await epoch.grow(connection)
    answer = await call(elsewhere.app, method, f"/fhir/{path}", hospital, body, JSON)

    assert answer.status == 401, answer.body


@pytest.mark.parametrize("name", requests("", ""))
async def test_a_caller_who_is_still_known_notices_nothing(world: World, elsewhere: World, name: str) -> None:
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]
    observation = (await world.post(hospital, an_observation(patient)))["id"]
    method, path, body = requests(patient, observation)[name]
    await call(elsewhere.app, "GET", f"/fhir/Observation/{observation}", hospital)
    expected = 404 if name == "read of nothing" else {"create": 201, "delete": 204}.get(name, 200)

    async with world.hub.database.write() as connection:
        await epoch.grow(connection)
    answer = await call(elsewhere.app, method, f"/fhir/{path}", hospital, body, JSON)

    assert answer.status == expected, answer.body
    if name == "count":
        assert json.loads(answer.body)["total"] == 1
    if name == "batch":
        assert json.loads(answer.body)["entry"][0]["response"]["status"] == "200"


async def test_a_change_of_role_counts_at_the_next_request(world: World, elsewhere: World) -> None:
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]
    address = f"/fhir/Patient/{patient}"
    before = await call(elsewhere.app, "GET", address, hospital)

    async with world.hub.database.write() as connection:
        await connection.execute(update(client).values(role="auditor"), {})
        await epoch.grow(connection)
    after = await call(elsewhere.app, "GET", address, hospital)

    assert (before.status, after.status) == (200, 404)


async def test_a_withdrawn_consent_counts_at_the_next_request_in_another_process(
    world: World, elsewhere: World
) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    patient = (await world.post(hospital, a_patient()))["id"]
    consent = await world.post(hospital, a_consent(patient, "clinic-c"))
    address = f"/fhir/Patient/{patient}"
    permitted = await call(elsewhere.app, "GET", address, clinic)
    await world.http.delete(f"/fhir/Consent/{consent['id']}", headers=hospital)

    withdrawn = await call(elsewhere.app, "GET", address, clinic)

    assert (permitted.status, withdrawn.status) == (200, 404)


async def test_a_batch_begun_before_a_change_does_nothing_twice(world: World) -> None:
    hospital = await world.client("hospital-a")
    stage, done = world.hub.audit.stage, []

    async def change_rights(connection: Any, events: Any) -> None:
        await stage(connection, events)
        if not done:
            done.append(True)
            await epoch.grow(connection)

    world.hub.audit.stage = change_rights  # type: ignore[method-assign]
    entry = {"request": {"method": "POST", "url": "Patient"}, "resource": a_patient()}
    body = json.dumps({"resourceType": "Bundle", "type": "batch", "entry": [entry, entry]}).encode()

    answer = await call(world.app, "POST", "/fhir", hospital, body, JSON)

    assert [one["response"]["status"] for one in json.loads(answer.body)["entry"]] == ["201", "503"]
    assert await world.total(hospital, "Patient?_summary=count") == 1
