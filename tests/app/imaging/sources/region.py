"""A region in which hospital A keeps its images itself, and how its manifests and readers ask."""

from io import BytesIO
from typing import Any, Protocol

import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from app.imaging.sources.source import ImagingSource, add_source
from tests.world import World


class Place(Protocol):
    """What has DICOMweb services."""

    @property
    def address(self) -> str:
        """Their address."""
        ...


LOCATION = "1.2.392.200036.9999.1"
KOS = "1.2.840.10008.5.1.4.1.1.88.59"


async def a_source(
    world: World, pacs: Place, *, name: str = "pacs-a", site: str = "hospital-a", **fields: Any
) -> ImagingSource:
    """Register a PACS of a site and return it."""
    await world.client(site)
    given = {
        "wado": pacs.address,
        "qido": pacs.address,
        "locations": LOCATION,
        "networks": "127.0.0.1",
        "seconds": 5,
        **fields,
    }
    source = ImagingSource(world.hub.new_row(), name, f"{site}-system", **given)
    async with world.hub.database.write() as connection:
        await add_source(connection, source)
    return source


def _evidence(read: list[Dataset], location: str, url: str) -> Dataset:
    evidence = Dataset()
    evidence.StudyInstanceUID = read[0].StudyInstanceUID
    evidence.ReferencedSeriesSequence = []
    for series in dict.fromkeys(one.SeriesInstanceUID for one in read):
        item = Dataset()
        item.SeriesInstanceUID = series
        if location:
            item.RetrieveLocationUID = location
        if url:
            item.RetrieveURL = url
        item.ReferencedSOPSequence = []
        for one in read:
            if one.SeriesInstanceUID == series:
                named = Dataset()
                named.ReferencedSOPClassUID, named.ReferencedSOPInstanceUID = one.SOPClassUID, one.SOPInstanceUID
                item.ReferencedSOPSequence.append(named)
        evidence.ReferencedSeriesSequence.append(item)
    return evidence


def a_manifest(
    *files: bytes, uid: str = "1.2.3.4.5.6", location: str = LOCATION, url: str = "", **values: Any
) -> bytes:
    """Return a plain manifest of XDS-I.b of some instances of one study."""
    read: list[Dataset] = [pydicom.dcmread(BytesIO(one), stop_before_pixels=True) for one in files]
    first = read[0]
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = KOS, uid
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds = Dataset()
    ds.file_meta = meta
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.SOPClassUID, ds.SOPInstanceUID = KOS, uid
    ds.StudyInstanceUID, ds.SeriesInstanceUID = first.StudyInstanceUID, f"{uid}.1"
    ds.Modality, ds.SeriesNumber, ds.InstanceNumber = "KO", 1, 1
    for keyword in ("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime"):
        setattr(ds, keyword, first.get(keyword, ""))
    title = Dataset()
    title.CodeValue, title.CodingSchemeDesignator, title.CodeMeaning = "113030", "DCM", "Manifest"
    ds.ConceptNameCodeSequence, ds.ValueType = [title], "CONTAINER"
    ds.CurrentRequestedProcedureEvidenceSequence = [_evidence(read, location, url)]
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    out = BytesIO()
    ds.save_as(out, enforce_file_format=True)
    return out.getvalue()
