import contextlib
import pickle
import struct
import zlib

import pytest

from dicom.failures import InvalidInstance
from dicom.frame_table import EncapsulatedFrames, NativeFrames
from dicom.part10 import read_instance, read_part10
from tests.dicom.making import (
    BIG,
    DEFLATED,
    EXPLICIT,
    IMPLICIT,
    ITEM_END,
    PYDICOM,
    RLE,
    SEQUENCE_END,
    UNDEFINED,
    element,
    file,
    fragments,
    image,
    implicit,
    instance,
    item,
    pydicom_file,
)

PIXELS = 0x7FE00010
MISMATCH, GARBLED = 0xA900, 0xC000


def nested(depth):
    body = b""
    for _ in range(depth):
        body = element(0x00081140, "SQ", item(body))
    return body


def pictured(value, **others):
    return instance({**image(**others), PIXELS: ("OB", value)})


def refused(data):
    with pytest.raises(InvalidInstance) as caught:
        read_instance(data)
    return caught.value


def test_a_ct_is_read_from_bytes_and_from_a_view_alike():
    data = pydicom_file("CT_small.dcm")

    found = read_instance(data)

    assert found.sop_class_uid == "1.2.840.10008.5.1.4.1.1.2"
    assert found.sop_instance_uid == "1.3.6.1.4.1.5962.1.1.1.1.1.20040119072730.12322"
    assert found.study_instance_uid == "1.3.6.1.4.1.5962.1.2.1.20040119072730.12322"
    assert found.series_instance_uid == "1.3.6.1.4.1.5962.1.3.1.1.20040119072730.12322"
    assert found.file.transfer_syntax.uid == EXPLICIT
    assert (found.pixels.element.offset, found.pixels.element.length) == (6300, 32768)
    assert found.pixels.frames == NativeFrames(6300, 128 * 128 * 16, 1)
    view = read_instance(memoryview(data))
    assert (view.file.data_set, view.pixels) == (found.file.data_set, found.pixels)


@pytest.mark.parametrize(
    ("name", "transfer_syntax", "frames", "as_received"),
    [
        ("MR_small_implicit.dcm", IMPLICIT, 1, True),
        ("MR_small_bigendian.dcm", BIG, 1, True),
        ("image_dfl.dcm", DEFLATED, 1, False),
        ("rtdose.dcm", IMPLICIT, 15, True),
        ("rtdose_rle.dcm", RLE, 15, True),
        ("examples_ybr_color.dcm", "1.2.840.10008.1.2.4.50", 30, True),
    ],
)
def test_every_kind_of_encoding_is_read(name, transfer_syntax, frames, as_received):
    found = read_instance(pydicom_file(name))

    assert found.file.transfer_syntax.uid == transfer_syntax
    assert len(found.pixels.frames) == frames
    assert found.file.as_received is as_received


def test_an_instance_without_pixels_is_an_instance():
    assert read_instance(pydicom_file("test-SR.dcm")).pixels is None


def test_a_dicomdir_is_a_file_but_no_instance():
    data = (PYDICOM / "test_files/dicomdirtests/DICOMDIR").read_bytes()

    assert len(read_part10(data).data_set[0x00041220].items) == 52
    assert refused(data).reason == "the SOP Class UID is missing"


def test_a_file_that_is_cut_short_is_refused_or_lacks_its_pixels():
    whole = instance({**image(), PIXELS: ("OB", b"123456"), 0x00400275: ("SQ", item(element(0x00400009, "SH", b"A1")))})
    read = []

    for length in range(len(whole)):
        with contextlib.suppress(InvalidInstance):
            read.append(read_instance(whole[:length]))

    assert read_instance(whole).pixels is not None
    # Cutting between two elements leaves a data set: behind the identifiers a dozen of them are left.
    assert 0 < len(read) <= 12
    assert all(one.pixels is None for one in read)


