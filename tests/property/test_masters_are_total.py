"""Whatever a file holds: it becomes resources that follow R4, or is refused with a reason."""

import io
import json
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.terminology.master import read_master
from fhir.profiles.structure import check
from fhir.terminology.masters.table import UnknownLayout
from tests.masters import (
    HOT_COLUMNS,
    a_disease,
    a_hot_row,
    a_modifier,
    a_receipt_disease,
    a_receipt_modifier,
    a_workbook,
    an_index_term,
    text,
)

TABLES: Mapping[str, Mapping[str, bytes]] = {
    "hot": {"MEDIS.TXT": text(HOT_COLUMNS, a_hot_row("9000001010101", "9990001F1010"), a_hot_row("900000101"))},
    "disease": {
        "nmain599.txt": text(
            a_disease("90000001", "ためし病", "ZZ01", "E119"), a_disease("90000002", "ためし", "ZZ01")
        ),
        "mdfy599.txt": text(a_modifier("97000001", "急性ためし", "Z999", "9001")),
        "index599.txt": text(an_index_term("ためしやまい", "ZZ01"), an_index_term("キュウセイ", "Z999", "2")),
    },
    "receipt": {
        "b_1.txt": text(a_receipt_disease("9900001", "ためし病", icd10="E119")),
        "z_1.txt": text(a_receipt_modifier("9001", "急性ためし")),
    },
    "icd10": {"list.csv": text(["コード", "名称"], ["A00-B99", "章"], ["A00", "病"], ["A00.0", "病0"])},
}


def a_change(content: bytes) -> st.SearchStrategy[bytes]:
    """A piece of the content is something else."""
    places = st.integers(0, len(content))
    pieces = st.binary(max_size=20) | st.sampled_from([b'"', b",", b"\r\n", b"\x00", b"\xff\xfe", b" ", "病".encode()])
    return st.builds(
        lambda at, length, piece: content[:at] + piece + content[at + length :], places, st.integers(0, 30), pieces
    )


def make(kind: str, *files: Path) -> int:
    """The number of resources; none where the files are refused with a reason."""
    try:
        master = read_master(kind, files, "1", [].append)
    except UnknownLayout:
        return 0
    for one in master.made:
        assert check(json.loads(one.body)) == []
    return len(master.made)


@pytest.mark.parametrize("kind", TABLES)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_any_text_is_made_or_refused(kind: str, data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in TABLES[kind]]
        for path, content in zip(paths, TABLES[kind].values(), strict=True):
            path.write_bytes(content)
        assert make(kind, *paths) > 0

        changed = data.draw(st.sampled_from(paths))
        changed.write_bytes(data.draw(a_change(changed.read_bytes())))
        make(kind, *paths)


NAMES = ("分析物名称", "識別名称", "材料名称", "測定法名称", "結果識別（共通）名称")
ROW = ["9Z001000002327101", "ためし蛋白", "", "血清", "ためし法", "定量値"]


@given(data=st.data(), part=st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_any_workbook_is_made_or_refused(data: st.DataObject, part: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = a_workbook(Path(folder) / "w.xlsx", {"17桁コード表": [["JLAC10コード（17桁）", *NAMES], ROW]})
        assert make("jlac10", path) == 1

        with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        name = list(parts)[part]
        parts[name] = data.draw(a_change(parts[name]))
        with zipfile.ZipFile(path, "w") as archive:
            for one, content in parts.items():
                archive.writestr(one, content)
        make("jlac10", path)


@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_any_archive_is_made_or_refused(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "z.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in TABLES["disease"].items():
                archive.writestr(name, content)
        assert make("disease", path) > 0

        path.write_bytes(data.draw(a_change(path.read_bytes())))
        make("disease", path)
