"""Master tables made for a test: the layouts of their publishers, and rows that are invented."""

import csv
import io
import json
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from fhir.profiles.structure import check
from fhir.terminology.masters.master import Source
from fhir.terminology.masters.resources import Made
from fhir.terminology.masters.table import Row, Table

Rows = Sequence[Sequence[str]]

HOT_COLUMNS = (
    *(
        "基準番号（ＨＯＴコード）",
        "処方用番号（ＨＯＴ７）",
        "会社識別用番号",
        "調剤用番号",
        "物流用番号",
        "ＪＡＮコード",
    ),
    *("薬価基準収載医薬品コード", "個別医薬品コード", "レセプト電算処理システムコード（１）"),
    *("レセプト電算処理システムコード（２）", "告示名称", "販売名", "レセプト電算処理システム医薬品名", "規格単位"),
    *(
        "包装形態",
        "包装単位数",
        "包装単位単位",
        "包装総量数",
        "包装総量単位",
        "区分",
        "製造会社",
        "販売会社",
        "更新区分",
    ),
    "更新年月日",
)


def a_hot_row(hot: str, yj: str = "", name: str = "ためし錠１０ｍｇ", **cells: str) -> list[str]:
    """Return a row of the HOT master; `cells` by the letters of `named`."""
    named = {
        "official": 10,
        "sold": 11,
        "receipt_name": 12,
        "price": 6,
        "receipt": 8,
        "jan": 5,
        "change": 22,
        "date": 23,
    }
    row = [""] * len(HOT_COLUMNS)
    row[0], row[1], row[2], row[3], row[4] = hot, hot[:7], hot[7:9], hot[9:11], hot[11:]
    row[7], row[11], row[22], row[23] = yj, name, "1", "20260930"
    for key, value in cells.items():
        row[named[key]] = value
    return row


def a_disease(key: str, name: str, exchange: str, icd10: str = "", **cells: str) -> list[str]:
    """Return a row of the table of diseases, of 20 columns."""
    named = {
        "change": 0,
        "reading": 3,
        "adoption": 4,
        "second": 7,
        "receipt": 10,
        "short": 11,
        "date": 14,
        "replaced": 15,
    }
    row = [""] * 20
    row[0], row[1], row[2], row[4], row[5], row[6], row[14] = "0", key, name, "1", exchange, icd10, "20260601"
    for column, value in cells.items():
        row[named[column]] = value
    return row


def a_modifier(key: str, name: str, exchange: str, receipt: str = "", position: str = "10") -> list[str]:
    """Return a row of the table of modifiers, of 10 columns."""
    return ["0", key, name, "", exchange, position, "11000000", "", receipt, ""]


def an_index_term(term: str, exchange: str, kind: str = "1") -> list[str]:
    """Return a row of the index, of 9 columns."""
    return [term, exchange, kind, "1", "1", "0", "0", "0", "0"]


def a_receipt_disease(code: str, name: str, **cells: str) -> list[str]:
    """Return a row of `b_*.txt`, of 46 columns."""
    named = {"change": 0, "replaced": 3, "short": 7, "reading": 9, "key": 10, "icd10": 15, "second": 16, "ended": 23}
    row = [""] * 46
    row[0], row[1], row[2], row[5], row[22], row[23] = "0", "B", code, name, "20260601", "99999999"
    for column, value in cells.items():
        row[named[column]] = value
    return row


def a_receipt_modifier(code: str, name: str, ended: str = "99999999") -> list[str]:
    """Return a row of `z_*.txt`, of 19 columns."""
    row = [""] * 19
    row[0], row[1], row[2], row[6], row[14], row[15] = "0", "Z", code, name, "20260601", ended
    return row


def a_table(name: str, *rows: Sequence[str]) -> Table:
    """Return a table; its lines count from 1."""
    return Table(name, name, (Row(line, list(cells)) for line, cells in enumerate(rows, start=1)))


def made(
    make: Callable[[Sequence[Table], Source], Iterator[Made]], *tables: Table, source: Source | None = None
) -> dict[str, dict[str, Any]]:
    """Return the resources of a master by the ends of their URLs; each follows R4 and counts its members rightly."""
    found = {}
    for one in make(tables, source or Source()):
        resource = json.loads(one.body)
        assert check(resource) == []
        assert (one.type, one.url) == (resource["resourceType"], resource["url"])
        if one.type == "CodeSystem":
            assert one.members == resource["count"] == len(codes(resource))
        found[one.url.rpartition("/")[2]] = resource
    return found


