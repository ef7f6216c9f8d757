"""Made-up studies of made-up people: CT, MR and CR instances that any viewer shows and any test may judge.

https://dicom.nema.org/medical/dicom/current/output/chtml/part03/chapter_A.html
"""

import hashlib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

Ellipse = tuple[float, float, float, float, float]
"""Value inside, half axes and centre, the image being -1 to 1 both ways; later ones lie over earlier ones."""

_CHEST: tuple[Ellipse, ...] = (
    (40, 0.88, 0.66, 0.0, 0.05),  # the body
    (-830, 0.30, 0.42, -0.42, 0.0),  # lungs
    (-830, 0.30, 0.42, 0.42, 0.0),
    (740, 0.09, 0.09, 0.0, 0.50),  # a vertebra
    (170, 0.22, 0.19, 0.10, -0.08),  # the heart
    (360, 0.045, 0.045, 0.10, 0.28),  # the aorta, with contrast
)
_HEAD: tuple[Ellipse, ...] = (
    (900, 0.69, 0.92, 0.0, 0.0),
    (600, 0.66, 0.87, 0.0, -0.02),
    (820, 0.21, 0.25, 0.0, 0.35),
    (350, 0.11, 0.31, 0.22, 0.0),  # ventricles
    (350, 0.16, 0.41, -0.22, 0.0),
)
_PROJECTION: tuple[Ellipse, ...] = (
    (1300, 0.85, 1.10, 0.0, 0.15),  # shoulders to diaphragm
    (550, 0.28, 0.62, -0.40, -0.05),
    (550, 0.28, 0.62, 0.40, -0.05),
    (1500, 0.09, 1.00, 0.0, 0.0),  # the spine
    (1650, 0.26, 0.30, 0.12, 0.28),  # the heart
)


@dataclass(frozen=True, slots=True)
class Modality:
    """What differs between the kinds of phantom."""

    name: str
    sop_class_uid: str
    ellipses: tuple[Ellipse, ...]
    background: int
    """Value outside, in the units after rescale."""
    rescale_intercept: int
    window: tuple[int, int]
    """Center and width."""
    signed: bool
    body_part: str
    description: str


CT = Modality("CT", "1.2.840.10008.5.1.4.1.1.2", _CHEST, -1000, 0, (40, 400), True, "CHEST", "胸部単純CT")
MR = Modality("MR", "1.2.840.10008.5.1.4.1.1.4", _HEAD, 0, 0, (450, 900), False, "HEAD", "頭部MRI T2")
CR = Modality("CR", "1.2.840.10008.5.1.4.1.1.1", _PROJECTION, 0, 0, (700, 2000), False, "CHEST", "胸部正面")


@dataclass(frozen=True, slots=True)
class Patient:
    """A person nobody is."""

    id: str
    name: str
    """All groups: `Yamada^Tarou=山田^太郎=やまだ^たろう`."""
    birth_date: str
    """YYYYMMDD."""
    sex: str
    """F, M or O."""
    issuer: str = ""


@dataclass(frozen=True, slots=True)
class Study:
    """One examination; everything that is not said here follows from the seed."""

    seed: int
    patient: Patient
    modality: Modality = CT
    slices: int = 1
    edge: int = 256
    """Rows and columns."""
    date: str = "20240501"
    time: str = "093000"
    accession_number: str = ""
    specific_character_set: str = "ISO_IR 192"
    """Or `ISO 2022 IR 6\\ISO 2022 IR 87`, as most Japanese modalities write it."""
    institution: str = "連携病院"


def uid(*parts: object) -> str:
    """Return a UID that follows from its parts, under the root for UUIDs (PS3.5 B.2)."""
    digest = hashlib.sha256("|".join(map(str, parts)).encode()).digest()
    # Version 8 of RFC 9562: a UUID whose bits its maker chose.
    number = int.from_bytes(digest[:16], "big") & ~(0xF << 76 | 0x3 << 62) | 0x8 << 76 | 0x2 << 62
    return f"2.25.{number}"


