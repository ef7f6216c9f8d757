"""傷病名マスター and 修飾語マスター of claims (社会保険診療報酬支払基金): `b_*.txt` and `z_*.txt`.

The files have no header line. Their columns were verified by programs that read them: the 46 of diseases by the record
specification of 2024 (R06rec3.pdf), the 19 of modifiers by https://github.com/miyako/4d-component-ssk-master. They are
published at https://www.ssk.or.jp/seikyushiharai/tensuhyo/kihonmasta/index.html. General knowledge is that 変更区分 1
(抹消) and 9 (廃止) withdraw a code, and that a 廃止年月日 of 99999999 means never.
"""

from collections.abc import Iterator, Mapping, Sequence

from fhir.terminology.masters.concept import READING, SHORT, concept, named, text_property
from fhir.terminology.masters.icd10 import ICD10, WRITTEN, without_point
from fhir.terminology.masters.layout import Column, Layout
from fhir.terminology.masters.master import Source
from fhir.terminology.masters.pairs import Pairs
from fhir.terminology.masters.resources import Json, Made, Map, System, code_system, concept_map
from fhir.terminology.masters.sorting import sort
from fhir.terminology.masters.table import Table

PUBLISHER = "社会保険診療報酬支払基金"
MHLW = "http://jpfhir.jp/fhir/core/mhlw/CodeSystem"

DISEASES = Layout(
    Column("change", "変更区分", r"[0-9]", at=0),
    Column("kind", "マスター種別", r"B", at=1),
    Column("code", "傷病名コード", r"\d{7}", at=2),
    Column("replaced", "移行先コード", r"\d{7}", at=3, needed=False),
    Column("name", "傷病名基本名称", at=5),
    Column("short", "傷病名省略名称", at=7, needed=False),
    Column("reading", "傷病名カナ名称", at=9, needed=False),
    Column("key", "病名管理番号", r"\d{8}", at=10, needed=False),
    Column("icd10", "ICD-10-1（2013年）", WRITTEN, at=15, needed=False),
    Column("second", "ICD-10-2（2013年）", WRITTEN, at=16, needed=False),
    Column("date", "変更年月日", r"\d{8}", at=22, needed=False),
    Column("ended", "廃止年月日", r"\d{8}", at=23, needed=False),
    named=r"b_",
    width=46,
)
MODIFIERS = Layout(
    Column("change", "変更区分", r"[0-9]", at=0),
    Column("kind", "マスター種別", r"Z", at=1),
    Column("code", "修飾語コード", r"\d{4}", at=2),
    Column("name", "修飾語名称", at=6),
    Column("reading", "修飾語カナ名称", at=9, needed=False),
    Column("date", "変更年月日", r"\d{8}", at=14, needed=False),
    Column("ended", "廃止年月日", r"\d{8}", at=15, needed=False),
    Column("key", "修飾語管理番号", r"\d{8}", at=16, needed=False),
    named=r"z_",
    width=19,
)
LAYOUTS = {"diseases": DISEASES, "modifiers": MODIFIERS}
ENDED = frozenset("19")
"""変更区分: withdrawn."""

_KEY = text_property("key", "標準病名マスターの管理番号")
_END = text_property("abolished", "廃止年月日")
_REPLACED = {"code": "replacedBy", "description": "移行先コード", "type": "code"}
RECEIPT_DISEASE = System(
    *(f"{MHLW}/masterB-disease", "MHLW_MasterB_Disease", "レセプト電算処理システム 傷病名マスター"),
    properties=(_KEY, _END, _REPLACED),
)
RECEIPT_MODIFIER = System(
    *(f"{MHLW}/masterZ-disease-modifier", "MHLW_MasterZ_Modifier", "レセプト電算処理システム 修飾語マスター"),
    properties=(_KEY, _END),
)
TO_ICD10 = Map("receipt-disease-icd10", "レセプト傷病名コードからICD-10（2013年版）へ", RECEIPT_DISEASE.url, ICD10.url)


def make(tables: Sequence[Table], source: Source) -> Iterator[Made]:
    """Yield the resources of the master. `source` says how they are made, and takes what is wrong."""
    found: dict[str, dict[str, Mapping[str, str]]] = {key: {} for key in LAYOUTS}
    for key, table in sort(tables, LAYOUTS, source.unused):
        for line, row in LAYOUTS[key].records(source.counted(table), source.faults):
            if row["code"] in found[key]:
                source.faults.add(table.place, line, f"the code {row['code']} is there already")
            else:
                found[key][row["code"]] = row
                source.dated(row["date"])
    edition = source.edition(PUBLISHER)
    today = edition.date.replace("-", "") or source.newest
    for key, system in (("diseases", RECEIPT_DISEASE), ("modifiers", RECEIPT_MODIFIER)):
        if found[key]:
            yield code_system(system, (_concept(row, today) for row in found[key].values()), edition)
    pairs = Pairs()
    for code, row in found["diseases"].items():
        pairs.add(code, without_point(row["icd10"]))
        pairs.add(code, without_point(row["second"]))
    yield from filter(None, [concept_map(TO_ICD10, pairs.elements("wider"), edition)])


def _concept(row: Mapping[str, str], today: str) -> Json:
    """Return a concept; it is withdrawn from the day on which it is abolished."""
    ended = row["ended"] if row["ended"].strip("0") and row["ended"] != "99999999" else ""
    name = row["name"]
    found = concept(
        row["code"],
        name,
        withdrawn=row["change"] in ENDED or bool(ended and ended <= today),
        properties={"key": row["key"], "abolished": ended},
        designations=[*named(SHORT, row.get("short", ""), but=name), *named(READING, row["reading"], but=name)],
    )
    if replaced := moved(row["code"], row.get("replaced", "")):
        found.setdefault("property", []).append({"code": "replacedBy", "valueCode": replaced})
    return found


def moved(code: str, replaced: str) -> str:
    """Return the code that took the place of another; empty where none did, however that is written."""
    return replaced if replaced != code and replaced.strip("0") else ""
