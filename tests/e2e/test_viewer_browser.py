"""The viewer at a real browser: what its canvas shows is compared with what pydicom reads, pixel by pixel.

Screenshots are kept only where RENKEI_SCREENSHOTS names a folder.
"""

import base64
import zipfile
from collections.abc import Iterator
from io import BytesIO

import httpx
import numpy as np
import pydicom
import pytest
from pydicom.pixels import apply_color_lut
from selenium import webdriver
from selenium.webdriver.common.actions.wheel_input import ScrollOrigin
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.wait import WebDriverWait

from tests.browser import CHROMIUM, DRIVER, a_driver, fill, narrow
from tests.browser import kept as screenshot
from tests.hub_process import HubProcess, hub_process
from tests.spec_data import SPEC_DATA
from tests.viewed import STUDY, Grey, Kept, a_key_object, a_person, jpeg_lossless, kept, push
from tests.world import a_consent

PASSWORD = "Sapporo-2026-snow"

pytestmark = [
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="Chromium and its driver are not installed"),
    pytest.mark.xdist_group("viewer browser"),  # one hub for all
]

FILES = "test_files/"
CT = kept(1, FILES + "CT_small.dcm")
GREY = {
    "CT, explicit little endian, signed, rescaled, all values": CT,
    "MR, RLE, its own window": kept(2, FILES + "MR_small_RLE.dcm"),
    "MR, JPEG 2000": kept(4, FILES + "MR_small_jp2klossless.dcm"),
    "MR, big endian": kept(5, FILES + "MR_small_bigendian.dcm"),
    "12 bits of 16, MONOCHROME1": kept(6, FILES + "dicomdirtests/77654033/CR1/6154"),
    "a segment, one bit": kept(7, FILES + "liver_1frame.dcm"),
    "a dose, 32 bits": kept(8, FILES + "rtdose_1frame.dcm"),
    "deflated": kept(9, FILES + "image_dfl.dcm"),
}
COLOUR = {
    "RGB": kept(20, FILES + "examples_rgb_color.dcm"),
    "RGB, RLE": kept(21, FILES + "SC_rgb_rle.dcm"),
    "YBR_FULL_422, uncompressed": kept(22, FILES + "SC_ybr_full_422_uncompressed.dcm"),
    "YBR_RCT, JPEG 2000": kept(23, FILES + "examples_jpeg2k.dcm"),
    "YBR_FULL, JPEG": kept(24, FILES + "SC_rgb_jpeg_dcmtk.dcm"),
}
TRIPLETS = bytes(place % 251 for place in range(100 * 100 * 3))
WHOLE, HALF_IN_NAME = (
    kept(25, FILES + "SC_ybr_full_422_uncompressed.dcm", PixelData=TRIPLETS, PhotometricInterpretation=one)
    for one in ("YBR_FULL", "YBR_FULL_422")
)
PALETTE = kept(30, FILES + "examples_palette.dcm")
LOOP = kept(31, FILES + "examples_ybr_color.dcm")
"""Thirty frames."""
STACK = [
    kept(40, FILES + "CT_small.dcm", instance=n, ImagePositionPatient=[0, 0, 5.0 * n], RescaleIntercept=-1024 + 10 * n)
    for n in range(1, 13)
]
JPEG_LS = kept(3, FILES + "MR_small_jpeg_ls_lossless.dcm")
"""The same picture as the one in RLE; pydicom reads no JPEG-LS by itself."""
KEY = a_key_object(STACK[6], number=50, title="Of Interest", remark="結節")
OVERLAY = kept(60, FILES + "examples_overlay.dcm")
NOTED = [kept(70, FILES + "CT_small.dcm", instance=n) for n in (1, 2, 3)]
"""The first is rejected for its quality, the second for the patient's safety."""
NOTES = [
    a_key_object(NOTED[0], number=71, title="Rejected for Quality Reasons", remark="", code="113001"),
    a_key_object(NOTED[1], number=72, title="Rejected for Patient Safety Reasons", remark="", code="113037"),
]
ALL = [OVERLAY, HALF_IN_NAME, *NOTED, *NOTES, *GREY.values(), *COLOUR.values(), PALETTE, LOOP, JPEG_LS, *STACK, KEY]
EARLIER = "1.2.392.77711.1"
PRIOR = [
    kept(
        40,
        FILES + "CT_small.dcm",
        instance=n,
        study=EARLIER,
        StudyDate="20200301",
        ImagePositionPatient=[0, 0, 5.0 * n],
    )
    for n in range(1, 13)
]
"""The same region years before, kept by a clinic."""


