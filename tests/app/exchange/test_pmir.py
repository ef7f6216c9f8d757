"""ITI-93: a feed is carried out as a whole or not at all; in the shapes that were exchanged at Connectathons."""

import asyncio
from typing import Any

import orjson
import pytest

from app.audit.balp import Observer, audit_event
from app.identity.replaced import REPLACED_BY
from fhir.xml.to_xml import to_xml
from tests.feed import a_change, a_message
from tests.identity import key_of, someone, together
from tests.oauth import scoped
from tests.portal import recorded
from tests.world import World, a_patient

pytestmark = pytest.mark.anyio

DOMAIN = "urn:oid:1.3.6.1.4.1.21367.13.20.308"
HISTORY = "Bundle.entry[1].resource"


def named(value: str, **fields: Any) -> dict[str, Any]:
    return someone(**{"identifier": [{"system": DOMAIN, "value": value}], "active": True, **fields})


def merge(value: str, survivor: dict[str, Any]) -> dict[str, Any]:
    """Return a Patient as a source sends it that merges: no more than who it was and who stays."""
    identifiers = [{"system": DOMAIN, "value": value}]
    link = [{"other": survivor, "type": REPLACED_BY}]
    return {"resourceType": "Patient", "identifier": identifiers, "active": False, "link": link}


def a_child(mother: dict[str, Any]) -> dict[str, Any]:
    return {
        "resourceType": "RelatedPerson",
        "identifier": [{"system": DOMAIN, "value": "Child"}],
        "patient": mother,
        "relationship": [{"coding": [{"code": "CHILD"}]}],
    }


async def send(world: World, headers: dict[str, str], *changes: dict[str, Any]) -> Any:
    return await world.http.post("/fhir", headers=headers, json=a_message(*changes))


async def fed(world: World, headers: dict[str, str], *changes: dict[str, Any]) -> list[str]:
    """Send a feed that is carried out and return where its resources lie."""
    answer = await send(world, headers, *changes)
    assert answer.status_code == 200, answer.text
    history = answer.json()["entry"][1]["resource"]
    return [entry["response"]["location"] for entry in history["entry"]]


async def test_the_answer_is_a_message_that_tells_what_became_of_each_change(world: World) -> None:
    headers = await world.client("hospital-a")

    answer = await send(world, headers, a_change("POST", "Patient/source-1", named("Mother")))

    bundle = answer.json()
    header, history = (entry["resource"] for entry in bundle["entry"])
    assert (answer.status_code, bundle["type"]) == (200, "message")
    assert header["response"] == {"identifier": "header-1", "code": "ok"}
    assert header["destination"] == [{"endpoint": "http://ehr.example/fhir"}]
    assert header["focus"][0]["reference"] == bundle["entry"][1]["fullUrl"]
    (entry,) = history["entry"]
    assert entry["response"]["status"] == "201"
    patient = await world.http.get(f"/fhir/{entry['response']['location']}", headers=headers)
    assert patient.json()["identifier"][0]["value"] == "Mother"


async def test_a_source_goes_on_with_ids_of_its_own(world: World) -> None:
    headers = await world.client("hospital-a")
    (made,) = await fed(world, headers, a_change("POST", "Patient/source-1", named("Child")))

    (updated,) = await fed(world, headers, a_change("PUT", "Patient/source-1", named("Child", gender="female")))
    by_number = await fed(world, headers, a_change("PUT", "Patient/source-2", named("Child", gender="male")))
    by_own_id = await fed(world, headers, a_change("PUT", made, named("Child", gender="other")))

    assert [updated, *by_number, *by_own_id] == [made] * 3
    assert (await world.http.get(f"/fhir/{made}", headers=headers)).json()["gender"] == "other"
    assert await world.total(headers, "Patient?_summary=count") == 1


async def test_a_message_that_comes_again_makes_no_second_patient(world: World) -> None:
    headers = await world.client("hospital-a")
    change = a_change("POST", "Patient/source-1", named("Mother"))

    first = await asyncio.gather(*(send(world, headers, change) for _ in range(4)))

    assert {answer.status_code for answer in first} == {200}
    assert await world.total(headers, "Patient?_summary=count") == 1


async def test_what_one_site_calls_its_patients_means_nothing_to_another(world: World) -> None:
    (one,) = await fed(world, await world.client("hospital-a"), a_change("POST", "Patient/1", named("A")))
    other = await world.client("hospital-b")

    answer = await send(world, other, a_change("DELETE", "Patient/1"))
    by_id = await send(world, other, a_change("DELETE", one))
    (made,) = await fed(world, other, a_change("PUT", "Patient/1", named("B")))

    assert (answer.status_code, by_id.status_code) == (404, 404)
    assert answer.json()["issue"][0]["diagnostics"] == by_id.json()["issue"][0]["diagnostics"]
    assert made != one


