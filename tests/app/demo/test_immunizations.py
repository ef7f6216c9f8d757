from app.demo.chart import chart
from app.demo.immunizations import immunizations
from app.demo.region import region

REGION = region()


def given(person, site):
    found = immunizations(chart(REGION, site, REGION.person(person).at(site)))
    return [
        (
            resource["occurrenceDateTime"],
            resource["vaccineCode"]["text"],
            resource["protocolApplied"][0]["doseNumberPositiveInt"],
        )
        for _, resource in found
    ]


def test_an_infant_is_vaccinated_from_two_months_of_age_as_far_as_it_has_grown():
    assert given("yuina", "clinic-d") == [
        ("2026-01-20", "１価ロタウイルスワクチン", 1),
        ("2026-01-20", "５種混合ワクチン", 1),
        ("2026-02-17", "２０価肺炎球菌結合型ワクチン", 1),
        ("2026-02-17", "Ｂ型肝炎ワクチン", 1),
        ("2026-03-17", "５種混合ワクチン", 2),
        ("2026-03-17", "２０価肺炎球菌結合型ワクチン", 2),
    ]


def test_an_old_person_is_vaccinated_each_october():
    found = given("tome", "hospital-b")

    assert [day[:7] for day, _, _ in found] == ["2022-10", "2023-10", "2024-10", "2025-10"]
    assert [dose for _, _, dose in found] == [1, 2, 3, 1]


def test_only_the_site_that_knows_them_best_vaccinates():
    assert given("tome", "clinic-e") == []