STUDY_B = SPEC_DATA / "dicom/Study_B.zip"


def study_b() -> dict[str, bytes]:
    """Return the files of IHE's sample of a CT with key images, by their names."""
    with zipfile.ZipFile(STUDY_B) as archive:
        return {name.rpartition("/")[2]: archive.read(name) for name in archive.namelist() if name.endswith(".dcm")}


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    with hub_process(tmp_path_factory.mktemp("viewer") / "hub") as made:
        yield made


@pytest.fixture(scope="module")
def hospital(hub: HubProcess) -> dict[str, str]:
    """The headers of the hospital's system, once all images are there."""
    mine, clinic = hub.token("system-hospital-a"), hub.token("system-clinic-d")
    for headers, number, receiver in ((mine, "0110000001", "clinic-c"), (clinic, "0110000003", "hospital-a")):
        patient = post(hub, headers, a_person(number))
        post(hub, headers, a_consent(patient, receiver))
    push(hub.address, mine, [one.data for one in ALL])
    push(hub.address, clinic, [one.data for one in PRIOR])
    if STUDY_B.exists():
        push(hub.address, mine, list(study_b().values()))
    return mine


def post(hub: HubProcess, headers: dict[str, str], resource: dict[str, object]) -> str:
    answer = httpx.post(f"{hub.address}/fhir/{resource['resourceType']}", headers=headers, json=resource)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


@pytest.fixture(scope="module")
def driver(hub: HubProcess, hospital: dict[str, str]) -> Iterator[webdriver.Chrome]:
    with a_driver() as made:
        sign_in(hub, made, "hospital-a")
        yield made


@pytest.fixture(scope="module")
def receiving(hub: HubProcess, hospital: dict[str, str]) -> Iterator[webdriver.Chrome]:
    """A browser of its own, in which a doctor of the clinic with the consent is signed in."""
    with a_driver() as made:
        sign_in(hub, made, "clinic-c")
        yield made


def sign_in(hub: HubProcess, driver: webdriver.Chrome, site: str) -> None:
    first = hub.add_user(f"doctor-{site}", site, "doctor")
    driver.get(f"{hub.address}/?lang=ja")
    fill(driver, name=f"doctor-{site}", password=first)
    fill(driver, present=first, password=PASSWORD, again=PASSWORD)


def place(driver: webdriver.Chrome) -> str:
    """Return the instance and the frame that the active pane shows."""
    script = "return document.querySelector('.pane.active canvas.image')?.dataset.shown ?? ''"
    return str(driver.execute_script(script))


def wait_for(driver: webdriver.Chrome, uid: str, frame: int = 1) -> None:
    WebDriverWait(driver, 20, 0.02).until(lambda _: place(driver) == f"{uid}/{frame}")


def shown(driver: webdriver.Chrome) -> Grey:
    """Return what the canvas of the active pane holds, in RGB."""
    script = """
    const canvas = document.querySelector(".pane.active canvas.image");
    const { data, width, height } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let text = "";
    for (let at = 0; at < data.length; at += 8192) text += String.fromCharCode(...data.subarray(at, at + 8192));
    return [width, height, btoa(text)];
    """
    width, height, text = driver.execute_script(script)
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(height, width, 4)[..., :3]


def choose(driver: webdriver.Chrome, one: Kept, frame: int = 1) -> None:
    driver.find_element(By.CSS_SELECTOR, f'[data-series="{one.series}"]').click()
    wait_for(driver, one.uid, frame)


def press(driver: webdriver.Chrome, *keys: str) -> None:
    for key in keys:
        webdriver.ActionChains(driver, duration=0).send_keys(key).perform()


def differences(driver: webdriver.Chrome, wanted: Grey) -> int:
    """Return by how many levels what is shown differs from what is wanted, at most."""
    found = shown(driver).astype(int)
    expected = wanted.astype(int) if wanted.ndim == 3 else np.repeat(wanted.astype(int)[..., None], 3, axis=-1)
    assert found.shape == expected.shape
    return int(np.abs(found - expected).max())


