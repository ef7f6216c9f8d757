import pytest

from app.portal.attachments.kinds import disposition, file_name, kind_of, type_of
from app.portal.attachments.shown import decoded
from tests.attachments import an_mfer


@pytest.mark.parametrize(
    ("media_type", "kind"),
    [
        ("application/pdf", "pdf"),
        ("text/plain", "text"),
        ("application/xml", "xml"),
        ("image/tiff", "picture"),
        ("image/svg+xml", "file"),
        ("text/html", "file"),
        ("application/xhtml+xml", "file"),
        ("", "file"),
    ],
)
def test_a_type_has_a_kind(media_type: str, kind: str) -> None:
    assert kind_of(media_type, b"") == kind


def test_a_waveform_is_known_by_its_preamble_where_its_type_says_nothing() -> None:
    assert kind_of("application/octet-stream", an_mfer()) == "mfer"
    assert kind_of("application/pdf", an_mfer()) == "pdf"


@pytest.mark.parametrize(
    ("title", "media_type", "name"),
    [
        ("退院時要約", "application/pdf", "退院時要約.pdf"),
        ("a.pdf", "application/pdf", "a.pdf"),
        ("a.exe", "application/pdf", "a.exe.pdf"),
        ("a.exe", "application/x-msdownload", "a.exe.bin"),
        ("../../etc/passwd", "text/plain", "etc_passwd.txt"),
        ('x"; filename="y.html', "text/html", "x_;_filename=_y.html.bin"),
        ("a\r\nSet-Cookie: b=c", "application/pdf", "a_Set-Cookie_b=c.pdf"),
        ("evil\u202efdp.exe", "application/pdf", "evil_fdp.exe.pdf"),
        ("...", "image/png", "document.png"),
        ("", "", "document.bin"),
        ("長" * 200, "text/plain", "長" * 80 + ".txt"),
    ],
)
def test_a_file_has_a_name_that_no_system_takes_for_a_path_or_a_program(title: str, media_type: str, name: str) -> None:
    assert file_name(title, media_type) == name


def test_the_header_holds_ascii_and_the_name_in_utf_8() -> None:
    assert disposition("退院 a", "application/pdf") == (
        "attachment; filename=\"_a.pdf\"; filename*=UTF-8''%E9%80%80%E9%99%A2_a.pdf"
    )


def test_a_type_is_read_with_its_character_set() -> None:
    assert type_of({"contentType": 'Text/Plain; charset="Shift_JIS"; x=y'}) == ("text/plain", "shift_jis")


@pytest.mark.parametrize(
    "charset",
    ["idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape", "zip", "hex", "a\0b", "x" * 99, ""],
)
def test_what_is_no_character_set_is_read_as_utf_8(charset: str) -> None:
    assert decoded("咳 \\u0041 a-b".encode(), charset) == "咳 \\u0041 a-b"
