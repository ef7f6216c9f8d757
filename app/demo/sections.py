"""Sections: the section codes of JP-CLINS documents, and a section of text and references.

https://jpfhir.jp/fhir/clins/igv1/ (JP_Composition_eReferral, JP_Composition_eDischargeSummary)
"""

from app.demo.chart import Entry
from app.demo.terms import SECTION, Json, narrative

TITLES = {
    "910": "紹介先情報",
    "920": "紹介元情報",
    "300": "構造情報",
    "312": "入院理由",
    "322": "入院時詳細",
    "324": "退院時詳細",
    "333": "入院中経過",
    "340": "傷病名・主訴",
    "342": "入院時診断",
    "344": "退院時診断",
    "352": "主訴",
    "360": "現病歴",
    "362": "現病歴",
    "370": "既往歴",
    "372": "既往歴",
    "424": "退院時方針指示",
    "430": "投薬指示",
    "444": "退院時投薬指示",
    "510": "アレルギー・不耐性反応",
    "620": "検査結果",
    "623": "入院中検査結果",
    "640": "社会歴・生活習慣",
    "642": "社会歴・生活習慣",
    "713": "入院中治療",
    "950": "紹介目的",
}
"""Code to title; the display of a code is its title and セクション."""


def section(code: str, text: str, entries: list[Entry] | None = None) -> Json:
    """Return a section.

    Args:
        code: A key of `TITLES`.
        text: What it says, plain.
        entries: The resources it says it with; each gets a reference.
    """
    found = _start(code) | {"text": narrative(text)}
    if entries:
        found["entry"] = [{"reference": url, "type": resource["resourceType"]} for url, resource in entries]
    return found


def structured(sections: list[Json]) -> Json:
    """Return the section 300 that holds the sections of a structured document."""
    return _start("300") | {"section": sections}


def _start(code: str) -> Json:
    title = TITLES[code]
    return {
        "title": title,
        "code": {"coding": [{"system": SECTION, "code": code, "display": f"{title}セクション"}]},
    }