def instances(study: Study) -> Iterator[bytes]:
    """Yield the study's instances as Part 10 files in Explicit VR Little Endian; one seed, one result."""
    for index in range(study.slices):
        with warnings.catch_warnings():
            # Text that a character set cannot hold is replaced; a phantom's name is no reason to fail.
            warnings.simplefilter("ignore")
            yield _file(_data_set(study, index))


def pixels(study: Study, index: int) -> NDArray[Any]:
    """Return the stored values of slice `index`: ellipses that grow and shrink along the body, and noise."""
    edge, modality = study.edge, study.modality
    place = np.linspace(-1, 1, edge)
    x, y = place[np.newaxis, :], place[:, np.newaxis]
    along = (index + 0.5) / study.slices * 2 - 1
    scale = np.sqrt(1 - 0.35 * along**2)
    image = np.full((edge, edge), float(modality.background))
    for value, width, height, left, top in modality.ellipses:
        inside = ((x - left) / (width * scale)) ** 2 + ((y - top) / (height * scale)) ** 2 <= 1
        image[inside] = value
    noise = np.random.default_rng([study.seed, index]).normal(0, 12, image.shape)
    stored = np.rint(image + noise) - modality.rescale_intercept
    low, high = (-32768, 32767) if modality.signed else (0, 4095)
    return np.asarray(np.clip(stored, low, high).astype("<i2" if modality.signed else "<u2"))


def _data_set(study: Study, index: int) -> Dataset:
    ds = Dataset()
    ds.SpecificCharacterSet = study.specific_character_set.split("\\")
    for keyword, value in (_study_module(study) | _series_module(study) | _image_module(study, index)).items():
        setattr(ds, keyword, value)
    ds["PixelData"].VR = "OW"
    return ds


def _study_module(study: Study) -> dict[str, Any]:
    patient = study.patient
    return {
        "StudyDate": study.date,
        "StudyTime": study.time,
        "AccessionNumber": study.accession_number or f"A{study.seed:08d}",
        "ReferringPhysicianName": "Satou^Hanako=佐藤^花子=さとう^はなこ",
        "InstitutionName": study.institution,
        "StudyDescription": study.modality.description,
        "PatientName": patient.name,
        "PatientID": patient.id,
        "IssuerOfPatientID": patient.issuer,
        "PatientBirthDate": patient.birth_date,
        "PatientSex": patient.sex,
        "StudyInstanceUID": uid(study.seed, "study"),
        "StudyID": str(study.seed),
        "TimezoneOffsetFromUTC": "+0900",
    }


def _series_module(study: Study) -> dict[str, Any]:
    modality = study.modality
    return {
        "SeriesDate": study.date,
        "SeriesTime": study.time,
        "Modality": modality.name,
        "Manufacturer": "Renkei phantom",
        "SeriesDescription": modality.description,
        "BodyPartExamined": modality.body_part,
        "SeriesInstanceUID": uid(study.seed, "series", modality.name),
        "SeriesNumber": 1,
        "FrameOfReferenceUID": uid(study.seed, "frame of reference"),
        "PositionReferenceIndicator": "",
    }


def _image_module(study: Study, index: int) -> dict[str, Any]:
    modality = study.modality
    spacing = 360 / study.edge
    return {
        "SOPClassUID": UID(modality.sop_class_uid),
        "SOPInstanceUID": uid(study.seed, modality.name, index),
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
        "ContentDate": study.date,
        "ContentTime": study.time,
        "InstanceNumber": index + 1,
        "ImagePositionPatient": [-180, -180, index * 5],
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "SliceThickness": 5,
        "SliceLocation": index * 5,
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": study.edge,
        "Columns": study.edge,
        "PixelSpacing": [spacing, spacing],
        "BitsAllocated": 16,
        "BitsStored": 16 if modality.signed else 12,
        "HighBit": 15 if modality.signed else 11,
        "PixelRepresentation": int(modality.signed),
        "WindowCenter": modality.window[0],
        "WindowWidth": modality.window[1],
        "RescaleIntercept": modality.rescale_intercept,
        "RescaleSlope": 1,
        "PixelData": pixels(study, index).tobytes(),
    }


def _file(ds: Dataset) -> bytes:
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    out = BytesIO()
    ds.save_as(out, enforce_file_format=True, implicit_vr=False, little_endian=True)
    return out.getvalue()
