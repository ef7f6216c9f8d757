"""Files that sites attach, in a real browser: hostile ones do nothing, and each kind is shown.

Screenshots are kept only where RENKEI_SCREENSHOTS names a folder.
"""

from base64 import b64encode
from collections.abc import Iterator

import httpx
import pytest
from reportlab.pdfgen.canvas import Canvas
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from tests.attachments import a_cda, a_picture, an_mfer, media
from tests.browser import CHROMIUM, DRIVER, a_driver, fill, kept, text_of
from tests.hub_process import HubProcess, hub_process
from tests.world import a_patient

PASSWORD = "Sapporo-2026-snow"

pytestmark = [
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="Chromium and its driver are not installed"),
    pytest.mark.xdist_group("attachments browser"),  # one hub for all
]

HOSTILE = """
<paragraph onclick="document.title='owned'">一</paragraph>
<script xmlns="http://www.w3.org/1999/xhtml">document.title='owned'</script>
<img xmlns="http://www.w3.org/1999/xhtml" src="x" onerror="document.title='owned'"/>
<iframe xmlns="http://www.w3.org/1999/xhtml" src="javascript:parent.document.title='owned'"/>
<style xmlns="http://www.w3.org/1999/xhtml">main { display: none }</style>
<svg xmlns="http://www.w3.org/2000/svg" onload="document.title='owned'"><script>document.title='owned'</script></svg>
<linkHtml href="javascript:document.title='owned'">押す</linkHtml>
<content styleCode="x&quot; onmouseover=&quot;document.title='owned'">二</content>
<content>&lt;/div&gt;&lt;script&gt;document.title='owned'&lt;/script&gt;</content>
<form xmlns="http://www.w3.org/1999/xhtml" action="https://elsewhere.example/"><input autofocus="" onfocus="x"/></form>
<meta xmlns="http://www.w3.org/1999/xhtml" http-equiv="refresh" content="0;url=https://elsewhere.example/"/>
<renderMultiMedia referencedObject="&quot;onerror=document.title='owned'"/>
<table><tr><td style="position:fixed" onmouseover="document.title='owned'">三</td></tr></table>
"""
SCRIPTED = b"<html><body onload=\"document.title='owned'\"><script>document.title='owned'</script></body></html>"
DRAWING = b"<svg xmlns='http://www.w3.org/2000/svg' onload=\"document.title='owned'\"/>"


def a_pdf() -> bytes:
    canvas = Canvas("unused.pdf")
    canvas.drawString(100, 700, "Discharge summary")
    return bytes(canvas.getpdfdata())


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    with hub_process(tmp_path_factory.mktemp("attachments") / "hub") as made:
        yield made


@pytest.fixture(scope="module")
def driver(hub: HubProcess) -> Iterator[webdriver.Chrome]:
    with a_driver() as made:
        first = hub.add_user("doctor", "hospital-a", "doctor")
        made.get(f"{hub.address}/?lang=ja")
        fill(made, name="doctor", password=first)
        fill(made, present=first, password=PASSWORD, again=PASSWORD)
        yield made


File = tuple[str, bytes, str]
"""Media type, content, title."""


def a_document(hub: HubProcess, *files: File) -> str:
    """Push a document and return the address of its page."""
    headers = hub.token("system-hospital-a")

    def post(resource: dict[str, object]) -> str:
        answer = httpx.post(f"{hub.address}/fhir/{resource['resourceType']}", headers=headers, json=resource)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    patient = post(a_patient())
    document = {
        "resourceType": "DocumentReference",
        "status": "current",
        "subject": {"reference": f"Patient/{patient}"},
        "description": "紹介状",
        "date": "2024-05-01T10:30:00+09:00",
        "content": [
            {"attachment": {"contentType": kind, "data": b64encode(octets).decode(), "title": title}}
            for kind, octets, title in files
        ],
    }
    return f"{hub.address}/documents/DocumentReference/{post(document)}"


def loaded(driver: webdriver.Chrome) -> list[str]:
    """Return the addresses that the page has loaded anything from."""
    script = "return performance.getEntriesByType('resource').map(one => one.name)"
    return [str(one) for one in driver.execute_script(script)]


