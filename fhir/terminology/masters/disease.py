"""ICD10対応標準病名マスター (MEDIS): names of diseases and their modifiers, with maps to ICD-10 and to each other.

A 病名管理番号 is one name; names that mean the same share a 病名交換用コード, whose display is the name with the least
採択区分 (1 is recommended, 3 is kept for compatibility). What the index table knows besides becomes other names.

The tables have no header line; MEDIS specifies them in https://www2.medis.or.jp/stdcd/byomei/spc515.pdf. The columns
here were verified by http://byomei.org/dispack/disEXPANDER.html (names, lengths, which may be empty), and for the
editions since 5.07 by programs that read them, such as https://github.com/yagays/ja-icd10 (tools). They have the ICD-10
of 2013 only; older ones, of 18 columns and with that of 2003, are not taken. General knowledge is that
変更区分 1 and 9 withdraw a name, and that one with a 移行先病名管理番号 is withdrawn.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from fhir.terminology.masters.concept import READING, SHORT, SYNONYM, concept, named, text_property
from fhir.terminology.masters.hot import MEDIS, PUBLISHER
from fhir.terminology.masters.icd10 import ICD10, WRITTEN, without_point
from fhir.terminology.masters.layout import Column, Layout
from fhir.terminology.masters.master import Source
from fhir.terminology.masters.pairs import Pairs
from fhir.terminology.masters.receipt import RECEIPT_DISEASE, RECEIPT_MODIFIER, moved
from fhir.terminology.masters.resources import Json, Made, Map, System, code_system, concept_map
from fhir.terminology.masters.sorting import sort
from fhir.terminology.masters.table import Table, UnknownLayout

_CODE = r"[0-9A-Z]{4}"
NAMES = Layout(
    Column("change", "変更区分", r"[0-9]", at=0, needed=False),
    Column("key", "病名管理番号", r"\d{8}", at=1),
    Column("name", "病名表記", at=2),
    Column("reading", "病名表記カナ", at=3, needed=False),
    Column("adoption", "採択区分", r"[0-9A-Z]", at=4, needed=False),
    Column("exchange", "病名交換用コード", _CODE, at=5),
    Column("icd10", "ＩＣＤ１０‐２０１３", WRITTEN, at=6, needed=False),
    Column("second", "ＩＣＤ１０‐２０１３複数分類コード", WRITTEN, at=7, needed=False),
    Column("receipt", "レセ電算コード", at=10, needed=False),
    Column("short", "傷病名省略名称", at=11, needed=False),
    Column("date", "更新日付", r"\d{8}", at=14, needed=False, other_names=("変更日付",)),
    Column("replaced", "移行先病名管理番号", r"\d{8}", at=15, needed=False),
    named=r"nmain",
    width=20,
)
MODIFIERS = Layout(
    Column("change", "変更区分", r"[0-9]", at=0, needed=False),
    Column("key", "修飾語管理番号", r"\d{8}", at=1),
    Column("name", "修飾語表記", at=2),
    Column("reading", "修飾語表記カナ", at=3, needed=False),
    Column("exchange", "修飾語交換用コード", r"[0-9A-Z]{4,9}", at=4, other_names=("修飾語コード",)),
    Column("position", "接続位置区分", r"\d{1,2}", at=5, needed=False),
    Column("receipt", "レセ電算修飾語コード", at=8, needed=False),
    named=r"mdfy",
    width=10,
)
INDEX = Layout(
    Column("term", "索引用語", at=0),
    Column("exchange", "対応用語コード", r"[0-9A-Z]{4,9}", at=1),
    Column("kind", "病名修飾語区分", r"\d", at=2),
    named=r"index",
    width=9,
)
LAYOUTS = {"names": NAMES, "modifiers": MODIFIERS, "index": INDEX}
ENDED = frozenset("19")
"""変更区分: withdrawn."""

_RECEIPT = re.compile(r"[0-9]{7}|[0-9]{4}")
_REPLACED = {"code": "replacedBy", "description": "移行先の管理番号", "type": "code"}
_ADOPTION = text_property("adoption", "採択区分")
_POSITION = text_property("position", "接続位置区分: 10以上は病名の前、9以下は後")
KEYS = System(
    *(f"{MEDIS}/master-disease-keyNumber", "MEDIS_DiseaseKeyNumber", "ICD10対応標準病名マスター 病名管理番号"),
    oid="1.2.392.200119.4.101.2",
    properties=(_ADOPTION, _REPLACED),
)
EXCHANGE = System(
    *(f"{MEDIS}/master-disease-exCode", "MEDIS_DiseaseExchangeCode", "ICD10対応標準病名マスター 病名交換用コード"),
    oid="1.2.392.200119.4.101.6",
)
MODIFIER_KEYS = System(
    *(f"{MEDIS}/master-disease-modKeyNumber", "MEDIS_ModifierKeyNumber", "ICD10対応標準病名マスター 修飾語管理番号"),
    oid="1.2.392.200119.4.201.2",
    properties=(_POSITION,),
)
MODIFIER_EXCHANGE = System(
    *(
        f"{MEDIS}/master-disease-modExCode",
        "MEDIS_ModifierExchangeCode",
        "ICD10対応標準病名マスター 修飾語交換用コード",
    ),
    oid="1.2.392.200119.4.201.5",
)
TO_ICD10 = Map("disease-key-icd10", "病名管理番号からICD-10（2013年版）へ", KEYS.url, ICD10.url)
TO_RECEIPT = Map("disease-key-receipt", "病名管理番号からレセプト傷病名コードへ", KEYS.url, RECEIPT_DISEASE.url)
TO_KEYS = Map("disease-exchange-key", "病名交換用コードから病名管理番号へ", EXCHANGE.url, KEYS.url)
TO_MODIFIER_RECEIPT = Map(
    "modifier-key-receipt", "修飾語管理番号から修飾語コードへ", MODIFIER_KEYS.url, RECEIPT_MODIFIER.url
)
TO_MODIFIER_KEYS = Map(
    "modifier-exchange-key", "修飾語交換用コードから修飾語管理番号へ", MODIFIER_EXCHANGE.url, MODIFIER_KEYS.url
)


@dataclass(slots=True)
class _Shared:
    """The names that share an exchange code."""

    display: str = ""
    rank: tuple[bool, str] = (True, "~")
    withdrawn: bool = True
    names: dict[str, None] = field(default_factory=dict)

    def add(self, name: str, adoption: str, *, withdrawn: bool) -> None:
        """Take a name."""
        rank = withdrawn, adoption or "~"
        if not self.display or rank < self.rank:
            self.display, self.rank = name, rank
        self.withdrawn = self.withdrawn and withdrawn
        self.names[name] = None

    def concept(self, code: str) -> Json:
        """Return the concept."""
        others = named(SYNONYM, *self.names, but=self.display)
        return concept(code, self.display, withdrawn=self.withdrawn, designations=others)


@dataclass(slots=True)
class _Part:
    """What a table becomes: of diseases or of modifiers."""

    concepts: dict[str, Json] = field(default_factory=dict)
    shared: dict[str, _Shared] = field(default_factory=dict)
    icd10: Pairs = field(default_factory=Pairs)
    receipt: Pairs = field(default_factory=Pairs)
    exchange: Pairs = field(default_factory=Pairs)
    terms: list[tuple[str, str]] = field(default_factory=list)


def make(tables: Sequence[Table], source: Source) -> Iterator[Made]:
    """Yield the resources of the master. `source` says how they are made, and takes what is wrong."""
    names, modifiers, seen = _Part(), _Part(), set[str]()
    for key, table in sort(tables, LAYOUTS, source.unused):
        seen.add(key)
        for line, row in LAYOUTS[key].records(source.counted(table), source.faults):
            if key == "index":
                (names if row["kind"] == "1" else modifiers).terms.append((row["exchange"], row["term"]))
                continue
            part = names if key == "names" else modifiers
            if row["key"] in part.concepts:
                source.faults.add(table.place, line, f"the number {row['key']} is there already")
            else:
                _take(part, row)
                source.dated(row.get("date", ""))
    if "names" not in seen:
        raise UnknownLayout("The table of diseases (nmain) is not among these files")
    edition = source.edition(PUBLISHER)
    for part, keys, exchange in ((names, KEYS, EXCHANGE), (modifiers, MODIFIER_KEYS, MODIFIER_EXCHANGE)):
        for code, term in part.terms:
            if code in part.shared:
                part.shared[code].names[term] = None
        if part.concepts:
            yield code_system(keys, part.concepts.values(), edition)
            yield code_system(exchange, (one.concept(code) for code, one in part.shared.items()), edition)
    maps = (
        concept_map(TO_ICD10, names.icd10.elements("wider"), edition),
        concept_map(TO_RECEIPT, names.receipt.elements(), edition),
        concept_map(TO_KEYS, names.exchange.elements("equivalent"), edition),
        concept_map(TO_MODIFIER_RECEIPT, modifiers.receipt.elements(), edition),
        concept_map(TO_MODIFIER_KEYS, modifiers.exchange.elements("equivalent"), edition),
    )
    yield from filter(None, maps)


def _take(part: _Part, row: Mapping[str, str]) -> None:
    """Take a row of diseases or of modifiers."""
    key, name, replaced = row["key"], row["name"], moved(row["key"], row.get("replaced", ""))
    withdrawn = row["change"] in ENDED or bool(replaced)
    found = concept(
        key,
        name,
        withdrawn=withdrawn,
        properties={one: row.get(one, "") for one in ("adoption", "position")},
        designations=[*named(SHORT, row.get("short", ""), but=name), *named(READING, row["reading"], but=name)],
    )
    if replaced:
        found["property"].append({"code": "replacedBy", "valueCode": replaced})
    part.concepts[key] = found
    part.shared.setdefault(row["exchange"], _Shared()).add(name, row.get("adoption", ""), withdrawn=withdrawn)
    for column in ("icd10", "second"):
        part.icd10.add(key, without_point(row.get(column, "")))
    # A code with modifiers behind it stands for the whole: it is none of the other system's.
    part.receipt.add(key, row["receipt"] if _RECEIPT.fullmatch(row["receipt"]) else "")
    part.exchange.add(row["exchange"], key)
