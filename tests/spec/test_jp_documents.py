"""Every published example of Japan's documents, from the door to the page. Data: jp/examples, jp/packages."""

import json

import pytest

from tests.documents import found
from tests.portal import signed_in
from tests.spec_data import SPEC_DATA
from tests.world import World

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(not SPEC_DATA.exists(), reason="the published examples are not on this machine"),
]

EXAMPLES = sorted((SPEC_DATA / "jp/examples").glob("Bundle-*.json"))
"""A referral, and four laboratory results of 6情報, of one patient."""


async def test_every_bundle_is_found_under_one_person_and_given_back_as_it_came(world: World) -> None:
    hospital = await world.client("hospital-a")
    addresses = {}
    for example in EXAMPLES:
        posted = await world.http.post(
            "/fhir", headers=hospital | {"content-type": "application/fhir+json"}, content=example.read_bytes()
        )
        assert posted.status_code == 201, posted.text
        addresses[example] = f"/fhir/Bundle/{posted.json()['id']}/$original"

    (patient,) = await found(world, hospital, "Patient")
    for example, address in addresses.items():
        assert (await world.http.get(address, headers=hospital)).content == example.read_bytes()
    about = f"patient=Patient/{patient['id']}"
    totals = {
        name: await world.total(hospital, f"{name}?{about}")
        for name in ("Condition", "AllergyIntolerance", "Observation", "Composition", "DocumentReference", "Encounter")
    }
    assert totals == {
        "Condition": 5,
        "AllergyIntolerance": 3,
        "Observation": 5,
        "Composition": 1,
        "DocumentReference": 1,
        "Encounter": 0,
    }
    # The referral's attachment and its two Encounters do not say whose they are: they are in the record all the same.
    assert await world.total(hospital, "DocumentReference") == 2
    assert await world.total(hospital, "Encounter") == 2
    assert await world.total(hospital, "Provenance") == len(EXAMPLES)


async def test_a_referral_is_shown_in_the_order_of_its_sections(world: World) -> None:
    clinic = await world.client("clinic-c")
    for example in EXAMPLES:
        await world.http.post(
            "/fhir/Bundle", headers=clinic | {"content-type": "application/fhir+json"}, content=example.read_bytes()
        )
    (head,) = await found(world, clinic, "Composition")
    (patient,) = await found(world, clinic, "Patient")
    browser = await signed_in(world, "clinic-c")

    page = (await browser.get(f"/documents/Composition/{head['id']}")).text
    timeline = (await browser.get(f"/patients/{patient['id']}")).text

    titles = [
        "紹介元情報",
        "紹介先情報",
        "構造情報",
        "紹介目的",
        "傷病名・主訴",
        "現病歴",
        "既往歴",
        "家族歴",
        "臨床経過",
    ]
    places = [page.index(f"<h2>{title}</h2>") for title in titles]
    assert places == sorted(places)
    assert "腹痛精査お願いします。" in page
    assert "アルブミン" in timeline
    assert timeline.count('class="kind k-document"') == 2  # the referral, and what it has attached
    assert "出典 1文書" in timeline


async def test_the_same_document_sent_again_with_fresh_links_makes_nothing_new(world: World) -> None:
    hospital = await world.client("hospital-a")
    for example in EXAMPLES:
        body = example.read_text()
        for _ in range(2):
            posted = await world.http.post(
                "/fhir/Bundle",
                headers=hospital | {"content-type": "application/fhir+json"},
                content=body.encode(),
            )
            assert posted.status_code == 201
            # Made a minute later, under other links.
            for entry in json.loads(body)["entry"]:
                fresh = entry["fullUrl"][:-1] + ("0" if entry["fullUrl"][-1] != "0" else "1")
                body = body.replace(entry["fullUrl"], fresh)
            body = body.replace("T10:00:00+09:00", "T10:01:00+09:00")

    facts = await found(world, hospital, "Condition?_count=50")
    assert len(facts) == 5
    assert {one["meta"]["versionId"] for one in facts} == {"1"}
    assert await world.total(hospital, "Observation") == 5
    assert await world.total(hospital, "AllergyIntolerance") == 3