def test_hostile_files_do_nothing(hub: HubProcess, driver: webdriver.Chrome) -> None:
    files = [
        ("text/xml", a_cda(HOSTILE, title="&lt;img src=x onerror=document.title='owned'&gt;"), "<script>x</script>"),
        ("text/xml", a_cda(family="<b onclick='x'>山</b>", given='"&gt;&lt;i&gt;'), "a"),
        ("text/xml", SCRIPTED, "b"),
        ("text/html", SCRIPTED, "c.html"),
        ("image/svg+xml", DRAWING, "d.svg"),
        ("image/png", DRAWING, "e.png"),
        ("application/pdf", SCRIPTED, "x Content-Type: text/html <script>"),
        ("text/plain", SCRIPTED, "f.txt"),
    ]
    page = a_document(hub, *files)

    driver.get(page)
    title = driver.title
    for element in driver.find_elements(By.CSS_SELECTOR, ".narrative *"):
        webdriver.ActionChains(driver, duration=0).move_to_element(element).click().perform()

    assert driver.find_elements(By.CSS_SELECTOR, ".narrative td")
    assert driver.current_url == page
    assert driver.title == title != "owned"
    assert [one for one in loaded(driver) if not one.startswith(hub.address)] == []
    inside = "main script, main style, main iframe, main form, main input, main meta, main [onclick], main [style]"
    assert driver.find_elements(By.CSS_SELECTOR, inside) == []
    assert [one for one in driver.get_log("browser") if "Content Security Policy" in one["message"]] == []

    for number in range(len(files)):
        if files[number][0] != "application/pdf":
            # A file to save leaves the browser where it is.
            driver.get(f"{page}/content/{number}")
            assert (driver.current_url, driver.title) == (page, title)


TABLE = """
<paragraph>発熱が続くため紹介します。<content styleCode="Bold">ペニシリンアレルギー</content>あり。</paragraph>
<table><thead><tr><th>項目</th><th>値</th><th>基準</th></tr></thead><tbody><tr><td>CRP</td><td>5.40</td><td>0.00–0.14</td></tr>
<tr><td>白血球</td><td>12.3</td><td>3.3–8.6</td></tr></tbody></table>
<list><item>アモキシシリンは使わない</item><item>胸部X線を添付</item></list><renderMultiMedia referencedObject="M1"/>"""
FILES = [
    ("text/xml", a_cda(TABLE, entries=media("M1", a_picture(size=(320, 160)))), "紹介状"),
    ("text/xml", a_cda(family="佐藤", born="19700101"), "他人の紹介状"),
    ("image/jpeg", a_picture("JPEG", (600, 300)), "写真"),
    ("image/tiff", a_picture("TIFF", (300, 400), pages=2, mode="L"), "FAX"),
    ("application/octet-stream", an_mfer(leads=(1, 2, 61, 62, 63, 64), seconds=4), "心電図"),
    ("text/plain", "S) 変わりない\nO) 血圧 128/76".encode(), "経過"),
    ("application/pdf", a_pdf(), "退院時要約"),
]


def test_each_kind_is_shown_in_both_languages_and_on_a_telephone(hub: HubProcess, driver: webdriver.Chrome) -> None:
    page = a_document(hub, *FILES)
    size = {"width": 1280, "height": 3200, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    for language, words in (
        ("en", ("Save the file", "12-lead ECG", "not the patient it was filed under: name, birth date")),
        ("ja", ("ファイルを保存", "標準12誘導心電図", "一致しません: 氏名、生年月日", "血圧 128/76", "0.00–0.14")),
    ):
        driver.get(f"{page}?lang={language}")
        WebDriverWait(driver, 20, 0.05).until(lambda one: one.execute_script(DRAWN) == 4)
        kept(driver, f"attachments-{language}")
        assert [word for word in words if word not in text_of(driver)] == []
    assert driver.execute_script(DRAWN) == 4
    assert len(driver.find_elements(By.CSS_SELECTOR, ".trace polyline")) == 6

    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size | {"width": 375, "mobile": True})
    width = driver.execute_script("return document.documentElement.scrollWidth")
    kept(driver, "attachments-phone")
    driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert width == 375

    driver.get(f"{page}/content/6")
    assert driver.execute_script("return document.contentType") == "application/pdf"


DRAWN = "return [...document.querySelectorAll('img.picture')].filter(one => one.complete && one.naturalWidth).length"
"""How many pictures the page shows: one in a document, a photograph, two pages of a fax."""
