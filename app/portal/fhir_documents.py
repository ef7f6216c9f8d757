"""Documents that are Bundles, and summaries that are made when they are opened, as a DocumentReference names them."""

import re
from collections.abc import Mapping
from typing import Any

from app.portal.gate import Visit

_ID = r"([A-Za-z0-9\-.]{1,64})"
_SUMMARY = re.compile(rf"Patient/{_ID}/\$summary")
_INSTANCE = re.compile(r"/dicomweb/studies/([0-9.]{1,64})/series/[0-9.]{1,64}/instances/([0-9.]{1,64})")
_BUNDLE = re.compile(rf"Bundle/{_ID}(?:/_history/([0-9]{{1,9}}))?")


def _addresses(visit: Visit, body: Mapping[str, Any]) -> list[str]:
    """Return where the attachments of a document lie on this hub, below the address of its resources or of the hub."""
    attachments = [*(one.get("attachment", {}) for one in body.get("content", ())), *body.get("presentedForm", ())]
    urls = [str(one.get("url", "")).removeprefix(f"{visit.hub.settings.fhir_address}/") for one in attachments]
    return [url.removeprefix(visit.hub.settings.address) for url in urls]


def page_of(visit: Visit, body: Mapping[str, Any]) -> str:
    """Return the page of the summary, the instance of DICOM, the Bundle or its version that a document names.

    Empty for any other.
    """
    for address in _addresses(visit, body):
        if found := _SUMMARY.fullmatch(address):
            return f"/patients/{found[1]}/summary"
        if found := _INSTANCE.fullmatch(address):
            return f"/studies/{found[1]}/objects/{found[2]}"
        if found := _BUNDLE.fullmatch(address):
            version = f"/versions/{found[2]}" if found[2] else ""
            return f"/documents/Bundle/{found[1]}{version}"
    return ""
