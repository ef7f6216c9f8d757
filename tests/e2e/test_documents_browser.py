"""A doctor reads a referral at a real browser: its sections, a table, an older version; at a desk and on a telephone.

Screenshots are kept only where RENKEI_SCREENSHOTS names a folder.
"""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By

from tests.browser import CHROMIUM, DRIVER, a_driver, fill, kept, narrow, text_of
from tests.documents import a_disease, a_document, a_person
from tests.hub_process import HubProcess, hub_process
from tests.world import a_consent

PASSWORD = "Sapporo-2026-snow"
TABLE = (
    '<div xmlns="http://www.w3.org/1999/xhtml"><p>入院時</p><table><tr><th>項目</th><th>値</th><th>基準値</th></tr>'
    "<tr><td>ヘモグロビンA1c(NGSP)</td><td>6.30 %</td><td>4.9–6.0</td></tr>"
    "<tr><td>アルブミン</td><td>4.1 g/dL</td><td>4.1–5.1</td></tr></table></div>"
)
SECTION = [
    {"title": "紹介目的", "text": {"status": "generated", "div": TABLE.split("<table>")[0] + "</div>"}},
    {"title": "検査結果", "text": {"status": "generated", "div": TABLE}},
]

pytestmark = [
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="Chromium and its driver are not installed"),
    pytest.mark.xdist_group("documents browser"),
]


def push(hub: HubProcess) -> str:
    """Push two versions of a referral that another site may see; return the id of its Bundle."""
    headers = hub.token("system-hospital-a")
    patient = httpx.post(f"{hub.address}/fhir/Patient", headers=headers, json=a_person()).json()["id"]
    httpx.post(f"{hub.address}/fhir/Consent", headers=headers, json=a_consent(patient, "clinic-c")).raise_for_status()
    made = ("2024-05-01T09:00:00+09:00", "2024-05-02T09:00:00+09:00")
    for number, day in enumerate(made, start=1):
        body = a_document(a_disease("胃潰瘍", "1"), version=str(number), made=day, section=SECTION)
        answer = httpx.post(f"{hub.address}/fhir/Bundle", headers=headers, json=body)
        answer.raise_for_status()
    return str(answer.json()["id"])


@pytest.fixture
def driver() -> Iterator[webdriver.Chrome]:
    with a_driver() as made:
        yield made


def test_a_doctor_reads_a_referral_and_the_version_before(tmp_path: Path, driver: webdriver.Chrome) -> None:
    with hub_process(tmp_path / "hub") as hub:
        bundle = push(hub)
        first = hub.add_user("doctor", "clinic-c", "doctor")
        driver.get(f"{hub.address}/?lang=ja")
        fill(driver, name="doctor", password=first)
        fill(driver, present=first, password=PASSWORD, again=PASSWORD)
        fill(driver, q="山田太郎")
        driver.find_element(By.CSS_SELECTOR, ".found a").click()
        driver.find_element(By.CSS_SELECTOR, "details.from summary").click()
        kept(driver, "timeline-with-sources")
        assert "出典 1文書" in text_of(driver)

        driver.find_element(By.CSS_SELECTOR, ".events a[href*='/documents/Composition/']").click()

        kept(driver, "document-ja")
        shown = text_of(driver)
        for text in ("検査結果", "6.30 %", "この文書の版", "2024-05-01 09:00 作成", "hospital-a"):
            assert text in shown
        assert driver.find_element(By.CSS_SELECTOR, "table.told td").text == "ヘモグロビンA1c(NGSP)"
        driver.get(f"{hub.address}/documents/Bundle/{bundle}/versions/1?lang=en")
        kept(driver, "document-superseded-en")
        assert "This version has been superseded." in text_of(driver)
        assert narrow(driver) == 375
        kept(driver, "document-superseded-narrow")
        driver.get(f"{hub.address}/documents/Bundle/{bundle}?lang=ja")
        assert narrow(driver) == 375
        kept(driver, "document-narrow")
        assert [one["message"] for one in driver.get_log("browser")] == []
