"""Made-up reports, dose reports, key images and documents in DICOM, after the templates of PS3.16."""

import json
from io import BytesIO
from typing import Any

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from dicom.json_model import render
from dicom.part10 import read_instance

SOP = "1.2.840.10008.5.1.4.1.1."
TEXT_SR, ENHANCED_SR, CT_DOSE, ENHANCED_DOSE = f"{SOP}88.11", f"{SOP}88.22", f"{SOP}88.67", f"{SOP}88.76"
NUCLEAR_DOSE, KEY_IMAGES, PDF, CDA = f"{SOP}88.68", f"{SOP}88.59", f"{SOP}104.1", f"{SOP}104.2"
STUDY, CT_SERIES, CT_IMAGE = "1.2.392.66.1", "1.2.392.66.2", "1.2.392.66.2.1"

Coded = tuple[str, str, str]


def coded(code: Coded) -> Dataset:
    """Return an item of a code sequence."""
    ds = Dataset()
    ds.CodeValue, ds.CodingSchemeDesignator, ds.CodeMeaning = code
    return ds


def _item(kind: str, concept: Coded | None, relationship: str) -> Dataset:
    ds = Dataset()
    ds.RelationshipType, ds.ValueType = relationship, kind
    if concept is not None:
        ds.ConceptNameCodeSequence = [coded(concept)]
    return ds


def container(concept: Coded | None, *items: Dataset, relationship: str = "CONTAINS") -> Dataset:
    """Return a section."""
    ds = _item("CONTAINER", concept, relationship)
    ds.ContinuityOfContent = "SEPARATE"
    ds.ContentSequence = list(items)
    return ds


def text(concept: Coded, value: str, *items: Dataset, relationship: str = "CONTAINS") -> Dataset:
    """Return a text."""
    ds = _item("TEXT", concept, relationship)
    ds.TextValue = value
    if items:
        ds.ContentSequence = list(items)
    return ds


def choice(concept: Coded, value: Coded, *items: Dataset, relationship: str = "CONTAINS") -> Dataset:
    """Return a coded value."""
    ds = _item("CODE", concept, relationship)
    ds.ConceptCodeSequence = [coded(value)]
    if items:
        ds.ContentSequence = list(items)
    return ds


def number(concept: Coded, value: str, unit: str, *items: Dataset, relationship: str = "CONTAINS") -> Dataset:
    """Return a measurement; without a value when that is empty."""
    ds = _item("NUM", concept, relationship)
    if value:
        measured = Dataset()
        measured.NumericValue = value
        measured.MeasurementUnitsCodeSequence = [coded((unit, "UCUM", unit))]
        ds.MeasuredValueSequence = [measured]
    if items:
        ds.ContentSequence = list(items)
    return ds


def moment(concept: Coded, value: str) -> Dataset:
    """Return a date and time."""
    ds = _item("DATETIME", concept, "CONTAINS")
    ds.DateTime = value
    return ds


def person(concept: Coded, value: str) -> Dataset:
    """Return who observed."""
    ds = _item("PNAME", concept, "HAS OBS CONTEXT")
    ds.PersonName = value
    return ds


def picture(instance: str = CT_IMAGE, frames: list[int] | None = None, relationship: str = "CONTAINS") -> Dataset:
    """Return a reference to an image."""
    ds = _item("IMAGE", None, relationship)
    named = Dataset()
    named.ReferencedSOPClassUID, named.ReferencedSOPInstanceUID = f"{SOP}2", instance
    if frames:
        named.ReferencedFrameNumber = frames
    ds.ReferencedSOPSequence = [named]
    return ds


def an_instance(sop_class: str, instance: str, **values: Any) -> bytes:
    """Return a file with the attributes of patient and study, and these."""
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.SOPClassUID, ds.SOPInstanceUID = sop_class, instance
    ds.StudyDate, ds.StudyTime, ds.ContentDate, ds.ContentTime = "20240501", "093000", "20240501", "101500"
    ds.AccessionNumber, ds.Modality, ds.StudyDescription = "A-1", "SR", "胸部CT"
    ds.PatientName, ds.PatientID, ds.PatientSex = "Yamada^Tarou=山田^太郎", "P1", "M"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = STUDY, f"{instance}.9"
    ds.SeriesNumber, ds.InstanceNumber = 9, 1
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = sop_class, instance
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta = meta
    out = BytesIO()
    ds.save_as(out, enforce_file_format=True)
    return out.getvalue()


