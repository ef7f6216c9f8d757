"""The forms in which WADO-RS gives things: transfer syntaxes, ranges, XML, all bulk data, pictures at every level."""

from io import BytesIO

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.uid import JPEG2000Lossless

from dicom.phantom import CR, Patient, Study, instances
from dicom.xml_model import from_xml
from tests.app.imaging.images import (
    CT,
    J2K,
    MULTI_FRAME,
    REPORT,
    a_file,
    a_video,
    address,
    parts_of,
    send,
    stored,
    uids,
)
from tests.world import World

pytestmark = pytest.mark.anyio

PREFIX = "1.2.840.10008.1.2"


def a_broken_picture(**values: object) -> bytes:
    """Return an image of the CT's series whose code stream is none."""
    dataset = pydicom.dcmread(BytesIO(a_file(CT, SOPInstanceUID="1.2.3", **values)))
    dataset.PixelData = encapsulate([b"no code stream"])
    dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.TransferSyntaxUID = JPEG2000Lossless
    out = BytesIO()
    dataset.save_as(out)
    return out.getvalue()


_LOSSLESS = ["", ".1", ".1.99", ".5", ".4.70", ".4.80", ".4.90", ".4.201"]


async def test_an_instance_is_given_in_every_lossless_syntax(world: World) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, a_file(J2K))

    for syntax in _LOSSLESS:
        accept = (
            f'application/dicom; transfer-syntax={PREFIX}.4.999, application/dicom; transfer-syntax="{PREFIX}{syntax}"'
        )

        response = await world.http.get(address(a_file(J2K)), headers=hospital | {"accept": accept})

        assert response.headers["content-type"] == f"application/dicom; transfer-syntax={PREFIX}{syntax}"
        assert pydicom.dcmread(BytesIO(response.content)).file_meta.TransferSyntaxUID == PREFIX + syntax


async def test_the_best_liked_syntax_is_given(world: World) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, a_file(CT))

    async def syntax(accept: str) -> str:
        response = await world.http.get(address(a_file(CT)), headers=hospital | {"accept": accept})
        return response.headers["content-type"].rpartition("=")[2]

    ls, rle, baseline = f"{PREFIX}.4.80", f"{PREFIX}.5", f"{PREFIX}.4.50"
    kind = "application/dicom; transfer-syntax="
    assert await syntax(f"{kind}{ls}; q=0.5, {kind}{rle}; q=0.9") == rle
    assert await syntax(f"{kind}{ls}, {kind}{rle}") == ls
    assert await syntax(f"{kind}*; q=0.1, {kind}{rle}") == rle
    refused = await world.http.get(address(a_file(CT)), headers=hospital | {"accept": kind + baseline})
    assert refused.status_code == 406


async def test_reports_and_images_of_a_study_are_compressed_as_far_as_they_can_be(world: World) -> None:
    hospital = await world.client("hospital-a")
    study, _, _ = uids(a_file(CT))
    await stored(world, hospital, a_file(CT), a_file(REPORT, PatientID="1CT1", StudyInstanceUID=study))
    accept = f'multipart/related; type="application/dicom"; transfer-syntax={PREFIX}.4.201'

    parts = parts_of(await world.http.get(f"/dicomweb/studies/{study}", headers=hospital | {"accept": accept}))

    kinds = {kind.rpartition("=")[2] for kind, _ in parts}
    assert kinds == {f"{PREFIX}.4.201", f"{PREFIX}.1"}


_FRAMES = [
    ("image/jls", f"image/jls; transfer-syntax={PREFIX}.4.80"),
    ("image/jpeg", f"image/jpeg; transfer-syntax={PREFIX}.4.70"),
    ("image/jphc", f"image/jphc; transfer-syntax={PREFIX}.4.201"),
    ("image/jp2", f"image/jp2; transfer-syntax={PREFIX}.4.90"),
    ("image/dicom-rle", f"image/dicom-rle; transfer-syntax={PREFIX}.5"),
    ("application/octet-stream", f"application/octet-stream; transfer-syntax={PREFIX}.1"),
    (f"application/octet-stream; transfer-syntax={PREFIX}", f"application/octet-stream; transfer-syntax={PREFIX}"),
]


