import pytest

from dicom.attributes import ATTRIBUTES, DEPTH, Level
from dicom.matching import InvalidQuery, parse_query


def parsed(*pairs, level=Level.STUDY):
    return parse_query(level, pairs, max_limit=100)


def condition(name, value, level=Level.INSTANCE):
    (only,) = parsed((name, value), level=level).conditions
    return only.form, only.values


def test_every_indexed_attribute_has_its_own_tag_and_keyword():
    from pydicom.datadict import dictionary_VR, keyword_for_tag

    for attribute in ATTRIBUTES:
        assert keyword_for_tag(attribute.tag) == attribute.keyword
        assert dictionary_VR(attribute.tag) == attribute.vr
    assert len({attribute.tag for attribute in ATTRIBUTES}) == len(ATTRIBUTES)


def test_an_empty_query_asks_for_the_first_page_of_everything():
    query = parsed()

    assert (query.conditions, query.include, query.include_all) == ((), frozenset(), False)
    assert (query.limit, query.offset, query.warnings) == (100, 0, ())


def test_what_ohif_sends_is_understood():
    query = parsed(
        ("00100020", "PID"),
        ("limit", "101"),
        ("offset", "0"),
        ("fuzzymatching", "true"),
        ("includefield", "00081030,00080060,00080090,00100030"),
    )

    assert [(one.attribute.keyword, one.form, one.values) for one in query.conditions] == [
        ("PatientID", "equal", ("PID",))
    ]
    assert query.include == {0x00100020, 0x00081030, 0x00080060, 0x00080090, 0x00100030}
    assert query.limit == 100
    assert query.warnings == ("The results of one request are limited to 100.",)


@pytest.mark.parametrize(
    "name", ["RequestAttributesSequence", "NumberOfStudyRelatedSeries", "PixelData", "00091001", "PatientAge"]
)
@pytest.mark.parametrize("value", ["", "*"])
def test_what_matches_everything_is_only_asked_for(name, value):
    query = parsed((name, value))

    assert (query.conditions, query.unindexed) == ((), ())
    assert len(query.include) == 1


@pytest.mark.parametrize("fuzzy", ["true", "false"])
@pytest.mark.parametrize("value", ["a" * 5000 + "*", "\ufdfa" * 300 + "*"])
def test_a_pattern_is_no_longer_than_a_database_takes(value, fuzzy):
    with pytest.raises(InvalidQuery, match="more than 4096 characters"):
        parsed(("PatientName", value), ("fuzzymatching", fuzzy))


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("PatientID", "A1", ("equal", ("A1",))),
        ("00100020", "A?_1/2*%", ("like", ("A_/_1//2%/%",))),
        ("PatientName", "YAMADA^", ("like", ("yamada",))),
        ("PatientName", "ﾔﾏﾀﾞ*", ("like", ("やまだ%",))),
        ("PatientName", "Yamada*=山田*", ("like", ("yamada%", "山田%"))),
        ("StudyInstanceUID", "1.2,1.3", ("any", ("1.2", "1.3"))),
        ("StudyInstanceUID", "1.2\\1.3", ("any", ("1.2", "1.3"))),
        ("ModalitiesInStudy", "CT\\MR", ("any", ("CT", "MR"))),
        ("StudyDate", "20240501", ("range", ("20240501", "20240501"))),
        ("StudyDate", "20240501-", ("range", ("20240501", "99999999"))),
        ("StudyDate", "-20240501", ("range", ("00000000", "20240501"))),
        ("StudyDate", "20240501-20240502", ("range", ("20240501", "20240502"))),
        ("StudyTime", "10", ("range", ("100000", "105959.999999"))),
        ("StudyTime", "1015-", ("range", ("101500", "235959.999999"))),
        ("StudyTime", "-101530", ("range", ("000000", "101530.999999"))),
        ("StudyTime", "10-11", ("range", ("100000", "115959.999999"))),
        ("StudyTime", "10:15:30", ("range", ("101530", "101530.999999"))),
        ("StudyTime", "101530.500", ("range", ("101530.5", "101530.500999"))),
        ("StudyDate", "2024.05.01", ("range", ("20240501", "20240501"))),
        ("StudyDate", "20240501 - 20240502", ("range", ("20240501", "20240502"))),
        ("InstanceNumber", "-7", ("equal", (-7,))),
        ("InstanceNumber", "+007", ("equal", (7,))),
        ("InstanceNumber", "1.0", ("equal", (1,))),
        ("InstanceNumber", "1\\2e1", ("any", (1, 20))),
        ("Modality", "CT", ("equal", ("CT",))),
        ("Modality", "CT,MR", ("any", ("CT", "MR"))),
        ("Modality", "CT\\M*", ("likes", ("CT", "M%"))),
        ("StudyDescription", "chest, abdomen", ("equal", ("chest, abdomen",))),
        ("StudyDescription", "chest\\abdomen", ("any", ("chest", "abdomen"))),
        ("PatientSex", '""', ("empty", ())),
    ],
)
def test_a_value_becomes_a_condition(name, value, expected):
    assert condition(name, value) == expected


