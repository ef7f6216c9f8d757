"""Analytes: the laboratory tests of the demo, with JLAC10 code, unit and reference range.

The codes of the core set are those of JP_CLINS_ObsLabResult_CoreLabo_CS (a test holds them to it); the ranges
are about the shared reference intervals of JCCLS. https://jpfhir.jp/fhir/clins/igv1/
"""

from dataclasses import dataclass

from app.demo.households import Sex


@dataclass(frozen=True, slots=True)
class Analyte:
    """One test."""

    local: int
    """Number in the sites' own lists, which put their letter before it."""
    name: str
    jlac10: str | None
    """17 digits; None for a test that no national list codes."""
    core: str | None
    """Its name in the JP-CLINS core set, where it belongs to it."""
    unit: str
    decimals: int
    male: tuple[float, float]
    female: tuple[float, float] | None = None
    """None where women have the men's range."""
    ucum: str | None = None
    """None where the unit is written as UCUM writes it."""
    specimen: str = "血清"

    def range_of(self, sex: Sex) -> tuple[float, float]:
        """Return the reference range: its lowest and highest value."""
        return self.female if sex == "female" and self.female else self.male


_GLYCO = "3D046000001906202"
ANALYTES = {
    "HbA1c": Analyte(110, "HbA1c(NGSP)", _GLYCO, "HbA1c-NGSP", "%", 1, (4.9, 6.0), specimen="血液"),
    "Glucose": Analyte(111, "グルコース", "3D010129902327101", "BS", "mg/dL", 0, (73, 109)),
    "Cre": Analyte(120, "クレアチニン", "3C015000002327101", "Cre", "mg/dL", 2, (0.65, 1.07), (0.46, 0.79)),
    "eGFR": Analyte(121, "推算GFR", "8A065000002391901", None, "mL/min/1.73m2", 1, (60, 120), ucum="mL/min/{1.73_m2}"),
    "UA": Analyte(123, "尿酸", "3C020000002327101", "UA", "mg/dL", 1, (3.7, 7.8), (2.6, 5.5)),
    "U-A/C": Analyte(
        124,
        "尿中アルブミン/クレアチニン比",
        "3A015000000106151",
        "U-A/C",
        "mg/gCr",
        0,
        (0, 30),
        ucum="mg/g{creat}",
        specimen="尿",
    ),
    "Na": Analyte(130, "ナトリウム", "3H010000002326101", "Na", "mmol/L", 0, (138, 145)),
    "K": Analyte(131, "カリウム", "3H015000002326101", "K", "mmol/L", 1, (3.6, 4.8)),
    "CRP": Analyte(140, "CRP", "5C070000002306201", "CRP", "mg/dL", 2, (0.0, 0.14)),
    "WBC": Analyte(
        150, "白血球数", "2A990000001930952", "WBC", "10³/μL", 1, (3.3, 8.6), ucum="10*3/uL", specimen="血液"
    ),
    "Hb": Analyte(
        152, "ヘモグロビン", "2A030000001930901", "Hb", "g/dL", 1, (13.7, 16.8), (11.6, 14.8), specimen="血液"
    ),
    "PLT": Analyte(
        153, "血小板数", "2A050000001930901", "PLT", "10³/μL", 0, (158, 348), ucum="10*3/uL", specimen="血液"
    ),
    "AST": Analyte(160, "AST", "3B035000002327201", "AST", "U/L", 0, (13, 30)),
    "ALT": Analyte(161, "ALT", "3B045000002327201", "ALT", "U/L", 0, (10, 42), (7, 23)),
    "ALB": Analyte(165, "アルブミン", "3A015000002327101", "ALB", "g/dL", 1, (4.1, 5.1)),
    "LDL": Analyte(170, "LDLコレステロール", "3F077000002327101", "LDL-C", "mg/dL", 0, (65, 163)),
    "HDL": Analyte(171, "HDLコレステロール", "3F070000002327101", "HDL-C", "mg/dL", 0, (38, 90), (48, 103)),
    "TG": Analyte(172, "中性脂肪", "3F015000002327101", "TG", "mg/dL", 0, (40, 234), (30, 117)),
    "BNP": Analyte(180, "BNP", "4Z271000002205101", "BNP", "pg/mL", 1, (0.0, 18.4), specimen="血漿"),
    "CA15-3": Analyte(190, "CA15-3", None, None, "U/mL", 1, (0.0, 31.3)),
}
