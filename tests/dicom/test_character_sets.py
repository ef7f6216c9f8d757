import pytest

from dicom.character_sets import codecs_of, decode


@pytest.mark.parametrize(
    ("declared", "codecs"),
    [
        (b"", ("latin-1",)),
        (b"ISO_IR 192 ", ("utf-8",)),
        (b"\\ISO 2022 IR 87", ("latin-1", "iso2022_jp")),
        (b"ISO 2022 IR 13\\ISO 2022 IR 87", ("shift_jis", "iso2022_jp")),
        (b"ISO IR 100", ("latin-1",)),
        (b"ISO-2022-IR 149", ("euc_kr",)),
        (b"GB18030", ("gb18030",)),
        (b"klingon", ("latin-1",)),
        (b"\xff\xfe", ("latin-1",)),
    ],
)
def test_a_declaration_names_codecs(declared, codecs):
    assert codecs_of(declared) == codecs


@pytest.mark.parametrize(
    ("value", "codecs", "text"),
    [
        (b"Yamada^Tarou", ("shift_jis",), "Yamada^Tarou"),
        (b"Buc^J\xe9r\xf4me", ("latin-1",), "Buc^Jérôme"),
        (b"\xe5\xb1\xb1", ("utf-8",), "山"),
        (b"\xff\xff", ("utf-8",), "\ufffd\ufffd"),
        (b"\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B", ("latin-1", "iso2022_jp"), "山田^太郎"),
        (
            b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J",
            ("shift_jis", "iso2022_jp"),
            "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎",
        ),
        (
            b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7",
            ("latin-1", "euc_kr"),
            "Hong^Gildong=洪^吉洞",
        ),
        (b"\x1b$(D7m", ("latin-1",), "埞"),
        (b"\x1b-F\xc4^\xe9", ("latin-1",), "Δ^é"),
        (b"\x1b%GAB", ("latin-1",), "GAB"),
        (b"\x1b$B\xff\xff", ("latin-1",), "\ufffd\ufffd"),
    ],
    ids=[
        "ASCII",
        "Latin-1",
        "UTF-8",
        "not UTF-8",
        "JIS X 0208",
        "JIS X 0201 and 0208",
        "Korean",
        "JIS X 0212",
        "back to the initial set after a delimiter",
        "unknown escape",
        "bad escape",
    ],
)
def test_text_is_decoded(value, codecs, text):
    assert decode(value, codecs) == text
