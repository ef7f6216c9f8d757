import pytest

from dicom.accept import NotAcceptable, Representation, choose

JSON = Representation("application/dicom+json")
STORED = Representation("application/octet-stream", "1.2.840.10008.1.2.4.70", multipart=True)
ELE = Representation("application/octet-stream", "1.2.840.10008.1.2.1", multipart=True)
SINGLE = Representation("application/octet-stream", "1.2.840.10008.1.2.1")
PICTURE = Representation("image/jpeg")
THUMBNAIL = Representation("image/png")


@pytest.mark.parametrize(
    ("accept", "offers", "chosen"),
    [
        ("", (JSON,), JSON),
        ("*/*", (STORED, ELE), STORED),
        ("application/dicom+json", (JSON,), JSON),
        ("application/json", (JSON,), JSON),
        ("application/*", (STORED, SINGLE), SINGLE),
        ("multipart/*", (STORED,), STORED),
        ('multipart/related; type="application/octet-stream"; transfer-syntax="*"', (STORED, ELE), STORED),
        ("multipart/related; type=application/octet-stream; transfer-syntax=*", (STORED, ELE), STORED),
        ("multipart/related; type=application/octet-stream", (STORED, ELE), STORED),
        ('multipart/related; type="application/octet-stream"; transfer-syntax=1.2.840.10008.1.2.1',
         (STORED, ELE), ELE),
        ("application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1", (STORED, SINGLE), SINGLE),
        ("multipart/related", (JSON, STORED), STORED),
        ("application/dicom+json, multipart/related; type=application/octet-stream", (STORED,), STORED),
        ("image/png, image/jpeg", (PICTURE, THUMBNAIL), THUMBNAIL),
        ("image/png;q=0.5, image/jpeg", (THUMBNAIL, PICTURE), PICTURE),
        ("image/*", (PICTURE, THUMBNAIL), PICTURE),
        ("image/png;q=0, */*;q=0.1", (THUMBNAIL, PICTURE), PICTURE),
        ("image/png;q=high", (THUMBNAIL,), THUMBNAIL),
        ("text/html,application/xhtml+xml,*/*;q=0.8", (PICTURE,), PICTURE),
    ],
)  # fmt: skip
def test_the_client_gets_what_it_likes_best(accept, offers, chosen):
    assert choose(accept, offers) == chosen


@pytest.mark.parametrize(
    ("accept", "offers"),
    [
        ("text/html", (JSON,)),
        ("application/dicom+xml", (JSON,)),
        ("application/octet-stream", (STORED,)),
        ('multipart/related; type="image/jpeg"', (STORED,)),
        (
            "multipart/related; type=application/octet-stream; transfer-syntax=1.2.840.10008.1.2.4.90",
            (STORED,),
        ),
        ("application/dicom+json;q=0", (JSON,)),
        ("image/*", (JSON,)),
    ],
)
def test_what_the_client_does_not_take_is_not_given(accept, offers):
    with pytest.raises(NotAcceptable):
        choose(accept, offers)


def test_a_missing_transfer_syntax_may_mean_explicit_little_endian():
    accept = "multipart/related; type=application/octet-stream"

    chosen = choose(accept, (STORED, ELE), default_transfer_syntax="1.2.840.10008.1.2.1")

    assert chosen == ELE
