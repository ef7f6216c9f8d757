"""FHIR XML is read strictly: what comes out, and what is refused where."""

import json

import pytest

from fhir.xml.errors import InvalidXml
from fhir.xml.to_json import to_json

NS = 'xmlns="http://hl7.org/fhir"'
DIV = '<div xmlns="http://www.w3.org/1999/xhtml">'


def patient(content: str) -> bytes:
    return f"<Patient {NS}>{content}</Patient>".encode()


def read(content: str) -> dict[str, object]:
    made: dict[str, object] = json.loads(to_json(patient(content)).body)
    del made["resourceType"]
    return made


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('<id value="1"/>', {"id": "1"}),
        ('<active value="true"/>', {"active": True}),
        ('<deceasedBoolean value="false"/>', {"deceasedBoolean": False}),
        ('<multipleBirthInteger value="+2"/>', {"multipleBirthInteger": 2}),
        ('<birthDate id="a" value="1960"/>', {"birthDate": "1960", "_birthDate": {"id": "a"}}),
        (
            '<birthDate><extension url="http://e.org/x"><valueCode value="unknown"/></extension></birthDate>',
            {"_birthDate": {"extension": [{"url": "http://e.org/x", "valueCode": "unknown"}]}},
        ),
        (
            '<name id="n"><given value="a"/><given id="b"/><given value="c"/></name>',
            {"name": [{"id": "n", "given": ["a", None, "c"], "_given": [None, {"id": "b"}, None]}]},
        ),
        (
            '<name><given id="a"><extension url="u"><valueCode value="x"/></extension></given></name>',
            {"name": [{"_given": [{"id": "a", "extension": [{"url": "u", "valueCode": "x"}]}]}]},
        ),
        (
            (
                f'<contained><Basic {NS}><id value="c"/></Basic></contained>'
                '<contained><Group><id value="d"/></Group></contained>'
            ),
            {"contained": [{"resourceType": "Basic", "id": "c"}, {"resourceType": "Group", "id": "d"}]},
        ),
        (
            f'<text><status value="generated"/>{DIV}a &lt; b<br></br><!-- c --></div></text>',
            {"text": {"status": "generated", "div": f"{DIV}a &lt; b<br></br><!-- c --></div>"}},
        ),
        ("<?target data?>\n <!-- no --> <id value='1&#10;&quot;'/> <!-- comment -->\r\n", {"id": '1\n"'}),
        ('<name><text value="𠮷野家 &amp; é"/></name>', {"name": [{"text": "𠮷野家 & é"}]}),
    ],
)
def test_an_element_becomes_its_json(content: str, expected: dict[str, object]) -> None:
    assert read(content) == expected


@pytest.mark.parametrize("text", ["6.30", "1e2", "-0.0010", "100", "12500.00", "1.0E-245"])
def test_a_decimal_keeps_its_text(text: str) -> None:
    body = f'<Observation {NS}><valueQuantity><value value="{text}"/></valueQuantity></Observation>'

    assert to_json(body.encode()).body.endswith(f'"valueQuantity":{{"value":{text}}}}}'.encode())


def test_prefixes_and_hints_for_validators_mean_nothing() -> None:
    body = (
        b'\xef\xbb\xbf<?xml version="1.0" encoding="utf-8"?><f:Patient xmlns:f="http://hl7.org/fhir"'
        b' xmlns:h="http://www.w3.org/1999/xhtml" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        b' xsi:schemaLocation="http://hl7.org/fhir ../fhir-single.xsd"><f:text><f:status value="generated"/>'
        b'<h:div xml:lang="ja">a &amp; <h:b title="&lt;">b</h:b></h:div></f:text></f:Patient>'
    )

    made = json.loads(to_json(body).body)

    assert made["text"]["div"] == f'{DIV[:-1]} xml:lang="ja">a &amp; <b title="&lt;">b</b></div>'


def test_the_entries_of_a_bundle_are_known_by_their_bytes() -> None:
    one, two = b'<Patient><id value="1"/></Patient >', b'<Basic xmlns="http://hl7.org/fhir" />'
    body = (
        b'\xef\xbb\xbf<Bundle xmlns="http://hl7.org/fhir"><type value="batch"/><entry><resource>'
        + one
        + b'</resource></entry><entry><fullUrl value="urn:x"/></entry><entry><resource>'
        + two
        + b"</resource></entry></Bundle>"
    )

    made = to_json(body)

    assert made.entries == (one, None, two)
    assert json.loads(made.body)["entry"] == [
        {"resource": {"resourceType": "Patient", "id": "1"}},
        {"fullUrl": "urn:x"},
        {"resource": {"resourceType": "Basic"}},
    ]


BOMB = '<!DOCTYPE Patient [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
FILE = '<!DOCTYPE Patient [<!ENTITY a SYSTEM "file:///etc/hostname">]>'


