"""Active content: programs, and documents that run something when they are opened, known by their bytes.

What a file calls itself (its name, its media type) is not asked.
"""

import io
import re
import zipfile

MOST_MEMBERS = 10_000
"""Files of an archive whose names are looked at."""

_PROGRAMS = (
    (b"\x7fELF", "a program of Linux"),
    (b"\xcf\xfa\xed\xfe", "a program of macOS"),
    (b"\xce\xfa\xed\xfe", "a program of macOS"),
    (b"\xfe\xed\xfa\xcf", "a program of macOS"),
    (b"\xca\xfe\xba\xbe", "a program of Java or macOS"),
    (b"L\x00\x00\x00\x01\x14\x02\x00", "a link of Windows"),
    (b"MSCF", "a cabinet of Windows"),
)

_SCRIPT = re.compile(rb"#![ \t]*/")
_WINDOWS = (b"PE", b"NE", b"LE", b"LX")
_STUB_BYTES = 64

_ZIP, _OLE, _PDF = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"%PDF"
_MACRO_FOLDERS = tuple(name.encode("utf-16-le") for name in ("_VBA_PROJECT", "Macros"))
_RUNS = re.compile(rb"/(?:JavaScript|JS|Launch)(?![A-Za-z])")
_EXTENSIONS = """
    .exe .dll .scr .com .bat .cmd .ps1 .vbs .vbe .js .jse .wsf .hta .msi .lnk .jar .sh
"""
_PROGRAM_NAMES = tuple(_EXTENSIONS.split())


def _is_of_windows(body: bytes) -> bool:
    """Return whether Windows would run it: two letters alone are as well the beginning of a random number."""
    if not body.startswith(b"MZ") or len(body) < _STUB_BYTES:
        return False
    header = int.from_bytes(body[60:64], "little")
    return body[header : header + 2] in _WINDOWS or b"program" in body[:1024]


def active_content(body: bytes) -> str | None:
    """Return what a file would run, in words; None when it seems to run nothing.

    Compressed parts of a PDF are not looked into, nor archives in archives: that is a virus scanner's work.
    """
    for magic, words in _PROGRAMS:
        if body.startswith(magic):
            return words
    if _is_of_windows(body):
        return "a program of Windows"
    if _SCRIPT.match(body):
        return "a script"
    if body.startswith(_ZIP):
        return _in_archive(body)
    if body.startswith(_OLE):
        return "a document with macros" if any(name in body for name in _MACRO_FOLDERS) else None
    # A PDF may begin anywhere in its first kilobyte.
    if _PDF in body[:1024] and _RUNS.search(body):
        return "a PDF that runs something"
    return None


def _in_archive(body: bytes) -> str | None:
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            names = [one.filename.lower() for one in archive.infolist()]
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError):
        return "an archive that cannot be read"
    if len(names) > MOST_MEMBERS:
        return f"an archive of more than {MOST_MEMBERS} files"
    if any(name.endswith(("vbaproject.bin", "vbadata.xml")) or name.startswith("basic/") for name in names):
        return "a document with macros"
    return "an archive with a program" if any(name.endswith(_PROGRAM_NAMES) for name in names) else None
