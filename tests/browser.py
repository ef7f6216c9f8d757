"""A real browser: Chromium, driven by Selenium.

Screenshots are kept only where RENKEI_SCREENSHOTS names a folder.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"),
    *("--disable-component-update", "--disable-sync", "--hide-scrollbars"),
)


@contextmanager
def a_driver(flags: tuple[str, ...] = FLAGS) -> Iterator[webdriver.Chrome]:
    """Start a browser with a profile of its own."""
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for flag in flags:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    made = webdriver.Chrome(options=options, service=webdriver.ChromeService(str(DRIVER)))
    made.set_window_size(1280, 900)
    try:
        yield made
    finally:
        made.quit()


def kept(driver: webdriver.Chrome, name: str) -> None:
    """Save a screenshot where one is wanted."""
    folder = os.environ.get("RENKEI_SCREENSHOTS")
    if folder:
        driver.save_screenshot(str(Path(folder) / f"{name}.png"))


def fill(driver: webdriver.Chrome, **fields: str) -> None:
    """Fill the fields of the page's form and send it with the Enter key."""
    for name, text in fields.items():
        field = driver.find_element(By.CSS_SELECTOR, f"main [name={name}]")
        field.clear()
        field.send_keys(text)
    before = driver.find_element(By.TAG_NAME, "html")
    field.send_keys(Keys.ENTER)
    wait_until_gone(driver, before)


def press(driver: webdriver.Chrome, selector: str) -> None:
    """Press a button that leads to another page, and wait for it."""
    before = driver.find_element(By.TAG_NAME, "html")
    driver.find_element(By.CSS_SELECTOR, selector).click()
    wait_until_gone(driver, before)


def wait_until_gone(driver: webdriver.Chrome, element: webdriver.remote.webelement.WebElement) -> None:
    """Wait until a page is no more that of an element."""
    WebDriverWait(driver, 20, 0.05).until(lambda _: _is_gone(element))


def _is_gone(element: webdriver.remote.webelement.WebElement) -> bool:
    try:
        element.is_enabled()
    except Exception:
        return True
    return False


def narrow(driver: webdriver.Chrome) -> int:
    """Show the page on a telephone, and return how wide it is there."""
    size = {"width": 375, "height": 812, "deviceScaleFactor": 1, "mobile": True}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    return int(driver.execute_script("return document.documentElement.scrollWidth"))


def text_of(driver: webdriver.Chrome) -> str:
    """Return what the page shows; one that takes another's place meanwhile is asked instead."""
    while True:
        with suppress(StaleElementReferenceException):
            return driver.find_element(By.TAG_NAME, "main").text
