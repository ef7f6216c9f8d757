"""Allergies: to food and to medicines.

Food is coded in J-FAGY, by the codes that the JP-CLINS examples show; a medicine by its generic-order
code, with criticality high, as JP-CLINS rules.
https://jpfhir.jp/fhir/clins/igv1/StructureDefinition-JP-AllergyIntolerance-eCS.html
"""

from dataclasses import dataclass
from typing import Literal

from app.demo.chart import Chart, Entry
from app.demo.terms import CORE, GENERIC, HL7, coding, concept


@dataclass(frozen=True, slots=True)
class Allergen:
    """What is not tolerated, and what it did."""

    name: str
    category: Literal["food", "medication"]
    system: str
    code: str
    manifestation: str


ALLERGENS = {
    "mackerel": Allergen("さば", "food", f"{CORE}/CodeSystem/JP_JfagyFoodAllergen_CS", "J9FC11310000", "蕁麻疹"),
    "kiwifruit": Allergen(
        "キウイフルーツ",
        "food",
        f"{CORE}/CodeSystem/JP_JfagyFoodAllergen_CS",
        "J9FA32540000",
        "口腔内の違和感",
    ),
    "amoxicillin": Allergen("アモキシシリンカプセル２５０ｍｇ", "medication", GENERIC, "6131001M2ZZZ", "全身の皮疹"),
    "povidone-iodine": Allergen("ポビドンヨード含嗽用液７％", "medication", GENERIC, "2260701F1ZZZ", "口腔粘膜の発赤"),
}


def intolerances(chart: Chart) -> list[Entry]:
    """Return an AllergyIntolerance for each allergy of a patient's story."""
    return [_intolerance(chart, name) for name in chart.story.allergies]


def _intolerance(chart: Chart, name: str) -> Entry:
    allergen = ALLERGENS[name]
    found = chart.resource("AllergyIntolerance", "A", name, profile="JP_AllergyIntolerance") | {
        "extension": chart.institution,
        "clinicalStatus": {"coding": [{"system": f"{HL7}/allergyintolerance-clinical", "code": "active"}]},
        "verificationStatus": {"coding": [{"system": f"{HL7}/allergyintolerance-verification", "code": "confirmed"}]},
        "type": "allergy",
        "category": [allergen.category],
        "criticality": "high" if allergen.category == "medication" else "low",
        "code": concept(coding(allergen.system, allergen.code, allergen.name)),
        "patient": chart.subject,
        "recordedDate": chart.start.isoformat(),
        "recorder": chart.by(chart.visits.department),
        "reaction": [{"manifestation": [{"text": allergen.manifestation}]}],
    }
    return chart.urn("allergy", name), found
