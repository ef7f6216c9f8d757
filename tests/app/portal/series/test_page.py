import re
from pathlib import Path
from typing import Any

import pytest

from app.portal.series import page
from tests.app.records.test_profiles import loaded
from tests.portal import recorded, signed_in
from tests.series import GLUCOSE, GLUCOSE_OTHER_METHOD, JLAC10, LOCAL, LOINC, coding
from tests.world import World, a_consent, a_patient, an_observation

pytestmark = pytest.mark.anyio

SERIES = "?view=results&series=jlac10:3D010-0000-blood"


def glucose(
    patient: str, day: str, value: str, *codings: tuple[str, str], unit: str = "mg/dL", **fields: Any
) -> dict[str, Any]:
    return an_observation(
        patient,
        code={"coding": [coding(*one) for one in codings], "text": "血糖"},
        effectiveDateTime=f"{day}T09:00:00+09:00",
        valueQuantity={"value": float(value), "unit": unit},
        **fields,
    )


def a_map(code: str, target: str, *, status: str = "active", equivalence: str = "equivalent") -> dict[str, Any]:
    """Return a ConceptMap from a code of the local list to JLAC10."""
    element = {"code": code, "target": [{"code": target, "equivalence": equivalence}]}
    return {
        "resourceType": "ConceptMap",
        "status": status,
        "url": f"http://hospital.example/fhir/ConceptMap/{code}",
        "group": [{"source": LOCAL, "target": JLAC10, "element": [element]}],
    }


async def two_sites(world: World) -> tuple[str, dict[str, str], dict[str, str]]:
    """Make a person of two hospitals, who lets each see the other's records; return a Patient and both callers."""
    first, second = await world.client("hospital-a"), await world.client("hospital-b")
    number = {"system": "http://jpfhir.jp/fhir/clins/Idsystem/JP_Insurance_memberID", "value": "00012345:あ:1:05"}
    patients = []
    for caller, other in ((first, "hospital-b"), (second, "hospital-a")):
        patient = (await world.post(caller, a_patient(identifier=[number])))["id"]
        await world.post(caller, a_consent(patient, other))
        patients.append(patient)
    for day in ("2024-04-01", "2024-05-01"):
        await world.post(first, glucose(patients[0], day, "100", (JLAC10, GLUCOSE)))
    await world.post(second, glucose(patients[1], "2024-06-01", "5.5", (JLAC10, GLUCOSE_OTHER_METHOD), unit="mmol/L"))
    return patients[0], first, second


def count_rows(text: str) -> int:
    return text.count('<tr><th scope="row">')


async def test_two_hospitals_stand_in_one_series_with_their_own_units(world: World) -> None:
    patient, _, _ = await two_sites(world)
    doctor = await signed_in(world, "hospital-a")

    table = (await doctor.get(f"/patients/{patient}?view=results")).text
    series = (await doctor.get(f"/patients/{patient}{SERIES}")).text

    assert count_rows(table) == 1
    assert "5.5 mmol/L" in table
    assert "≈ 99.1" in table
    for text in ("hospital-a", "hospital-b", "5.5 mmol/L", "≈ 99.1", GLUCOSE, GLUCOSE_OTHER_METHOD, "022-262"):
        assert text in series
    assert series.count('r="3.6"') == 3


async def test_a_sites_map_binds_its_own_rows_and_no_others(world: World) -> None:
    patient, first, second = await two_sites(world)
    other = (await world.http.get("/fhir/Patient", headers=second)).json()["entry"]
    mine = [one["resource"]["id"] for one in other if one["resource"]["id"] != patient]
    for caller, owner in ((first, patient), (second, mine[0])):
        await world.post(caller, glucose(owner, "2024-07-01", "120", (LOCAL, "G1")))
    doctor = await signed_in(world, "hospital-a")
    before = (await doctor.get(f"/patients/{patient}?view=results")).text

    await world.post(first, a_map("G1", GLUCOSE))
    after = (await doctor.get(f"/patients/{patient}?view=results")).text
    series = (await doctor.get(f"/patients/{patient}{SERIES}")).text

    assert [count_rows(before), count_rows(after)] == [3, 2]
    assert series.count('r="3.6"') == 4


async def test_a_loaded_package_joins_loinc_for_every_site_and_no_local_list(world: World, tmp_path: Path) -> None:
    clinic = await world.client("clinic-c")
    patient = (await world.post(clinic, a_patient()))["id"]
    for day, one in enumerate(((JLAC10, GLUCOSE), (LOINC, "2345-7"), (LOCAL, "G1")), start=1):
        await world.post(clinic, glucose(patient, f"2024-05-0{day}", "100", one))
    doctor = await signed_in(world, "clinic-c")
    before = (await doctor.get(f"/patients/{patient}?view=results")).text

    from_local, from_loinc = a_map("G1", GLUCOSE), a_map("2345-7", GLUCOSE)
    from_loinc["group"][0]["source"] = LOINC
    await loaded(world, tmp_path, from_local, from_loinc)
    after = (await doctor.get(f"/patients/{patient}?view=results")).text

    assert [count_rows(before), count_rows(after)] == [3, 2]


