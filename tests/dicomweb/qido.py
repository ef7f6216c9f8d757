"""QIDO-RS: https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_10.6.html."""

from urllib.parse import quote

from tests.dicomweb.sample import Sample
from tests.dicomweb.server import Server, expect, expect_status, kind_of, parts_of, value
from tests.dicomweb.suite import check

JSON = "application/dicom+json"


def _studies(server: Server, sample: Sample, query: str) -> set[str]:
    return {value(one, "0020000D") for one in server.found(f"/studies?PatientID={sample.patient_id}&{query}")}


def _expect_studies(server: Server, sample: Sample, query: str, *expected: str) -> None:
    found = _studies(server, sample, query)
    expect(found == set(expected), f"{len(found)} studies instead of {len(expected)} by {query}")


@check("qido")
def studies_are_found_by_keyword_and_by_tag(server: Server, sample: Sample) -> None:
    by_keyword = server.found(f"/studies?StudyInstanceUID={sample.study}")
    by_tag = server.found(f"/studies?0020000D={sample.study}")

    expect(len(by_keyword) == len(by_tag) == 1, f"{len(by_keyword)} and {len(by_tag)}")


@check("qido")
def series_and_instances_are_found_at_the_root(server: Server, sample: Sample) -> None:
    expect(len(server.found(f"/series?StudyInstanceUID={sample.study}")) == 2, "not two series")
    expect(len(server.found(f"/instances?StudyInstanceUID={sample.study}")) == 4, "not four instances")


@check("qido")
def series_and_instances_are_found_below_their_study(server: Server, sample: Sample) -> None:
    expect(len(server.found(f"/studies/{sample.study}/series")) == 2, "not two series")
    expect(len(server.found(f"/studies/{sample.study}/instances")) == 4, "not four instances of the study")
    expect(len(server.found(f"{sample.place}/instances")) == 3, "not three instances of the series")


@check("qido")
def what_is_not_there_is_an_empty_list(server: Server, sample: Sample) -> None:
    expect_status(server.get("/studies?PatientID=NOBODY-HAS-THIS", JSON), 200, 204)
    expect(server.found("/studies?PatientID=NOBODY-HAS-THIS") == [], "something was found")


@check("qido")
def counts_and_modalities_are_told(server: Server, sample: Sample) -> None:
    (study,) = server.found(
        f"/studies?StudyInstanceUID={sample.study}&includefield=00201206&includefield=00201208&includefield=00080061"
    )
    (series,) = server.found(f"/studies/{sample.study}/series?SeriesInstanceUID={sample.series}&includefield=00201209")

    expect((value(study, "00201206"), value(study, "00201208")) == (2, 4), "wrong numbers of the study")
    expect(sorted(study["00080061"]["Value"]) == ["CT", "OT"], "wrong ModalitiesInStudy")
    expect(value(series, "00201209") == 3, "wrong number of the series")


@check("qido")
def an_asterisk_is_a_wildcard(server: Server, sample: Sample) -> None:
    expect(len(server.found(f"/studies?AccessionNumber=*{sample.run}")) == 2, "not both studies")


@check("qido")
def a_percent_encoded_asterisk_is_a_wildcard_too(server: Server, sample: Sample) -> None:
    expect(len(server.found(f"/studies?AccessionNumber=%2A{sample.run}")) == 2, "not both studies")


@check("qido")
def a_question_mark_stands_for_one_character(server: Server, sample: Sample) -> None:
    expect(len(server.found(f"/studies?AccessionNumber=?{sample.run}")) == 2, "not both studies")
    expect(server.found(f"/studies?AccessionNumber=??{sample.run}") == [], "it stood for two")


@check("qido")
def dates_are_matched_by_ranges(server: Server, sample: Sample) -> None:
    _expect_studies(server, sample, "StudyDate=20240501", sample.study)
    _expect_studies(server, sample, "StudyDate=20230101-20231231", sample.other_study)
    _expect_studies(server, sample, "StudyDate=20240101-", sample.study)
    _expect_studies(server, sample, "StudyDate=-20240101", sample.other_study)


@check("qido")
def uids_are_matched_by_lists_with_commas(server: Server, sample: Sample) -> None:
    uids = f"{sample.study},{sample.other_study}"
    _expect_studies(server, sample, f"StudyInstanceUID={uids}", sample.study, sample.other_study)


@check("qido")
def uids_are_matched_by_lists_with_backslashes(server: Server, sample: Sample) -> None:
    uids = f"{sample.study}%5C{sample.other_study}"
    _expect_studies(server, sample, f"StudyInstanceUID={uids}", sample.study, sample.other_study)


@check("qido")
def modalities_in_study_are_matched_by_one_and_by_a_list(server: Server, sample: Sample) -> None:
    _expect_studies(server, sample, "ModalitiesInStudy=CT", sample.study)
    _expect_studies(server, sample, "ModalitiesInStudy=CT%5CMR", sample.study, sample.other_study)


@check("qido")
def names_are_matched_in_each_group(server: Server, sample: Sample) -> None:
    for name in ("Yamada*", "山田*", "やまだ*"):
        _expect_studies(server, sample, f"PatientName={quote(name, safe='*')}", sample.study, sample.other_study)


@check("qido")
def names_are_matched_without_regard_to_case(server: Server, sample: Sample) -> None:
    _expect_studies(server, sample, "PatientName=YAMADA*", sample.study, sample.other_study)


