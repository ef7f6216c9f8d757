"""Whatever is sent as XML or stored as JSON, the converters answer or refuse; they raise nothing else."""

import json
import re

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir.resource import parse
from fhir.xml.errors import InvalidXml
from fhir.xml.to_json import to_json
from fhir.xml.to_xml import NotWritable, to_xml
from tests.property.test_structure_is_total import DOCUMENT, holders, json_values

XML = to_xml(json.dumps(DOCUMENT).encode())
PIECES = [*sorted(set(re.findall(rb"<[^>]*>", XML))), b"<", b">", b'"', b"/", b"&a;", b"<!DOCTYPE a>", b"\0", b"text"]


@settings(max_examples=300)
@given(st.data())
def test_a_spoiled_text_is_read_or_refused(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(XML)))
    end = data.draw(st.integers(start, min(len(XML), start + 60)))
    spoiled = XML[:start] + data.draw(st.sampled_from(PIECES)) + XML[end:]

    try:
        made = to_json(spoiled)
    except InvalidXml:
        return
    assert parse(made.body)["resourceType"] == "Bundle"


@settings(max_examples=300)
@given(st.data())
def test_what_can_be_written_can_be_read_back(data: st.DataObject) -> None:
    tree = json.loads(json.dumps(DOCUMENT))
    holder = data.draw(st.sampled_from(holders(tree)))
    value = data.draw(json_values)
    if isinstance(holder, dict):
        holder[data.draw(st.sampled_from([*holder, "text", "_url", "id", "contained"]))] = value
    else:
        holder[data.draw(st.integers(0, len(holder) - 1))] = value

    try:
        made = to_xml(msgspec.json.encode(tree))
    except NotWritable:
        return
    try:
        parse(to_json(made).body)
    except InvalidXml:
        # A value of the wrong type, or nothing where something must stand: the checker would have refused it.
        return
