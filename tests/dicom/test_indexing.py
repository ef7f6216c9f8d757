import pytest

from dicom.indexing import InstanceFacts, SeriesFacts, StudyFacts, date, indexed, time
from dicom.names import PersonName, folded, person_name
from dicom.part10 import read_instance
from tests.dicom.making import instance, pydicom_file


def test_a_ct_gives_the_facts_of_three_levels():
    found = indexed(read_instance(pydicom_file("CT_small.dcm")))

    assert found.study == StudyFacts(
        study_instance_uid="1.3.6.1.4.1.5962.1.2.1.20040119072730.12322",
        study_date="20040119",
        study_time="072730",
        accession_number="",
        referring_physician_name=PersonName(),
        timezone_offset_from_utc="-0500",
        study_description="e+1",
        patient_name=PersonName("CompressedSamples^CT1"),
        patient_id="1CT1",
        issuer_of_patient_id="",
        patient_birth_date="",
        patient_sex="O",
        study_id="1CT1",
    )
    assert found.series == SeriesFacts(
        series_instance_uid="1.3.6.1.4.1.5962.1.3.1.1.20040119072730.12322",
        modality="CT",
        series_number=1,
        series_description="",
        series_date="19970430",
        series_time="112749",
        body_part_examined="",
        laterality="",
        performed_procedure_step_start_date="",
        performed_procedure_step_start_time="",
    )
    assert found.instance == InstanceFacts(
        sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
        sop_instance_uid="1.3.6.1.4.1.5962.1.1.1.1.1.20040119072730.12322",
        instance_number=1,
        number_of_frames=None,
        rows=128,
        columns=128,
        bits_allocated=16,
    )


@pytest.mark.parametrize("name", ["MR_small.dcm", "MR_small_bigendian.dcm", "MR_small_implicit.dcm"])
def test_the_encoding_does_not_change_the_facts(name):
    found = indexed(read_instance(pydicom_file(name)))

    assert (found.instance.rows, found.instance.columns) == (64, 64)
    assert found.study.patient_id == "4MR1"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("chrH31.dcm", PersonName("Yamada^Tarou", "山田^太郎", "やまだ^たろう")),
        ("chrH32.dcm", PersonName("ﾔﾏﾀﾞ^ﾀﾛｳ", "山田^太郎", "やまだ^たろう")),
        ("chrKoreanMulti.dcm", PersonName("김희중")),
    ],
)
def test_names_keep_their_groups(name, expected):
    assert indexed(read_instance(pydicom_file(name))).study.patient_name == expected


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("", PersonName()),
        ("Yamada^Tarou^^^", PersonName("Yamada^Tarou")),
        (" ^Tarou", PersonName("^Tarou")),
        ("A=B=C=D", PersonName("A", "B", "C")),
        ("=山田", PersonName("", "山田")),
        ("A\\B", PersonName("A")),
    ],
)
def test_a_name_is_divided(text, name):
    assert person_name(text) == name
    assert bool(name) == bool(text)


def test_names_are_compared_without_case_width_and_kana():
    assert folded("ﾔﾏﾀﾞ") == folded("ヤマダ") == folded("やまだ") == "やまだ"
    assert folded("ＹＡＭＡＤＡ^Tarou") == "yamada^tarou"


@pytest.mark.parametrize(
    ("text", "digits"),
    [("20240501", "20240501"), ("2024.05.01", "20240501"), ("202405", ""), ("yesterday", "")],
)
def test_dates_are_eight_digits_or_nothing(text, digits):
    assert date(text) == digits


@pytest.mark.parametrize(
    ("text", "digits"),
    [("10", "100000"), ("1015", "101500"), ("10:15:30", "101530"), ("101530.5", "101530.5"), ("late", "")],
)
def test_times_reach_to_the_second(text, digits):
    assert time(text) == digits


def test_what_a_database_cannot_hold_is_left_out():
    found = indexed(read_instance(instance({
        0x00080060: ("CS", b"CT\\MR"),
        0x00100020: ("LO", b"A\0B"),
        0x00081030: ("LO", b"x" * 600),
        0x00200013: ("IS", b"9" * 30),
        0x00200011: ("IS", b"first"),
        0x00280010: ("US", b""),
        0x00280011: ("FD", b"12345678"),
    })))  # fmt: skip

    assert found.series.modality == "CT"
    assert found.study.patient_id == "AB"
    assert len(found.study.study_description) == 512
    assert found.instance.instance_number is None
    assert found.series.series_number is None
    assert (found.instance.rows, found.instance.columns) == (None, None)
