import pytest

from fhir.documents.subject import is_another, logical_subject

MEMBER = "http://jpfhir.jp/fhir/clins/Idsystem/JP_Insurance_memberID"
PATIENT = {"identifier": [{"system": MEMBER, "value": "00012345:あいう:１８７:05"}]}


def by_number(value: str, system: str = MEMBER) -> dict:
    return {"identifier": {"system": system, "value": value}}


@pytest.mark.parametrize(
    ("subject", "other"),
    [
        (by_number("00012345:あいう:１８７:05"), False),
        (by_number("00012345:あいう:187:05"), False),
        (by_number("00012345:あいう:１８７:05", MEMBER.replace("Ids", "IdS")), False),
        (by_number("00012345:あいう:１８７:01"), True),
        (by_number("4711", "urn:oid:1.2.3"), False),
        ({"reference": "urn:uuid:1", **by_number("9")}, False),
        ({"display": "somebody"}, False),
    ],
    ids=["same", "half width", "other spelling", "other person", "unknown system", "a reference", "words"],
)
def test_a_number_that_the_patient_has_otherwise_is_somebody_else(subject, other):
    assert is_another(subject, PATIENT) is other


def test_the_element_that_names_a_patient_by_a_number_alone_is_found():
    assert logical_subject({"patient": by_number("1")}) == "patient"
    assert logical_subject({"subject": by_number("1") | {"type": "Group"}}) == ""
    assert logical_subject({"subject": {"reference": "Patient/1"}}) == ""
