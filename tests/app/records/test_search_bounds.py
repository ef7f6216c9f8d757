"""Searches at the edge of what is taken: answered, or refused with a reason; no database has the last word."""

import pytest

from fhir.errors import TooCostly
from fhir.search import criterion
from fhir.search.criterion import Region
from tests.asgi import call
from tests.world import World, a_patient, an_observation

pytestmark = pytest.mark.anyio


def _many(count: int, text: str = "{}") -> str:
    return ",".join(text.format(number) for number in range(count))


QUERIES: dict[str, tuple[str, set[int]]] = {
    "tokens": (f"Observation?code={_many(500)}", {200}),
    "tokens with systems": (f"Observation?code={_many(500, 'http://loinc.org%7C{}')}", {200}),
    "two times tokens": (f"Observation?code={_many(250)}&category={_many(250)}", {200}),
    "none of the tokens": (f"Observation?code:not={_many(500)}", {200}),
    "dates": (f"Observation?date={_many(500, 'ne2024-05-{:05}'.replace('{:05}', '01T00:00:{}Z'))}", {200, 400}),
    "days": (f"Observation?date={','.join(['ne2024'] * 500)}", {200}),
    "quantities": (f"Observation?value-quantity={_many(500, 'ne{}')}", {200}),
    "strings": (f"Patient?name:contains={_many(500)}", {200}),
    "references": (f"Observation?patient={_many(500)}", {200}),
    "references to any type": (f"Provenance?target={_many(34)}", {200}),
    "too many references to any type": (f"Provenance?target={_many(40)}", {403}),
    "URIs and what is above": (f"ValueSet?url:above={_many(140, 'http://example.org/a/b/c/d/e/f/g/h/{}')}", {200}),
    "composites": (f"Observation?code-value-quantity={_many(250, '{}$gt1')}", {200}),
    "texts": (f"Observation?_text={_many(500)}", {200}),
    "texts of a patient": (f"Observation?patient=1&_content={_many(499)}", {200}),
    "words of a text": (f"Observation?_content={'%20'.join(map(str, range(600)))}", {200, 400, 403}),
    "words of a patient's text": (f"Observation?patient=1&_text={'%20'.join(map(str, range(600)))}", {200, 400, 403}),
    "a filter": (f"Observation?_filter={'%20or%20'.join(['status%20eq%20final'] * 500)}", {200, 400, 403}),
    "a filter of texts": (f"Patient?_filter={'%20and%20'.join(['name%20co%20a'] * 400)}", {200, 400, 403}),
    "chains": (f"Observation?subject.identifier={_many(100)}", {200, 400, 403}),
    "chains of chains": ("Observation?" + "&".join(["subject:Patient.organization.name=a"] * 12), {200, 403}),
    "a chain to what is never stored": ("Provenance?target:Parameters._id=a", {400}),
    "a chain to one of any types": ("Provenance?target:Basic._id=a", {200}),
    "reverse chains": ("Patient?" + "&".join(["_has:Observation:patient:code=a"] * 30), {200}),
    "orders": (f"Observation?_sort={','.join(['date', '-code'] * 50)}", {200, 400, 403}),
    "inclusions": ("Observation?" + "&".join(["_include=Observation:subject"] * 400), {200, 400, 403}),
    "all types": (f"?_tag={_many(100)}", {200, 400, 403}),
    "all types and a chain": (
        "?_type=Observation,Condition,Encounter&" + "&".join(["patient.name=a"] * 10),
        {200, 403},
    ),
    "places": (f"Location?near={_many(500, '43|141|{}|km')}".replace("|", "%7C"), {200, 400}),
}
"""A search, and the statuses that are right."""


@pytest.mark.parametrize("name", QUERIES)
async def test_a_search_at_the_edge_is_answered_or_refused(world: World, name: str) -> None:
    query, statuses = QUERIES[name]
    caller = await world.client("hospital-a")
    patient = await world.post(caller, a_patient())
    await world.post(caller, an_observation(patient["id"]))

    answer = await call(world.app, "GET", f"/fhir/{query}".replace("/?", "?"), caller)

    assert answer.status in statuses, answer.body[:500]


async def test_many_bare_ids_find_what_one_finds(world: World) -> None:
    caller = await world.client("hospital-a")
    patient = await world.post(caller, a_patient())
    await world.post(caller, an_observation(patient["id"]))

    assert await world.total(caller, f"Observation?subject={_many(200)},{patient['id']}") == 1
    assert await world.total(caller, f"Observation?subject={_many(200)}") == 0


@pytest.mark.parametrize("name", ["target.subject.subject._id", "target.target.target.target._tag"])
async def test_ways_without_end_are_refused_before_they_are_all_read(world: World, name: str) -> None:
    caller = await world.client("hospital-a")

    answers = [await call(world.app, "GET", f"/fhir/Provenance?{name}={number}", caller) for number in range(20)]

    assert {answer.status for answer in answers} == {403}
    with pytest.raises(TooCostly):
        criterion.parse("Provenance", f"{name}", "1", Region())
