import base64
import logging
import math
import struct
import warnings
from io import BytesIO

import orjson
import pydicom
import pytest

from dicom import bulk_data
from dicom.failures import InvalidInstance
from dicom.json_model import data_set_model, rebase, render
from dicom.part10 import read_instance, read_part10
from tests.dicom.making import (
    BIG,
    PYDICOM,
    UNDEFINED,
    element,
    file,
    fragments,
    image,
    implicit,
    instance,
    item,
    pydicom_file,
    us,
)

REFUSED = {
    "test_files/ExplVR_BigEndNoMeta.dcm",
    "test_files/ExplVR_LitEndNoMeta.dcm",
    "test_files/MR_truncated.dcm",
    "test_files/badVR.dcm",  # ours renders it, pydicom does not
    "test_files/dicomdirtests/DICOMDIR-nooffset",
    "test_files/dicomdirtests/README",
    "test_files/dicomdirtests/TINY_ALPHA/README",
    "test_files/meta_missing_tsyntax.dcm",
    "test_files/no_meta.dcm",
    "test_files/rtplan_truncated.dcm",
    "test_files/rtstruct.dcm",
}
YAMADA = {"Alphabetic": "Yamada^Tarou", "Ideographic": "山田^太郎", "Phonetic": "やまだ^たろう"}
OTHERS = (".txt", ".json", ".icc", ".dump", ".gz")
FILES = sorted(
    str(path.relative_to(PYDICOM))
    for folder in ("charset_files", "test_files")
    for path in (PYDICOM / folder).rglob("*")
    if path.is_file() and path.suffix not in OTHERS
)


def model(*elements, **others):
    return data_set_model(read_part10(file(b"".join(elements), **others)))


def of(vr, value, tag=0x00090001):
    return model(element(tag, vr, value))[f"{tag:08X}"]


def comparable(found):
    """pydicom's model in our terms: each difference is one that the standard decides.

    PS3.18 F.2: no group lengths, no padding, UTF-8, nothing for an empty sequence, null for an empty value.
    PS3.5 6.2: trailing spaces are padding in each value.
    """
    out = {}
    for key, entry in found.items():
        if key.endswith("0000") or key == "FFFCFFFC":
            continue
        vr, values = entry["vr"], entry.get("Value")
        if key == "00080005":
            entry = {"vr": "CS", "Value": ["ISO_IR 192"]}
        elif vr == "SQ":
            entry = {"vr": vr, "Value": [comparable(one) for one in values]} if values else {"vr": vr}
        elif vr == "PN" and values:
            entry = {"vr": vr, "Value": [{k: v for k, v in one.items() if v} or None for one in values]}
        elif values and isinstance(values[0], str):
            entry = {"vr": vr, "Value": [one.rstrip(" \0") or None for one in values]}
        if "InlineBinary" in entry and (len(base64.b64decode(entry["InlineBinary"])) > 1024 or key == "7FE00010"):
            entry = {"vr": vr, "BulkDataURI": key}
        out[key] = entry
    return out


def without_paths(found):
    """Our model with each BulkDataURI cut to its last tag."""
    out = {}
    for key, entry in found.items():
        if "BulkDataURI" in entry:
            entry = entry | {"BulkDataURI": entry["BulkDataURI"].rsplit("/", 1)[1]}
        elif entry["vr"] == "SQ" and "Value" in entry:
            entry = {"vr": "SQ", "Value": [without_paths(one) for one in entry["Value"]]}
        out[key] = entry
    return out


@pytest.mark.parametrize("name", [name for name in FILES if name not in REFUSED])
def test_the_model_is_pydicoms_over_all_its_files(name):
    data = (PYDICOM / name).read_bytes()
    logging.disable()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = pydicom.dcmread(BytesIO(data)).to_json_dict()
    logging.disable(logging.NOTSET)

    ours = data_set_model(read_part10(data))

    assert without_paths(ours) == comparable(theirs)


