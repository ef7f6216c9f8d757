import pytest

from app.portal.values import bounds, concept, interpretation, number, people_text, quantity, reference_range, value


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"text": "血圧", "coding": [{"display": "Blood pressure"}]}, "血圧"),
        ({"coding": [{"code": "1"}, {"code": "2", "display": "Two"}]}, "Two"),
        ({"coding": [{"code": "1"}]}, "1"),
        ({}, ""),
        (None, ""),
    ],
)
def test_a_concept_has_a_text(given: object, text: str) -> None:
    assert concept(given) == text


@pytest.mark.parametrize(
    ("observation", "text"),
    [
        ({"valueQuantity": {"value": "6.30", "unit": "%"}}, "6.30 %"),
        ({"valueQuantity": {"value": 5, "comparator": "<", "code": "mg/dL"}}, "<5 mg/dL"),
        ({"valueQuantity": {"unit": "%"}}, ""),
        ({"valueCodeableConcept": {"text": "陰性"}}, "陰性"),
        ({"dataAbsentReason": {"coding": [{"code": "unknown", "display": "Unknown"}]}}, "Unknown"),
        ({"valueString": "混濁"}, "混濁"),
        ({"valueInteger": 3}, "3"),
        ({"valueRatio": {"numerator": {"value": 1}, "denominator": {"value": 64}}}, "1 : 64"),
        (
            {
                "component": [
                    {"code": {"text": "収縮期"}, "valueQuantity": {"value": 130, "unit": "mmHg"}},
                    {"code": {"text": "拡張期"}, "valueQuantity": {"value": 67, "unit": "mmHg"}},
                ]
            },
            "130/67 mmHg",
        ),
        ({"component": [{"code": {"text": "色"}, "valueString": "黄"}, {"code": {"text": "量"}}]}, "色 黄, 量"),
        ({}, ""),
    ],
)
def test_a_result_has_a_text(observation: dict[str, object], text: str) -> None:
    assert value(observation) == text


@pytest.mark.parametrize(
    ("ranges", "text", "numbers"),
    [
        ([{"low": {"value": "4.6"}, "high": {"value": "6.2"}}], "4.6–6.2", (4.6, 6.2)),
        ([{"high": {"value": 150}}], "≤ 150", (None, 150.0)),
        ([{"low": {"value": 60}}], "≥ 60", (60.0, None)),
        ([{"text": "陰性"}], "陰性", (None, None)),
        ([], "", (None, None)),
    ],
)
def test_a_reference_range_has_a_text(ranges: list[object], text: str, numbers: tuple[object, object]) -> None:
    observation = {"referenceRange": ranges}

    assert reference_range(observation) == text
    assert bounds(observation) == numbers


RANGE = [{"low": {"value": 4}, "high": {"value": 6}}]


@pytest.mark.parametrize(
    ("observation", "flag"),
    [
        ({"interpretation": [{"coding": [{"code": "HH"}]}], "referenceRange": RANGE}, "HH"),
        ({"interpretation": [{"coding": [{"code": "N"}]}], "valueQuantity": {"value": 9}, "referenceRange": RANGE}, ""),
        ({"interpretation": [{"text": "?"}], "valueQuantity": {"value": 9}, "referenceRange": RANGE}, "H"),
        (
            {
                "interpretation": [{"coding": [{"display": "?"}]}],
                "valueQuantity": {"value": 3},
                "referenceRange": RANGE,
            },
            "L",
        ),
        ({"valueQuantity": {"value": 4}, "referenceRange": RANGE}, ""),
        ({"valueQuantity": {"value": 6}, "referenceRange": RANGE}, ""),
        ({"valueQuantity": {"value": 9}}, ""),
        ({"valueString": "9", "referenceRange": RANGE}, ""),
    ],
)
def test_a_flag_is_the_laboratorys_or_follows_from_the_range(observation: dict[str, object], flag: str) -> None:
    assert interpretation(observation) == flag


def test_small_things() -> None:
    assert number({"value": "6.30"}) == 6.3
    assert number(None) is None
    assert quantity("x") == ""
    assert (
        people_text([{"display": "a"}, {"reference": "Practitioner/1"}, {"display": "a"}, {"display": "b"}]) == "a、b"
    )
