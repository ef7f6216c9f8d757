"""Immunizations: the vaccines a patient had at a site.

Coded in CVX, as R4's example value set is; the Japanese name is the text.
https://hl7.org/fhir/R4/immunization.html
"""

from dataclasses import dataclass
from datetime import date, timedelta

from app.demo.chart import Chart, Entry
from app.demo.terms import coding, concept

CVX = "http://hl7.org/fhir/sid/cvx"


@dataclass(frozen=True, slots=True)
class Vaccine:
    """A vaccine, by its CVX code and its Japanese name."""

    cvx: str
    english: str
    name: str


VACCINES = {
    "influenza": Vaccine("141", "Influenza, seasonal, injectable", "インフルエンザＨＡワクチン"),
    "pneumococcal": Vaccine("33", "pneumococcal polysaccharide PPV23", "２３価肺炎球菌ワクチン"),
    "measles-rubella": Vaccine("04", "M/R", "麻しん風しん混合ワクチン"),
    "japanese-encephalitis": Vaccine("134", "Japanese Encephalitis IM", "日本脳炎ワクチン"),
    "rotavirus": Vaccine("119", "rotavirus, monovalent", "１価ロタウイルスワクチン"),
    "hib-dtap-ipv": Vaccine("120", "DTaP-Hib-IPV", "５種混合ワクチン"),
    "pcv": Vaccine("216", "Pneumococcal conjugate PCV20", "２０価肺炎球菌結合型ワクチン"),
    "hepatitis-b": Vaccine("08", "Hep B, adolescent or pediatric", "Ｂ型肝炎ワクチン"),
    "bcg": Vaccine("19", "BCG", "ＢＣＧワクチン"),
}


def immunizations(chart: Chart) -> list[Entry]:
    """Return the vaccinations at the site that knows the patient best; the other sites have none."""
    if chart.person.patients[0].site != chart.site.slug:
        return []
    days = _days(chart)
    given = list(zip(chart.story.vaccines, days, strict=False))
    return [
        _immunization(chart, number, name, day, chart.story.vaccines[: number + 1].count(name))
        for number, (name, day) in enumerate(given)
        if day < chart.region.today
    ]


def _days(chart: Chart) -> list[date]:
    # Infants from two months of age, four weeks apart, two at a time; everybody else one each October.
    count = len(chart.story.vaccines)
    if chart.story.name == "infant":
        return [chart.person.birth + timedelta(days=61 + 28 * (number // 2)) for number in range(count)]
    last = chart.region.today.year - (chart.region.today.month < 11)
    return [
        date(last - count + 1 + number, 10, 1 + chart.draw("vaccine", number).randrange(28)) for number in range(count)
    ]


def _immunization(chart: Chart, number: int, name: str, day: date, dose: int) -> Entry:
    vaccine = VACCINES[name]
    lot = f"DEMO{chart.draw('lot', number).randrange(1000):03}"
    return chart.urn("vaccine", number), chart.resource("Immunization", "I", number, profile="JP_Immunization") | {
        "status": "completed",
        "vaccineCode": concept(coding(CVX, vaccine.cvx, vaccine.english), text=vaccine.name),
        "patient": chart.subject,
        "occurrenceDateTime": day.isoformat(),
        "primarySource": True,
        "lotNumber": lot,
        "performer": [{"actor": chart.by(chart.visits.department)}],
        "protocolApplied": [{"doseNumberPositiveInt": dose}],
    }
