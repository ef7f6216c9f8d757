import warnings
from io import BytesIO

import numpy as np
import pydicom
import pytest

from dicom.indexing import indexed
from dicom.names import PersonName
from dicom.part10 import read_instance
from dicom.phantom import CR, CT, MR, Patient, Study, instances, pixels, uid

YAMADA = Patient("H1-0001", "Yamada^Tarou=山田^太郎=やまだ^たろう", "19500401", "M")


@pytest.mark.parametrize("modality", [CT, MR, CR])
@pytest.mark.parametrize("character_set", ["ISO_IR 192", "ISO 2022 IR 6\\ISO 2022 IR 87"])
def test_a_phantom_is_a_valid_instance_of_a_japanese_patient(modality, character_set):
    study = Study(7, YAMADA, modality, slices=2, edge=64, specific_character_set=character_set)

    found = [read_instance(data) for data in instances(study)]

    facts = indexed(found[1])
    assert facts.study.patient_name == PersonName("Yamada^Tarou", "山田^太郎", "やまだ^たろう")
    assert facts.study.study_description == modality.description
    assert facts.series.modality == modality.name
    assert facts.instance.instance_number == 2
    assert len({one.sop_instance_uid for one in found}) == 2
    assert len({one.series_instance_uid for one in found}) == 1


def test_a_seed_gives_the_same_bytes_and_another_seed_others():
    def made(seed):
        return list(instances(Study(seed, YAMADA, edge=32)))

    assert made(1) == made(1)
    assert made(1) != made(2)


def test_pixels_are_air_outside_and_tissue_inside():
    section = pixels(Study(1, YAMADA, CT, slices=9, edge=256), 4)

    assert section.dtype == np.dtype("<i2")
    assert -1050 < section[0].mean() < -950
    assert 140 < section[118, 141] < 210


def test_another_reader_sees_the_same_pixels():
    study = Study(3, YAMADA, MR, edge=64)
    (data,) = instances(study)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ds = pydicom.dcmread(BytesIO(data))

    np.testing.assert_array_equal(ds.pixel_array, pixels(study, 0))


def test_a_uid_follows_from_its_parts():
    assert uid("a") == uid("a") != uid("b")
    assert uid("a").startswith("2.25.")
    assert len(uid("a")) <= 44
