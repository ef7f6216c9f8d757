"""Problems: the diseases of a patient as Conditions, in ICD-10 (2013) and by their Japanese names.

JP-CLINS asks for a 病名管理番号 on every Condition; where the demo does not carry one it says
未コード化傷病名, as the master does.
https://jpfhir.jp/fhir/clins/igv1/StructureDefinition-JP-Condition-eCS.html
"""

from dataclasses import dataclass
from datetime import date, timedelta

from app.demo.chart import Chart, Entry
from app.demo.story import Problem
from app.demo.terms import HL7, ICD10, KEY_NUMBER, coding, concept


@dataclass(frozen=True, slots=True)
class Disease:
    """A disease as the sites write it."""

    icd10: str
    """Without the point, as JP Core writes it."""
    name: str
    key_number: str | None = None
    """8 digits of the MEDIS master."""
    suspected: bool = False


DISEASES = {
    "type-2-diabetes": Disease("E119", "２型糖尿病", "20050020"),
    "diabetic-nephropathy": Disease("E112", "２型糖尿病性腎症第３期"),
    "ckd-g3": Disease("N183", "慢性腎臓病ステージＧ３"),
    "dyslipidemia": Disease("E785", "脂質異常症"),
    "hypertension": Disease("I10", "高血圧症"),
    "atrial-fibrillation": Disease("I480", "発作性心房細動"),
    "cardioembolic-stroke": Disease("I634", "心原性脳塞栓症"),
    "femoral-neck-fracture": Disease("S7200", "右大腿骨頚部骨折"),
    "osteoporosis": Disease("M819", "骨粗鬆症"),
    "pneumonia": Disease("J189", "肺炎"),
    "constipation": Disease("K590", "便秘症"),
    "breast-cancer": Disease("C504", "左乳房上外側部乳癌"),
    "suspected-bone-metastasis": Disease("C795", "転移性骨腫瘍の疑い", suspected=True),
    "asthma": Disease("J459", "気管支喘息"),
    "allergic-rhinitis": Disease("J304", "アレルギー性鼻炎"),
    "pregnancy": Disease("Z349", "正常妊娠"),
    "anemia-of-pregnancy": Disease("O990", "妊娠貧血症"),
    "alzheimer": Disease("G309", "アルツハイマー型認知症"),
    "frontotemporal-dementia-suspected": Disease("G310", "前頭側頭型認知症の疑い", suspected=True),
    "depression": Disease("F329", "うつ病"),
    "insomnia": Disease("G470", "不眠症"),
    "upper-respiratory-infection": Disease("J069", "急性上気道炎"),
}


def onset(chart: Chart, problem: Problem) -> date:
    """Return the day a problem began; a child's never before birth."""
    return max(chart.event - timedelta(days=round(365 * problem.years_before)), chart.person.birth)


def url(chart: Chart, problem: Problem) -> str:
    """Return the fullUrl of a problem's Condition."""
    return chart.urn("problem", problem.disease)


def current(chart: Chart) -> tuple[Problem, ...]:
    """Return the problems that have begun by the region's today."""
    return tuple(problem for problem in chart.story.problems if onset(chart, problem) <= chart.region.today)


def conditions(chart: Chart) -> list[Entry]:
    """Return a Condition for each problem of a patient that has begun."""
    return [condition(chart, problem) for problem in current(chart)]


def condition(chart: Chart, problem: Problem) -> Entry:
    """Return the Condition of a problem, resolved when its days are over."""
    disease = DISEASES[problem.disease]
    began = onset(chart, problem)
    ended = None if problem.resolved_after_days is None else chart.event + timedelta(days=problem.resolved_after_days)
    over = ended is not None and ended <= chart.region.today
    status, certainty = "resolved" if over else "active", "provisional" if disease.suspected else "confirmed"
    codings = (
        coding(KEY_NUMBER, disease.key_number, disease.name)
        if disease.key_number
        else coding(KEY_NUMBER, "99999999", "未コード化傷病名"),
        coding(ICD10, disease.icd10, disease.name),
    )
    found = chart.resource(
        "Condition", "C", problem.disease, profile="JP_Condition", tags=problem.tags, labels=problem.labels
    ) | {
        "extension": chart.institution,
        "clinicalStatus": {"coding": [{"system": f"{HL7}/condition-clinical", "code": status}]},
        "verificationStatus": {"coding": [{"system": f"{HL7}/condition-ver-status", "code": certainty}]},
        "category": [concept(coding(f"{HL7}/condition-category", "problem-list-item", "Problem List Item"))],
        "code": concept(*codings, text=disease.name),
        "subject": chart.subject,
        "onsetDateTime": began.isoformat(),
        "recordedDate": began.isoformat(),
        "recorder": chart.by(chart.visits.department),
    }
    if over and ended:
        found["abatementDateTime"] = ended.isoformat()
    return url(chart, problem), found
