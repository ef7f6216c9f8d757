import pytest

from dicom.media_types import MediaType, parse


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", []),
        ("application/DICOM+json", [MediaType("application/dicom+json")]),
        ("a/b; Q=0.5 , c/d", [MediaType("a/b", (("q", "0.5"),)), MediaType("c/d")]),
        ('multipart/related; type="application/dicom"; boundary="a b"',
         [MediaType("multipart/related", (("type", "application/dicom"), ("boundary", "a b")))]),
        ("multipart/related;type=application/dicom",
         [MediaType("multipart/related", (("type", "application/dicom"),))]),
        (r'a/b; x="\"y\""', [MediaType("a/b", (("x", '"y"'),))]),
        ("a/b; x", [MediaType("a/b")]),
        ("nonsense", []),
    ],
)  # fmt: skip
def test_media_types_are_read(header, expected):
    assert parse(header) == expected


def test_a_missing_parameter_has_a_default():
    assert MediaType("a/b").parameter("q", "1") == "1"