def a_report(
    root: Dataset, *, sop_class: str = ENHANCED_SR, instance: str = "1.2.392.66.31", verified: bool = True, **more: Any
) -> bytes:
    """Return a structured report."""
    values: dict[str, Any] = {one.keyword: one.value for one in root if one.keyword != "RelationshipType"}
    values |= {"CompletionFlag": "COMPLETE", "VerificationFlag": "VERIFIED" if verified else "UNVERIFIED"}
    if verified:
        observer = Dataset()
        observer.VerifyingObserverName = "Satou^Hanako=佐藤^花子"
        observer.VerifyingOrganization = "第一病院"
        observer.VerificationDateTime = "20240501113000"
        values["VerifyingObserverSequence"] = [observer]
    return an_instance(sop_class, instance, **values | more)


FINDINGS, FINDING = ("121070", "DCM", "Findings"), ("121071", "DCM", "Finding")
IMPRESSIONS, IMPRESSION = ("121072", "DCM", "Impressions"), ("121073", "DCM", "Impression")
DIAMETER = ("81827009", "SCT", "Diameter")


def a_reading(**more: Any) -> bytes:
    """Return a radiologist's report of a CT, with a measurement and a reference to an image."""
    root = container(
        ("18748-4", "LN", "Diagnostic imaging report"),
        person(("121008", "DCM", "Person Observer Name"), "Satou^Hanako=佐藤^花子"),
        container(
            FINDINGS,
            text(FINDING, "右上葉に結節を認める。", picture(relationship="INFERRED FROM")),
            number(DIAMETER, "12.5", "mm"),
        ),
        container(IMPRESSIONS, text(IMPRESSION, "肺癌の疑い。")),
    )
    return a_report(root, **more)


def uid_of(concept: Coded, value: str) -> Dataset:
    """Return the name of something."""
    ds = _item("UIDREF", concept, "CONTAINS")
    ds.UID = value
    return ds


def a_dose_of_events(*uids: str, dlp: str, **more: Any) -> bytes:
    """Return the dose report of a CT of these irradiations, each with a DLP of 100 mGy.cm."""
    events = [
        container(
            ("113819", "DCM", "CT Acquisition"),
            uid_of(("113769", "DCM", "Irradiation Event UID"), uid),
            container(("113829", "DCM", "CT Dose"), number(("113838", "DCM", "DLP"), "100", "mGy.cm")),
        )
        for uid in uids
    ]
    total = number(("113813", "DCM", "CT Dose Length Product Total"), dlp, "mGy.cm")
    accumulated = container(("113811", "DCM", "CT Accumulated Dose Data"), total)
    root = container(("113701", "DCM", "X-Ray Radiation Dose Report"), accumulated, *events)
    return a_report(root, sop_class=CT_DOSE, verified=False, **more)


def _ct_event(protocol: str, ctdivol: str, dlp: str, phantom: Coded) -> Dataset:
    return container(
        ("113819", "DCM", "CT Acquisition"),
        text(("125203", "DCM", "Acquisition Protocol"), protocol),
        choice(("123014", "DCM", "Target Region"), ("51185008", "SCT", "Chest")),
        choice(("113820", "DCM", "CT Acquisition Type"), ("116152004", "SCT", "Spiral Acquisition")),
        container(
            ("113822", "DCM", "CT Acquisition Parameters"),
            number(("113825", "DCM", "Scanning Length"), "350", "mm"),
            number(("113828", "DCM", "Pitch Factor"), "0.8", "{ratio}"),
            container(
                ("113831", "DCM", "CT X-Ray Source Parameters"),
                number(("113733", "DCM", "KVP"), "120", "kV"),
                number(("113734", "DCM", "X-Ray Tube Current"), "180.5", "mA"),
            ),
        ),
        container(
            ("113829", "DCM", "CT Dose"),
            number(("113830", "DCM", "Mean CTDIvol"), ctdivol, "mGy"),
            choice(("113835", "DCM", "CTDIw Phantom Type"), phantom),
            number(("113838", "DCM", "DLP"), dlp, "mGy.cm"),
        ),
    )


