import pytest

from fhir.documents.edition import VERSION_NUMBER, edition


def numbered(text: str) -> dict:
    return {"extension": [{"url": VERSION_NUMBER, "valueString": text}]}


BUNDLE = {"timestamp": "2024-05-01T09:00:00+09:00"}
LATER = {"timestamp": "2024-05-02T09:00:00+09:00"}


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ((BUNDLE, numbered("1.0")), (BUNDLE, numbered("2"))),
        ((LATER, numbered("1.2")), (BUNDLE, numbered("1.10"))),
        ((BUNDLE, numbered("1")), (LATER, numbered("1.0"))),
        ((BUNDLE, None), (LATER, None)),
        ((LATER, {}), (BUNDLE, numbered("1"))),
        ((BUNDLE, numbered("draft")), (LATER, numbered("final"))),
    ],
    ids=["number", "numbers are no decimals", "same number, later", "no number", "a number beats none", "words"],
)
def test_which_of_two_sends_is_the_newer(older, newer):
    assert edition(*older, 0) < edition(*newer, 0)


@pytest.mark.parametrize(
    ("bundle", "composition", "instant"),
    [
        ({"timestamp": "1970-01-01T00:00:01Z"}, None, 1_000_000),
        ({"meta": {"lastUpdated": "1970-01-01T00:00:02Z"}}, None, 2_000_000),
        ({}, {"date": "1970-01-01T00:00:03Z"}, 3_000_000),
        ({"timestamp": "yesterday"}, None, 42),
    ],
    ids=["timestamp", "lastUpdated", "the head's date", "when it came"],
)
def test_when_a_send_was_made(bundle, composition, instant):
    assert edition(bundle, composition, 42).instant == instant
