"""The real CT series of the IHE MADO supplement: 20 slices in lossless JPEG, a note, their manifest."""

import io
import logging
import os
import pathlib
import warnings
import zipfile

import imagecodecs
import numpy as np
import orjson
import pydicom
import pytest
from PIL import Image

from dicom.frames import frame
from dicom.indexing import indexed
from dicom.json_model import data_set_model
from dicom.part10 import read_instance
from dicom.pixel_array import decode_frame
from dicom.presentation import presentation
from dicom.rendering import PNG, Picture, render_frame
from dicom.transcoding import to_explicit_little_endian

SPEC_DATA = pathlib.Path(
    os.environ.get("RENKEI_SPEC_DATA") or pathlib.Path(__file__).resolve().parents[2] / "../shared/data"
)


@pytest.fixture(scope="module")
def study():
    with zipfile.ZipFile(SPEC_DATA / "dicom/Study_B.zip") as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
        contents = [archive.read(name) for name in names]
    return [read_instance(data) for data in contents if data[128:132] == b"DICM"]


@pytest.fixture(scope="module")
def slices(study):
    return [one for one in study if one.pixels is not None]


def test_the_study_is_one_study_of_two_series(study):
    assert len(study) == 21
    assert len({one.study_instance_uid for one in study}) == 1
    assert len({one.series_instance_uid for one in study}) == 2
    assert sorted(indexed(one).series.modality for one in study) == ["CT"] * 20 + ["KO"]


def test_the_manifest_names_exactly_these_instances(study):
    manifest = read_instance((SPEC_DATA / "dicom/MADO_KOS_B.dcm").read_bytes())
    model = data_set_model(manifest.file)

    named = {
        instance["00081155"]["Value"][0]
        for evidence in model["0040A375"]["Value"]
        for series in evidence["00081115"]["Value"]
        for instance in series["00081199"]["Value"]
    }

    assert named == {one.sop_instance_uid for one in study}


def test_every_slice_has_one_lossless_frame_that_two_decoders_agree_on(slices):
    for one in slices:
        stored = frame(one, 0)
        pixels = decode_frame(one.pixels.image, one.file.transfer_syntax, stored)

        assert pixels.shape == (512, 512)
        assert one.file.transfer_syntax.uid == "1.2.840.10008.1.2.4.70"
        other = imagecodecs.ljpeg_decode(stored).astype(np.uint16)
        np.testing.assert_array_equal(pixels.view(np.uint16), other)


def test_a_slice_survives_transcoding(slices):
    before = slices[7]

    after = read_instance(to_explicit_little_endian(before))

    np.testing.assert_array_equal(
        decode_frame(after.pixels.image, after.file.transfer_syntax, frame(after, 0)),
        decode_frame(before.pixels.image, before.file.transfer_syntax, frame(before, 0)),
    )


def test_a_slice_is_rendered_from_black_to_white(slices):
    one = slices[10]

    body = render_frame(one.pixels.image, one.file.transfer_syntax.uid, frame(one, 0), presentation(one), Picture(PNG))

    picture = np.asarray(Image.open(io.BytesIO(body)))
    assert picture.shape == (512, 512)
    assert (picture.min(), picture.max()) == (0, 255)


def test_the_models_hold_what_another_reader_reads(study):
    logging.disable()
    for one in study:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = pydicom.dcmread(io.BytesIO(bytes(one.file.data))).to_json_dict()
        ours = data_set_model(one.file)
        assert orjson.dumps(ours["00100010"]) == orjson.dumps(theirs["00100010"])
        assert set(ours) | {"00080000"} >= {key for key in theirs if not key.endswith("0000")} - {"FFFCFFFC"}
    logging.disable(logging.NOTSET)
