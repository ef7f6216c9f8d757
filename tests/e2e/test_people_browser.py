"""People at a real browser: passkeys of a virtual authenticator, an app's codes, the locked screen, requests.

https://chromedevtools.github.io/devtools-protocol/tot/WebAuthn/
"""

import re
from collections.abc import Iterator

import pyotp
import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from tests.browser import CHROMIUM, DRIVER, a_driver, fill, kept, press, text_of
from tests.hub_process import HubProcess, free_port, hub_process

PASSWORD = "Sapporo-2026-snow"
PASSKEY = "form[data-passkey] button"

pytestmark = [
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="Chromium and its driver are not installed"),
    pytest.mark.xdist_group("people browser"),  # one hub for all
]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    # A browser has passkeys for names, not for addresses: the hub is called localhost here.
    home = tmp_path_factory.mktemp("people") / "hub"
    port = str(free_port())
    with hub_process(
        home,
        RENKEI_PORT=port,
        RENKEI_ADDRESS=f"http://localhost:{port}",
        RENKEI_HOST="localhost",
        RENKEI_SECOND_FACTOR="required",
        port=int(port),
    ) as made:
        yield made


@pytest.fixture
def driver() -> Iterator[webdriver.Chrome]:
    with a_driver() as made:
        yield made


def address(hub: HubProcess) -> str:
    return f"http://localhost:{hub.port}"


def an_authenticator(driver: webdriver.Chrome) -> None:
    """Give the browser a device with a fingerprint reader, which recognises the finger."""
    driver.execute_cdp_cmd("WebAuthn.enable", {})
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
    }
    driver.execute_cdp_cmd("WebAuthn.addVirtualAuthenticator", {"options": options})


def first_sign_in(hub: HubProcess, driver: webdriver.Chrome, name: str, site: str, role: str, language: str) -> None:
    """Sign a new person in: the first password, a new one, then the page that asks for a second factor."""
    first = hub.add_user(name, site, role)
    driver.get(f"{address(hub)}/?lang={language}")
    fill(driver, name=name, password=first)
    fill(driver, present=first, password=PASSWORD, again=PASSWORD)


def with_app(driver: webdriver.Chrome) -> tuple[str, list[str]]:
    """Add an authenticator app, and return its secret and the recovery codes."""
    secret = driver.find_element(By.CSS_SELECTOR, ".secret").text.replace(" ", "")
    fill(driver, code=pyotp.TOTP(secret).now())
    return secret, [one.text for one in driver.find_elements(By.CSS_SELECTOR, ".codes code")]


def sign_out(driver: webdriver.Chrome) -> None:
    press(driver, "form.plain-sign-out button, header > .who > form[action='/sign-out'] button")


@pytest.mark.parametrize("language", ["ja", "en"])
def test_a_passkey_signs_a_doctor_in_and_unlocks_the_screen(
    hub: HubProcess, driver: webdriver.Chrome, language: str
) -> None:
    an_authenticator(driver)
    name = f"doctor-{language}"
    first_sign_in(hub, driver, name, "clinic-c", "doctor", language)
    kept(driver, f"factors-{language}")
    assert driver.current_url.endswith("/account/factors")
    driver.get(f"{address(hub)}/patients")
    assert driver.current_url.endswith("/account/factors")

    press(driver, PASSKEY)
    kept(driver, f"codes-{language}")
    codes = [one.text for one in driver.find_elements(By.CSS_SELECTOR, ".codes code")]
    assert len(codes) == 10
    driver.get(f"{address(hub)}/patients?q=kept-word")
    assert driver.current_url.endswith("/patients?q=kept-word")

    press(driver, "#lock button")
    kept(driver, f"locked-{language}")
    assert "kept-word" not in driver.page_source.replace("q%3Dkept-word", "").replace("q=kept-word", "")
    driver.back()
    assert "/unlock" in driver.current_url
    press(driver, PASSKEY)
    assert driver.current_url.endswith("/patients?q=kept-word")

    sign_out(driver)
    kept(driver, f"sign-in-{language}")
    driver.back()
    assert driver.find_elements(By.CSS_SELECTOR, "main [name=password]")
    driver.get(address(hub))
    press(driver, PASSKEY)
    assert driver.current_url.endswith("/patients")
    driver.get(f"{address(hub)}/account")
    kept(driver, f"account-{language}")
    assert driver.find_elements(By.CSS_SELECTOR, ".rows li")
    # The browser says itself that the cache was cleared at the sign-out.
    assert [one["message"] for one in driver.get_log("browser") if "Clear-Site-Data" not in one["message"]] == []