def a_ct_dose(instance: str = "1.2.392.66.41", **more: Any) -> bytes:
    """Return the dose report of a CT of chest and abdomen (TID 10011)."""
    root = container(
        ("113701", "DCM", "X-Ray Radiation Dose Report"),
        choice(
            ("121058", "DCM", "Procedure reported"),
            ("77477000", "SCT", "Computed Tomography X-Ray"),
            relationship="HAS CONCEPT MOD",
        ),
        container(
            ("113811", "DCM", "CT Accumulated Dose Data"),
            number(("113812", "DCM", "Total Number of Irradiation Events"), "2", "{events}"),
            number(("113813", "DCM", "CT Dose Length Product Total"), "612.75", "mGy.cm"),
        ),
        _ct_event("胸部ルーチン", "8.25", "300.50", ("113691", "DCM", "IEC Body Dosimetry Phantom")),
        _ct_event("腹部ルーチン", "9.10", "312.25", ("113691", "DCM", "IEC Body Dosimetry Phantom")),
    )
    return a_report(root, sop_class=CT_DOSE, instance=instance, verified=False, **more)


def a_projection_dose(*, events: int = 1, **more: Any) -> bytes:
    """Return the dose report of an intervention with two planes (TID 10001), of so many times the same event."""
    plane = ("113764", "DCM", "Acquisition Plane")

    def accumulated(side: Coded, dap: str, dose: str) -> Dataset:
        return container(
            ("113702", "DCM", "Accumulated X-Ray Dose Data"),
            choice(plane, side, relationship="HAS CONCEPT MOD"),
            number(("113722", "DCM", "Dose Area Product Total"), dap, "Gy.m2"),
            number(("113725", "DCM", "Dose (RP) Total"), dose, "Gy"),
            number(("113730", "DCM", "Total Fluoro Time"), "600", "s"),
        )

    event = container(
        ("113706", "DCM", "Irradiation Event X-Ray Data"),
        choice(plane, ("113620", "DCM", "Plane A")),
        moment(("111526", "DCM", "DateTime Started"), "20240501093500"),
        choice(("113721", "DCM", "Irradiation Event Type"), ("44491008", "SCT", "Fluoroscopy")),
        text(("125203", "DCM", "Acquisition Protocol"), "Coro 15fps"),
        number(("122130", "DCM", "Dose Area Product"), "125", "cGy.cm2"),
        number(("113738", "DCM", "Dose (RP)"), "15", "mGy"),
        number(("113733", "DCM", "KVP"), "81.5", "kV"),
    )
    root = container(
        ("113701", "DCM", "X-Ray Radiation Dose Report"),
        accumulated(("113620", "DCM", "Plane A"), "0.00125", "0.25"),
        accumulated(("113621", "DCM", "Plane B"), "0.00075", "0.15"),
        *([event] * events),
    )
    return a_report(root, sop_class=CT_DOSE, instance="1.2.392.66.42", verified=False, **more)


def an_administration(**more: Any) -> bytes:
    """Return the dose report of a radiopharmaceutical (TID 10021)."""
    root = container(
        ("113500", "DCM", "Radiopharmaceutical Radiation Dose Report"),
        container(
            ("113502", "DCM", "Radiopharmaceutical Administration"),
            choice(("349358000", "SCT", "Radiopharmaceutical agent"), ("35321007", "SCT", "Fluorodeoxyglucose F^18^")),
            moment(("123003", "DCM", "Radiopharmaceutical Start DateTime"), "20240501080000"),
            number(("113507", "DCM", "Administered activity"), "0.2", "GBq"),
        ),
    )
    return a_report(root, sop_class=NUCLEAR_DOSE, instance="1.2.392.66.43", verified=False, **more)


def some_key_images(*pictures: Dataset, title: Coded = ("113000", "DCM", "Of Interest"), **more: Any) -> bytes:
    """Return a selection of images with a remark."""
    root = container(title, text(("113012", "DCM", "Key Object Description"), "結節"), *(pictures or (picture(),)))
    values: dict[str, Any] = {one.keyword: one.value for one in root if one.keyword != "RelationshipType"}
    return an_instance(KEY_IMAGES, **{"instance": "1.2.392.66.51", "Modality": "KO", **values, **more})


def a_document(octets: bytes, *, media_type: str = "application/pdf", sop_class: str = PDF, **more: Any) -> bytes:
    """Return a file in an instance."""
    values: dict[str, Any] = {
        "instance": "1.2.392.66.61",
        "Modality": "DOC",
        "DocumentTitle": "読影報告書",
        "MIMETypeOfEncapsulatedDocument": media_type,
        "ConceptNameCodeSequence": [coded(("18748-4", "LN", "Diagnostic imaging report"))],
        "EncapsulatedDocument": octets + b"\0" * (len(octets) % 2),
        "EncapsulatedDocumentLength": len(octets),
    }
    return an_instance(sop_class, **values | more)


def model_of(data: bytes) -> dict[str, Any]:
    """Return the DICOM JSON of a file."""
    found: dict[str, Any] = json.loads(render(read_instance(data)))
    return found
