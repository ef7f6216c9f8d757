from base64 import b64encode

import pytest

from app.portal.attachments.cda import read_cda
from app.portal.attachments.markup import DEEPEST, Unreadable
from tests.attachments import a_cda, a_picture, media, non_xml


def html(body: str, entries: str = "") -> str:
    found = read_cda(a_cda(body, entries=entries), "/d/content/0/pictures")
    assert found is not None
    return str(found.parts[0].html)


def test_the_header_says_whose_it_is_and_who_wrote_it() -> None:
    found = read_cda(a_cda(), "")

    assert found is not None
    assert found.title == "診療情報提供書"
    assert [(one.name, one.text) for one in found.facts] == [
        ("kind", "Referral note"),
        ("date", "2024-05-01 10:30"),
        ("patient", "山田 太郎"),
        ("birth", "1960-01-02"),
        ("gender", "male"),
        ("number", "04760005"),
        ("provider", "北見病院"),
        ("author", "川辺 史郎 (北見病院) 2024-05-01"),
        ("custodian", "北見病院 医事課"),
    ]
    assert [(one.title, one.depth) for one in found.parts] == [("紹介目的", 0)]


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ("a &lt; b &amp; c", "a &lt; b &amp; c"),
        ("<paragraph>一</paragraph>二<br/>三", "<p>一</p>二<br>三"),
        (
            '<table border="1"><tr><td colspan="2" onclick="x()">Na</td><th>項目</th></tr></table>',
            '<table><tr><td colspan="2">Na</td><th>項目</th></tr></table>',
        ),
        (
            '<list listType="ordered"><caption>薬</caption><item>一</item></list>',
            "<ol><p>薬</p><li>一</li></ol>",
        ),
        ('<content styleCode="Bold Italics">重要</content>', "<strong>重要</strong>"),
        ('<content revised="delete">誤</content>', "<del>誤</del>"),
        ('<linkHtml href="https://elsewhere.example/">次</linkHtml>', "次 &lt;https://elsewhere.example/&gt;"),
        ('<linkHtml href="javascript:alert(1)">次</linkHtml>', "次 &lt;javascript:alert(1)&gt;"),
        ("<script xmlns='http://www.w3.org/1999/xhtml'>alert(1)</script>", "alert(1)"),
        ("<img src='x' onerror='alert(1)'/>", ""),
        ('<td rowspan="99999999999">a</td><td rowspan="5000">b</td>', '<td>a</td><td rowspan="100">b</td>'),
        ('<content styleCode="&quot;&gt;&lt;script&gt;">a</content>', "<span>a</span>"),
        ("<table>x<tr>y<td>a</td>z</tr></table>", "<table><tr><td>a</td></tr></table>"),
    ],
)
def test_a_narrative_is_made_of_elements_of_ours(body: str, shown: str) -> None:
    assert html(body) == shown


def test_a_picture_in_the_document_is_asked_of_this_hub() -> None:
    entries = media("MM1", a_picture()) + media("MM2", b"<svg/>", "text/html")

    shown = html('<renderMultiMedia referencedObject="MM1 MM2 none"/>', entries)

    assert shown == '<img class="picture" src="/d/content/0/pictures/0" alt="MM1">[MM2][none]'


def test_what_is_nested_deep_keeps_its_text_and_loses_its_markup() -> None:
    shown = html("<content>" * 100 + "深い" + "</content>" * 100)

    assert shown.count("<span>") == 40
    assert "深い" in shown


def test_a_body_that_is_a_file_is_the_file() -> None:
    found = read_cda(a_cda(non_xml=non_xml(b"%PDF-1.4 made up")), "")

    assert found is not None
    assert found.body == 0
    assert found.embedded[0].media_type == "application/pdf"
    assert found.embedded[0].octets() == b"%PDF-1.4 made up"


def test_a_body_that_is_a_text_is_shown_and_one_elsewhere_is_named() -> None:
    text = read_cda(a_cda(non_xml='<nonXMLBody><text mediaType="text/plain">経過\nよし</text></nonXMLBody>'), "")
    away = read_cda(
        a_cda(non_xml='<nonXMLBody><text><reference value="https://e.example/a.pdf"/></text></nonXMLBody>'), ""
    )

    assert text is not None
    assert text.text == "経過\nよし"
    assert away is not None
    assert (away.text, away.absent) == ("", "https://e.example/a.pdf")


def test_other_xml_is_no_cda() -> None:
    assert read_cda(b"<a><b/></a>", "") is None


BOMB = '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"no xml",
        b"<a>",
        a_cda("&b;", head=BOMB),
        a_cda("&x;", head='<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
        a_cda(head='<!DOCTYPE a SYSTEM "http://127.0.0.1:1/a.dtd">'),
        a_cda("<content>" * DEEPEST + "</content>" * DEEPEST),
        b"<a>" * 100_000,
        b'<?xml version="1.0" encoding="none-such"?><a/>',
        b64encode(b"\0" * 100),
    ],
    ids=["empty", "text", "cut", "entities", "a file's", "outside type", "deep", "endless", "charset", "base64"],
)
def test_what_is_hostile_or_broken_is_not_read(octets: bytes) -> None:
    with pytest.raises(Unreadable):
        read_cda(octets, "")


@pytest.mark.parametrize("charset", ["shift_jis", "euc-jp", "utf-16"])
def test_a_document_in_another_character_set_is_read(charset: str) -> None:
    octets = a_cda().decode().replace('encoding="UTF-8"', f'encoding="{charset}"').encode(charset)

    found = read_cda(octets, "")

    assert found is not None
    assert found.title == "診療情報提供書"


def test_a_stylesheet_of_theirs_is_not_run() -> None:
    found = read_cda(a_cda(head='<?xml-stylesheet type="text/xsl" href="https://e.example/cda.xsl"?>'), "")

    assert found is not None
    assert found.parts[0].html == "<p>発熱が続くため紹介します。</p>"
