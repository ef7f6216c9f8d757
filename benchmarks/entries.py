"""The entries of a generated record: what hospitals keep of a person, over decades, made from a seed.

Each function returns resources that refer to the person, to the visit and to the staff by the references given. Codes
are those of LOINC, ICD-10 and YJ; texts are Japanese.
"""

import base64
import random
from datetime import date, timedelta
from typing import Any

Resource = dict[str, Any]

FIRST, LAST = date(1994, 4, 1), date(2026, 3, 31)
"""The days between which records were made."""

PRACTITIONERS, ORGANIZATIONS = 60, 12
"""The staff and the departments that all records refer to."""

_HL7 = "http://terminology.hl7.org/CodeSystem"
_LOINC, _UCUM, _ICD10 = "http://loinc.org", "http://unitsofmeasure.org", "http://hl7.org/fhir/sid/icd-10"
_YJ = "urn:oid:1.2.392.100495.20.1.73"

DISEASES = (
    *(("I10", "本態性高血圧症"), ("E78.5", "脂質異常症"), ("J06.9", "急性上気道炎"), ("M54.5", "腰痛症")),
    *(("K29.5", "慢性胃炎"), ("J45.9", "気管支喘息"), ("M17.9", "変形性膝関節症"), ("H25.9", "老人性白内障")),
    *(("I48.9", "心房細動"), ("I50.9", "慢性心不全"), ("N18.5", "慢性腎臓病ステージ５"), ("C34.9", "肺癌")),
    *(("C18.9", "結腸癌"), ("F32.9", "うつ病"), ("G30.9", "アルツハイマー型認知症"), ("L20.9", "アトピー性皮膚炎")),
)
"""ICD-10 codes and names, the most frequent first."""

DIABETES = ("E11.9", "２型糖尿病")
MEDICINES = (
    *(("2171022F1029", "アムロジピン錠５ｍｇ"), ("2189015F1023", "アトルバスタチン錠１０ｍｇ")),
    *(("3962002F2027", "メトホルミン塩酸塩錠５００ｍｇ"), ("1149019F1560", "ロキソプロフェンナトリウム錠６０ｍｇ")),
    *(("2329023F1020", "ラベプラゾールナトリウム錠１０ｍｇ"), ("3332001F1024", "ワルファリンカリウム錠１ｍｇ")),
)
_ALLERGENS = ("ペニシリン系抗菌薬", "スギ花粉", "ソバ", "ヨード造影剤")
_FINDINGS = ("異常所見なし", "軽度の心拡大を認める", "右下肺野に浸潤影を認める", "前回と比べ著変なし")
_REPORTS = (("58410-2", "血算"), ("24323-8", "生化学検査"), ("18748-4", "画像診断報告書"))
CULTURE = ("600-7", "血液培養検査")
"""A report that is rare: of one in a hundred."""


def day(chance: random.Random) -> date:
    """Return a day, later ones more often: records grew denser."""
    return FIRST + timedelta(int((LAST - FIRST).days * chance.random() ** 0.6))


def _at(one: date, chance: random.Random) -> str:
    return f"{one}T{chance.randrange(8, 18):02d}:{chance.randrange(60):02d}:00+09:00"


def _coded(system: str, code: str, display: str) -> Resource:
    return {"coding": [{"system": system, "code": code, "display": display}], "text": display}


def _of_hl7(system: str, code: str) -> Resource:
    return {"coding": [{"system": f"{_HL7}/{system}", "code": code}]}


def practitioner(chance: random.Random) -> Resource:
    """Return a reference to one of the staff; a tenth of them see half of all."""
    return {"reference": f"Practitioner/hospital-p{int(PRACTITIONERS * chance.random() ** 2)}"}


def condition(person: str, chance: random.Random, known: tuple[str, str] | None = None) -> Resource:
    """Return a Condition: `known`, or one of `DISEASES`, the first ones more often."""
    code, name = known or DISEASES[int(len(DISEASES) * chance.random() ** 2)]
    begun = day(chance)
    return {
        "resourceType": "Condition",
        "text": {
            "status": "generated",
            "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{name}。{begun.year}年{begun.month}月に診断。</div>',
        },
        "clinicalStatus": _of_hl7("condition-clinical", "active"),
        "verificationStatus": _of_hl7("condition-ver-status", "confirmed"),
        "category": [_of_hl7("condition-category", "problem-list-item")],
        "code": _coded(_ICD10, code, name),
        "subject": {"reference": person},
        "onsetDateTime": str(begun),
        "recordedDate": _at(begun, chance),
        "asserter": practitioner(chance),
    }


