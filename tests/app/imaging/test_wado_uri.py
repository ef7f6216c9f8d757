"""WADO-URI: one instance by the parameters of a query."""

from io import BytesIO

import numpy as np
import pydicom
import pytest
from PIL import Image

from tests.app.imaging.images import CT, J2K, MULTI_FRAME, REPORT, a_file, stored, uids
from tests.world import World

pytestmark = pytest.mark.anyio


def place(data: bytes, more: str = "", root: str = "/wado") -> str:
    study, series, instance = uids(data)
    return f"{root}?requestType=WADO&studyUID={study}&seriesUID={series}&objectUID={instance}{more}"


async def test_an_image_is_a_picture_and_what_is_none_is_a_file(world: World) -> None:
    hospital = await world.client("hospital-a")
    files = [a_file(CT), a_file(REPORT, PatientID="1"), a_file(MULTI_FRAME)]
    await stored(world, hospital, *files)

    kinds = [(await world.http.get(place(one), headers=hospital)).headers["content-type"] for one in files]

    assert kinds[0] == "image/jpeg"
    assert [kind.partition(";")[0] for kind in kinds[1:]] == ["application/dicom"] * 2
    named = await world.http.get(place(files[0]), headers=hospital | {"accept": "image/png"})
    assert named.headers["content-type"] == "image/png"


async def test_what_a_browser_takes_of_everything_decides_nothing(world: World) -> None:
    hospital = await world.client("hospital-a")
    files = [a_file(CT), a_file(REPORT, PatientID="1"), a_file(MULTI_FRAME)]
    await stored(world, hospital, *files)
    browser = hospital | {"accept": "text/html,application/xhtml+xml,image/avif,*/*;q=0.8"}

    answers = [await world.http.get(place(one), headers=browser) for one in files]

    assert [one.status_code for one in answers] == [200, 200, 200]
    kinds = [one.headers["content-type"].partition(";")[0] for one in answers]
    assert kinds == ["image/jpeg", "application/dicom", "application/dicom"]


async def test_a_file_is_uncompressed_unless_its_syntax_is_named(world: World) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, a_file(J2K))

    async def syntax(more: str) -> str:
        response = await world.http.get(
            place(a_file(J2K), f"&contentType=application/dicom{more}", "/dicomweb/wado"), headers=hospital
        )
        assert response.status_code == 200, response.text
        return str(pydicom.dcmread(BytesIO(response.content)).file_meta.TransferSyntaxUID)

    assert await syntax("") == "1.2.840.10008.1.2.1"
    assert await syntax("&transferSyntax=*") == "1.2.840.10008.1.2.4.91"
    assert await syntax("&transferSyntax=1.2.840.10008.1.2.4.80") == "1.2.840.10008.1.2.4.80"


async def test_a_picture_is_windowed_scaled_and_cut_out(world: World) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, a_file(CT), a_file(MULTI_FRAME))

    async def picture(more: str, name: str = CT) -> Image.Image:
        response = await world.http.get(
            place(a_file(name), f"&contentType=image/png{more}"), headers=hospital | {"accept": "*/*"}
        )
        assert response.status_code == 200, response.text
        return Image.open(BytesIO(response.content))

    whole = await picture("&windowCenter=40&windowWidth=400")
    part = await picture("&windowCenter=40&windowWidth=400&region=0.25,0.5,0.75,1.0")
    assert np.array_equal(np.asarray(part), np.asarray(whole)[64:128, 32:96])
    assert (await picture("&rows=64&columns=32")).size == (32, 32)
    assert (await picture("&rows=64")).size == (64, 64)
    assert (await picture("&frameNumber=2", MULTI_FRAME)).size == (320, 240)


_REFUSED = [
    ("&anonymize=yes", 400),
    ("&presentationUID=1.2", 400),
    ("&region=0,0,2,2", 400),
    ("&region=0.5,0,0.1,1", 400),
    ("&region=a", 400),
    ("&rows=-1", 400),
    ("&windowCenter=1", 400),
    ("&imageQuality=0", 400),
    ("&frameNumber=7", 404),
    ("&contentType=video/mp4", 406),
    ("&contentType=application/dicom&transferSyntax=x", 400),
    ("&contentType=application/dicom&transferSyntax=1.2.3", 406),
]


async def test_what_cannot_be_given_is_refused_clearly(world: World) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, a_file(CT))

    for more, status in _REFUSED:
        response = await world.http.get(place(a_file(CT), more), headers=hospital)

        assert response.status_code == status
        assert response.json()["resourceType"] == "OperationOutcome"


_NEEDED = ["requestType=WADO", "studyUID=", "seriesUID=", "objectUID="]


async def test_every_uid_has_to_be_there(world: World) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, a_file(CT))

    for left_out in _NEEDED:
        response = await world.http.get(place(a_file(CT)).replace(left_out, "x="), headers=hospital)

        assert response.status_code == 400


async def test_the_hidden_is_not_there(world: World) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    await stored(world, hospital, a_file(CT))

    hidden = await world.http.get(place(a_file(CT)), headers=clinic)
    unknown = await world.http.get(place(a_file(J2K)), headers=clinic)

    assert (hidden.status_code, hidden.content) == (unknown.status_code, unknown.content)
    assert hidden.status_code == 404
    assert (await world.http.get(place(a_file(CT)))).status_code == 401
