import pytest

from dicom.bulk_data import find, value
from dicom.part10 import read_part10
from dicom.reports.content import read_report
from dicom.reports.encapsulated import read_encapsulated, unpadded
from dicom.reports.key_images import key_images
from dicom.reports.kinds import Kind, kind_of
from dicom.reports.waveform import WAVEFORM_DATA, read_channels
from tests.dicom.making import PYDICOM
from tests.reports import CDA, SOP, a_document, model_of, picture, some_key_images


@pytest.mark.parametrize(
    ("sop_class", "kind"),
    [
        ("2", Kind.IMAGE),
        ("4.1", Kind.IMAGE),
        ("12.1", Kind.IMAGE),
        ("88.11", Kind.REPORT),
        ("88.50", Kind.REPORT),
        ("88.59", Kind.KEY_IMAGES),
        ("88.67", Kind.DOSE),
        ("88.76", Kind.DOSE),
        ("104.1", Kind.DOCUMENT),
        ("9.1.1", Kind.WAVEFORM),
        ("11.1", Kind.PRESENTATION),
        ("66", Kind.RAW),
        ("66.3", Kind.REGISTRATION),
        ("66.4", Kind.SEGMENTATION),
        ("481.1", Kind.IMAGE),
        ("481.5", Kind.RADIOTHERAPY),
    ],
)
def test_a_sop_class_says_what_an_instance_is(sop_class: str, kind: Kind) -> None:
    assert kind_of(f"{SOP}{sop_class}") is kind


def test_a_private_class_is_taken_for_an_image() -> None:
    assert kind_of("1.3.12.2.1107.5.9.1") is Kind.IMAGE


def test_a_selection_says_which_images_and_why() -> None:
    found = key_images(read_report(model_of(some_key_images(picture(), picture("1.2.392.66.2.2", [3])))))

    assert (found.title.meaning, found.description, found.is_manifest) == ("Of Interest", "結節", False)
    assert [(one.sop_instance_uid, one.frames) for one in found.references] == [
        ("1.2.392.66.2.1", ()),
        ("1.2.392.66.2.2", (3,)),
    ]


def test_a_manifest_picks_nothing_out() -> None:
    assert key_images(read_report(model_of(some_key_images(title=("113030", "DCM", "Manifest"))))).is_manifest


def test_the_class_is_believed_more_than_the_media_type() -> None:
    found = read_encapsulated(model_of(a_document(b"%PDF-1.4", media_type="text/html")))
    document = read_encapsulated(model_of(a_document(b"<a/>", media_type="text/html", sop_class=CDA)))

    assert (found.title, found.media_type, found.length) == ("読影報告書", "application/pdf", 8)
    assert document.media_type == "text/xml"


@pytest.mark.parametrize(
    ("value", "length", "expected"),
    [
        (b"abc\0", 3, b"abc"),
        (b"abcd", 4, b"abcd"),
        (b"abc\0", None, b"abc"),
        (b"abcd", 1, b"abcd"),
        (b"abc\0", 4, b"abc\0"),
    ],
    ids=["padded", "even", "length not said", "a wrong length", "a zero of its own"],
)
def test_the_padding_of_a_file_is_taken_off(value: bytes, length: int | None, expected: bytes) -> None:
    assert unpadded(value, length) == expected


def test_a_real_electrocardiogram_is_read_in_microvolts() -> None:
    data = (PYDICOM / "test_files/waveform_ecg.dcm").read_bytes()
    file = read_part10(data)

    channels = read_channels(model_of(data), value(file, find(file, WAVEFORM_DATA)))

    assert [one.name for one in channels][:2] == ["Lead I (Einthoven)", "Lead II"]
    assert len(channels) == 12
    assert (channels[0].unit, channels[0].seconds, len(channels[0].values)) == ("uV", 0.001, 10_000)
    assert (channels[0].values.min(), channels[0].values.max()) == (-62.5, 725.0)
