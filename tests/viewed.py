"""Studies for the viewer's tests, made of pydicom's own files, and what pydicom says their pixels are."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import httpx
import imagecodecs
import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import generate_frames
from pydicom.pixels.processing import apply_modality_lut, apply_windowing
from pydicom.pixels.utils import pixel_array
from pydicom.uid import ExplicitVRLittleEndian

from tests.app.imaging.images import a_body, a_file
from tests.identity import someone

STUDY = "1.2.392.77710.1"
PATIENT = {"PatientID": "VIEWER-1", "PatientName": "Yamada^Taro", "PatientBirthDate": "19600102"}

Grey = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Kept:
    """A file, given its place in a study."""

    data: bytes

    @property
    def uid(self) -> str:
        """Its SOP Instance UID."""
        return str(self.header.SOPInstanceUID)

    @property
    def series(self) -> str:
        """Its Series Instance UID."""
        return str(self.header.SeriesInstanceUID)

    @property
    def header(self) -> pydicom.Dataset:
        """What pydicom reads of it."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return pydicom.dcmread(BytesIO(self.data))

    def colours(self, frame: int = 0) -> Grey:
        """Return a frame in RGB, as pydicom decodes it."""
        return np.asarray(pixel_array(BytesIO(self.data), index=frame), np.uint8)

    def grey(self, frame: int = 0, window: tuple[float, float] | None = None) -> Grey:
        """Return a frame through pydicom's rescale and window, or all of its values, as 0 to 255."""
        ds = self.header
        frames = ds.pixel_array
        values = apply_modality_lut(frames[frame] if frames.ndim > 2 else frames, ds)
        if window:
            ds.WindowCenter, ds.WindowWidth = window
            ds.VOILUTFunction = "LINEAR"
        shown = apply_windowing(values, ds) if "WindowCenter" in ds else values.astype(float)
        low, high = shown.min(), shown.max()
        if "WindowCenter" in ds:
            low, high = _ends(ds)
        part = np.clip((shown - low) / (high - low), 0, 1)
        part = 1 - part if ds.PhotometricInterpretation == "MONOCHROME1" else part
        grey: npt.NDArray[np.uint8] = np.rint(part * 255).astype(np.uint8)
        return grey


def _ends(ds: pydicom.Dataset) -> tuple[float, float]:
    """Return the values that pydicom's windowing makes of black and of white."""
    bits, slope, intercept = int(ds.BitsStored), float(ds.get("RescaleSlope", 1)), float(ds.get("RescaleIntercept", 0))
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if ds.PixelRepresentation else (0, 2**bits - 1)
    return low * slope + intercept, high * slope + intercept


def kept(number: int, name: str, *, instance: int = 1, study: str = STUDY, **values: Any) -> Kept:
    """Return a file of pydicom's as an instance of a series of the study."""
    place = {
        "StudyInstanceUID": study,
        "SeriesInstanceUID": f"{study}.{number}",
        "SOPInstanceUID": f"{study}.{number}.{instance}",
        "SeriesNumber": number,
        "InstanceNumber": instance,
        "SeriesDescription": name.rpartition("/")[2],
        "StudyDate": "20240501",
    }
    return Kept(a_file(name, **(PATIENT | place | values)))


def _item(**values: Any) -> Dataset:
    made = Dataset()
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


def a_key_object(one: Kept, *, number: int, title: str, remark: str, code: str = "113000") -> Kept:
    """Return a key object that marks an instance, or rejects it (PS3.16 TID 2010)."""
    referenced = _item(ReferencedSOPClassUID=one.header.SOPClassUID, ReferencedSOPInstanceUID=one.uid)
    series = _item(SeriesInstanceUID=one.series, ReferencedSOPSequence=[referenced])
    concept = _item(CodeValue=code, CodingSchemeDesignator="DCM", CodeMeaning=title)
    described = _item(CodeValue="113012", CodingSchemeDesignator="DCM", CodeMeaning="Key Object Description")
    ds = _item(
        **PATIENT,
        SpecificCharacterSet="ISO_IR 192",
        SOPClassUID="1.2.840.10008.5.1.4.1.1.88.59",
        SOPInstanceUID=f"{STUDY}.{number}.1",
        StudyInstanceUID=STUDY,
        SeriesInstanceUID=f"{STUDY}.{number}",
        SeriesNumber=number,
        InstanceNumber=1,
        Modality="KO",
        StudyDate="20240501",
        ValueType="CONTAINER",
        ConceptNameCodeSequence=[concept],
        CurrentRequestedProcedureEvidenceSequence=[_item(StudyInstanceUID=STUDY, ReferencedSeriesSequence=[series])],
        ContentSequence=[
            _item(ValueType="TEXT", ConceptNameCodeSequence=[described], TextValue=remark),
            _item(ValueType="IMAGE", ReferencedSOPSequence=[referenced]),
        ],
    )
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    out = BytesIO()
    ds.save_as(out, enforce_file_format=True)
    return Kept(out.getvalue())


def jpeg_lossless(ds: Dataset) -> npt.NDArray[np.int64]:
    """Return the stored values of an instance in JPEG Lossless, which pydicom reads with no library that is here."""
    fragment = next(generate_frames(ds.PixelData, number_of_frames=1))
    values: npt.NDArray[np.int64] = imagecodecs.ljpeg_decode(fragment).astype(np.int64)
    low: npt.NDArray[np.int64] = values & (2**ds.BitsStored - 1)
    if not ds.PixelRepresentation:
        return low
    signed: npt.NDArray[np.int64] = np.where(low >= 2 ** (ds.BitsStored - 1), low - 2**ds.BitsStored, low)
    return signed


def a_person(number: str) -> dict[str, Any]:
    """Return the Patient of the studies, as the site with a medical institution number of ten digits has it."""
    own = {"system": f"urn:oid:1.2.392.100495.20.3.51.1{number}", "value": PATIENT["PatientID"]}
    patient = someone("山田 太郎", "ヤマダ タロウ", birthDate="1960-01-02", insurance="12345678")
    return patient | {"identifier": [own, *patient["identifier"]]}


def push(address: str, headers: dict[str, str], files: Sequence[bytes]) -> None:
    """Store files at a hub by STOW-RS."""
    kind = {"content-type": 'multipart/related; type="application/dicom"; boundary=b0undary'}
    answer = httpx.post(f"{address}/dicomweb/studies", headers=headers | kind, content=a_body(*files), timeout=60)
    assert answer.status_code == 200, answer.text
