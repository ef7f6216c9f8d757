import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir.links import URI_ELEMENTS
from fhir.resource import InvalidJson, parse
from fhir.splice import splice
from fhir.undo import original

WHEN = "2024-05-01T09:00:00.000Z"
META = b'"meta":{"versionId":"3","lastUpdated":"2024-05-01T09:00:00.000Z"}'


def spliced(body: bytes, **more) -> bytes:
    made = splice(body, parse(body), **({"id": "1", "version": 3, "last_updated": WHEN} | more))
    assert original(made.body, made.undo) == body
    return made.body


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        (b'{"resourceType":"Patient"}', b'{"resourceType":"Patient","id":"1",' + META + b"}"),
        (
            b'{ "resourceType" : "Patient",\n "id" : "x", "b": 6.30 }',
            b'{ "resourceType" : "Patient",\n "id" : "1",' + META + b', "b": 6.30 }',
        ),
        (
            b'{"meta":{ },"resourceType":"Patient"}',
            b"{" + META[:-1] + b' },"resourceType":"Patient","id":"1"}',
        ),
        (
            b'{"meta":{"lastUpdated" : "2001","profile":["http:\\/\\/a"]},"id":"x"}',
            b'{"meta":{"versionId":"3","lastUpdated" : "' + WHEN.encode() + b'","profile":["http:\\/\\/a"]},"id":"1"}',
        ),
        (b"{}", b'{"id":"1",' + META + b"}"),
        (b' {"a" :1e2} ', b' {"id":"1",' + META + b',"a" :1e2} '),
        (
            b'{"\\u0069d":"x","meta":{"versionId":"9","lastUpdated":"a","source":"\\u0023"}}',
            b'{"\\u0069d":"1",' + META[:-1] + b',"source":"\\u0023"}}',
        ),
    ],
    ids=["bare", "id replaced", "empty meta", "meta kept", "empty", "no resourceType", "escaped key"],
)
def test_splice_writes_id_version_and_time_and_nothing_else(sent, stored):
    assert spliced(sent) == stored


def test_splice_leaves_the_sender_id_where_it_is_the_same():
    sent = b'{"resourceType":"Patient","id":"1",' + META + b"}"

    made = splice(sent, parse(sent), id="1", version=3, last_updated=WHEN)

    assert (made.body, made.undo) == (sent, b"\x01")


@pytest.mark.parametrize(
    ("meta", "expected"),
    [
        ("{}", {"security": [{"system": "s", "code": "PSY"}], "tag": [{"code": "t"}]}),
        (
            '{"security":[{"system":"s","code":"HIV"}],"tag":[ ]}',
            {
                "security": [{"system": "s", "code": "HIV"}, {"system": "s", "code": "PSY"}],
                "tag": [{"code": "t"}],
            },
        ),
        (
            '{"security":[{"system":"s","code":"PSY","display":"kept"}]}',
            {"security": [{"system": "s", "code": "PSY", "display": "kept"}], "tag": [{"code": "t"}]},
        ),
    ],
    ids=["none yet", "beside others", "already there"],
)
def test_splice_adds_labels(meta, expected):
    labels = {"security": [{"system": "s", "code": "PSY"}], "tag": [{"code": "t"}]}

    with_meta = parse(spliced(b'{"resourceType":"Patient","meta":' + meta.encode() + b"}", labels=labels))
    without = parse(spliced(b'{"resourceType":"Patient"}', labels=labels))

    assert with_meta["meta"] == expected | {"versionId": "3", "lastUpdated": WHEN}
    assert list(without["meta"]) == ["versionId", "lastUpdated", "security", "tag"]


def test_splice_adds_no_empty_list_of_labels():
    assert b"security" not in spliced(b'{"resourceType":"Patient"}', labels={"security": []})


@pytest.mark.parametrize(
    ("body", "expression"),
    [
        (b'{"resourceType":"Patient","meta":null}', "Patient.meta"),
        (b'{"meta":[]}', "Resource.meta"),
        (b'{"resourceType":"Patient","meta":{"security":{}}}', "meta.security"),
    ],
)
def test_splice_refuses_a_meta_it_cannot_write_into(body, expression):
    with pytest.raises(InvalidJson) as refused:
        splice(body, parse(body), id="1", version=1, last_updated=WHEN, labels={"security": [{"code": "x"}]})

    assert refused.value.expression == expression


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        (b'"subject":{"reference" : "urn:uuid:a"}', b'"subject":{"reference" : "Patient/7"}'),
        (b'"x":{"reference":"http:\\/\\/h\\/Patient\\/2"}', b'"x":{"reference":"Patient/2"}'),
        (b'"x":{"\\u0072eference":"urn:uuid:\\u0061"}', b'"x":{"\\u0072eference":"Patient/7"}'),
        (
            b'"x":["\\u0061",":"],"y":{"reference":"urn:uuid:a"}',
            b'"x":["\\u0061",":"],"y":{"reference":"Patient/7"}',
        ),
        (b'"content":{"url":"urn:uuid:a"}', b'"content":{"url":"Patient/7"}'),
        (
            b'"extension":[{"url":"u","valueUri":"urn:uuid:a"}]',
            b'"extension":[{"url":"u","valueUri":"Patient/7"}]',
        ),
        (
            b'"text":{"div":"<a\\nid=\\"k\\" href=\\"urn:uuid:a\\">a<\\/a><img src=\'http://h/Patient/2\'/>"}',
            b'"text":{"div":"<a\\nid=\\"k\\" href=\\"Patient/7\\">a<\\/a><img src=\'Patient/2\'/>"}',
        ),
        (
            b'"text":{"div":"\\u003ca\\nhref = \\u0022urn:uuid:a\\u0022\\u003e"}',
            b'"text":{"div":"\\u003ca\\nhref = \\u0022Patient/7\\u0022\\u003e"}',
        ),
        (
            b'"text":{"div":"<a href=\\"http://h/x?a=1&amp;b=2\\">"}',
            b'"text":{"div":"<a href=\\"Binary/&lt;\\">"}',
        ),
    ],
    ids=[
        "reference",
        "escaped slashes",
        "escaped key and value",
        "among other strings",
        "url",
        "valueUri",
        "narrative",
        "narrative with escaped quotes",
        "narrative with an ampersand",
    ],
)
def test_splice_rewrites_links(sent, stored):
    links = {"urn:uuid:a": "Patient/7", "http://h/Patient/2": "Patient/2", "http://h/x?a=1&b=2": "Binary/<"}
    head = b'{"id":"1",' + META + b","

    assert spliced(head + sent + b"}", references=links) == head + stored + b"}"


