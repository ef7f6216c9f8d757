"""Messages taken apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.exchange.hl7v2.message import MOST_BYTES, Finding, Hl7Error, parse
from app.exchange.hl7v2.separators import Separators, escape, unescape
from app.exchange.hl7v2.write import segment, write

MSH = "MSH|^~\\&|HIS123|SEND|GW|RCV|20110701||ADT^A08^ADT_A01|77|P|2.5"


def the_message(*lines: str, end: str = "\r") -> bytes:
    return end.join((MSH, *lines, "")).encode("iso2022_jp")


def test_a_field_is_found_by_its_numbers():
    message = parse(the_message("PID|0001||9999013^^^^PI||患者^太郎^^^^^L^I~カンジャ^タロウ^^^^^L^P||1948||A&B^C&D"))

    pid = message.required("PID")
    assert pid.text(3) == "9999013"
    assert pid.text(3, 5) == "PI"
    assert pid.text(5, 2, repetition=2) == "タロウ"
    assert [each.text(8) for each in pid.repetitions(5)] == ["I", "P"]
    assert (pid.text(9, 1, 2), pid.text(9, 2, 2)) == ("B", "D")
    assert (pid.text(9, 3), pid.text(99), pid.text(5, 1, 2), pid.text(5, 1, repetition=3)) == ("", "", "", "")


def test_the_header_counts_its_separator():
    message = parse(the_message())

    assert message.header.text(1) == "|"
    assert message.header.text(2) == "^~\\&"
    assert message.header.text(4) == "SEND"
    assert (message.kind, message.control_id) == ("ADT^A08", "77")


def test_other_separators_take_a_message_apart():
    message = parse(b"MSH#*+!%#HIS\rPID###1+2##A*B%C!F!D")

    assert message.separators == Separators("#", "*", "+", "!", "%")
    assert [each.text() for each in message.required("PID").repetitions(3)] == ["1", "2"]
    assert message.required("PID").text(5, 2, 2) == "C#D"


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"], ids=["CR", "LF", "CRLF"])
def test_lines_end_as_they_end(end):
    message = parse(the_message("PID|1", "", "PV1|1", "", "", end=end))

    assert [each.name for each in message.segments] == ["MSH", "PID", "PV1"]
    assert message.findings == ()


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("a\\F\\b\\S\\c\\T\\d\\R\\e\\E\\f", "a|b^c&d~e\\f"),
        ("one\\.br\\two", "one\ntwo"),
        ("\\X41420D\\", "AB\r"),
        ("\\H\\loud\\N\\", "loud"),
        ("C:\\temp\\x", "C:\\temp\\x"),
        ("\\Zxy\\ \\X4\\ \\", "\\Zxy\\ \\X4\\ \\"),
    ],
)
def test_escape_sequences_are_resolved(raw, text):
    assert unescape(raw, Separators()) == text


def test_two_quotation_marks_delete():
    pid = parse(the_message('PID|||1||""||""^2|')).required("PID")

    assert (pid.deletes(5), pid.deletes(3), pid.deletes(6)) == (True, False, False)
    assert (pid.text(5), pid.text(7), pid.text(7, 2)) == ("", "", "2")


def test_a_line_that_is_no_segment_is_told_and_left_out():
    message = parse(the_message("PID|1", "AL1", "x", "ob|1", "PV1|1", "MSH", "\x1a"))

    assert [each.name for each in message.segments] == ["MSH", "PID", "PV1"]
    assert message.findings == (
        Finding("", 3, 0, "the line is no segment: 'AL1'"),
        Finding("", 4, 0, "the line is no segment: 'x'"),
        Finding("", 5, 0, "the line is no segment: 'ob|1'"),
        Finding("", 7, 0, "the line is no segment: 'MSH'"),
    )


@pytest.mark.parametrize(
    ("body", "segment_name", "field", "code"),
    [
        (b"", "MSH", 0, 100),
        (b"\r\n", "MSH", 0, 100),
        (b"\x00\x00", "MSH", 0, 100),
        (b"PID|1", "MSH", 0, 100),
        (b"MSH", "MSH", 2, 102),
        (b"MSH|^^\\&|", "MSH", 2, 102),
        (b"MSH|ABCD|", "MSH", 2, 102),
        (b"FHS|^~\\&|", "FHS", 0, 200),
        (b"MSH|^~\\&|" + b"A" * MOST_BYTES, "MSH", 0, 207),
        (b"MSH|^~\\&|" + b"\r" * 60_000, "MSH", 0, 207),
    ],
    ids=["empty", "blank", "nulls", "no header", "cut", "twice", "letters", "batch", "bytes", "lines"],
)
def test_what_is_no_message_is_refused(body, segment_name, field, code):
    with pytest.raises(Hl7Error) as refused:
        parse(body)

    assert (refused.value.finding.segment, refused.value.finding.field, refused.value.code) == (
        segment_name,
        field,
        code,
    )


def test_a_missing_segment_is_an_error_of_sequence():
    with pytest.raises(Hl7Error, match="PID 1, field 0: the segment is missing") as refused:
        parse(the_message()).required("PID")

    assert refused.value.code == 100


def test_groups_begin_where_they_are_said_to():
    message = parse(the_message("PID|1", "ORC|1", "RXE|1", "ORC|2", "RXE|2", "RXR|2"))

    assert [[each.name for each in group] for group in message.groups("ORC")] == [["ORC", "RXE"], ["ORC", "RXE", "RXR"]]


words = st.text('aB1|^&~\\#"\r\n\t 陸＾患ア■〜', max_size=8).map(str.strip)
full = words.filter(bool)
components = st.lists(words, max_size=3).flatmap(lambda some: full.map(lambda last: (*some, last)))
fields = st.lists(st.one_of(full, components), min_size=1, max_size=3)


@given(st.lists(st.dictionaries(st.integers(1, 9), fields, min_size=1), max_size=4))
def test_what_is_written_is_read_again(lines):
    written = write([segment("MSH", {3: "HIS"}), *(segment("ZZ1", line) for line in lines)])

    message = parse(written.encode("iso2022_jp"))

    assert message.findings == ()
    for found, line in zip(message.all("ZZ1"), lines, strict=True):
        for number, repetitions in line.items():
            for count, repetition in enumerate(repetitions, start=1):
                parts = repetition if isinstance(repetition, tuple) else (repetition,)
                for place, part in enumerate(parts, start=1):
                    assert found.text(number, place, repetition=count) == part


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(junk):
    try:
        message = parse(the_message("PID|1").rstrip(b"\r") + b"\r" + junk)
    except Hl7Error:
        return
    for each in message.segments:
        for number in range(len(each.fields)):
            each.text(number, 2, 2, 2)


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]) | st.sampled_from("\r\n\t"), max_size=30))
def test_an_escaped_text_takes_nothing_apart(text):
    assert unescape(escape(text), Separators()) == text
    assert not set(escape(text)) & set("|^~&\r\n")
