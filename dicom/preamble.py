"""The 128 bytes before the prefix: whatever a sender wrote there is kept, and said when it begins another kind of file.

A file may be an image and a program at once (CVE-2019-11687): nothing here runs one, but what it is given to might.
https://dicom.nema.org/medical/dicom/current/output/chtml/part10/sect_7.5.html
"""

_KINDS = {
    b"MZ": "a Windows program",
    b"\x7fELF": "a Linux program",
    b"\xcf\xfa\xed\xfe": "a macOS program",
    b"\xce\xfa\xed\xfe": "a macOS program",
    b"\xca\xfe\xba\xbe": "a Java class or a macOS program",
    b"\x00asm": "a WebAssembly program",
    b"dex\n": "an Android program",
    b"II*\0": "a TIFF",
    b"MM\0*": "a TIFF",
    b"II+\0": "a TIFF",
    b"MM\0+": "a TIFF",
    b"PK\x03\x04": "a ZIP archive",
    b"\x1f\x8b": "a gzip archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"GIF8": "a GIF",
    b"\x89PNG": "a PNG",
    b"\xff\xd8\xff": "a JPEG",
    b"\xd0\xcf\x11\xe0": "an Office document",
}
"""From how such files begin to what they are; a TIFF is usual for images of whole slides."""

_TEXTS = {
    b"#!": "a script",
    b"<": "markup, which may hold a script",
    b"@echo": "a batch file",
    b"%pdf": "a PDF",
    b"%!ps": "PostScript",
    b"{\\rtf": "an RTF document",
}
"""The same of what is read as text: after a byte order mark and white space, in either case."""


def other_kind(data: bytes | memoryview) -> str:
    """Return what else a Part 10 file is by its preamble: `a Windows program`; empty when it is nothing else."""
    start = bytes(data[:128])
    shown = start.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    for begins, kinds in ((start, _KINDS), (shown, _TEXTS)):
        for mark, kind in kinds.items():
            if begins.startswith(mark):
                return kind
    return ""
