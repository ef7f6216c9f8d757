"""Documents that are made anew each time they are asked for: what they are, and where they are made.

Such a DocumentReference has neither size nor hash, and leads to an operation of the hub. What that answers is made
under the rights of whoever asks, and its access is on record as any other.
https://profiles.ihe.net/ITI/TF/Volume3/ch-4.1.html#4.1.1, "On-Demand Document Entry"
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from app.exchange.mhd.attachments import attachment_of
from fhir.issue import Issue

ON_DEMAND: dict[str, re.Pattern[str]] = {
    "http://loinc.org|60591-5": re.compile(r"Patient/([A-Za-z0-9\-.]{1,64})/\$summary(?:\?[ -~]{0,500})?"),
}
"""By the type or the format of a document, `system|code`: the address of what makes it, below that of the hub's
resources. Its first group is the id of the Patient whom the document is about. Another kind of document is a line."""


def _kinds(document: Mapping[str, Any]) -> Iterator[str]:
    formats = [one.get("format", {}) for one in document.get("content", ())]
    for coding in (*document.get("type", {}).get("coding", ()), *formats):
        yield f"{coding.get('system', '')}|{coding.get('code', '')}"


def patient_made_for(document: Mapping[str, Any], base: str) -> str | None:
    """Return the reference of the Patient for whom a document is made on demand; None for any other document.

    Args:
        document: A DocumentReference.
        base: The address of the hub's resources.
    """
    url = str(attachment_of(document).get("url", ""))
    if not url.startswith(f"{base}/"):
        return None
    for kind in _kinds(document):
        form = ON_DEMAND.get(kind)
        match = form.fullmatch(url.removeprefix(f"{base}/")) if form is not None else None
        if match is not None:
            return f"Patient/{match[1]}"
    return None


def check_on_demand(document: Mapping[str, Any], patient: str, place: str) -> Iterator[Issue]:
    """Yield what is wrong with a document that is made on demand.

    Args:
        document: Its DocumentReference.
        patient: For whom it is made.
        place: Where the DocumentReference stands.
    """
    attachment = attachment_of(document)
    for name in ("size", "hash"):
        if name in attachment:
            text = f"A document that is made on demand has no {name}"
            yield Issue("error", "structure", f"{place}.content[0].attachment.{name}", text)
    if document.get("subject", {}).get("reference") != patient:
        text = "The document is made for another Patient"
        yield Issue("error", "value", f"{place}.content[0].attachment.url", text)
