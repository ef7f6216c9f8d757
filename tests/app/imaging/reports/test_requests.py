from typing import Any

import pytest

from app.imaging.reports.requests import numbers_of

V2 = "http://terminology.hl7.org/CodeSystem/v2-0203"


@pytest.mark.parametrize(
    ("identifier", "expected"),
    [
        ({"type": {"coding": [{"system": V2, "code": "ACSN"}]}, "value": "A-1"}, ["A-1"]),
        ({"type": {"coding": [{"system": V2, "code": "PLAC"}]}, "value": "A-1"}, ["A-1"]),
        ({"system": "urn:renkei:site:0110000001:order-number", "value": "000123"}, ["000123"]),
        ({"system": "urn:renkei:site:0110000001:filler-number", "value": " 9 "}, ["9"]),
        ({"type": {"coding": [{"system": V2, "code": "MR"}]}, "value": "A-1"}, []),
        ({"system": "urn:oid:1.2.3", "value": "A-1"}, []),
        ({"type": {"coding": [{"system": V2, "code": "ACSN"}]}}, []),
    ],
    ids=[
        "accession",
        "placer",
        "order of HL7 2",
        "filler of HL7 2",
        "a patient's number",
        "another",
        "without a value",
    ],
)
def test_the_numbers_of_an_order_are_those_that_a_study_may_bear(
    identifier: dict[str, Any], expected: list[str]
) -> None:
    assert numbers_of({"identifier": [identifier]}) == expected


def test_an_order_with_many_numbers_is_looked_up_by_the_first() -> None:
    many = [{"system": "urn:x:order", "value": str(number)} for number in range(100)]

    assert numbers_of({"identifier": many}) == [str(number) for number in range(20)]