@pytest.fixture
def opened(hub: HubProcess, driver: webdriver.Chrome) -> webdriver.Chrome:
    """The viewer's page; it is loaded again where a test before went elsewhere."""
    if not driver.current_url.startswith(f"{hub.address}/images/{STUDY}?"):
        driver.get(f"{hub.address}/images/{STUDY}?lang=en")
        wait_for(driver, CT.uid)
    return driver


@pytest.mark.parametrize("one", GREY.values(), ids=GREY)
def test_grey_pixels_are_those_of_pydicom(opened: webdriver.Chrome, one: Kept) -> None:
    choose(opened, one)

    assert differences(opened, one.grey()) <= 1


@pytest.mark.parametrize("one", COLOUR.values(), ids=COLOUR)
def test_colours_are_those_of_pydicom(opened: webdriver.Chrome, one: Kept) -> None:
    choose(opened, one)

    # Decoders of lossy JPEG may differ by a little.
    assert differences(opened, one.colours()) <= 3


def test_whole_triplets_that_call_themselves_half_are_whole(opened: webdriver.Chrome) -> None:
    choose(opened, HALF_IN_NAME)

    assert differences(opened, WHOLE.colours()) <= 1


def test_jpeg_ls_is_shown_as_the_same_picture_in_rle_is(opened: webdriver.Chrome) -> None:
    choose(opened, JPEG_LS)

    assert differences(opened, GREY["MR, RLE, its own window"].grey()) <= 1


def test_a_palette_is_applied(opened: webdriver.Chrome) -> None:
    choose(opened, PALETTE)

    ds = PALETTE.header
    wanted = apply_color_lut(ds.pixel_array, ds) >> 8
    assert differences(opened, wanted.astype(np.uint8)) == 0


@pytest.mark.parametrize(
    ("place", "window"), [("1", (40, 400)), ("2", (-600, 1500)), ("3", (480, 2500)), ("4", (40, 80))]
)
def test_the_presets_of_ct_are_windows_in_hounsfield_units(
    opened: webdriver.Chrome, place: str, window: tuple[float, float]
) -> None:
    choose(opened, CT)

    press(opened, place)

    assert differences(opened, CT.grey(window=window)) <= 1
    assert f"WL {window[0]} WW {window[1]}" in opened.find_element(By.CSS_SELECTOR, ".bottom-left").text


def test_black_for_white_and_back(opened: webdriver.Chrome) -> None:
    choose(opened, CT)

    press(opened, "i")
    assert differences(opened, 255 - CT.grey()) <= 1

    press(opened, "r")
    assert differences(opened, CT.grey()) <= 1


def test_a_stack_is_scrolled_by_keys_and_by_the_wheel(opened: webdriver.Chrome) -> None:
    choose(opened, STACK[0])
    pane = opened.find_element(By.CSS_SELECTOR, ".pane")

    press(opened, Keys.ARROW_DOWN, Keys.ARROW_DOWN)
    wait_for(opened, STACK[2].uid)
    press(opened, Keys.END)
    wait_for(opened, STACK[11].uid)
    press(opened, Keys.PAGE_UP)
    wait_for(opened, STACK[1].uid)
    origin = ScrollOrigin.from_element(pane)
    webdriver.ActionChains(opened, duration=0).scroll_from_origin(origin, 0, 120).perform()
    wait_for(opened, STACK[2].uid)

    assert "3 / 12" in opened.find_element(By.CSS_SELECTOR, ".top-right").text
    assert "0.0, 0.0, 15.0 mm" in opened.find_element(By.CSS_SELECTOR, ".bottom-right").text
    assert differences(opened, STACK[2].grey()) <= 1


def test_the_frames_of_a_loop_are_shown_one_by_one_and_played(opened: webdriver.Chrome) -> None:
    choose(opened, LOOP)

    press(opened, Keys.ARROW_DOWN, Keys.ARROW_DOWN)
    wait_for(opened, LOOP.uid, 3)
    assert differences(opened, LOOP.colours(2)) <= 3

    press(opened, " ")
    WebDriverWait(opened, 20, 0.02).until(lambda _: place(opened) not in ("", f"{LOOP.uid}/3"))
    press(opened, " ")
    assert opened.find_element(By.CSS_SELECTOR, "[data-do=cine]").get_attribute("aria-pressed") == "false"


