"""Forms with a file: multipart/form-data, whole and bounded.

https://www.rfc-editor.org/rfc/rfc7578
"""

import re

from fhir.errors import InvalidValue

MOST_PARTS = 500
LONGEST_HEAD = 2_000
"""Bytes of the headers of a part."""

_BOUNDARY = re.compile(r'multipart/form-data\s*;(?:.*;)?\s*boundary="?([0-9A-Za-z\'()+_,\-./:=?]{1,70})"?\s*$')
_NAME = re.compile(r';\s*name="([^"\r\n]{1,100})"')
_FILE = re.compile(r';\s*filename="([^"\r\n]*)"?')


def boundary_of(content_type: str) -> str:
    """Return what stands between the parts of a form.

    Raises:
        InvalidValue: it is no form of such parts.
    """
    found = _BOUNDARY.match(content_type)
    if found is None:
        raise InvalidValue("This is not a form")
    return found[1]


def field_of(disposition: str) -> tuple[str, str | None]:
    """Return the name of a part's field, and that of its file; None when it is no file.

    Args:
        disposition: The part's Content-Disposition, or its whole header.

    Raises:
        InvalidValue: it names no field.
    """
    name = _NAME.search(disposition)
    if name is None:
        raise InvalidValue("A part of the form has no name")
    file = _FILE.search(disposition)
    return name[1], None if file is None else file[1]


def parts(content_type: str, body: bytes) -> tuple[dict[str, list[str]], dict[str, bytes]]:
    """Return the texts of a form and its files, each by the name of its field; a file that was not chosen is left out.

    Args:
        content_type: The header.
        body: The body.

    Raises:
        InvalidValue: it is no such form.
    """
    boundary = boundary_of(content_type)
    # The first delimiter has no line before it.
    pieces = (b"\r\n" + body).split(b"\r\n--" + boundary.encode())
    if len(pieces) < 2 or len(pieces) > MOST_PARTS or not pieces[-1].startswith(b"--"):
        raise InvalidValue("This is not a whole form")
    texts: dict[str, list[str]] = {}
    files: dict[str, bytes] = {}
    for piece in pieces[1:-1]:
        head, parted, content = piece.partition(b"\r\n\r\n")
        if not parted or len(head) > LONGEST_HEAD:
            raise InvalidValue("A part of the form has no content")
        try:
            name, file = field_of(head.decode())
            if file is None:
                texts.setdefault(name, []).append(content.decode().replace("\0", ""))
            elif content:
                files[name] = content
        except UnicodeDecodeError as error:
            raise InvalidValue("A field of the form is no text") from error
    return texts, files