async def test_a_frame_is_given_alone_or_in_parts(world: World) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, a_file(CT))

    for accept, kind in _FRAMES:
        name, _, more = accept.partition(";")
        parts = f'multipart/related; type="{name}"' + (f";{more}" if more else "")

        alone = await world.http.get(f"{address(a_file(CT))}/frames/1", headers=hospital | {"accept": accept})
        within = await world.http.get(f"{address(a_file(CT))}/frames/1", headers=hospital | {"accept": parts})

        assert (alone.status_code, alone.headers["content-type"]) == (200, kind)
        assert parts_of(within) == [(kind, alone.content)]


async def test_ranges_of_what_is_in_one_piece(world: World) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, a_file(CT))
    whole = a_file(CT)
    pixels = pydicom.dcmread(BytesIO(whole)).PixelData
    places = {
        address(whole): ("application/dicom", whole),
        f"{address(whole)}/frames/1": ("application/octet-stream", pixels),
        f"{address(whole)}/bulkdata/7FE00010": ("application/octet-stream", pixels),
    }

    for place, (kind, content) in places.items():
        size = len(content)

        async def asked(range_: str, place: str = place, kind: str = kind, **more: str) -> tuple[int, bytes, str]:
            answer = await world.http.get(place, headers=hospital | {"accept": kind, "range": range_} | more)
            return answer.status_code, answer.content, answer.headers.get("content-range", "")

        assert await asked("bytes=10-19") == (206, content[10:20], f"bytes 10-19/{size}")
        assert await asked("bytes=-5") == (206, content[-5:], f"bytes {size - 5}-{size - 1}/{size}")
        assert await asked(f"bytes={size - 2}-") == (206, content[-2:], f"bytes {size - 2}-{size - 1}/{size}")
        assert await asked("bytes=0-9999999999") == (206, content, f"bytes 0-{size - 1}/{size}")
        for ignored in ("bytes=5-2", "bytes=0-1,3-4", "octets=1-2", "bytes=-", "bytes=a-b"):
            assert (await asked(ignored))[:2] == (200, content)
        assert (await asked("bytes=0-1", **{"if-range": '"other"'}))[:2] == (200, content)
        status, _, told = await asked(f"bytes={size}-")
        assert (status, told) == (416, f"bytes */{size}")
        assert (await asked("bytes=-0"))[0] == 416
        head = await world.http.head(place, headers=hospital | {"accept": kind})
        assert (head.headers["accept-ranges"], head.headers["content-length"]) == ("bytes", str(size))


async def test_metadata_as_xml_says_what_the_json_says(world: World) -> None:
    hospital = await world.client("hospital-a")
    data = a_file(REPORT, PatientID="1")
    await stored(world, hospital, data)
    xml = hospital | {"accept": 'multipart/related; type="application/dicom+xml"'}

    for place in (address(data), f"/dicomweb/studies/{uids(data)[0]}"):
        answer = await world.http.get(f"{place}/metadata", headers=xml)
        ((kind, part),) = parts_of(answer)
        assert kind == "application/dicom+xml"
        plain = (await world.http.get(f"{place}/metadata", headers=hospital)).json()
        assert from_xml(part) == plain[0]
        again = await world.http.get(f"{place}/metadata", headers=xml | {"if-none-match": answer.headers["etag"]})
        assert again.status_code == 304
    alone = await world.http.get(f"{address(data)}/metadata", headers=hospital | {"accept": "application/dicom+xml"})
    assert from_xml(alone.content) == plain[0]


