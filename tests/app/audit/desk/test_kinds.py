import pytest

from app.audit.desk.kinds import day_of, hours_of, is_opened, kinds_of, minute_of
from app.audit.record import Event
from app.settings import Settings

NOON_IN_JAPAN = 3 * 3_600_000_000
"""Of 1970-01-01."""


def test_days_and_minutes_are_those_of_japan() -> None:
    assert (day_of(NOON_IN_JAPAN), minute_of(NOON_IN_JAPAN)) == (0, 720)
    assert day_of(15 * 3_600_000_000) == 1
    assert minute_of(15 * 3_600_000_000) == 0


@pytest.mark.parametrize(("text", "hours"), [("6-22", (360, 1320)), ("0-24", (0, 1440)), ("08-17", (480, 1020))])
def test_hours_are_minutes_of_the_day(text: str, hours: tuple[int, int]) -> None:
    assert hours_of(text) == hours


@pytest.mark.parametrize("text", ["", "6", "6-", "22-6", "6-25", "-1-5", "6:00-22:00", "６-22"])
def test_what_are_no_hours_is_refused_at_the_start(text: str) -> None:
    with pytest.raises(ValueError, match="hours are written"):
        Settings(flag_hours=text)


def test_kinds_are_those_that_there_are() -> None:
    assert kinds_of("vip, colleague") == ["vip", "colleague"]
    assert kinds_of("none") == ()
    with pytest.raises(ValueError, match="not nosy"):
        Settings(flag_kinds="vip,nosy")


@pytest.mark.parametrize(
    ("fields", "opened"),
    [
        ({}, True),
        ({"interaction": "search-type", "path": "/patients/1"}, True),
        ({"interaction": "search-type", "path": "/patients"}, False),
        ({"interaction": "search-type", "path": "/fhir/Patient"}, False),
        ({"interaction": "search-type", "path": "/fhir/Patient", "query": "_id=1&_revinclude=Condition:subject"}, True),
        ({"interaction": "search-type", "path": "/fhir/Patient/_search", "query": "%5Frevinclude:iterate=*"}, True),
        ({"interaction": "search-type", "path": "/fhir/Patient", "query": "family=_revinclude"}, False),
        ({"interaction": "history-type", "path": "/fhir/Observation/_history"}, True),
        ({"interaction": "history-system", "path": "/fhir/_history"}, True),
        ({"interaction": "print", "path": "/printed", "query": "page=%2Fpatients%2F1"}, True),
        ({"interaction": "print", "path": "/printed", "query": "page=%2Fown-log%2F1%3Fproofs%3D1"}, False),
        ({"interaction": "operation", "path": "/fhir/Patient/1/$everything"}, True),
        ({"interaction": "operation", "path": "/explain", "query": "record=Observation%2F1"}, False),
        ({"interaction": "operation", "path": "/fhir/$explain"}, False),
        ({"interaction": "update"}, False),
        ({"outcome": "4"}, False),
        ({"user": None}, False),
        ({"patient": None}, False),
    ],
    ids=[
        *("a read", "a timeline", "a list of names", "a search by name", "what refers to a name", "likewise by POST"),
        *("a search for a word", "a type's history", "all history", "a printed chart", "a printed own log"),
        *("everything", "why it is seen", "likewise by FHIR", "a write", "refused", "a system", "nobody's"),
    ],
)
def test_a_record_is_opened_by_a_person_who_reads_it(fields: dict[str, str | None], opened: bool) -> None:
    event = Event(**{"recorded": 0, "action": "R", "interaction": "read", "patient": "Patient/1", "user": "a"} | fields)

    assert is_opened(event) is opened
