"""A person in Chromium signs in at an outside provider and out again: cookies, redirections and pages for real."""

import os
from pathlib import Path

import httpx
import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from tests.browser import CHROMIUM, DRIVER, FLAGS
from tests.hub_process import HubProcess
from tests.provider import CLIENT, SECRET, installed, running_provider

pytestmark = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="Chromium and its driver are not installed")


def a_hub(home: Path, **settings: str) -> HubProcess:
    home.mkdir()
    hub = HubProcess(home, extra=settings)
    hub.renkei("migrate")
    hub.renkei("organisation", "add", "hospital-a", "--title", "北病院", "--kind", "hospital")
    hub.add_user("yamada", "hospital-a", "doctor")
    return hub


def shown(browser: webdriver.Chrome, name: str) -> None:
    """Keep a screenshot, where one is wanted."""
    if folder := os.environ.get("RENKEI_SCREENSHOTS"):
        browser.save_screenshot(str(Path(folder) / f"{name}.png"))


def test_a_person_signs_in_and_out(tmp_path: Path) -> None:
    hub = a_hub(tmp_path / "hub")
    options = webdriver.ChromeOptions()
    for flag in (*FLAGS, f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(flag)
    with running_provider(installed(tmp_path / "provider"), hub.address) as provider:
        hub.extra = {
            "RENKEI_OIDC_ISSUER": provider.issuer,
            "RENKEI_OIDC_CLIENT_ID": CLIENT,
            "RENKEI_OIDC_CLIENT_SECRET": SECRET,
            "RENKEI_OIDC_NETWORKS": "127.0.0.0/8",
        }
        hub.start()
        with webdriver.Chrome(options=options) as browser:
            wait = WebDriverWait(browser, 20, 0.05)
            browser.get(f"{hub.address}/patients")
            shown(browser, "outside-sign-in")
            browser.find_element(By.CSS_SELECTOR, "a.primary").click()
            wait.until(lambda it: it.current_url.startswith(provider.issuer))
            browser.find_element(By.NAME, "login").send_keys("yamada")
            browser.find_element(By.TAG_NAME, "button").click()
            wait.until(lambda it: it.current_url == f"{hub.address}/patients")
            name = browser.find_element(By.CSS_SELECTOR, ".person").text
            cookies = {one["name"]: one["sameSite"] for one in browser.get_cookies()}
            browser.find_element(By.CSS_SELECTOR, ".who > form[action='/sign-out'] button").click()
            wait.until(lambda it: it.current_url.startswith(f"{provider.issuer}/session/end"))
            browser.get(f"{hub.address}/patients")
            after = browser.current_url
        answer = httpx.get(f"{hub.address}/sign-in/outside/back?code=a&state=b")
        hub.stop()

    assert name == "yamada"
    # Cookies know no ports: the provider's own are among them.
    assert cookies["renkei_session"] == "Strict"
    assert "renkei_outside" not in cookies
    assert after == f"{hub.address}/?next=%2Fpatients"
    assert answer.status_code == 401
