import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir.envelope import EnvelopeEntry, InvalidBundle, Request, read_bundle
from fhir.errors import TooLarge
from fhir.resource import InvalidJson, parse


def bundle(*entries: bytes, more: bytes = b"") -> bytes:
    return b'{"resourceType":"Bundle","type":"batch"' + more + b',"entry":[' + b",".join(entries) + b"]}"


def test_read_bundle_gives_the_elements_and_each_resource_in_its_own_bytes():
    body = b"""{ "resourceType" : "Bundle", "id":"b", "total":1,
      "entry" : [ { "fullUrl":"urn:uuid:a", "_fullUrl":{"id":"f"},
        "resource" : { "resourceType" : "Observation",  "valueDecimal":6.30 } ,
        "search":{"mode":"match","score":1},
        "request":{"method":"POST","url":"Observation","ifNoneExist":"identifier=1","ifMatch":"W/\\"1\\"",
                   "ifNoneMatch":"*","ifModifiedSince":"2024-01-01T00:00:00Z"} },
        {"response":{"status":"200"}, "link":[{"relation":"self","url":"u"}]} ], "type":"transaction" }"""

    read = read_bundle(body)

    assert read.type == "transaction"
    assert read.head == {
        "resourceType": "Bundle",
        "id": "b",
        "total": 1,
        "type": "transaction",
    }
    assert read.entries == (
        EnvelopeEntry(
            full_url="urn:uuid:a",
            resource=b'{ "resourceType" : "Observation",  "valueDecimal":6.30 }',
            type="Observation",
            id=None,
            request=Request("POST", "Observation", "*", "2024-01-01T00:00:00Z", 'W/"1"', "identifier=1"),
            search={"mode": "match", "score": 1},
        ),
        EnvelopeEntry(response={"status": "200"}),
    )


def test_read_bundle_takes_a_bundle_without_entries():
    assert read_bundle(b'{"resourceType":"Bundle","type":"collection"}').entries == ()
    assert read_bundle(bundle()).entries == ()


@pytest.mark.parametrize(
    ("body", "expression"),
    [
        (b'{"resourceType":"Patient"}', "Bundle.resourceType"),
        (b'{"resourceType":"Bundle"}', "Bundle.type"),
        (b'{"resourceType":"Bundle","type":"batch","entry":{}}', "Bundle.entry"),
        (b'{"resourceType":"Bundle","type":"batch","entry":null}', "Bundle.entry"),
        (bundle(more=b',"entries":[]'), "Bundle.entries"),
        (bundle(more=b',"total":true'), "Bundle.total"),
        (bundle(more=b',"total":1.5'), "Bundle.total"),
        (bundle(more=b',"_meta":{}'), "Bundle._meta"),
        (bundle(more=b',"_total":7'), "Bundle._total"),
        (bundle(more=b',"link":{}'), "Bundle.link"),
        (bundle(more=b',"link":[{"relation":"self","href":"x"}]'), "Bundle.link[0].href"),
        (bundle(b"{}", b"7"), "Bundle.entry[1]"),
        (bundle(b"{}", b"{}", b'{"fullurl":"x"}'), "Bundle.entry[2].fullurl"),
        (bundle(b'{"fullUrl":1}'), "Bundle.entry[0].fullUrl"),
        (bundle(b'{"search":{"score":"1"}}'), "Bundle.entry[0].search.score"),
        (bundle(b'{"request":{"method":"GET"}}'), "Bundle.entry[0].request.url"),
        (bundle(b'{"request":{"url":"Patient"}}'), "Bundle.entry[0].request.method"),
        (bundle(b'{"request":{"method":"get","url":"x"}}'), "Bundle.entry[0].request.method"),
        (bundle(b'{"request":{"method":"GET","url":["x"]}}'), "Bundle.entry[0].request.url"),
        (bundle(b'{"resource":[]}'), "Bundle.entry[0].resource"),
        (bundle(b'{"resource":null}'), "Bundle.entry[0].resource"),
        (bundle(b'{"resource":{"id":"x"}}'), "Bundle.entry[0].resource.resourceType"),
        (bundle(b'{"resource":{"resourceType":"Patient","id":1}}'), "Bundle.entry[0].resource.id"),
    ],
)
def test_read_bundle_names_the_element_that_is_wrong(body, expression):
    with pytest.raises(InvalidBundle) as refused:
        read_bundle(body)

    assert (refused.value.status, refused.value.code, refused.value.expression) == (
        400,
        "structure",
        expression,
    )


