"""OPTIONS, HEAD, and the headers by which a refusal tells what would do."""

import pytest

from app.openapi.doors import PATHS
from app.records.interactions import INTERACTIONS, METHODS, OPEN
from app.records.patch import FORMATS
from tests.asgi import Answer, call
from tests.world import World, a_patient

pytestmark = pytest.mark.anyio

PATCHES = ", ".join(FORMATS)


def _named(answer: Answer) -> dict[bytes, bytes]:
    return {name: value for name, value in answer.headers if name in (b"allow", b"accept-patch")}


@pytest.mark.parametrize(
    ("path", "status", "allow"),
    [
        ("Patient/1", 204, "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"),
        ("Patient", 204, "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),
        ("", 204, "POST, GET, HEAD, OPTIONS"),
        ("Patient/1/$everything", 204, "GET, HEAD, POST, OPTIONS"),
        ("$export", 204, "GET, POST, OPTIONS"),
        ("metadata", 204, "GET, HEAD, OPTIONS"),
        ("Pet", 404, ""),
        ("Pet/1", 404, ""),
        ("Patient/1/a/b/c", 404, ""),
    ],
)
async def test_options_tells_the_methods_of_an_address(world: World, path: str, status: int, allow: str) -> None:
    caller = await world.client("hospital-a")

    answer = await call(world.app, "OPTIONS", f"/fhir/{path}", caller)

    assert answer.status == status
    told = _named(answer)
    assert told.get(b"allow", b"").decode() == allow
    assert told.get(b"accept-patch", b"").decode() == (PATCHES if "PATCH" in allow else "")


async def test_options_of_what_exists_and_of_what_does_not_are_alike(world: World) -> None:
    caller = await world.client("hospital-a")
    patient = await world.post(caller, a_patient())

    answers = [await call(world.app, "OPTIONS", f"/fhir/Patient/{id_}", caller) for id_ in (patient["id"], "none")]

    assert answers[0] == answers[1]


@pytest.mark.parametrize("form", sorted(METHODS))
async def test_a_method_that_is_not_taken_is_refused_with_those_that_are(world: World, form: str) -> None:
    caller = await world.client("hospital-a")
    words = {"type": "Patient", "id": "x", "version": "1", "member": "Observation", "number": "0"}
    path = "/".join(words.get(word, word) for word in form.split("/"))

    answer = await call(world.app, "TRACE", f"/fhir/{path}", caller)

    assert (answer.status, _named(answer)) == (405, {b"allow": ", ".join(METHODS[form]).encode()})
    assert {method for method, known in INTERACTIONS if known == form} <= set(METHODS[form])


@pytest.mark.parametrize(
    "path", ["Patient/{id}", "Patient?_id={id}", "Patient/{id}/_history", "Patient/{id}/$meta", ""]
)
async def test_head_is_get_without_the_body(world: World, path: str) -> None:
    caller = await world.client("hospital-a")
    patient = await world.post(caller, a_patient())
    address = f"/fhir/{path.format(id=patient['id'])}"

    asked, told = [await call(world.app, method, address, caller) for method in ("GET", "HEAD")]

    assert (told.status, told.headers, told.body) == (asked.status, asked.headers, b"")
    assert asked.status == 200


@pytest.mark.parametrize(
    ("kind", "headers"), [("text/plain", {}), ("application/json-patch+json", {"content-encoding": "gzip"})]
)
async def test_a_patch_that_is_not_read_is_refused_with_those_that_are(
    world: World, kind: str, headers: dict[str, str]
) -> None:
    caller = await world.client("hospital-a")
    patient = await world.post(caller, a_patient())

    answer = await call(world.app, "PATCH", f"/fhir/Patient/{patient['id']}", caller | headers, b"[]", kind)

    assert (answer.status, _named(answer)) == (415, {b"accept-patch": PATCHES.encode()})


@pytest.mark.parametrize(
    ("method", "address", "allow"),
    [
        ("DELETE", "/dicomweb/studies", b"GET, HEAD, POST, OPTIONS"),
        ("POST", "/dicomweb/studies/1.2/metadata", b"GET, HEAD, OPTIONS"),
        ("DELETE", "/oauth/token", b"POST"),
        ("DELETE", "/sign-in", b"POST"),
        ("PUT", "/consents", b"GET, HEAD, POST"),
        ("PUT", "/password", b"GET, HEAD, POST"),
    ],
)
async def test_other_doors_tell_their_methods_too(world: World, method: str, address: str, allow: bytes) -> None:
    caller = await world.client("hospital-a")

    answer = await call(world.app, method, address, caller)
    page = await call(world.app, method, address, caller | {"accept": "text/html"})

    assert (answer.status, _named(answer)) == (405, {b"allow": allow})
    assert (page.status, _named(page)) == (405, {b"allow": allow})


async def test_a_type_that_does_not_exist_takes_no_method(world: World) -> None:
    caller = await world.client("hospital-a")

    answers = [await call(world.app, method, "/fhir/Pet", caller) for method in ("GET", "POST", "TRACE")]

    assert [one.status for one in answers] == [404, 404, 404]


@pytest.mark.parametrize("address", PATHS)
async def test_what_tells_of_the_hub_is_at_its_address_only_and_takes_no_other_method(
    world: World, address: str
) -> None:
    caller = await world.client("hospital-a")
    batch = {"resourceType": "Bundle", "type": "batch", "entry": [{"request": {"method": "GET", "url": address[6:]}}]}

    asked, same = [await call(world.app, "GET", path, {}) for path in (address, f"{address}/")]
    inside = await world.http.post("/fhir", headers=caller, json=batch)

    assert asked.status == 200
    assert same == asked
    assert inside.json()["entry"][0]["response"]["status"] == "404"
    assert [f"/fhir/{one}" for one in OPEN] == [*PATHS]
