"""臨床検査項目分類コード JLAC10: codes of 17 digits below their analyte, the first five; and the tables of elements.

The digits are 分析物 (5), 識別 (4), 材料 (3), 測定法 (3) and 結果識別 (2). Two workbooks are known, and go together.

- 臨床検査マスター「まとめ表」, sheet 17桁コード表: all codes in use. Its header is two lines, groups above columns, and
  comes again in the middle, above the newest codes. The order and the names of 19 columns, from cell C5 on, were
  verified by programs that read it. https://www2.medis.or.jp/master/kensa/index.html
- JLAC10コード表 of 日本臨床検査医学会, a sheet an element: read by the places of its columns, verified by a program
  that reads editions up to 136; of its words only the sheets' names are known. The sheet of 結果識別（固有コード） is
  not read: a code there means something only together with its analyte. https://www.jslm.org/committees/code/index.html

A sheet that was saved as CSV does as well, under the sheet's name.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice

from fhir.terminology.masters.concept import concept, text_property
from fhir.terminology.masters.hot import MEDIS
from fhir.terminology.masters.layout import HEAD, Column, Layout, fold
from fhir.terminology.masters.master import Source
from fhir.terminology.masters.resources import GROUPS, NOT_SELECTABLE, OWN, Json, Made, System, code_system
from fhir.terminology.masters.sorting import sort
from fhir.terminology.masters.table import Row, Table

PUBLISHER = "日本臨床検査医学会、医療情報システム開発センター (MEDIS-DC)"
ELEMENTS = {"identification": "識別", "material": "材料", "method": "測定法", "result": "結果識別"}

_DIGITS = re.compile(r"[0-9A-Z]{17}")
_WIDTH = 8


def _named(key: str, group: str, *others: str) -> Column:
    """Return the column of an element's name in the table of 17 digits."""
    groups = (group, *others)
    names = [f"{one}{form}" for one in groups for form in ("名称", "(名称)", "_名称", "名")]
    return Column(key, names[0], needed=False, other_names=tuple(names[1:]))


def _element(sheet: str, form: str, *, code: int, name: int) -> Layout:
    """Return the layout of an element's sheet, after `_aligned`."""
    columns = Column("code", "コード", form, at=code), Column("name", "名称", at=name)
    return Layout(*columns, named=sheet, width=_WIDTH)


CODES = Layout(
    Column("code", "JLAC10コード（17桁）", _DIGITS.pattern, other_names=("新コード",)),
    _named("analyte", "分析物"),
    _named("identification", "識別"),
    _named("material", "材料"),
    _named("method", "測定法"),
    _named("result", "結果識別(共通)", "結果識別"),
    named="17桁コード表",
)
LAYOUTS = {
    "codes": CODES,
    "analyte": _element("分析物コード", r"[0-9A-Z]{5}", code=2, name=3),
    "identification": _element("識別コード", r"\d{4}", code=1, name=2),
    "material": _element("材料コード", r"\d{3}", code=5, name=6),
    "method": _element("測定法コード", r"\d{3}", code=2, name=3),
    "result": _element(r"結果識別コード表", r"\d{2,3}", code=1, name=2),
}
JLAC10 = System(
    *(f"{MEDIS}/master-JLAC10-17digits", "MEDIS_JLAC10", "臨床検査マスター JLAC10（17桁）"),
    oid="1.2.392.200119.4.504",
    properties=(
        NOT_SELECTABLE,
        {"code": "analyte", "description": "分析物コード", "type": "code"},
        *(text_property(key, f"{name}コード") for key, name in ELEMENTS.items()),
    ),
    hierarchy=True,
)