def test_a_loop_that_is_stopped_while_it_waits_and_played_again_runs_once(opened: webdriver.Chrome) -> None:
    script = """
    const told = arguments[0];
    (async () => {
    const { Cine } = await import("/static/viewer/cine.js");
    const waiting = [];
    const stack = [{ rate: 60 }, { rate: 60 }];
    const cine = new Cine({ stack, index: 0, show: () => new Promise((done) => waiting.push(done)) }, () => {});
    const rest = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
    cine.toggle();
    while (!waiting.length) await rest(20);
    cine.toggle();
    cine.toggle();
    waiting[0]();
    await rest(500);
    cine.stop();
    told(waiting.length);
    })();
    """

    # What the first loop waited for, and what the second one waits for.
    assert opened.execute_async_script(script) == 2


def test_a_series_that_fails_late_does_not_take_the_place_of_the_one_chosen_since(
    hub: HubProcess, opened: webdriver.Chrome
) -> None:
    late, chosen = GREY["a dose, 32 bits"], COLOUR["RGB"]
    opened.get(f"{hub.address}/images/{STUDY}?lang=en&again")
    wait_for(opened, CT.uid)
    opened.execute_script(
        """
        const real = window.fetch;
        window.fetch = (address, ...more) =>
          String(address).includes(arguments[0])
            ? new Promise((_, fail) => (window.failLate = fail))
            : real(address, ...more);
        """,
        f"{late.series}/metadata",
    )

    opened.find_element(By.CSS_SELECTOR, f'[data-series="{late.series}"]').click()
    choose(opened, chosen)
    opened.execute_async_script(
        "const told = arguments[0]; window.failLate(new TypeError('late')); setTimeout(told, 200);"
    )

    assert place(opened) == f"{chosen.uid}/1"
    assert not opened.find_element(By.CSS_SELECTOR, ".pane.active .message").is_displayed()
    assert differences(opened, chosen.colours()) <= 3
    opened.refresh()
    wait_for(opened, CT.uid)


def test_a_length_is_told_in_millimetres(opened: webdriver.Chrome) -> None:
    choose(opened, CT)
    press(opened, "l")
    script = """
    const { default: _, ...module } = await import("/static/viewer/measures.js");
    const frame = { spacing: [0.5, 0.25], measured: arguments[0] };
    const words = { pixels: "pixels", at_detector: "at the detector" };
    const angle = { kind: "angle", points: [[0, 0], [10, 0], [10, 7]] };
    const length = { kind: "length", points: [[0, 0], [40, 0]] };
    return [module.sizeOf(frame, length, words), module.sizeOf(frame, angle, words)];
    """

    told = [opened.execute_script(script, measured) for measured in ("patient", "detector", "none")]

    assert told == [
        ["10.0 mm", "90.0°"],
        ["10.0 mm (at the detector)", "90.0°"],
        ["10.0 pixels", "90.0°"],
    ]


def test_key_images_are_listed_and_jumped_to(hub: HubProcess, opened: webdriver.Chrome) -> None:
    opened.get(f"{hub.address}/images/{STUDY}?lang=en")
    WebDriverWait(opened, 20, 0.02).until(lambda _: opened.find_elements(By.CSS_SELECTOR, "body[data-ready]"))
    assert opened.find_element(By.CSS_SELECTOR, "[data-do=key]").is_enabled()
    opened.execute_script("document.querySelector('.pane').focus()")

    press(opened, "k")
    wait_for(opened, STACK[6].uid)

    assert "Of Interest 結節" in opened.find_element(By.CSS_SELECTOR, "#keys button").text
    assert "★ Of Interest 結節" in opened.find_element(By.CSS_SELECTOR, ".top-left").text


def stack(driver: webdriver.Chrome) -> list[str]:
    """Return the instances that are scrolled through, from the first on."""
    found = [place(driver)]
    for _ in NOTED:
        press(driver, Keys.ARROW_DOWN)
        found.append(place(driver))
    return [one.rpartition("/")[0] for one in dict.fromkeys(found)]


