"""STOW-RS of metadata with bulk data, and of one file alone."""

import base64
import json
import warnings
from io import BytesIO
from typing import Any

import httpx
import numpy as np
import pydicom
import pytest

from app.imaging import apart
from dicom.json_model import render
from dicom.part10 import read_instance
from dicom.xml_model import from_xml, to_xml
from tests.app.imaging.images import CT, J2K, REPORT, a_file, address, send, stored, uids
from tests.world import World

pytestmark = pytest.mark.anyio

PIXELS = "http://sender.example/pixels"
Part = tuple[str, str, bytes]
"""Content type, location, content."""


def a_model(name: str = CT, **values: Any) -> dict[str, Any]:
    """Return the DICOM JSON of a file, with its pixels beside it and without its other bulk data."""
    model = json.loads(render(read_instance(a_file(name, **values))))
    model = {tag: one for tag, one in model.items() if "BulkDataURI" not in one or tag == "7FE00010"}
    if "7FE00010" in model:
        model["7FE00010"]["BulkDataURI"] = PIXELS
    return dict(model)


async def sent(world: World, caller: dict[str, str], *parts: Part, kind: str = "json", **more: str) -> httpx.Response:
    body = b"".join(
        f"\r\n--b\r\nContent-Type: {type_}\r\nContent-Location: {place}\r\n\r\n".encode() + content
        for type_, place, content in parts
    )
    headers = {"content-type": f'multipart/related; type="application/dicom+{kind}"; boundary=b', **more}
    return await world.http.post("/dicomweb/studies", headers=caller | headers, content=body + b"\r\n--b--\r\n")


def as_json(*models: dict[str, Any]) -> Part:
    return "application/dicom+json", "", json.dumps(models).encode()


def pixels(name: str = CT, kind: str = "application/octet-stream", place: str = PIXELS) -> Part:
    ds = pydicom.dcmread(BytesIO(a_file(name)))
    data = ds.PixelData
    if ds.file_meta.TransferSyntaxUID.is_encapsulated:
        data = next(pydicom.encaps.generate_frames(data, number_of_frames=1))
    return kind, place, data


@pytest.mark.parametrize("kind", ["json", "xml"])
async def test_metadata_and_bulk_data_become_a_file(world: World, kind: str) -> None:
    hospital = await world.client("hospital-a")
    model = a_model(PatientName="Yamada^Tarou=山田^太郎=やまだ^たろう", SpecificCharacterSet="ISO_IR 192")
    first = as_json(model) if kind == "json" else ("application/dicom+xml", "", to_xml(model))

    response = await sent(world, hospital, first, pixels(), kind=kind)
    again = await sent(world, hospital, pixels(), first, kind=kind)

    assert (response.status_code, again.status_code) == (200, 200), response.text
    answer = await world.http.get(address(a_file(CT)), headers=hospital | {"accept": "application/dicom"})
    got, original = pydicom.dcmread(BytesIO(answer.content)), pydicom.dcmread(BytesIO(a_file(CT)))
    assert got.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
    assert str(got.PatientName) == "Yamada^Tarou=山田^太郎=やまだ^たろう"
    assert np.array_equal(got.pixel_array, original.pixel_array)
    differ = {f"{one.tag:08X}" for one in original if one.tag not in got or got[one.tag].value != one.value}
    # The name and its character set are this test's; private bulk data was left out, padding is no part of the JSON.
    assert {tag for tag in differ if not tag.endswith("0000")} == {"00080005", "00100010", "00431029", "FFFCFFFC"}


async def test_compressed_frames_are_kept_as_they_came(world: World) -> None:
    hospital = await world.client("hospital-a")
    kind = "image/jp2; transfer-syntax=1.2.840.10008.1.2.4.91"

    response = await sent(world, hospital, as_json(a_model(J2K)), pixels(J2K, kind))

    assert response.status_code == 200, response.text
    answer = await world.http.get(address(a_file(J2K)), headers=hospital | {"accept": "application/dicom"})
    got, original = (pydicom.dcmread(BytesIO(one)) for one in (answer.content, a_file(J2K)))
    assert got.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.4.91"
    assert np.array_equal(got.pixel_array, original.pixel_array)


async def test_each_instance_has_its_own_answer(world: World) -> None:
    hospital = await world.client("hospital-a")
    good, other = a_model(), a_model(SOPInstanceUID="1.2.3.4")
    other["7FE00010"]["BulkDataURI"] = "http://169.254.169.254/latest"

    response = await sent(world, hospital, as_json(good, other, {"00100020": {"vr": "LO"}}), pixels())

    assert response.status_code == 202
    assert len(response.json()["00081199"]["Value"]) == 1
    missing, nameless = response.json()["00081198"]["Value"]
    assert missing["00081155"]["Value"] == ["1.2.3.4"]
    assert missing["00081197"]["Value"] == [0xC000]
    assert missing["00000902"]["Value"] == ["the bulk data of 7FE00010 is not in the request"]
    assert "Value" not in nameless["00081155"]


_ELEMENTS = [
    {"vr": "US", "Value": ["x"]},
    {"vr": "US", "Value": [70000]},
    {"vr": "ZZ", "Value": [1]},
    {"vr": "OB", "InlineBinary": "!"},
    {"vr": "OB", "Value": [1]},
    {"vr": "SQ", "Value": [1]},
    {"vr": "SQ", "Value": "x"},
    {"vr": "LO", "Value": [{}]},
    {"vr": "LO", "Value": ["x" * 70_000]},
    {"vr": "AT", "Value": ["zz"]},
    {"Value": [1]},
    [],
]


