"""ITI-119: who may be the person that a Patient describes."""

from typing import Any

import orjson
import pytest

from app.exchange.pdqm.match import GRADE, read_asked
from app.identity.replaced import REPLACED_BY
from fhir.errors import InvalidValue
from tests.identity import at, someone
from tests.world import World, a_consent

pytestmark = pytest.mark.anyio

ASKED = "/fhir/Patient/$match"


def parameters(patient: dict[str, Any], **others: Any) -> dict[str, Any]:
    kinds = {bool: "valueBoolean", int: "valueInteger"}
    parts = [{"name": name, kinds[type(value)]: value} for name, value in others.items()]
    return {"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": patient}, *parts]}


async def matched(world: World, body: dict[str, Any], site: str = "hospital-a") -> list[tuple[str, str, float]]:
    """Return id, grade and score of each match."""
    response = await world.http.post(ASKED, headers=await world.client(site), json=body)
    assert response.status_code == 200, response.text
    bundle = response.json()
    assert bundle["type"] == "searchset"
    assert bundle["total"] == len(bundle.get("entry", []))
    found = []
    for entry in bundle.get("entry", []):
        (grade,) = entry["search"]["extension"]
        assert (entry["search"]["mode"], grade["url"]) == ("match", GRADE)
        assert entry["fullUrl"].endswith(f"/fhir/Patient/{entry['resource']['id']}")
        found.append((entry["resource"]["id"], grade["valueCode"], entry["search"]["score"]))
    return found


async def test_the_surest_comes_first_with_grade_and_score(world: World) -> None:
    sure = await at(world, "hospital-a", someone())
    less = await at(world, "hospital-a", someone(phone="090-1111-2222"))

    found = await matched(world, parameters(someone("高橋 喜一郎")))

    assert [(id_, grade) for id_, grade, _ in found] == [(sure, "certain"), (less, "probable")]
    assert 1 >= found[0][2] > found[1][2] > 0


async def test_a_patient_alone_is_asked_for_as_well(world: World) -> None:
    sure = await at(world, "hospital-a", someone())

    assert [id_ for id_, _, _ in await matched(world, someone())] == [sure]


async def test_no_more_are_answered_than_are_wanted(world: World) -> None:
    sure = await at(world, "hospital-a", someone())
    await at(world, "hospital-a", someone(phone="090-1111-2222"))

    assert [id_ for id_, _, _ in await matched(world, parameters(someone(), count=1))] == [sure]


async def test_only_what_is_certain_is_answered_where_that_is_wanted(world: World) -> None:
    sure = await at(world, "hospital-a", someone())
    await at(world, "hospital-a", someone(phone="090-1111-2222"))

    found = await matched(world, parameters(someone(), onlyCertainMatches=True))

    assert [(id_, grade) for id_, grade, _ in found] == [(sure, "certain")]


async def test_several_persons_who_are_certain_are_nobody(world: World) -> None:
    await at(world, "hospital-a", someone())
    await at(world, "hospital-a", someone())

    assert len(await matched(world, parameters(someone()))) == 2
    assert await matched(world, parameters(someone(), onlyCertainMatches=True)) == []


async def test_nobody_hidden_is_answered(world: World) -> None:
    hidden = await at(world, "hospital-a", someone())

    before = await matched(world, someone(), "clinic-c")
    await world.post(await world.client("hospital-a"), a_consent(hidden, "clinic-c"))
    after = await matched(world, someone(), "clinic-c")

    assert before == []
    assert [id_ for id_, _, _ in after] == [hidden]


async def test_who_was_merged_is_answered_by_the_one_that_stays(world: World) -> None:
    stays = await at(world, "hospital-a", someone())
    link = [{"other": {"reference": f"Patient/{stays}"}, "type": REPLACED_BY}]
    await at(world, "hospital-a", someone(active=False, link=link))

    assert [id_ for id_, _, _ in await matched(world, someone())] == [stays]


WRONG = [
    ({"resourceType": "Observation", "status": "final", "code": {"text": "x"}}, "resourceType"),
    ({"resourceType": "Parameters"}, "Parameters.parameter"),
    (parameters(someone(), count=0), "Parameters.parameter"),
    (parameters(someone(), surely=True), "Parameters.parameter[1]"),
    (parameters(someone(), count=True), "Parameters.parameter[1]"),
    (someone(modifierExtension=[{"url": "http://example.org/not", "valueBoolean": True}]), "Patient.modifierExtension"),
    (parameters(someone(contact=[{"modifierExtension": [{"url": "http://a", "valueCode": "b"}]}])), None),
    (someone(birthDate="1951-99-99"), "Patient.birthDate"),
]


@pytest.mark.parametrize(
    ("body", "place"),
    WRONG,
    ids=["another type", "no patient", "count", "unknown", "kind", "modifier", "modifier deep", "structure"],
)
def test_what_cannot_be_asked_is_refused_with_its_place(body: dict[str, Any], place: str | None) -> None:
    with pytest.raises(InvalidValue) as failure:
        read_asked(orjson.dumps(body))

    assert place in (None, failure.value.expression)
    assert failure.value.status == 400


async def test_unknown_extensions_are_no_hindrance(world: World) -> None:
    sure = await at(world, "hospital-a", someone())
    extended = someone(extension=[{"url": "http://example.org/any", "valueString": "x"}])

    assert [id_ for id_, _, _ in await matched(world, extended)] == [sure]


async def test_too_little_is_not_looked_for(world: World) -> None:
    response = await world.http.post(
        ASKED, headers=await world.client("hospital-a"), json={"resourceType": "Patient", "gender": "male"}
    )

    assert (response.status_code, response.json()["issue"][0]["code"]) == (400, "invalid")


async def test_matches_are_counted_as_searches_for_people(world: World) -> None:
    await at(world, "hospital-a", someone())
    headers = await world.client("hospital-a")
    world.hub.limits._systems = type(world.hub.limits._systems)(1 / 60, 1)

    statuses = [(await world.http.post(ASKED, headers=headers, json=someone())).status_code for _ in range(2)]

    assert statuses == [200, 429]


async def test_other_types_have_no_matches(world: World) -> None:
    headers = await world.client("hospital-a")

    answer = await world.http.post("/fhir/Observation/$match", headers=headers, json=someone())

    assert answer.status_code == 404
