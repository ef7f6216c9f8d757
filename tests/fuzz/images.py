"""Requests for DICOMweb: odd UIDs, frame lists, queries and media types; multipart bodies with spoilt files."""

from functools import cache

from app.imaging.services import SERVICES
from dicom.attributes import ATTRIBUTES
from tests.app.imaging.images import CT, MR, RLE, a_file, uids
from tests.fuzz.bodies import broken
from tests.fuzz.dice import Dice
from tests.fuzz.sent import Sent

_KEYS = (
    *(one.keyword for one in ATTRIBUTES),
    "limit",
    "offset",
    "fuzzymatching",
    "includefield",
    "RequestAttributesSequence.RequestedProcedureID",
    "00400275.00401001",
    "ProtocolName",
    *("AcquisitionDate", "AcquisitionTime", "AcquisitionDateTime", "SliceThickness", "ExposureTime", "RescaleSlope"),
    "RequestAttributesSequence.ScheduledProcedureStepID",
    "annotation",
    *("requestType", "studyUID", "seriesUID", "objectUID", "contentType", "region", "frameNumber"),
    "00100010",
    "accept",
    "Rows",
)
_ACCEPTS = (
    *('multipart/related; type="application/dicom+xml"', "application/dicom+xml", "application/dicom"),
    'multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.4.80',
    *("application/dicom+json", "image/jpeg", "image/png", "application/octet-stream", "text/html", "*/*", "", ";"),
    *('multipart/related; type="application/dicom"', 'multipart/related; type="image/jpeg"; transfer-syntax=*'),
    *('multipart/related; type="application/octet-stream"; transfer-syntax=1.2', "multipart/related;;type", '"'),
)
_MODELS = {
    "application/dicom+json": b'[{"00080016":{"vr":"UI","Value":["1.2.840.10008.5.1.4.1.1.2"]},"00080018":{"vr":"UI",'
    b'"Value":["1.2.3"]},"0020000D":{"vr":"UI","Value":["1.2"]},"0020000E":{"vr":"UI","Value":["1.3"]},"00100020":{"vr":"LO",'
    b'"Value":["1"]},"00400275":{"vr":"SQ","Value":[{"00401001":{"vr":"SH"}}]},"7FE00010":{"vr":"OW","BulkDataURI":"a"}}]',
    "application/dicom+xml": b'<NativeDicomModel><DicomAttribute tag="00080018" vr="UI"><Value number="1">1.2</Value>'
    b'</DicomAttribute><DicomAttribute tag="00100010" vr="PN"><PersonName number="1"><Alphabetic><FamilyName>Y'
    b"</FamilyName></Alphabetic></PersonName></DicomAttribute></NativeDicomModel>",
}
"""Small metadata of an instance, to be spoilt."""
_HL7 = b"MSH|^~\\&|A|B|C|D|20240501||ADT^A01|1|P|2.5\rPID|1||1^^^X||\xb2\xe4\r"


@cache
def _file(name: str) -> bytes:
    return a_file(name)


def _uid(dice: Dice, known: str) -> str:
    if dice.maybe(0.8):
        return known
    return dice.one("1.2.3", "1", "0", "1..2", "1." * 40, "01.2", "1.2.392.77701.1", "-1", dice.escaped(dice.text()))


def _value(dice: Dice) -> str:
    return dice.one(
        dice.text(), dice.date(), dice.number(), "20240101-20241231", "1000-1130", "-2024", "1.50", "*", "1", "all"
    )


def asked(dice: Dice) -> Sent:
    """Return a request for a service, mostly of an image that the caller has."""
    method, form = dice.choice(list(SERVICES))
    stars = iter(uids(_file(CT)))
    words: list[str] = []
    for word in form.split("/"):
        if word != "*":
            words.append(word)
        elif words[-1] == "frames":
            words.append(dice.one("1", "1,1", "2", "0", "-1", "1,", ",", "9" * 30, "1-2", ",".join(["1"] * 500), "a"))
        elif words[-1] == "bulkdata":
            words.append(
                dice.one("7FE00010", "00091010", "00880200/0/7FE00010", "a/b", "", "../..", "7fe00010/9999999999999")
            )
        else:
            words.append(_uid(dice, next(stars)))
    parts = [f"{dice.choice(_KEYS)}={dice.escaped(_value(dice))}" for _ in range(dice.one(0, 0, 1, 1, 2, 5))]
    if words[-1] in ("rendered", "thumbnail"):
        parts.append(
            dice.one(
                "quality=50",
                "quality=0",
                "viewport=10,10",
                "viewport=99999,1,0,0,1,1",
                "window=1,0,linear",
                "viewport=1e9,nan",
                "viewport=10,10,1,1,-5,5",
                "annotation=patient,technique",
                "window=nan,inf,sigmoid",
            )
        )
    sent = Sent(method, "/dicomweb/" + "/".join(words) + ("?" + "&".join(parts) if parts else ""))
    sent.headers = [(b"Accept", dice.choice(_ACCEPTS).encode())] if dice.maybe(0.6) else []
    if method == "POST":
        sent.headers.append(
            (
                b"Content-Type",
                dice.one(b"application/dicom", b"multipart/related", b'multipart/related; type="application/dicom"'),
            )
        )
        sent.body = _HL7
    return sent


def stored(dice: Dice) -> Sent:
    """Return a STOW-RS request whose body, parts or files are spoilt."""
    files = []
    for _ in range(dice.one(0, 1, 1, 2)):
        data = _file(dice.one(CT, MR, RLE))[: dice.one(None, None, 400, 2000)]
        files.append(dice.one(broken(dice, data), data, _HL7, b"DICM", b"\0" * 128 + b"DICM", b""))
    boundary = dice.one("b", "b" * 70, "b" * 300, "b b", "")
    kind = dice.one("application/dicom", "application/dicom", "application/dicom+json", "application/dicom+xml")
    if kind != "application/dicom":
        files = [broken(dice, _MODELS[kind]) if dice.maybe(0.7) else _MODELS[kind], *files]
    head = dice.one(
        "Content-Type: application/dicom\r\n\r\n",
        "\r\n",
        "Content-Type: a\r\n",
        "a" * 20_000,
        f"Content-Type: {kind}\r\n\r\n",
        f"Content-Type: {kind}\r\nContent-Location: a\r\n\r\n",
    )
    body = (
        b"".join(f"--{boundary}\r\n{head}".encode() + file + b"\r\n" for file in files) + f"--{boundary}--\r\n".encode()
    )
    if dice.maybe(0.3):
        body = broken(dice, body)
    named = dice.one(boundary, f'"{boundary}"', "other", "")
    kind = f'multipart/related; type="{kind}"; boundary={named}'
    return Sent("POST", "/dicomweb/studies" + dice.one("", "/1.2.3"), [(b"Content-Type", kind.encode())], body)
