import gzip
from io import BytesIO

import numpy as np
import pydicom
import pytest
from PIL import Image

from tests.app.imaging.images import (
    BIG_ENDIAN,
    CT,
    DEFLATED,
    FILES,
    J2K,
    MR,
    MULTI_FRAME,
    REPORT,
    RLE,
    RLE_2_FRAMES,
    a_file,
    address,
    parts_of,
    stored,
    uids,
)
from tests.world import World

pytestmark = pytest.mark.anyio

EXPLICIT = "1.2.840.10008.1.2.1"
OCTETS = 'multipart/related; type="application/octet-stream"'


async def test_a_study_is_given_part_by_part_as_it_is_stored(world: World) -> None:
    hospital = await world.client("hospital-a")
    files = [a_file(CT), a_file(CT, SOPInstanceUID="1.2.3.4", InstanceNumber=2)]
    await stored(world, hospital, *files)
    study, series, _ = uids(files[0])

    for place in (f"/dicomweb/studies/{study}", f"/dicomweb/studies/{study}/series/{series}"):
        response = await world.http.get(place, headers=hospital)

        assert response.status_code == 200
        assert response.headers["content-type"].startswith('multipart/related; type="application/dicom"; boundary=')
        assert int(response.headers["content-length"]) == len(response.content)
        parts = parts_of(response)
        assert [kind for kind, _ in parts] == [f"application/dicom; transfer-syntax={EXPLICIT}"] * 2
        assert sorted(content for _, content in parts) == sorted(files)


@pytest.mark.parametrize("name", [J2K, RLE, RLE_2_FRAMES, BIG_ENDIAN, DEFLATED])
async def test_an_instance_is_transcoded_when_another_syntax_is_asked_for(world: World, name: str) -> None:
    hospital = await world.client("hospital-a")
    data = a_file(name, PatientID="1") if name == DEFLATED else a_file(name)
    await stored(world, hospital, data)
    accept = {"accept": f'multipart/related; type="application/dicom"; transfer-syntax={EXPLICIT}'}

    response = await world.http.get(address(data), headers=hospital | accept)

    ((kind, content),) = parts_of(response)
    assert kind == f"application/dicom; transfer-syntax={EXPLICIT}"
    got, sent = pydicom.dcmread(BytesIO(content)), pydicom.dcmread(BytesIO(data))
    assert got.file_meta.TransferSyntaxUID == EXPLICIT
    assert np.array_equal(got.pixel_array, sent.pixel_array)


async def test_any_syntax_means_the_stored_one(world: World) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, a_file(J2K))
    accept = {"accept": 'multipart/related; type="application/dicom"; transfer-syntax=*'}

    response = await world.http.get(address(a_file(J2K)), headers=hospital | accept)

    assert parts_of(response)[0][1] == a_file(J2K)


async def test_a_form_that_cannot_be_given_is_not_acceptable(world: World) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, a_file(CT))

    for suffix, accept in (
        ("", "application/dicom+xml"),
        ("/metadata", 'multipart/related; type="application/dicom"'),
        ("/frames/1", "image/gif"),
        ("/rendered", "video/mp4"),
        ("/bulkdata/7FE00010", "text/plain"),
    ):
        response = await world.http.get(address(a_file(CT)) + suffix, headers=hospital | {"accept": accept})

        assert response.status_code == 406, suffix


async def test_metadata_leads_to_the_bulk_data(world: World) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, a_file(CT))
    study, series, _ = uids(a_file(CT))

    for place in (address(a_file(CT)), f"/dicomweb/studies/{study}/series/{series}", f"/dicomweb/studies/{study}"):
        (found,) = (await world.http.get(f"{place}/metadata", headers=hospital)).json()
        assert found["00100010"]["Value"] == [{"Alphabetic": "CompressedSamples^CT1"}]
        assert found["00080005"]["Value"] == ["ISO_IR 192"] if "00080005" in found else True

    uri = found["7FE00010"]["BulkDataURI"]
    assert uri == f"http://127.0.0.1:8080{address(a_file(CT))}/bulkdata/7FE00010"
    bulk = await world.http.get(uri, headers=hospital | {"accept": "application/octet-stream"})
    assert bulk.content == pydicom.dcmread(FILES / CT).PixelData
    parts = parts_of(await world.http.get(uri, headers=hospital))
    assert parts == [("application/octet-stream", bulk.content)]
    assert (await world.http.get(uri[:-1] + "9", headers=hospital)).status_code == 404


