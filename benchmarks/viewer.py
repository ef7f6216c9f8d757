"""`python -m benchmarks.viewer`: the viewer with a CT of 300 slices, in headless Chromium on this machine.

Told are the time from the click on a study to its first image, and how many different images a second are shown while
scrolling, first through slices that are not there yet, then through slices that are. Nothing is gated: it is reported.
"""

import os
import platform
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
from selenium import webdriver
from selenium.webdriver.common.by import By

from dicom.phantom import CT, Patient, Study, instances
from tests.browser import a_driver, fill
from tests.hub_process import HubProcess, hub_process
from tests.viewed import push

CHOSEN = "Sapporo-2026-snow"
SLICES, EDGE, TIMES = 300, 512, 5

WATCH = """
window.shownAt = [];
new MutationObserver((changes) => {
  for (const _ of changes) window.shownAt.push(performance.now());
}).observe(document, { subtree: true, attributeFilter: ["data-shown"] });
"""
"""Notes when the canvas gets another image; it runs before the page's own modules."""

SCROLL = """
const done = arguments[1];
window.shownAt = [];
let left = arguments[0];
const step = () => {
  if (!left--) return setTimeout(() => done(window.shownAt), 100);
  document.querySelector(".pane").dispatchEvent(
    new KeyboardEvent("keydown", { key: "ArrowDown", bubbles: true }));
  requestAnimationFrame(step);
};
document.querySelector(".pane").dispatchEvent(new KeyboardEvent("keydown", { key: "Home", bubbles: true }));
setTimeout(step, 200);
"""
"""One slice on at each frame of the screen."""


def _opened(driver: webdriver.Chrome, patient: str) -> float:
    """Open the study from the patient's page; return the milliseconds from the click to the first image."""
    driver.get(patient)
    driver.find_element(By.CSS_SELECTOR, 'a[href^="/images/"]').click()
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        found: list[float] = driver.execute_script("return window.shownAt ?? []")
        if found:
            return found[0]
        time.sleep(0.01)
    raise TimeoutError("No image was shown")


def _rate(instants: list[float]) -> float:
    return (len(instants) - 1) * 1000 / (instants[-1] - instants[0])


def _filled(hub: HubProcess) -> str:
    """Store the study; return the address of the patient's page."""
    headers: dict[str, Any] = hub.token("system-hospital-a")
    person = Patient("0001", "Yamada^Tarou=山田^太郎=やまだ^たろう", "19600102", "M")
    slices = list(instances(Study(1, person, CT, slices=SLICES, edge=EDGE)))
    for start in range(0, SLICES, 50):
        push(hub.address, headers, slices[start : start + 50])
    found = httpx.get(f"{hub.address}/fhir/Patient", headers=headers).json()["entry"]
    return f"{hub.address}/patients/{found[0]['resource']['id']}"


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder, hub_process(Path(folder) / "hub") as hub, a_driver() as driver:
        patient = _filled(hub)
        first = hub.add_user("doctor", "hospital-a", "doctor")
        driver.get(f"{hub.address}/?lang=en")
        fill(driver, name="doctor", password=first)
        fill(driver, present=first, password=CHOSEN, again=CHOSEN)
        driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": WATCH})
        driver.set_script_timeout(120)
        opened = [_opened(driver, patient) for _ in range(TIMES)]
        cold = _rate(driver.execute_async_script(SCROLL, SLICES - 1))
        warm = _rate(driver.execute_async_script(SCROLL, SLICES - 1))
        browser = driver.capabilities["browserVersion"]
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    print(f"{machine}, Chromium {browser}, headless")
    print(f"CT of {SLICES} slices of {EDGE}² pixels; hub, SQLite and browser on one machine")
    print(f"click to first image: {statistics.median(opened):.0f} ms (of {', '.join(f'{one:.0f}' for one in opened)})")
    print(f"scrolling: {cold:.0f} images/s while they are fetched, {warm:.0f} images/s when they are there")


if __name__ == "__main__":
    main()
