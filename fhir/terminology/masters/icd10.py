"""ICD-10 (2013) in Japanese: a list of codes and names becomes chapters, blocks, categories and subcategories.

Any list is taken that has a code and a name in each row: with a header line, by its names, or two columns without one,
as `ICDitems_*.txt` of https://byomei.org has them, verified by https://github.com/yagays/ja-icd10
(tools/generate_icd_code2category.py). How the ministry's own list, https://www.mhlw.go.jp/toukei/sippei/, names its
columns was not verified: the names below are general knowledge.

What is below what follows from the codes: A00.0 is in A00, A00 in the block A00-A09, that in the chapter A00-B99.
Codes are written without the point, as JP Core and 標準病名マスター write them.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from fhir.terminology.masters.concept import concept
from fhir.terminology.masters.layout import Column, Layout
from fhir.terminology.masters.master import Source
from fhir.terminology.masters.resources import GROUPS, NOT_SELECTABLE, Json, Made, System, code_system
from fhir.terminology.masters.sorting import sort
from fhir.terminology.masters.table import Table

PUBLISHER = "厚生労働省"
ICD10 = System(
    *("http://jpfhir.jp/fhir/core/mhlw/CodeSystem/ICD10-2013-full", "MHLW_ICD10_2013", "ICD-10（2013年版）"),
    properties=(NOT_SELECTABLE,),
    hierarchy=True,
)

_CODE = ("ICDコード", "ICD-10コード", "ICD10コード", "分類コード", "基本分類コード", "基本分類番号", "分類番号", "code")
_NAME = (
    "項目名",
    "項目名称",
    "分類名",
    "分類名称",
    "分類項目",
    "分類項目名",
    "日本語名称",
    "日本語",
    "傷病名",
    "name",
    "title",
)
WRITTEN = r"[A-Z]\d{2}[0-9A-Za-z.\-]{0,3}[*+†＊]?"
"""The form of a code in other masters."""
LIST = Layout(
    Column("code", "コード", r"[0-9A-Z][0-9A-Za-z.*+†＊\-－–]{0,14}", at=0, other_names=_CODE),
    Column("name", "名称", at=1, other_names=_NAME),
    named=r"ICDitems",
    width=2,
)
LAYOUTS = {"list": LIST}

_RANGE = re.compile(r"([A-Z][0-9]{2})-([A-Z][0-9]{2})")
_CATEGORY = re.compile(r"[A-Z][0-9]{2}[0-9A-Za-z\-]{0,3}")
_NO_ICD = re.compile(r"[0-9]+")
"""The list of byomei.org holds disease numbers too, and its own root."""


def without_point(code: str) -> str:
    """Return a code as it is written in data: A00.0 as A000, without the dagger or asterisk of double coding."""
    return code.replace(".", "").rstrip("*+†＊")


def make(tables: Sequence[Table], source: Source) -> Iterator[Made]:
    """Yield the resource of the master. `source` says how it is made, and takes what is wrong."""
    names: dict[str, str] = {}
    for _, table in sort(tables, LAYOUTS, source.unused):
        for line, row in LIST.records(source.counted(table), source.faults):
            code = without_point(re.sub("[－–]", "-", row["code"]))
            if _NO_ICD.fullmatch(code):
                continue
            if not _RANGE.fullmatch(code) and not _CATEGORY.fullmatch(code):
                source.faults.add(table.place, line, f"{row['code']!r} is no code of ICD-10")
            elif names.setdefault(code, row["name"]) != row["name"]:
                source.faults.add(table.place, line, f"the code {row['code']} is there already, with another name")
    yield code_system(ICD10, tree(names), source.edition(PUBLISHER))


def tree(names: Mapping[str, str]) -> Iterator[Json]:
    """Yield the concepts that nothing is above, each with those below it.

    Args:
        names: The names by code; chapters and blocks are ranges, `A00-A09`.
    """
    concepts = {code: concept(code, name) for code, name in names.items()}
    # The smaller range first, where one lies in the other.
    ranges = sorted((match for match in map(_RANGE.fullmatch, names) if match), key=lambda one: one[1], reverse=True)
    ranges.sort(key=lambda one: one[2])
    roots: list[str] = []
    for code in names:
        above = _above(code, concepts, ranges)
        if above is None:
            roots.append(code)
        else:
            concepts[above].setdefault("concept", []).append(concepts[code])
    for one in ranges:
        concepts[one[0]]["property"] = [GROUPS]
    return (concepts[code] for code in roots)


def _above(code: str, concepts: Mapping[str, Json], ranges: Sequence[re.Match[str]]) -> str | None:
    """Return what a code is directly below."""
    own = _RANGE.fullmatch(code)
    if own is None:
        for length in range(len(code) - 1, 2, -1):
            if code[:length] in concepts:
                return code[:length]
    first, last = (own[1], own[2]) if own else (code[:3], code[:3])
    return next((one[0] for one in ranges if one[0] != code and one[1] <= first and last <= one[2]), None)
