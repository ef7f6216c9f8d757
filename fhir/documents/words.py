"""Words of R4's own codes in Japanese and in English, for the narratives that a summary writes.

https://hl7.org/fhir/R4/valueset-condition-clinical.html and its siblings.
"""

from collections.abc import Mapping
from typing import Literal

Language = Literal["ja", "en"]

_JAPANESE: Mapping[str, str] = {
    "active": "有効",
    "recurrence": "再発",
    "relapse": "再燃",
    "inactive": "無効",
    "remission": "寛解",
    "resolved": "治癒・終了",
    "unconfirmed": "未確認",
    "provisional": "暫定",
    "differential": "鑑別中",
    "confirmed": "確認済み",
    "low": "低リスク",
    "high": "高リスク",
    "unable-to-assess": "リスク評価不能",
    "mild": "軽度",
    "moderate": "中等度",
    "severe": "重度",
    "completed": "完了",
    "stopped": "中止",
    "on-hold": "休止",
    "in-progress": "実施中",
    "intended": "予定",
    "declined": "辞退",
    "unknown": "不明",
    "preliminary": "暫定",
    "partial": "一部",
    "final": "確定",
    "amended": "修正",
    "corrected": "訂正",
    "appended": "追記",
    "revoked": "取消",
    "H": "高値",
    "HH": "著しい高値",
    "L": "低値",
    "LL": "著しい低値",
    "A": "異常",
    "N": "基準値内",
    "true": "はい",
    "false": "いいえ",
}
_ENGLISH: Mapping[str, str] = {
    "low": "low risk",
    "high": "high risk",
    "unable-to-assess": "risk cannot be assessed",
    "H": "high",
    "HH": "very high",
    "L": "low",
    "LL": "very low",
    "A": "abnormal",
    "N": "normal",
    "true": "yes",
    "false": "no",
}


def word(code: str, language: Language) -> str:
    """Return what a code of R4 is called; the code itself, with spaces for its hyphens, when that is not known."""
    words = _JAPANESE if language == "ja" else _ENGLISH
    return words.get(code, code.replace("-", " "))
