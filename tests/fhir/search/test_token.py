import pytest

from fhir.errors import InvalidValue
from fhir.search import token
from fhir.search.hashing import hash64
from fhir.search.values import TokenValue

LOINC = "http://loinc.org"


@pytest.mark.parametrize(
    ("type_name", "value", "rows"),
    [
        ("Coding", {"system": LOINC, "code": "718-7"}, [(hash64("718-7"), hash64(LOINC))]),
        ("Coding", {"code": "718-7"}, [(hash64("718-7"), 0)]),
        ("Coding", {"system": LOINC}, [(0, hash64(LOINC))]),
        ("Coding", {"display": "Hb"}, []),
        (
            "CodeableConcept",
            {"coding": [{"code": "a"}, {"system": LOINC, "code": "b"}], "text": "ヘモグロビン"},
            [(hash64("a"), 0), (hash64("b"), hash64(LOINC))],
        ),
        ("CodeableConcept", {"text": "ヘモグロビン"}, []),
        (
            "Identifier",
            {"system": "urn:oid:1.2.392.100495.20.3.51.11311234567", "value": "00000010"},
            [(hash64("00000010"), hash64("urn:oid:1.2.392.100495.20.3.51.11311234567"))],
        ),
        ("ContactPoint", {"system": "phone", "value": "03-1234-5678"}, [(hash64("03-1234-5678"), 0)]),
        ("boolean", True, [(hash64("true"), 0)]),
        ("boolean", False, [(hash64("false"), 0)]),
        ("code", "female", [(hash64("female"), 0)]),
        ("id", "f001", [(hash64("f001"), 0)]),
        ("string", "1.0", [(hash64("1.0"), 0)]),
        ("uri", "urn:x", [(hash64("urn:x"), 0)]),
    ],
)
def test_an_element_is_found_by_its_code_and_system(type_name, value, rows):
    assert token.EXTRACTORS[type_name](value) == rows


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("718-7", TokenValue(hash64("718-7"), None, "718-7")),
        (f"{LOINC}|718-7", TokenValue(hash64("718-7"), hash64(LOINC), "718-7")),
        ("|718-7", TokenValue(hash64("718-7"), 0, "718-7")),
        (f"{LOINC}|", TokenValue(None, hash64(LOINC))),
        (r"a\|b", TokenValue(hash64("a|b"), None, "a|b")),
        (r"http://x\,y|a\$b", TokenValue(hash64("a$b"), hash64("http://x,y"), "a$b")),
    ],
    ids=["any system", "system and code", "no system", "any code", "escaped bar", "escaped system"],
)
def test_a_query_says_whether_the_system_matters(text, value):
    assert token.parse(text) == value


@pytest.mark.parametrize("text", ["", "|", "a|b|c"])
def test_a_token_with_neither_part_or_too_many_is_refused(text):
    with pytest.raises(InvalidValue, match="not a token"):
        token.parse(text)
