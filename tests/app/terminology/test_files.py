"""Files as they were downloaded: text, workbooks, archives of both."""

import zipfile

import pytest

from app.terminology import files as module
from app.terminology.files import tables
from fhir.terminology.masters.table import UnknownLayout
from tests.masters import a_workbook, a_zip, text


def read(*paths):
    return {table.place: [row.cells for row in table.rows] for table in tables(paths)}


def test_a_text_is_one_table(tmp_path):
    path = tmp_path / "病名.txt"
    path.write_bytes(text(["001", "甲"]))

    assert read(path) == {"病名.txt": [["001", "甲"]]}


def test_an_archive_is_the_texts_and_workbooks_in_it(tmp_path):
    book = a_workbook(tmp_path / "w.xlsx", {"一": [["x"]]}).read_bytes()
    path = a_zip(
        tmp_path / "z.zip",
        main__nmain_dot_txt=text(["001"]),
        main__w_dot_XLSX=book,
        readme_dot_pdf=b"%PDF",
        a_dot_CSV=b"1\n",
    )

    assert read(path) == {
        "z.zip: main/nmain.txt": [["001"]],
        "z.zip: main/w.XLSX: 一": [["x"]],
        "z.zip: a.CSV": [["1"]],
    }


def test_names_in_an_archive_may_be_in_shift_jis(tmp_path):
    path = tmp_path / "z.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("ABCD.txt", "1\n")
    path.write_bytes(path.read_bytes().replace(b"ABCD.txt", "病名".encode("cp932") + b".txt"))

    assert list(read(path)) == ["z.zip: 病名.txt"]


def test_several_files_are_read_in_their_order(tmp_path):
    for name in ("b.txt", "a.txt"):
        (tmp_path / name).write_bytes(name.encode())

    assert list(read(tmp_path / "b.txt", tmp_path / "a.txt")) == ["b.txt", "a.txt"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xd0\xcf\x11\xe0" + bytes(100), "old Excel"),
        (b"PK\x03\x04 and no more", "the archive cannot be read"),
    ],
    ids=["xls", "half an archive"],
)
def test_a_file_that_tables_are_not_read_from_is_refused(tmp_path, content, words):
    (tmp_path / "x").write_bytes(content)

    with pytest.raises(UnknownLayout, match=words):
        read(tmp_path / "x")


def test_an_encrypted_part_is_refused(tmp_path):
    path = a_zip(tmp_path / "z.zip", a_dot_txt=b"1\n")
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)

    with pytest.raises(UnknownLayout, match=r"z\.zip: a\.txt: it is encrypted"):
        read(path)


def test_a_damaged_part_is_refused(tmp_path):
    path = a_zip(tmp_path / "z.zip", a_dot_txt=b"1\n" * 1_000)
    content = bytearray(path.read_bytes())
    content[40] ^= 0xFF
    path.write_bytes(content)

    with pytest.raises(UnknownLayout, match=r"z\.zip: a\.txt: it cannot be unpacked"):
        read(path)


@pytest.mark.parametrize(
    ("bound", "words"),
    [
        ("FILE_BYTES", "larger than 10 bytes"),
        ("MEMBER_BYTES", "inflates to more than 10 bytes"),
        ("MEMBERS", "more than 10 parts"),
    ],
)
def test_a_file_over_a_bound_is_refused(tmp_path, monkeypatch, bound, words):
    path = a_zip(tmp_path / "z.zip", **{f"a{number}_dot_txt": b"1\n" * 100 for number in range(11)})
    monkeypatch.setattr(module, bound, 10)

    with pytest.raises(UnknownLayout, match=words):
        read(path)


def test_a_large_workbook_within_an_archive_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "WORKBOOK_BYTES", 10)

    with pytest.raises(UnknownLayout, match="larger than 10 bytes"):
        read(a_zip(tmp_path / "z.zip", w_dot_xlsx=b"x" * 11))