async def test_much_metadata_is_compressed(world: World) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, *(a_file(CT, SOPInstanceUID=f"1.2.3.{n}") for n in range(8)))
    study, _, _ = uids(a_file(CT))

    response = await world.http.get(f"/dicomweb/studies/{study}/metadata", headers=hospital)

    assert response.headers["content-encoding"] == "gzip"
    assert len(response.json()) == 8
    plain = await world.http.get(
        f"/dicomweb/studies/{study}/metadata", headers=hospital | {"accept-encoding": "identity"}
    )
    assert "content-encoding" not in plain.headers
    assert plain.json() == response.json()
    assert len(gzip.compress(plain.content, 1)) < len(plain.content) / 4


async def test_frames_are_given_as_stored_in_the_order_asked_for(world: World) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, a_file(MULTI_FRAME))

    response = await world.http.get(address(a_file(MULTI_FRAME)) + "/frames/30,1", headers=hospital)

    encapsulated = pydicom.encaps.generate_frames(pydicom.dcmread(FILES / MULTI_FRAME).PixelData, number_of_frames=30)
    frames = list(encapsulated)
    kind = "image/jpeg; transfer-syntax=1.2.840.10008.1.2.4.50"
    assert parts_of(response) == [(kind, frames[29]), (kind, frames[0])]


async def test_a_viewer_takes_compressed_frames_as_octets_when_it_names_a_syntax(world: World) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, a_file(J2K))
    place = address(a_file(J2K)) + "/frames/1"

    as_stored = await world.http.get(place, headers=hospital | {"accept": OCTETS + '; transfer-syntax="*"'})
    plain = await world.http.get(place, headers=hospital | {"accept": OCTETS})

    ((kind, content),) = parts_of(as_stored)
    assert kind == "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.4.91"
    assert content[:2] == b"\xff\x4f"
    ((kind, content),) = parts_of(plain)
    assert kind == f"application/octet-stream; transfer-syntax={EXPLICIT}"
    assert content == pydicom.dcmread(FILES / J2K).pixel_array.astype("<i2").tobytes()


@pytest.mark.parametrize("name", [CT, MR, BIG_ENDIAN, DEFLATED])
async def test_native_frames_are_little_endian(world: World, name: str) -> None:
    hospital = await world.client("hospital-a")
    data = a_file(name, PatientID="1")
    await stored(world, hospital, data)

    ((kind, content),) = parts_of(await world.http.get(address(data) + "/frames/1", headers=hospital))

    assert kind == f"application/octet-stream; transfer-syntax={EXPLICIT}"
    expected = pydicom.dcmread(BytesIO(data)).pixel_array
    assert content[: expected.nbytes] == expected.astype(expected.dtype.newbyteorder("<")).tobytes()


@pytest.mark.parametrize(
    ("frames", "status"), [("2", 404), ("0", 400), ("x", 400), ("1,", 400), ("1,2", 404), ("1;1", 400)]
)
async def test_a_frame_that_is_not_there_is_not_found(world: World, frames: str, status: int) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, a_file(CT))

    response = await world.http.get(f"{address(a_file(CT))}/frames/{frames}", headers=hospital)

    assert response.status_code == status


@pytest.mark.parametrize("name", [CT, J2K, RLE, MULTI_FRAME, DEFLATED])
async def test_an_instance_is_rendered_as_a_picture(world: World, name: str) -> None:
    hospital = await world.client("hospital-a")
    data = a_file(name, PatientID="1") if name == DEFLATED else a_file(name)
    await stored(world, hospital, data)
    place = address(data)
    ds = pydicom.dcmread(BytesIO(data))

    jpeg = await world.http.get(f"{place}/rendered", headers=hospital)
    png = await world.http.get(f"{place}/frames/1/rendered", headers=hospital | {"accept": "image/png"})
    small = await world.http.get(f"{place}/rendered?viewport=32,32&quality=50", headers=hospital)

    assert [one.headers["content-type"] for one in (jpeg, png, small)] == ["image/jpeg", "image/png", "image/jpeg"]
    sizes = [Image.open(BytesIO(one.content)).size for one in (jpeg, png, small)]
    assert sizes[:2] == [(ds.Columns, ds.Rows)] * 2
    assert max(sizes[2]) == 32


async def test_a_window_changes_what_is_seen(world: World) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, a_file(CT))
    place = f"{address(a_file(CT))}/rendered"
    png = hospital | {"accept": "image/png"}

    dark = await world.http.get(f"{place}?window=5000,10,linear", headers=png)
    light = await world.http.get(f"{place}?window=-5000,10,linear-exact", headers=png)

    assert np.asarray(Image.open(BytesIO(dark.content))).max() == 0
    assert np.asarray(Image.open(BytesIO(light.content))).min() == 255


