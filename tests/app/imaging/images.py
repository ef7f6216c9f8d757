"""Real images, from pydicom's own test files, and requests that send and ask for them."""

import warnings
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pydicom
import pydicom.data
from pydicom.uid import MPEG4HP41, DeflatedExplicitVRLittleEndian

from app.imaging.undescribed.describe import describe_now
from app.imaging.undescribed.note import due
from tests.world import World

FILES = Path(pydicom.data.__file__).parent
CT, MR, J2K = "test_files/CT_small.dcm", "test_files/MR_small.dcm", "test_files/JPEG2000.dcm"
RLE, RLE_2_FRAMES = "test_files/MR_small_RLE.dcm", "test_files/SC_rgb_rle_2frame.dcm"
MULTI_FRAME, DEFLATED, BIG_ENDIAN = (
    "test_files/examples_ybr_color.dcm",
    "test_files/image_dfl.dcm",
    "test_files/MR_small_bigendian.dcm",
)
CHR_H31, CHR_H32 = "charset_files/chrH31.dcm", "charset_files/chrH32.dcm"
REPORT, TRUNCATED = "test_files/test-SR.dcm", "test_files/MR_truncated.dcm"


def a_file(name: str = CT, **values: Any) -> bytes:
    """Return a file as it is, or with other values."""
    data = (FILES / name).read_bytes()
    if not values:
        return data
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ds = pydicom.dcmread(BytesIO(data), force=True)
        for keyword, value in values.items():
            setattr(ds, keyword, value)
        if "SOPInstanceUID" in values:
            ds.file_meta.MediaStorageSOPInstanceUID = values["SOPInstanceUID"]
        out = BytesIO()
        ds.save_as(out, enforce_file_format=True)
    return out.getvalue()


def a_video() -> bytes:
    """Return a file that says its pixels are MPEG-4."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ds = pydicom.dcmread(FILES / J2K)
        ds.file_meta.TransferSyntaxUID = MPEG4HP41
        out = BytesIO()
        ds.save_as(out, enforce_file_format=True)
    return out.getvalue()


def a_deflated_report() -> bytes:
    """Return a deflated file without pixels that claims to have a frame."""
    ds = pydicom.dcmread(FILES / CT)
    del ds.PixelData
    ds.NumberOfFrames = 1
    ds.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    out = BytesIO()
    ds.save_as(out, enforce_file_format=True)
    return out.getvalue()


def uids(data: bytes) -> tuple[str, str, str]:
    """Return study, series and instance UID."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ds = pydicom.dcmread(BytesIO(data), stop_before_pixels=True)
    return str(ds.StudyInstanceUID), str(ds.SeriesInstanceUID), str(ds.SOPInstanceUID)


def address(data: bytes) -> str:
    """Return the instance's address below the DICOMweb root."""
    study, series, instance = uids(data)
    return f"/dicomweb/studies/{study}/series/{series}/instances/{instance}"


async def described_all(world: World) -> None:
    """Have each study described that has grown a moment ago, as some seconds later it is."""
    for one in await due(world.hub.database.reader, world.hub.clock(), most=1000):
        await describe_now(world.hub, one.custodian, [one.study_instance_uid])


def a_body(*parts: bytes, boundary: str = "b0undary") -> bytes:
    """Return a multipart/related body."""
    head = f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode()
    return b"".join(head + part + b"\r\n" for part in parts) + f"--{boundary}--\r\n".encode()


async def send(world: World, caller: dict[str, str], *parts: bytes, study: str = "", **headers: str) -> httpx.Response:
    """Store files and return the answer."""
    place = f"/dicomweb/studies/{study}" if study else "/dicomweb/studies"
    kind = {"content-type": 'multipart/related; type="application/dicom"; boundary=b0undary'}
    return await world.http.post(place, headers={**caller, **kind, **headers}, content=a_body(*parts))


async def stored(world: World, caller: dict[str, str], *parts: bytes) -> None:
    """Store files, all of which must be taken."""
    response = await send(world, caller, *parts)
    assert response.status_code == 200, response.text


def parts_of(response: httpx.Response) -> list[tuple[str, bytes]]:
    """Return content type and content of each part of an answer."""
    boundary = response.headers["content-type"].partition("boundary=")[2].encode()
    found = []
    for piece in response.content.split(b"\r\n--" + boundary)[1:-1]:
        head, _, content = piece.partition(b"\r\n\r\n")
        fields = dict(line.split(b": ", 1) for line in head.split(b"\r\n") if line)
        assert int(fields[b"Content-Length"]) == len(content)
        found.append((fields[b"Content-Type"].decode(), content))
    return found