async def test_all_bulk_data_and_all_pixel_data_come_in_parts_with_their_addresses(world: World) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, a_file(CT), a_file(MULTI_FRAME))
    study, series, _ = uids(a_file(CT))

    for place in (f"/dicomweb/studies/{study}", f"/dicomweb/studies/{study}/series/{series}", address(a_file(CT))):
        bulk = await world.http.get(f"{place}/bulkdata", headers=hospital)
        assert len(parts_of(bulk)) == 2
        (found,) = (await world.http.get(f"{place}/metadata", headers=hospital)).json()
        uris = [one["BulkDataURI"] for one in found.values() if "BulkDataURI" in one]
        assert [f"Content-Location: {uri}\r\n".encode() in bulk.content for uri in uris] == [True, True]
        pixels = await world.http.get(f"{place}/pixeldata", headers=hospital)
        assert parts_of(pixels)[0][1] == pydicom.dcmread(BytesIO(a_file(CT))).PixelData
        assert f"{address(a_file(CT))}/frames/1\r\n".encode() in pixels.content
    movie = await world.http.get(f"{address(a_file(MULTI_FRAME))}/pixeldata", headers=hospital)
    assert len(parts_of(movie)) == 30


async def test_pictures_of_a_series_a_study_and_several_frames(world: World) -> None:
    hospital = await world.client("hospital-a")
    person = Patient("0001", "Yamada^Tarou=山田^太郎=やまだ^たろう", "19600102", "M")
    slices = list(instances(Study(1, person, CR, slices=3, edge=32)))
    study, series, _ = uids(slices[0])
    report = a_file(REPORT, PatientID="0001", StudyInstanceUID=study)
    await stored(world, hospital, *slices, report, a_file(MULTI_FRAME))

    for place in (f"/dicomweb/studies/{study}", f"/dicomweb/studies/{study}/series/{series}"):
        several = await world.http.get(f"{place}/rendered", headers=hospital)
        one = await world.http.get(f"{place}/rendered", headers=hospital | {"accept": "image/png"})
        assert [kind for kind, _ in parts_of(several)] == ["image/jpeg"] * 3
        assert f"/instances/{uids(slices[2])[2]}/frames/1/rendered".encode() in several.content
        middle = await world.http.get(f"{address(slices[1])}/rendered", headers=hospital | {"accept": "image/png"})
        assert one.content == middle.content
    frames = await world.http.get(
        f"{address(a_file(MULTI_FRAME))}/frames/1,3/rendered",
        headers=hospital | {"accept": 'multipart/related; type="image/png"'},
    )
    assert [Image.open(BytesIO(part)).size for _, part in parts_of(frames)] == [(320, 240)] * 2
    nothing = await world.http.get(f"{address(report)}/rendered", headers=hospital)
    assert nothing.status_code == 404


@pytest.mark.parametrize("place", ["first", "last"])
async def test_of_a_series_what_can_be_shown_is_shown(world: World, place: str) -> None:
    hospital = await world.client("hospital-a")
    broken = a_broken_picture(InstanceNumber=0 if place == "first" else 99)
    await stored(world, hospital, broken, a_file(CT))
    series = "/dicomweb/studies/{}/series/{}".format(*uids(broken))

    several = await world.http.get(f"{series}/rendered", headers=hospital)
    alone = await world.http.get(f"{address(broken)}/rendered", headers=hospital)

    assert alone.status_code == 406
    assert several.status_code == 200
    assert len(parts_of(several)) == 1
    assert f"/instances/{uids(a_file(CT))[2]}/frames/1/rendered".encode() in several.content


async def test_pixels_that_cannot_be_given_so_are_refused_before_the_answer_begins(world: World) -> None:
    hospital = await world.client("hospital-a")
    broken = a_broken_picture()
    await stored(world, hospital, broken)
    plain = {"accept": f'multipart/related; type="application/octet-stream"; transfer-syntax={PREFIX}.1'}

    for place in (address(broken), "/dicomweb/studies/{}".format(*uids(broken))):
        answer = await world.http.get(f"{place}/pixeldata", headers=hospital | plain)

        assert answer.status_code == 406


async def test_a_report_without_bulk_data_says_so(world: World) -> None:
    hospital = await world.client("hospital-a")
    report = a_file(REPORT, PatientID="A")
    await stored(world, hospital, report)

    for place in (address(report), "/dicomweb/studies/{}".format(*uids(report))):
        answer = await world.http.get(f"{place}/bulkdata", headers=hospital)

        assert answer.status_code == 404
        assert "no bulk data" in answer.json()["issue"][0]["diagnostics"]


