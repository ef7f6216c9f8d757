"""A resource that was taken back says so itself.

https://hl7.org/fhir/R4/lifecycle.html: `entered-in-error` where the type has it.
"""

from app.exchange.hl7v2.to_fhir.coded import hl7
from app.exchange.hl7v2.to_fhir.mapped import Entry

_ACTIVE = frozenset({"Patient", "RelatedPerson"})


def withdrawn(entry: Entry) -> Entry:
    """Return an entry whose resource says that it was taken back."""
    resource = dict(entry.resource)
    if entry.key.type in _ACTIVE:
        resource["active"] = False
    elif entry.key.type == "Condition":
        resource.pop("clinicalStatus", None)  # con-5: none when it was entered in error
        resource.pop("abatementDateTime", None)  # con-4: no end without a clinical status
        resource["verificationStatus"] = hl7("condition-ver-status", "entered-in-error")
    elif entry.key.type == "AllergyIntolerance":
        resource.pop("clinicalStatus", None)  # ait-2
        resource["verificationStatus"] = hl7("allergyintolerance-verification", "entered-in-error")
    else:
        resource["status"] = "entered-in-error"
    return Entry(entry.key, resource, entry.action)