@pytest.mark.parametrize(
    ("data", "reason", "code"),
    [
        (b"", "not a DICOM Part 10 file: the prefix DICM is missing", GARBLED),
        (bytes(200), "not a DICOM Part 10 file: the prefix DICM is missing", GARBLED),
        (bytes(128) + b"DICM", "the File Meta Information names no Transfer Syntax", GARBLED),
        (bytes(128) + b"DICM" + bytes(12), "the File Meta Information names no Transfer Syntax", GARBLED),
        (file(b"", "1.2.3"), "the Transfer Syntax is not supported", 0x0110),
        (instance({0x00080018: None}), "the SOP Instance UID is missing", MISMATCH),
        (instance({0x0020000D: ("UI", b"1.2.x")}), "the Study Instance UID is no UID", MISMATCH),
        (instance({0x0020000D: ("UI", b"1" * 65)}), "the Study Instance UID is no UID", MISMATCH),
        (instance({0x0020000E: ("UI", b"../../etc")}), "the Series Instance UID is no UID", MISMATCH),
        (
            instance(tail=element(0x00100020, "LO", b"AB", 9)),
            "the element 00100020 is longer than what is left of the data set",
            0xC000,
        ),
        (instance(tail=b"\x10\0\x20"), "the data set is cut short inside a tag", GARBLED),
        (instance(tail=element(0x00420011, "OB")[:-3]), "the data set is cut short inside a length", GARBLED),
        (instance(tail=element(0x0020000E, "UI", b"1.2")), "the element 0020000E appears twice", GARBLED),
        (
            instance(tail=element(0x00400001, "ZZ", b"AB")),
            "the element 00400001 has the unknown VR ZZ",
            0xC000,
        ),
        (instance(tail=ITEM_END), "an Item Delimitation Item stands where none may stand", GARBLED),
        (instance(tail=nested(33)), "sequences are nested deeper than 32", GARBLED),
        (
            instance(tail=element(0x00400275, "SQ", b"", UNDEFINED) + item()),
            "the data set is cut short: a sequence has no end",
            0xC000,
        ),
        (
            instance(tail=element(0x00400275, "SQ", b"", UNDEFINED) + item(b"", UNDEFINED)),
            "the data set is cut short: an item has no end",
            0xC000,
        ),
        (
            instance(tail=element(0x00400275, "SQ", item(b"", 99))),
            "an item is longer than its sequence",
            0xC000,
        ),
        (
            instance(tail=element(0x00400275, "SQ", implicit(0x00400001))),
            "a sequence holds 00400001 where an item should be",
            0xC000,
        ),
        (
            instance(tail=element(0x00400275, "SQ", b"1234")),
            "the data set is cut short inside an item",
            0xC000,
        ),
        (
            instance(tail=implicit(0x00400001, b"", UNDEFINED)),
            "the element 00400001 with VR AE has no length",
            0xC000,
        ),
        (
            instance({**image(rows=0), PIXELS: ("OB", b"12")}),
            "Rows or Columns is missing or impossible",
            0xA900,
        ),
        (
            instance({**image(samples=2), PIXELS: ("OB", b"12")}),
            "Samples per Pixel is missing or impossible",
            0xA900,
        ),
        (
            instance({**image(bits=12), PIXELS: ("OB", b"12")}),
            "Bits Allocated is missing or impossible",
            0xA900,
        ),
        (
            instance({**image(stored=9), PIXELS: ("OB", b"12")}),
            "Bits Stored is missing or impossible",
            0xA900,
        ),
        (
            instance({**image(frames=-1), PIXELS: ("OB", b"12")}),
            "Number of Frames is missing or impossible",
            0xA900,
        ),
        (
            instance({**image(), PIXELS: ("OB", b"1234")}),
            "the pixel data has 4 bytes where 6 are needed",
            0xA900,
        ),
        (
            instance({**image(), PIXELS: ("OB", b"1" * 12)}),
            "the pixel data has 12 bytes where 6 are described",
            0xA900,
        ),
        (
            instance({**image(), PIXELS: ("OB", b"123456")}, RLE),
            "the pixel data of a compressed Transfer Syntax is not encapsulated",
            0xC000,
        ),
        (
            instance(image(), tail=element(PIXELS, "OB", b"", UNDEFINED) + fragments(b"12")),
            "the pixel data of a native Transfer Syntax is encapsulated",
            0xC000,
        ),
        (
            instance(image(), RLE, element(PIXELS, "OB", b"", UNDEFINED) + item() + item(b"12")),
            "the pixel data is cut short: its Sequence Delimitation Item is missing",
            0xC000,
        ),
        (
            instance(image(), RLE, element(PIXELS, "OB", b"", UNDEFINED) + item() + item(b"12", 8)),
            "a fragment of the pixel data is cut short",
            0xC000,
        ),
        (
            instance(image(), RLE, element(PIXELS, "OB", b"", UNDEFINED) + fragments()),
            "the encapsulated pixel data has no fragment",
            0xC000,
        ),
        (
            instance(image(), RLE, element(PIXELS, "OB", b"", UNDEFINED) + SEQUENCE_END),
            "the encapsulated pixel data has no Basic Offset Table item",
            0xC000,
        ),
        (file(b"\xff\xff\xff", DEFLATED), "the deflated data set is damaged", GARBLED),
        (file(b"", DEFLATED), "the deflated data set is cut short", GARBLED),
    ],
)
def test_a_wrong_file_is_refused_with_its_reason(data, reason, code):
    error = refused(data)

    assert (error.reason, error.code) == (reason, code)


