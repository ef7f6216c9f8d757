"""Media types with their parameters, as headers write them and as senders get them wrong.

https://www.rfc-editor.org/rfc/rfc9110#name-media-type
"""

import re
from dataclasses import dataclass

_TYPE = re.compile(r"\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+/[!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*")
# A value without quotation marks may hold slashes here: clients write type=application/dicom.
_PARAMETER = re.compile(r';\s*([!#$%&\'*+.^_`|~0-9A-Za-z-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*))\s*')


@dataclass(frozen=True, slots=True)
class MediaType:
    """One media type: names in lower case, values as given."""

    name: str
    parameters: tuple[tuple[str, str], ...] = ()

    def parameter(self, name: str, default: str = "") -> str:
        """Return a parameter's value, without quotation marks."""
        return dict(self.parameters).get(name, default)


def parse(header: str) -> list[MediaType]:
    """Return the media types of a Content-Type or Accept value, in order.

    What cannot be read ends the list: a header is advice, and the part before the fault is still good.
    """
    found = []
    position = 0
    while match := _TYPE.match(header, position):
        position = match.end()
        parameters = []
        while parameter := _PARAMETER.match(header, position):
            position = parameter.end()
            quoted = re.sub(r"\\(.)", r"\1", parameter[2]) if parameter[2] is not None else parameter[3]
            parameters.append((parameter[1].lower(), quoted))
        found.append(MediaType(match[1].lower(), tuple(parameters)))
        if header[position : position + 1] != ",":
            break
        position += 1
    return found
