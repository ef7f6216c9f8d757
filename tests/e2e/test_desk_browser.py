"""An auditor at a real browser: the unusual is flagged and closed, a review saved and signed; a sheet at the counter.

Screenshots are kept only where RENKEI_SCREENSHOTS names a folder.
"""

from collections.abc import Iterator

import httpx
import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from tests.browser import CHROMIUM, DRIVER, a_driver, fill, kept, press, text_of
from tests.hub_process import HubProcess, hub_process
from tests.world import a_consent, a_patient

PASSWORD = "Sapporo-2026-snow"

pytestmark = [
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="Chromium and its driver are not installed"),
    pytest.mark.xdist_group("desk browser"),  # one hub for all
]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    with hub_process(tmp_path_factory.mktemp("desk") / "hub") as made:
        yield made


@pytest.fixture
def driver() -> Iterator[webdriver.Chrome]:
    with a_driver() as made:
        yield made


def pushed(hub: HubProcess) -> str:
    """Push a patient of the hospital and a consent for the clinic, and return the Patient's id."""
    headers = hub.token("system-hospital-a")

    def post(resource: dict[str, object]) -> str:
        answer = httpx.post(f"{hub.address}/fhir/{resource['resourceType']}", headers=headers, json=resource)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    patient = post(a_patient(identifier=[{"value": "04760005"}]))
    post(a_consent(patient, "clinic-c"))
    return patient


def sign_in(hub: HubProcess, driver: webdriver.Chrome, name: str, site: str, role: str, title: str) -> None:
    said = hub.renkei("user", "add", name, "--organisation", site, "--role", role, "--title", title)
    first = said.stdout.partition("first password: ")[2].split()[0]
    driver.delete_all_cookies()
    driver.get(f"{hub.address}/?lang=ja")
    fill(driver, name=name, password=first)
    fill(driver, present=first, password=PASSWORD, again=PASSWORD)


def widths_on_a_telephone(hub: HubProcess, driver: webdriver.Chrome) -> Iterator[int]:
    size = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    for name in ("", "/reviews", "/flags?state=all", "/state"):
        driver.get(f"{hub.address}/audit{name}")
        kept(driver, f"desk-phone-{name[1:4]}")
        yield driver.execute_script("return document.documentElement.scrollWidth")
    driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_the_unusual_is_flagged_reviewed_and_shown_to_the_patient(hub: HubProcess, driver: webdriver.Chrome) -> None:
    patient = pushed(hub)
    sign_in(hub, driver, "yamada", "clinic-c", "doctor", "山田 花子")
    driver.get(f"{hub.address}/patients/{patient}")
    assert "山田 太郎" in text_of(driver)

    sign_in(hub, driver, "kansa", "audit-office", "auditor", "監査 一郎")

    def flagged(_: webdriver.Chrome) -> bool:
        driver.get(f"{hub.address}/audit/flags")
        return "閲覧した人と同じ姓の患者です" in text_of(driver)

    WebDriverWait(driver, 20, 0.2).until(flagged)
    kept(driver, "desk-flags-ja")
    driver.get(f"{hub.address}/audit/flags?lang=en&kind=family-name")
    assert "The patient has the family name of who looked" in text_of(driver)
    kept(driver, "desk-flags-en")
    driver.find_element(By.CSS_SELECTOR, "main tbody a").click()
    kept(driver, "desk-flag-en")
    driver.find_element(By.CSS_SELECTOR, "main textarea").send_keys("His aunt; he has agreed")
    press(driver, "main form button.primary")
    assert "His aunt" not in text_of(driver)

    driver.get(f"{hub.address}/audit?lang=ja&site=clinic-c")
    driver.find_element(By.CSS_SELECTOR, "main details.save summary").click()
    kept(driver, "desk-log-ja")
    driver.find_element(By.CSS_SELECTOR, "main [name=title]").send_keys("C診療所の閲覧")
    press(driver, "main details.save button")
    assert "C診療所の閲覧" in text_of(driver)

    def looked_through(_: webdriver.Chrome) -> bool:
        driver.refresh()
        return bool(driver.find_elements(By.CSS_SELECTOR, "main [value=sign]"))

    WebDriverWait(driver, 20, 0.2).until(looked_through)
    kept(driver, "desk-review-ja")
    driver.find_element(By.CSS_SELECTOR, "main textarea").send_keys("担当の患者であることを確認した")
    press(driver, "main [value=sign]")
    assert "署名しました" in text_of(driver)
    for language in ("ja", "en"):
        for name in ("reviews", "state"):
            driver.get(f"{hub.address}/audit/{name}?lang={language}")
            kept(driver, f"desk-{name}-{language}")
    assert "No witness is set" in text_of(driver)
    assert set(widths_on_a_telephone(hub, driver)) == {390}

    sign_in(hub, driver, "jimu", "secretariat", "secretariat", "事務 春子")
    driver.get(f"{hub.address}/own-log")
    fill(driver, q="山田太郎")
    kept(driver, "own-log-find-ja")
    driver.find_element(By.CSS_SELECTOR, ".found a").click()
    assert "山田 花子" in text_of(driver)
    kept(driver, "own-log-ja")
    driver.get(f"{driver.current_url}?proofs=1&lang=en")
    assert "c2sp.org/tlog-proof@v1" in text_of(driver)
    kept(driver, "own-log-en")
    driver.get(f"{hub.address}/watched?lang=ja&patient={patient}")
    driver.find_element(By.CSS_SELECTOR, "main [name=why]").send_keys("報道された方")
    press(driver, "main [value=watch]")
    assert patient in text_of(driver)
    kept(driver, "watched-ja")
    assert [one["message"] for one in driver.get_log("browser")] == []
