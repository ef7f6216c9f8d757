import dataclasses

import pytest

from dicom.attributes import Level
from dicom.indexing import InstanceFacts, SeriesFacts, StudyFacts
from dicom.matching import parse_query
from dicom.names import PersonName
from dicom.results import Found, result

STUDY = StudyFacts("1.2", "20240501", "093000", "A1", PersonName(), "+0900", "Thorax",
                   PersonName("Yamada^Tarou", "山田^太郎"), "P1", "", "19500401", "M", "")  # fmt: skip
SERIES = SeriesFacts("1.2.1", "CT", 3, "", "20240501", "", "CHEST", "", "", "")
INSTANCE = InstanceFacts("1.2.840.10008.5.1.4.1.1.2", "1.2.1.1", None, 1, 512, 512, 16)
FOUND = Found(1, 2, 3, STUDY, None, None, ("CT", "SR"), 2, 30)


def shown(found, level, *pairs):
    return result(parse_query(level, pairs, max_limit=1), found, "https://hub/dicom-web")


def test_a_study_is_shown_with_what_the_standard_requires():
    assert shown(FOUND, Level.STUDY) == {
        "00080005": {"vr": "CS", "Value": ["ISO_IR 192"]},
        "00080020": {"vr": "DA", "Value": ["20240501"]},
        "00080030": {"vr": "TM", "Value": ["093000"]},
        "00080050": {"vr": "SH", "Value": ["A1"]},
        "00080056": {"vr": "CS", "Value": ["ONLINE"]},
        "00080061": {"vr": "CS", "Value": ["CT", "SR"]},
        "00080090": {"vr": "PN"},
        "00080201": {"vr": "SH", "Value": ["+0900"]},
        "00081030": {"vr": "LO", "Value": ["Thorax"]},
        "00081190": {"vr": "UR", "Value": ["https://hub/dicom-web/studies/1.2"]},
        "00100010": {"vr": "PN", "Value": [{"Alphabetic": "Yamada^Tarou", "Ideographic": "山田^太郎"}]},
        "00100020": {"vr": "LO", "Value": ["P1"]},
        "00100021": {"vr": "LO"},
        "00100030": {"vr": "DA", "Value": ["19500401"]},
        "00100040": {"vr": "CS", "Value": ["M"]},
        "0020000D": {"vr": "UI", "Value": ["1.2"]},
        "00200010": {"vr": "SH"},
        "00201206": {"vr": "IS", "Value": [2]},
        "00201208": {"vr": "IS", "Value": [30]},
    }


def test_a_series_says_where_it_belongs_and_how_many_instances_it_has():
    found = shown(dataclasses.replace(FOUND, series=SERIES), Level.SERIES)

    assert found["0020000D"]["Value"] == ["1.2"]
    assert found["00201209"] == {"vr": "IS", "Value": [30]}
    assert found["00200011"] == {"vr": "IS", "Value": [3]}
    assert found["00081190"]["Value"] == ["https://hub/dicom-web/studies/1.2/series/1.2.1"]
    assert "00100010" not in found
    assert "00201206" not in found


def test_an_instance_says_where_it_belongs():
    found = shown(dataclasses.replace(FOUND, series=SERIES, instance=INSTANCE), Level.INSTANCE)

    assert found["00280010"] == {"vr": "US", "Value": [512]}
    assert found["00200013"] == {"vr": "IS"}
    assert (found["0020000E"]["Value"], found["00080060"]["Value"]) == (["1.2.1"], ["CT"])
    assert found["00081190"]["Value"] == ["https://hub/dicom-web/studies/1.2/series/1.2.1/instances/1.2.1.1"]
    assert "00201209" not in found


@pytest.mark.parametrize("pair", [("includefield", "PatientName"), ("includefield", "all"), ("PatientName", "Yamada*")])
def test_what_is_asked_for_or_matched_comes_too(pair):
    assert "00100010" in shown(dataclasses.replace(FOUND, series=SERIES), Level.SERIES, pair)


def test_keys_are_in_the_order_of_tags():
    assert list(shown(FOUND, Level.STUDY)) == sorted(shown(FOUND, Level.STUDY))
