"""Medicines: the prescriptions written at a visit, as JP Core writes a MedicationRequest.

https://jpfhir.jp/fhir/core/1.1.2/StructureDefinition-jp-medicationrequest.html
"""

import math
from datetime import date

from app.demo.chart import LABELS_OF_DEPARTMENT, Chart, Entry, instant
from app.demo.formulary import MEDICINES, UNITS, Medicine
from app.demo.terms import (
    CORE,
    EXTENSION,
    GENERIC,
    HOT9,
    MERIT9,
    NOCODED,
    USAGE,
    USAGE_EPRESCRIPTION,
    USAGE_UNCODED,
    YJ,
    Json,
    coding,
    concept,
    identifier,
    quantity,
)
from app.demo.visits import Visit

_ROUTES = {"内服": ("PO", "口", "1"), "外用": ("TOP", "局所", "2")}
"""Route to its code, its name and the digit of the JAMI basic usage."""


def prescriptions(chart: Chart, visit: Visit) -> list[Entry]:
    """Return what is prescribed: the courses that run on the day of a visit, or what a stay sends home."""
    if visit.inpatient and chart.admission:
        return [
            request(chart, visit, name, visit.last_day, number, days=14)
            for number, name in enumerate(chart.admission.medicines, 1)
        ]
    running = [
        course.medicine
        for course in chart.visits.courses
        if chart.when(course.begins) <= visit.day <= chart.when(course.ends)
    ]
    days = min(chart.visits.every_days, 90)
    return [request(chart, visit, name, visit.day, number, days=days) for number, name in enumerate(running, 1)]


def request(chart: Chart, visit: Visit, name: str, day: date, number: int, *, days: int) -> Entry:
    """Return one MedicationRequest.

    Args:
        chart: Whose.
        visit: When it was written.
        name: A key of `formulary.MEDICINES`.
        day: The day it is taken from.
        number: Its Rp number within the prescription.
        days: For how long, unless the medicine has a length of its own.
    """
    medicine = MEDICINES[name]
    days = medicine.days or days
    found = chart.resource(
        "MedicationRequest",
        "M",
        visit.number,
        number,
        profile="JP_MedicationRequest",
        labels=LABELS_OF_DEPARTMENT.get(visit.department, ()),
    )
    found["identifier"] = [*_order(number), *found["identifier"]]
    return chart.urn("medicine", visit.number, number), found | {
        "extension": chart.institution,
        "status": "completed",
        "intent": "order",
        "medicationCodeableConcept": code(medicine),
        "subject": chart.subject,
        "encounter": {"reference": visit.url, "type": "Encounter"},
        "authoredOn": instant(day, visit.hour, visit.minute),
        "requester": chart.by(visit.department),
        "dosageInstruction": [_dosage(medicine, day, days)],
        "dispenseRequest": {
            "quantity": quantity(_total(medicine, days), medicine.form, UNITS[medicine.form], MERIT9),
            "expectedSupplyDuration": quantity(days, "日", "d"),
        },
    }


def _order(number: int) -> list[Json]:
    return [
        identifier(f"{CORE}/mhlw/IdSystem/Medication-RPGroupNumber", str(number)),
        identifier(f"{CORE}/mhlw/IdSystem/MedicationAdministrationIndex", "1"),
    ]


def code(medicine: Medicine) -> Json:
    """Return a medicine's CodeableConcept: generic-order, YJ and HOT9 codes as far as known, or NOCODED."""
    known = ((GENERIC, medicine.generic), (YJ, medicine.yj), (HOT9, medicine.hot9))
    codings = [coding(system, value, medicine.name) for system, value in known if value]
    return concept(*(codings or [coding(NOCODED, "NOCODED", "標準コードなし")]), text=medicine.name)


def _dosage(medicine: Medicine, day: date, days: int) -> Json:
    route, route_name, basic = _ROUTES[medicine.route]
    text = f"{medicine.usage.text} １回{medicine.dose:g}{medicine.form}"
    return {
        "extension": [
            {"url": f"{EXTENSION}/JP_MedicationDosage_PeriodOfUse", "valuePeriod": {"start": day.isoformat()}}
        ],
        "text": text,
        "timing": {"repeat": {"boundsDuration": quantity(days, "日", "d")}, "code": _usage(medicine)},
        "route": concept(coding(f"{CORE}/CodeSystem/route-codes", route, route_name)),
        "method": concept(coding("http://jami.jp/CodeSystem/MedicationMethodBasicUsage", basic, medicine.route)),
        "doseAndRate": [{"doseQuantity": _amount(medicine, medicine.dose)}],
    }


def _usage(medicine: Medicine) -> Json:
    usage = medicine.usage
    if usage.code is None:
        return concept(coding(USAGE_UNCODED, "0X0XXXXXXXXX0000", "ダミー用法コード"), text=usage.text)
    return concept(coding(USAGE, usage.code, usage.text), coding(USAGE_EPRESCRIPTION, usage.code, usage.text))


def _amount(medicine: Medicine, value: float) -> Json:
    return quantity(value, medicine.form, UNITS[medicine.form], MERIT9)


def _total(medicine: Medicine, days: int) -> float:
    if "１週間" in medicine.usage.text:
        return math.ceil(days / 7) * medicine.dose
    if medicine.form == "本":
        return 1
    return days * medicine.usage.times_a_day * medicine.dose
