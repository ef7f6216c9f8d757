"""Resources written as messages again."""

import json
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest

from app.demo.records import transactions
from app.demo.region import region
from app.exchange.hl7v2.charset import encode
from app.exchange.hl7v2.from_fhir.messages import messages
from app.exchange.hl7v2.from_fhir.values import at_17
from app.exchange.hl7v2.from_fhir.written import MESSAGES as WRITTEN
from app.exchange.hl7v2.message import parse
from app.exchange.hl7v2.to_fhir.kinds import KINDS
from app.exchange.hl7v2.to_fhir.resources import resources
from app.exchange.hl7v2.to_fhir.source import Source
from app.exchange.hl7v2.write import write
from fhir import exact
from fhir.profiles.structure import check
from tests.app.exchange.hl7v2.messages import MESSAGES, SITE, line, mapped

REGION = region()
NOW = "2024-07-01T00:00:00+09:00"
ON_THE_WAY = {"ADT-31", "ADT-32", "ADT-41", "ADT-42", "ADT-51"}
"""Of what happens during a stay, its begin is written, and its end: what moves a patient is told by no resource."""

DIFFERENT = {
    "ADT-00": {"Observation.effectiveDateTime"},  # DB1 has no date of its own
    "OMG-12": {"DiagnosticReport.effectiveDateTime"},  # OBR-7 takes the time of the procedure
}


@pytest.mark.parametrize(
    ("made", "digits"),
    [
        ("2024-07-01T00:00:00.5Z", "20240701090000500"),
        ("2024-07", "20240701000000000"),
        ("0800-01-01T00:00:00+09:00", "08000101000000000"),
        ("9999-12-31T23:59:59Z", "99991231235959000"),
        ("2016-12-31T23:59:60Z", "20161231235960000"),
    ],
)
def test_a_moment_has_seventeen_digits_at_the_end_of_the_calendar_too(made: str, digits: str) -> None:
    assert at_17(made, SITE) == digits


def plain(resource: dict[str, Any]) -> dict[str, Any]:
    return exact.read(exact.write(resource))


def named_of(found) -> tuple[tuple[str, dict], dict[str, dict]]:
    named = {entry.key.reference: plain(entry.resource) for entry in found.entries if entry.action != "delete"}
    name = found.patient.reference
    return (name, named.pop(name)), named


def again(written) -> dict[str, dict]:
    """What the messages become."""
    back = {}
    for each in written:
        found = resources(parse(encode(write(each.lines))), SITE, kind=each.kind)
        assert found.findings == ()
        for entry in found.entries:
            if entry.action != "mention":
                back[entry.key.reference] = plain(entry.resource)
    return back


def differences(one: Any, other: Any, path: str) -> Iterator[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        for name in one.keys() | other.keys():
            yield from differences(one.get(name), other.get(name), f"{path}.{name}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for first, second in zip(one, other, strict=True):
            yield from differences(first, second, path)
    elif one != other or getattr(one, "text", None) != getattr(other, "text", None):
        yield path


@pytest.mark.parametrize("kind", sorted(set(KINDS) - ON_THE_WAY))
def test_what_a_message_became_becomes_a_message_of_the_same(kind):
    patient, named = named_of(mapped(kind))

    written = messages(patient, named, SITE, NOW)
    back = again(written)

    assert {name for each in written for name in each.covers} == {patient[0], *named}
    found = {
        path
        for name, resource in named.items()
        for path in differences(resource, back.get(name), name.partition("?")[0])
    }
    assert found == DIFFERENT.get(kind, set())
    if kind == "ADT-00":
        assert list(differences(patient[1], back[patient[0]], "Patient")) == []


@pytest.mark.parametrize("kind", sorted(ON_THE_WAY))
def test_what_happens_during_a_stay_is_written_as_its_begin(kind):
    patient, named = named_of(mapped(kind))

    back = again(messages(patient, named, SITE, NOW))

    (encounter,) = (one for one in back.values() if one["resourceType"] == "Encounter")
    assert encounter["identifier"][0]["value"] == "0110123456-0001234-I-20240601"
    assert encounter["period"] == {"start": "2024-06-01T10:30:00+09:00"}


def test_a_stay_that_is_over_is_written_with_its_begin_and_its_end():
    patient, named = named_of(mapped("ADT-52"))

    written = messages(patient, named, SITE, NOW)

    assert [(each.kind, each.day) for each in written] == [
        ("ADT-00", "-"),
        ("ADT-22", "20240601"),
        ("ADT-52", "20240610"),
    ]


def test_every_kind_that_is_written_is_one_of_a_store():
    assert set(WRITTEN) == set(KINDS) - ON_THE_WAY


def test_a_prescription_lies_under_its_day_order_and_department():
    patient, named = named_of(mapped("OMP-01"))

    written = messages(patient, named, SITE, NOW)[0]

    assert (written.kind, written.day, written.order) == ("OMP-01", "20240510", "100001")
    assert (written.occurred, written.department) == ("20240510103045000", "01")


def test_a_header_says_the_character_sets_and_the_profile():
    patient, named = named_of(mapped("OMP-01"))

    text = write(messages(patient, named, SITE, NOW)[0].lines)

    assert text.startswith(
        "MSH|^~\\&|RENKEI|RENKEI|GW|RCV|20240510103045.000||RDE^O11^RDE_O11|202405101030450000|P|2.5||||||~ISO IR87||"
        "ISO 2022-1994|SS-MIX2_1.20^SS-MIX2^1.2.392.200250.2.1.100.1.2.120^ISO\r"
    )


def test_what_entered_in_error_is_not_written():
    patient, named = named_of(mapped("OMP-01"))
    for resource in named.values():
        resource["status"] = "entered-in-error"

    assert [each.kind for each in messages(patient, named, SITE, NOW)] == ["ADT-00"]


def test_an_unknown_coding_system_is_named_by_its_uri():
    disease = line("PRB", f1="AD", f3="X1^何か^http://example.org/codes", f4="9")
    patient, named = named_of(mapped("PPR-01", MESSAGES["PPR-01"][0], MESSAGES["PPR-01"][1], disease))

    (back,) = (one for one in again(messages(patient, named, SITE, NOW)).values() if one["resourceType"] == "Condition")

    assert back["code"]["coding"] == [{"system": "http://example.org/codes", "code": "X1", "display": "何か"}]


def test_a_record_of_another_origin_becomes_messages_that_are_read_without_a_fault():
    kinds, left_out = Counter(), Counter()
    site = REGION.sites[0]
    for bundle in islice(transactions(REGION, site.slug), 8):
        named = {each["fullUrl"]: exact.read(json.dumps(each["resource"]).encode()) for each in bundle["entry"]}
        name = next(key for key, one in named.items() if one["resourceType"] == "Patient")
        patient = named.pop(name)
        (own,) = (one for one in patient["identifier"] if one["system"].startswith("urn:oid:1.2.392.100495.20.3.51.1"))
        source = Source(site.slug, own["system"][-10:])

        written = messages((name, patient), named, source, NOW)

        covered = {one for each in written for one in each.covers}
        left_out.update(one["resourceType"] for key, one in named.items() if key not in covered)
        for each in written:
            found = resources(parse(encode(write(each.lines))), source, kind=each.kind)
            kinds[each.kind] += 1
            assert found.findings == ()
            assert [check(plain(entry.resource)) for entry in found.entries] == [[] for _ in found.entries]

    assert set(kinds) >= {"ADT-00", "ADT-12", "PPR-01", "OMP-01", "OML-11", "OMG-13"}
    assert set(left_out) <= {"DocumentReference", "Binary", "Immunization", "Procedure"}
