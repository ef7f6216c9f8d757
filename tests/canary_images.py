"""An image with a canary in every field that the hub reads, and every question that DICOMweb answers about it."""

import re
import warnings
from collections.abc import Iterator
from io import BytesIO
from itertools import product
from typing import Any
from urllib.parse import quote

import pydicom
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from app.imaging.services import SERVICES
from dicom.attributes import ATTRIBUTES, Match
from tests.app.imaging.images import CT, a_file, stored
from tests.asgi import Answer, call
from tests.canary import CANARY, a_canary
from tests.world import World

OWNER, STRANGER = "hospital-a", "clinic-c"
PATIENT_ID = f"{OWNER}-hidden"

STUDY, SERIES, INSTANCE = "1.2.392.77701.1", "1.2.392.77701.2", "1.2.392.77701.3"
SHARED_STUDY, OWN_SERIES, SHARED_INSTANCE = "1.2.392.77702.1", "1.2.392.77702.2", "1.2.392.77702.3"
"""A study of which the stranger has an instance too, as when the same CD was brought to two hospitals."""

NUMBERED, CODED = 7_770_001, CANARY.upper()
PRIVATE_BULK, NESTED_BULK = "00991010", "00880200/0/00991010"

VALUES: dict[str, Any] = {
    "StudyDate": "20240917",
    "StudyTime": "134501",
    "AccessionNumber": f"{CANARY}-A",
    "ReferringPhysicianName": f"{CANARY}^Referring={CANARY}^紹介",
    "TimezoneOffsetFromUTC": "+0730",
    "StudyDescription": f"{CANARY} study",
    "PatientName": f"{CANARY}^Patient={CANARY}^患者={CANARY}^かんじゃ",
    "PatientID": f"{CANARY} text",
    "IssuerOfPatientID": f"{CANARY} issuer",
    "PatientBirthDate": "19510203",
    "PatientSex": "O",
    "StudyInstanceUID": STUDY,
    "StudyID": f"{CANARY}-S",
    "ModalitiesInStudy": CODED,
    "SeriesDate": "20240918",
    "SeriesTime": "134502",
    "Modality": CODED,
    "SeriesDescription": f"{CANARY} series",
    "BodyPartExamined": CODED,
    "SeriesInstanceUID": SERIES,
    "SeriesNumber": NUMBERED,
    "Laterality": CODED,
    "PerformedProcedureStepStartDate": "20240919",
    "PerformedProcedureStepStartTime": "134503",
    "SOPClassUID": "1.2.840.10008.5.1.4.1.1.2",
    "SOPInstanceUID": INSTANCE,
    "InstanceNumber": NUMBERED,
    "NumberOfFrames": 1,
    "Rows": 128,
    "Columns": 128,
    "BitsAllocated": 16,
}
"""What the hidden instance says of each attribute that a search may match; a new one has to be added here."""

assert set(VALUES) == {attribute.keyword for attribute in ATTRIBUTES}

_OTHERS = {
    **dict.fromkeys(("InstitutionName", "InstitutionAddress", "StationName", "ProtocolName"), f"{CANARY} text"),
    **dict.fromkeys(("PatientAddress", "PatientComments", "ImageComments", "OtherPatientIDs"), f"{CANARY} text"),
    **dict.fromkeys(("OperatorsName", "PerformingPhysicianName", "PatientMotherBirthName"), f"{CANARY}^Name"),
}
"""Texts that are shown but not matched."""


def _private(ds: Dataset) -> None:
    block = ds.private_block(0x0099, CANARY, create=True)
    block.add_new(0x10, "OB", CANARY.encode() * 200)
    block.add_new(0x11, "LO", f"{CANARY} private")