def make(tables: Sequence[Table], source: Source) -> Iterator[Made]:
    """Yield the resources of the master. `source` says how they are made, and takes what is wrong."""
    codes: dict[str, Json] = {}
    analytes: dict[str, str] = {}
    names: dict[str, dict[str, str]] = {key: {} for key in ("analyte", *ELEMENTS)}
    for key, table in sort([_aligned(one) for one in tables], LAYOUTS, source.unused):
        for line, row in LAYOUTS[key].records(source.counted(table), source.faults):
            code, into = row["code"], codes if key == "codes" else names[key]
            if code in into:
                source.faults.add(table.place, line, f"the code {code} is there already")
            elif key != "codes":
                names[key][code] = row["name"]
            elif not row["analyte"]:
                source.faults.add(table.place, line, f"the analyte of {code} has no name")
            else:
                codes[code] = _code(row)
                analytes.setdefault(code[:5], row["analyte"])
    edition = source.edition(PUBLISHER)
    yield code_system(replace(JLAC10, whole=bool(codes)), _tree(codes, analytes | names["analyte"]), edition)
    for key, title in ELEMENTS.items():
        if names[key]:
            own = System(f"{OWN}/CodeSystem/jlac10-{key}", f"JLAC10_{key.title()}", f"JLAC10 {title}コード")
            yield code_system(own, (concept(code, name) for code, name in names[key].items()), edition)


def _code(row: Mapping[str, str]) -> Json:
    """Return the concept of a code of 17 digits."""
    code = row["code"]
    display = " / ".join(filter(None, (row[key] for key in ("analyte", *ELEMENTS))))
    parts = {"identification": code[5:9], "material": code[9:12], "method": code[12:15], "result": code[15:]}
    found = concept(code, display, properties=parts)
    found["property"].insert(0, {"code": "analyte", "valueCode": code[:5]})
    return found


def _tree(codes: Mapping[str, Json], analytes: Mapping[str, str]) -> Iterator[Json]:
    """Yield the analytes, each with its codes."""
    below: dict[str, list[Json]] = {}
    for code, found in codes.items():
        below.setdefault(code[:5], []).append(found)
    for code, name in analytes.items():
        found = concept(code, name)
        found["property"] = [GROUPS]
        if code in below:
            found["concept"] = below[code]
        yield found


def _aligned(table: Table) -> Table:
    """Return a table whose header is one line, and whose rows without a code are left out."""
    name = "".join(unicodedata.normalize("NFKC", table.name).split())
    for layout in LAYOUTS.values():
        if layout.width and layout.named(table._replace(name=name)):
            return table._replace(name=name, rows=_below_header(table.rows, layout))
    return table._replace(name=name, rows=_joined(table.rows))


def _below_header(rows: Iterator[Row], layout: Layout) -> Iterator[Row]:
    """Yield the rows of an element, from the first one with a code on, all of one width."""
    column = layout.columns[0]
    begun = False
    for row in rows:
        cells = [*row.cells, *[""] * _WIDTH][:_WIDTH]
        code = cells[column.at].strip()
        begun = begun or re.fullmatch(column.form, code, re.ASCII) is not None
        if begun and code:
            yield Row(row.line, cells)


def _joined(rows: Iterator[Row]) -> Iterator[Row]:
    """Yield the rows of the table of 17 digits below one line of names: each the group's and the column's together."""
    head = list(islice(rows, HEAD))
    titles = {fold(one) for one in (CODES.columns[0].name, *CODES.columns[0].other_names)}
    top = next((at for at, row in enumerate(head) if titles & set(map(fold, row.cells))), None)
    if top is None:
        yield from chain(head, rows)
        return
    place = next(at for at, cell in enumerate(head[top].cells) if fold(cell) in titles)
    data = next((at for at in range(top + 1, len(head)) if _cell(head[at], place)), len(head))
    yield Row(head[top].line, _titles([row.cells for row in head[top:data]]))
    for row in chain(head[data:], rows):
        code = _cell(row, place)
        if code and fold(code) not in titles:
            yield row


def _cell(row: Row, place: int) -> str:
    return row.cells[place].strip() if place < len(row.cells) else ""


def _titles(lines: Sequence[Sequence[str]]) -> list[str]:
    """Return the name of each column; of a cell that is merged over several columns the first one is filled."""
    first = list(lines[0]) + [""] * (max(map(len, lines)) - len(lines[0]))
    below = ["".join(line[at] for line in lines[1:] if at < len(line)) for at in range(len(first))]
    group, names = "", []
    for own, lower in zip(first, below, strict=True):
        group = own or (group if lower else "")
        names.append(fold(group + lower))
    return names
