"""What leaves as a stream is never held as a whole."""

import base64
import gc
import json
import tracemalloc
from typing import Any

import pytest

from fhir.xml.to_json import to_json
from tests.app.records.test_export import kick_off, manifest
from tests.world import World, a_patient, an_observation

pytestmark = pytest.mark.anyio

DOCUMENTS, LETTERS = 24, 600_000
"""Fourteen megabytes in all."""


async def a_large_record(world: World, hospital: dict[str, str]) -> str:
    patient = (await world.post(hospital, a_patient()))["id"]
    for number in range(DOCUMENTS):
        await world.post(
            hospital,
            {
                "resourceType": "DocumentReference",
                "status": "current",
                "subject": {"reference": f"Patient/{patient}"},
                "date": f"2024-05-{number + 1:02d}T10:00:00Z",
                "content": [{"attachment": {"contentType": "text/plain", "data": "A" * LETTERS}}],
            },
        )
    return patient


async def highest(world: World, caller: dict[str, str], path: str, query: bytes) -> tuple[int, int]:
    """Return the bytes of an answer, and the most memory that making it took at once."""
    size = 0

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        nonlocal size
        size += len(message.get("body", b""))

    headers = [(name.lower().encode(), value.encode()) for name, value in caller.items()]
    scope = {"type": "http", "method": "GET", "path": path, "query_string": query, "headers": headers, "client": None}
    gc.collect()
    tracemalloc.start()
    try:
        await world.app(scope, receive, send)
        return size, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


async def test_a_record_and_a_file_of_an_export_leave_in_little_memory(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = await a_large_record(world, hospital)
    answer = await manifest(world, hospital, await kick_off(world, hospital, "$export?_type=DocumentReference"))
    file = answer["output"][0]["url"].removeprefix(world.hub.settings.address)

    everything = f"/fhir/Patient/{patient}/$everything"
    for path, query in ((everything, b""), (everything, b"_format=xml"), (file, b"")):
        size, memory = await highest(world, hospital, path, query)
        assert size > DOCUMENTS * LETTERS
        assert memory < size / 2, (path, query)


async def test_a_record_in_xml_is_the_one_in_json(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]
    doctor = await world.post(hospital, {"resourceType": "Practitioner", "name": [{"family": "佐藤"}]})
    link = {"reference": f"Practitioner/{doctor['id']}"}
    for number in range(3):
        await world.post(hospital, an_observation(patient, performer=[link], note=[{"text": f"<entry> {number}"}]))
    path = f"/fhir/Patient/{patient}/$everything"

    for query in ("", "?_count=2"):
        plain = await world.http.get(f"{path}{query}", headers=hospital)
        streamed = await world.http.get(f"{path}{query}", headers=hospital | {"Accept": "application/fhir+xml"})

        assert streamed.headers["content-type"].startswith("application/fhir+xml")
        found, wanted = json.loads(to_json(streamed.content).body), plain.json()
        links = [
            {one["relation"]: one["url"].partition("_cursor")[0] for one in of.pop("link")} for of in (found, wanted)
        ]
        assert links[0] == links[1]
        assert found == wanted


async def test_a_stream_inside_a_batch_is_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    hospital = await world.client("hospital-a")
    patient = await a_large_record(world, hospital)
    get = {"request": {"method": "GET", "url": f"Patient/{patient}/$everything"}}
    batch = {"resourceType": "Bundle", "type": "batch", "entry": [get, get]}
    settings = world.hub.settings.model_copy(update={"bundle_bytes": DOCUMENTS * LETTERS * 3 // 2})
    monkeypatch.setattr(world.hub, "settings", settings)

    answer = await world.http.post("/fhir", headers=hospital, json=batch)

    assert answer.status_code == 200
    first, second = answer.json()["entry"]
    assert first["response"]["status"] == "200"
    assert len(first["resource"]["entry"]) == DOCUMENTS + 1
    assert second["response"]["status"] == "413"
    assert second["response"]["outcome"]["issue"][0]["code"] == "too-long"


async def test_a_file_of_an_export_inside_a_batch_is_a_binary(world: World) -> None:
    hospital = await world.client("hospital-a")
    await world.post(hospital, a_patient())
    answer = await manifest(world, hospital, await kick_off(world, hospital, "$export?_type=Patient"))
    url = answer["output"][0]["url"].partition("/fhir/")[2]
    batch = {"resourceType": "Bundle", "type": "batch", "entry": [{"request": {"method": "GET", "url": url}}]}

    (entry,) = (await world.http.post("/fhir", headers=hospital, json=batch)).json()["entry"]

    binary = entry["resource"]
    assert (binary["resourceType"], binary["contentType"]) == ("Binary", "application/fhir+ndjson")
    assert json.loads(base64.b64decode(binary["data"]))["resourceType"] == "Patient"