def test_rejected_images_are_no_key_images_and_only_quality_is_shown_on_request(opened: webdriver.Chrome) -> None:
    choose(opened, NOTED[2])
    left = stack(opened)
    reasons = [one.text.splitlines()[0] for one in opened.find_elements(By.CSS_SELECTOR, "#series .rejected")]

    opened.find_element(By.CSS_SELECTOR, "[data-rejected]").click()
    WebDriverWait(opened, 20, 0.02).until(lambda _: "/ 2" in opened.find_element(By.CSS_SELECTOR, ".top-right").text)
    press(opened, Keys.HOME)
    wait_for(opened, NOTED[0].uid)
    with_quality = stack(opened)
    press(opened, Keys.HOME)
    wait_for(opened, NOTED[0].uid)
    told = opened.find_element(By.CSS_SELECTOR, ".pane.rejected .top-left").text
    screenshot(opened, "viewer-rejected-en")
    opened.find_element(By.CSS_SELECTOR, "[data-rejected]").click()
    wait_for(opened, NOTED[2].uid)

    assert left == [NOTED[2].uid]
    assert with_quality == [NOTED[0].uid, NOTED[2].uid]
    assert [one.partition(" × ")[0] for one in reasons] == [
        "⊘ Rejected for Quality Reasons",
        "⊘ Rejected for Patient Safety Reasons",
    ]
    assert "⊘ Rejected for Quality Reasons" in told
    assert "Rejected" not in opened.find_element(By.ID, "keys").text


def test_overlay_planes_are_drawn_and_taken_away(opened: webdriver.Chrome) -> None:
    choose(opened, OVERLAY)
    ds = OVERLAY.header
    plane = ds.overlay_array(0x6000).astype(bool)
    wanted = np.where(plane, 255, OVERLAY.grey())
    WebDriverWait(opened, 20, 0.05).until(lambda _: (shown(opened)[plane] == 255).all())
    with_it = differences(opened, wanted)
    screenshot(opened, "viewer-overlay-en")

    press(opened, "o")
    without = differences(opened, OVERLAY.grey())
    press(opened, "o")

    assert plane.sum() > 100
    assert max(with_it, without) <= 1


def test_a_picture_is_mirrored_and_turned_with_its_letters(opened: webdriver.Chrome) -> None:
    choose(opened, STACK[0])
    script = """
    const letters = (side) => document.querySelector(`.edge.at-${side}`).textContent;
    const edges = ["right", "bottom", "left", "top"].map(letters);
    const matrix = document.querySelector(".pane.active canvas.image").style.transform.match(/-?[0-9.]+/g).map(Number);
    return [edges.join(" "), matrix.slice(0, 4).map(Math.sign)];
    """

    found = [opened.execute_script(script)]
    for key in ("t", "m", "r"):
        press(opened, key)
        found.append(opened.execute_script(script))

    assert found == [
        ["L P R A", [1, 0, 0, 1]],
        ["A L P R", [0, 1, -1, 0]],
        ["A R P L", [0, -1, -1, 0]],
        ["L P R A", [1, 0, 0, 1]],
    ]


def test_the_values_in_an_ellipse_are_told(opened: webdriver.Chrome) -> None:
    choose(opened, STACK[0])
    press(opened, "e")
    pane = opened.find_element(By.CSS_SELECTOR, ".pane")
    webdriver.ActionChains(opened, duration=0).move_to_element_with_offset(
        pane, -60, -60
    ).click_and_hold().move_by_offset(120, 120).release().perform()
    screenshot(opened, "viewer-area-en")
    script = """
    const { statistics } = await import("/static/viewer/measures.js");
    const frame = { rows: 3, columns: 3, tables: {}, allocated: 16, stored: 16, high: 15, slope: 2, intercept: -10 };
    return statistics(frame, Uint16Array.from([0, 1, 0, 3, 5, 7, 0, 9, 0]), [[0, 0], [2, 2]]);
    """

    told = opened.execute_script(script)
    press(opened, "w", "r")

    # 1, 3, 5, 7 and 9: the middle and its neighbours.
    assert told == {"mean": 0, "deviation": pytest.approx(2 * 8**0.5), "ends": [-8, 8], "count": 5}


