"""What is done with an attachment, by its media type and its first bytes; and the name of the file it is saved as.

Whatever is not named here is a file to save: HTML and SVG are among these, so that they are never run as a page.
https://www.iana.org/assignments/media-types, https://www.rfc-editor.org/rfc/rfc6266
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

PDF, TEXT, XML, PICTURE, MFER, FILE = "pdf", "text", "xml", "picture", "mfer", "file"

_KINDS = {
    "application/pdf": PDF,
    **dict.fromkeys(("text/plain", "text/markdown", "application/json", "application/fhir+json"), TEXT),
    **dict.fromkeys(("text/xml", "application/xml", "application/hl7-cda+xml", "application/cda+xml"), XML),
    **dict.fromkeys(("image/png", "image/jpeg", "image/jpg", "image/gif", "image/bmp", "image/tiff"), PICTURE),
    **dict.fromkeys(("application/mfer", "application/x-mfer", "application/vnd.mfer"), MFER),
}

_UNTOLD = ("", "application/octet-stream", "application/binary")
"""Types that say nothing: of these the first bytes are asked."""

_ENDINGS = {
    "application/pdf": "pdf",
    "text/plain": "txt",
    "text/markdown": "md",
    "text/csv": "csv",
    "application/json": "json",
    "application/fhir+json": "json",
    **dict.fromkeys(("text/xml", "application/xml", "application/hl7-cda+xml", "application/cda+xml"), "xml"),
    **dict.fromkeys(("application/mfer", "application/x-mfer", "application/vnd.mfer"), "mwf"),
    "image/png": "png",
    **dict.fromkeys(("image/jpeg", "image/jpg"), "jpg"),
    "image/gif": "gif",
    "image/bmp": "bmp",
    "image/tiff": "tif",
    "application/zip": "zip",
    "application/dicom": "dcm",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
}

_UNSAFE = re.compile(r'[\\/:*?"<>|%\s_]+')
LONGEST_NAME = 80
"""Characters of a file's name before its ending."""


def type_of(attachment: Mapping[str, Any]) -> tuple[str, str]:
    """Return the media type of an attachment, in small letters, and its character set."""
    kind, _, parameters = str(attachment.get("contentType", "")).lower().partition(";")
    charset = parameters.partition("charset=")[2].partition(";")[0].strip(" \"'")
    return kind.strip(), charset or "utf-8"


def is_mfer(octets: bytes) -> bool:
    """Return whether bytes begin as a waveform file does: with its preamble (ISO 22077-1)."""
    return octets[:1] == b"\x40" and octets[2:6] == b"MFR "


def kind_of(media_type: str, octets: bytes) -> str:
    """Return what is done with an attachment: `pdf`, `text`, `xml`, `picture`, `mfer` or `file`."""
    if media_type in _UNTOLD and is_mfer(octets):
        return MFER
    return _KINDS.get(media_type, FILE)


def file_name(title: str, media_type: str) -> str:
    """Return a name for a file that no system takes for a path or a program: its ending is ours, by its type."""
    kept = "".join("_" if unicodedata.category(one)[0] in "CZ" else one for one in title)
    kept = _UNSAFE.sub("_", kept).strip("._")[:LONGEST_NAME]
    ending = _ENDINGS.get(media_type, "bin")
    return f"{kept.removesuffix(f'.{ending}') or 'document'}.{ending}"


def disposition(title: str, media_type: str, *, inline: bool = False) -> str:
    """Return the value of Content-Disposition."""
    name = file_name(title, media_type)
    plain = re.sub(r"[^A-Za-z0-9.-]+", "_", name)
    if plain.startswith("_."):
        plain = f"document{plain[1:]}"
    way = "inline" if inline else "attachment"
    return f"{way}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
