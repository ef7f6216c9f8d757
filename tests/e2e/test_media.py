"""Discs and a watched folder at a real hub: the command, a browser, and a line that goes down."""

import re
import shutil
import signal
import subprocess
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from tests.app.imaging.images import CT, MR, a_file, uids
from tests.browser import CHROMIUM, DRIVER, a_driver, fill, kept, press, text_of
from tests.hub_process import RENKEI, HubProcess, hub_process
from tests.media import DISC, a_zip, on_disc
from tests.world import a_patient

PASSWORD = "Sapporo-2026-snow"
WAIT_SECONDS = 60.0

pytestmark = pytest.mark.xdist_group("discs")  # one hub for all


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    with hub_process(tmp_path_factory.mktemp("hub")) as made:
        scope = ("--scopes", "system/ImagingStudy.cu")
        made.renkei("client", "add", "gateway-a", "--organisation", "hospital-a", *scope)
        yield made


@pytest.fixture(scope="module")
def system(hub: HubProcess) -> dict[str, str]:
    return hub.token("system-hospital-a")


def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def images(hub: HubProcess, system: dict[str, str], study: str) -> int:
    found = httpx.get(f"{hub.address}/dicomweb/studies/{study}/instances", headers=system)
    return len(found.json()) if found.status_code == 200 else 0


def test_a_folder_is_watched_and_catches_up_when_the_hub_is_back(
    hub: HubProcess, system: dict[str, str], tmp_path: Path
) -> None:
    root, state = tmp_path / "images", tmp_path / "state"
    root.mkdir()
    key = hub.home / "keys" / "clients" / "gateway-a.json"
    told = ["--hub", hub.address, "--client-id", "gateway-a", "--key", str(key), "--state", str(state)]
    command = [RENKEI, "gateway", "folder", str(root), *told, "--settle", "0.1"]
    study = uids(a_file(CT))[0]
    (root / "A").write_bytes(a_file(CT))
    gateway = subprocess.Popen(command, env=hub.environment, stderr=subprocess.DEVNULL)
    try:
        until(lambda: images(hub, system, study) == 1)
        hub.stop()
        (root / "later").mkdir()
        (root / "later" / "B").write_bytes(a_file(CT, SOPInstanceUID="1.2.3"))
        status = [*command, "--status"]
        until(
            lambda: "line\tdown" in subprocess.run(status, capture_output=True, text=True, env=hub.environment).stdout
        )
        hub.start()
        until(lambda: images(hub, system, study) == 2)
    finally:
        gateway.send_signal(signal.SIGTERM)
        assert gateway.wait(timeout=30) == 0


def test_a_mounted_disc_is_read_by_a_command(hub: HubProcess, system: dict[str, str], tmp_path: Path) -> None:
    disc = tmp_path / "cdrom"
    shutil.copytree(DISC / "98892003", disc / "98892003")
    shutil.copy(DISC / "DICOMDIR", disc / "DICOMDIR")
    (disc / "AUTORUN.INF").write_bytes(b"[autorun]")

    done = hub.renkei("media", "import", str(disc), "--site", "hospital-a")

    counts = dict(re.findall(r"^([\w-]+)\t(\d+)$", done.stdout, re.MULTILINE))
    found = len([one for one in (DISC / "98892003").rglob("*") if one.is_file()])
    assert (counts["quarantined"], counts["patients"], counts["not-dicom"]) == (str(found), "1", "1")
    assert "not-dicom\tAUTORUN.INF\ttells a computer to run something, which is not done" in done.stdout
    listed = hub.renkei("media", "list", "--site", "hospital-a").stdout.splitlines()[0].split("\t")
    assert listed[1:5] == ["read", "1", str(found), "cdrom"]
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT.*Z", listed[5])
    assert httpx.get(f"{hub.address}/dicomweb/studies?PatientID=98890234", headers=system).json() == []


def test_the_command_writes_what_a_site_keeps_as_a_disc(
    hub: HubProcess, system: dict[str, str], tmp_path: Path
) -> None:
    study = uids(a_file(CT))[0]
    for file in (a_file(CT), a_file(CT, SOPInstanceUID="1.2.3")):
        headers = {**system, "Content-Type": "application/dicom"}
        assert httpx.post(f"{hub.address}/dicomweb/studies", headers=headers, content=file).status_code == 200
    place = tmp_path / "images.zip"

    done = hub.renkei(
        *("media", "export", "--site", "hospital-a", "--study", study, "--to", str(place)), "--thumbnails"
    )

    again = hub.renkei("media", "export", "--site", "hospital-a", "--study", study, "--to", str(place), check=False)

    assert done.stdout == "images\t2\n"
    assert (again.returncode, again.stderr) == (1, f"Error: {place} is there already\n")
    with zipfile.ZipFile(place) as archive:
        assert archive.read("DICOM/ST000001/SE000001/IM000001") in (
            a_file(CT),
            a_file(CT, SOPInstanceUID="1.2.3"),
        )
        assert "IHE_PDI/ST000001/SE000001.JPG" in archive.namelist()


def choose_file(driver: webdriver.Chrome, name: str, place: Path) -> None:
    driver.find_element(By.CSS_SELECTOR, f"main [name={name}]").send_keys(str(place))


