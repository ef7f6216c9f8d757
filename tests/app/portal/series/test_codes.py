from app.portal.results import flow_sheet
from app.portal.series.codes import Bindings, analyte_of, learned
from fhir.spec.jlac10 import read
from tests.series import GLUCOSE, GLUCOSE_OTHER_METHOD, JLAC10, LOCAL, LOINC, URINE_GLUCOSE, a_result


def test_methods_and_systems_of_jlac10_share_a_series() -> None:
    core = "http://jpfhir.jp/fhir/clins/CodeSystem/JLAC10/JP_CLINS_ObsLabResult_CoreLabo_CS"
    items = [
        a_result((JLAC10, GLUCOSE)),
        a_result((core, GLUCOSE_OTHER_METHOD), when="2024-06-01", custodian=2),
        a_result((JLAC10, URINE_GLUCOSE), when="2024-06-01"),
    ]

    rows = flow_sheet(items).rows

    assert [(row.key, [cells[0].custodian for cells in row.cells.values()]) for row in rows] == [
        ("jlac10:3D010-0000-001", [1]),
        ("jlac10:3D010-0000-blood", [1, 2]),
    ]
    assert [row.cells["2024-06-01"][0].method for row in rows] == ["001-271", "022-262"]


def test_a_site_binds_its_own_code_by_an_observation_with_both() -> None:
    both = a_result((LOCAL, "G1"), (JLAC10, GLUCOSE))
    own, other = a_result((LOCAL, "G1")), a_result((LOCAL, "G1"), custodian=2)

    bindings = Bindings(learned([both, own, other]))

    assert analyte_of(own, bindings).key == "jlac10:3D010-0000-blood"
    assert analyte_of(other, bindings).key == f"local:2|{LOCAL}|G1"


def test_a_site_that_contradicts_itself_binds_nothing() -> None:
    items = [a_result((LOCAL, "G1"), (JLAC10, one)) for one in (GLUCOSE, URINE_GLUCOSE)]

    assert learned(items) == {}


def test_two_methods_are_no_contradiction() -> None:
    items = [a_result((LOCAL, "G1"), (JLAC10, one)) for one in (GLUCOSE, GLUCOSE_OTHER_METHOD)]

    assert [one.analyte for one in learned(items).values()] == ["3D010"]


def test_loinc_is_bound_by_no_observation() -> None:
    both = a_result((LOINC, "2345-7"), (JLAC10, GLUCOSE))
    alone = a_result((LOINC, "2345-7"))

    assert analyte_of(alone, Bindings(learned([both]))).key == "loinc:2345-7"


def test_what_packages_bind_holds_for_every_site() -> None:
    found = read(JLAC10, GLUCOSE)
    assert found is not None

    bindings = Bindings({}, {(LOINC, "2345-7"): found})

    assert {analyte_of(a_result((LOINC, "2345-7"), custodian=one), bindings).key for one in (1, 2)} == {
        "jlac10:3D010-0000-blood"
    }


def test_a_local_list_of_one_address_is_another_list_at_each_site() -> None:
    rows = flow_sheet([a_result((LOCAL, "1"), custodian=one) for one in (1, 2)]).rows

    assert [row.key for row in rows] == [f"local:1|{LOCAL}|1", f"local:2|{LOCAL}|1"]


def test_a_code_that_says_that_there_is_none_joins_nothing() -> None:
    uncoded = "http://jpfhir.jp/fhir/clins/CodeSystem/JP_CLINS_ObsLabResult_Uncoded_CS"
    items = [a_result((uncoded, "99999999999999999"), text=text) for text in ("甲", "乙")]

    assert [row.name for row in flow_sheet(items).rows] == ["乙", "甲"]
