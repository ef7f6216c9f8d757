import orjson
import pytest

from dicom.bulk_data import NoBulkData, find, value
from dicom.json_model import render
from dicom.part10 import read_instance, read_part10
from tests.dicom.making import UNDEFINED, element, fragments, image, instance, item, pydicom_file

PIXELS = 0x7FE00010


def uris(model):
    for entry in model.values():
        if "BulkDataURI" in entry:
            yield entry["BulkDataURI"]
        for inner in entry.get("Value", []) if entry["vr"] == "SQ" else []:
            yield from uris(inner)


def test_every_uri_of_a_model_leads_to_its_value():
    icon = b"".join(element(tag, *one) for tag, one in {**image(), PIXELS: ("OB", b"icon!!")}.items())
    items = item(element(0x00080050, "SH", b"A")) + item(icon)
    found = read_instance(instance({
        **image(), PIXELS: ("OB", b"pixels"), 0x00420011: ("OB", b"x" * 2000), 0x00880200: ("SQ", items)
    }))  # fmt: skip

    paths = [uri.split("/bulkdata/")[1] for uri in uris(orjson.loads(render(found)))]

    assert sorted(paths) == ["00420011", "00880200/1/7FE00010", "7FE00010"]
    assert [value(found.file, find(found.file, path)) for path in sorted(paths)] == [
        b"x" * 2000,
        b"icon!!",
        b"pixels",
    ]


def test_the_fragments_of_encapsulated_pixels_are_joined_without_their_table():
    pixels = element(PIXELS, "OB", b"", UNDEFINED) + fragments(b"ab", b"cd", table=b"\0\0\0\0")
    found = read_instance(instance(image(), "1.2.840.10008.1.2.5", pixels))

    assert value(found.file, find(found.file, "7FE00010")) == b"abcd"


def test_big_endian_words_are_turned():
    little, big = (read_part10(pydicom_file(name)) for name in ("liver_1frame.dcm", "liver_expb_1frame.dcm"))

    assert value(little, find(little, "7FE00010")) == value(big, find(big, "7FE00010"))
    mr, rm = (read_part10(pydicom_file(name)) for name in ("MR_small.dcm", "MR_small_expb.dcm"))
    assert value(mr, find(mr, "7FE00010")) == value(rm, find(rm, "7FE00010"))


@pytest.mark.parametrize(
    "path",
    ["", "7fe00010", "7FE00010", "00400275", "00400275/0", "00400275/1/00400009", "00400275/x/00400009",
     "00400275/0/00400010", "00080050/0/00400009", "../00400275"],
)  # fmt: skip
def test_a_path_that_leads_nowhere_finds_nothing(path):
    sequence = element(0x00400275, "SQ", item(element(0x00400009, "SH", b"S1")))

    with pytest.raises(NoBulkData):
        find(read_part10(instance(tail=sequence)), path)
