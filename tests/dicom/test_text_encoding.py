"""Text under a Specific Character Set, as octets that every reader takes for the same text."""

import warnings

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicom.character_sets import codecs_of, decode
from dicom.text_encoding import encode
from tests.app.imaging.images import FILES

NAME = "Yamada^Tarou=山田^太郎=やまだ^たろう"

CASES = [
    ("\\ISO 2022 IR 87", "胸部CT造影", b"\x1b$B6;It\x1b(BCT\x1b$BB$1F\x1b(B"),
    ("ISO 2022 IR 13\\ISO 2022 IR 87", "ﾔﾏ山ﾀﾞ^ｱ", b"\xd4\xcf\x1b$B;3\x1b(J\xc0\xde^\xb1"),
    ("\\ISO 2022 IR 149", "金^희중", b"\x1b$)C\xd1\xd1^\x1b$)C\xc8\xf1\xc1\xdf"),
    ("ISO_IR 192", "山", b"\xe5\xb1\xb1"),
    ("ISO_IR 100", "é", b"\xe9"),
    ("ISO_IR 100", "山", None),
    ("ISO_IR 13", "ﾔ", b"\xd4"),
    ("ISO_IR 13", "山", None),
    ("\\ISO 2022 IR 87", "髙", None),
    ("unknown", "a", None),
    ("GB18030", "山", b"\xc9\xbd"),
]


@pytest.mark.parametrize(("terms", "text", "octets"), CASES)
def test_a_text_is_written_in_the_sets_that_are_named(terms: str, text: str, octets: bytes | None) -> None:
    assert encode(text, terms) == octets


@pytest.mark.parametrize(
    "name", ["chrH31", "chrH32", "chrJapMulti", "chrKoreanMulti", "chrX1", "chrX2", "chrRuss", "chrGreek"]
)
def test_the_names_of_pydicoms_files_are_written_as_they_stand_there(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ds = pydicom.dcmread(FILES / f"charset_files/{name}.dcm")
        terms = ds.SpecificCharacterSet
        stated = terms if isinstance(terms, str) else "\\".join(terms)
        assert encode(str(ds.PatientName), stated) == bytes(ds.PatientName.original_string).rstrip()


@given(st.text(st.sampled_from("aZ^=\\山田太郎やまだﾔﾏﾀﾞ ~")))
def test_what_is_written_is_read_again(text: str) -> None:
    for terms in ("ISO 2022 IR 13\\ISO 2022 IR 87", "\\ISO 2022 IR 87", "ISO_IR 192"):
        octets = encode(text, terms)
        if octets is not None:
            assert decode(octets, codecs_of(terms.encode())) == text