@pytest.mark.parametrize(
    "name",
    [
        "MR_truncated.dcm",
        "rtplan_truncated.dcm",
        "no_meta.dcm",
        "JPEGLSNearLossless_16.dcm",
        "meta_missing_tsyntax.dcm",
        "badVR.dcm",
    ],
)
def test_the_broken_files_of_pydicom_are_refused(name):
    refused(pydicom_file(name))


def test_sequences_may_be_nested_to_the_limit():
    read_instance(instance(tail=nested(32)))


def test_deep_nesting_is_refused_before_it_costs_anything():
    assert refused(instance(tail=nested(5000))).reason == "sequences are nested deeper than 32"


def test_more_elements_than_the_limit_are_refused():
    many = b"".join(
        element(0x00110000 + number % 0x10000 + (number // 0x10000 << 17), "UN") for number in range(20_001)
    )

    assert refused(instance(tail=many)).reason == "the data set has more than 20000 elements"


def test_a_header_larger_than_the_limit_is_refused_but_bulk_data_is_no_header():
    big = b"x" * (16 * 1024 * 1024)

    assert refused(instance({0x0040A160: ("UT", big)})).reason == "the header is larger than 16777216 bytes"
    read_instance(instance({0x00420011: ("OB", big)}))


def test_a_deflate_bomb_is_refused(monkeypatch):
    monkeypatch.setattr("dicom.part10.MAX_INFLATED_BYTES", 1000)
    squeezer = zlib.compressobj(wbits=-15)
    bomb = squeezer.compress(bytes(100_000)) + squeezer.flush()

    assert refused(file(bomb, DEFLATED)).reason == "the deflated data set is too large"


def test_padding_after_the_pixels_is_let_pass():
    read_instance(instance({**image(), PIXELS: ("OB", b"12345678")}))


def test_an_implicit_element_inside_an_explicit_file_is_read():
    found = read_instance(instance(tail=implicit(0x00400009, b"AB")))

    assert found.file.data_set[0x00400009].vr == "SH"


@pytest.mark.parametrize(
    ("written", "vr"),
    [
        (element(0x00400009, "UN", b"AB"), "SH"),
        (element(0x00091001, "UN", b"AB"), "UN"),
        (element(0x00090001, "UN", b"AB"), "UN"),
        (element(0x00090010, "UN", b"GEMS_IDEN_01"), "LO"),
        (element(0x00090010, "LO", b"GEMS_IDEN_01") + element(0x00091001, "UN", b"AB"), "LO"),
        (element(0x00090010, "LO", b"NOBODY") + element(0x00091001, "UN", b"AB"), "UN"),
        (element(0x00400000, "UN", b"ABCD"), "UL"),
        (element(0x00400002, "UN", b"A" * 0x10000), "UN"),
        (element(0x0042FFFE, "UN", b"AB"), "UN"),
        (element(0x00400275, "UN", b"", UNDEFINED) + item(implicit(0x00400009, b"A1")) + SEQUENCE_END, "SQ"),
        (element(0x00400275, "UN", item(element(0x00400009, "SH", b"A1"))), "SQ"),
    ],
)
def test_an_unknown_vr_is_looked_up(written, vr):
    found = read_instance(instance(tail=written))

    assert list(found.file.data_set.values())[-1].vr == vr


def test_one_bit_frames_follow_each_other_without_a_gap():
    found = read_instance(instance({**image(rows=3, columns=3, bits=1, frames=2), PIXELS: ("OB", b"\xff\x01\x02\0")}))

    assert found.pixels.frames == NativeFrames(found.pixels.element.offset, 9, 2)


def test_float_pixel_data_has_frames():
    changes = {**image(rows=1, columns=1, bits=32), 0x7FE00008: ("OF", struct.pack("<f", 1.5))}

    assert read_instance(instance(changes)).pixels.image.floating_point


def test_an_empty_pixel_data_is_none():
    assert read_instance(instance({**image(), PIXELS: ("OB", b"")})).pixels is None


class TestFragments:
    """How fragments are divided into frames."""

    def frames(self, *values, table=b"", number, more=b"", syntax="1.2.840.10008.1.2.4.90"):
        pixels = more + element(PIXELS, "OB", b"", UNDEFINED) + fragments(*values, table=table)
        found = read_instance(instance(image(frames=number), syntax, pixels))
        assert isinstance(found.pixels.frames, EncapsulatedFrames)
        return [
            b"".join(bytes(found.file.data[offset : offset + length]) for offset, length in spans)
            for spans in found.pixels.frames.spans
        ]

    def test_all_belong_to_a_single_frame(self):
        assert self.frames(b"ab", b"cd", number=1) == [b"abcd"]

    def test_as_many_as_frames_need_no_table(self):
        assert self.frames(b"ab", b"cd", number=2, table=b"junk") == [b"ab", b"cd"]

    def test_a_basic_offset_table_divides_them(self):
        table = struct.pack("<2L", 0, 20)

        assert self.frames(b"ab", b"cd", b"ef", number=2, table=table) == [b"abcd", b"ef"]

    def test_an_extended_offset_table_divides_them(self):
        table = element(0x7FE00001, "OV", struct.pack("<2Q", 0, 10))

        assert self.frames(b"ab", b"cd", b"ef", number=2, more=table) == [b"ab", b"cdef"]

    def test_ends_of_code_streams_divide_them_without_a_table(self):
        assert self.frames(b"ab", b"c\xff\xd9\0", b"d\xff\xd9\0", number=2) == [
            b"abc\xff\xd9\0",
            b"d\xff\xd9\0",
        ]

    @pytest.mark.parametrize("offsets", [(0, 4), (10, 20), (0, 0), (0,)], ids=["between", "late", "twice", "short"])
    def test_a_table_that_does_not_fit_is_not_believed(self, offsets):
        table = struct.pack(f"<{len(offsets)}L", *offsets)

        assert self.frames(b"ab", b"\xff\xd9", b"ef", number=2, table=table) == [b"ab\xff\xd9", b"ef"]

    def test_too_few_are_refused(self):
        with pytest.raises(InvalidInstance, match="3 fragments do not make 2 frames"):
            self.frames(b"ab", b"cd", b"ef", number=2)

    def test_a_video_is_one_stream(self):
        assert self.frames(b"ab", b"cd", number=500, syntax="1.2.840.10008.1.2.4.102") == [b"abcd"]


def test_a_failure_survives_the_way_between_processes():
    error = pickle.loads(pickle.dumps(InvalidInstance("why", 0x0110)))  # noqa: S301

    assert (error.reason, error.code) == ("why", 0x0110)
