"""What the DocumentReferences of a Bundle lead to: its Binaries and Bundles, or what is made on demand.

https://profiles.ihe.net/ITI/MHD/ITI-65.html#2365413-expected-actions
"""

from collections.abc import Iterator, Mapping
from typing import Any

from app.exchange.mhd.attachments import FHIR_TYPES, attachment_of, media_type, octets_of, states
from app.exchange.mhd.on_demand import check_on_demand, patient_made_for
from app.exchange.mhd.submission import Part, Submission
from fhir.issue import Issue


def check(found: Submission, base: str, bases: tuple[str, ...]) -> list[Issue]:
    """Return what is wrong with the attachments of a submission.

    Args:
        found: What is provided.
        base: The address of the hub's resources.
        bases: Addresses, whose resources an attachment may lead to: they are not looked at.
    """
    binaries = {part.entry.full_url: part for part in found.binaries}
    bundles = {part.entry.full_url: part for part in found.fhir_documents}
    issues: list[Issue] = []
    led_to: set[str] = set()
    for part in found.documents:
        attachment, place = attachment_of(part.tree), f"{part.path}.content[0].attachment"
        url = str(attachment.get("url", ""))
        if url in binaries:
            issues += _of_binary(attachment, binaries[url], place)
        elif url in bundles:
            issues += _of_bundle(attachment, place)
        elif (patient := patient_made_for(part.tree, base)) is not None:
            issues += check_on_demand(part.tree, patient, part.path)
        elif not url.startswith(bases) or not bases:
            issues.append(Issue("error", "not-found", f"{place}.url", "The url leads to no document of the Bundle"))
        if url in led_to:
            issues.append(Issue("error", "duplicate", f"{place}.url", "Two DocumentReferences lead to one document"))
        led_to.add(url)
    for part in (*found.binaries, *found.fhir_documents):
        if part.entry.full_url not in led_to:
            text = "No DocumentReference of the Bundle leads to this document"
            issues.append(Issue("error", "not-found", f"Bundle.entry[{part.number}].fullUrl", text))
        elif not str(part.entry.full_url).startswith("urn:"):
            text = "The fullUrl of what is new is a urn:uuid"
            issues.append(Issue("error", "value", f"Bundle.entry[{part.number}].fullUrl", text))
    return issues


def _of_binary(attachment: Mapping[str, Any], part: Part, place: str) -> Iterator[Issue]:
    if media_type(attachment.get("contentType")) != media_type(part.tree.get("contentType")):
        yield Issue("error", "value", f"{place}.contentType", "The contentType is not that of the Binary")
    try:
        octets = octets_of(part.tree)
    except ValueError:
        yield Issue("error", "value", f"{part.path}.data", "This is not base64")
    else:
        yield from states(attachment, octets, place)


def _of_bundle(attachment: Mapping[str, Any], place: str) -> Iterator[Issue]:
    if media_type(attachment.get("contentType")) not in FHIR_TYPES:
        yield Issue("error", "value", f"{place}.contentType", f"A FHIR document is {' or '.join(FHIR_TYPES)}")
    for name in ("size", "hash"):
        if name in attachment:
            yield Issue("error", "structure", f"{place}.{name}", f"A FHIR document has no {name}: it has many forms")
