"""A doctor of another site opens a study at a real browser: page, report, doses, timeline; at a desk and on a phone.

Screenshots are kept only where RENKEI_SCREENSHOTS names a folder.
"""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By

from tests.app.imaging.reports.test_filing import an_order
from tests.app.portal.studies.test_pages import an_image
from tests.app.portal.studies.test_together import NUMBER, UID, a_paper, a_report
from tests.browser import CHROMIUM, DRIVER, a_driver, fill, kept, narrow, text_of
from tests.hub_process import HubProcess, hub_process
from tests.reports import STUDY, a_ct_dose, a_document, a_projection_dose, a_reading, picture, some_key_images
from tests.viewed import push
from tests.world import a_consent

PASSWORD = "Sapporo-2026-snow"
PAGE = f"/studies/{STUDY}"

pytestmark = [
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="Chromium and its driver are not installed"),
    pytest.mark.xdist_group("studies browser"),
]


def filled(hub: HubProcess) -> str:
    """Push a study that another site may see; return the id of its Patient."""
    headers = hub.token("system-hospital-a")
    files = [an_image(), a_reading(), a_ct_dose(), a_document(b"%PDF-1.4"), some_key_images(picture())]
    files.append(a_projection_dose(StudyInstanceUID="1.2.392.66.7", StudyDescription="冠動脈造影", Modality="SR"))
    push(hub.address, headers, files)
    entries = httpx.get(f"{hub.address}/fhir/Patient", headers=headers).json()["entry"]
    patient = str(entries[0]["resource"]["id"])
    for body in (
        an_order(patient, requester={"display": "内科 鈴木"}),
        a_consent(patient, "clinic-c"),
        a_report(patient, "放射線科の報告", identifier=[NUMBER]),
        a_paper(patient, "紙の読影報告", {"identifier": UID}),
    ):
        httpx.post(f"{hub.address}/fhir/{body['resourceType']}", headers=headers, json=body).raise_for_status()
    return patient


@pytest.fixture
def driver() -> Iterator[webdriver.Chrome]:
    with a_driver() as made:
        yield made


def test_a_study_is_one_record_at_a_desk_and_on_a_telephone(tmp_path: Path, driver: webdriver.Chrome) -> None:
    with hub_process(tmp_path / "hub") as hub:
        patient = filled(hub)
        first = hub.add_user("doctor", "clinic-c", "doctor")
        driver.get(f"{hub.address}/?lang=ja")
        fill(driver, name="doctor", password=first)
        fill(driver, present=first, password=PASSWORD, again=PASSWORD)

        pages = {
            "study": PAGE,
            "study-report": f"{PAGE}/objects/1.2.392.66.31",
            "doses": f"/patients/{patient}/doses",
            "study-timeline": f"/patients/{patient}",
        }
        seen = {}
        for name, address in pages.items():
            driver.get(hub.address + address)
            seen[name] = text_of(driver)
            kept(driver, name)
            assert narrow(driver) == 375, name
            kept(driver, f"{name}-telephone")
            driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        driver.get(f"{hub.address}{PAGE}?lang=en")
        kept(driver, "study-english")
        narrow(driver)
        kept(driver, "study-english-telephone")
        lines = driver.execute_script(
            "const range = document.createRange();"
            "const linesOf = (one) => (range.selectNodeContents(one), range.getClientRects().length);"
            "return [...document.querySelectorAll('.dose dl.header dd')].map(linesOf)"
        )
        driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})

        # No number of a dose is broken in two.
        assert set(lines) == {1}
        assert "内科 鈴木" in seen["study"]
        assert "612.75 mGy·cm" in seen["study"]
        assert "右上葉に結節を認める。" in seen["study-report"]
        assert "20 Gy·cm²" in seen["doses"]
        assert "DLP 612.75 mGy·cm" in seen["study-timeline"]
        for text in ("放射線科の報告の結論", "紙の読影報告"):
            assert (text, seen["study-timeline"].count(text), seen["study"].count(text)) == (text, 1, 1)
        assert "Open images" in text_of(driver)
        driver.get(hub.address + PAGE)
        loaded = driver.find_element(By.CSS_SELECTOR, ".key-images img")
        driver.execute_script("arguments[0].loading = 'eager'; arguments[0].scrollIntoView()", loaded)
        assert driver.execute_async_script(
            "const [one, done] = arguments; const tell = () => done(one.naturalWidth > 0);"
            "one.complete ? tell() : one.addEventListener('load', tell)",
            loaded,
        )
        messages = driver.get_log("browser")
        assert [one["message"] for one in messages if one["level"] == "SEVERE"] == []
