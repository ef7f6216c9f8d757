from decimal import Decimal

import pytest

from fhir.profiles.primitives import code_in, json_name, primitive

MB = 1024 * 1024


@pytest.mark.parametrize(
    ("type_name", "value"),
    [
        ("boolean", True),
        ("boolean", False),
        ("integer", -2147483648),
        ("integer", 2147483647),
        ("unsignedInt", 0),
        ("positiveInt", 1),
        ("decimal", 6.3),
        ("decimal", 1),
        ("decimal", 10**40),
        ("decimal", 1e-245),
        ("decimal", Decimal("6.30")),
        ("string", "山田\u3000太郎"),
        ("string", "a\tb\r\nc"),
        ("string", " "),
        ("string", "a" * MB),
        ("markdown", "# 見出し\n"),
        ("code", "entered-in-error"),
        ("code", "two words"),
        ("id", "A-1.b"),
        ("id", "a" * 64),
        ("oid", "urn:oid:1.2.392.200119.4.504"),
        ("uuid", "urn:uuid:c757873d-ec9a-4326-a141-556f43239520"),
        ("uri", "urn:oid:1.2"),
        ("uri", "data:," + "a" * MB),
        ("url", "https://例え.jp/"),
        ("canonical", "http://example.org/a|1"),
        ("date", "1944"),
        ("date", "1944-02"),
        ("date", "1944-02-29"),
        ("date", "2000-02-29"),
        ("date", "1944-12-31"),
        ("dateTime", "1944-02-29"),
        ("dateTime", "2015-02-07T13:28:17.239+09:00"),
        ("dateTime", "2015-06-30T23:59:60Z"),
        ("instant", "2015-02-07T13:28:17.239-14:00"),
        ("time", "23:59:60.5"),
        ("base64Binary", "QUJD"),
        ("base64Binary", "QU\r\nI="),
        ("xhtml", '<div xmlns="http://www.w3.org/1999/xhtml">a</div>'),
        ("xhtml", '<div xmlns="http://www.w3.org/1999/xhtml">' + "a" * MB + "</div>"),
    ],
)
def test_a_proper_value_has_no_fault(type_name, value):
    assert primitive(type_name)(value) is None


@pytest.mark.parametrize(
    ("type_name", "value", "code"),
    [
        ("boolean", "true", "structure"),
        ("boolean", 1, "structure"),
        ("boolean", None, "structure"),
        ("integer", True, "structure"),
        ("integer", 1.0, "value"),
        ("integer", "1", "structure"),
        ("integer", 2147483648, "value"),
        ("integer", -2147483649, "value"),
        ("unsignedInt", -1, "value"),
        ("positiveInt", 0, "value"),
        ("decimal", "6.30", "structure"),
        ("decimal", True, "structure"),
        ("decimal", float("inf"), "value"),
        ("decimal", float("nan"), "value"),
        ("string", 1, "structure"),
        ("string", {"a": 1}, "structure"),
        ("string", "", "value"),
        ("string", "a\x00b", "value"),
        ("string", "a\x0bb", "value"),
        ("string", "a" * MB + "a", "too-long"),
        ("markdown", "a\x1b", "value"),
        ("code", "", "value"),
        ("code", " final", "value"),
        ("code", "final ", "value"),
        ("code", "a  b", "value"),
        ("code", "a\tb", "value"),
        ("code", 1, "structure"),
        ("id", "", "value"),
        ("id", "a_b", "value"),
        ("id", "a" * 65, "value"),
        ("id", "a\n", "value"),
        ("id", 1, "structure"),
        ("oid", "1.2.3", "value"),
        ("oid", "urn:oid:3.1", "value"),
        ("oid", "urn:oid:1.02", "value"),
        ("uuid", "urn:uuid:C757873D-EC9A-4326-A141-556F43239520", "value"),
        ("uuid", "c757873d-ec9a-4326-a141-556f43239520", "value"),
        ("uri", "a b", "value"),
        ("uri", "a\x00b", "value"),
        ("url", "http://a\n", "value"),
        ("canonical", " http://a", "value"),
        ("date", "1944-02-30", "value"),
        ("date", "1943-02-29", "value"),
        ("date", "1900-02-29", "value"),
        ("date", "1944-04-31", "value"),
        ("date", "1944-13", "value"),
        ("date", "1944-2-1", "value"),
        ("date", "0000", "value"),
        ("date", "昭和19年", "value"),
        ("date", "１９４４", "value"),
        ("date", "1944-02-01T00:00:00Z", "value"),
        ("date", 1944, "structure"),
        ("dateTime", "1944-02-30T00:00:00Z", "value"),
        ("dateTime", "2015-02-07T13:28:17", "value"),
        ("dateTime", "2015-02-07T13:28Z", "value"),
        ("dateTime", "2015-02-07T24:00:00Z", "value"),
        ("dateTime", "2015-02-07T13:28:17+14:01", "value"),
        ("dateTime", "2015-02-07 13:28:17Z", "value"),
        ("instant", "2015-02-07T13:28:17", "value"),
        ("instant", "2015-02-07", "value"),
        ("instant", "2015-02-30T13:28:17Z", "value"),
        ("time", "24:00:00", "value"),
        ("time", "10:00", "value"),
        ("time", "10:00:00Z", "value"),
        ("base64Binary", "", "value"),
        ("base64Binary", " ", "value"),
        ("base64Binary", "QUJ", "value"),
        ("base64Binary", "QU=JD", "value"),
        ("base64Binary", "QU-_", "value"),
        ("base64Binary", "値値値値", "value"),
        ("base64Binary", 1, "structure"),
        ("xhtml", "", "value"),
        ("xhtml", "text", "value"),
        ("xhtml", ["<div/>"], "structure"),
    ],
)
def test_a_fault_has_the_code_of_its_kind(type_name, value, code):
    fault = primitive(type_name)(value)

    assert fault is not None
    assert fault[0] == code


def test_a_bound_code_is_one_of_its_value_set():
    test = code_in(frozenset({"male", "female"}), "urn:gender")

    assert test("male") is None
    assert test("man") == (
        "code-invalid",
        "The code is not in the value set urn:gender, which is required here.",
    )
    assert test(" male")[0] == "value"
    assert test(["male"])[0] == "structure"


def test_an_unknown_primitive_type_is_a_key_error():
    with pytest.raises(KeyError):
        primitive("integer64")


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("a", "a string"),
        ({}, "an object"),
        ([], "an array"),
        (None, "null"),
        (True, "a boolean"),
        (Decimal(1), "a number"),
    ],
)
def test_a_value_is_called_what_json_calls_it(value, name):
    assert json_name(value) == name
