"""Visits: when a patient was at a site, and the Encounters of it.

https://jpfhir.jp/fhir/core/1.1.2/StructureDefinition-jp-encounter.html
"""

from dataclasses import dataclass
from datetime import date, timedelta

from app.demo.chart import LABELS_OF_DEPARTMENT, YEARS, Chart, Entry, instant
from app.demo.sites import department
from app.demo.terms import COMMON, HL7, Json, coding

_CLASSES = {False: ("AMB", "外来"), True: ("IMP", "入院")}


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit, or the stay in hospital."""

    url: str
    number: int
    """Counts from 0 within the patient and the site."""
    day: date
    last_day: date
    hour: int
    minute: int
    department: str
    inpatient: bool


def visits(chart: Chart) -> tuple[Visit, ...]:
    """Return the visits of a patient, the earliest first, the stay among them; all before today."""
    plan, stay = chart.visits, chart.admission
    days = [(day, day, plan.department, False) for day in _outpatient_days(chart)]
    if stay:
        last_day = chart.event + timedelta(days=stay.days)
        days = [found for found in days if not chart.event <= found[0] <= last_day]
        days.append((chart.event, last_day, stay.department, True))
    return tuple(_visit(chart, number, *found) for number, found in enumerate(sorted(days)))


def _visit(chart: Chart, number: int, day: date, last_day: date, department: str, inpatient: bool) -> Visit:
    clock = chart.draw("clock", day)
    hour, minute = clock.randrange(9, 17), clock.randrange(0, 60, 5)
    return Visit(chart.urn("encounter", number), number, day, last_day, hour, minute, department, inpatient)


def _outpatient_days(chart: Chart) -> list[date]:
    plan = chart.visits
    earliest = max(chart.start, chart.region.today - timedelta(days=round(plan.years * 365)))
    day = chart.region.today - timedelta(days=chart.draw("first visit").randrange(5, 5 + plan.every_days // 2))
    found = []
    while day >= earliest:
        # Nobody comes to the day.
        early = day - timedelta(days=chart.draw("early", day).randrange(3))
        while _closed(early):
            early -= timedelta(days=1)
        found.append(early)
        day -= timedelta(days=plan.every_days)
    before, after = plan.around_event or (YEARS * 366, YEARS * 366)
    return [day for day in found if day >= earliest and -before <= (day - chart.event).days <= after]


def _closed(day: date) -> bool:
    # Sundays, and the days around New Year.
    return day.weekday() == 6 or (day.month, day.day) >= (12, 30) or (day.month, day.day) <= (1, 3)


def encounter(chart: Chart, visit: Visit, diagnoses: tuple[str, ...] = ()) -> Entry:
    """Return the Encounter of a visit.

    Args:
        chart: Whose.
        visit: Which.
        diagnoses: The fullUrls of the Conditions of a stay.
    """
    code, display = _CLASSES[visit.inpatient]
    found = chart.resource(
        "Encounter",
        "E",
        visit.number,
        profile="JP_Encounter",
        labels=LABELS_OF_DEPARTMENT.get(visit.department, ()),
    ) | {
        "status": "finished",
        "class": coding(f"{HL7}/v3-ActCode", code, display),
        "serviceType": department(visit.department),
        "subject": chart.subject,
        "participant": [{"individual": chart.by(visit.department)}],
        "period": period(visit),
        "serviceProvider": chart.site.logical,
    }
    if visit.inpatient:
        found |= _stay(chart, diagnoses)
    return visit.url, found


def period(visit: Visit) -> Json:
    """Return the Period of a visit: half an hour, or the days of the stay."""
    if visit.inpatient:
        return {"start": instant(visit.day, visit.hour, visit.minute), "end": instant(visit.last_day, 10)}
    end = instant(visit.day, visit.hour + (visit.minute >= 30), (visit.minute + 30) % 60)
    return {"start": instant(visit.day, visit.hour, visit.minute), "end": end}


def _stay(chart: Chart, diagnoses: tuple[str, ...]) -> Json:
    stay = chart.admission
    if stay is None:
        raise ValueError(f"{chart.person.slug} has no stay at {chart.site.slug}")
    codes = {"1": "傷病が治癒・軽快", "9": "その他（検査入院,正常分娩及び人間ドック含む）"}
    role = coding(f"{HL7}/diagnosis-role", "DD", "Discharge diagnosis")
    return {
        "reasonCode": [{"text": stay.reason}],
        "diagnosis": [
            {"condition": {"reference": url, "type": "Condition"}, "use": {"coding": [role]}} for url in diagnoses
        ],
        "length": {
            "value": stay.days,
            "unit": "日",
            "system": "http://unitsofmeasure.org",
            "code": "d",
        },
        "hospitalization": {
            "admitSource": {"coding": [coding(f"{COMMON}/admit-Source", "1", "家庭からの入院")]},
            "dischargeDisposition": {
                "coding": [coding(f"{COMMON}/discharge-disposition", stay.disposition, codes[stay.disposition])]
            },
        },
    }
