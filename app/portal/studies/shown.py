"""What the instances of a study say that are no images, as the pages show it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from app.imaging.imaging_study import started
from app.imaging.reports.study import Object, Study
from app.portal.dates import in_japan
from dicom.reports.content import Reference, Report, read_report
from dicom.reports.dose import Dose, Quantity, read_dose
from dicom.reports.encapsulated import read_encapsulated
from dicom.reports.key_images import KeyImages, key_images
from dicom.reports.kinds import Kind
from dicom.reports.values import text

MOST_PICTURES = 24
"""Pictures of one selection of key images that are shown."""

OTHERS = (Kind.WAVEFORM, Kind.PRESENTATION, Kind.SEGMENTATION, Kind.REGISTRATION, Kind.RADIOTHERAPY, Kind.RAW)


@dataclass(frozen=True, slots=True)
class Picture:
    """An image of this study that something names."""

    thumbnail: str
    """Its address."""
    viewer: str
    """Where it is looked at."""


@dataclass(frozen=True, slots=True)
class ShownReport:
    """A structured report of the study."""

    uid: str
    title: str
    when: str
    state: str
    """`verified`, `unverified` or `partial`."""
    by: str
    is_replaced: bool
    """Whether another report of the study says that it replaces this one."""


@dataclass(frozen=True, slots=True)
class ShownDose:
    """A dose report of the study."""

    uid: str
    title: str
    dose: Dose


@dataclass(frozen=True, slots=True)
class ShownKeyImages:
    """A selection of images of the study."""

    uid: str
    selection: KeyImages
    when: str
    pictures: Sequence[Picture]
    more: int
    """References beyond the pictures: of other studies, or of no image."""


@dataclass(frozen=True, slots=True)
class ShownObject:
    """A document, a waveform, or whatever else is listed by its name."""

    uid: str
    kind: Kind
    title: str
    when: str
    media_type: str = ""


def when_of(date: str, time: str) -> str:
    """Return a date and a time of DICOM as the pages write them."""
    return " ".join(filter(None, in_japan(started(date, time, "") or "")))


def state_of(report: Report) -> str:
    """Return what the flags of a report say."""
    if not report.is_complete:
        return "partial"
    return "verified" if report.is_verified else "unverified"


def reports_of(study: Study) -> list[ShownReport]:
    """Return the structured reports, the oldest first."""
    read = [(one, read_report(one.model)) for one in study.of(Kind.REPORT)]
    replaced = {uid for _, report in read for uid in report.predecessors}
    found = [
        ShownReport(
            uid=one.row.sop_instance_uid,
            title=report.title,
            when=when_of(report.date, report.time),
            state=state_of(report),
            by="、".join(filter(None, (each.name for each in report.verified_by))),
            is_replaced=one.row.sop_instance_uid in replaced,
        )
        for one, report in read
    ]
    return sorted(found, key=lambda one: one.when)


def doses_of(study: Study) -> list[ShownDose]:
    """Return the dose reports."""
    read = [(one, read_report(one.model)) for one in study.of(Kind.DOSE)]
    return [ShownDose(one.row.sop_instance_uid, report.title, read_dose(report)) for one, report in read]


def pictures_of(study: Study, references: Sequence[Reference]) -> list[Picture]:
    """Return the images of this study among what is named; of several frames the first that is named.

    What a rejection note rejects is shown nowhere.
    """
    found = []
    for one in references:
        row = study.rows.get(one.sop_instance_uid)
        if row is None or row.number_of_frames is None or row.sop_instance_uid in study.rejected:
            continue
        frame = one.frames[0] if one.frames else 1
        asked = f"series={row.series_instance_uid}&instance={row.sop_instance_uid}&frame={frame}"
        found.append(
            Picture(
                f"/dicomweb/{row.path}/frames/{frame}/thumbnail",
                f"/images/{row.study_instance_uid}?{asked}",
            )
        )
    return found


def key_images_of(study: Study) -> list[ShownKeyImages]:
    """Return the selections of images, those that reject last; a manifest, which lists what there is, is none."""
    found = []
    for one in study.of(Kind.KEY_IMAGES):
        report = read_report(one.model)
        selection = key_images(report)
        if not selection.is_manifest:
            pictures = pictures_of(study, selection.references)[:MOST_PICTURES]
            more = len(selection.references) - len(pictures)
            when = when_of(report.date, report.time)
            found.append(ShownKeyImages(one.row.sop_instance_uid, selection, when, pictures, more))
    return sorted(found, key=lambda one: one.selection.is_rejection)


def title_of(one: Object) -> str:
    """Return what an instance is called by itself, or by its series."""
    if one.kind is Kind.DOCUMENT:
        return read_encapsulated(one.model).title
    for tag in ("00700081", "00700080", "300A0003", "300A0002", "30060004", "30060002", "0008103E"):
        if found := text(one.model, tag):
            return found
    return ""


def listed(study: Study, *kinds: Kind) -> list[ShownObject]:
    """Return instances of some kinds by their names."""
    return [shown_object(one) for one in study.of(*kinds)]


def shown_object(one: Object) -> ShownObject:
    """Return an instance by its name."""
    date = text(one.model, "00080023") or text(one.model, "00700082")
    time = text(one.model, "00080033") or text(one.model, "00700083")
    media_type = read_encapsulated(one.model).media_type if one.kind is Kind.DOCUMENT else ""
    return ShownObject(one.row.sop_instance_uid, one.kind, title_of(one), when_of(date, time), media_type)


def shown_quantity(found: Quantity | None) -> str:
    """Return a quantity as a text, its unit written as people do."""
    if found is None:
        return ""
    unit = UNITS.get(found.unit, found.unit)
    value = found.value * SCALES.get(found.unit, Decimal(1))
    return f"{plain_number(value)} {unit}".strip()


UNITS: Mapping[str, str] = {
    "mGy.cm": "mGy·cm",
    "Gy.m2": "Gy·cm²",
    "{events}": "",
    "{frames}": "",
    "1": "",
}
"""From a unit of UCUM to what is written; an area dose is written per square centimetre, as people compare it."""

SCALES = {"Gy.m2": Decimal(10_000)}


def plain_number(value: Decimal) -> str:
    """Return a number without powers of ten and without zeros that say nothing."""
    text_of = f"{value:f}"
    return text_of.rstrip("0").rstrip(".") if "." in text_of else text_of