async def test_an_element_that_cannot_be_written_is_a_failure_of_its_instance(world: World) -> None:
    hospital = await world.client("hospital-a")

    for element in _ELEMENTS:
        model = a_model() | {"00091001": element}

        response = await sent(world, hospital, as_json(model), pixels())

        assert response.status_code == 409
        (failed,) = response.json()["00081198"]["Value"]
        assert failed["00081155"]["Value"] == [model["00080018"]["Value"][0]]


async def test_an_address_that_is_no_text_is_a_failure_of_its_instance(world: World) -> None:
    hospital = await world.client("hospital-a")
    other = a_model(SOPInstanceUID="1.2.3.4")
    other["7FE00010"]["BulkDataURI"] = [PIXELS]

    response = await sent(world, hospital, as_json(a_model(), other), pixels())

    assert response.status_code == 202
    (failed,) = response.json()["00081198"]["Value"]
    assert failed["00081155"]["Value"] == ["1.2.3.4"]


@pytest.mark.parametrize("limit", ["instance_bytes", "stow_bytes"])
async def test_bulk_data_that_is_named_again_and_again_fills_no_disk(world: World, limit: str) -> None:
    hospital = await world.client("hospital-a")
    world.hub.settings = world.hub.settings.model_copy(update={limit: 100_000})
    swollen = a_model(SOPInstanceUID="1.2.3.4")
    swollen |= {f"0043{number:04X}": {"vr": "OB", "BulkDataURI": PIXELS} for number in range(0x1001, 0x1004)}

    response = await sent(world, hospital, as_json(a_model(), swollen), pixels())

    assert response.status_code == 202, response.text
    (failed,) = response.json()["00081198"]["Value"]
    assert failed["00081155"]["Value"] == ["1.2.3.4"]
    assert failed["00000902"]["Value"] == ["the instance is longer than is allowed"]


async def test_metadata_of_too_many_instances_are_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    hospital = await world.client("hospital-a")
    monkeypatch.setattr(apart, "MOST_PARTS", 2)

    response = await sent(world, hospital, as_json({}, {}, {}))

    assert response.status_code == 413


_UNREADABLE = [
    ("json", b"[1]"),
    ("json", b"{"),
    ("json", b"[" * 5000),
    ("xml", b"<a/>"),
    ("xml", b"<NativeDicomModel"),
    ("xml", b'<!DOCTYPE a [<!ENTITY b "c">]><NativeDicomModel>&b;</NativeDicomModel>'),
    ("xml", b"<NativeDicomModel>" + b"<Item>" * 5000),
    ("xml", b'<NativeDicomModel><DicomAttribute tag="x" vr="LO"/></NativeDicomModel>'),
]


async def test_metadata_that_cannot_be_read_is_refused_as_a_whole(world: World) -> None:
    hospital = await world.client("hospital-a")

    for kind, content in _UNREADABLE:
        response = await sent(world, hospital, (f"application/dicom+{kind}", "", content), kind=kind)

        assert response.status_code == 400
        assert (await world.http.get("/dicomweb/studies", headers=hospital)).json() == []


async def test_a_report_needs_no_bulk_data_and_inline_binary_is_written(world: World) -> None:
    hospital = await world.client("hospital-a")
    model = a_model(REPORT, PatientID="1")
    model |= {"00091001": {"vr": "OB", "InlineBinary": base64.b64encode(b"abc").decode()}}

    response = await sent(world, hospital, as_json(model))

    assert response.status_code == 200, response.text
    place = address(a_file(REPORT, PatientID="1"))
    (found,) = (await world.http.get(f"{place}/metadata", headers=hospital)).json()
    assert base64.b64decode(found["00091001"]["InlineBinary"]) == b"abc\0"
    expected = {tag: one for tag, one in model.items() if tag != "00091001"}
    assert {tag: one for tag, one in found.items() if tag in expected and tag != "00080005"} == {
        tag: one for tag, one in expected.items() if tag != "00080005"
    }


async def test_one_file_is_stored_alone(world: World) -> None:
    hospital = await world.client("hospital-a")
    kind = {"content-type": "application/dicom"}
    study, _, _ = uids(a_file(CT))

    response = await world.http.post("/dicomweb/studies", headers=hospital | kind, content=a_file(CT))
    elsewhere = await world.http.post("/dicomweb/studies/1.2.3", headers=hospital | kind, content=a_file(J2K))
    broken = await world.http.post(f"/dicomweb/studies/{study}", headers=hospital | kind, content=b"DICM")

    assert (response.status_code, elsewhere.status_code, broken.status_code) == (200, 409, 409)
    answer = await world.http.get(address(a_file(CT)), headers=hospital | {"accept": "application/dicom"})
    assert answer.content == a_file(CT)


async def test_the_answer_is_given_as_xml(world: World) -> None:
    hospital = await world.client("hospital-a")

    xml = await send(world, hospital, a_file(CT), b"DICM", accept="application/dicom+xml")
    plain = await send(world, hospital, a_file(CT), b"DICM")

    assert (xml.status_code, xml.headers["content-type"]) == (202, "application/dicom+xml")
    assert from_xml(xml.content) == plain.json()


async def test_an_image_without_pixels_is_stored_with_a_warning(world: World) -> None:
    hospital = await world.client("hospital-a")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ds = pydicom.dcmread(BytesIO(a_file(CT)))
        del ds.PixelData
        out = BytesIO()
        ds.save_as(out)

    response = await send(world, hospital, out.getvalue())

    assert response.status_code == 202
    (item,) = response.json()["00081199"]["Value"]
    assert item["00081196"]["Value"] == [0xB007]
    await stored(world, hospital, a_file(J2K))
