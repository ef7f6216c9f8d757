"""ITI-83: other identifiers of the person who has one, as far as they exist for the caller."""

from typing import Any

import pytest

from app.audit.balp import Observer, audit_event
from app.exchange.domains import add_domain
from app.identity.replaced import REPLACED_BY
from tests.identity import someone
from tests.portal import recorded
from tests.world import World, a_consent

pytestmark = pytest.mark.anyio

RED, GREEN, BLUE = (f"urn:oid:1.3.6.1.4.1.21367.13.20.{number}000" for number in (1, 2, 3))
SITES = {"hospital-a": (RED, "IHERED-994"), "hospital-b": (GREEN, "IHEGREEN-994"), "clinic-c": (BLUE, "IHEBLUE-994")}
ASKED = f"/fhir/Patient/$ihe-pix?sourceIdentifier={RED}|IHERED-994"


def numbered(system: str, value: str, **fields: Any) -> dict[str, Any]:
    return someone(identifier=[{"system": system, "value": value}], **fields)


async def three_sites(world: World) -> dict[str, str]:
    """Let three sites write the same person, who lets clinic-d see them, and return the ids by site."""
    found = {}
    for site, number in SITES.items():
        headers = await world.client(site)
        found[site] = str((await world.post(headers, numbered(*number)))["id"])
        await world.post(headers, a_consent(found[site], "clinic-d"))
    return found


def told(parameters: dict[str, Any]) -> tuple[set[str], set[str]]:
    """Return the references and the values of the identifiers that an answer holds."""
    parts = parameters.get("parameter", [])
    return (
        {one["valueReference"]["reference"] for one in parts if one["name"] == "targetId"},
        {one["valueIdentifier"]["value"] for one in parts if one["name"] == "targetIdentifier"},
    )


async def test_identifiers_of_other_sites_are_answered_and_never_the_one_that_was_asked_by(world: World) -> None:
    ids = await three_sites(world)

    answer = await world.http.get(ASKED, headers=await world.client("clinic-d"))

    assert answer.status_code == 200
    references, values = told(answer.json())
    assert values == {"IHEGREEN-994", "IHEBLUE-994"}
    assert references == {f"Patient/{ids['hospital-b']}", f"Patient/{ids['clinic-c']}"}


async def test_a_target_domain_narrows_the_answer_by_get_and_by_post(world: World) -> None:
    await three_sites(world)
    headers = await world.client("clinic-d")
    parameters = [
        ("sourceIdentifier", f"{RED}|IHERED-994"),
        ("targetSystem", BLUE),
        ("_format", "application/fhir+xml"),
    ]
    body = {"resourceType": "Parameters", "parameter": [{"name": n, "valueString": v} for n, v in parameters]}

    by_get = await world.http.get(f"{ASKED}&targetSystem={BLUE}", headers=headers)
    by_post = await world.http.post("/fhir/Patient/$ihe-pix", headers=headers, json=body)

    assert told(by_get.json())[1] == {"IHEBLUE-994"}
    assert by_post.status_code == 200
    assert by_post.headers["content-type"].startswith("application/fhir+xml")
    assert "IHEBLUE-994" in by_post.text
    assert "IHEGREEN-994" not in by_post.text


async def test_the_ids_of_the_hub_are_a_domain_too(world: World) -> None:
    ids = await three_sites(world)
    headers, base = await world.client("clinic-d"), world.hub.settings.fhir_address

    of_ids = await world.http.get(f"{ASKED}&targetSystem={base}", headers=headers)
    by_id = await world.http.get(
        f"/fhir/Patient/$ihe-pix?sourceIdentifier={base}|Patient/{ids['hospital-a']}&targetSystem={RED}",
        headers=headers,
    )

    assert told(of_ids.json()) == ({f"Patient/{id_}" for id_ in ids.values()}, set())
    assert told(by_id.json())[1] == {"IHERED-994"}


