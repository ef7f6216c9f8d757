"""OHIF as it was published, at an origin of its own, in a real browser: it opens a study as whoever is signed in.

It is fetched from the npm registry once for each machine, by `deploy/ohif.sh`.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from selenium.webdriver.support.wait import WebDriverWait

from tests.browser import CHROMIUM, DRIVER, a_driver, fill, kept
from tests.hub_process import CHECKOUT, RENKEI, HubProcess, free_port, hub_process
from tests.viewed import STUDY, push
from tests.viewed import kept as kept_file

PASSWORD = "Sapporo-2026-snow"

pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(not (CHROMIUM and DRIVER and shutil.which("npm")), reason="There is no Chromium or no npm"),
]

FLAGS = (
    *("--headless=new", "--no-sandbox", "--no-first-run", "--disable-background-networking", "--disable-sync"),
    *(
        "--use-angle=swiftshader",
        "--enable-unsafe-swiftshader",
        "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    ),
)
"""With a rasteriser in software, and with no name but this machine's."""

LEVELS = """
const canvas = document.querySelector(".cornerstone-canvas, canvas");
if (!canvas?.width) return 0;
const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d");
copy.drawImage(canvas, 0, 0);
return new Set(copy.getImageData(0, 0, canvas.width, canvas.height).data.filter((_, place) => place % 4 === 0)).size;
"""
"""How many levels of grey the first canvas shows."""


def fetched() -> Path:
    """Return the folder with OHIF's files."""
    place = Path(tempfile.gettempdir()) / f"renkei-ohif-{os.getuid()}"
    subprocess.run(["sh", f"{CHECKOUT}/deploy/ohif.sh", str(place)], check=True, timeout=600)
    return place


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    origin = f"http://127.0.0.1:{free_port()}"
    slices = [
        kept_file(40, "test_files/CT_small.dcm", instance=n, ImagePositionPatient=[0, 0, 5.0 * n]) for n in range(1, 13)
    ]
    with hub_process(tmp_path_factory.mktemp("ohif") / "hub", RENKEI_OHIF_ADDRESS=origin) as made:
        push(made.address, made.token("system-hospital-a"), [one.data for one in slices])
        served = subprocess.Popen([RENKEI, "ohif", str(fetched())], env=made.environment)
        try:
            yield made
        finally:
            served.terminate()
            served.wait(timeout=20)


def test_a_study_opens_as_the_person_who_is_signed_in_at_the_hub(hub: HubProcess) -> None:
    origin = hub.extra["RENKEI_OHIF_ADDRESS"]
    first = hub.add_user("doctor", "hospital-a", "doctor")
    with a_driver(FLAGS) as driver:
        driver.get(f"{hub.address}/?lang=en")
        fill(driver, name="doctor", password=first)
        fill(driver, present=first, password=PASSWORD, again=PASSWORD)
        driver.get_log("browser")

        driver.get(f"{origin}/viewer?StudyInstanceUIDs={STUDY}")
        WebDriverWait(driver, 90, 0.2).until(lambda _: driver.execute_script(LEVELS) > 40)
        frames = "return performance.getEntriesByType('resource').filter(one => one.name.endsWith('/frames/1')).length"
        WebDriverWait(driver, 30, 0.2).until(lambda _: driver.execute_script(frames) == 12)
        kept(driver, "ohif")
        loaded = driver.execute_script("return performance.getEntriesByType('resource').map(one => one.name)")

        assert [one for one in loaded if not one.startswith((origin, f"{hub.address}/dicomweb/", "blob:"))] == []
        assert driver.execute_script("return crossOriginIsolated") is True
        severe = [one["message"] for one in driver.get_log("browser") if one["level"] == "SEVERE"]
        assert severe == []


def test_nobody_who_is_signed_out_sees_anything(hub: HubProcess) -> None:
    origin = hub.extra["RENKEI_OHIF_ADDRESS"]

    answer = httpx.get(f"{hub.address}/dicomweb/studies/{STUDY}/metadata", headers={"origin": origin})

    assert answer.status_code == 401