def test_a_finger_that_is_not_known_signs_nobody_in(hub: HubProcess, driver: webdriver.Chrome) -> None:
    an_authenticator(driver)
    first_sign_in(hub, driver, "doctor-finger", "clinic-c", "doctor", "en")
    press(driver, PASSKEY)
    driver.get(f"{address(hub)}/patients")
    sign_out(driver)
    ids = driver.execute_cdp_cmd(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "usb",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": False,
            }
        },
    )
    assert ids["authenticatorId"]
    driver.execute_cdp_cmd("WebAuthn.disable", {})
    an_authenticator(driver)

    driver.find_element(By.CSS_SELECTOR, PASSKEY).click()

    WebDriverWait(driver, 20, 0.05).until(
        lambda _: driver.find_element(By.CSS_SELECTOR, "form[data-passkey] .problem").is_displayed()
    )
    assert driver.find_elements(By.CSS_SELECTOR, "main [name=password]")


def test_an_app_and_a_recovery_code_are_a_second_factor(hub: HubProcess, driver: webdriver.Chrome) -> None:
    first_sign_in(hub, driver, "nurse-app", "clinic-c", "nurse", "ja")
    _, codes = with_app(driver)
    driver.get(f"{address(hub)}/patients")
    sign_out(driver)

    fill(driver, name="nurse-app", password=PASSWORD)
    kept(driver, "second-ja")
    assert driver.current_url.endswith("/sign-in/second")
    fill(driver, code="000000")
    assert driver.find_elements(By.CSS_SELECTOR, ".problem[role=alert]")
    fill(driver, code=codes[0].lower())

    assert driver.current_url.endswith("/patients")


def test_a_screen_that_is_left_is_cleared(hub: HubProcess, driver: webdriver.Chrome) -> None:
    first_sign_in(hub, driver, "nurse-away", "clinic-c", "nurse", "ja")
    with_app(driver)
    driver.get(f"{address(hub)}/patients?q=kept-word")

    # The minutes of the setting are over: the page's own clock says so.
    driver.execute_script("Date.now = ((real) => () => real() + 3_600_000)(Date.now)")
    WebDriverWait(driver, 20, 0.05).until(lambda _: "/unlock" in driver.current_url)

    fill(driver, password=PASSWORD)
    assert driver.current_url.endswith("/patients?q=kept-word")


def test_rights_are_requested_granted_and_confirmed(hub: HubProcess, driver: webdriver.Chrome) -> None:
    head = hub.renkei(
        *("user", "add", "head-d", "--organisation", "clinic-d", "--role", "doctor", "--title", "責任 花子", "--head")
    )
    assert "first password" in head.stdout
    hub.add_user("office", "secretariat", "secretariat")
    asked = ["--as", "head-d", "--why", "4月から勤務", "--organisation", "clinic-d", "--role", "nurse"]
    hub.renkei("user", "request", "nurse-d", "--title", "看護 太郎", *asked)
    first = hub.renkei("user", "reset", "head-d", "--as", "office", "--why", "first day").stdout.split()[-1]
    driver.get(f"{address(hub)}/?lang=ja")
    fill(driver, name="head-d", password=first)
    fill(driver, present=first, password=PASSWORD, again=PASSWORD)
    with_app(driver)
    driver.get(f"{address(hub)}/accounts")
    kept(driver, "people-head")
    driver.find_element(By.LINK_TEXT, "看護 太郎").click()
    kept(driver, "request-waits")
    assert "事務局の承認を待っています" in text_of(driver)
    number = driver.current_url.rpartition("/")[2]

    granted = hub.renkei("user", "grant", number, "--as", "office", "--why", "書面を確認").stdout
    driver.refresh()
    kept(driver, "request-granted")
    press(driver, "button[value=confirm]")

    kept(driver, "request-done")
    assert "完了" in text_of(driver)
    driver.get(f"{address(hub)}/accounts/nurse-d")
    kept(driver, "person")
    driver.get(f"{address(hub)}/requests/new")
    kept(driver, "request-new")
    driver.get(f"{address(hub)}/roles")
    kept(driver, "roles")
    sign_out(driver)
    fill(driver, name="nurse-d", password=re.search(r": (\S+)$", granted.strip())[1])
    assert driver.current_url.endswith("/password")


def test_the_pages_of_people_fit_a_telephone(hub: HubProcess, driver: webdriver.Chrome) -> None:
    size = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    first_sign_in(hub, driver, "office-phone", "secretariat", "secretariat", "ja")
    widths = [driver.execute_script("return document.documentElement.scrollWidth")]
    kept(driver, "phone-factors")
    with_app(driver)

    for page in (
        "account",
        "account/factors",
        "accounts",
        "accounts/office-phone",
        "requests/new",
        "organisations",
        "roles",
    ):
        driver.get(f"{address(hub)}/{page}")
        kept(driver, f"phone-{page.replace('/', '-')}")
        widths.append(driver.execute_script("return document.documentElement.scrollWidth"))

    assert widths == [390] * 8