async def test_a_sites_own_map_says_nothing_of_loinc(world: World) -> None:
    clinic = await world.client("clinic-c")
    patient = (await world.post(clinic, a_patient()))["id"]
    for day, one in enumerate(((JLAC10, GLUCOSE), (LOINC, "2345-7")), start=1):
        await world.post(clinic, glucose(patient, f"2024-05-0{day}", "100", one))
    made = a_map("2345-7", GLUCOSE)
    made["group"][0]["source"] = LOINC
    await world.post(clinic, made)
    doctor = await signed_in(world, "clinic-c")

    assert count_rows((await doctor.get(f"/patients/{patient}?view=results")).text) == 2


async def test_a_map_that_does_not_say_the_same_binds_nothing(world: World) -> None:
    clinic = await world.client("clinic-c")
    patient = (await world.post(clinic, a_patient()))["id"]
    await world.post(clinic, glucose(patient, "2024-05-01", "100", (JLAC10, GLUCOSE)))
    maps = [
        a_map("retired", GLUCOSE, status="retired"),
        a_map("wider", GLUCOSE, equivalence="wider"),
        a_map("no-jlac10", "not-17-digits"),
        a_map("two", GLUCOSE),
        a_map("two", "3C015000002327101"),
    ]
    for code in ("retired", "wider", "no-jlac10", "two"):
        await world.post(clinic, glucose(patient, "2024-05-02", "101", (LOCAL, code)))
    for number, one in enumerate(maps):
        await world.post(clinic, one | {"url": f"http://clinic.example/{number}"})
    doctor = await signed_in(world, "clinic-c")

    assert count_rows((await doctor.get(f"/patients/{patient}?view=results")).text) == 5


async def test_a_series_goes_back_further_than_the_page(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "MOST_RESULTS", 2)
    clinic = await world.client("clinic-c")
    patient = (await world.post(clinic, a_patient()))["id"]
    for year in range(2015, 2025):
        await world.post(clinic, glucose(patient, f"{year}-05-01", f"{year - 1900}", (JLAC10, GLUCOSE)))
    doctor = await signed_in(world, "clinic-c")

    table = (await doctor.get(f"/patients/{patient}?view=results")).text
    series = (await doctor.get(f"/patients/{patient}{SERIES}")).text

    # Tokens of the page are hexadecimal, and may hold any four digits.
    year = re.compile(r"(?<![0-9a-f])2015(?![0-9a-f])")
    assert year.search(table) is None
    assert year.search(series) is not None
    assert "before=" in table
    assert series.count('r="3.6"') == 10
    assert (await recorded(world))[-1].patient == f"Patient/{patient}"


async def test_ranges_of_each_result_are_kept_and_the_persons_is_told(world: World) -> None:
    clinic = await world.client("clinic-c")
    patient = (await world.post(clinic, a_patient(gender="female")))["id"]
    ranges = [
        {"low": {"value": 13.7}, "high": {"value": 16.8}, "appliesTo": [{"text": "男性"}]},
        {"low": {"value": 11.6}, "high": {"value": 14.8}, "appliesTo": [{"text": "女性"}]},
    ]
    for day, value in ((1, "13.0"), (2, "15.0")):
        await world.post(clinic, glucose(patient, f"2024-05-0{day}", value, (JLAC10, GLUCOSE), referenceRange=ranges))
    doctor = await signed_in(world, "clinic-c")

    series = (await doctor.get(f"/patients/{patient}{SERIES}")).text
    timeline = (await doctor.get(f"/patients/{patient}")).text

    assert series.count("<b>11.6–14.8 (女性)</b>") == 2
    assert series.count('<span class="muted">13.7–16.8 (男性)</span>') == 2
    assert series.count('class="flag high"') == 1
    assert 'class="flag low"' not in series + timeline


async def test_a_series_that_is_none_is_empty(world: World) -> None:
    patient, _, _ = await two_sites(world)
    doctor = await signed_in(world, "hospital-a")

    for key in ("jlac10:none", "x", "<script>"):
        shown = await doctor.get(f"/patients/{patient}", params={"view": "results", "series": key})
        assert shown.status_code == 200
        assert 'r="3.6"' not in shown.text


async def test_of_a_patient_who_does_not_exist_for_the_caller_there_are_no_results(world: World) -> None:
    patient, _, _ = await two_sites(world)
    stranger = await signed_in(world, "clinic-d")

    hidden = await stranger.get(f"/patients/{patient}{SERIES}")
    never = await stranger.get(f"/patients/never{SERIES}")

    assert [hidden.status_code, never.status_code] == [404, 404]
    assert hidden.text.replace(patient, "never") == never.text
