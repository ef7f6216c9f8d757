"""WADO-RS: https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_10.4.html."""

from io import BytesIO
from urllib.parse import urljoin

import pydicom

from tests.dicomweb.sample import Sample
from tests.dicomweb.server import Server, as_json, expect, expect_status, kind_of, parts_of, value
from tests.dicomweb.suite import check

FILES = 'multipart/related; type="application/dicom"'
OCTETS = 'multipart/related; type="application/octet-stream"'
XML = 'multipart/related; type="application/dicom+xml"'


@check("wado")
def a_study_a_series_and_an_instance_come_in_parts(server: Server, sample: Sample) -> None:
    for place, number in ((f"/studies/{sample.study}", 4), (sample.place, 3), (sample.instance, 1)):
        response = server.get(place, FILES)
        expect_status(response, 200)
        expect(len(parts_of(response)) == number, f"{len(parts_of(response))} parts of {number}")


@check("wado")
def an_instance_comes_as_the_bytes_that_were_sent(server: Server, sample: Sample) -> None:
    accept = f"{FILES}; transfer-syntax=*"

    ((_, content),) = parts_of(server.get(sample.instance, accept))

    expect(content == sample.slice(0), "the bytes are others")


@check("wado")
def an_instance_comes_without_parts(server: Server, sample: Sample) -> None:
    response = server.get(sample.instance, "application/dicom")

    expect_status(response, 200)
    expect(kind_of(response) == "application/dicom", f"it is {kind_of(response)}")
    expect(pydicom.dcmread(BytesIO(response.content)).SOPInstanceUID == sample.slices[0], "it is another")


@check("wado")
def metadata_of_every_level_are_given(server: Server, sample: Sample) -> None:
    for place, number in ((f"/studies/{sample.study}", 4), (sample.place, 3), (sample.instance, 1)):
        response = server.get(f"{place}/metadata", "application/dicom+json")
        expect_status(response, 200)
        expect(len(as_json(response)) == number, f"{len(as_json(response))} of {number}")


@check("wado")
def metadata_hold_the_attributes_and_no_pixels(server: Server, sample: Sample) -> None:
    (found,) = as_json(server.get(f"{sample.instance}/metadata", "application/dicom+json"))

    expect(value(found, "00280010") == 32, "Rows is missing")
    expect(value(found, "00100010").get("Ideographic") == "山田^太郎", f"the name is {value(found, '00100010')}")
    expect(value(value(found, "00400275"), "00401001") == f"RP-{sample.run}", "the sequence is missing")
    expect("InlineBinary" not in found.get("7FE00010", {}), "the pixels are in it")


@check("wado")
def metadata_are_given_as_xml(server: Server, sample: Sample) -> None:
    response = server.get(f"{sample.place}/metadata", XML)

    expect_status(response, 200)
    parts = parts_of(response)
    expect(len(parts) == 3 and all(b"NativeDicomModel" in part for _, part in parts), f"{len(parts)} parts")


@check("wado")
def the_bulk_data_uri_leads_to_the_pixels(server: Server, sample: Sample) -> None:
    (found,) = as_json(server.get(f"{sample.instance}/metadata", "application/dicom+json"))
    uri = urljoin(f"{server.url}{sample.instance}/", found["7FE00010"]["BulkDataURI"])

    response = server.get(uri, OCTETS)

    expect_status(response, 200)
    ((_, content),) = parts_of(response)
    expect(content == sample.pixels(0).tobytes(), "the bytes are others")


@check("wado")
def all_bulk_data_of_an_instance_are_given(server: Server, sample: Sample) -> None:
    response = server.get(f"{sample.instance}/bulkdata", OCTETS)

    expect_status(response, 200)
    expect(sample.pixels(0).tobytes() in [part for _, part in parts_of(response)], "the pixels are not among them")


@check("wado")
def pixel_data_of_an_instance_are_given(server: Server, sample: Sample) -> None:
    response = server.get(f"{sample.instance}/pixeldata", OCTETS)

    expect_status(response, 200)
    expect(parts_of(response)[0][1] == sample.pixels(0).tobytes(), "the bytes are others")


@check("wado")
def the_frame_request_of_ohif_is_answered(server: Server, sample: Sample) -> None:
    response = server.get(f"{sample.instance}/frames/1", f'{OCTETS}; transfer-syntax="*"')

    expect_status(response, 200)
    ((kind, content),) = parts_of(response)
    expect(kind.startswith("application/octet-stream"), f"the part is {kind}")
    expect(content == sample.pixels(0).tobytes(), "the pixels are others")


@check("wado")
def frames_come_in_the_order_asked_for(server: Server, sample: Sample) -> None:
    parts = parts_of(server.get(f"{sample.movie}/frames/3,1", OCTETS))

    expect([part[:1] for _, part in parts] == [bytes([240]), bytes([10])], "other frames, or another order")


@check("wado")
def frames_that_are_not_there_are_not_found(server: Server, sample: Sample) -> None:
    expect_status(server.get(f"{sample.movie}/frames/4", OCTETS), 404)
    expect_status(server.get(f"{sample.movie}/frames/0", OCTETS), 400, 404)
    expect_status(server.get(f"{sample.movie}/frames/x", OCTETS), 400, 404)


@check("wado")
def a_range_of_a_single_part_is_given(server: Server, sample: Sample) -> None:
    whole = server.get(sample.instance, "application/dicom").content

    response = server.get(sample.instance, "application/dicom", range="bytes=128-131")

    expect_status(response, 206)
    expect(response.content == b"DICM", f"{len(response.content)} bytes")
    told = response.headers.get("content-range")
    expect(told == f"bytes 128-131/{len(whole)}", f"Content-Range: {told}")


@check("wado")
def a_range_beyond_the_end_is_not_satisfiable(server: Server, sample: Sample) -> None:
    expect_status(server.get(sample.instance, "application/dicom", range="bytes=999999999-"), 416)


@check("wado")
def what_has_not_changed_is_not_sent_again(server: Server, sample: Sample) -> None:
    for place, accept in (
        (f"{sample.place}/metadata", "application/dicom+json"),
        (sample.instance, "application/dicom"),
        (f"{sample.instance}/frames/1", OCTETS),
    ):
        tag = server.get(place, accept).headers.get("etag", "")
        expect(bool(tag), f"{place.rpartition('/')[2]} has no ETag")
        expect_status(server.get(place, accept, if_none_match=tag), 304)


@check("wado")
def head_answers_as_get_without_a_body(server: Server, sample: Sample) -> None:
    response = server.send("HEAD", f"{sample.place}/metadata", accept="application/dicom+json")

    expect_status(response, 200)
    expect(response.content == b"", "it has a body")


@check("wado")
def what_was_never_stored_is_not_found(server: Server, sample: Sample) -> None:
    for place in ("/studies/1.2.3", f"/studies/{sample.study}/series/1.2.3", f"{sample.place}/instances/1.2.3"):
        for more in ("", "/metadata"):
            expect_status(server.get(place + more, FILES if not more else "application/dicom+json"), 404)


@check("wado")
def an_instance_is_not_found_in_another_study(server: Server, sample: Sample) -> None:
    place = sample.instance.replace(sample.study, sample.other_study)

    expect_status(server.get(place, "application/dicom"), 404)


@check("wado")
def a_uid_that_is_none_is_refused(server: Server, sample: Sample) -> None:
    for uid in ("abc", "1.2.3x", "1" * 65):
        expect_status(server.get(f"/studies/{uid}/metadata", "application/dicom+json"), 400, 404)
