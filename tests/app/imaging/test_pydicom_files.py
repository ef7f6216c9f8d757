"""Every file that comes with pydicom goes in by STOW-RS: it is stored, found, given back and shown, or has a reason."""

import subprocess
import warnings
from collections import Counter
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.pixels import apply_modality_lut, apply_voi_lut, pixel_array

from app.access import directory
from tests.app.imaging.images import FILES, a_file, address, parts_of, send
from tests.dicom.test_json_model import FILES as NAMES
from tests.world import World

pytestmark = pytest.mark.anyio

SITES = 8
"""Some files are variants of one instance: each variant is sent by a site that has none of them."""

NO_PREFIX = (0xC000, "not a DICOM Part 10 file: the prefix DICM is missing")
NO_PATIENT_ID = (0xA900, "the Patient ID is missing")
NO_SOP_CLASS = (0xA900, "the SOP Class UID is missing")
NO_STUDY = (0xA900, "the Study Instance UID is missing")
REFUSED = {
    "charset_files/chrSQEncoding.dcm": NO_SOP_CLASS,
    "charset_files/chrSQEncoding1.dcm": NO_SOP_CLASS,
    "test_files/ExplVR_BigEnd.dcm": NO_PATIENT_ID,
    "test_files/ExplVR_BigEndNoMeta.dcm": NO_PREFIX,
    "test_files/ExplVR_LitEndNoMeta.dcm": NO_PREFIX,
    "test_files/GDCMJ2K_TextGBR.dcm": NO_PATIENT_ID,
    "test_files/JPEGLSNearLossless_08.dcm": NO_STUDY,
    "test_files/JPEGLSNearLossless_16.dcm": NO_STUDY,
    "test_files/MR_truncated.dcm": (0xC000, "the element 7FE00010 is longer than what is left of the data set"),
    "test_files/SC_jpeg_no_color_transform.dcm": NO_PATIENT_ID,
    "test_files/SC_jpeg_no_color_transform_2.dcm": NO_PATIENT_ID,
    "test_files/SC_rgb_jls_lossy_line.dcm": NO_STUDY,
    "test_files/SC_rgb_jls_lossy_sample.dcm": NO_STUDY,
    "test_files/SC_rgb_jpeg.dcm": NO_PATIENT_ID,
    "test_files/SC_rgb_jpeg_app14_dcmd.dcm": NO_PATIENT_ID,
    "test_files/SC_rgb_jpeg_dcmd.dcm": NO_PATIENT_ID,
    "test_files/UN_sequence.dcm": NO_SOP_CLASS,
    "test_files/badVR.dcm": (0xA900, "the pixel data has 6000 bytes where 400 are described"),
    "test_files/dicomdirtests/DICOMDIR": NO_SOP_CLASS,
    "test_files/dicomdirtests/DICOMDIR-bigEnd": NO_SOP_CLASS,
    "test_files/dicomdirtests/DICOMDIR-empty.dcm": NO_SOP_CLASS,
    "test_files/dicomdirtests/DICOMDIR-implicit": NO_SOP_CLASS,
    "test_files/dicomdirtests/DICOMDIR-nooffset": (0xC000, "an item is longer than its sequence"),
    "test_files/dicomdirtests/DICOMDIR-nopatient": NO_SOP_CLASS,
    "test_files/dicomdirtests/DICOMDIR-reordered": NO_SOP_CLASS,
    "test_files/dicomdirtests/TINY_ALPHA/DICOMDIR": NO_SOP_CLASS,
    "test_files/dicomdirtests/TINY_ALPHA/README": NO_PREFIX,
    "test_files/empty_charset_LEI.dcm": NO_SOP_CLASS,
    "test_files/image_dfl.dcm": NO_PATIENT_ID,
    "test_files/meta_missing_tsyntax.dcm": (0xC000, "the File Meta Information names no Transfer Syntax"),
    "test_files/nested_priv_SQ.dcm": NO_SOP_CLASS,
    "test_files/no_meta.dcm": NO_PREFIX,
    "test_files/no_meta_group_length.dcm": NO_SOP_CLASS,
    "test_files/priv_SQ.dcm": NO_SOP_CLASS,
    "test_files/reportsi.dcm": NO_PATIENT_ID,
    "test_files/reportsi_with_empty_number_tags.dcm": NO_PATIENT_ID,
    "test_files/rtplan_truncated.dcm": (0xC000, "the element 300A00B0 is longer than what is left of the data set"),
    "test_files/rtstruct.dcm": NO_PREFIX,
    "test_files/test-SR.dcm": NO_PATIENT_ID,
}
SEARCHED = {
    "0008,0016": "00080016",
    "0008,0018": "00080018",
    "0008,0060": "00080060",
    "0010,0020": "00100020",
    "0020,000d": "0020000D",
    "0020,000e": "0020000E",
    "0020,0013": "00200013",
    "0028,0010": "00280010",
    "0028,0011": "00280011",
}
"""Tags as dcmdump and as DICOM JSON write them."""


