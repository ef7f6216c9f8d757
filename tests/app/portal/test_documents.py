import base64

import pytest

from app.portal.documents import plain, sections
from tests.attachments import a_cda, a_picture, an_mfer, media, non_xml
from tests.portal import recorded, signed_in
from tests.world import World, a_patient

pytestmark = pytest.mark.anyio

PDF = b"%PDF-1.4 made up"


def encoded(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


async def a_document(world: World, *attachments: dict[str, object], **fields: object) -> str:
    """Push a DocumentReference and return the address of its page."""
    clinic = await world.client("clinic-c")
    patient = (await world.post(clinic, a_patient()))["id"]
    resource = {
        "resourceType": "DocumentReference",
        "status": "current",
        "subject": {"reference": f"Patient/{patient}"},
        "description": "経過記録",
        "content": [{"attachment": one} for one in attachments],
        **fields,
    }
    return f"/documents/DocumentReference/{(await world.post(clinic, resource))['id']}"


@pytest.mark.parametrize(
    ("content_type", "octets"),
    [
        ("text/plain", "S) 変わりない".encode()),
        ("text/plain; charset=shift_jis", "S) 変わりない".encode("shift_jis")),
        ('text/plain; charset="UTF-8"', "S) 変わりない".encode()),
        ("text/plain; charset=unheard-of", "S) 変わりない".encode()),
    ],
)
async def test_a_text_is_shown_in_its_character_set(world: World, content_type: str, octets: bytes) -> None:
    address = await a_document(world, {"contentType": content_type, "data": encoded(octets)})
    browser = await signed_in(world, "clinic-c")

    page = await browser.get(address)

    assert page.status_code == 200
    assert "S) 変わりない" in page.text


async def test_a_text_is_never_markup(world: World) -> None:
    attack = b"<script>alert(1)</script>"
    address = await a_document(world, {"contentType": "text/plain", "data": encoded(attack)})
    browser = await signed_in(world, "clinic-c")

    assert "<script>alert" not in (await browser.get(address)).text


async def test_a_pdf_is_opened_by_the_browser(world: World) -> None:
    address = await a_document(world, {"contentType": "application/pdf", "data": encoded(PDF), "title": "退院時要約"})
    browser = await signed_in(world, "clinic-c")

    page, file = await browser.get(address), await browser.get(f"{address}/content/0")

    assert f'href="{address}/content/0"' in page.text
    assert "ファイルを開く" in page.text
    assert file.content == PDF
    assert file.headers["content-type"] == "application/pdf"
    assert file.headers["content-disposition"].startswith('inline; filename="document.pdf"; filename*=UTF-8')


@pytest.mark.parametrize("content_type", ["text/html", "image/svg+xml", "application/zip"])
async def test_a_type_that_could_run_is_a_file_to_save(world: World, content_type: str) -> None:
    address = await a_document(world, {"contentType": content_type, "data": encoded(b"<script>")})
    browser = await signed_in(world, "clinic-c")

    page, file = await browser.get(address), await browser.get(f"{address}/content/0")

    assert "ファイルを保存" in page.text
    assert file.headers["content-type"] == "application/octet-stream"
    assert file.headers["content-disposition"].startswith("attachment; ")
    assert file.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'; sandbox"
    assert file.headers["x-content-type-options"] == "nosniff"


async def test_an_attachment_in_a_binary_is_read_through_the_gate(world: World) -> None:
    clinic = await world.client("clinic-c")
    patient = (await world.post(clinic, a_patient()))["id"]
    document = {
        "resourceType": "DocumentReference",
        "status": "current",
        "subject": {"reference": f"Patient/{patient}"},
        "content": [
            {"attachment": {"contentType": "application/pdf", "url": "urn:uuid:5f0d3a4e-2b53-4f6c-9d0b-7a1f5b2c3d4e"}}
        ],
    }
    binary = {
        "resourceType": "Binary",
        "contentType": "application/pdf",
        "securityContext": {"reference": f"Patient/{patient}"},
        "data": encoded(PDF),
    }
    entries = [
        {"resource": document, "request": {"method": "POST", "url": "DocumentReference"}},
        {
            "fullUrl": "urn:uuid:5f0d3a4e-2b53-4f6c-9d0b-7a1f5b2c3d4e",
            "resource": binary,
            "request": {"method": "POST", "url": "Binary"},
        },
    ]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    answer = await world.http.post("/fhir", headers=clinic, json=bundle)
    id_ = answer.json()["entry"][0]["response"]["location"].partition("/DocumentReference/")[2].partition("/")[0]
    browser = await signed_in(world, "clinic-c")

    file = await browser.get(f"/documents/DocumentReference/{id_}/content/0")

    touched = (await recorded(world))[-1].entities
    assert file.content == PDF
    assert [one.partition("/")[0] for one in touched] == ["DocumentReference", "Binary"]


@pytest.mark.parametrize(
    ("attachment", "number"),
    [
        ({"contentType": "application/pdf", "url": "https://elsewhere.example/a.pdf"}, 0),
        ({"contentType": "application/pdf", "url": "Binary/none"}, 0),
        ({"contentType": "application/pdf", "data": "QUJD"}, 1),
    ],
    ids=["kept elsewhere", "not there", "beyond the last"],
)
async def test_what_cannot_be_had_is_not_found(world: World, attachment: dict[str, object], number: int) -> None:
    clinic = await signed_in(world, "clinic-c")
    address = await a_document(world, attachment)

    assert (await clinic.get(f"{address}/content/{number}")).status_code == 404


@pytest.mark.parametrize("address", ["/documents/Observation/x", "/documents/DocumentReference/none"])
async def test_no_other_resource_is_a_document(world: World, address: str) -> None:
    browser = await signed_in(world, "clinic-c")

    assert (await browser.get(address)).status_code == 404


async def test_a_document_that_was_a_mistake_is_not_shown(world: World) -> None:
    address = await a_document(world, {"contentType": "text/plain", "data": "QUJD"}, status="entered-in-error")
    browser = await signed_in(world, "clinic-c")

    assert (await browser.get(address)).status_code == 404


async def test_a_composition_shows_its_sections(world: World) -> None:
    clinic = await world.client("clinic-c")
    patient = (await world.post(clinic, a_patient()))["id"]
    div = '<div xmlns="http://www.w3.org/1999/xhtml">{}</div>'
    inner = {
        "title": "現病歴",
        "text": {"status": "generated", "div": div.format("<p>発熱 3 日</p><p>咳 &lt; 1 週</p>")},
    }
    composition = {
        "resourceType": "Composition",
        "status": "final",
        "type": {"text": "診療情報提供書"},
        "subject": {"reference": f"Patient/{patient}"},
        "date": "2024-05-01",
        "author": [{"display": "川辺 史郎"}],
        "title": "紹介状",
        "section": [{"title": "構造情報", "section": [inner]}],
    }
    id_ = (await world.post(clinic, composition))["id"]
    browser = await signed_in(world, "clinic-c")

    page = await browser.get(f"/documents/Composition/{id_}")
    on_timeline = await browser.get(f"/patients/{patient}")

    for text in ("紹介状", "構造情報", "現病歴", "発熱 3 日\n咳 &lt; 1 週", "川辺 史郎"):
        assert text in page.text
    assert f"/documents/Composition/{id_}" in on_timeline.text


FORM = {"contentType": "text/xml", "title": "紹介状"}


async def test_a_cda_document_is_shown_with_its_header_and_its_pictures(world: World) -> None:
    octets = a_cda(
        '<renderMultiMedia referencedObject="M"/><paragraph>所見</paragraph>', entries=media("M", a_picture())
    )
    address = await a_document(world, FORM | {"data": encoded(octets)})
    browser = await signed_in(world, "clinic-c")

    page = await browser.get(address)
    drawn = await browser.get(f"{address}/content/0/pictures/0")
    saved = await browser.get(f"{address}/content/0")

    for text in ("診療情報提供書", "川辺 史郎 (北見病院)", "紹介目的", "<p>所見</p>", "2024-05-01 10:30"):
        assert text in page.text
    assert f'src="{address}/content/0/pictures/0"' in page.text
    assert (drawn.headers["content-type"], drawn.content[:2]) == ("image/jpeg", b"\xff\xd8")
    assert "sandbox" in drawn.headers["content-security-policy"]
    assert saved.content == octets
    assert saved.headers["content-type"] == "application/octet-stream"


async def test_a_body_that_is_a_pdf_is_opened_from_within(world: World) -> None:
    address = await a_document(world, FORM | {"data": encoded(a_cda(non_xml=non_xml(PDF)))})
    browser = await signed_in(world, "clinic-c")

    page, file = await browser.get(address), await browser.get(f"{address}/content/0/files/0")

    assert f'href="{address}/content/0/files/0"' in page.text
    assert (file.content, file.headers["content-type"]) == (PDF, "application/pdf")


@pytest.mark.parametrize(
    ("octets", "content_type", "word"),
    [
        (a_cda(family="佐藤", born="19700101", gender="F"), "text/xml", "氏名、生年月日、性別"),
        (an_mfer(name="佐藤^サトウ^花子^ハナコ"), "application/octet-stream", "氏名"),
    ],
    ids=["CDA", "waveform"],
)
async def test_a_file_of_another_person_is_shown_with_a_warning(
    world: World, octets: bytes, content_type: str, word: str
) -> None:
    address = await a_document(world, {"contentType": content_type, "data": encoded(octets)})
    browser = await signed_in(world, "clinic-c")

    page = await browser.get(address)

    assert "登録先の患者と一致しません" in page.text
    assert word in page.text


@pytest.mark.parametrize(("octets", "content_type"), [(a_cda(), "text/xml"), (an_mfer(), "application/mfer")])
async def test_a_file_of_the_person_has_no_warning(world: World, octets: bytes, content_type: str) -> None:
    address = await a_document(world, {"contentType": content_type, "data": encoded(octets)})
    browser = await signed_in(world, "clinic-c")

    assert "一致しません" not in (await browser.get(address)).text


async def test_a_waveform_is_drawn_and_saved_as_it_came(world: World) -> None:
    octets = an_mfer()
    address = await a_document(world, {"contentType": "application/octet-stream", "data": encoded(octets)})
    browser = await signed_in(world, "clinic-c")

    page, file = await browser.get(address), await browser.get(f"{address}/content/0")

    assert page.text.count("<polyline") == 3
    assert "標準12誘導心電図" in page.text
    assert file.content == octets


async def test_the_pages_of_a_fax_are_drawn(world: World) -> None:
    octets = a_picture("TIFF", pages=2, mode="1")
    address = await a_document(world, {"contentType": "image/tiff", "data": encoded(octets)})
    browser = await signed_in(world, "clinic-c")

    page = await browser.get(address)

    assert page.text.count('<img class="picture"') == 2
    assert (await browser.get(f"{address}/content/0/pictures/1")).headers["content-type"] == "image/png"
    assert (await browser.get(f"{address}/content/0/pictures/2")).status_code == 404
    assert (await browser.get(f"{address}/content/0/files/0")).status_code == 404
    assert (await browser.get(f"{address}/content/0?save")).content == octets


async def test_what_cannot_be_read_is_a_file_to_save(world: World) -> None:
    sent = [
        ("text/xml", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"),
        ("image/png", b"<svg/>"),
        ("application/mfer", b"x"),
    ]
    files = [{"contentType": kind, "data": encoded(octets)} for kind, octets in sent]
    address = await a_document(world, *files)
    browser = await signed_in(world, "clinic-c")

    page = await browser.get(address)

    assert page.status_code == 200
    assert page.text.count("書かれている形式では読めません") == 3
    for number, (_, octets) in enumerate(sent):
        assert (await browser.get(f"{address}/content/{number}")).content == octets
        assert (await browser.get(f"{address}/content/{number}/pictures/0")).status_code == 404


async def test_an_address_elsewhere_is_named_and_never_a_link(world: World) -> None:
    elsewhere = ("https://elsewhere.example/fhir/Binary/1", "javascript:alert(1)")
    here = ("Binary/none", "http://127.0.0.1:8080/fhir/Binary/none")
    address = await a_document(world, *({"contentType": "application/pdf", "url": one} for one in (*elsewhere, *here)))
    browser = await signed_in(world, "clinic-c")

    page = await browser.get(address)

    assert page.status_code == 200
    assert [one for one in elsewhere if f"<code>{one}</code>" not in page.text] == []
    assert page.text.count("ここにはありません") == 2
    assert 'href="https://elsewhere' not in page.text
    assert 'href="javascript' not in page.text


async def test_a_report_that_is_also_a_paper_is_a_document(world: World) -> None:
    clinic = await world.client("clinic-c")
    patient = (await world.post(clinic, a_patient()))["id"]
    report = {
        "resourceType": "DiagnosticReport",
        "status": "final",
        "code": {"text": "腹部超音波検査"},
        "conclusion": "脂肪肝の疑い",
        "subject": {"reference": f"Patient/{patient}"},
        "effectiveDateTime": "2024-05-01",
        "presentedForm": [{"contentType": "application/pdf", "data": encoded(PDF), "title": "報告書"}],
    }
    address = f"/documents/DiagnosticReport/{(await world.post(clinic, report))['id']}"
    browser = await signed_in(world, "clinic-c")

    assert f'href="{address}"' in (await browser.get(f"/patients/{patient}")).text
    page = (await browser.get(address)).text
    assert [text for text in ("報告書", "脂肪肝の疑い") if text not in page] == []
    assert (await browser.get(f"{address}/content/0")).content == PDF


async def test_a_long_text_is_cut_and_saved_whole(world: World) -> None:
    octets = ("あ" * 600_000).encode()
    address = await a_document(world, {"contentType": "text/plain", "data": encoded(octets)})
    browser = await signed_in(world, "clinic-c")

    page = await browser.get(address)

    assert "ここまでを表示しています" in page.text
    assert (await browser.get(f"{address}/content/0")).content == octets


def test_a_narrative_becomes_lines_and_cells() -> None:
    div = "<div><table><tr><th>項目</th><td>値</td></tr><tr><td>Na</td><td>140</td></tr></table>a<br/>b</div>"

    assert plain(div) == "項目\t値\nNa\t140\na\nb"


def test_sections_come_before_those_within_them() -> None:
    parts = [{"title": "a", "section": [{"code": {"text": "b"}}]}, {"title": "c"}]

    assert [(one.title, one.depth) for one in sections(parts)] == [("a", 0), ("b", 1), ("c", 0)]
