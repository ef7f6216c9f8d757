"""Files put together out of metadata and bulk data, against those they were taken from."""

import json
import random
from collections import Counter
from io import BytesIO

import pydicom
import pytest

from dicom.assembling import Bulk, assemble
from dicom.bulk_data import NoBulkData, find, value
from dicom.failures import InvalidInstance
from dicom.json_model import Json, render
from dicom.part10 import Instance, read_instance
from tests.app.imaging.images import CT, FILES, REPORT, a_file


def put_together(model: Json, instance: Instance | None = None) -> bytes:
    def bulk(uri: str) -> list[Bulk]:
        if instance is None:
            return []
        try:
            found = value(instance.file, find(instance.file, uri.partition("/bulkdata/")[2]))
        except NoBulkData:
            return []
        syntax = instance.file.transfer_syntax
        is_compressed = syntax.encapsulated and uri.endswith("bulkdata/7FE00010")
        return [Bulk(found, syntax.media_type if is_compressed else "", syntax.uid if is_compressed else "")]

    return b"".join(bytes(piece) for piece in assemble(model, bulk))


def test_metadata_of_every_file_become_a_file_that_says_the_same() -> None:
    tested, different = 0, []
    for path in sorted(FILES.glob("*_files/**/*.dcm")):
        try:
            instance = read_instance(path.read_bytes())
            model = json.loads(render(instance))
        except InvalidInstance:
            continue
        if instance.pixels is not None and (len(instance.pixels.frames) > 1 or instance.file.transfer_syntax.deflated):
            continue
        tested += 1
        again = json.loads(render(read_instance(put_together(model, instance))))
        # Text is in UTF-8 now, and compressed pixels are OB, whatever their writer said (PS3.5 A.4).
        for one in (again, model):
            one.pop("00080005", None)
            one.get("7FE00010", {}).pop("vr", None)
        if again != model:
            different.append(path.name)

    assert different == []
    assert tested > 60


def test_the_same_gives_the_same_bytes_and_pydicom_reads_them() -> None:
    model = json.loads(render(read_instance(a_file(REPORT))))

    made = put_together(model)

    assert put_together(json.loads(json.dumps(model))) == made
    ds = pydicom.dcmread(BytesIO(made))
    assert (ds.file_meta.TransferSyntaxUID, ds.SpecificCharacterSet) == ("1.2.840.10008.1.2.1", "ISO_IR 192")


@pytest.mark.parametrize(
    ("vr", "given", "written"),
    [
        ("DS", [0.1, 1 / 3, 12345678901234567.0, 5.0], b"0.1\\0.33333333333333\\1.2345678901e+16\\5"),
        ("IS", [1, None, 3], b"1\\\\3"),
        ("PN", [{"Alphabetic": "A^B", "Phonetic": "C"}], b"A^B==C"),
        ("AT", ["00100010"], b"\x10\x00\x10\x00"),
        ("UI", ["1.2.3"], b"1.2.3"),
        ("US", [1, 65535], b"\x01\x00\xff\xff"),
        ("FD", [1.5], b"\0\0\0\0\0\0\xf8?"),
    ],
)
def test_values_are_written_as_their_vr_says(vr: str, given: list, written: bytes) -> None:
    base = {tag: {"vr": "UI", "Value": ["1.2"]} for tag in ("00080016", "00080018")}

    made = put_together(base | {"00BB1010": {"vr": vr, "Value": given}})

    assert written in made


def test_spoilt_metadata_are_put_together_or_refused() -> None:
    dice = random.Random(11)
    outcomes = Counter[str]()
    # With its pixels at hand: without them each would be refused for that alone.
    instance = read_instance(a_file(CT))
    whole = json.loads(render(instance))
    odd = [None, 1, -1, 2**70, 1.5, "", "x" * 100, [], {}, ["a"], [None], [{}], True, float("1e300"), "1.2.3", "\ud83d"]
    for _ in range(200):
        model = json.loads(json.dumps(whole))
        for _ in range(dice.randint(1, 4)):
            tag = dice.choice(list(model))
            model[tag] = dice.choice(
                [
                    dice.choice(odd),
                    {"vr": dice.choice(["US", "SQ", "OB", "DS", "PN", "AT", "UI", 7, "zz"]), "Value": dice.choice(odd)},
                    {"vr": "OB", dice.choice(["InlineBinary", "BulkDataURI"]): dice.choice(odd)},
                ]
            )
        try:
            put_together(model, instance)
        except InvalidInstance:
            outcomes["refused"] += 1
        else:
            outcomes["put together"] += 1

    assert set(outcomes) == {"refused", "put together"}
