"""A real browser prints a page, and a real server starts and stops: all three are on record."""

import asyncio
from pathlib import Path

import pytest
from selenium.webdriver.support.wait import WebDriverWait

from app.settings import Settings
from tests.app.audit.test_at_work import recorded
from tests.browser import CHROMIUM, DRIVER, a_driver, fill
from tests.hub_process import hub_process

PASSWORD = "Sapporo-2026-snow"

pytestmark = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="Chromium and its driver are not installed")


def test_a_printed_page_is_on_record_between_start_and_stop(tmp_path: Path) -> None:
    home = tmp_path / "hub"
    settings = Settings(home=home)

    def events() -> list[str]:
        found = asyncio.run(recorded(settings))
        return [one.interaction for one in found if one.interaction in ("start", "stop", "print")]

    with hub_process(home, RENKEI_SECOND_FACTOR="optional", RENKEI_COOKIE_SECURE="false") as hub, a_driver() as driver:
        first = hub.add_user("dr-sato", "clinic-c", "doctor")
        driver.get(f"http://127.0.0.1:{hub.port}/")
        fill(driver, name="dr-sato", password=first)
        fill(driver, present=first, password=PASSWORD, again=PASSWORD)
        driver.get(f"http://127.0.0.1:{hub.port}/patients")
        driver.execute_cdp_cmd("Page.printToPDF", {})
        WebDriverWait(driver, 20, 0.05).until(lambda _: "print" in events())

    assert events() == ["start", "print", "stop"]