def shots(driver: webdriver.Chrome, name: str) -> None:
    """Keep a page as it is at a desk and on a phone; nothing of it is wider than the phone."""
    kept(driver, name)
    driver.set_window_size(375, 800)
    kept(driver, f"{name}-phone")
    width = driver.execute_script("return document.documentElement.scrollWidth")
    driver.set_window_size(1280, 900)
    assert width <= driver.execute_script("return Math.max(500, window.innerWidth)")


@pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="Chromium and its driver are not installed")
@pytest.mark.parametrize("language", ["ja", pytest.param("en", marks=pytest.mark.soak)])
def test_a_clerk_reads_a_disc_and_says_whose_it_is(
    hub: HubProcess, system: dict[str, str], tmp_path: Path, language: str
) -> None:
    patient = a_patient(name=[{"family": "Doe", "given": ["Archibald"]}], birthDate=f"1950-01-0{len(language)}")
    made = httpx.post(f"{hub.address}/fhir/Patient", headers=system, json=patient)
    place = tmp_path / "disc.zip"
    new = {"MR": a_file(MR, PatientID=language, SOPInstanceUID=f"1.2.{len(language)}")} if language == "en" else {}
    place.write_bytes(a_zip(on_disc("DICOMDIR", "77654033") | {"PICTURE.JPG": b"\xff\xd8\xff"} | new))
    first = hub.add_user(f"clerk-{language}", "hospital-a", "clerk")
    with a_driver() as driver:
        driver.get(f"{hub.address}/?lang={language}")
        fill(driver, name=f"clerk-{language}", password=first)
        fill(driver, present=first, password=PASSWORD, again=PASSWORD)

        driver.get(f"{hub.address}/media")
        choose_file(driver, "files", place)
        shots(driver, f"media-discs-{language}")
        press(driver, "main form .primary")
        WebDriverWait(driver, WAIT_SECONDS, 0.05).until(
            lambda _: "77654033" in text_of(driver) and not _is_read(driver)
        )
        shots(driver, f"media-disc-{language}")
        assert "PICTURE.JPG" in text_of(driver)

        press(driver, "main li a[href*='/patients/']")
        fill(driver, q="Doe")
        shots(driver, f"media-patient-{language}")
        press(driver, f"main form:has([value='{made.json()['id']}']) .primary")
        shots(driver, f"media-confirm-{language}")
        press(driver, "main form .primary")

        assert driver.find_elements(By.CSS_SELECTOR, ".success")
        shots(driver, f"media-filed-{language}")
        _decide_in_review(hub, system, driver, language)
        assert [one["message"] for one in driver.get_log("browser")] == []
    total = httpx.get(f"{hub.address}/fhir/ImagingStudy?patient={made.json()['id']}", headers=system).json()["total"]
    # The same disc again is refused under another patient: the site has its images.
    assert total == (2 if language == "ja" else 0)


def _decide_in_review(hub: HubProcess, system: dict[str, str], driver: webdriver.Chrome, language: str) -> None:
    """Have an image of another patient than its study, and file it under the patient of the study."""
    study = {"StudyInstanceUID": f"1.2.9.{len(language)}", "SeriesInstanceUID": "1.2.9.8"}
    numbered = {"system": "urn:oid:1.2.3", "value": "0002"}
    who = a_patient(identifier=[numbered], name=[{"family": "川村", "given": ["花"]}], birthDate="1970-11-12")
    httpx.post(f"{hub.address}/fhir/Patient", headers=system, json={**who, "gender": "female"})
    born = {"PatientBirthDate": "19601103", "PatientSex": "M", "IssuerOfPatientID": "1.2.3"}
    for number, patient, name in ((1, "0001", "Yamada^Taro"), (2, "0002", "Yamada^Taro")):
        values = {**study, **born, "PatientID": patient, "PatientName": name, "SOPInstanceUID": f"1.2.9.7.{number}"}
        headers = {**system, "Content-Type": "application/dicom"}
        sent = httpx.post(f"{hub.address}/dicomweb/studies", headers=headers, content=a_file(CT, **values))
        assert sent.status_code == {1: 200, 2: 202}[number]
    told = [one.split("\t") for one in hub.renkei("media", "waiting").stdout.splitlines()]
    assert [(one[0], *one[2:5]) for one in told][-1] == ("hospital-a", "review", "1", "1")
    driver.get(f"{hub.address}/media")
    shots(driver, f"media-review-list-{language}")
    press(driver, "main a[href$='/patients/1']")
    shots(driver, f"media-review-{language}")
    press(driver, "main table.log td:nth-of-type(3) .primary")
    press(driver, "main form .primary")
    assert driver.find_elements(By.CSS_SELECTOR, ".success")
    found = httpx.get(f"{hub.address}/dicomweb/studies/{study['StudyInstanceUID']}/instances", headers=system)
    assert len(found.json()) == 2
    listed = hub.renkei("media", "list", "--site", "hospital-a").stdout.splitlines()
    assert [one.split("\t")[1:4] for one in listed][-1] == ["review", "0", "0"]


def _is_read(driver: webdriver.Chrome) -> bool:
    """Return whether the page still renews itself."""
    return bool(driver.find_elements(By.CSS_SELECTOR, "meta[http-equiv=refresh]"))