@pytest.mark.parametrize(
    ("name", "groups"),
    [
        (
            "chrH31.dcm",
            {"Alphabetic": "Yamada^Tarou", "Ideographic": "山田^太郎", "Phonetic": "やまだ^たろう"},
        ),
        ("chrH32.dcm", {"Alphabetic": "ﾔﾏﾀﾞ^ﾀﾛｳ", "Ideographic": "山田^太郎", "Phonetic": "やまだ^たろう"}),
        ("chrI2.dcm", {"Alphabetic": "Hong^Gildong", "Ideographic": "洪^吉洞", "Phonetic": "홍^길동"}),
        ("chrX1.dcm", {"Alphabetic": "Wang^XiaoDong", "Ideographic": "王^小東"}),
        ("chrGreek.dcm", {"Alphabetic": "Διονυσιος"}),
        ("chrArab.dcm", {"Alphabetic": "قباني^لنزار"}),
    ],
)
def test_names_come_out_in_utf_8(name, groups):
    found = orjson.loads(render(read_instance(pydicom_file(name))))

    assert found["00100010"] == {"vr": "PN", "Value": [groups]}
    assert found["00080005"] == {"vr": "CS", "Value": ["ISO_IR 192"]}


def test_bulk_data_is_a_uri_relative_to_the_root_of_the_service():
    icon = {**image(), 0x7FE00010: ("OB", b"123456")}
    inner = b"".join(element(tag, *value) for tag, value in icon.items())
    data = instance({**icon, 0x00420011: ("OB", b"x" * 1025), 0x00880200: ("SQ", item(inner))})

    body = render(read_instance(data))

    found = orjson.loads(body)
    root = "studies/1.2.3/series/1.2.3.1/instances/1.2.3.4/bulkdata/"
    assert found["7FE00010"] == {"vr": "OB", "BulkDataURI": root + "7FE00010"}
    assert found["00420011"] == {"vr": "OB", "BulkDataURI": root + "00420011"}
    assert found["00880200"]["Value"][0]["7FE00010"]["BulkDataURI"] == root + "00880200/0/7FE00010"
    rebased = orjson.loads(rebase(body, "https://hub.example/dicom-web"))
    assert rebased["7FE00010"]["BulkDataURI"] == "https://hub.example/dicom-web/" + root + "7FE00010"


def test_text_that_looks_like_a_bulk_data_uri_is_left_alone():
    body = render(read_instance(instance({0x00104000: ("LT", b'"BulkDataURI":"studies/')})))

    assert orjson.loads(rebase(body, "https://x"))["00104000"]["Value"] == ['"BulkDataURI":"studies/']


def test_undeclared_text_beyond_ascii_is_declared():
    found = orjson.loads(render(read_instance(instance({0x00104000: ("LT", b"caf\xe9")}))))

    assert found["00104000"]["Value"] == ["café"]
    assert found["00080005"]["Value"] == ["ISO_IR 192"]
    assert "00080005" not in orjson.loads(render(read_instance(instance())))


@pytest.mark.parametrize(
    ("vr", "value", "entry"),
    [
        ("LO", b"", {"vr": "LO"}),
        ("LO", b"  ", {"vr": "LO"}),
        ("LO", b"A\\\\C ", {"vr": "LO", "Value": ["A", None, "C"]}),
        ("LT", b"A\\B", {"vr": "LT", "Value": ["A\\B"]}),
        ("AE", b" HUB ", {"vr": "AE", "Value": ["HUB"]}),
        ("AE", b" \\HUB", {"vr": "AE", "Value": [None, "HUB"]}),
        ("DS", b"1.50\\-2e3", {"vr": "DS", "Value": [1.5, -2000.0]}),
        ("DS", b"wide\\ \\1", {"vr": "DS", "Value": ["wide", None, 1.0]}),
        ("DS", b"1e999", {"vr": "DS", "Value": ["1e999"]}),
        ("IS", b"+007", {"vr": "IS", "Value": [7]}),
        ("IS", b"1.5\\ \\2", {"vr": "IS", "Value": ["1.5", None, 2]}),
        ("IS", b"99999999999999999999", {"vr": "IS", "Value": ["99999999999999999999"]}),
        ("PN", b"=\\A=B", {"vr": "PN", "Value": [None, {"Alphabetic": "A", "Ideographic": "B"}]}),
        ("AT", b"\x10\0\x20\0\x08\0\x05\0", {"vr": "AT", "Value": ["00100020", "00080005"]}),
        ("US", us(1, 65535), {"vr": "US", "Value": [1, 65535]}),
        ("UL", b"\1\0", {"vr": "UN", "InlineBinary": "AQA="}),
        ("UV", b"\xff" * 8, {"vr": "UV", "Value": ["18446744073709551615"]}),
        (
            "FL",
            struct.pack("<3f", math.nan, -math.inf, 1.5),
            {"vr": "FL", "Value": ["NaN", "-inf", 1.5]},
        ),
        ("OB", b"", {"vr": "OB"}),
        ("OB", b"\0\1", {"vr": "OB", "InlineBinary": "AAE="}),
        ("SQ", b"", {"vr": "SQ"}),
    ],
)
def test_each_kind_of_value_has_its_form(vr, value, entry):
    assert of(vr, value) == entry