def test_a_prior_of_another_site_is_beside_it_and_scrolls_with_it(opened: webdriver.Chrome) -> None:
    choose(opened, STACK[0])
    priors = Select(opened.find_element(By.ID, "compare"))

    priors.select_by_value(EARLIER)
    second = "return document.querySelectorAll('.pane canvas.image')[1]?.dataset.shown"
    WebDriverWait(opened, 20, 0.02).until(lambda _: opened.execute_script(second) == f"{PRIOR[0].uid}/1")
    opened.find_element(By.CSS_SELECTOR, "[data-do=link]").click()
    opened.execute_script("document.querySelector('.pane').focus()")
    press(opened, *[Keys.ARROW_DOWN] * 4)
    WebDriverWait(opened, 20, 0.02).until(lambda _: opened.execute_script(second) == f"{PRIOR[4].uid}/1")
    screenshot(opened, "viewer-compare-en")

    assert place(opened) == f"{STACK[4].uid}/1"
    assert "2020-03-01" in priors.first_selected_option.text
    assert "clinic-d" in opened.find_elements(By.CSS_SELECTOR, ".pane")[1].text
    opened.find_element(By.CSS_SELECTOR, "[data-do=alone]").click()
    assert len(opened.find_elements(By.CSS_SELECTOR, ".pane")) == 1


def shows_study_b(hub: HubProcess, driver: webdriver.Chrome) -> None:
    """Open the sample at its key images, and compare the first with what other decoders read."""
    files = {name: pydicom.dcmread(BytesIO(data)) for name, data in study_b().items()}
    key = files["KIN_B2.dcm"].CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence[0]
    marked = key.ReferencedSOPSequence[0].ReferencedSOPInstanceUID
    (ds,) = [one for one in files.values() if one.SOPInstanceUID == marked]

    driver.get(f"{hub.address}/images/{ds.StudyInstanceUID}?keys&lang=en")
    wait_for(driver, marked)
    driver.execute_script("document.querySelector('.pane').focus()")
    press(driver, "3")
    hounsfield = jpeg_lossless(ds) * float(ds.RescaleSlope) + float(ds.RescaleIntercept)
    # The soft window comes third: the header has two of its own.
    part = np.clip((hounsfield - (40 - 0.5)) / (400 - 1) + 0.5, 0, 1)
    screenshot(driver, "viewer-study-b")

    assert differences(driver, np.rint(part * 255).astype(np.uint8)) == 0
    assert "/ 20" in driver.find_element(By.CSS_SELECTOR, ".top-right").text
    assert "★" in driver.find_element(By.CSS_SELECTOR, ".top-left").text


@pytest.mark.skipif(not SPEC_DATA.exists(), reason="the published examples are not on this machine")
def test_a_real_ct_in_jpeg_lossless_with_its_key_images(hub: HubProcess, opened: webdriver.Chrome) -> None:
    shows_study_b(hub, opened)


def test_nothing_comes_from_elsewhere_and_nothing_is_complained_of(hub: HubProcess, opened: webdriver.Chrome) -> None:
    loaded = opened.execute_script("return performance.getEntriesByType('resource').map(one => one.name)")

    assert len(loaded) > 20
    assert [one for one in loaded if not one.startswith(hub.address)] == []
    complaints = [one["message"] for one in opened.get_log("browser")]
    # It is the test that reads the canvas back.
    assert [one for one in complaints if "willReadFrequently" not in one] == []


