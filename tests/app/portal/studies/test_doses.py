"""Doses of a person where reports count the same irradiations again, and of templates beside CT's."""

import pytest

from tests.app.imaging.images import stored
from tests.app.imaging.reports.test_filing import found, the_patient
from tests.portal import signed_in
from tests.reports import CT_DOSE, STUDY, a_dose_of_events, a_report, choice, container, number
from tests.world import World

pytestmark = pytest.mark.anyio

BREAST = ("272741003", "SCT", "Laterality")


async def test_irradiations_that_two_reports_count_are_added_once(world: World) -> None:
    site = await world.client("hospital-a")
    patient = await the_patient(world, site)
    files = [
        a_dose_of_events("1.2.5.1", dlp="100", instance="1.2.392.66.71"),
        a_dose_of_events("1.2.5.1", "1.2.5.2", dlp="200", instance="1.2.392.66.72"),
        a_dose_of_events("1.2.5.1", "1.2.5.2", dlp="200", instance="1.2.392.66.73"),
        a_dose_of_events("1.2.5.3", dlp="50", instance="1.2.392.66.74"),
        a_dose_of_events(dlp="7", instance="1.2.392.66.75"),
        a_dose_of_events(dlp="7", instance="1.2.392.66.76"),
    ]

    await stored(world, site, *files)

    browser = await signed_in(world, "hospital-a")
    lines = (await browser.get(f"/patients/{patient}/doses.csv")).text.splitlines()
    head = lines[0].split(",")
    doses = sorted(float(line.split(",")[head.index("dlp")].strip('"')) for line in lines[1:])
    assert doses == [7, 7, 50, 200]
    assert "264 mGy·cm" in (await browser.get(f"/patients/{patient}/doses")).text


async def test_the_dose_of_a_mammography_is_shown_by_breast(world: World) -> None:
    site = await world.client("hospital-a")
    patient = await the_patient(world, site)
    left, right = ("7771000", "SCT", "Left"), ("24028007", "SCT", "Right")
    accumulated = container(
        ("113702", "DCM", "Accumulated X-Ray Dose Data"),
        *(
            number(
                ("111637", "DCM", "Accumulated Average Glandular Dose"),
                dose,
                unit,
                choice(BREAST, side, relationship="HAS CONCEPT MOD"),
            )
            for side, dose, unit in ((left, "1.5", "mGy"), (right, "0.12", "dGy"))
        ),
    )
    event = container(
        ("113706", "DCM", "Irradiation Event X-Ray Data"),
        choice(("111031", "DCM", "Image View"), ("399162004", "SCT", "cranio-caudal")),
        number(("111631", "DCM", "Average Glandular Dose"), "1.5", "mGy"),
        number(("111636", "DCM", "Entrance Exposure at RP"), "6.1", "mGy"),
        number(("111633", "DCM", "Compression Thickness"), "", "mm"),
    )
    root = container(("113701", "DCM", "X-Ray Radiation Dose Report"), accumulated, event)

    await stored(world, site, a_report(root, sop_class=CT_DOSE, instance="1.2.392.66.77", verified=False))

    (dose,) = await found(world, site, "Observation")
    values = [
        (one["code"]["text"], one["valueQuantity"]["value"], one["valueQuantity"]["code"]) for one in dose["component"]
    ]
    assert values == [
        ("Accumulated Average Glandular Dose (Left)", 1.5, "mGy"),
        ("Accumulated Average Glandular Dose (Right)", 12.0, "mGy"),
    ]
    browser = await signed_in(world, "hospital-a")
    page = (await browser.get(f"/studies/{STUDY}")).text
    for text in ("1.5 mGy", "12 mGy"):
        assert text in page
    assert (await browser.get(f"/patients/{patient}/doses")).status_code == 200


async def test_a_dose_report_that_is_all_depth_or_has_no_values_is_stored_and_shown(world: World) -> None:
    site = await world.client("hospital-a")
    await the_patient(world, site)
    deep = number(("113838", "DCM", "DLP"), "1", "mGy.cm")
    for _ in range(12):
        deep = container(("113819", "DCM", "CT Acquisition"), deep)
    empty = container(
        ("113701", "DCM", "X-Ray Radiation Dose Report"),
        number(("113813", "DCM", "CT Dose Length Product Total"), "", ""),
        container(None),
        *(number(("113813", "DCM", "CT Dose Length Product Total"), value, "mGy.cm") for value in ("1e3", "-5", "0")),
    )
    many = container(("113701", "DCM", "Dose"), *[container(("113819", "DCM", "CT Acquisition"))] * 2_500)

    await stored(
        world,
        site,
        a_report(deep, sop_class=CT_DOSE, instance="1.2.392.66.81"),
        a_report(empty, sop_class=CT_DOSE, instance="1.2.392.66.82"),
        a_report(many, sop_class=CT_DOSE, instance="1.2.392.66.83"),
    )

    browser = await signed_in(world, "hospital-a")
    assert len(await found(world, site, "Observation")) == 3
    for address in (f"/studies/{STUDY}", *(f"/studies/{STUDY}/objects/1.2.392.66.8{one}" for one in (1, 2, 3))):
        assert (await browser.get(address)).status_code == 200
