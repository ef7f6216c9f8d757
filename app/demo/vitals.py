"""Vital signs and body measurements, coded in LOINC as R4's own vital-signs profile asks.

https://hl7.org/fhir/R4/observation-vitalsigns.html
"""

from dataclasses import dataclass
from datetime import date

from app.demo.chart import Chart, Entry, instant
from app.demo.story import Trend
from app.demo.terms import CATEGORY, HL7, LOINC, Json, coding, concept, quantity
from app.demo.trends import measured, rounded
from app.demo.visits import Visit


@dataclass(frozen=True, slots=True)
class Vital:
    """One sign: its code, its unit, and how it runs in the well."""

    loinc: str
    english: str
    name: str
    unit: str
    ucum: str
    decimals: int
    usual: Trend
    least: float = 0
    most: float = 1_000


VITALS = {
    "systolic": Vital("8480-6", "Systolic blood pressure", "収縮期血圧", "mmHg", "mm[Hg]", 0, Trend(122, 124, 6)),
    "diastolic": Vital("8462-4", "Diastolic blood pressure", "拡張期血圧", "mmHg", "mm[Hg]", 0, Trend(74, 75, 4)),
    "pulse": Vital("8867-4", "Heart rate", "脈拍数", "回/分", "/min", 0, Trend(70, 71, 6)),
    "temperature": Vital("8310-5", "Body temperature", "体温", "℃", "Cel", 1, Trend(36.4, 36.4, 0.2)),
    "spo2": Vital(
        "2708-6", "Oxygen saturation in Arterial blood", "ＳｐＯ２", "%", "%", 0, Trend(98, 98, 0.6), 70, 100
    ),
    "weight": Vital("29463-7", "Body weight", "体重", "kg", "kg", 1, Trend(58, 58, 0.5)),
    "height": Vital("8302-2", "Body height", "身長", "cm", "cm", 1, Trend(161, 161, 0.2)),
}

_GROWTH = (
    # months of age, kg, cm: about the median of Japanese children, both sexes
    (0, 3.0, 49.0),
    (3, 6.2, 61.0),
    (6, 7.8, 67.0),
    (12, 9.2, 75.0),
    (24, 11.8, 86.0),
    (48, 16.0, 102.0),
    (72, 20.5, 116.0),
    (96, 27.0, 128.0),
    (120, 34.0, 139.0),
    (180, 54.0, 165.0),
)


def observations(chart: Chart, visit: Visit, names: tuple[str, ...], day: date) -> list[Entry]:
    """Return the Observations of the named signs on a day of a visit; `bp` is one of two components."""
    return [_pressure(chart, visit, day) if name == "bp" else _single(chart, visit, name, day) for name in names]


def _single(chart: Chart, visit: Visit, name: str, day: date) -> Entry:
    vital = VITALS[name]
    found = _start(chart, visit, name, day) | {
        "code": concept(coding(LOINC, vital.loinc, vital.english), text=vital.name),
        "valueQuantity": _value(chart, name, day),
    }
    return chart.urn("vital", name, day), found


def _pressure(chart: Chart, visit: Visit, day: date) -> Entry:
    found = _start(chart, visit, "bp", day) | {
        "code": concept(coding(LOINC, "85354-9", "Blood pressure panel"), text="血圧"),
        "component": [
            {
                "code": concept(coding(LOINC, VITALS[name].loinc, VITALS[name].english), text=VITALS[name].name),
                "valueQuantity": _value(chart, name, day),
            }
            for name in ("systolic", "diastolic")
        ],
    }
    return chart.urn("vital", "bp", day), found


def _start(chart: Chart, visit: Visit, name: str, day: date) -> Json:
    return chart.resource("Observation", "V", name, f"{day:%Y%m%d}") | {
        "extension": chart.institution,
        "status": "final",
        "category": [
            concept(coding(CATEGORY, "vital-signs", "Vital Signs")),
            concept(coding(f"{HL7}/observation-category", "vital-signs", "Vital Signs")),
        ],
        "subject": chart.subject,
        "encounter": {"reference": visit.url, "type": "Encounter"},
        "effectiveDateTime": instant(day, visit.hour, visit.minute),
        "performer": [chart.by(visit.department)],
    }


def _value(chart: Chart, name: str, day: date) -> Json:
    vital = VITALS[name]
    usual = _grown(chart, name, day) or vital.usual
    value = min(max(measured(chart, name, day, usual), vital.least), vital.most)
    return quantity(rounded(value, vital.decimals), vital.unit, vital.ucum)


def _grown(chart: Chart, name: str, day: date) -> Trend | None:
    """Return the weight or height of a child's age; None for adults and other signs."""
    months = (day - chart.person.birth).days / 30.44
    if name not in ("weight", "height") or months >= _GROWTH[-1][0]:
        return None
    column = 1 if name == "weight" else 2
    older = next(index for index, row in enumerate(_GROWTH) if row[0] > months)
    before, after = _GROWTH[older - 1], _GROWTH[older]
    share = (months - before[0]) / (after[0] - before[0])
    value = before[column] + (after[column] - before[column]) * share
    return Trend(value, value, 0.1)