@pytest.mark.parametrize(
    ("query", "status", "code", "text"),
    [
        (f"sourceIdentifier={RED}|nobody", 404, "not-found", "sourceIdentifier Patient Identifier not found"),
        ("sourceIdentifier=urn:oid:9.9|1", 400, "code-invalid", "sourceIdentifier Assigning Authority not found"),
        (f"sourceIdentifier={RED}|IHERED-994&targetSystem=urn:oid:9.9", 403, "code-invalid", "targetSystem not found"),
        ("targetSystem=urn:oid:9.9", 400, "invalid", "sourceIdentifier is needed once, as system|value"),
        (f"sourceIdentifier={RED}", 400, "invalid", "sourceIdentifier is needed once, as system|value"),
        (f"sourceIdentifier={RED}|1&sourceIdentifier={RED}|2", 400, "invalid", "sourceIdentifier is there twice"),
        (f"sourceIdentifier={RED}|1&other=2", 400, "invalid", "other is not a parameter of this operation"),
    ],
    ids=["unknown", "unknown domain", "unknown target", "no source", "no value", "two sources", "unknown parameter"],
)
async def test_what_cannot_be_answered_is_said_as_the_profile_says(
    world: World, query: str, status: int, code: str, text: str
) -> None:
    await three_sites(world)

    answer = await world.http.get(f"/fhir/Patient/$ihe-pix?{query}", headers=await world.client("clinic-d"))

    assert answer.status_code == status
    assert answer.json()["issue"][0]["code"] == code
    assert answer.json()["issue"][0]["diagnostics"] == text


async def test_a_known_domain_without_an_identifier_is_an_empty_answer(world: World) -> None:
    await three_sites(world)
    async with world.hub.database.write() as connection:
        await add_domain(connection, "urn:oid:7.7", 1)

    answer = await world.http.get(f"{ASKED}&targetSystem=urn:oid:7.7", headers=await world.client("clinic-d"))

    assert answer.json() == {"resourceType": "Parameters"}


async def test_hidden_and_never_existing_are_answered_alike(world: World) -> None:
    headers = await world.client("clinic-d")
    await world.post(await world.client("hospital-a"), numbered(RED, "IHERED-994"))

    hidden = await world.http.get(ASKED, headers=headers)
    never = await world.http.get(ASKED.replace("994", "995"), headers=headers)

    assert (hidden.status_code, hidden.json()) == (never.status_code, never.json())


async def test_another_site_s_word_for_a_number_is_no_answer(world: World) -> None:
    """Whoever writes another's number on a Patient of its own leads nobody there."""
    async with world.hub.database.write() as connection:
        await add_domain(connection, RED, 1)
    hearsay = await world.client("hospital-b")
    await world.post(hearsay, numbered(RED, "IHERED-994"))

    answer = await world.http.get(ASKED, headers=hearsay)

    assert answer.status_code == 404


async def test_a_merged_patient_leads_to_the_one_that_stays(world: World) -> None:
    ids = await three_sites(world)
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-d")
    link = [{"other": {"identifier": {"system": RED, "value": "IHERED-994"}}, "type": REPLACED_BY}]
    merged = numbered(RED, "IHERED-m94", birthDate="1951-03-09", active=False, link=link)
    response = await world.http.put(f"/fhir/Patient?identifier={RED}|IHERED-m94", headers=hospital, json=merged)
    await world.post(hospital, a_consent(response.json()["id"], "clinic-d"))

    by_old = await world.http.get(ASKED.replace("994", "m94"), headers=clinic)
    by_new = await world.http.get(ASKED, headers=clinic)

    assert told(by_old.json())[1] == {"IHERED-994", "IHEGREEN-994", "IHEBLUE-994"}
    assert f"Patient/{ids['hospital-a']}" in told(by_old.json())[0]
    assert told(by_new.json())[1] == {"IHEGREEN-994", "IHEBLUE-994"}


async def test_each_patient_that_is_told_of_is_on_record_under_the_transaction(world: World) -> None:
    ids = await three_sites(world)
    before = len(await recorded(world))

    await world.http.get(ASKED, headers=await world.client("clinic-d"))

    told_of = (await recorded(world))[before:]
    assert {event.patient for event in told_of} == {f"Patient/{id_}" for id_ in ids.values()}
    rendered = [audit_event(event, id="1", observer=Observer("Device/hub", "http://hub")) for event in told_of]
    assert {one["subtype"][0]["code"] for one in rendered} == {"ITI-83"}
    assert {one["meta"]["profile"][0].rpartition("/")[2] for one in rendered} == {"IHE.BasicAudit.PatientQuery"}
