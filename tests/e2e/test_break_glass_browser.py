"""A doctor at a real browser breaks the glass, reads, and ends it; the site that disclosed reviews it.

Screenshots are kept only where RENKEI_SCREENSHOTS names a folder.
"""

import re
from collections.abc import Iterator

import httpx
import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By

from tests.browser import CHROMIUM, DRIVER, a_driver, fill, kept, press, text_of
from tests.hub_process import HubProcess, hub_process
from tests.identity import someone
from tests.world import an_observation

PASSWORD = "Sapporo-2026-snow"

pytestmark = [
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="Chromium and its driver are not installed"),
    pytest.mark.xdist_group("break-glass browser"),  # one hub for all
]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    with hub_process(tmp_path_factory.mktemp("glass") / "hub") as made:
        yield made


@pytest.fixture
def driver() -> Iterator[webdriver.Chrome]:
    with a_driver() as made:
        yield made


def post(hub: HubProcess, site: str, resource: dict[str, object]) -> str:
    headers = hub.token(f"system-{site}")
    answer = httpx.post(f"{hub.address}/fhir/{resource['resourceType']}", headers=headers, json=resource)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def a_person(hub: HubProcess, kanji: str, kana: str, phone: str) -> tuple[str, str]:
    """Return the clinic's Patient, and a result that the hospital has of the same person."""
    there = post(hub, "hospital-a", someone(kanji, kana, phone=phone))
    here = post(hub, "clinic-c", someone(kanji, kana, phone=phone))
    return here, post(hub, "hospital-a", an_observation(there, code={"text": "カリウム"}))


def sign_in(hub: HubProcess, driver: webdriver.Chrome, name: str, first: str, language: str) -> None:
    driver.get(f"{hub.address}/?lang={language}")
    fill(driver, name=name, password=first)
    fill(driver, present=first, password=PASSWORD, again=PASSWORD)


def added(hub: HubProcess, name: str, site: str, role: str) -> str:
    said = hub.renkei("user", "add", name, "--organisation", site, "--role", role, "--title", name, "--head")
    found = re.search(r"first password: (\S+)", said.stdout)
    assert found is not None
    return found[1]


@pytest.mark.parametrize(
    ("language", "kanji", "kana", "phone", "words"),
    [
        ("ja", "三浦 春子", "ミウラ ハルコ", "011-271-4581", ("緊急開示中", "意識", "未読", "妥当")),
        (
            "en",
            "小野 夏子",
            "オノ ナツコ",
            "011-271-4592",
            ("Break-glass is open", "cannot say", "Unread", "Justified"),
        ),
    ],
)
def test_the_glass_is_broken_told_and_reviewed(
    hub: HubProcess,
    driver: webdriver.Chrome,
    language: str,
    kanji: str,
    kana: str,
    phone: str,
    words: tuple[str, str, str, str],
) -> None:
    banner, reason, unread, justified = words
    here, _ = a_person(hub, kanji, kana, phone)
    sign_in(hub, driver, f"doctor-{language}", hub.add_user(f"doctor-{language}", "clinic-c", "doctor"), language)
    driver.get(f"{hub.address}/patients/{here}")
    assert "カリウム" not in text_of(driver)

    driver.get(f"{hub.address}/break-glass?patient={here}")
    assert reason in text_of(driver)
    kept(driver, f"break-glass-{language}")
    driver.find_element(By.CSS_SELECTOR, "main [value=unconscious]").click()
    driver.find_element(By.CSS_SELECTOR, "main textarea").send_keys("意識不明で救急搬送、内服歴の確認が必要")
    fill(driver, password=PASSWORD)
    assert "カリウム" in text_of(driver)
    assert banner in driver.find_element(By.CSS_SELECTOR, ".glass").text
    kept(driver, f"break-glass-open-{language}")
    press(driver, ".glass button")
    kept(driver, f"break-glass-ended-{language}")
    driver.get(f"{hub.address}/patients/{here}")
    assert "カリウム" not in text_of(driver)
    driver.delete_all_cookies()

    sign_in(hub, driver, f"head-{language}", added(hub, f"head-{language}", "hospital-a", "doctor"), language)
    driver.get(f"{hub.address}/break-glass/cases")
    assert unread in text_of(driver)
    kept(driver, f"break-glass-cases-{language}")
    driver.find_element(By.CSS_SELECTOR, "main table a").click()
    kept(driver, f"break-glass-case-{language}")
    driver.find_element(By.CSS_SELECTOR, "main textarea").send_keys("救急記録と照合した")
    press(driver, "main [value=justified]")
    assert justified in text_of(driver)


@pytest.mark.parametrize(("language", "words"), [("ja", "許可する同意がありません"), ("en", "No consent permits it")])
def test_the_secretariat_asks_why(hub: HubProcess, driver: webdriver.Chrome, language: str, words: str) -> None:
    _, observation = a_person(hub, f"丸山 {language}", "マルヤマ フユコ", f"011-271-46{len(words)}")
    name = f"office-{language}"
    sign_in(hub, driver, name, hub.add_user(name, "secretariat", "secretariat"), language)

    driver.get(f"{hub.address}/explain?record=Observation/{observation}&organisation=clinic-c&role=doctor")
    kept(driver, f"explain-{language}")

    assert words in text_of(driver)
