"""The page about the hub's doors: whole, escaped, without a script, found by type."""

import re

import pytest

from app.records.interactions import INTERACTIONS
from app.records.operations import OPERATIONS
from fhir.store.types import NUMBERS
from tests.world import World

pytestmark = pytest.mark.anyio


async def test_the_page_tells_every_address_and_operation(world: World) -> None:
    answer = await world.http.get("/fhir/api", headers={"accept": "text/html"})

    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    words = {"type": "[type]", "id": "[id]", "version": "[vid]", "member": "[member]", "number": "[n]"}
    for _, form in INTERACTIONS:
        address = "/".join(["/fhir", *(words.get(word, word) for word in form.split("/") if word)])
        assert f"<code>{address}</code>" in answer.text
    assert set(re.findall(r'id="operation-([\w-]+)"', answer.text)) == set(OPERATIONS)
    assert all(f'"/fhir/api?type={name}"' in answer.text for name in NUMBERS)


async def test_nothing_is_loaded_from_elsewhere_and_nothing_runs(world: World) -> None:
    answer = await world.http.get("/fhir/api?type=Patient", headers={"accept": "text/html"})

    assert answer.headers["content-security-policy"].startswith("default-src 'self'")
    assert "<script" not in answer.text
    loaded = re.findall(r'<(?:link|img)[^>]+(?:href|src)="([^"]+)"', answer.text)
    assert [(await world.http.get(one)).status_code for one in loaded] == [200, 200, 200]
    assert all(one.startswith("/static/") for one in loaded)


@pytest.mark.parametrize(
    ("asked", "status", "words"),
    [
        ("Patient", 200, "birthdate"),
        (" observation ", 200, "value-quantity"),
        ("medication", 200, "ingredient-code"),
        ("medicati", 404, "MedicationRequest"),
        ("<b>pet</b>", 404, "&lt;b&gt;pet&lt;/b&gt;"),
    ],
)
async def test_a_type_is_found_by_its_name(world: World, asked: str, status: int, words: str) -> None:
    answer = await world.http.get("/fhir/api", params={"type": asked})

    assert answer.status_code == status
    assert words in answer.text
    assert "<b>pet" not in answer.text