@pytest.mark.parametrize("value", ["", "*", "**", " "])
def test_a_universal_value_asks_for_the_attribute_only(value):
    query = parsed(("PatientName", value))

    assert query.conditions == ()
    assert query.include == {0x00100010}


def test_a_fuzzy_name_is_looked_for_word_by_word_as_it_is_written_and_as_it_sounds():
    query = parsed(("PatientName", "しょう Yamada*"), ("fuzzymatching", "true"))

    (only,) = query.conditions
    assert only.form == "words"
    assert only.values == ("% しょう%", "% syo%", "% yamada%", "% yamada%")
    assert query.warnings == ()
    for value in ("^", " ".join("abcdefghi")):
        with pytest.raises(InvalidQuery, match="has no word, or more than 8"):
            parsed(("fuzzymatching", "true"), ("PatientName", value))


def test_what_is_not_indexed_is_matched_by_the_path_through_its_sequences():
    by_keyword = parsed(("RequestAttributesSequence.RequestedProcedureID", "R*"))
    by_tag = parsed(("00400275.00401001", "R*"))

    assert by_keyword == by_tag
    (one,) = by_tag.unindexed
    assert (one.path, one.condition.form, one.condition.values) == ((0x00400275, 0x00401001), "like", ("R%",))
    assert (by_tag.conditions, by_tag.include, by_tag.needs_model) == ((), {0x00400275}, True)
    assert parsed(("00400275.00401001", "")).unindexed == ()
    assert not parsed(("includefield", "StudyID,ModalitiesInStudy,NumberOfStudyRelatedSeries")).needs_model


def test_include_all_and_repeated_fields():
    query = parsed(("includefield", "all,"), ("includefield", "StudyID"), ("includefield", "00400275.00400009"))

    assert query.include_all
    assert query.include == {0x00200010, 0x00400275}


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("limit", "abc", "limit is no whole number"),
        ("limit", "-1", "limit is no whole number"),
        ("offset", "٣", "offset is no whole number"),
        ("offset", "9" * 16, "offset is no whole number"),
        ("fuzzymatching", "maybe", "fuzzymatching is neither true nor false"),
        ("foo", "bar", "the query names an unknown attribute"),
        ("", "bar", "the query names an unknown attribute"),
        ("includefield", "foo", "includefield names an unknown attribute"),
        ("00091001", "x", "00091001 (UN) cannot be matched"),
        ("PixelData", "x", "7FE00010 (OB or OW) cannot be matched"),
        ("RequestAttributesSequence", "x", "00400275 (SQ) cannot be matched"),
        ("NumberOfStudyRelatedSeries", "1", "00201206 (IS) cannot be matched"),
        ("PatientID.Modality", "x", "PatientID.Modality goes through what is no sequence"),
        ("00400275.foo", "x", "the query names an unknown attribute"),
        (".".join(["00400275"] * 9), "x", "the query names an unknown attribute"),
        ("Modality", "CT", "00080060 (CS) cannot be matched in a search for study"),
        ("StudyDate", "2024", "the value of StudyDate is no date or range of dates"),
        ("StudyDate", "-", "the value of StudyDate is no date or range of dates"),
        ("StudyTime", "noon", "the value of StudyTime is no time or range of times"),
        ("StudyTime", "-", "the value of StudyTime is no time or range of times"),
        ("StudyInstanceUID", "1.2,x", "the value of StudyInstanceUID is no UID"),
        ("StudyInstanceUID", ",", "StudyInstanceUID takes 1 to 256 values"),
        ("StudyInstanceUID", ",".join(["1.2"] * 257), "StudyInstanceUID takes 1 to 256 values"),
        ("PatientName", "a=b=c=d", "the value of PatientName is no name"),
        ("PatientName", "=", "the value of PatientName is no name"),
        ("PatientID", "a\0b", "the value of PatientID holds a NUL"),
    ],
)
def test_a_wrong_query_is_refused_with_its_reason(name, value, reason):
    with pytest.raises(InvalidQuery) as caught:
        parsed((name, value))

    assert str(caught.value) == reason


