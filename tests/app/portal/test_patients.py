import pytest

from tests.portal import recorded, signed_in
from tests.world import World, a_consent, a_patient

pytestmark = pytest.mark.anyio

SYLLABIC = {"url": "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation", "valueCode": "SYL"}
MEMBER = "http://jpfhir.jp/fhir/clins/Idsystem/JP_Insurance_memberID"


def kiichiro(family: str = "高橋", number: str = "04760005", **fields: object) -> dict[str, object]:
    names = [
        {"family": family, "given": ["喜一郎"]},
        {"family": "タカハシ", "given": ["キイチロウ"], "extension": [SYLLABIC]},
    ]
    identifiers = [
        {"system": "urn:oid:1.2.392.100495.20.3.51.10119900017", "value": number},
        {"system": MEMBER, "value": "39019999:北緑:48578217:01"},
    ]
    return a_patient(name=names, identifier=identifiers, birthDate="1951-03-08", **fields)


@pytest.mark.parametrize(
    "typed",
    [
        *("高橋", "高橋　喜一郎", "高橋喜一郎", "髙橋", "タカハシ", "たかはし", "ﾀｶﾊｼ", "きいちろう"),
        *("04760005", "39019999:北緑:48578217:01", "1951-03-08", "19510308", "S26.3.8", "昭和26年3月8日"),
        *("高橋 1951-03-08", " 1951/3/8 "),
    ],
)
async def test_a_patient_is_found_by(world: World, typed: str) -> None:
    patient = await world.post(await world.client("clinic-c"), kiichiro())
    browser = await signed_in(world, "clinic-c")

    page = await browser.get("/patients", params={"q": typed})

    assert page.status_code == 200
    assert f'href="/patients/{patient["id"]}"' in page.text
    assert "タカハシ キイチロウ" in page.text
    assert "04760005" in page.text


@pytest.mark.parametrize("typed", ["佐藤", "1951-03-09", "高橋 1960-01-02", "9999", "橋", "||,$", "\\", "a" * 500])
async def test_nobody_is_found_by(world: World, typed: str) -> None:
    await world.post(await world.client("clinic-c"), kiichiro())
    browser = await signed_in(world, "clinic-c")

    page = await browser.get("/patients", params={"q": typed})

    assert page.status_code == 200
    assert "見つかりませんでした" in page.text
    assert "キイチロウ" not in page.text


async def test_a_person_of_two_sites_is_found_once(world: World) -> None:
    hospital = await world.client("hospital-a")
    there = await world.post(hospital, kiichiro())
    here = await world.post(await world.client("clinic-c"), kiichiro("髙橋", "088313"))
    await world.post(hospital, a_consent(there["id"], "clinic-c"))
    browser = await signed_in(world, "clinic-c")

    page = await browser.get("/patients", params={"q": "高橋"})

    assert page.text.count("<li><a") == 1
    assert f'href="/patients/{here["id"]}"' in page.text
    assert "04760005" in page.text
    assert "他施設の表記 高橋" in page.text


async def test_a_patient_without_a_grant_is_as_unknown(world: World) -> None:
    await world.post(await world.client("hospital-a"), kiichiro("田中"))
    browser = await signed_in(world, "clinic-c")

    hidden = await browser.get("/patients", params={"q": "田中"})
    unknown = await browser.get("/patients", params={"q": "田口"})

    assert hidden.text.replace("田中", "田口").replace("%E4%B8%AD", "%E5%8F%A3") == unknown.text


async def test_each_patient_that_is_shown_is_an_audit_event(world: World) -> None:
    clinic = await world.client("clinic-c")
    one, other = await world.post(clinic, kiichiro()), await world.post(clinic, a_patient(birthDate="1951-03-08"))
    browser = await signed_in(world, "clinic-c")

    await browser.get("/patients", params={"q": "1951-03-08"})

    found = [event for event in await recorded(world) if event.path == "/patients"]
    assert {event.patient for event in found} == {f"Patient/{one['id']}", f"Patient/{other['id']}"}
    assert {(event.user, event.purpose, event.role) for event in found} == {("doctor-clinic-c", "TREAT", "doctor")}


async def test_more_than_a_page_asks_for_more_words(world: World) -> None:
    clinic = await world.client("clinic-c")
    for number in range(31):
        await world.post(clinic, a_patient(identifier=[{"value": f"N{number:04}"}]))
    browser = await signed_in(world, "clinic-c")

    page = await browser.get("/patients", params={"q": "山田"})

    assert page.text.count("<li><a") == 30
    assert "31件のうち30件" in page.text


async def test_names_are_escaped(world: World) -> None:
    await world.post(await world.client("clinic-c"), a_patient(name=[{"family": "<script>alert(1)</script>"}]))
    browser = await signed_in(world, "clinic-c")

    page = await browser.get("/patients", params={"q": "<script>"})

    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert" in page.text


async def test_without_words_nobody_is_shown_and_the_cursor_waits(world: World) -> None:
    await world.post(await world.client("clinic-c"), kiichiro())
    browser = await signed_in(world, "clinic-c")

    page = await browser.get("/patients")

    assert "autofocus" in page.text
    assert "高橋" not in page.text.replace("例: 高橋喜一郎", "")