async def sites(world: World) -> list[dict[str, str]]:
    """Return the callers of several hospitals."""
    async with world.hub.database.write() as connection:
        for number in range(SITES):
            slug = f"site-{number}"
            await directory.add_organisation(
                connection, slug=slug, title=slug, kind="hospital", number=f"02{number:08d}", resource_id=slug
            )
    return [await world.client(f"site-{number}") for number in range(SITES)]


async def sent(
    world: World, callers: list[dict[str, str]], files: dict[str, bytes]
) -> tuple[dict[str, dict[str, str]], dict[str, Any]]:
    """Send each file from the first site that has no other variant of it; return who has which, and refusals."""
    kept, refused = {}, {}
    for name, data in files.items():
        for caller in callers:
            response = await send(world, caller, data)
            if "00081198" not in response.json():
                # What is kept with a warning is answered 202.
                kept[name] = caller
                break
            assert response.status_code == 409, name
            (failed,) = response.json()["00081198"]["Value"]
            refused[name] = (failed["00081197"]["Value"][0], failed["00000902"]["Value"][0])
            if refused[name][0] != 0x0111:
                break
        if name in kept:
            refused.pop(name, None)
    return kept, refused


def _first(vr: str, value: str) -> str:
    """Return the first value of what dcmdump writes after a VR."""
    if value == "(no value available)":
        return ""
    if vr == "UN":
        value = bytes.fromhex(value.replace("\\", "")).decode("latin-1").rstrip("\0")
    return value.strip("[]").split("\\")[0].strip()