def test_a_wrong_number_is_refused():
    with pytest.raises(InvalidQuery, match="the value of Rows is no whole number"):
        parsed(("Rows", "many"), level=Level.INSTANCE)


def test_an_attribute_given_twice_is_refused():
    with pytest.raises(InvalidQuery, match="PatientID is given twice"):
        parsed(("PatientID", "1"), ("00100020", "2"))


@pytest.mark.parametrize("value", ["2.5", "1e30", "4611686018427387904", "1e9999", "nan", "0x10", "1-2"])
def test_a_number_that_no_whole_one_is_is_refused(value):
    with pytest.raises(InvalidQuery, match="the value of Rows is no whole number"):
        parsed(("Rows", value), level=Level.INSTANCE)


@pytest.mark.parametrize(
    ("dates", "times", "form"),
    [
        ("20240501-20240503", "1000-1800", ("20240501", "20240503", "100000", "180059.999999")),
        ("20240501-", "1000-", ("20240501", "99999999", "100000", "235959.999999")),
        ("-20240503", "-1800", ("00000000", "20240503", "000000", "180059.999999")),
    ],
)
def test_ranges_of_dates_and_times_of_one_form_are_one_period(dates, times, form):
    pairs = (("StudyTime", times), ("StudyDate", dates))
    (only,) = parsed(*pairs).conditions
    acquired = parsed(*((name.replace("Study", "Acquisition"), value) for name, value in pairs))
    (one,) = acquired.unindexed

    assert (only.attribute.keyword, only.form, only.values) == ("StudyDate", "period", form)
    assert (one.path, one.condition.form, one.condition.values) == ((0x00080022,), "period", form)
    assert acquired.include == {0x00080022, 0x00080032}
    assert len(parse_query(Level.STUDY, pairs, max_limit=1, combined=False).conditions) == 2


@pytest.mark.parametrize(
    ("dates", "times"), [("20240501", "1000-1800"), ("20240501-20240503", "1000"), ("20240501-", "-1800")]
)
def test_ranges_of_several_forms_are_asked_one_by_one(dates, times):
    query = parsed(("StudyDate", dates), ("StudyTime", times))

    assert [one.form for one in query.conditions] == ["range", "range"]


def test_a_date_that_is_indexed_and_a_time_that_is_not_are_asked_one_by_one():
    query = parsed(("PatientBirthDate", "19500101-19600101"), ("PatientBirthTime", "10-11"))

    assert ([one.form for one in query.conditions], len(query.unindexed)) == (["range"], 1)


def test_a_level_may_match_what_is_above_it():
    assert DEPTH[Level.STUDY] < DEPTH[Level.SERIES] < DEPTH[Level.INSTANCE]
    assert parsed(("PatientID", "1"), ("Modality", "CT"), level=Level.SERIES).conditions
    with pytest.raises(InvalidQuery):
        parsed(("SOPInstanceUID", "1.2"), level=Level.SERIES)
