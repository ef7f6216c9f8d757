"""The masters by the word that a command names them with."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from fhir.terminology.masters import disease, hot, icd10, jlac10, receipt
from fhir.terminology.masters.master import Source
from fhir.terminology.masters.resources import Made
from fhir.terminology.masters.table import Table


@dataclass(frozen=True, slots=True)
class Kind:
    """One master."""

    title: str
    make: Callable[[Sequence[Table], Source], Iterator[Made]]


KINDS = {
    "hot": Kind("医薬品HOTコードマスター", hot.make),
    "disease": Kind("ICD10対応標準病名マスター", disease.make),
    "receipt": Kind("レセプト電算処理システム 傷病名マスター・修飾語マスター", receipt.make),
    "icd10": Kind("ICD-10（2013年版）", icd10.make),
    "jlac10": Kind("臨床検査マスター JLAC10", jlac10.make),
}
