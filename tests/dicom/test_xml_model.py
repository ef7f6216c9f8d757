"""The Native DICOM Model, against the DICOM JSON Model of pydicom's own files."""

import json
import random
import re
from collections import Counter

import pytest

from dicom.failures import InvalidInstance
from dicom.json_model import render
from dicom.part10 import read_instance
from dicom.xml_model import MAX_ELEMENTS, InvalidModel, from_xml, to_xml
from tests.app.imaging.images import CT, FILES, REPORT, a_file


def models() -> list[tuple[str, dict]]:
    """Return the DICOM JSON of each of pydicom's files that is an instance."""
    found = []
    for path in sorted(FILES.glob("*_files/**/*.dcm")):
        try:
            found.append((path.name, json.loads(render(read_instance(path.read_bytes())))))
        except InvalidInstance:
            continue
    return found


def without_empty_components(model: dict) -> dict:
    """Return a model whose names have no empty components at their ends, which XML cannot tell."""
    whole = json.dumps(model, ensure_ascii=False)
    return json.loads(
        re.sub(r'"Value": \[\{"Alphabetic": "\^+"\}\]', '"Value": [null]', re.sub(r'(?<=[^"^])\^+"', '"', whole))
    )


def test_what_json_says_survives_xml_and_back() -> None:
    tested = models()

    different = [name for name, model in tested if from_xml(to_xml(model)) != without_empty_components(model)]

    assert different == []
    assert len(tested) > 60


def test_elements_are_named_and_private_ones_by_their_creator() -> None:
    document = to_xml(json.loads(render(read_instance(a_file(CT))))).decode()

    assert '<DicomAttribute tag="00100020" vr="LO" keyword="PatientID"><Value number="1">1CT1</Value>' in document
    assert '<DicomAttribute tag="00091001" vr="LO" privateCreator="GEMS_IDEN_01">' in document
    assert "<FamilyName>CompressedSamples</FamilyName><GivenName>CT1</GivenName>" in document
    assert '<BulkData uri="' in document


def test_markup_and_what_xml_cannot_hold_stay_text() -> None:
    model = {"00104000": {"vr": "LT", "Value": ['<b a="1">&amp;\r\n\x0b\ud800'.encode("utf-8", "replace").decode()]}}

    assert from_xml(to_xml(model))["00104000"]["Value"] == ['<b a="1">&amp;\r\n\ufffd?']


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"<a/>",
        b"<NativeDicomModel>",
        b"<!DOCTYPE NativeDicomModel><NativeDicomModel/>",
        b'<NativeDicomModel><DicomAttribute tag="1" vr="LO"/></NativeDicomModel>',
        b'<NativeDicomModel><DicomAttribute tag="00100010" vr="?"/></NativeDicomModel>',
        b"<NativeDicomModel>" + b"<Item>" * 200 + b"</Item>" * 200 + b"</NativeDicomModel>",
        b"<NativeDicomModel>" + b"<Item/>" * (MAX_ELEMENTS + 1) + b"</NativeDicomModel>",
    ],
)
def test_what_is_no_model_is_refused(document: bytes) -> None:
    with pytest.raises(InvalidModel):
        from_xml(document)


def test_spoilt_documents_are_read_or_refused() -> None:
    dice = random.Random(7)
    outcomes = Counter[str]()
    model = json.loads(render(read_instance(a_file(REPORT))))
    whole = to_xml({tag: model[tag] for tag in list(model)[:30]})
    for _ in range(300):
        spoilt = bytearray(whole)
        for _ in range(dice.randint(1, 5)):
            place = dice.randrange(len(spoilt))
            spoilt[place : place + dice.randint(0, 20)] = dice.choice([b"", b"<", b"</Item>", b'"', b"\0", b"<Value>"])
        try:
            assert isinstance(from_xml(bytes(spoilt)), dict)
        except InvalidModel:
            outcomes["refused"] += 1
        else:
            outcomes["read"] += 1

    assert set(outcomes) == {"refused", "read"}
