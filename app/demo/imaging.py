"""Imaging: what studies a hospital's archive holds, described; `dicom.phantom` makes the pixels.

https://dicom.nema.org/medical/dicom/current/output/chtml/part03/sect_C.7.2.html
"""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from app.demo.chart import Chart, charts
from app.demo.households import Sex
from app.demo.region import Region
from app.demo.romaji import romaji
from app.demo.story import Image, Modality
from app.demo.terms import PATIENT_NUMBER

SLICES: dict[Modality, int] = {"CT": 12, "MR": 10, "CR": 1}


@dataclass(frozen=True, slots=True)
class ImagingOrder:
    """One study to be made."""

    patient_id: str
    issuer: str
    """The system of the patient number: an OID with `urn:oid:` before it."""
    alphabetic: str
    """`TAKAHASHI^KIICHIRO`, in Hepburn romanisation."""
    ideographic: str
    """`高橋^喜一郎`; empty where the site knows the kana only."""
    phonetic: str
    birth_date: date
    sex: Sex
    modality: Modality
    body_part: str
    study_date: date
    description: str
    accession: str
    """At most 16 characters."""
    slices: int
    seed: int
    """Below 2**31; another for every study."""


def studies(region: Region, site_slug: str) -> Iterator[ImagingOrder]:
    """Yield the studies of a site's archive; none for a clinic or an office.

    Raises:
        KeyError: There is no such site.
    """
    for chart in charts(region, site_slug):
        for number, image, day in chart.images:
            yield _order(chart, number, image, day)


def _order(chart: Chart, number: int, image: Image, day: date) -> ImagingOrder:
    found = chart.patient
    family, given = (unicodedata.normalize("NFKC", kana) for kana in (found.family_kana, found.given_kana))
    views = 2 if "２方向" in image.description else SLICES[image.modality]
    return ImagingOrder(
        found.number,
        PATIENT_NUMBER + chart.site.institution,
        f"{romaji(family)}^{romaji(given)}",
        f"{found.family}^{found.given}" if found.family else "",
        f"{family}^{given}",
        found.birth,
        found.sex,
        image.modality,
        image.body_part,
        day,
        image.description,
        accession(chart, number, day),
        views,
        chart.draw("image", number).randrange(2**31),
    )


def accession(chart: Chart, number: int, day: date) -> str:
    """Return the accession number of a patient's study: its day, the end of the patient number, a counter."""
    return f"{day:%y%m%d}{chart.patient.number[-6:]}{number:02}"
