"""G8: links are of the hub's own address, whatever a caller calls it."""

import pytest

from tests.world import ADDRESS, World, a_patient

pytestmark = pytest.mark.anyio

EVIL = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example;proto=http"}


@pytest.mark.parametrize(
    "path",
    ["/fhir/Patient?_count=1", "/fhir/metadata", "/fhir/openapi.json", "/.well-known/smart-configuration", "/"],
)
async def test_no_answer_names_another_host(world: World, path: str) -> None:
    caller = await world.client("hospital-a")
    for _ in range(2):
        await world.post(caller, a_patient())

    answer = await world.http.get(path, headers={**caller, **EVIL})

    assert answer.status_code == 200
    assert "evil.example" not in answer.text + str(answer.headers)


async def test_a_location_is_of_the_hub(world: World) -> None:
    caller = await world.client("hospital-a")

    made = await world.http.post("/fhir/Patient", headers={**caller, **EVIL}, json=a_patient())

    assert made.headers["location"].startswith(f"{ADDRESS}/fhir/Patient/")


@pytest.mark.parametrize(
    "query", ["identifier=a%0d%0aX-Evil:1", "_sort=%0d%0aX-Evil:%201", "_id=a%0aSet-Cookie:%20a=b"]
)
async def test_what_is_asked_ends_no_header(world: World, query: str) -> None:
    caller = await world.client("hospital-a")

    answer = await world.http.get(f"/fhir/Patient?{query}", headers=caller)

    assert answer.status_code < 500
    assert {"x-evil", "set-cookie"}.isdisjoint(answer.headers)
