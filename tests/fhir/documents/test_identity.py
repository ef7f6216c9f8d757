import json

from fhir.documents.identity import INSTANCE, identifiers, identities
from fhir.envelope import EnvelopeEntry

RP = "http://jpfhir.jp/fhir/core/mhlw/IdSystem/Medication-RPGroupNumber"


def entry(type_name: str, **fields) -> EnvelopeEntry:
    resource = {"resourceType": type_name, **fields}
    return EnvelopeEntry(resource=json.dumps(resource).encode(), type=type_name)


def number(value: str, system: str = INSTANCE) -> dict:
    return {"identifier": [{"system": system, "value": value}]}


def code(text: str) -> dict:
    return {"code": {"coding": [{"system": "http://example.org", "code": text}]}}


def known_by(*entries: EnvelopeEntry, links=None) -> list[str]:
    return identities(entries, links or [{}] * len(entries), "d")


def test_a_disease_of_one_number_is_one_though_its_code_was_corrected():
    assert known_by(entry("Condition", **number("1"), **code("a"))) == known_by(
        entry("Condition", **number("1"), **code("b"), id="x", text={"div": "<div/>"})
    )


def test_results_of_one_number_are_as_many_as_their_codes():
    found = known_by(*(entry("Observation", **number("1"), **code(one)) for one in "abcd"))

    assert len(set(found)) == 4
    assert found[0] == known_by(entry("Observation", **number("1"), **code("a"), valueInteger=7))[0]


def test_one_number_on_an_encounter_and_a_result_is_two():
    assert len(set(known_by(entry("Encounter", **number("1")), entry("Observation", **number("1"))))) == 2


def test_two_encounters_of_one_number_in_one_bundle_are_told_apart_by_content():
    one, other = entry("Encounter", **number("1")), entry("Encounter", **number("1"), status="finished")

    assert len(set(known_by(one, other))) == 2
    assert known_by(one, other) == known_by(other, one)[::-1]


def test_lines_that_say_the_same_are_counted():
    same = [entry("MedicationRequest", **number("1", RP)) for _ in range(3)]

    found = known_by(*same)

    assert len(set(found)) == 3
    assert found[1] == f"{found[0]}#2"


def test_a_number_that_begins_anew_in_every_prescription_is_none():
    assert identifiers({"resourceType": "MedicationRequest", **number("1", RP)}) == []
    assert identifiers(number("1", "urn:oid:1.2.392.100495.20.3.81")) == []


def test_content_is_the_same_whatever_the_links_are_called():
    def sent(link: str) -> list[str]:
        organization = entry("Organization", **number("o"))
        return known_by(
            organization, entry("Procedure", performer=[{"actor": {"reference": link}}]), links=[{}, {link: "0"}]
        )

    assert sent("urn:uuid:1") == sent("urn:uuid:2")


def test_a_composition_is_its_own_documents():
    head = entry("Composition", identifier={"system": INSTANCE, "value": "1"})

    assert identities([head], [{}], "one") != identities([head], [{}], "other")
