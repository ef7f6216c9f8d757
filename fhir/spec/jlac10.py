"""JLAC10: the seventeen places of a laboratory test's code, and which tests stand in one series.

The code of the Japanese Society of Laboratory Medicine, 10th revision (HS014): analyte 5, identification 4, material 3,
method 3, result 2. https://www.jslm.org/committees/code/
"""

import re
from typing import NamedTuple

SYSTEMS = frozenset(
    {
        "http://medis.or.jp/CodeSystem/master-JLAC10-17digits",
        "urn:oid:1.2.392.200119.4.504",
        "http://jpfhir.jp/fhir/clins/CodeSystem/JLAC10/JP_CLINS_ObsLabResult_CoreLabo_CS",
        "http://jpfhir.jp/fhir/clins/CodeSystem/JLAC10/JP_CLINS_ObsLabResult_InfectionLabo_CS",
        "http://jpfhir.jp/fhir/core/CodeSystem/JP_ObservationLabResultCode_CoreLabo_CS",
    }
)
"""Systems whose codes are JLAC10; those of JP-CLINS hold short names as well."""

_FORM = re.compile(r"([0-9][A-Z][0-9]{3})([0-9]{4})([0-9]{3})([0-9]{3})([0-9]{2})")

_BLOOD = frozenset({"017", "018", "019", "020", "021", "022", "023"})
"""Blood, whole blood with and without additive, arterial, capillary, plasma, serum: one item of the JP-CLINS core set
may have any of them, and a doctor reads them in one line."""

_VALUES = frozenset({"01", "02", "03"})
"""Results that are the amount itself. What others are is another thing: a class, a ratio, a cut-off index; and of a
panel (2A990, 1A990) each item has its own."""

_SAME = {
    ("2A990", "51"): ("2A020", "01"),
    ("2A990", "52"): ("2A010", "01"),
    ("2A990", "53"): ("2A030", "01"),
    ("2A990", "55"): ("2A050", "01"),
    ("2B030", "51"): ("2B030", "01"),
}
"""Items of panels that have an analyte of their own as well: red and white cells, haemoglobin, platelets of the blood
count, the seconds of the prothrombin time; analyte and result."""

_MOLAR_MASSES = """
    3C015 113.12; 3C020 168.11; 3C025 28.014; 3D010 180.156; 3F015 885.4; 3F050 386.65; 3F070 386.65; 3F077 386.65;
    3H030 40.078; 3H040 30.974; 3I010 55.845; 3J010 584.66; 3J015 584.66
"""
"""Grams a mole, of the analytes whose mass is converted: creatinine, uric acid, urea nitrogen (both of its nitrogens),
glucose, triglycerides (as triolein), cholesterols, calcium, phosphorus, iron, bilirubins."""

_CHARGES = "3H010 1; 3H015 1; 3H020 1; 3H030 2"
"""Equivalents a mole: sodium, potassium, chloride, calcium."""

_ENZYMES = "3B"
"""Analytes that begin so are enzymes: of these laboratories write U and IU for one thing."""


def _table(text: str) -> dict[str, str]:
    return dict(pair.split() for pair in text.split(";"))


MOLAR_MASS: dict[str, str] = _table(_MOLAR_MASSES)
CHARGE: dict[str, str] = _table(_CHARGES)


class Jlac10(NamedTuple):
    """A code's parts."""

    analyte: str
    identification: str
    material: str
    method: str
    result: str

    @property
    def series(self) -> str:
        """What tests of one series share: analyte, identification, material and result, as far as they matter."""
        analyte, result = _SAME.get((self.analyte, self.result), (self.analyte, self.result))
        material = "blood" if self.material in _BLOOD else self.material
        return "-".join([analyte, self.identification, material, *([] if result in _VALUES else [result])])


def read(system: object, code: object) -> Jlac10 | None:
    """Return the parts of a code of JLAC10; None for a code of another system or form."""
    if system not in SYSTEMS or type(code) is not str:
        return None
    found = _FORM.fullmatch(code)
    return Jlac10(*found.groups()) if found else None


def is_enzyme(analyte: str) -> bool:
    """Return whether an analyte is measured by what it does."""
    return analyte.startswith(_ENZYMES)