def encounter(person: str, chance: random.Random) -> Resource:
    """Return an Encounter: an outpatient's hour, or one in ten an inpatient's days."""
    inside = chance.random() < 0.1
    begun = day(chance)
    ended = begun + timedelta(chance.randrange(2, 40)) if inside else begun
    return {
        "resourceType": "Encounter",
        "status": "finished",
        "class": {"system": f"{_HL7}/v3-ActCode", "code": "IMP" if inside else "AMB"},
        "subject": {"reference": person},
        "participant": [{"individual": practitioner(chance)}],
        "period": {"start": f"{begun}T09:00:00+09:00", "end": f"{ended}T{chance.randrange(10, 18):02d}:00:00+09:00"},
        "serviceProvider": {"reference": f"Organization/hospital-o{chance.randrange(ORGANIZATIONS)}"},
    }


def medication_request(person: str, chance: random.Random) -> Resource:
    """Return a MedicationRequest with a dose in words."""
    code, name = chance.choice(MEDICINES)
    return {
        "resourceType": "MedicationRequest",
        "status": "completed",
        "intent": "order",
        "medicationCodeableConcept": _coded(_YJ, code, name),
        "subject": {"reference": person},
        "authoredOn": _at(day(chance), chance),
        "requester": practitioner(chance),
        "dosageInstruction": [{"text": chance.choice(("１日１回朝食後", "１日３回毎食後", "１日２回朝夕食後"))}],
    }


def allergy_intolerance(person: str, chance: random.Random) -> Resource:
    """Return an AllergyIntolerance."""
    return {
        "resourceType": "AllergyIntolerance",
        "clinicalStatus": _of_hl7("allergyintolerance-clinical", "active"),
        "verificationStatus": _of_hl7("allergyintolerance-verification", "confirmed"),
        "code": {"text": chance.choice(_ALLERGENS)},
        "patient": {"reference": person},
        "recordedDate": str(day(chance)),
        "reaction": [{"manifestation": [{"text": "発疹"}]}],
    }


def document_reference(person: str, chance: random.Random) -> Resource:
    """Return a DocumentReference to a short text that it holds itself."""
    text = f"退院時サマリー。{chance.choice(DISEASES)[1]}にて入院。経過良好にて退院。"
    written = day(chance)
    return {
        "resourceType": "DocumentReference",
        "status": "current",
        "type": _coded(_LOINC, "18842-5", "退院時サマリー"),
        "subject": {"reference": person},
        "date": _at(written, chance),
        "author": [practitioner(chance)],
        "description": text,
        "content": [
            {"attachment": {"contentType": "text/plain", "data": base64.b64encode(text.encode()).decode("ascii")}}
        ],
    }


def blood_pressure(person: str, chance: random.Random) -> Resource:
    """Return an Observation with two components."""
    systolic = min(230, max(85, round(chance.gauss(132, 18))))
    pressures = (("8480-6", "収縮期血圧", systolic), ("8462-4", "拡張期血圧", round(systolic * 0.62)))
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [_of_hl7("observation-category", "vital-signs")],
        "code": _coded(_LOINC, "85354-9", "血圧"),
        "subject": {"reference": person},
        "effectiveDateTime": _at(day(chance), chance),
        "performer": [practitioner(chance)],
        "component": [
            {
                "code": _coded(_LOINC, code, name),
                "valueQuantity": {"value": value, "unit": "mmHg", "system": _UCUM, "code": "mm[Hg]"},
            }
            for code, name, value in pressures
        ],
    }


def diagnostic_report(person: str, results: list[str], chance: random.Random) -> Resource:
    """Return a DiagnosticReport of some results."""
    code, name = CULTURE if chance.random() < 0.01 else chance.choice(_REPORTS)
    made, said = day(chance), chance.choice(_FINDINGS)
    return {
        "resourceType": "DiagnosticReport",
        "text": {
            "status": "generated",
            "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{name}。{said}。</div>',
        },
        "status": "final",
        "category": [_of_hl7("v2-0074", "LAB")],
        "code": _coded(_LOINC, code, name),
        "subject": {"reference": person},
        "effectiveDateTime": _at(made, chance),
        "issued": _at(made, chance),
        "performer": [practitioner(chance)],
        "result": [{"reference": one} for one in results],
        "conclusion": said,
    }