def codes(resource: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the concepts of a CodeSystem by their codes, at whatever depth."""
    found, waiting = {}, list(resource.get("concept", []))
    while waiting:
        one = waiting.pop(0)
        assert one["code"] not in found
        found[one["code"]] = one
        waiting += one.get("concept", [])
    return found


def displays(resource: dict[str, Any]) -> dict[str, str]:
    """Return the displays of a CodeSystem by their codes."""
    return {code: one["display"] for code, one in codes(resource).items()}


def properties(concept: dict[str, Any]) -> dict[str, Any]:
    """Return the properties of a concept by their codes."""
    return {
        one["code"]: next(value for key, value in one.items() if key != "code") for one in concept.get("property", [])
    }


def others(concept: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the designations of a concept: use and name."""
    return [(one["use"]["code"], one["value"]) for one in concept.get("designation", [])]


def targets(resource: dict[str, Any]) -> dict[str, list[tuple[str, str]]]:
    """Return what a ConceptMap says of each code: target and equivalence."""
    elements = [element for group in resource["group"] for element in group["element"]]
    return {one["code"]: [(to["code"], to["equivalence"]) for to in one["target"]] for one in elements}


def text(*rows: Sequence[str], encoding: str = "cp932", quoted: bool = True) -> bytes:
    """Return rows as a publisher writes them: CSV with CRLF."""
    written = io.StringIO()
    csv.writer(written, quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL, lineterminator="\r\n").writerows(rows)
    return written.getvalue().encode(encoding)


def a_zip(path: Path, **parts: bytes) -> Path:
    """Write an archive; `__` in the name of a part is a slash, `_dot_` a point."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name.replace("__", "/").replace("_dot_", "."), content)
    return path


def a_workbook(path: Path, sheets: dict[str, Rows], *, shared: bool = True, **parts: bytes) -> Path:
    """Write a workbook; empty cells are left out, as Excel does. `parts`, named as for `a_zip`, replace its own."""
    strings: list[str] = []
    contents: dict[str, bytes] = {}
    listed, related = "", ""
    for number, (name, rows) in enumerate(sheets.items(), start=1):
        written = "".join(_row(line, cells, strings if shared else None) for line, cells in enumerate(rows, start=1))
        contents[f"xl/worksheets/sheet{number}.xml"] = f'<worksheet xmlns="{_MAIN}">{written}</worksheet>'.encode()
        listed += f'<sheet name="{escape(name)}" sheetId="{number}" r:id="rId{number}"/>'
        related += f'<Relationship Id="rId{number}" Type="t" Target="worksheets/sheet{number}.xml"/>'
    contents["xl/workbook.xml"] = (
        f'<workbook xmlns="{_MAIN}" xmlns:r="{_R}"><sheets>{listed}</sheets></workbook>'.encode()
    )
    contents["xl/_rels/workbook.xml.rels"] = f'<Relationships xmlns="{_P}">{related}</Relationships>'.encode()
    if shared:
        items = "".join(
            f'<si><t xml:space="preserve">{escape(one)}</t><rPh sb="0" eb="1"><t>ヨミ</t></rPh></si>' for one in strings
        )
        contents["xl/sharedStrings.xml"] = f'<sst xmlns="{_MAIN}">{items}</sst>'.encode()
    contents |= {name.replace("__", "/").replace("_dot_", "."): content for name, content in parts.items()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return path


_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_P = "http://schemas.openxmlformats.org/package/2006/relationships"


def _row(line: int, cells: Sequence[str], strings: list[str] | None) -> str:
    return f'<row r="{line}">{"".join(_cell(line, at, one, strings) for at, one in enumerate(cells) if one)}</row>'


def _cell(line: int, at: int, text: str, strings: list[str] | None) -> str:
    place = f"{chr(65 + at)}{line}"
    if strings is None:
        return f'<c r="{place}" t="inlineStr"><is><t>{escape(text)}</t></is></c>'
    strings.append(text)
    return f'<c r="{place}" t="s"><v>{len(strings) - 1}</v></c>'