def test_splice_replaces_an_id_or_version_that_is_no_string_with_all_in_it():
    sent = b'{"id":{"reference":"urn:uuid:a"},"meta":{"versionId":["urn:uuid:a",{"reference":"urn:uuid:a"}]}}'

    tree = parse(spliced(sent, references={"urn:uuid:a": "Patient/7"}))

    assert tree == {"id": "1", "meta": {"versionId": "3", "lastUpdated": WHEN}}


@pytest.mark.parametrize(
    "sent",
    [
        b'"identifier":[{"system":"urn:ietf:rfc:3986","value":"urn:uuid:a"}]',
        b'"fullUrl":"urn:uuid:a"',
        b'"x":{"reference":"urn:uuid:ab"}',
        b'"x":{"reference":"Urn:uuid:a"}',
        b'"url":"http://h/Patient/2"',
        b'"instantiatesCanonical":"urn:uuid:a"',
        b'"display":"see \\"reference\\":\\"urn:uuid:a\\""',
        b'"a\\"reference":"urn:uuid:a"',
        b'"text":{"div":"<a href=\\"urn:uuid:a#part\\" data-href=\\"urn:uuid:a\\">urn:uuid:a</a>"}',
        b'"text":{"div":"<a href=\\u0022\\\\u0022"}',
    ],
)
def test_splice_leaves_what_is_no_link_to_the_bundle(sent):
    body = b'{"id":"1",' + META + b"," + sent + b"}"
    links = {"urn:uuid:a": "Patient/7", "http://h/Patient/2": "Patient/2"}

    assert spliced(body, references=links) == body


LINKS = {"urn:uuid:a": "Patient/7", 'q"\\/': 'Group/"\\'}
TEXTS = st.sampled_from(["", ":", '":', "\\", '\\"', "é", "山", "\n", *LINKS]) | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8
)
NAMES = st.sampled_from(["id", "meta", "reference", "url", "div", "versionId", "a"]) | TEXTS
TREES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=20,
)
METAS = st.dictionaries(st.sampled_from(["versionId", "lastUpdated", "profile", "a"]), TREES)
RESOURCES = st.tuples(st.dictionaries(NAMES, TREES), st.none() | METAS, st.booleans()).map(
    lambda made: (
        {k: v for k, v in made[0].items() if k != "meta"}
        | ({} if made[1] is None else {"meta": made[1]})
        | ({"resourceType": "Basic"} if made[2] else {})
    )
)
STYLES = st.builds(
    dict,
    ensure_ascii=st.booleans(),
    indent=st.sampled_from([None, 0, 2]),
    separators=st.sampled_from([(",", ":"), (" ,", " : ")]),
)


def rewritten(tree):
    """What `references` does to a tree, written the slow way."""
    if isinstance(tree, list):
        return [rewritten(item) for item in tree]
    if not isinstance(tree, dict):
        return tree
    return {
        name: LINKS[value]
        if isinstance(value, str)
        and value in LINKS
        and (name == "reference" or (name in URI_ELEMENTS and value.startswith("urn:")))
        else rewritten(value)
        for name, value in tree.items()
    }


@given(RESOURCES, STYLES)
def test_splice_changes_the_tree_only_in_id_meta_and_links_and_can_be_undone(resource, style):
    body = json.dumps(resource, **style).encode()

    stored = parse(spliced(body, references=LINKS))

    expected = rewritten(resource)
    assert stored.pop("id") == "1"
    meta = stored.pop("meta")
    assert (meta.pop("versionId"), meta.pop("lastUpdated")) == ("3", WHEN)
    assert stored == {k: v for k, v in expected.items() if k not in ("id", "meta")}
    assert meta == {k: v for k, v in expected.get("meta", {}).items() if k not in ("versionId", "lastUpdated")}