@pytest.mark.parametrize(
    ("body", "said", "expression"),
    [
        (patient('<nothing value="1"/>'), "no such element", "Patient.nothing"),
        (patient('<gender value="male"/><active value="true"/>'), "out of order", "Patient.active"),
        (patient('<id value="1"/><id value="2"/>'), "here already", "Patient.id"),
        (patient('<deceasedBoolean value="true"/><deceasedDateTime value="2020"/>'), "here already", "Patient.dec"),
        (patient('<name><given value="a"/><family value="b"/></name>'), "out of order", "Patient.name[0].family"),
        (patient('<name><family value="a"/></name><name><given/></name>'), "or children", "Patient.name[1].given[0]"),
        (patient("<name></name>"), "or children", "Patient.name[0]"),
        (patient('<active value="yes"/>'), "not of the type boolean", "Patient.active"),
        (patient('<multipleBirthInteger value="1.5"/>'), "not of the type integer", "Patient.multipleBirthInteger"),
        (patient('<active other="1" value="true"/>'), "no such attribute", "Patient.active.other"),
        (patient('<name value="a"/>'), "no such attribute", "Patient.name[0].value"),
        (patient('<name><id value="a"/></name>'), "an attribute, not", "Patient.name[0].id"),
        (patient("<id>1</id>"), "Text stands between", "Patient.id"),
        (patient('<id xmlns="http://hl7.org/other" value="1"/>'), "The namespace is", "Patient.id"),
        (patient('<text><status value="generated"/><div>x</div></text>'), "The namespace is", "Patient.text.div"),
        (patient("<contained/>"), "or children", "Patient.contained[0]"),
        (patient("<contained><Basic/><Basic/></contained>"), "Only one", "Patient.contained[0].Basic"),
        (patient("<contained><Thing/></contained>"), "no such resource type", "Patient.contained[0].Thing"),
        (b"<Patient/>", "The namespace of FHIR", "Patient"),
        (b"", "not well-formed", None),
        (b'{"resourceType":"Patient"}', "not well-formed", None),
        (patient("<name>"), "not well-formed", "Patient.name[0]"),
        (patient("&nbsp;"), "not well-formed", "Patient"),
        (patient('<name><family value="\ufffe"/></name>'), "not well-formed", "Patient.name[0]"),
        (BOMB.encode() + patient('<name><family value="&b;"/></name>'), "A document type", None),
        (FILE.encode() + patient('<name><family value="&a;"/></name>'), "A document type", None),
        (b'<?xml version="1.0" encoding="iso-8859-1"?>' + patient('<id value="1"/>'), "in UTF-8", None),
        (patient('<id value="1"/>').decode().encode("utf-16"), "in UTF-8", None),
        (patient('<id value="1"/>').decode().encode("utf-16-le"), "in UTF-8", None),
        (patient("<extension>" * 70), "deeper than 64", "Patient.extension[0].extension[0]"),
    ],
)
def test_what_is_not_strict_is_refused_with_its_place(body: bytes, said: str, expression: str | None) -> None:
    with pytest.raises(InvalidXml, match=r"\(line \d+ column \d+\)") as refused:
        to_json(body)

    assert said in refused.value.diagnostics
    found = refused.value.expression
    assert found == expression if expression is None or found is None else found.startswith(expression)


def test_a_line_is_named() -> None:
    with pytest.raises(InvalidXml, match=r"line 3 column 3"):
        to_json(patient('\n  <id value="1"/>\n  <nothing/>'))


def test_a_narrative_of_foreign_elements_that_leans_on_outside_is_refused() -> None:
    outside = 'xmlns:h="http://www.w3.org/1999/xhtml" xmlns:x="urn:x"'
    text = '<text><status value="empty"/><h:div><x:b/></h:div></text>'

    with pytest.raises(InvalidXml, match="A narrative is in the namespace"):
        to_json(f"<Patient {NS} {outside}>{text}</Patient>".encode())


def test_a_narrative_without_content_is_left_to_the_checker() -> None:
    empty = f'{DIV[:-1]} title="a>b/>" />'

    assert read(f'<text><status value="empty"/>{empty}</text>') == {"text": {"status": "empty", "div": empty}}


def test_a_value_may_be_as_large_as_a_resource_and_not_much_larger() -> None:
    def binary(size: int) -> bytes:
        return f'<Binary {NS}><contentType value="a/b"/><data value="{"QUJD" * (size // 4)}"/></Binary>'.encode()

    large = to_json(binary(20_000_000))

    assert len(json.loads(large.body)["data"]) == 20_000_000
    with pytest.raises(InvalidXml, match="larger than 32000000 bytes") as refused:
        to_json(binary(40_000_000))
    assert refused.value.expression == "Binary"


def test_a_text_of_several_pieces_is_one_text() -> None:
    names = '<name><family value="山田"/></name>' * 50_000

    made = to_json(patient(f'<text><status value="generated"/>{DIV}{"長い文" * 300_000}</div></text>{names}'))

    tree = json.loads(made.body)
    assert tree["text"]["div"] == f"{DIV}{'長い文' * 300_000}</div>"
    assert len(tree["name"]) == 50_000


def test_many_levels_of_markup_do_not_hurt() -> None:
    deep = "<b>" * 5000 + "x" + "</b>" * 5000

    assert deep in str(read(f'<text><status value="generated"/>{DIV}{deep}</div></text>'))
