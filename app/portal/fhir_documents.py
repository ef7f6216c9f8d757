"""Documents that are Bundles, and summaries that are made when they are opened, as a DocumentReference names them."""

import re
from collections.abc import Mapping
from typing import Any

from app.portal.gate import Visit
from app.portal.people import body_of
from fhir.errors import Deleted, NotFound

_ID = r"([A-Za-z0-9\-.]{1,64})"
_SUMMARY = re.compile(rf"Patient/{_ID}/\$summary")
_BUNDLE = re.compile(rf"Bundle/{_ID}(?:/_history/[0-9]+)?")


def _addresses(visit: Visit, body: Mapping[str, Any]) -> list[str]:
    """Return where the attachments of a document lie on this hub, below the address of its resources."""
    urls = [str(one.get("attachment", {}).get("url", "")) for one in body.get("content", ())]
    return [url.removeprefix(f"{visit.hub.settings.fhir_address}/") for url in urls]


def summary_page_of(visit: Visit, body: Mapping[str, Any]) -> str:
    """Return the page of the summary that a document is on demand; empty for another document."""
    found = next((match for one in _addresses(visit, body) if (match := _SUMMARY.fullmatch(one))), None)
    return f"/patients/{found[1]}/summary" if found else ""


async def composition_of(visit: Visit, body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the Composition of the FHIR document that a DocumentReference describes.

    None when it describes another kind of document, or the Bundle does not exist for the caller.
    """
    found = next((match for one in _addresses(visit, body) if (match := _BUNDLE.fullmatch(one))), None)
    if found is None:
        return None
    try:
        bundle = body_of(await visit.fhir.record.read("Bundle", found[1]))
    except (NotFound, Deleted):
        return None
    first: Mapping[str, Any] = (bundle.get("entry") or [{}])[0].get("resource", {})
    return first if first.get("resourceType") == "Composition" else None