@pytest.mark.parametrize(
    "query",
    [
        *("window=1", "window=1,0", "window=a,1", "window=1,nan", "window=1,1,log", "window=1,2,linear,4"),
        *("viewport=1", "viewport=0,0", "viewport=a,b", "viewport=1,1,0,0", "viewport=9999,9999"),
        *("quality=0", "quality=101", "quality=x", "quality="),
    ],
)
async def test_a_malformed_parameter_is_refused(world: World, query: str) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, a_file(CT))

    response = await world.http.get(f"{address(a_file(CT))}/rendered?{query}", headers=hospital)

    assert response.status_code == 400


async def test_thumbnails_show_the_middle_of_what_is_named(world: World) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, a_file(MULTI_FRAME))
    study, series, _ = uids(a_file(MULTI_FRAME))
    place = address(a_file(MULTI_FRAME))

    pictures = [
        await world.http.get(f"{one}/thumbnail", headers=hospital)
        for one in (place, f"/dicomweb/studies/{study}/series/{series}", f"/dicomweb/studies/{study}")
    ]
    sixteenth = await world.http.get(f"{place}/frames/16/thumbnail", headers=hospital)
    first = await world.http.get(f"{place}/frames/1/thumbnail", headers=hospital)

    assert {max(Image.open(BytesIO(one.content)).size) for one in pictures} == {160}
    assert {one.content for one in pictures} == {sixteenth.content}
    assert first.content != sixteenth.content
    alone = hospital | {"accept": "image/jpeg"}
    assert (await world.http.get(f"{place}/frames/1,2/rendered", headers=alone)).status_code == 406


async def test_what_has_no_pixels_is_not_rendered(world: World) -> None:
    hospital = await world.client("hospital-a")
    data = a_file(REPORT, PatientID="1")
    await stored(world, hospital, data)

    for suffix in ("/rendered", "/thumbnail", "/frames/1"):
        assert (await world.http.get(address(data) + suffix, headers=hospital)).status_code == 404
    assert (await world.http.get(address(data) + "/metadata", headers=hospital)).status_code == 200


async def test_damaged_pixels_are_not_acceptable_and_harm_nobody(world: World) -> None:
    hospital = await world.client("hospital-a")
    damaged = a_file(J2K).replace(b"\xff\x4f\xff\x51", b"\xff\x4f\xff\x77")
    await stored(world, hospital, damaged, a_file(CT))

    broken = await world.http.get(f"{address(damaged)}/rendered", headers=hospital)

    assert broken.status_code == 406
    assert (await world.http.get(f"{address(a_file(CT))}/rendered", headers=hospital)).status_code == 200


async def test_what_the_caller_has_is_not_sent_again(world: World) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, a_file(CT))

    for suffix in ("", "/metadata", "/frames/1", "/rendered", "/thumbnail", "/bulkdata/7FE00010"):
        first = await world.http.get(address(a_file(CT)) + suffix, headers=hospital)
        tag = first.headers["etag"]
        again = await world.http.get(address(a_file(CT)) + suffix, headers=hospital | {"if-none-match": f'"x", {tag}'})

        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)


async def test_head_tells_what_get_would_send(world: World) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, a_file(CT))

    for suffix in ("", "/frames/1"):
        head = await world.http.head(address(a_file(CT)) + suffix, headers=hospital)
        got = await world.http.get(address(a_file(CT)) + suffix, headers=hospital)

        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == str(len(got.content))


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/dicomweb/nothing", 404),
        ("GET", "/dicomweb/studies/1.2.3", 404),
        ("GET", "/dicomweb/studies/1.2.3/metadata", 404),
        ("GET", "/dicomweb/studies/..%2f..", 404),
        ("GET", "/dicomweb/studies/1.2.3/series/one", 400),
        ("DELETE", "/dicomweb/studies/1.2.3/metadata", 405),
        ("PUT", "/dicomweb/studies", 405),
    ],
)
async def test_an_address_that_means_nothing_is_refused(world: World, method: str, path: str, status: int) -> None:
    hospital = await world.client("hospital-a")

    response = await world.http.request(method, path, headers=hospital)

    assert response.status_code == status
    assert response.json()["resourceType"] == "OperationOutcome"


async def test_nobody_sees_anything_without_a_token(world: World) -> None:
    assert (await world.http.get("/dicomweb/studies")).status_code == 401
    assert (await world.http.post("/dicomweb/studies")).status_code == 401