async def test_a_related_person_names_the_patient_by_id_or_by_identifier(world: World) -> None:
    headers = await world.client("hospital-a")
    number = {"identifier": {"system": DOMAIN, "value": "Mother"}}

    mother, child, related = await fed(
        world,
        headers,
        a_change("POST", "Patient/m", named("Mother")),
        a_change("POST", "Patient/c", named("Child", birthDate="2021-03-03")),
        a_change("POST", "RelatedPerson/r", a_child(number)),
    )
    (again,) = await fed(world, headers, a_change("PUT", "RelatedPerson/r", a_child({"reference": "Patient/m"})))
    (later,) = await fed(world, headers, a_change("POST", "RelatedPerson/s", a_child(number)))

    assert again == related
    assert child != mother
    for one in (related, later):
        stored = (await world.http.get(f"/fhir/{one}", headers=headers)).json()
        assert stored["patient"]["reference"] == mother
    assert await world.total(headers, f"RelatedPerson?patient={mother}") == 2


async def test_the_body_of_a_related_person_is_to_be_had_as_it_was_sent(world: World) -> None:
    headers = await world.client("hospital-a")
    number = {"identifier": {"system": DOMAIN, "value": "Mother"}}
    _, related = await fed(
        world,
        headers,
        a_change("POST", "Patient/m", named("Mother")),
        a_change("POST", "RelatedPerson/r", a_child(number)),
    )

    original = await world.http.get(f"/fhir/{related}/$original", headers=headers)

    assert original.json() == a_child(number)


@pytest.mark.parametrize(
    "survivor",
    [
        {"reference": "Patient/two"},
        {"reference": "http://ehr.example/fhir/Patient/two"},
        {"identifier": {"system": DOMAIN, "value": "TWO"}},
    ],
    ids=["id", "full url", "identifier"],
)
async def test_a_merge_marks_and_links(world: World, survivor: dict[str, Any]) -> None:
    headers = await world.client("hospital-a")
    two = a_change("POST", "Patient/two", named("TWO", birthDate="1962-04-08", phone=None))
    two["fullUrl"] = "http://ehr.example/fhir/Patient/two"
    one = a_change("POST", "Patient/one", named("ONE"))
    first, second = (location.partition("/")[2] for location in await fed(world, headers, one, two))
    ended = a_change("PUT", "Patient/one", merge("ONE", survivor))
    ended["fullUrl"] = "http://ehr.example/fhir/Patient/one"
    del ended["resource"]["active"]

    await fed(world, headers, ended)

    old = (await world.http.get(f"/fhir/Patient/{first}", headers=headers)).json()
    assert (old["active"], old["link"][0]["type"]) == (False, REPLACED_BY)
    if "reference" in survivor:
        assert old["link"][0]["other"]["reference"] == f"Patient/{second}"
    assert await together(world, second) == {await key_of(world, first), await key_of(world, second)}


async def test_a_merge_and_the_patient_that_stays_may_come_together(world: World) -> None:
    headers = await world.client("hospital-a")

    first, second = await fed(
        world,
        headers,
        a_change("PUT", "Patient/one", merge("ONE", {"reference": "Patient/two"})),
        a_change("POST", "Patient/two", named("TWO")),
    )

    ids = [one.partition("/")[2] for one in (first, second)]
    assert await together(world, ids[1]) == {await key_of(world, id_) for id_ in ids}


async def test_a_merge_is_not_taken_back(world: World) -> None:
    headers = await world.client("hospital-a")
    await fed(world, headers, a_change("POST", "Patient/two", named("TWO", phone=None, birthDate="1962-04-08")))
    await fed(world, headers, a_change("PUT", "Patient/one", merge("ONE", {"reference": "Patient/two"})))

    answer = await send(
        world, headers, a_change("PUT", "Patient/three", named("THREE")), a_change("PUT", "Patient/one", named("ONE"))
    )

    assert answer.status_code == 405
    assert answer.json()["issue"][0]["expression"] == [f"{HISTORY}.entry[1].resource.link"]
    assert await world.total(headers, f"Patient?identifier={DOMAIN}|THREE") == 0


async def test_a_deletion_is_carried_out_and_may_come_again(world: World) -> None:
    headers = await world.client("hospital-a")
    (made,) = await fed(world, headers, a_change("POST", "Patient/one", named("ONE")))

    for _ in range(2):
        await fed(world, headers, a_change("DELETE", "Patient/one"))

    assert (await world.http.get(f"/fhir/{made}", headers=headers)).status_code == 410


def without(place: int) -> dict[str, Any]:
    message = a_message(a_change("POST", "Patient/1", named("A")))
    del message["entry"][place]
    return message


def swapped() -> dict[str, Any]:
    message = a_message(a_change("POST", "Patient/1", named("A")))
    return message | {"entry": message["entry"][::-1]}


def of_type(kind: str) -> dict[str, Any]:
    message = a_message(a_change("POST", "Patient/1", named("A")))
    message["entry"][1]["resource"]["type"] = kind
    return message


