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
_FILE = re.compile(r';\s*filename="')


def parts(content_type: str, body: bytes) -> tuple[dict[str, list[str]], dict[str, bytes]]:
    """Return the texts of a form and its files, each by the name of its field; a file that was not chosen is left out.

    Args:
        content_type: The header.
        body: The body.

    Raises:
        InvalidValue: it is no such form.
    """
    found = _BOUNDARY.match(content_type)
    if found is None:
        raise InvalidValue("This is not a form")
    # The first delimiter has no line before it.
    pieces = (b"\r\n" + body).split(b"\r\n--" + found[1].encode())
    if len(pieces) < 2 or len(pieces) > MOST_PARTS or not pieces[-1].startswith(b"--"):
        raise InvalidValue("This is not a whole form")
    texts: dict[str, list[str]] = {}
    files: dict[str, bytes] = {}
    for piece in pieces[1:-1]:
        head, parted, content = piece.partition(b"\r\n\r\n")
        if not parted or len(head) > LONGEST_HEAD:
            raise InvalidValue("A part of the form has no content")
        try:
            header = head.decode()
            name = _NAME.search(header)
            if name is None:
                raise InvalidValue("A part of the form has no name")
            if not _FILE.search(header):
                texts.setdefault(name[1], []).append(content.decode().replace("\0", ""))
            elif content:
                files[name[1]] = content
        except UnicodeDecodeError as error:
            raise InvalidValue("A field of the form is no text") from error
    return texts, files
