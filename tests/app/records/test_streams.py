"""What leaves as a stream is never held as a whole."""

import gc
import tracemalloc
from typing import Any

import pytest

from tests.app.records.test_export import kick_off, manifest
from tests.world import World, a_patient

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


async def highest(world: World, caller: dict[str, str], path: str) -> tuple[int, int]:
    """Return the bytes of an answer, and the most memory that making it took at once."""
    size = 0

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        nonlocal size
        size += len(message.get("body", b""))

    headers = [(name.lower().encode(), value.encode()) for name, value in caller.items()]
    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": headers, "client": None}
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

    for path in (f"/fhir/Patient/{patient}/$everything", file):
        size, memory = await highest(world, hospital, path)
        assert size > DOCUMENTS * LETTERS
        assert memory < size / 2, path