def dumped(names: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return what dcmdump reads of files, first values only."""
    paths = {str(FILES / name): name for name in names}
    done = subprocess.run(
        ["dcmdump", "-q", "-M", "+F", "+L", "-Un", *paths],
        capture_output=True,
        check=False,
        text=True,
        errors="replace",
    )
    found: dict[str, dict[str, str]] = {}
    at: dict[str, str] = {}
    for line in done.stdout.splitlines():
        if line.startswith("# dcmdump ("):
            at = found[paths[line.partition("): ")[2]]] = {}
        elif line[1:10] in SEARCHED and line.startswith("("):
            # What is inside of sequences is indented.
            tag, vr, value = line[1:10], line[12:14], line[15:].partition("#")[0].strip()
            at[SEARCHED[tag]] = _first(vr, value)
    return found


async def test_each_is_stored_found_and_given_back_or_refused_with_its_reason(world: World) -> None:
    callers = await sites(world)
    kept, refused = await sent(world, callers, {name: (FILES / name).read_bytes() for name in NAMES})
    read = dumped(kept)
    wrong = []
    for name, caller in kept.items():
        place = address((FILES / name).read_bytes())
        asked = f"/dicomweb/instances?SOPInstanceUID={place.rpartition('/')[2]}&includefield=all"
        (found,) = (await world.http.get(asked, headers=caller)).json()
        given = await world.http.get(place, headers=caller | {"accept": "application/dicom"})
        for key, value in read[name].items():
            values = found.get(key, {}).get("Value", [""])
            if str(values[0]) != value and f"={value}" not in f"={values[0]}":
                wrong.append((name, key, values[0], value))
        if given.content != (FILES / name).read_bytes():
            wrong.append((name, "bytes", given.status_code, len(given.content)))

    assert refused == REFUSED
    assert set(read) == set(kept) == set(NAMES) - set(REFUSED)
    assert wrong == []


PIXELS = {
    name: (FILES / name).read_bytes()
    for name in NAMES
    if name not in REFUSED and "dicomdirtests" not in name and "charset" not in name
} | {
    # Deflated, and with an ICC profile and an Adobe marker: what is refused for want of a patient is given one.
    name: a_file(name, PatientID="A")
    for name in ("test_files/image_dfl.dcm", "test_files/SC_rgb_jpeg_app14_dcmd.dcm", "test_files/GDCMJ2K_TextGBR.dcm")
}
EXPLICIT = {"accept": 'multipart/related; type="application/octet-stream"; transfer-syntax=1.2.840.10008.1.2.1'}
OTHER_DECODERS = {
    "1.2.840.10008.1.2.4.57": "dcmdjpeg",
    "1.2.840.10008.1.2.4.70": "dcmdjpeg",
    "1.2.840.10008.1.2.4.51": "dcmdjpeg",
    "1.2.840.10008.1.2.4.80": "dcmdjpls",
    "1.2.840.10008.1.2.4.81": "dcmdjpls",
}
"""What pydicom cannot decode without further packages, DCMTK can."""


JPEG_LOSSLESS = "JPEG Lossless, Non-Hierarchical, First-Order Prediction (Process 14 [Selection Value 1])"
NOT_PYDICOMS = {
    "test_files/GDCMJ2K_TextGBR.dcm": "Pillow says that its code stream is broken",
    "test_files/JPEG2000-embedded-sequence-delimiter.dcm": "Pillow takes its header for a decompression bomb",
    "test_files/SC_ybr_full_422_uncompressed.dcm": "pydicom gives RGB, a frame is 4:2:2 as it is stored",
}
"""Frames that are ours alone, or that pydicom gives in another form."""


def theirs(data: bytes, folder: Path) -> tuple[pydicom.Dataset, Any]:
    """Return a file as pydicom reads it, and its first frame as pydicom, or DCMTK, decodes it."""
    ds = pydicom.dcmread(BytesIO(data))
    decoder = OTHER_DECODERS.get(str(ds.file_meta.TransferSyntaxUID))
    if decoder is not None:
        (folder / "in").write_bytes(data)
        # Colours stay as they are coded.
        colours = ["+cn"] if decoder == "dcmdjpeg" else []
        subprocess.run([decoder, *colours, "in", "out"], cwd=folder, check=True, capture_output=True)
        ds = pydicom.dcmread(folder / "out")
    return ds, pixel_array(ds, index=0)


def octets(ds: pydicom.Dataset, array: Any) -> bytes:
    """Return a frame as Explicit VR Little Endian stores it."""
    if ds.BitsAllocated == 1:
        return np.packbits(array, axis=None, bitorder="little").tobytes()
    return bytes(array.astype(array.dtype.newbyteorder("<")).tobytes())


def grey(ds: pydicom.Dataset, array: Any) -> Any:
    """Return what a window, or a table, of the header makes of a frame in 256 shades of grey (PS3.3 C.11.2)."""
    shown = apply_voi_lut(apply_modality_lut(array, ds), ds).astype(np.float64)
    bits = ds.VOILUTSequence[0].LUTDescriptor[2] if "VOILUTSequence" in ds else ds.BitsStored
    lowest = -(2 ** (bits - 1)) if ds.PixelRepresentation and "VOILUTSequence" not in ds else 0
    if "ModalityLUTSequence" not in ds and "RescaleSlope" in ds:
        lowest = lowest * ds.RescaleSlope + ds.RescaleIntercept
        return (shown - lowest) / ((2**bits - 1) * ds.RescaleSlope) * 255
    return (shown - lowest) / (2**bits - 1) * 255


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
async def test_pixels_are_those_that_pydicom_reads_in_each_transfer_syntax(world: World, tmp_path: Path) -> None:
    callers = await sites(world)
    kept, refused = await sent(world, callers, PIXELS)
    frames, pictures, wrong = Counter[str](), Counter[str](), []
    for name, caller in kept.items():
        place, data = address(PIXELS[name]), PIXELS[name]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if name in NOT_PYDICOMS or "PixelData" not in pydicom.dcmread(BytesIO(data)):
                continue
            ds, array = theirs(data, tmp_path)
            expected = octets(ds, array)
        syntax = pydicom.dcmread(BytesIO(data), stop_before_pixels=True).file_meta.TransferSyntaxUID.name
        given = await world.http.get(f"{place}/frames/1", headers=caller | EXPLICIT)
        (got,) = [content for _, content in parts_of(given)]
        if got[: len(expected)] != expected or len(got) - len(expected) > 1:
            wrong.append((name, "frame"))
        frames[syntax] += 1
        windowed = array.ndim == 2 and ("WindowCenter" in ds or "VOILUTSequence" in ds)
        if not windowed and not (array.ndim == 3 and ds.BitsStored == 8):
            continue
        png = await world.http.get(f"{place}/rendered", headers=caller | {"accept": "image/png"})
        picture = np.asarray(Image.open(BytesIO(png.content))).astype(np.float64)
        wanted = grey(ds, array) if windowed else array.astype(np.float64)
        if ds.PhotometricInterpretation == "MONOCHROME1":
            wanted = 255 - wanted
        if np.abs(picture - wanted).max() > 1:
            wrong.append((name, "picture", np.abs(picture - wanted).max()))
        pictures[syntax] += 1

    assert refused == {}
    assert wrong == []
    assert frames == {
        "Implicit VR Little Endian": 3,
        "Explicit VR Little Endian": 8,
        "Explicit VR Big Endian": 6,
        "Deflated Explicit VR Little Endian": 1,
        "RLE Lossless": 9,
        "JPEG Baseline (Process 1)": 11,
        "JPEG Extended (Process 2 and 4)": 2,
        JPEG_LOSSLESS: 1,
        "JPEG-LS Lossless Image Compression": 1,
        "JPEG 2000 Image Compression (Lossless Only)": 3,
        "JPEG 2000 Image Compression": 3,
    }
    assert pictures == {
        "Implicit VR Little Endian": 1,
        "Explicit VR Little Endian": 5,
        "Explicit VR Big Endian": 3,
        "RLE Lossless": 3,
        "JPEG Baseline (Process 1)": 11,
        JPEG_LOSSLESS: 1,
        "JPEG-LS Lossless Image Compression": 1,
        "JPEG 2000 Image Compression (Lossless Only)": 3,
        "JPEG 2000 Image Compression": 2,
    }
