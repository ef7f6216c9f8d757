import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from fhir.store.labels import ACT_CODE, DISCLOSURE
from tests.portal import Browser, recorded, signed_in
from tests.world import World, a_consent, a_patient, an_observation

pytestmark = pytest.mark.anyio


async def a_person(world: World, **problem: Any) -> str:
    """Push a Patient of a hospital with a problem and a result, seen by a clinic too, and return the id."""
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]
    await world.post(hospital, a_consent(patient, "clinic-c"))
    condition = {
        "resourceType": "Condition",
        "code": {"text": "高血圧症 <b>"},
        "subject": {"reference": f"Patient/{patient}"},
    }
    await world.post(hospital, condition | problem)
    await world.post(hospital, an_observation(patient, code={"text": "HbA1c"}))
    return str(patient)


def _text(file: Path) -> str:
    return subprocess.run(["pdftotext", "-layout", str(file), "-"], capture_output=True, text=True, check=True).stdout


async def text_of_pdf(browser: Browser, address: str, folder: Path) -> tuple[str, list[str]]:
    """Return what a PDF says, whole and page by page."""
    answer = await browser.get(address)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    file = folder / "summary.pdf"
    file.write_bytes(answer.content)
    text = _text(file)
    return text, text.split("\f")[:-1]


async def test_the_page_shows_the_sections_in_the_readers_language(world: World) -> None:
    patient = await a_person(world)
    browser = await signed_in(world, "clinic-c")

    chart = await browser.get(f"/patients/{patient}")
    japanese = await browser.get(f"/patients/{patient}/summary")
    english = await browser.get(f"/patients/{patient}/summary?lang=en")

    assert f'href="/patients/{patient}/summary"' in chart.text
    for words in (
        "患者サマリー",
        "現在の病名・問題",
        "高血圧症 &lt;b&gt;",
        "hospital-a",
        "6.3 %",
        "ここに示せる情報はありません",
    ):
        assert words in japanese.text, words
    for words in ("Patient summary", "Problem List", "高血圧症 &lt;b&gt;", "No information is available here"):
        assert words in english.text, words


async def test_it_is_of_what_the_reader_may_see_and_goes_with_the_consent(world: World) -> None:
    patient = await a_person(world, meta={"security": [{"system": ACT_CODE, "code": "PSY"}]})
    stranger, reader, own = [await signed_in(world, site) for site in ("clinic-d", "clinic-c", "hospital-a")]
    address = f"/patients/{patient}/summary"

    pages = [await browser.get(address) for browser in (stranger, reader, own)]
    unknown = await stranger.get("/patients/nobody/summary")
    on_paper = [(await stranger.get(f"/patients/{one}/summary.pdf")).status_code for one in (patient, "nobody", "*")]

    assert [page.status_code for page in pages] == [404, 200, 200]
    assert pages[0].text == unknown.text.replace("nobody", patient)
    assert on_paper == [404, 404, 404]
    assert ["高血圧症" in page.text for page in pages] == [False, False, True]
    assert ["機微な情報が含まれています" in page.text for page in pages] == [False, False, True]


async def test_what_the_patient_was_not_told_is_marked_on_page_and_paper(world: World, tmp_path: Path) -> None:
    patient = await a_person(world, meta={"security": [{"system": DISCLOSURE, "code": "UNINFORMED"}]})
    browser = await signed_in(world, "clinic-c")

    page = await browser.get(f"/patients/{patient}/summary")
    text, _ = await text_of_pdf(browser, f"/patients/{patient}/summary.pdf", tmp_path)

    for shown in (page.text, text):
        assert "【未告知】高血圧症" in shown
        assert "患者さんに渡さないでください" in shown


async def test_on_paper_each_page_says_whose_it_is_who_printed_it_when_and_for_what(
    world: World, tmp_path: Path
) -> None:
    patient = await a_person(world, note=[{"text": "所見" * 3_000 + "了"}])
    browser = await signed_in(world, "clinic-c")

    text, pages = await text_of_pdf(browser, f"/patients/{patient}/summary.pdf?lang=ja", tmp_path)

    assert len(pages) > 2
    for number, page in enumerate(pages, start=1):
        assert "山田 太郎 1960-01-02" in page
        assert "doctor of clinic-c (clinic-c) が印刷" in page
        assert "目的: 診療" in page
        assert re.search(rf"\s{number} ?/ ?{len(pages)}\n", page)
    assert "所見了" in text.replace("\n", "").replace(" ", "")


async def test_a_print_and_a_look_are_on_record(world: World, tmp_path: Path) -> None:
    patient = await a_person(world)
    browser = await signed_in(world, "clinic-c")

    await browser.get(f"/patients/{patient}/summary")
    await text_of_pdf(browser, f"/patients/{patient}/summary.pdf", tmp_path)
    await browser.post("/printed", {"page": f"/patients/{patient}/summary"})

    told = [one for one in await recorded(world) if one.user and one.patient == f"Patient/{patient}"]
    assert [(one.interaction, one.path, len(one.entities)) for one in told] == [
        ("operation", f"/patients/{patient}/summary", 3),
        ("print", f"/patients/{patient}/summary.pdf", 3),
        ("print", "/printed", 1),
    ]


async def test_without_a_font_there_is_no_paper(world: World, tmp_path: Path) -> None:
    patient = await a_person(world)
    browser = await signed_in(world, "clinic-c")
    world.hub.settings = world.hub.settings.model_copy(update={"report_font": tmp_path / "none.ttf"})

    page = await browser.get(f"/patients/{patient}/summary")

    assert "summary.pdf" not in page.text
    assert (await browser.get(f"/patients/{patient}/summary.pdf")).status_code == 404
