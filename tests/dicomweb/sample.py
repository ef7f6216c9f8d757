"""The files of a run: made of nothing, under UIDs that no other run has."""

from dataclasses import dataclass, field
from io import BytesIO
from uuid import uuid4

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

CT, SR = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.88.11"
MULTI_FRAME = "1.2.840.10008.5.1.4.1.1.7.2"
NAME = "Yamada^Tarou=山田^太郎=やまだ^たろう"
EDGE = 32


@dataclass(frozen=True)
class Sample:
    """What a run stores: one study of a CT series and a multi-frame series, and another study."""

    run: str = field(default_factory=lambda: uuid4().hex[:10].upper())
    study: str = field(default_factory=generate_uid)
    series: str = field(default_factory=generate_uid)
    frames_series: str = field(default_factory=generate_uid)
    slices: tuple[str, ...] = field(default_factory=lambda: tuple(generate_uid() for _ in range(3)))
    multi_frame: str = field(default_factory=generate_uid)
    other_study: str = field(default_factory=generate_uid)
    other_series: str = field(default_factory=generate_uid)
    other: str = field(default_factory=generate_uid)

    @property
    def patient_id(self) -> str:
        """The PatientID of both studies."""
        return f"BLACKBOX-{self.run}"

    @property
    def place(self) -> str:
        """Where the series of slices lies, below the root."""
        return f"/studies/{self.study}/series/{self.series}"

    @property
    def instance(self) -> str:
        """Where the first slice lies."""
        return f"{self.place}/instances/{self.slices[0]}"

    @property
    def movie(self) -> str:
        """Where the multi-frame instance lies."""
        return f"/studies/{self.study}/series/{self.frames_series}/instances/{self.multi_frame}"

    def slice(self, number: int) -> bytes:
        """Return a slice, counted from 0."""
        return written(self._slice(self.study, self.series, self.slices[number], number))

    def pixels(self, number: int) -> np.ndarray:
        """Return the stored values of a slice: a ramp with noise, some of them below zero."""
        noise = np.random.default_rng(number).integers(-20, 20, (EDGE, EDGE))
        return (np.arange(EDGE * EDGE).reshape(EDGE, EDGE) - 300 + noise).astype("<i2")

    def _slice(self, study: str, series: str, instance: str, number: int) -> Dataset:
        ds = self._common(CT, study, series, instance)
        ds.Modality, ds.SeriesNumber, ds.InstanceNumber = "CT", 1, number + 1
        ds.StudyDescription, ds.SeriesDescription = "胸部CT", f"Series {self.run}"
        ds.ProtocolName = f"Protocol {self.run}"
        request = Dataset()
        request.RequestedProcedureID = f"RP-{self.run}"
        ds.RequestAttributesSequence = [request]
        ds.WindowCenter, ds.WindowWidth, ds.RescaleIntercept, ds.RescaleSlope = 200, 800, 0, 1
        grey(ds, self.pixels(number), signed=True)
        return ds

    def _common(self, sop_class: str, study: str, series: str, instance: str) -> Dataset:
        ds = Dataset()
        ds.SpecificCharacterSet = ["", "ISO 2022 IR 87"]
        ds.SOPClassUID, ds.SOPInstanceUID, ds.StudyInstanceUID, ds.SeriesInstanceUID = (
            sop_class,
            instance,
            study,
            series,
        )
        ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = NAME, self.patient_id, "19600102", "M"
        ds.StudyDate, ds.StudyTime, ds.AccessionNumber = "20240501", "101500", f"A{self.run}"
        ds.StudyID, ds.ReferringPhysicianName = self.run, "Satou^Hanako=佐藤^花子"
        return ds

    def movie_file(self) -> bytes:
        """Return three frames of eight bits, each of one grey."""
        ds = self._common(MULTI_FRAME, self.study, self.frames_series, self.multi_frame)
        ds.Modality, ds.SeriesNumber, ds.InstanceNumber, ds.NumberOfFrames = "OT", 2, 1, 3
        ds.WindowCenter, ds.WindowWidth = 128, 256
        frames = np.stack([np.full((EDGE, EDGE), grey_, np.uint8) for grey_ in (10, 120, 240)])
        grey(ds, frames, signed=False)
        return written(ds)

    def other_file(self) -> bytes:
        """Return the one instance of the other study, of another modality and day."""
        ds = self._slice(self.other_study, self.other_series, self.other, 0)
        ds.Modality, ds.StudyDate, ds.AccessionNumber = "MR", "20230102", f"B{self.run}"
        return written(ds)

    def files(self) -> list[bytes]:
        """Return everything that is stored before anything is asked."""
        return [*(self.slice(number) for number in range(3)), self.movie_file(), self.other_file()]

    def fresh(self) -> tuple[bytes, str]:
        """Return one more instance of a study of its own, and its place."""
        study, series, instance = generate_uid(), generate_uid(), generate_uid()
        ds = self._slice(study, series, instance, 0)
        ds.PatientID, ds.AccessionNumber = f"OTHER-{self.run}", "FRESH"
        return written(ds), f"/studies/{study}/series/{series}/instances/{instance}"


def grey(ds: Dataset, pixels: np.ndarray, *, signed: bool) -> None:
    """Put grey pixels into a data set."""
    ds.Rows, ds.Columns = pixels.shape[-2:]
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated = ds.BitsStored = pixels.itemsize * 8
    ds.HighBit, ds.PixelRepresentation = ds.BitsStored - 1, int(signed)
    ds.PixelData = pixels.tobytes()
    ds["PixelData"].VR = "OW" if pixels.itemsize > 1 else "OB"


def written(ds: Dataset) -> bytes:
    """Return a data set as a file in Explicit VR Little Endian."""
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    out = BytesIO()
    ds.save_as(out, enforce_file_format=True)
    return out.getvalue()
