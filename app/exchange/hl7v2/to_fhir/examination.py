"""OMG-01, OMG-02, OMG-03: orders of radiology, endoscopy and physiology as ServiceRequest."""

from app.exchange.hl7v2.to_fhir.coded import hl7
from app.exchange.hl7v2.to_fhir.draft import Draft
from app.exchange.hl7v2.to_fhir.order import asked
from app.exchange.hl7v2.to_fhir.requested import cancel, draw_request

CATEGORIES = {"OMG-01": "imaging", "OMG-02": "procedure", "OMG-03": "exam", "OMG-11": "imaging", "OMG-12": "procedure"}


def draw(draft: Draft) -> None:
    """Make the ServiceRequests of an order: of the whole (ORC-1 PA) and of each part (CH)."""
    category = [hl7("observation-category", CATEGORIES[draft.kind])]
    whole = {(each.number, each.obr.text(4)) for each in asked(draft.message) if each.obr and each.control == "PA"}
    for each in asked(draft.message):
        if each.obr is None:
            cancel(draft, "ServiceRequest", each)
        elif each.control == "PA" or (each.number, each.obr.text(4)) not in whole or each.control == "CH":
            draw_request(draft, each, category, [])