def test_the_page_is_no_wider_than_a_telephone(hub: HubProcess, opened: webdriver.Chrome) -> None:
    narrow(opened)
    widths, heights = [], []

    for address in (f"/images/{STUDY}?lang=ja", f"/images/{STUDY}/pictures?series={STUDY}.40&number=3&window=bone"):
        opened.get(hub.address + address)
        widths.append(narrow(opened))
        if not heights:
            wait_for(opened, CT.uid)
            heights.append(opened.find_element(By.CSS_SELECTOR, ".pane").size["height"])
            listed = opened.find_elements(By.CSS_SELECTOR, "#series button")
            empty = [one for one in listed if one.is_displayed() and not one.is_enabled()]
        screenshot(opened, f"viewer-phone-{len(widths)}")
    picture = opened.find_element(By.CSS_SELECTOR, ".plain-picture > img")

    assert widths == [375, 375]
    # Series without images have no picture, and here no words either.
    assert empty == []
    # The picture has most of the screen's 812 pixels.
    assert heights[0] > 480
    assert "CT 40 CT_small.dcm 3 / 12" in opened.find_element(By.TAG_NAME, "main").text
    assert picture.get_property("naturalWidth") == 128
    opened.find_element(By.CSS_SELECTOR, "a[rel=next]").click()
    assert "4 / 12" in opened.find_element(By.TAG_NAME, "main").text
    opened.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def set_consent(hub: HubProcess, hospital: dict[str, str], status: str) -> None:
    consents = httpx.get(f"{hub.address}/fhir/Consent", headers=hospital).json()["entry"]
    (consent,) = [one["resource"] for one in consents if "clinic-c" in str(one)]
    address = f"{hub.address}/fhir/Consent/{consent['id']}"
    httpx.put(address, headers=hospital, json=consent | {"status": status}).raise_for_status()


def test_a_consent_that_is_withdrawn_closes_what_is_open(
    hub: HubProcess, hospital: dict[str, str], receiving: webdriver.Chrome
) -> None:
    set_consent(hub, hospital, "active")
    driver = receiving
    driver.get(f"{hub.address}/images/{STUDY}?lang=ja")
    wait_for(driver, CT.uid)
    assert "他施設の記録（同意にもとづき表示）" in driver.find_element(By.CSS_SELECTOR, ".why").text
    assert shown(driver).max() > 0
    screenshot(driver, "viewer-ja")

    set_consent(hub, hospital, "inactive")
    driver.find_element(By.CSS_SELECTOR, f'[data-series="{STUDY}.40"]').click()
    WebDriverWait(driver, 20, 0.02).until(lambda _: driver.find_elements(By.CSS_SELECTOR, "body.gone"))
    screenshot(driver, "viewer-gone-ja")

    assert "この画像はもう開けません" in driver.find_element(By.CSS_SELECTOR, ".message").text
    assert shown(driver).shape == (1, 1, 3)
    assert driver.find_elements(By.CSS_SELECTOR, "#series *") == []
    assert "山田" not in driver.page_source.partition("<body")[2]
    driver.get(f"{hub.address}/images/{STUDY}")
    assert "山田" not in driver.find_element(By.TAG_NAME, "body").text


def test_a_picture_that_merely_stands_there_goes_as_well(
    hub: HubProcess, hospital: dict[str, str], receiving: webdriver.Chrome
) -> None:
    set_consent(hub, hospital, "active")
    driver = receiving
    driver.get(f"{hub.address}/images/{STUDY}?lang=ja")
    wait_for(driver, CT.uid)

    set_consent(hub, hospital, "inactive")
    # As when somebody comes back to the window; the page asks every half minute too.
    driver.execute_script("window.dispatchEvent(new Event('focus'))")
    WebDriverWait(driver, 20, 0.02).until(lambda _: driver.find_elements(By.CSS_SELECTOR, "body.gone"))

    assert shown(driver).shape == (1, 1, 3)


@pytest.mark.skipif(not SPEC_DATA.exists(), reason="the published examples are not on this machine")
def test_what_stays_at_its_site_is_seen_as_what_is_kept(
    hub: HubProcess, hospital: dict[str, str], receiving: webdriver.Chrome
) -> None:
    clinic = hub.token("system-clinic-c")
    # The PACS of clinic C is the hub itself, in the name of hospital A, whose images these are.
    secret = hub.home / "pacs.token"
    secret.write_text(hospital["Authorization"].removeprefix("Bearer "))
    services = ("--wado", f"{hub.address}/dicomweb", "--network", "127.0.0.1", "--bearer", str(secret))
    places = [word for last in (1, 2) for word in ("--location", f"1.3.6.1.4.1.19376.1.1.202.{last}")]
    hub.renkei("imaging-source", "add", "pacs-c", "--client", "system-clinic-c", *services, *places)
    push(hub.address, clinic, [(SPEC_DATA / "dicom/MADO_KOS_B.dcm").read_bytes()])

    # Its manifest lists all of it, and is none of the key images.
    shows_study_b(hub, receiving)
    assert len(receiving.find_elements(By.CSS_SELECTOR, "#keys button")) == 3
