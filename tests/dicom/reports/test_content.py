import random

import pytest

from dicom.reports.content import MOST_ITEMS, read_report
from dicom.reports.dose import read_dose
from dicom.reports.encapsulated import read_encapsulated
from dicom.reports.key_images import key_images
from dicom.reports.lines import conclusion, lines, plain
from dicom.reports.waveform import read_channels
from tests.dicom.making import PYDICOM
from tests.reports import FINDING, FINDINGS, a_reading, a_report, container, model_of, number, text


def test_a_report_is_read_with_its_sections_measurements_and_references() -> None:
    report = read_report(model_of(a_reading()))

    shown = [(one.depth, one.heading.meaning, one.value, one.unit) for one in lines(report) if not one.is_context]
    assert report.title == "Diagnostic imaging report"
    assert shown == [
        (0, "Findings", "", ""),
        (1, "Finding", "右上葉に結節を認める。", ""),
        (2, "", "", ""),
        (1, "Diameter", "12.5", "mm"),
        (0, "Impressions", "", ""),
        (1, "Impression", "肺癌の疑い。", ""),
    ]
    assert [each.sop_instance_uid for one in lines(report) for each in one.references] == ["1.2.392.66.2.1"]
    assert [one.value for one in lines(report) if one.is_context] == ["佐藤 花子"]


def test_its_state_and_who_verified_it_are_read() -> None:
    report = read_report(model_of(a_reading()))

    assert (report.is_complete, report.is_verified, report.date, report.time) == (True, True, "20240501", "101500")
    assert [(one.name, one.organization, one.instant) for one in report.verified_by] == [
        ("佐藤 花子", "第一病院", "20240501113000")
    ]
    assert read_report(model_of(a_reading(verified=False))).is_verified is False


def test_as_text_it_is_a_line_for_each_thing_said() -> None:
    report = read_report(model_of(a_reading()))

    assert plain(report).splitlines() == [
        "Diagnostic imaging report",
        "Findings",
        "Finding: 右上葉に結節を認める。",
        "Diameter: 12.5 mm",
        "Impressions",
        "Impression: 肺癌の疑い。",
    ]
    assert conclusion(report) == "肺癌の疑い。"


def test_a_number_that_was_not_measured_says_why() -> None:
    missing = number(("121206", "DCM", "Distance"), "", "")
    missing.NumericValueQualifierCodeSequence = container(("114006", "DCM", "Measurement failure")).get(
        "ConceptNameCodeSequence"
    )

    (line,) = lines(read_report(model_of(a_report(container(FINDINGS, missing)))))

    assert (line.value, line.code.meaning) == ("", "Measurement failure")


def test_real_reports_are_read() -> None:
    comprehensive = read_report(model_of((PYDICOM / "test_files/test-SR.dcm").read_bytes()))
    basic = read_report(model_of((PYDICOM / "test_files/reportsi.dcm").read_bytes()))

    assert comprehensive.title == "Diagnosis"
    assert comprehensive.predecessors == ("1.2.276.0.7230010.3.1.4.2139363186.7819.982086466.1",)
    assert [one.name for one in comprehensive.verified_by] == ["Riesmeier Jörg", "Observer Verifying"]
    assert "Diameter: 3 Length Unit" in plain(comprehensive)
    frames = [each.frames for one in lines(comprehensive) for each in one.references if each.frames]
    assert frames == [(5, 2)]
    assert plain(basic) == "Document Title\nSection Heading\nReport Text: Enter text"


def test_a_report_without_end_is_cut() -> None:
    model = model_of(a_report(container(FINDINGS, text(FINDING, "x"))))
    model["0040A730"]["Value"] *= MOST_ITEMS

    report = read_report(model)

    assert report.is_cut
    assert len(lines(report)) == MOST_ITEMS - 1


@pytest.mark.parametrize("seed", range(20))
def test_nothing_that_a_data_set_may_hold_breaks_a_reader(seed: int) -> None:
    chance = random.Random(seed)
    odd = [None, 1, -2.5, "x", "", {}, {"Alphabetic": None}, {"vr": "SQ"}, [], {"0040A040": {"Value": ["NUM"]}}]

    def spoil(node: object) -> object:
        if chance.random() < 0.04:
            return chance.choice(odd)
        if isinstance(node, dict):
            return {key: spoil(value) if chance.random() < 0.9 else chance.choice(odd) for key, value in node.items()}
        return [spoil(one) for one in node] if isinstance(node, list) else node

    for _ in range(30):
        spoilt = spoil(model_of(a_reading()))
        model = spoilt if isinstance(spoilt, dict) else {}
        report = read_report(model)
        assert isinstance(plain(report), str)
        assert isinstance(conclusion(report), str)
        read_dose(report)
        key_images(report)
        read_encapsulated(model)
        read_channels(model, b"\0" * 64)
