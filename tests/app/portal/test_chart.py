from app.portal.chart import allergies, days, filtered, latest_medicines, problems, unrepeated
from app.portal.items import Item


def a_line(kind: str = "document", when: str = "2024-05-01", title: str = "x", **fields: object) -> Item:
    return Item(**{"kind": kind, "when": when, "title": title, "custodian": 1, "body": {}, **fields})


def test_days_are_newest_first_and_those_without_a_date_last() -> None:
    made = days([a_line(when=""), a_line(when="2024-05"), a_line(when="2024-06-01"), a_line(when="2024-05-02")])

    assert [day.date for day in made] == ["2024-06-01", "2024-05-02", "2024-05", ""]


def test_a_day_holds_what_each_site_did_by_its_kind() -> None:
    kinds = ("encounter", "laboratory", "vital", "medicine", "image", "document")
    lines = [a_line(kind, type="Observation") for kind in kinds]

    (day,) = days([*lines, a_line(custodian=2)])

    first, second = day.stays.values()
    assert [len(one) for one in (first.encounters, first.results, first.vitals, first.medicines)] == [1, 1, 1, 1]
    assert [one.kind for one in first.others] == ["document", "image"]
    assert len(second.others) == 1


def test_results_out_of_range_come_first() -> None:
    (day,) = days(
        [a_line("laboratory", type="Observation", title=flag or "-", flag=flag) for flag in ("", "H", "", "L")]
    )

    (stay,) = day.stays.values()
    assert [one.title for one in stay.results] == ["H", "L", "-", "-"]


def test_a_report_that_only_lists_results_has_no_line_of_its_own() -> None:
    listing = a_line("laboratory", type="DiagnosticReport")
    concluding = a_line("laboratory", type="DiagnosticReport", detail="正常")

    (day,) = days([listing, concluding])

    (stay,) = day.stays.values()
    assert stay.others == [concluding]
    assert days([listing]) == []


def test_a_filter_lets_its_kinds_and_sites_through() -> None:
    lines = [a_line("image"), a_line("document"), a_line("document", custodian=2)]

    assert filtered(lines, [], []) == lines
    assert filtered(lines, ["document"], []) == lines[1:]
    assert filtered(lines, ["document"], [2]) == lines[2:]


def test_the_latest_prescription_of_each_site_is_its_newest_day() -> None:
    lines = [
        a_line("medicine", "2024-01-01", "old"),
        a_line("medicine", "2024-03-01", "new"),
        a_line("medicine", "2024-03-01", "stopped", active=False),
        a_line("medicine", "2024-04-01", "theirs", custodian=2),
        a_line("medicine", "", "undated"),
        a_line("document", "2024-09-01"),
    ]

    found = [(custodian, day, [one.title for one in items]) for custodian, day, items in latest_medicines(lines)]

    assert found == [(2, "2024-04-01", ["theirs"]), (1, "2024-03-01", ["new"])]


def test_a_problem_that_two_sites_state_is_one_with_both() -> None:
    lines = [
        a_line("problem", "2020-01-01", "高血圧症"),
        a_line("problem", "2018-01-01", "高血圧症", custodian=2),
        a_line("problem", "2023-01-01", "糖尿病"),
        a_line("problem", "2023-01-01", "肺炎", active=False),
    ]

    active = problems(lines, active=True)

    assert [(one.first.title, one.since, one.custodians) for one in active] == [
        ("糖尿病", "2023-01-01", [1]),
        ("高血圧症", "2018-01-01", [1, 2]),
    ]
    assert [one.first.title for one in problems(lines, active=False)] == ["肺炎"]


def test_an_allergy_that_one_site_calls_severe_is_severe_and_first() -> None:
    lines = [
        a_line("allergy", title="さば"),
        a_line("allergy", title="造影剤"),
        a_line("allergy", title="造影剤", custodian=2, severe=True),
        a_line("allergy", title="卵", active=False),
    ]

    assert [(one.first.title, one.first.severe) for one in allergies(lines)] == [("造影剤", True), ("さば", False)]


def test_a_copy_with_the_same_identifiers_is_one_line() -> None:
    one = a_line("medicine", body={"identifier": [{"system": "rp", "value": "1"}, {"value": "x"}]}, id="1")
    copy = a_line("medicine", body={"identifier": [{"value": "x"}, {"system": "rp", "value": "1"}]}, id="2")

    assert unrepeated([one, copy]) == [one]


def test_what_only_looks_alike_or_is_only_numbered_alike_is_kept() -> None:
    numbered = {"identifier": [{"system": "rp", "value": "1"}]}
    lines = [
        a_line("medicine"),
        a_line("medicine"),
        a_line("medicine", body=numbered),
        a_line("medicine", body=numbered, title="another"),
        a_line("medicine", body=numbered, when="2024-05-02"),
        a_line("medicine", body=numbered, custodian=2),
        a_line("medicine", body=numbered, uninformed=True),
    ]

    assert unrepeated(lines) == lines


def test_the_one_identifier_of_a_composition_counts_too() -> None:
    composition = a_line(type="Composition", body={"identifier": {"system": "s", "value": "1"}})

    assert unrepeated([composition, composition]) == [composition]
