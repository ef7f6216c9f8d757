"""The published package of PIXm: its feed is taken, its queries answered as its responses are.

https://profiles.ihe.net/ITI/PIXm/
"""

import json
from typing import Any

import pytest

from app.records.capabilities import capability_statement
from tests.spec_data import SPEC_DATA, package
from tests.world import World, a_consent

PACKAGE = SPEC_DATA / "ihe/ihe.iti.pixm.tgz"
pytestmark = [pytest.mark.anyio, pytest.mark.skipif(not PACKAGE.exists(), reason="the PIXm package is not here")]

SITES = {"Red": "hospital-a", "Green": "hospital-b", "Blue": "clinic-c"}


def example(name: str) -> dict[str, Any]:
    patient = dict(package(PACKAGE)[f"example/Patient-Patient-{name}.json"])
    del patient["id"]
    return patient


async def fed(world: World, name: str) -> Any:
    """Let the site of an example feed it."""
    patient = example(name)
    (number,) = patient["identifier"]
    headers = await world.client(SITES[name.rpartition("-")[2]])
    where = f"/fhir/Patient?identifier={number['system']}|{number['value']}"
    return await world.http.put(where, headers=headers, json=patient)


async def test_the_examples_of_the_feed_add_revise_and_merge(world: World) -> None:
    names = ("MohrAlissa-Red", "MohrAlice-Red", "MaidenAlice-Red", "MohrMaidenResolvedByMohrMalice-Red")

    answers = [await fed(world, name) for name in names]

    assert [answer.status_code for answer in answers] == [201, 200, 201, 200]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    assert answers[2].json()["id"] == answers[3].json()["id"]


@pytest.mark.parametrize("name", ["red-all", "red-to-blue"])
async def test_the_examples_of_queries_are_answered(world: World, name: str) -> None:
    for site in SITES:
        stored = (await fed(world, f"MohrAlice-{site}")).json()
        await world.post(await world.client(SITES[site]), a_consent(stored["id"], "clinic-d"))
    await link_all(world)
    asked = package(PACKAGE)[f"example/Parameters-pixm-request-mohralice-{name}.json"]
    wanted = package(PACKAGE)[f"example/Parameters-pixm-response-mohralice-{name}.json"]
    parameters = [one for one in asked["parameter"] if one["name"] != "_format"]

    answer = await world.http.post(
        "/fhir/Patient/$ihe-pix", headers=await world.client("clinic-d"), json={**asked, "parameter": parameters}
    )

    assert answer.status_code == 200
    own = answer.json()["parameter"]
    for part in wanted["parameter"]:
        if part["name"] == "targetIdentifier":
            assert part in own
    assert {part["name"] for part in own} == {part["name"] for part in wanted["parameter"]}


async def link_all(world: World) -> None:
    """Make one person of the three: name, sex and birth date alone link nobody here."""
    from app.identity.link import link
    from tests.identity import person

    hospital = await world.client("clinic-d")
    found = (await world.http.get("/fhir/Patient?birthdate=1958-01-30", headers=hospital)).json()
    persons = [await person(world, entry["resource"]["id"]) for entry in found["entry"]]
    async with world.hub.database.write() as connection:
        for other in persons[1:]:
            await link(connection, persons[0], other)


async def test_the_example_of_an_unknown_identifier_is_answered_so(world: World) -> None:
    await fed(world, "MohrAlice-Red")
    wanted = package(PACKAGE)["example/OperationOutcome-pixm-response-error-not-found.json"]
    domain = example("MohrAlice-Red")["identifier"][0]["system"]

    answer = await world.http.get(
        f"/fhir/Patient/$ihe-pix?sourceIdentifier={domain}|nobody", headers=await world.client("hospital-a")
    )

    issue = answer.json()["issue"][0]
    assert (issue["severity"], issue["code"]) == (wanted["issue"][0]["severity"], wanted["issue"][0]["code"])


def test_the_capability_statement_says_what_the_manager_s_says() -> None:
    wanted = package(PACKAGE)["CapabilityStatement-IHE.PIXm.Manager.json"]
    own = json.loads(capability_statement("http://hub", "single"))

    (patient,) = [one for one in own["rest"][0]["resource"] if one["type"] == "Patient"]
    (asked,) = wanted["rest"][0]["resource"]
    assert wanted["url"] in own["instantiates"]
    assert {one["code"] for one in asked["interaction"]} <= {one["code"] for one in patient["interaction"]}
    assert patient["conditionalUpdate"] is asked["conditionalUpdate"] is True
    assert patient["conditionalDelete"] == asked["conditionalDelete"]
    assert set(asked["supportedProfile"]) <= set(patient["supportedProfile"])
    assert {one["definition"] for one in asked["operation"]} <= {one["definition"] for one in patient["operation"]}
