"""退院時サマリー: what a hospital writes when a stay is over.

https://jpfhir.jp/fhir/eDischargeSummary/igv1/ (JP_Composition_eDischargeSummary)
"""

import base64
from datetime import timedelta

from app.demo import laboratory
from app.demo.allergies import intolerances
from app.demo.chart import Chart, Entry, instant
from app.demo.medicines import prescriptions
from app.demo.papers import Paper, known_problems, names
from app.demo.procedures import procedures
from app.demo.sections import section, structured
from app.demo.story import Admission
from app.demo.terms import LOINC, Json, coding, concept
from app.demo.visits import Visit, encounter, visits

PROFILE = "http://jpfhir.jp/fhir/eDischargeSummary/StructureDefinition/JP_Composition_eDischargeSummary"


def discharge(chart: Chart) -> Paper | None:
    """Return the summary of a patient's stay; None where there was none or it is not over."""
    admission = chart.admission
    stay = next((visit for visit in visits(chart) if visit.inpatient), None)
    if admission is None or stay is None or stay.last_day >= chart.region.today:
        return None
    content = _content(chart, stay, admission)
    seen = encounter(chart, stay, tuple(url for url, _ in content["344"]))
    return Paper(
        slug="discharge",
        title="退院時サマリー",
        type_code="18842-5",
        category=("DISCHARGE", "退院時文書"),
        composition=PROFILE,
        bundle="JP_Bundle_eDischargeSummary",
        day=stay.last_day,
        author=chart.doctor(stay.department),
        encounter=seen,
        event={"period": {"start": stay.day.isoformat(), "end": stay.last_day.isoformat()}},
        sections=[structured(_sections(chart, stay, admission, seen, content))],
        entries=[entry for entries in content.values() for entry in entries],
    )


def _content(chart: Chart, stay: Visit, admission: Admission) -> dict[str, list[Entry]]:
    """Return the resources of a summary by the code of their section."""
    sampled = stay.day + timedelta(days=admission.panel_days[-1])
    return {
        "344": known_problems(chart, stay.last_day),
        "510": intolerances(chart),
        "333": [_course(chart, stay, admission)],
        "713": procedures(chart, stay),
        "623": laboratory.panel(chart, stay, admission.panel, sampled)[:-1],
        "444": prescriptions(chart, stay),
    }


def _sections(
    chart: Chart, stay: Visit, admission: Admission, seen: Entry, content: dict[str, list[Entry]]
) -> list[Json]:
    days = f"{stay.day.isoformat()} 〜 {stay.last_day.isoformat()}（{admission.days}日間）"
    problems, allergies, course, done, results, medicines = (
        content[code] for code in ("344", "510", "333", "713", "623", "444")
    )
    return [
        section("322", f"入院 {days} {stay.department}", [seen]),
        section("342", names(problems), problems),
        section("510", names(allergies), allergies),
        section("352", admission.complaint),
        section("312", admission.reason, [seen]),
        section("362", admission.present_illness),
        section("372", chart.story.past),
        section("642", chart.story.social),
        section("333", admission.hospital_course, course),
        section("713", names(done), done),
        section("623", names(results), results),
        section("324", f"退院 {stay.last_day.isoformat()}", [seen]),
        section("344", names(problems), problems),
        section("444", names(medicines, "medicationCodeableConcept"), medicines),
        section("424", admission.instruction),
    ]


def _course(chart: Chart, stay: Visit, admission: Admission) -> Entry:
    """Return the hospital course as the DocumentReference that section 333 asks for, its text inside."""
    text = admission.hospital_course.encode()
    return chart.urn("hospital course"), chart.resource("DocumentReference", "D", "course") | {
        "status": "current",
        "type": concept(coding(LOINC, "11506-3", "Progress note")),
        "subject": chart.subject,
        "date": instant(stay.last_day, 10),
        "author": [chart.by(stay.department)],
        "description": "入院中経過",
        "content": [
            {
                "attachment": {
                    "contentType": "text/plain; charset=utf-8",
                    "language": "ja",
                    "data": base64.b64encode(text).decode("ascii"),
                }
            }
        ],
    }