OBSERVATION = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}
GOOD = a_change("POST", "Patient/good", named("GOOD"))


@pytest.mark.parametrize(
    ("message", "status", "place"),
    [
        (without(0), 400, "Bundle.entry"),
        (without(1), 400, "Bundle.entry"),
        (swapped(), 400, "Bundle.entry[0].resource"),
        (of_type("collection"), 400, f"{HISTORY}.type"),
        (a_message(), 400, None),
        (a_message(GOOD, event="urn:other"), 400, "Bundle.entry[0].resource.eventUri"),
        (a_message(GOOD, a_change("POST", "Observation/1", OBSERVATION)), 400, f"{HISTORY}.entry[1].request.url"),
        (a_message(GOOD, a_change("PUT", "Patient/1")), 400, f"{HISTORY}.entry[1].resource"),
        (a_message(GOOD, a_change("PUT", "Patient", named("A"))), 400, f"{HISTORY}.entry[1].request.url"),
        (a_message(GOOD, a_change("PUT", "Patient/1", named("A", gender="x"))), 422, None),
        (a_message(GOOD, a_change("PUT", "Patient/1", OBSERVATION)), 400, None),
        (a_message(GOOD, a_change("DELETE", "Patient/nobody")), 404, f"{HISTORY}.entry[1].resource"),
        (a_message(GOOD, a_change("PUT", "Patient/2", named("GOOD"))), 400, f"{HISTORY}.entry"),
        (a_message(GOOD, a_change("POST", "RelatedPerson/1", a_child({"reference": "Patient/no"}))), 422, None),
        (
            a_message(
                GOOD, a_change("POST", "RelatedPerson/1", a_child({"identifier": {"system": "a", "value": "b"}}))
            ),
            *(422, f"{HISTORY}.entry[1].resource.patient.identifier"),
        ),
        (
            a_message(GOOD, a_change("PUT", "Patient/1", merge("A", {"reference": "Patient/nobody"}))),
            *(422, f"{HISTORY}.entry[1].resource.link.other"),
        ),
    ],
)
async def test_what_is_not_whole_changes_nothing(
    world: World, message: dict[str, Any], status: int, place: str | None
) -> None:
    headers = await world.client("hospital-a")

    answer = await world.http.post("/fhir", headers=headers, json=message)

    assert answer.status_code == status, answer.text
    assert place is None or answer.json()["issue"][0]["expression"] == [place]
    assert await world.total(headers, "Patient?_summary=count") == 0


async def test_the_numbers_of_another_institution_are_not_fed(world: World) -> None:
    headers = await world.client("hospital-a")
    other = [{"system": "urn:oid:1.2.392.100495.20.3.51.10110000002", "value": "1"}]

    answer = await send(world, headers, a_change("POST", "Patient/1", a_patient(identifier=other)))

    assert answer.status_code == 403
    assert answer.json()["issue"][0]["expression"] == [f"{HISTORY}.entry[0].resource.identifier"]


async def test_xml_is_taken_and_answered_at_the_operation_too(world: World) -> None:
    headers = await world.client("hospital-a")
    body = to_xml(orjson.dumps(a_message(a_change("POST", "Patient/1", named("Mother")))))
    xml = {"content-type": "application/fhir+xml", "accept": "application/fhir+xml"}

    answer = await world.http.post("/fhir/$process-message", headers=headers | xml, content=body)

    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("application/fhir+xml")
    assert '<code value="ok"/>' in answer.text
    assert await world.total(headers, f"Patient?identifier={DOMAIN}|Mother") == 1


async def test_the_scope_of_the_transaction_is_enough_and_another_is_not(world: World) -> None:
    change = a_change("POST", "Patient/1", named("Mother"))

    answers = [
        await send(world, await scoped(world, "hospital-a", scope), change)
        for scope in ("ITI-78", "system/Observation.cruds", "ITI-93", "ITI-93")
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 200, 200]


async def test_each_patient_of_a_feed_is_on_record(world: World) -> None:
    headers = await world.client("hospital-a")
    before = len(await recorded(world))

    made = await fed(
        world,
        headers,
        a_change("POST", "Patient/1", named("A")),
        a_change("POST", "Patient/2", named("B", birthDate="1980-01-01")),
    )

    told = [event for event in (await recorded(world))[before:] if event.interaction == "message"]
    assert sorted(event.patient or "" for event in told) == sorted(made)
    rendered = audit_event(told[0], id="1", observer=Observer("Device/hub", "http://hub"))
    assert (rendered["type"]["code"], rendered["subtype"][0]["code"]) == ("110110", "ITI-93")


async def test_a_role_that_writes_no_patients_feeds_none(world: World) -> None:
    answer = await send(world, await world.client("hospital-a", role="doctor"), GOOD)

    assert answer.status_code == 403
