import re

import pytest

from tests.documents import a_collection, a_disease, a_document, a_person, a_result, found, send
from tests.portal import signed_in
from tests.world import World, a_consent

pytestmark = pytest.mark.anyio

LATER = "2024-05-02T09:00:00+09:00"
TABLE = '<div xmlns="http://www.w3.org/1999/xhtml"><table><tr><th>項目</th><td>6.30</td></tr></table></div>'


def told(text: str, **fields: object) -> dict[str, object]:
    """Return the sections of a head that says one thing."""
    div = f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{text}</p></div>'
    return {"section": [{"title": "所見", "text": {"status": "generated", "div": div}}], **fields}


async def test_a_document_is_shown_with_its_versions(world: World) -> None:
    clinic = await world.client("clinic-c")
    await send(world, clinic, a_document(a_disease("胃潰瘍", "1"), **told("初版です")))
    _, second = await send(world, clinic, a_document(a_disease("胃潰瘍", "1"), made=LATER, **told("改訂版です")))
    (head,) = await found(world, clinic, "Composition")
    browser = await signed_in(world, "clinic-c")

    page = (await browser.get(f"/documents/Composition/{head['id']}")).text
    old = (await browser.get(f"/documents/Bundle/{second['id']}/versions/1")).text
    new = (await browser.get(f"/documents/Bundle/{second['id']}")).text

    assert "改訂版です" in page
    assert "初版です" not in page
    assert f"/documents/Bundle/{second['id']}/versions/1" in page
    assert "2024-05-01 09:00 作成" in page
    assert "初版です" in old
    assert "この版は差し替え済みです" in old
    assert "改訂版です" in new
    assert "差し替え済みです" not in new


@pytest.mark.parametrize(("version", "page"), [("", ""), ("/_history/1", "/versions/1")], ids=["newest", "earlier"])
async def test_what_describes_a_document_leads_to_the_version_that_it_describes(
    world: World, version: str, page: str
) -> None:
    clinic = await world.client("clinic-c")
    await send(world, clinic, a_document(a_disease("胃潰瘍", "1")))
    _, second = await send(world, clinic, a_document(a_disease("胃潰瘍", "1"), made=LATER))
    patient = (await found(world, clinic, "Patient"))[0]["id"]
    attachment = {"contentType": "application/fhir+json", "url": f"Bundle/{second['id']}{version}"}
    described = {
        "resourceType": "DocumentReference",
        "status": "current",
        "subject": {"reference": f"Patient/{patient}"},
        "content": [{"attachment": attachment}],
    }
    posted = (await world.http.post("/fhir/DocumentReference", headers=clinic, json=described)).json()
    browser = await signed_in(world, "clinic-c")

    answer = await browser.get(f"/documents/DocumentReference/{posted['id']}")

    assert (answer.status_code, answer.headers["location"]) == (303, f"/documents/Bundle/{second['id']}{page}")


async def test_a_version_is_saved_as_it_came(world: World) -> None:
    clinic = await world.client("clinic-c")
    posted = await world.http.post("/fhir/Bundle", headers=clinic, json=a_document(a_disease("胃潰瘍", "1")))
    browser = await signed_in(world, "clinic-c")

    file = await browser.get(f"/documents/Bundle/{posted.json()['id']}/versions/1/original")

    assert file.content == posted.request.content
    assert file.headers["content-disposition"].startswith("attachment;")
    assert file.headers["x-content-type-options"] == "nosniff"


async def test_a_table_is_shown_as_one_and_markup_is_not(world: World) -> None:
    clinic = await world.client("clinic-c")
    attack = TABLE.replace("6.30", "<b onclick='alert(1)'>6.30</b>&lt;script&gt;")
    section = [{"title": "検査", "text": {"status": "generated", "div": attack.replace(" onclick='alert(1)'", "")}}]
    await send(world, clinic, a_document(section=section))
    (head,) = await found(world, clinic, "Composition")
    browser = await signed_in(world, "clinic-c")

    page = (await browser.get(f"/documents/Composition/{head['id']}")).text

    assert "<th>項目</th><td>6.30&lt;script&gt;</td>" in re.sub(r"\s*\n\s*", "", page)


async def test_findings_of_validation_are_shown(world: World) -> None:
    clinic = await world.client("clinic-c")
    await send(world, clinic, a_document(**told("宛先なし")))
    (head,) = await found(world, clinic, "Composition")
    browser = await signed_in(world, "clinic-c")

    page = (await browser.get(f"/documents/Composition/{head['id']}")).text

    assert "検査で見つかった点: 3件" in page
    assert "Section 910 (addressee) is missing" in page


async def test_a_collection_is_shown_by_what_it_holds(world: World) -> None:
    clinic = await world.client("clinic-c")
    _, stored = await send(world, clinic, a_collection(a_result("4548-4", "陰性", "1")))
    browser = await signed_in(world, "clinic-c")

    page = (await browser.get(f"/documents/Bundle/{stored['id']}")).text

    assert "診療情報(6情報)" in page
    assert "陰性" in page


async def test_a_document_is_one_line_of_the_timeline(world: World) -> None:
    clinic = await world.client("clinic-c")
    await send(world, clinic, a_document(a_result("4548-4", "6.3", "1")))
    (patient,) = await found(world, clinic, "Patient")
    (reference,) = await found(world, clinic, "DocumentReference")
    browser = await signed_in(world, "clinic-c")

    timeline = (await browser.get(f"/patients/{patient['id']}")).text
    there = await browser.get(f"/documents/DocumentReference/{reference['id']}")

    assert timeline.count("診療情報提供書") == 1
    assert "/documents/Composition/" in timeline
    assert there.headers["location"].startswith("/documents/Bundle/")


async def test_a_document_of_another_site_is_shown_by_consent_alone(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = await world.post(hospital, a_person())
    _, stored = await send(world, hospital, a_document(a_disease("胃潰瘍", "1")))
    browser = await signed_in(world, "clinic-c")
    addresses = [f"/documents/Bundle/{stored['id']}{rest}" for rest in ("", "/versions/1", "/versions/1/original")]
    before = [(await browser.get(address)).status_code for address in addresses]

    await world.post(hospital, a_consent(patient["id"], "clinic-c"))

    assert before == [404, 404, 404]
    assert [(await browser.get(address)).status_code for address in addresses] == [200, 200, 200]


async def test_a_bundle_that_is_no_document_has_no_page(world: World) -> None:
    clinic = await world.client("clinic-c")
    bundle = await world.post(clinic, {"resourceType": "Bundle", "type": "history", "total": 0})
    browser = await signed_in(world, "clinic-c")

    for rest in ("", "/versions/1", "/versions/1/original", "/versions/7"):
        assert (await browser.get(f"/documents/Bundle/{bundle['id']}{rest}")).status_code == 404


async def test_a_problem_names_the_documents_that_state_it(world: World) -> None:
    clinic = await world.client("clinic-c")
    for key, made in (("1", LATER), ("2", "2024-06-01T09:00:00+09:00")):
        await send(world, clinic, a_document(a_disease("胃潰瘍", "1"), key=key, made=made))
    await send(world, clinic, a_document(a_disease("骨折", "2"), key="3"))
    (patient,) = await found(world, clinic, "Patient")
    browser = await signed_in(world, "clinic-c")

    page = (await browser.get(f"/patients/{patient['id']}")).text

    assert page.count("<b>胃潰瘍</b>") == 2  # among the problems, and on its day
    assert page.count("出典 2文書") == 1
    assert page.count("出典 1文書") == 1
