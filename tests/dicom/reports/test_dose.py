from decimal import Decimal

import pytest

from dicom.reports.content import read_report
from dicom.reports.dose import Quantity, read_dose
from tests.reports import (
    CT_DOSE,
    ENHANCED_DOSE,
    a_ct_dose,
    a_projection_dose,
    a_report,
    an_administration,
    container,
    model_of,
    number,
)


def test_a_ct_is_read_event_by_event() -> None:
    dose = read_dose(read_report(model_of(a_ct_dose())))

    assert [(one.code, one.quantity, one.of) for one in dose.totals] == [
        ("113812", Quantity(Decimal(2), "{events}"), ""),
        ("113813", Quantity(Decimal("612.75"), "mGy.cm"), ""),
    ]
    assert [one.kind for one in dose.events] == ["ct", "ct"]
    assert dose.events[0].texts == {
        "protocol": "胸部ルーチン",
        "region": "Chest",
        "type": "Spiral Acquisition",
        "phantom": "IEC Body Dosimetry Phantom",
    }
    assert dose.events[0].numbers == {
        "length": Quantity(Decimal(350), "mm"),
        "pitch": Quantity(Decimal("0.8"), "1"),
        "kvp": Quantity(Decimal(120), "kV"),
        "current": Quantity(Decimal("180.5"), "mA"),
        "ctdivol": Quantity(Decimal("8.25"), "mGy"),
        "dlp": Quantity(Decimal("300.5"), "mGy.cm"),
    }
    assert dose.largest("ctdivol") == Quantity(Decimal("9.1"), "mGy")


def test_two_planes_are_two_sums_that_add_up() -> None:
    dose = read_dose(read_report(model_of(a_projection_dose())))

    assert [(one.code, str(one.quantity.value), one.of) for one in dose.totals if one.code != "113730"] == [
        ("113722", "0.00125", "Plane A"),
        ("113725", "0.25", "Plane A"),
        ("113722", "0.00075", "Plane B"),
        ("113725", "0.15", "Plane B"),
    ]
    assert dose.total("113722") == Quantity(Decimal("0.002"), "Gy.m2")
    assert dose.total("113813") is None


def test_a_long_intervention_is_read_whole() -> None:
    dose = read_dose(read_report(model_of(a_projection_dose(events=400))))

    assert len(dose.events) == 400
    assert not dose.is_cut


def test_units_are_turned_into_one() -> None:
    (event,) = read_dose(read_report(model_of(a_projection_dose()))).events

    assert event.numbers["dap"] == Quantity(Decimal("0.000125"), "Gy.m2")
    assert event.numbers["reference_dose"] == Quantity(Decimal("0.015"), "Gy")
    assert event.texts["started"] == "20240501093500"


def test_an_administered_activity_is_read() -> None:
    (event,) = read_dose(read_report(model_of(an_administration()))).events

    assert event.kind == "administration"
    assert event.texts == {"agent": "Fluorodeoxyglucose F^18^", "started": "20240501080000"}
    assert event.numbers == {"activity": Quantity(Decimal(200), "MBq")}


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        ("1.5", "Gy.cm", Quantity(Decimal(1500), "mGy.cm")),
        ("12", "mGy.in", Quantity(Decimal(12), "mGy.in")),
        ("1E9", "mGy.cm", Quantity(Decimal(1_000_000_000), "mGy.cm")),
        ("1e30", "mGy.cm", Quantity(Decimal(1_000_000_000_000_000_019_884_624_839_000), "mGy.cm")),
        ("1e999", "mGy.cm", None),
    ],
    ids=["another unit", "one that is not known", "powers of ten", "a large one", "no number"],
)
def test_a_total_is_kept_in_its_unit(value: str, unit: str, expected: Quantity | None) -> None:
    total = number(("113813", "DCM", "CT Dose Length Product Total"), value, unit)
    data = a_report(container(("113701", "DCM", "X"), container(("113811", "DCM", "CT"), total)), sop_class=CT_DOSE)

    assert read_dose(read_report(model_of(data))).total("113813") == expected


def test_the_sums_of_an_enhanced_report_are_read_wherever_they_lie() -> None:
    total = number(("113813", "DCM", "CT Dose Length Product Total"), "77", "mGy.cm")
    root = container(("113701", "DCM", "X"), container(("113500", "99X", "odd"), container(None, total)))

    dose = read_dose(read_report(model_of(a_report(root, sop_class=ENHANCED_DOSE))))

    assert dose.total("113813") == Quantity(Decimal(77), "mGy.cm")
