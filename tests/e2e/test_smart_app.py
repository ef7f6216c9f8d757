"""A real SMART app, npm `fhirclient` in a real browser, on another site than the hub: launched, it reads and refreshes.

Also a program with npm `fhir-kit-client`, which works with the hub as it comes.
"""

import json
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from tests.e2e.npm_packages import NODE, NPM, installed
from tests.e2e.test_portal_browser import CHROMIUM, DRIVER, PASSWORD, driver, fill, kept, text_of
from tests.hub_process import HubProcess, hub_process
from tests.world import a_patient, an_observation

__all__ = ["driver"]

pytestmark = [
    pytest.mark.skipif(
        not (CHROMIUM and DRIVER and NODE and NPM), reason="Chromium, its driver, node or npm are not installed"
    ),
    pytest.mark.xdist_group("SMART app"),  # one hub for all
]

SCOPE = "openid profile online_access patient/*.rs"

PAGE = """<!doctype html><meta charset="utf-8"><title>waits</title><script src="fhir-client.js"></script>
<script>
const run = async () => {{ {script} }};
run().catch((error) => {{ document.title = "failed: " + error; }});
</script>"""

AUTHORIZE = 'await FHIR.oauth2.authorize({{clientId: "growth", redirectUri: "index.html", scope: "{scope}"{more}}});'

INDEX = """
const client = await FHIR.oauth2.ready();
const patient = await client.patient.read();
const found = await client.request("Observation?patient=" + client.patient.id);
const first = client.state.tokenResponse.access_token;
await client.refresh();
const again = await client.request("Observation?patient=" + client.patient.id);
document.title = JSON.stringify({
  family: patient.name[0].family, total: found.total, again: again.total, user: client.user.id,
  changed: first !== client.state.tokenResponse.access_token, scope: client.state.tokenResponse.scope,
});
"""


class Quiet(SimpleHTTPRequestHandler):
    """A web server that writes no log."""

    def log_message(self, *_: Any) -> None:
        """Write nothing."""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The app's address, on another site than the hub's, and the folder of its pages."""
    folder = tmp_path_factory.mktemp("app")
    script = installed() / "node_modules" / "fhirclient" / "build" / "fhir-client.js"
    (folder / "fhir-client.js").write_bytes(script.read_bytes())
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://localhost:{server.server_port}", folder
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory, app: tuple[str, Path]) -> Iterator[HubProcess]:
    address, folder = app
    with hub_process(tmp_path_factory.mktemp("smart") / "hub") as made:
        made.renkei(
            *("client", "add", "growth", "--organisation", "hospital-a", "--title", "成長曲線", "--kind", "app"),
            *("--authentication", "none", "--redirect-uri", f"{address}/index.html"),
            *("--launch-url", f"{address}/launch.html"),
            *("--scopes", f"launch launch/patient {SCOPE}"),
        )
        standalone = AUTHORIZE.format(scope=f"launch/patient {SCOPE}", more=f', iss: "{made.address}/fhir"')
        launch = AUTHORIZE.format(scope=f"launch {SCOPE}", more="")
        for name, script in (("standalone", standalone), ("launch", launch), ("index", INDEX)):
            (folder / f"{name}.html").write_text(PAGE.format(script=script), encoding="utf-8")
        headers = made.token("system-hospital-a")
        patient = httpx.post(f"{made.address}/fhir/Patient", headers=headers, json=a_patient()).json()["id"]
        for _ in range(2):
            httpx.post(f"{made.address}/fhir/Observation", headers=headers, json=an_observation(patient))
        yield made


def signed_in(hub: HubProcess, driver: webdriver.Chrome, name: str) -> None:
    first = hub.add_user(name, "hospital-a", "doctor")
    driver.get(f"{hub.address}/?lang=ja")
    fill(driver, name=name, password=first)
    fill(driver, present=first, password=PASSWORD, again=PASSWORD)


def finished(driver: webdriver.Chrome) -> dict[str, Any]:
    """Wait for what the app says when it is done."""
    WebDriverWait(driver, 30, 0.05).until(lambda _: driver.title[:1] == "{" or driver.title.startswith("failed"))
    assert driver.title[:1] == "{", driver.title
    found: dict[str, Any] = json.loads(driver.title)
    return found


def allow(driver: webdriver.Chrome) -> None:
    driver.find_element(By.CSS_SELECTOR, "button[value=allow]").click()


def wait_for_question(driver: webdriver.Chrome) -> str:
    """Wait for the page that asks, and return its text."""
    WebDriverWait(driver, 30, 0.05).until(lambda _: driver.find_elements(By.CSS_SELECTOR, ".authorize"))
    return text_of(driver)


def test_a_standalone_app_lets_the_person_pick_the_patient(
    hub: HubProcess, driver: webdriver.Chrome, app: tuple[str, Path]
) -> None:
    signed_in(hub, driver, "doctor-standalone")
    driver.get(f"{app[0]}/standalone.html")
    shown = wait_for_question(driver)
    fill(driver, find="山田")
    driver.find_element(By.CSS_SELECTOR, ".people input").click()
    kept(driver, "authorize-standalone")

    allow(driver)
    said = finished(driver)

    assert "成長曲線" in shown
    assert (said["family"], said["total"], said["again"], said["changed"]) == ("山田", 2, 2, True)
    assert "patient/*.rs" in said["scope"]


def test_an_app_is_opened_from_a_patients_page(
    hub: HubProcess, driver: webdriver.Chrome, app: tuple[str, Path]
) -> None:
    signed_in(hub, driver, "doctor-ehr")
    fill(driver, q="山田")
    driver.find_element(By.CSS_SELECTOR, ".found a").click()
    driver.find_element(By.CSS_SELECTOR, ".apps summary").click()
    kept(driver, "timeline-apps")
    driver.find_element(By.CSS_SELECTOR, ".apps a").click()
    driver.switch_to.window(driver.window_handles[-1])
    shown = wait_for_question(driver)
    kept(driver, "authorize-launch")

    allow(driver)
    said = finished(driver)

    assert "山田" in shown
    assert (said["family"], said["total"], said["changed"]) == ("山田", 2, True)


def test_a_person_who_is_not_signed_in_signs_in_on_the_way(
    hub: HubProcess, driver: webdriver.Chrome, app: tuple[str, Path]
) -> None:
    signed_in(hub, driver, "doctor-late")
    driver.delete_all_cookies()
    driver.get(f"{app[0]}/standalone.html")
    WebDriverWait(driver, 30, 0.05).until(lambda _: driver.find_elements(By.NAME, "password"))
    fill(driver, name="doctor-late", password=PASSWORD)

    assert "成長曲線" in wait_for_question(driver)


def test_fhir_kit_client_works_as_it_comes(hub: HubProcess) -> None:
    token = hub.token("system-hospital-a")["Authorization"].removeprefix("Bearer ")
    command = [str(NODE), str(installed() / "read.mjs"), f"{hub.address}/fhir", token]

    done = subprocess.run(command, capture_output=True, text=True, timeout=60)

    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said == {"token": f"{hub.address}/oauth/token", "family": "佐藤", "total": 1, "version": "2", "past": 2}