@pytest.mark.parametrize(
    ("body", "expression", "diagnostics"),
    [
        (b"[]", "Bundle", "This is not JSON: Expected `object`, got `array`."),
        (b"\xef\xbb\xbf{}", "Bundle", "This is not JSON"),
        (b'{"\xff":1}', "Bundle", "This is not JSON"),
        (bundle() + b"}", "Bundle", "This is not JSON"),
        (bundle(more=b',"type":"batch"'), "Bundle", "stands twice"),
        (
            bundle(more=b',"meta":{"tag":[{},{"code":"a","code":"b"}]}'),
            "Bundle.meta.tag[1]",
            "'code' stands twice",
        ),
        (bundle(b'{"fullUrl":"a","fullUrl":"b"}'), "Bundle.entry[0]", "stands twice"),
        (bundle(b'{"resource":{},"resource":{}}'), "Bundle.entry[0]", "stands twice"),
        (bundle(b'{"resource":{"a":{"b":1,"b":2}}}'), "Bundle.entry[0].resource.a", "'b' stands twice"),
        (
            bundle(b'{"resource":{"resourceType":"Patient","a":{"b":1,"b":2}}}'),
            "Bundle.entry[0].resource.a",
            "'b' stands twice",
        ),
        (bundle(b'{"resource":{"a":"\\u0000"}}'), "Bundle.entry[0].resource", "NUL"),
        (bundle(b'{"resource":{"a":"\xff"}}'), "Bundle.entry[0].resource", "not UTF-8"),
        (
            bundle(b'{"resource":{"a":' + b"[" * 61 + b"]" * 61 + b"}}"),
            "Bundle.entry[0].resource",
            "deeper than",
        ),
        (bundle(b'{"resource":{"a":' + b"[" * 99_999 + b"]" * 99_999 + b"}}"), "Bundle", "nested too deep"),
        (bundle(more=b',"id":' + b"[" * 9_999 + b"]" * 9_999), "Bundle", "nested too deep"),
    ],
)
def test_read_bundle_refuses_what_parse_refuses(body, expression, diagnostics):
    with pytest.raises(InvalidJson) as refused:
        read_bundle(body)

    assert refused.value.expression == expression
    assert diagnostics in refused.value.diagnostics


def test_read_bundle_counts_levels_from_the_bundle():
    body = bundle(b'{"resource":{"resourceType":"Basic","a":' + b"[" * 60 + b"]" * 60 + b"}}")

    assert len(read_bundle(body).entries) == 1
    assert parse(body)["type"] == "batch"


def test_read_bundle_counts_entries():
    assert len(read_bundle(bundle(b"{}", b"{}"), most=2).entries) == 2

    with pytest.raises(TooLarge, match="at most 2 entries"):
        read_bundle(bundle(b"{}", b"{}", b"{}"), most=2)


VALUES = st.sampled_from(
    [b"{}", b"[]", b'"a"', b'"{}"', b'{"a":1}', b'{"a":1,"a":1}', b'{ "a" :":\\"" }', b'"\\u0000"', b"1"]
)
NAMES = st.sampled_from([b'"id"', b'"\\u0069d"', b'"fullUrl"', b'"resource"', b'"search"'])
OBJECTS = st.lists(st.tuples(NAMES, st.sampled_from([b":", b" : "]), VALUES).map(b"".join), max_size=5).map(
    lambda members: b"{" + b" ,".join(members) + b"}"
)


@given(st.lists(OBJECTS, max_size=3))
def test_read_bundle_never_takes_what_parse_refuses(entries):
    body = bundle(*entries)
    try:
        read_bundle(body)
    except InvalidBundle:
        return
    except InvalidJson:
        with pytest.raises(InvalidJson):
            parse(body)
    else:
        assert len(parse(body)["entry"]) == len(entries)


def test_read_bundle_needs_little_more_memory_than_the_bytes():
    resource = b'{"resourceType":"Basic","text":{"div":"' + b"x" * 500 + b'"}' + b',"a":[1,2,3]' + b"}"
    body = bundle(*[b'{"resource":' + resource + b"}"] * 4_000)
    tracemalloc.start()

    read_bundle(body)

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * len(body)
