"""Procedures: what was done during a stay, named in Japanese and coded in ICD-9-CM volume 3.

The masters of K codes and STEM7 are not shipped. https://jpfhir.jp/fhir/core/1.1.2/StructureDefinition-jp-procedure.html
"""

from datetime import timedelta

from app.demo.chart import Chart, Entry
from app.demo.story import Treatment
from app.demo.terms import coding, concept
from app.demo.visits import Visit

ICD9 = "http://hl7.org/fhir/sid/icd-9-cm"

PROCEDURES = {
    "hip-hemiarthroplasty": ("81.52", "Partial hip replacement", "人工骨頭挿入術（右股）"),
    "rehabilitation": ("93.89", "Rehabilitation, not elsewhere classified", "リハビリテーション"),
    "oxygen-therapy": ("93.96", "Other oxygen enrichment", "酸素吸入"),
    "breast-conserving-surgery": ("85.22", "Resection of quadrant of breast", "左乳房部分切除術"),
    "sentinel-node-biopsy": ("40.11", "Biopsy of lymphatic structure", "センチネルリンパ節生検"),
    "thrombolysis": ("99.10", "Injection or infusion of thrombolytic agent", "アルテプラーゼ静注療法"),
    "nebulization": ("93.94", "Respiratory medication administered by nebulizer", "超音波ネブライザー"),
    "vaginal-delivery": ("73.59", "Other manually assisted delivery", "経腟分娩介助"),
    "dietary-guidance": ("89.06", "Consultation, described as limited", "入院栄養食事指導"),
}


def procedures(chart: Chart, stay: Visit) -> list[Entry]:
    """Return the Procedures of a stay; none for an outpatient visit."""
    treatments = chart.admission.treatments if stay.inpatient and chart.admission else ()
    return [_procedure(chart, stay, treatment) for treatment in treatments]


def _procedure(chart: Chart, stay: Visit, treatment: Treatment) -> Entry:
    code, english, name = PROCEDURES[treatment.procedure]
    day = stay.day + timedelta(days=treatment.day)
    return chart.urn("procedure", treatment.procedure), chart.resource(
        "Procedure", "P", treatment.procedure, profile="JP_Procedure"
    ) | {
        "status": "completed",
        "code": concept(coding(ICD9, code, english), text=name),
        "subject": chart.subject,
        "encounter": {"reference": stay.url, "type": "Encounter"},
        "performedDateTime": day.isoformat(),
        "performer": [{"actor": chart.by(stay.department)}],
    }
