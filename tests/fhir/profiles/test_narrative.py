import pytest

from fhir.profiles.narrative import check_div


def div(content, attributes=""):
    return f'<div xmlns="http://www.w3.org/1999/xhtml"{attributes}>{content}</div>'


@pytest.mark.parametrize(
    "text",
    [
        div("<p>血清カリウム 4.1&#160;mmol/L &lt; 5</p>"),
        div("<table border='1'><tbody><tr><td colspan='2' style='color: red'>a</td></tr></tbody></table>"),
        div('<a href="#k" name="k">a</a><a href="Patient/p">b</a><a href="mailto:a@example.org">c</a>'),
        div('<img src="data:image/png;base64,QUJD" alt=""/>'),
        div('<img src="https://example.org/a.png"/>'),
        div("a<!-- b -->", ' xml:lang="ja" lang="ja" class="c" id="d" title="e" dir="ltr"'),
    ],
)
def test_formatted_text_is_proper(text):
    assert check_div(text) is None


NOT_WELL_FORMED = "A narrative must be well-formed XML; of the named entities it may use only those of XML itself."
ELEMENT = "A narrative holds an element other than the formatting elements it may hold."
ATTRIBUTE = "A narrative holds an attribute other than those it may hold."
SCRIPT = "An address in a narrative must not lead to a script."
STYLE = "A style in a narrative must not act."


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("text", "A narrative must begin with <div."),
        ("<!DOCTYPE div><div/>", "A narrative must begin with <div."),
        (div("<p>a"), NOT_WELL_FORMED),
        (div("a") + div("b"), NOT_WELL_FORMED),
        (div("a&nbsp;b"), NOT_WELL_FORMED),
        (div("a\x01"), NOT_WELL_FORMED),
        (div("\ud800"), NOT_WELL_FORMED),
        ("<div>a</div>", "A narrative must be in the namespace http://www.w3.org/1999/xhtml."),
        (
            div('<svg xmlns="http://www.w3.org/2000/svg"/>'),
            "A narrative must be in the namespace http://www.w3.org/1999/xhtml.",
        ),
        ('<divider xmlns="http://www.w3.org/1999/xhtml">a</divider>', ELEMENT),
        (div("<?php a ?>"), "A narrative must have no processing instructions."),
        (div(" \n&#160;"), "A narrative must have some text or an image."),
        (div("<script>alert(1)</script>"), ELEMENT),
        (div("<SCRIPT>alert(1)</SCRIPT>"), ELEMENT),
        (div("<iframe/>"), ELEMENT),
        (div("<form>a</form>"), ELEMENT),
        (div("<style>p {}</style>"), ELEMENT),
        (div("<font>a</font>"), ELEMENT),
        (div("a", ' onclick="alert(1)"'), ATTRIBUTE),
        (div("<img src='a' onerror='alert(1)'/>"), ATTRIBUTE),
        (div("<a xmlns:x='http://www.w3.org/1999/xlink' x:href='javascript:a'>a</a>"), ATTRIBUTE),
        (div("<a href='javascript:alert(1)'>a</a>"), SCRIPT),
        (div("<a href=' JavaScript:alert(1)'>a</a>"), SCRIPT),
        (div("<a href='java&#10;script&#9;:alert(1)'>a</a>"), SCRIPT),
        (div("<a href='vbscript:a'>a</a>"), SCRIPT),
        (div("<a href='data:text/html,a'>a</a>"), SCRIPT),
        (div("<a href='data:image/svg+xml,a'>a</a>"), SCRIPT),
        (div("<img src='data:text/html;base64,QUJD'/>"), SCRIPT),
        (div("a", ' style="width: expression (alert(1))"'), STYLE),
        (div("a", ' style="width: exp/**/ression(alert(1))"'), STYLE),
        (div("a", r' style="background: url(java\script:a)"'), STYLE),
        (div("a", ' style="background: url(JAVASCRIPT:a)"'), STYLE),
    ],
)
def test_what_could_act_or_is_no_narrative_is_refused(text, wrong):
    assert check_div(text) == wrong


def test_no_entity_is_declared():
    text = '<div xmlns="http://www.w3.org/1999/xhtml"><!DOCTYPE a [<!ENTITY b "c">]>&b;</div>'

    assert check_div(text) == NOT_WELL_FORMED


def test_deep_nesting_is_no_recursion_error():
    assert check_div(div("<b>" * 100_000 + "a" + "</b>" * 100_000)) is None
