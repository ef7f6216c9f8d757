"""Which of two sends of one document is the newer: by the number of its version, then by when it was made.

JP-CLINS lets the last send under an identifier replace those before. Sends overtake each other, so what counts here is
what they say of themselves, and not when they came.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from fhir.errors import InvalidValue
from fhir.search.date import interval

VERSION_NUMBER = "http://hl7.org/fhir/StructureDefinition/composition-clinicaldocument-versionNumber"
"""https://hl7.org/fhir/R4/extension-composition-clinicaldocument-versionnumber.html"""

_DIGITS = 9
_NUMBER = re.compile(r"[Vv]?([0-9]{1,9}(?:\.[0-9]{1,9}){0,5})")


class Edition(NamedTuple):
    """The place of a send among those of one document; the greater is the newer."""

    number: str
    """The number of its version, in a form that sorts: `000000001.000000010` for `1.10`; empty when it says none."""
    instant: int
    """When it was made, in microseconds since 1970 UTC."""


def _number(composition: Mapping[str, Any]) -> str:
    extensions = composition.get("extension")
    for one in extensions if isinstance(extensions, list) else ():
        if isinstance(one, dict) and one.get("url") == VERSION_NUMBER:
            found = _NUMBER.fullmatch(str(one.get("valueString", "")).strip())
            if found is not None:
                parts = [part.lstrip("0").zfill(_DIGITS) for part in found[1].split(".")]
                # 1 and 1.0 are one version.
                while len(parts) > 1 and not parts[-1].strip("0"):
                    parts.pop()
                return ".".join(parts)
    return ""


def _instant(text: Any) -> int | None:
    try:
        return interval(text)[0] if isinstance(text, str) else None
    except InvalidValue:
        return None


def edition(bundle: Mapping[str, Any], composition: Mapping[str, Any] | None, received: int) -> Edition:
    """Return the place of a send.

    Args:
        bundle: The Bundle, or all of it but its entries.
        composition: Its head, when it is a document.
        received: When it came, for one that does not say when it was made.
    """
    head = composition or {}
    said = (bundle.get("timestamp"), bundle.get("meta", {}).get("lastUpdated"), head.get("date"))
    instants = [found for text in said if (found := _instant(text)) is not None]
    return Edition(_number(head), instants[0] if instants else received)