def test_more_values_than_a_model_should_hold_are_refused():
    with pytest.raises(InvalidInstance, match="more than 100000 values"):
        of("UC", b"\\A" * 100_001, 0x00189329)
    names = implicit(0x00100010, b"\\A" * 100_001)
    with pytest.raises(InvalidInstance, match="more than 100000 values"):
        data_set_model(read_part10(file(names, "1.2.840.10008.1.2")))
    numbers = implicit(0x00280010, bytes(2_000_002))
    with pytest.raises(InvalidInstance, match="more than 1000000 values"):
        data_set_model(read_part10(file(numbers, "1.2.840.10008.1.2")))


def test_a_choice_of_vr_is_made_by_what_stands_around():
    signed = element(0x00280103, "US", us(1))
    minus_one = element(0x00280106, "UN", b"\xff\xff")

    assert model(minus_one)["00280106"] == {"vr": "US", "Value": [65535]}
    assert model(signed, minus_one)["00280106"] == {"vr": "SS", "Value": [-1]}
    nested = element(0x00880200, "SQ", item(minus_one))
    assert model(signed, nested)["00880200"]["Value"][0]["00280106"]["vr"] == "SS"


def test_a_lookup_tables_vr_is_decided_by_its_descriptor():
    data = element(0x00283006, "UN", us(7))

    assert model(data)["00283006"]["vr"] == "OW"
    assert model(element(0x00283002, "US", us(1, 0, 16)), data)["00283006"] == {"vr": "US", "Value": [7]}
    assert model(element(0x00283002, "US", us(2, 0, 16)), data)["00283006"]["vr"] == "OW"


def test_the_number_of_entries_is_never_negative():
    assert of("SS", b"\0\x80\xff\xff\x10\0", 0x00283002)["Value"] == [32768, -1, 16]


def test_an_items_own_character_set_counts_inside_it():
    latin = element(0x00080005, "CS", b"ISO_IR 100") + element(0x00104000, "LT", b"\xe9")
    outer = element(0x00080005, "CS", b"ISO_IR 192") + element(0x00101000, "LO", "山".encode())

    found = model(outer, element(0x00400275, "SQ", item(latin)))

    assert found["00101000"]["Value"] == ["山"]
    assert found["00400275"]["Value"][0] == {
        "00080005": {"vr": "CS", "Value": ["ISO_IR 192"]},
        "00104000": {"vr": "LT", "Value": ["é"]},
    }


def test_group_lengths_and_padding_are_left_out():
    assert model(element(0x00100000, "UL", bytes(4)), element(0xFFFCFFFC, "OB", bytes(4))) == {}


def test_encapsulated_pixels_are_bulk_data():
    pixels = element(0x7FE00010, "OB", b"", UNDEFINED) + fragments(b"ab")

    assert model(pixels, transfer_syntax="1.2.840.10008.1.2.5") == {
        "7FE00010": {"vr": "OB", "BulkDataURI": "bulkdata/7FE00010"}
    }


@pytest.mark.parametrize(
    ("vr", "value", "turned"),
    [("OW", "0001 0002", "0100 0200"), ("OL", "00000001", "01000000"), ("OB", "0001", "0001"), ("OF", "0001", "0001")],
)
def test_binary_values_have_their_low_byte_first_as_bulk_data_has(vr, value, turned):
    octets = bytes.fromhex(value)
    head = struct.pack(">HH", 0x0028, 0x1201) + vr.encode() + struct.pack(">HL", 0, len(octets))
    found = read_part10(file(head + octets, BIG))

    inline = base64.b64decode(data_set_model(found)["00281201"]["InlineBinary"])

    assert inline == bytes.fromhex(turned)
    assert bulk_data.value(found, bulk_data.find(found, "00281201")) == inline


def test_big_endian_numbers_are_read_as_such():
    body = struct.pack(">HH2sHH", 0x0028, 0x0010, b"US", 2, 512)

    assert data_set_model(read_part10(file(body, BIG))) == {"00280010": {"vr": "US", "Value": [512]}}


def test_implicit_values_take_the_dictionarys_vr():
    found = data_set_model(read_part10(file(implicit(0x00100020, b"P1"), "1.2.840.10008.1.2")))

    assert found == {"00100020": {"vr": "LO", "Value": ["P1"]}}
