"""Laboratory: results coded in JLAC10 and in the site's own codes, with reference ranges and interpretation.

https://jpfhir.jp/fhir/core/1.1.2/StructureDefinition-jp-observation-labresult.html
"""

from datetime import date

from app.demo.analytes import ANALYTES, Analyte
from app.demo.chart import Chart, Entry, instant
from app.demo.story import Trend
from app.demo.terms import (
    CATEGORY,
    HL7,
    JLAC10,
    JLAC10_CORE,
    LAB_LOCAL,
    LAB_UNCODED,
    LOINC,
    Json,
    coding,
    concept,
    quantity,
)
from app.demo.trends import measured, rounded
from app.demo.visits import Visit

_INTERPRETATIONS = {"H": "High", "L": "Low", "N": "Normal"}
_CATEGORIES = [
    concept(coding(CATEGORY, "laboratory", "Laboratory")),
    concept(coding(f"{HL7}/observation-category", "laboratory", "Laboratory")),
]


def panel(chart: Chart, visit: Visit, names: tuple[str, ...], day: date) -> list[Entry]:
    """Return the results of a sample taken on a day of a visit and, last, the DiagnosticReport of them."""
    results = [_observation(chart, visit, name, day) for name in names]
    return [*results, _report(chart, visit, results, day)]


def value(chart: Chart, name: str, day: date) -> float:
    """Return an analyte's value on a day, rounded; eGFR follows from the creatinine of that day."""
    analyte = ANALYTES[name]
    if name == "eGFR":
        return rounded(_egfr(chart, day), analyte.decimals)
    low, high = analyte.range_of(chart.person.sex)
    middle, width = (low + high) / 2, high - low
    return rounded(measured(chart, name, day, Trend(middle, middle, width / 10)), analyte.decimals)


def _egfr(chart: Chart, day: date) -> float:
    """The Japanese Society of Nephrology's equation of 2009, in mL/min/1.73 m²."""
    years = (day - chart.person.birth).days / 365.25
    found = 194 * value(chart, "Cre", day) ** -1.094 * years**-0.287
    return float(found * 0.739 if chart.person.sex == "female" else found)


def _observation(chart: Chart, visit: Visit, name: str, day: date) -> Entry:
    analyte = ANALYTES[name]
    low, high = analyte.range_of(chart.person.sex)
    found = value(chart, name, day)
    mark = "H" if found > high else "L" if found < low else "N"
    url = chart.urn("laboratory", name, day)
    profile = "JP_Observation_LabResult"
    return url, chart.resource("Observation", "L", name, f"{day:%Y%m%d}", profile=profile) | {
        "extension": chart.institution,
        "status": "final",
        "category": _CATEGORIES,
        "code": _code(chart, analyte),
        "subject": chart.subject,
        "encounter": {"reference": visit.url, "type": "Encounter"},
        "effectiveDateTime": instant(day, visit.hour, visit.minute),
        "issued": instant(day, visit.hour + 2, visit.minute),
        "performer": [chart.by(visit.department)],
        "valueQuantity": quantity(found, analyte.unit, analyte.ucum or analyte.unit),
        "interpretation": [concept(coding(f"{HL7}/v3-ObservationInterpretation", mark, _INTERPRETATIONS[mark]))],
        "specimen": {"display": analyte.specimen},
        "referenceRange": [
            {
                "low": quantity(low, analyte.unit, analyte.ucum or analyte.unit),
                "high": quantity(high, analyte.unit, analyte.ucum or analyte.unit),
            }
        ],
    }


def _code(chart: Chart, analyte: Analyte) -> Json:
    local = f"{chart.site.slug[-1].upper()}{analyte.local:04}"
    codings = [coding(LAB_LOCAL, local, analyte.name)]
    if analyte.jlac10 is None:
        codings.append(coding(LAB_UNCODED, "99999999999999999", "未標準化コード項目(JLAC)"))
    else:
        if analyte.core:
            codings.append(coding(JLAC10_CORE, analyte.jlac10, analyte.core))
        codings.append(coding(JLAC10, analyte.jlac10, analyte.name))
    return concept(*codings)


def _report(chart: Chart, visit: Visit, results: list[Entry], day: date) -> Entry:
    url = chart.urn("laboratory report", day)
    return url, chart.resource("DiagnosticReport", "LR", f"{day:%Y%m%d}") | {
        "status": "final",
        "category": [concept(coding(LOINC, "26436-6", "Laboratory studies (set)"), text="検体検査")],
        "code": concept(coding(LOINC, "11502-2", "Laboratory report"), text="検体検査報告書"),
        "subject": chart.subject,
        "encounter": {"reference": visit.url, "type": "Encounter"},
        "effectiveDateTime": instant(day, visit.hour, visit.minute),
        "issued": instant(day, visit.hour + 2, visit.minute),
        "performer": [chart.site.logical],
        "result": [{"reference": found, "type": "Observation"} for found, _ in results],
    }
