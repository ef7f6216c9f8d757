"""What is not of one service: WADO-URI, capabilities, worklists, and deleting; these come last."""

from urllib.parse import urlsplit

from tests.dicomweb.sample import Sample
from tests.dicomweb.server import Server, expect, expect_status, expect_there, kind_of
from tests.dicomweb.suite import check


def _wado_uri(server: Server, sample: Sample, more: str = "") -> str:
    where = urlsplit(server.url)
    uids = f"studyUID={sample.study}&seriesUID={sample.series}&objectUID={sample.slices[0]}"
    return f"{where.scheme}://{where.netloc}/wado?requestType=WADO&{uids}{more}"


@check("whole")
def wado_uri_gives_a_picture(server: Server, sample: Sample) -> None:
    response = server.get(_wado_uri(server, sample, "&contentType=image/jpeg"), "*/*")

    expect_status(response, 200)
    expect(kind_of(response) == "image/jpeg", f"it is {kind_of(response)}")


@check("whole")
def wado_uri_gives_a_file(server: Server, sample: Sample) -> None:
    response = server.get(_wado_uri(server, sample, "&contentType=application/dicom"), "*/*")

    expect_status(response, 200)
    expect(response.content[128:132] == b"DICM", "it is no file")


@check("whole")
def wado_uri_without_a_uid_is_refused(server: Server, sample: Sample) -> None:
    expect_status(server.get(_wado_uri(server, sample).replace("objectUID", "x"), "*/*"), 400)


@check("whole")
def capabilities_are_told(server: Server, sample: Sample) -> None:
    response = server.send("OPTIONS", "/", accept="application/vnd.sun.wadl+xml")

    expect_status(response, 200)
    expect(b"resource" in response.content, f"{len(response.content)} bytes")


@check("whole")
def a_method_that_is_not_there_is_refused_with_those_that_are(server: Server, sample: Sample) -> None:
    response = server.send("PUT", "/studies", content=b"")

    expect_status(response, 405)
    expect("GET" in response.headers.get("allow", ""), f"Allow: {response.headers.get('allow')}")


@check("whole")
def a_worklist_that_is_not_there_says_so(server: Server, sample: Sample) -> None:
    expect_status(server.get("/workitems", "application/dicom+json"), 200, 204, 501)


@check("whole")
def an_instance_that_is_deleted_is_gone_and_can_be_sent_again(server: Server, sample: Sample) -> None:
    place = f"/studies/{sample.other_study}/series/{sample.other_series}/instances/{sample.other}"

    expect_status(server.send("DELETE", place), 200, 204)
    expect_there(server, place, there=False)
    expect(server.found(f"/studies?StudyInstanceUID={sample.other_study}") == [], "the study is found still")
    expect_status(server.store([("application/dicom", sample.other_file())]), 200)
    expect_there(server, place)


@check("whole")
def a_study_that_is_deleted_is_gone(server: Server, sample: Sample) -> None:
    for study in (sample.study, sample.other_study):
        expect_status(server.send("DELETE", f"/studies/{study}"), 200, 204)
        expect_status(server.get(f"/studies/{study}/metadata", "application/dicom+json"), 404)
