"""A doctor at a real browser: signs in, changes the first password, finds a patient, opens the timeline.

Screenshots are kept only where RENKEI_SCREENSHOTS names a folder.
"""

from collections.abc import Iterator

import httpx
import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By

from tests.browser import CHROMIUM, DRIVER, a_driver, fill, kept, press, text_of
from tests.hub_process import HubProcess, hub_process
from tests.world import a_consent, a_patient, an_observation

PASSWORD = "Sapporo-2026-snow"

pytestmark = [
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="Chromium and its driver are not installed"),
    pytest.mark.xdist_group("portal browser"),  # one hub for all
]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    with hub_process(tmp_path_factory.mktemp("portal") / "hub") as made:
        push(made)
        yield made


def push(hub: HubProcess) -> None:
    """Push a patient of the hospital with two results, and a consent for the clinic."""
    headers = hub.token("system-hospital-a")

    def post(resource: dict[str, object]) -> str:
        answer = httpx.post(f"{hub.address}/fhir/{resource['resourceType']}", headers=headers, json=resource)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    patient = post(a_patient(identifier=[{"value": "04760005"}]))
    for day, value in (("2024-05-01", 6.3), ("2024-08-01", 7.1)):
        found = an_observation(patient, effectiveDateTime=day, code={"text": "HbA1c"})
        post(found | {"valueQuantity": {"value": value, "unit": "%"}})
    post(a_consent(patient, "clinic-c"))


@pytest.fixture
def driver() -> Iterator[webdriver.Chrome]:
    with a_driver() as made:
        yield made


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("ja", ("患者をさがす", "検査結果", "同意にもとづき", "患者サマリー")),
        ("en", ("Find a patient", "Laboratory", "by consent", "Patient summary")),
    ],
)
def test_a_doctor_reads_a_timeline_and_its_summary(
    hub: HubProcess, driver: webdriver.Chrome, language: str, words: tuple[str, str, str, str]
) -> None:
    find, laboratory, consent, summary = words
    first = hub.add_user(f"doctor-{language}", "clinic-c", "doctor")
    driver.get(f"{hub.address}/?lang={language}")
    fill(driver, name=f"doctor-{language}", password=first)
    kept(driver, f"password-{language}")
    fill(driver, present=first, password=PASSWORD, again=PASSWORD)
    assert find in text_of(driver)
    assert driver.switch_to.active_element.get_attribute("name") == "q"

    fill(driver, q="山田太郎")
    kept(driver, f"patients-{language}")
    driver.find_element(By.CSS_SELECTOR, ".found a").click()

    shown = text_of(driver)
    kept(driver, f"timeline-{language}")
    assert driver.find_element(By.TAG_NAME, "h1").text == "山田 太郎"
    assert driver.find_element(By.TAG_NAME, "html").get_attribute("lang") == language
    for text in (laboratory, consent, "HbA1c", "7.1", "2024-08-01", "hospital-a"):
        assert text in shown
    assert driver.find_element(By.CSS_SELECTOR, "svg.spark polyline").size["width"] > 50
    driver.find_element(By.CSS_SELECTOR, ".sources a").click()
    kept(driver, f"summary-{language}")
    for text in (summary, "HbA1c", "7.1 %", "2024-08-01", "hospital-a"):
        assert text in text_of(driver)
    assert (
        driver.find_element(By.TAG_NAME, "body").value_of_css_property("background-color") == "rgba(245, 248, 248, 1)"
    )
    assert [one["message"] for one in driver.get_log("browser")] == []


def test_nothing_is_wider_than_a_telephone(hub: HubProcess, driver: webdriver.Chrome) -> None:
    size = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    first = hub.add_user("doctor-phone", "clinic-c", "doctor")
    driver.get(f"{hub.address}/?lang=ja")
    fill(driver, name="doctor-phone", password=first)
    fill(driver, present=first, password=PASSWORD, again=PASSWORD)
    widths = []

    for address in (
        "/patients",
        "/patients?q=%E5%B1%B1%E7%94%B0",
        "",
        "?view=results",
        "summary",
        "/consents",
        "/fhir/api?type=Patient",
    ):
        if address.startswith("/"):
            driver.get(hub.address + address)
        elif not address:
            driver.find_element(By.CSS_SELECTOR, ".found a").click()
        elif address == "summary":
            driver.get(driver.current_url.partition("?")[0] + "/summary")
        else:
            driver.get(driver.current_url + address)
        widths.append(driver.execute_script("return document.documentElement.scrollWidth"))
        kept(driver, f"phone-{len(widths)}")

    assert widths == [390] * 7


def test_the_slash_key_puts_the_cursor_in_the_search(hub: HubProcess, driver: webdriver.Chrome) -> None:
    first = hub.add_user("doctor-keys", "clinic-c", "doctor")
    driver.get(f"{hub.address}/?lang=ja")
    fill(driver, name="doctor-keys", password=first)
    fill(driver, present=first, password=PASSWORD, again=PASSWORD)
    fill(driver, q="山田")
    driver.find_element(By.CSS_SELECTOR, ".found a").click()

    driver.find_element(By.TAG_NAME, "body").send_keys("/")

    assert driver.switch_to.active_element.get_attribute("name") == "q"
    assert driver.switch_to.active_element.get_attribute("value") == ""


def test_results_of_two_units_stand_in_one_series(hub: HubProcess, driver: webdriver.Chrome) -> None:
    headers = hub.token("system-hospital-a")
    jlac10 = {"system": "urn:oid:1.2.392.200119.4.504", "code": "3D010000002327101"}
    female = [{"low": {"value": 70}, "high": {"value": 105}, "appliesTo": [{"text": "女性"}]}]
    ranges = [{"low": {"value": 73}, "high": {"value": 109}, "appliesTo": [{"text": "男性"}]}, *female]

    def post(resource: dict[str, object]) -> str:
        answer = httpx.post(f"{hub.address}/fhir/{resource['resourceType']}", headers=headers, json=resource)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    patient = post(a_patient(name=[{"text": "系列 花子"}], gender="female"))
    told = [("2023-05-01", 98, "mg/dL"), ("2023-11-01", 107, "mg/dL"), ("2024-05-01", 5.4, "mmol/L")]
    for day, value, unit in [*told, ("2024-08-01", 112, "mg/dL")]:
        found = an_observation(patient, effectiveDateTime=day, code={"coding": [jlac10], "text": "血糖"})
        stated = {"referenceRange": ranges} if unit == "mg/dL" else {}
        post(found | {"valueQuantity": {"value": value, "unit": unit}, **stated})
    first = hub.add_user("doctor-series", "hospital-a", "doctor")
    driver.get(f"{hub.address}/?lang=ja")
    fill(driver, name="doctor-series", password=first)
    fill(driver, present=first, password=PASSWORD, again=PASSWORD)

    driver.get(f"{hub.address}/patients/{patient}?view=results")
    kept(driver, "results-ja")
    press(driver, "th[scope=row] a")

    shown = text_of(driver)
    assert [text for text in ("5.4 mmol/L", "≈ 97.3", "70–105 (女性)", "血清", "023-271") if text not in shown] == []
    assert len(driver.find_elements(By.CSS_SELECTOR, "svg circle title")) == 4
    kept(driver, "series-ja")
    driver.get(f"{driver.current_url}&lang=en")
    kept(driver, "series-en")
    size = {"width": 375, "height": 812, "deviceScaleFactor": 1, "mobile": True}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    kept(driver, "series-phone")
    assert driver.execute_script("return document.documentElement.scrollWidth") == 375
    assert [one["message"] for one in driver.get_log("browser")] == []
