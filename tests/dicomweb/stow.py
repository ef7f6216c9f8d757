"""STOW-RS: https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_10.5.html."""

import json
from io import BytesIO
from typing import Any
from xml.etree import ElementTree as ET

import pydicom

from tests.dicomweb.sample import Sample
from tests.dicomweb.server import Server, as_json, expect, expect_status, expect_there, file_at, kind_of
from tests.dicomweb.suite import check

FILE = "application/dicom"
NATIVE = "{http://dicom.nema.org/PS3.19/models/NativeDICOM}"


@check("stow")
def a_study_is_stored_and_each_instance_named(server: Server, sample: Sample) -> None:
    response = server.store([(FILE, one) for one in sample.files()])

    expect_status(response, 200)
    stored = as_json(response)["00081199"]["Value"]
    expect({one["00081155"]["Value"][0] for one in stored} >= set(sample.slices), "instances are missing")
    expect(all(one.get("00081190", {}).get("Value") for one in stored), "an instance has no RetrieveURL")


@check("stow")
def the_same_again_is_no_failure(server: Server, sample: Sample) -> None:
    response = server.store([(FILE, sample.slice(0))])

    expect_status(response, 200, 202)
    expect("00081198" not in as_json(response), "it has a FailedSOPSequence")


@check("stow")
def a_bad_part_fails_alone(server: Server, sample: Sample) -> None:
    good, place = sample.fresh()

    response = server.store([(FILE, good), (FILE, b"this is no DICOM file")])

    expect_status(response, 202)
    expect(len(as_json(response)["00081198"]["Value"]) == 1, "not one failure")
    expect_there(server, place)


@check("stow")
def only_bad_parts_are_a_conflict(server: Server, sample: Sample) -> None:
    response = server.store([(FILE, b"this is no DICOM file")])

    expect_status(response, 409)
    reason = as_json(response)["00081198"]["Value"][0]["00081197"]["Value"][0]
    expect(0xA700 <= reason <= 0xCFFF or reason in (0x0110, 0x0111, 0x0122, 0x0124), f"FailureReason {reason}")


@check("stow")
def a_file_that_is_cut_short_is_refused(server: Server, sample: Sample) -> None:
    good, place = sample.fresh()

    expect_status(server.store([(FILE, good[: len(good) // 2])]), 409)
    expect_there(server, place, there=False)


@check("stow")
def an_instance_of_another_study_than_the_address_is_refused(server: Server, sample: Sample) -> None:
    good, place = sample.fresh()

    response = server.store([(FILE, good)], path="/studies/1.2.3.4.5")

    expect_status(response, 409)
    expect_there(server, place, there=False)


@check("stow")
def other_bytes_under_a_known_uid_do_not_replace_it(server: Server, sample: Sample) -> None:
    ds = pydicom.dcmread(BytesIO(sample.slice(0)))
    ds.SeriesDescription = "other"
    out = BytesIO()
    ds.save_as(out)

    server.store([(FILE, out.getvalue())])

    kept = pydicom.dcmread(BytesIO(file_at(server, sample.instance)))
    expect(kept.SeriesDescription != "other", "it was overwritten")


@check("stow")
def the_type_parameter_needs_no_quotation_marks(server: Server, sample: Sample) -> None:
    expect_status(server.store([(FILE, sample.slice(0))], kind="application/dicom"), 200, 202)


@check("stow")
def one_file_is_sent_without_parts(server: Server, sample: Sample) -> None:
    good, place = sample.fresh()

    response = server.send("POST", "/studies", content=good, content_type=FILE, accept="application/dicom+json")

    expect_status(response, 200)
    expect_there(server, place)


@check("stow")
def another_media_type_is_unsupported(server: Server, sample: Sample) -> None:
    response = server.send("POST", "/studies", content=b"x", content_type="text/plain", accept="application/dicom+json")

    expect_status(response, 415)


@check("stow")
def the_answer_is_given_as_xml(server: Server, sample: Sample) -> None:
    response = server.store([(FILE, sample.slice(0))], accept="application/dicom+xml")

    expect_status(response, 200, 202)
    expect(kind_of(response) == "application/dicom+xml", f"it is {kind_of(response)}")
    tags = {one.get("tag") for one in ET.fromstring(response.content)}  # noqa: S314 - a server that is tested
    expect("00081199" in tags, "it has no ReferencedSOPSequence")


@check("stow")
def metadata_as_json_and_bulk_data_are_put_together(server: Server, sample: Sample) -> None:
    good, place = sample.fresh()
    ds = pydicom.dcmread(BytesIO(good))
    model, pixels = _apart(ds)

    response = server.store(
        [
            ("application/dicom+json", json.dumps([model]).encode()),
            ("application/octet-stream\r\nContent-Location: bulk/1", pixels),
        ],
        kind='"application/dicom+json"',
    )

    expect_status(response, 200)
    _expect_same(server, place, ds)


@check("stow")
def metadata_as_xml_and_bulk_data_are_put_together(server: Server, sample: Sample) -> None:
    good, place = sample.fresh()
    ds = pydicom.dcmread(BytesIO(good))
    model, pixels = _apart(ds)

    response = server.store(
        [
            ("application/dicom+xml", _xml(model)),
            ("application/octet-stream\r\nContent-Location: bulk/1", pixels),
        ],
        kind='"application/dicom+xml"',
    )

    expect_status(response, 200)
    _expect_same(server, place, ds)


@check("stow")
def bulk_data_that_is_not_there_fails_its_instance(server: Server, sample: Sample) -> None:
    good, place = sample.fresh()
    model, _ = _apart(pydicom.dcmread(BytesIO(good)))

    response = server.store([("application/dicom+json", json.dumps([model]).encode())], kind='"application/dicom+json"')

    expect_status(response, 409)
    expect_there(server, place, there=False)


def _apart(ds: pydicom.Dataset) -> tuple[dict[str, Any], bytes]:
    model = ds.to_json_dict(bulk_data_threshold=64, bulk_data_element_handler=lambda _: "bulk/1")
    model["00080005"] = {"vr": "CS", "Value": ["ISO_IR 192"]}
    return model, bytes(ds.PixelData)


def _xml(model: dict[str, Any]) -> bytes:
    root = ET.Element("NativeDicomModel", xmlns=NATIVE[1:-1])
    _attributes(root, model)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))


def _attributes(parent: ET.Element, model: dict[str, Any]) -> None:
    for tag, element in model.items():
        made = ET.SubElement(parent, "DicomAttribute", tag=tag, vr=element["vr"])
        if "BulkDataURI" in element:
            ET.SubElement(made, "BulkData", uri=element["BulkDataURI"])
        for number, one in enumerate(element.get("Value", ()), start=1):
            if element["vr"] == "SQ":
                _attributes(ET.SubElement(made, "Item", number=str(number)), one)
            elif element["vr"] == "PN":
                name = ET.SubElement(made, "PersonName", number=str(number))
                for group, text in one.items():
                    within = ET.SubElement(name, group)
                    for part, word in zip(("FamilyName", "GivenName"), text.split("^"), strict=False):
                        ET.SubElement(within, part).text = word
            else:
                ET.SubElement(made, "Value", number=str(number)).text = str(one)


def _expect_same(server: Server, place: str, ds: pydicom.Dataset) -> None:
    kept = pydicom.dcmread(BytesIO(file_at(server, place)))
    expect(kept.PixelData == ds.PixelData, "the pixels are others")
    expect(kept.PatientName == ds.PatientName, f"the name is {kept.PatientName}")
