"""OBX of type ED: what is encapsulated in a message, as Attachment. HL7 2.5 section 2.A.24."""

import binascii
from base64 import b64decode
from collections.abc import Sequence
from typing import Any

from app.exchange.hl7v2.message import Segment
from app.exchange.hl7v2.to_fhir.draft import Draft

_TYPES = {"PDF": "application/pdf", "HTML": "text/html", "XML": "text/xml", "JPEG": "image/jpeg", "PNG": "image/png"}


def presented(draft: Draft, rows: Sequence[Segment]) -> list[dict[str, Any]]:
    """Return the Attachments of rows of encapsulated data; what cannot be read is reported."""
    made = []
    for row in rows:
        if row.name != "OBX" or row.text(2) != "ED":
            continue
        for value in row.repetitions(5):
            data = "".join(value.text(5).split())
            kind, subtype = value.text(2).lower(), value.text(3)
            type_ = _TYPES.get(subtype.upper(), f"{kind or 'application'}/{subtype.lower() or 'octet-stream'}")
            try:
                b64decode(data, validate=True)
            except binascii.Error:
                draft.report(row, 5, "the data are not in Base64; they are not taken")
                continue
            if value.text(4).upper() not in {"BASE64", ""}:
                draft.report(row, 5, f"data written as {value.text(4)!r} are not taken")
                continue
            made.append({"contentType": type_, "language": "ja", "data": data, "title": row.text(3, 2)})
    return [{name: text for name, text in each.items() if text} for each in made]