def a_hidden_image(**values: Any) -> bytes:
    """Return an instance with the canary in texts, private elements, pixels and bulk data; `values` replace some."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ds = pydicom.dcmread(BytesIO(a_file(CT)))
        ds.SpecificCharacterSet = "ISO_IR 192"
        for keyword, value in (_OTHERS | VALUES | values).items():
            setattr(ds, keyword, value)
        # What makes it an image of the Patient whose every field holds the canary.
        ds.IssuerOfPatientIDQualifiersSequence = [Dataset()]
        ds.IssuerOfPatientIDQualifiersSequence[0].UniversalEntityID = f"http://{CANARY}.example/uri"
        ds.IssuerOfPatientIDQualifiersSequence[0].UniversalEntityIDType = "URI"
        ds.IconImageSequence = [Dataset()]
        _private(ds)
        _private(ds.IconImageSequence[0])
        pixels = CANARY.encode() * 8
        ds.PixelData = pixels + ds.PixelData[len(pixels) :]
        ds["PixelData"].VR = "OW"
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        out = BytesIO()
        ds.save_as(out, enforce_file_format=True)
    return out.getvalue()


def hidden_images() -> list[bytes]:
    """Return a hidden study, and what is hidden of one that the stranger has too."""
    return [
        a_hidden_image(),
        a_hidden_image(
            StudyInstanceUID=SHARED_STUDY, SeriesInstanceUID="1.2.392.77702.4", SOPInstanceUID="1.2.392.77702.5"
        ),
        a_hidden_image(StudyInstanceUID=SHARED_STUDY, SeriesInstanceUID=OWN_SERIES, SOPInstanceUID=SHARED_INSTANCE),
    ]


async def plant(world: World) -> None:
    """Store the hidden Patient and the images of it at the owner's site."""
    owner = await world.client(OWNER)
    body = a_canary("Patient", f"Patient/{PATIENT_ID}") | {"id": PATIENT_ID}
    response = await world.http.put(f"/fhir/Patient/{PATIENT_ID}", headers=owner, json=body)
    assert response.status_code in (200, 201), response.text
    await stored(world, owner, *hidden_images())


_STARS = {"frames": ("1",), "bulkdata": ("7FE00010", PRIVATE_BULK, NESTED_BULK)}
"""What is asked for in place of a star, by the word before it; a service with another word has to be added here."""


def _addresses(form: str, *uids: str) -> Iterator[str]:
    stars = _STARS | dict(zip(("studies", "series", "instances"), ((uid,) for uid in uids), strict=True))
    words = form.split("/")
    yield from map(
        "/".join, product(*(stars[words[n - 1]] if word == "*" else (word,) for n, word in enumerate(words)))
    )


def shown() -> list[str]:
    """Return the address of everything that WADO-RS gives of the hidden instances."""
    forms = [form for (method, form), service in SERVICES.items() if service.code == "wado"]
    places = ((STUDY, SERIES, INSTANCE), (SHARED_STUDY, OWN_SERIES, SHARED_INSTANCE))
    forms.remove("wado")
    by_query = [
        f"/dicomweb/wado?requestType=WADO&studyUID={study}&seriesUID={series}&objectUID={instance}{more}"
        for study, series, instance in places
        for more in ("", "&contentType=application/dicom")
    ]
    return [
        *(f"/dicomweb/{address}" for form in forms for uids in places for address in _addresses(form, *uids)),
        *by_query,
    ]


def _queries() -> Iterator[str]:
    yield from ("", "?includefield=all", "?limit=1", "?limit=1&offset=1", "?fuzzymatching=true&PatientName=kanariax7*")
    yield from ("?ProtocolName=Kanaria*", '?MedicalAlerts=""', "?includefield=PatientAddress,ProtocolName")
    yield "?IssuerOfPatientIDQualifiersSequence.UniversalEntityIDType=URI"
    for attribute in ATTRIBUTES:
        value = str(VALUES[attribute.keyword])
        yield f"?{attribute.keyword}={quote(value)}"
        if attribute.match in (Match.TEXT, Match.NAME):
            yield f"?{attribute.keyword}={quote(value[:3])}*"


def searches() -> list[str]:
    """Return every search of QIDO-RS, with and without the hidden instance's value of each attribute."""
    forms = [form for (method, form), service in SERVICES.items() if service.code == "qido"]
    return [
        f"/dicomweb/{address}{query}"
        for form in forms
        for address in _addresses(form, STUDY, SERIES, INSTANCE)
        for query in _queries()
    ]


_RANDOM = re.compile(rb"(?<=boundary=)[0-9a-f]{32}|(?<=--)[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""What differs from one answer to the next: boundaries of multipart bodies, the names of documents made anew."""


async def ask(world: World, address: str, headers: dict[str, str]) -> Answer:
    """Return an answer in which nothing is random."""
    answer = await call(world.app, "GET", address, headers)
    told = [(name, _RANDOM.sub(b"*", value)) for name, value in answer.headers]
    return Answer(answer.status, told, _RANDOM.sub(b"*", answer.body))
