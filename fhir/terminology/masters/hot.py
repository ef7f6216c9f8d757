"""医薬品HOTコードマスター (MEDIS): HOT13, HOT9, HOT7, the YJ codes they go with, and a map from HOT9 to YJ.

A HOT13 is a package in a carton; its first nine digits (HOT9) are the drug of one seller, the first seven (HOT7) the
drug. Two files have the same columns: of the one each row is a HOT13, of the other a HOT9.
https://square.umin.ac.jp/helics/html/guidelines.html

The header line, the names of the 24 columns, the quotes, that a HOT9 may have several YJ codes, and that 更新区分 is 1
or 4 were verified in both files of September 2026 at https://github.com/shiro46mt/jp-medicine-master-data. General
knowledge is that 4 means sold no more, and 3 deleted. The systems' URLs are those of JP Core,
https://github.com/jami-fhir-jp-wg/jp-core-v1x (input/pagecontent/guide-urlmap.md).

The ministry's price list is not read: its 薬価基準収載医薬品コード has the form of a YJ code, but is another one for
drugs that are listed under a common name.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from fhir.terminology.masters.concept import SYNONYM, concept, named, text_property
from fhir.terminology.masters.layout import Column, Layout
from fhir.terminology.masters.master import Source
from fhir.terminology.masters.pairs import Pairs
from fhir.terminology.masters.resources import Json, Made, Map, System, code_system, concept_map
from fhir.terminology.masters.sorting import sort
from fhir.terminology.masters.table import Table

PUBLISHER = "医療情報システム開発センター (MEDIS-DC)"
MEDIS = "http://medis.or.jp/CodeSystem"

LAYOUT = Layout(
    Column("hot", "基準番号（ＨＯＴコード）", r"\d{9}(\d{4})?", other_names=("基準番号",)),
    Column("hot7", "処方用番号（ＨＯＴ７）", r"\d{7}", other_names=("処方用番号",)),
    Column("jan", "ＪＡＮコード", r"\d{8,14}", needed=False),
    Column("price", "薬価基準収載医薬品コード", r"[0-9A-Z]{12}", needed=False),
    Column("yj", "個別医薬品コード", r"[0-9A-Z]{12}", needed=False),
    Column("receipt", "レセプト電算処理システムコード（１）", r"\d{9}", needed=False),
    Column("official", "告示名称", needed=False),
    Column("sold", "販売名", needed=False),
    Column("receipt_name", "レセプト電算処理システム医薬品名", needed=False),
    Column("change", "更新区分", r"\d", needed=False, other_names=("レコード区分",)),
    Column("date", "更新年月日", r"\d{8}", needed=False),
)
LAYOUTS = {"hot": LAYOUT}
ENDED = frozenset("34")
"""更新区分: deleted, or sold no more."""

_PROPERTIES = {
    "yj": text_property("yj", "個別医薬品コード (YJ)"),
    "price": text_property("price", "薬価基準収載医薬品コード"),
    "receipt": text_property("receipt", "レセプト電算処理システムコード（１）"),
    "jan": text_property("jan", "JANコード"),
}
HOT13 = System(
    *(f"{MEDIS}/master-HOT13", "MEDIS_HOT13", "医薬品HOTコードマスター 基準番号（HOT13）"),
    oid="1.2.392.200119.4.402.1",
    properties=tuple(_PROPERTIES.values()),
)
HOT9 = System(
    *(f"{MEDIS}/master-HOT9", "MEDIS_HOT9", "医薬品HOTコードマスター 基準番号（HOT9）"),
    oid="1.2.392.200119.4.403.1",
    properties=tuple(_PROPERTIES[key] for key in ("yj", "price", "receipt")),
)
HOT7 = System(
    *(f"{MEDIS}/master-HOT7", "MEDIS_HOT7", "医薬品HOTコードマスター 処方用番号（HOT7）"),
    oid="1.2.392.200119.4.403.2",
)
YJ = System(
    *("http://capstandard.jp/iyaku.info/CodeSystem/YJ-code", "YJ", "個別医薬品コード（YJコード）"),
    oid="1.2.392.100495.20.2.73",
    properties=(_PROPERTIES["price"], _PROPERTIES["receipt"]),
    whole=False,
)
HOT9_TO_YJ = Map("hot9-yj", "HOT9から個別医薬品コード（YJ）へ", HOT9.url, YJ.url)


@dataclass(slots=True)
class _Drug:
    """What the rows of one code say together."""

    names: tuple[str, ...] = ()
    """Of the first row that is not withdrawn; of the first one where all are."""
    withdrawn: bool = True
    facts: dict[str, str] = field(default_factory=dict)

    def add(self, row: Mapping[str, str], names: tuple[str, ...], keys: Sequence[str]) -> None:
        """Take a row; where rows differ in a fact, it is left out."""
        withdrawn = row["change"] in ENDED
        if not self.names or (self.withdrawn and not withdrawn):
            self.names = names
        self.withdrawn = self.withdrawn and withdrawn
        for key in keys:
            if row[key] and self.facts.setdefault(key, row[key]) != row[key]:
                self.facts[key] = ""

    def concept(self, code: str) -> Json:
        """Return the concept."""
        display = self.names[0]
        others = named(SYNONYM, *self.names[1:], but=display)
        return concept(code, display, withdrawn=self.withdrawn, properties=self.facts, designations=others)


def make(tables: Sequence[Table], source: Source) -> Iterator[Made]:
    """Yield the resources of the master. `source` says how they are made, and takes what is wrong."""
    packages: dict[str, _Drug] = {}
    products: dict[str, _Drug] = {}
    drugs: dict[str, _Drug] = {}
    individual: dict[str, _Drug] = {}
    pairs = Pairs()
    for row in _rows(tables, source):
        code, yj, names = row["hot"], row["yj"], _names(row)
        if len(code) == 13:
            # Other names are found at the product: packages are many.
            packages.setdefault(code, _Drug()).add(row, names[:1], ("yj", "price", "receipt", "jan"))
        products.setdefault(code[:9], _Drug()).add(row, names, ("yj", "price", "receipt"))
        # A HOT7 is of no seller: its name is the one that the ministry lists.
        drugs.setdefault(code[:7], _Drug()).add(row, (row["official"] or names[0],), ())
        if yj:
            individual.setdefault(yj, _Drug()).add(row, names, ("price", "receipt"))
        pairs.add(code[:9], yj)
    edition = source.edition(PUBLISHER)
    for system, found in ((HOT13, packages), (HOT9, products), (HOT7, drugs), (YJ, individual)):
        if found:
            yield code_system(system, (one.concept(code) for code, one in found.items()), edition)
    yield from filter(None, [concept_map(HOT9_TO_YJ, pairs.elements(), edition)])


def _rows(tables: Sequence[Table], source: Source) -> Iterator[Mapping[str, str]]:
    """Yield the rows that hold together."""
    for _, table in sort(tables, LAYOUTS, source.unused):
        for line, row in LAYOUT.records(source.counted(table), source.faults):
            if row["hot"][:7] != row["hot7"]:
                source.faults.add(
                    table.place, line, f"処方用番号 {row['hot7']} does not begin the 基準番号 {row['hot']}"
                )
            elif not _names(row):
                source.faults.add(
                    table.place, line, "no column has a name: 告示名称, 販売名, レセプト電算処理システム医薬品名"
                )
            else:
                source.dated(row["date"])
                yield row


def _names(row: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of a drug; the one with the strength first, which is what prescriptions show."""
    return tuple(filter(None, (row["receipt_name"], row["sold"], row["official"])))