async def test_a_viewport_cuts_out_turns_over_and_scales(world: World) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, a_file(CT))
    png = hospital | {"accept": "image/png"}

    async def picture(query: str) -> np.ndarray:
        response = await world.http.get(f"{address(a_file(CT))}/rendered?{query}", headers=png)
        assert response.status_code == 200, response.text
        return np.asarray(Image.open(BytesIO(response.content)))

    whole = await picture("window=40,400,linear")
    assert np.array_equal(await picture("window=40,400,linear&viewport=64,64,10,20,64,32"), whole[20:52, 10:74])
    assert np.array_equal(
        await picture("window=40,400,linear&viewport=64,64,10,20,-64,-32"), whole[20:52, 10:74][::-1, ::-1]
    )
    assert np.array_equal(await picture("window=40,400,linear&viewport=200,200,100,,,"), whole[:, 100:])
    assert (await picture("viewport=64,16")).shape == (16, 16)
    outside = await world.http.get(f"{address(a_file(CT))}/rendered?viewport=9,9,500,500,10,10", headers=png)
    assert outside.status_code == 406


async def test_annotation_is_written_into_the_picture(world: World) -> None:
    hospital = await world.client("hospital-a")
    person = Patient("0001", "=山田^太郎=やまだ^たろう", "19600102", "M")
    data = next(instances(Study(1, person, CR, edge=256)))
    await stored(world, hospital, data)

    async def picture(query: str) -> np.ndarray:
        answer = await world.http.get(f"{address(data)}/rendered{query}", headers=hospital | {"accept": "image/png"})
        return np.asarray(Image.open(BytesIO(answer.content))).astype(int)

    plain, patient, both = [
        await picture(query) for query in ("", "?annotation=patient", "?annotation=patient,technique")
    ]

    assert (patient != plain)[:64, :128].any()
    assert not (patient != plain)[:, 192:].any()
    assert (both != plain)[:64, 192:].any()
    assert not (both != plain)[128:].any()


_WRONG = ["annotation=name", "iccprofile=srgb", "viewport=1,1,-5,0,1,1", "viewport=1,1,0,0,0,1", "viewport=1,1,a,0,1,1"]


async def test_a_wrong_parameter_of_a_picture_is_refused(world: World) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, a_file(CT))

    for query in _WRONG:
        response = await world.http.get(f"{address(a_file(CT))}/rendered?{query}", headers=hospital)

        assert (response.status_code, response.json()["issue"][0]["severity"]) == (400, "error")
        small = await world.http.get(f"{address(a_file(CT))}/thumbnail?viewport=9,9,0,0,5,5", headers=hospital)
        assert small.status_code == 400


async def test_videos_are_neither_transcoded_nor_shown(world: World) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, a_video())
    accept = {"accept": f"application/dicom; transfer-syntax={PREFIX}.5"}

    assert (await world.http.get(address(a_video()), headers=hospital | accept)).status_code == 406
    frame = await world.http.get(f"{address(a_video())}/frames/1", headers=hospital | {"accept": "video/mp4"})
    assert frame.headers["content-type"] == f"video/mp4; transfer-syntax={PREFIX}.4.102"


@pytest.mark.parametrize("first", [True, False])
async def test_what_has_not_the_frames_that_it_names_spoils_nothing(world: World, first: bool) -> None:
    hospital = await world.client("hospital-a")
    dataset = pydicom.dcmread(BytesIO(a_file(CT, SOPInstanceUID="1.2.3", NumberOfFrames=1)))
    del dataset.PixelData
    dataset.InstanceNumber = 0 if first else 99
    out = BytesIO()
    dataset.save_as(out)
    await send(world, hospital, out.getvalue(), a_file(CT))
    study, series, _ = uids(a_file(CT))
    place = f"/dicomweb/studies/{study}/series/{series}"

    answers = [await world.http.get(f"{place}/{door}", headers=hospital) for door in ("pixeldata", "rendered")]
    alone = [
        await world.http.get(f"{place}/instances/1.2.3/{door}", headers=hospital) for door in ("pixeldata", "rendered")
    ]

    assert [one.status_code for one in answers] == [200, 200]
    assert [len(parts_of(one)) for one in answers] == [1, 1]
    assert [one.status_code for one in alone] == [404, 404]