@check("qido")
def fuzzy_matching_is_done_or_warned_about(server: Server, sample: Sample) -> None:
    query = f"/studies?PatientID={sample.patient_id}&fuzzymatching=true&PatientName=tarou"
    response = server.get(query, JSON)

    done = response.status_code == 200 and len(response.json()) == 2
    expect(done or "299" in response.headers.get("warning", ""), "neither found nor warned about")


@check("qido")
def a_sequence_is_matched_by_a_path(server: Server, sample: Sample) -> None:
    path = f"/studies/{sample.study}/series?RequestAttributesSequence.RequestedProcedureID="

    expect(len(server.found(f"{path}RP-{sample.run}")) == 1, "it is not found")
    expect(server.found(f"{path}OTHER") == [], "another value is found too")


@check("qido")
def pages_are_disjoint_and_complete(server: Server, sample: Sample) -> None:
    pages = [server.found(f"{sample.place}/instances?limit=2&offset={offset}") for offset in (0, 2, 4)]

    expect([len(page) for page in pages] == [2, 1, 0], f"pages of {[len(page) for page in pages]}")
    uids = {value(one, "00080018") for page in pages for one in page}
    expect(uids == set(sample.slices), "an instance came twice or not at all")


@check("qido")
def the_total_is_told_by_a_header(server: Server, sample: Sample) -> None:
    response = server.get(f"{sample.place}/instances?limit=1", JSON)

    expect(response.headers.get("x-total-count") == "3", f"X-Total-Count: {response.headers.get('x-total-count')}")


@check("qido")
def includefield_takes_keywords_tags_and_lists(server: Server, sample: Sample) -> None:
    for query in ("includefield=ProtocolName", "includefield=00181030", "includefield=00080060,00181030"):
        (one,) = server.found(f"/studies/{sample.study}/series?SeriesInstanceUID={sample.series}&{query}")
        expect(value(one, "00181030") == f"Protocol {sample.run}", f"{query} brings no ProtocolName")


@check("qido")
def includefield_all_is_taken(server: Server, sample: Sample) -> None:
    (one,) = server.found(f"/studies?StudyInstanceUID={sample.study}&includefield=all")

    expect("00081030" in one, "it has no StudyDescription")


@check("qido")
def the_study_list_of_ohif_is_answered(server: Server, sample: Sample) -> None:
    fields = "00081030%2C00080060%2C00080090%2C00100030"
    response = server.get(
        f"/studies?limit=101&offset=0&fuzzymatching=true&includefield={fields}&StudyInstanceUID={sample.study}", JSON
    )

    expect_status(response, 200)
    (one,) = response.json()
    expect(value(one, "00100010")["Alphabetic"] == "Yamada^Tarou", "no name")
    expect(value(one, "00081030") == "胸部CT", f"StudyDescription is {value(one, '00081030')}")


@check("qido")
def the_series_list_of_ohif_is_answered(server: Server, sample: Sample) -> None:
    found = server.found(f"/studies/{sample.study}/series?includefield=00080021%2C00080031%2C0008103E%2C00200011")

    expect({value(one, "00080060") for one in found} == {"CT", "OT"}, "modalities are missing")
    expect(all(value(one, "0020000E") and value(one, "00200011") for one in found), "UIDs or numbers are missing")


@check("qido")
def japanese_names_are_right_and_said_to_be_utf_8(server: Server, sample: Sample) -> None:
    (one,) = server.found(f"/studies?StudyInstanceUID={sample.study}")

    name = value(one, "00100010")
    expect(name.get("Ideographic") == "山田^太郎", f"Ideographic is {name.get('Ideographic')}")
    expect(name.get("Phonetic") == "やまだ^たろう", f"Phonetic is {name.get('Phonetic')}")
    said = value(one, "00080005")
    expect(said in (None, "ISO_IR 192"), f"SpecificCharacterSet says {said}")


@check("qido")
def a_limit_that_is_no_number_is_refused(server: Server, sample: Sample) -> None:
    expect_status(server.get("/studies?limit=abc", JSON), 400)


@check("qido")
def an_unknown_attribute_is_refused_or_warned_about(server: Server, sample: Sample) -> None:
    response = server.get("/studies?NoSuchAttribute=1", JSON)

    expect(response.status_code == 400 or "299" in response.headers.get("warning", ""), "it is passed over in silence")


@check("qido")
def a_malformed_date_is_refused(server: Server, sample: Sample) -> None:
    expect_status(server.get("/studies?StudyDate=yesterday", JSON), 400)


@check("qido")
def results_are_given_as_xml(server: Server, sample: Sample) -> None:
    response = server.get(f"{sample.place}/instances", 'multipart/related; type="application/dicom+xml"')

    expect_status(response, 200)
    parts = parts_of(response)
    expect(len(parts) == 3, f"{len(parts)} parts")
    expect(all(b"NativeDicomModel" in part for _, part in parts), "no NativeDicomModel")


@check("qido")
def json_is_given_under_its_short_name_and_to_whoever_takes_all(server: Server, sample: Sample) -> None:
    for accept in ("application/json", "*/*", None):
        response = server.get(f"/studies?StudyInstanceUID={sample.study}", accept)
        expect_status(response, 200)
        expect(kind_of(response) in (JSON, "application/json"), f"{kind_of(response)} for {accept}")


@check("qido")
def what_cannot_be_given_is_not_acceptable(server: Server, sample: Sample) -> None:
    expect_status(server.get("/studies", "text/html"), 406)
