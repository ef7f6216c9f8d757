"""A content folder of an extended store: one document, CDA, PDF or another, with its attachments.

The folder of its kind is named `ローカルコード^名称^体系^標準コード^名称^LN`.
SS-MIX2 拡張ストレージ 構成の説明と構築のガイドライン 1.2.
"""

import hashlib
from base64 import b64encode
from collections.abc import Sequence
from typing import Any

from app.exchange.hl7v2.message import Finding
from app.exchange.hl7v2.to_fhir.mapped import Action, Entry, Key
from app.exchange.hl7v2.to_fhir.source import Source
from app.exchange.hl7v2.to_fhir.systems import INSTANCE
from app.exchange.ssmix2.kinds import Flag
from app.exchange.ssmix2.path import NO_DATE, Name, NotOfAStore, Place, read_path
from app.exchange.ssmix2.understand import Piece, Refused, Understood, named, piece_of

LOINC = "http://loinc.org"
_STANDARD = {"LN": LOINC}
_ACTIONS: dict[Flag, Action] = {Flag.DELETED: "delete", Flag.CURRENT: "current", Flag.HISTORY: "history"}
_MEDIA = {
    "xml": "application/xml",
    "pdf": "application/pdf",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "gif": "image/gif",
    "tif": "image/tiff",
    "tiff": "image/tiff",
    "bmp": "image/bmp",
    "dcm": "application/dicom",
    "hl7": "application/hl7-v2",
    "txt": "text/plain",
    "csv": "text/csv",
    "css": "text/css",
    "xsl": "application/xslt+xml",
    "mwf": "application/x-mfer",
}
_CDA = b"urn:hl7-org:v3"
_MAIN = ("cda", "xml", "pdf")
FOLDER_PARTS = 6
"""Parts of the name of a folder that has a standard code."""


def understand_document(path: str, parts: Sequence[tuple[str, bytes]], source: Source) -> Understood | Refused:
    """Return what a content folder says.

    Args:
        path: Of the folder, below the root of the store.
        parts: Its files.
        source: The site's.
    """
    try:
        place = read_path(path, extended=True)
    except NotOfAStore as error:
        return Refused(path, (Finding("", 0, 0, str(error)),))
    files = sorted((one for one in parts if one[1]), key=_rank)
    if not files and place.name.flag is Flag.CURRENT:
        return Refused(path, (Finding("", 0, 0, "the content folder has no file, or only empty ones"),))
    patient = named(place.name.patient, source)
    wrong = [name for name, _ in files if not name.strip() or not name.isprintable()]
    if wrong:
        return Refused(path, (Finding("", 0, 0, f"the content folder has a file whose name is none: {wrong[0]!r}"),))
    pieces = _pieces(path, place, files, patient.key, source) if files else ()
    return Understood(path, place.name, digest_of(parts), b"", "", patient, pieces)


def digest_of(parts: Sequence[tuple[str, bytes]]) -> bytes:
    """Return the SHA-256 of a content folder: of its files' names and digests."""
    whole = hashlib.sha256()
    for name, octets in sorted(parts):
        whole.update(name.encode() + b"\0" + hashlib.sha256(octets).digest())
    return whole.digest()


def _rank(one: tuple[str, bytes]) -> tuple[int, str]:
    """Return the place of a file among those of its folder: the main document first."""
    name, octets = one
    kind = "cda" if _CDA in octets[:2000] else name.rpartition(".")[2].lower()
    named_main = 0 if name.lower().startswith(("main", "index")) else 1
    return named_main * len(_MAIN) + (_MAIN.index(kind) if kind in _MAIN else len(_MAIN)), name


def _kinds(place: Place, source: Source) -> dict[str, Any]:
    """Return the type of a document: its standard code first, and the site's own."""
    parts = place.folder.split("^")
    local, title, system = (parts + [""] * 3)[:3]
    codings = []
    if len(parts) >= FOLDER_PARTS and parts[3]:
        standard = {"system": _STANDARD.get(parts[5], source.system_of(parts[5])), "code": parts[3]}
        codings.append(standard | ({"display": parts[4]} if parts[4] else {}))
    if local:
        own = {"system": source.system_of(system) or source.local("document"), "code": local}
        codings.append(own | ({"display": title} if title else {}))
    text = title or (parts[4] if len(parts) >= FOLDER_PARTS else "") or place.folder
    return {"coding": codings, "text": text} if codings else {"text": text}


def _pieces(
    path: str, place: Place, files: Sequence[tuple[str, bytes]], patient: Key, source: Source
) -> tuple[Piece, ...]:
    name = place.name
    stem = "-".join((source.institution, name.patient, name.day, name.kind.split("^")[0], name.order))
    document = Key("DocumentReference", INSTANCE, stem)
    binaries = [Key("Binary", INSTANCE, f"{stem}-{number}") for number in range(len(files))]
    origin = f"{source.local('ssmix2')}#{path}"
    action = _ACTIONS[name.flag]
    entries = [Entry(document, _reference(place, files, binaries, document, patient, source), action)]
    for key, (title, octets) in zip(binaries, files, strict=True):
        resource = {
            "resourceType": "Binary",
            "contentType": media_type(title, octets),
            "securityContext": {"reference": document.reference},
            "data": b64encode(octets).decode(),
        }
        entries.append(Entry(key, resource, action))
    return tuple(piece_of(entry, origin) for entry in entries)


def _reference(
    place: Place,
    files: Sequence[tuple[str, bytes]],
    binaries: Sequence[Key],
    document: Key,
    patient: Key,
    source: Source,
) -> dict[str, Any]:
    name = place.name
    contents = [
        {
            "attachment": {
                "contentType": media_type(title, octets),
                "url": key.reference,
                "size": len(octets),
                "hash": b64encode(hashlib.sha1(octets, usedforsecurity=False).digest()).decode(),
                "title": title,
            }
        }
        for key, (title, octets) in zip(binaries, files, strict=True)
    ]
    made: dict[str, Any] = {
        "resourceType": "DocumentReference",
        "identifier": [{"system": document.system, "value": document.value}],
        "status": "current" if name.flag is not Flag.DELETED else "entered-in-error",
        "type": _kinds(place, source),
        "subject": {"reference": patient.reference},
        "date": _instant(name, source),
        "custodian": {"reference": f"Organization/{source.custodian}"},
        "content": contents,
    }
    if name.day != NO_DATE:
        day = f"{name.day[:4]}-{name.day[4:6]}-{name.day[6:]}"
        made["context"] = {"period": {"start": day, "end": day}}
    return made


def _instant(name: Name, source: Source) -> str:
    at = f"{name.instant:017d}"
    return f"{at[:4]}-{at[4:6]}-{at[6:8]}T{at[8:10]}:{at[10:12]}:{at[12:14]}.{at[14:]}{source.zone}"


def media_type(name: str, octets: bytes) -> str:
    """Return the media type of a file: by its first bytes where they say it, else by its name."""
    if octets.startswith(b"%PDF-"):
        return "application/pdf"
    return _MEDIA.get(name.rpartition(".")[2].lower(), "application/octet-stream")
