"""Formulary: the medicines of the demo, each with its generic-order code and how it is taken.

A generic-order code is the first nine digits of the YJ code and ZZZ. They are written by hand for the demo
and not checked against 一般名処方マスタ, which is not shipped; YJ and HOT9 codes stand only where a published
source shows them. https://jpfhir.jp/fhir/clins/igv1/ (JP_MedicationRequest_eCS)
"""

from dataclasses import dataclass
from typing import Literal

Form = Literal["錠", "カプセル", "包", "個", "本"]
UNITS: dict[Form, str] = {"錠": "TAB", "カプセル": "CAP", "包": "PCK", "個": "KO", "本": "HON"}
"""Form to the MERIT-9 unit."""


@dataclass(frozen=True, slots=True)
class Usage:
    """How often a medicine is taken."""

    code: str | None
    """16 digits of the JAMI usage standard; None where the demo writes it in words only."""
    text: str
    times_a_day: int


_MORNING = Usage("1011040000000000", "１日１回朝食後　服用", 1)
_EVENING = Usage("1011000400000000", "１日１回夕食後　服用", 1)
_TWICE = Usage("1012040400000000", "１日２回朝夕食後　服用", 2)
_THRICE = Usage("1013044400000000", "１日３回朝昼夕食後　服用", 3)
_BEDTIME = Usage("1011000090000000", "１日１回就寝前　服用", 1)
_WEEKLY = Usage(None, "１週間に１回　起床時　服用", 1)
_IF_NEEDED = Usage(None, "頓用　痛いとき・発熱時", 1)
_INHALED = Usage(None, "１日２回朝夕　吸入", 2)


@dataclass(frozen=True, slots=True)
class Medicine:
    """One product name as it is ordered."""

    name: str
    generic: str | None
    """12 characters of the generic-order code; None for a product that has no standard code here."""
    usage: Usage
    dose: float = 1
    """Units of `form` each time."""
    form: Form = "錠"
    route: Literal["内服", "外用"] = "内服"
    days: int | None = None
    """For how many days it is given; None: until the next visit."""
    yj: str | None = None
    hot9: str | None = None


MEDICINES = {
    "metformin": Medicine("メトホルミン塩酸塩錠２５０ｍｇ：ＭＴ", "3962002F2ZZZ", _TWICE, dose=2, yj="3962002F2027"),
    "sitagliptin": Medicine("シタグリプチン錠５０ｍｇ", "3969010F2ZZZ", _MORNING),
    "rosuvastatin": Medicine("ロスバスタチン錠２．５ｍｇ", "2189017F1ZZZ", _EVENING),
    "candesartan": Medicine("カンデサルタン錠８ｍｇ", "2149040F3ZZZ", _MORNING),
    "amlodipine": Medicine("アムロジピン錠５ｍｇ", "2171022F2ZZZ", _MORNING),
    "edoxaban": Medicine("エドキサバン錠３０ｍｇ", "3339002F2ZZZ", _MORNING),
    "donepezil": Medicine("ドネペジル塩酸塩錠５ｍｇ", "1190012F2ZZZ", _MORNING),
    "alendronate": Medicine("アレンドロン酸錠３５ｍｇ", "3999018F2ZZZ", _WEEKLY),
    "eldecalcitol": Medicine("エルデカルシトールカプセル０．７５μｇ", "3112006M2ZZZ", _MORNING, form="カプセル"),
    "anastrozole": Medicine("アナストロゾール錠１ｍｇ", "4291010F1ZZZ", _MORNING),
    "magnesium-oxide": Medicine("酸化マグネシウム錠３３０ｍｇ", "2344009F2ZZZ", _THRICE),
    "ferrous-citrate": Medicine("クエン酸第一鉄Ｎａ錠５０ｍｇ", "3222013F1ZZZ", _TWICE),
    "lansoprazole": Medicine("ランソプラゾールＯＤ錠１５ｍｇ", "2329023F1ZZZ", _MORNING),
    "rebamipide": Medicine("レバミピド錠１００ｍｇ", "2329021F1ZZZ", _THRICE),
    "loxoprofen": Medicine("ロキソプロフェンＮａ錠６０ｍｇ", "1149019F1ZZZ", _THRICE, days=14),
    "acetaminophen": Medicine("アセトアミノフェン錠２００ｍｇ", "1141007F1ZZZ", _IF_NEEDED, dose=2, days=5),
    "acetaminophen-suppository": Medicine(
        "アセトアミノフェン坐剤小児用１００ｍｇ", "1141700J2ZZZ", _IF_NEEDED, form="個", route="外用", days=3
    ),
    "levofloxacin": Medicine("レボフロキサシン錠５００ｍｇ", "6241013F3ZZZ", _MORNING, days=7),
    "carbocisteine": Medicine(
        "カルボシステイン錠２５０ｍｇ",
        "2233002F1ZZZ",
        _THRICE,
        dose=2,
        days=7,
        yj="2233002F1280",
        hot9="103831601",
    ),
    "montelukast": Medicine("モンテルカストＮａチュアブル錠５ｍｇ", "4490026F1ZZZ", _BEDTIME),
    "fexofenadine": Medicine("フェキソフェナジン塩酸塩錠６０ｍｇ", "4490023F2ZZZ", _TWICE),
    "escitalopram": Medicine("エスシタロプラム錠１０ｍｇ", "1179054F1ZZZ", _EVENING),
    "zolpidem": Medicine("ゾルピデム酒石酸塩錠５ｍｇ", "1129009F1ZZZ", _BEDTIME),
    # An inhaler whose standard code the demo does not carry: the NOCODED slice of JP_MedicationRequest_eCS.
    "fluticasone-inhaler": Medicine(
        "フルチカゾン吸入用エアゾール５０μｇ（１２０吸入用）", None, _INHALED, form="本", route="外用"
    ),
}
