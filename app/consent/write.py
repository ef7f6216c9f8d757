"""Making, listing and withdrawing Consents, for the consent desk and the command line."""

from collections.abc import Sequence
from typing import Any

import orjson

from app.clock import instant
from app.identity.scope import patient_keys
from app.records.commit import committed
from app.records.prepare import prepare
from app.records.request import FhirRequest
from app.records.writing import Writing
from fhir.resource import parse
from fhir.search.query import parse as parse_query
from fhir.search.run import search
from fhir.store.stored import Stored

_SCOPE = "http://terminology.hl7.org/CodeSystem/consentscope"
_ROLE = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
_POLICY = "http://terminology.hl7.org/CodeSystem/v3-ActCode"


def consent_resource(
    patient: str,
    organization: str,
    receivers: Sequence[str],
    *,
    permit: bool,
    now: int,
    provision: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Return an active Consent.

    Args:
        patient: The id of the site's Patient.
        organization: The reference of the site at which it is given.
        receivers: The ids of the Organizations that may see; all when empty.
        permit: Whether it permits or excludes.
        now: The present in microseconds since 1970 UTC.
        provision: Further limits: `period`, `class`, `purpose` …
    """
    actors = [
        {
            "role": {"coding": [{"system": _ROLE, "code": "IRCP"}]},
            "reference": {"reference": f"Organization/{receiver}"},
        }
        for receiver in receivers
    ]
    whole: dict[str, Any] = {"type": "permit" if permit else "deny", **(provision or {})}
    if actors:
        whole["actor"] = actors
    return {
        "resourceType": "Consent",
        "status": "active",
        "scope": {"coding": [{"system": _SCOPE, "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": {"reference": f"Patient/{patient}"},
        "dateTime": instant(now),
        "organization": [{"reference": organization}],
        "policyRule": {"coding": [{"system": _POLICY, "code": "OPTIN" if permit else "OPTOUT"}]},
        "provision": whole,
    }


async def current_consents(request: FhirRequest, patient: str) -> list[dict[str, Any]]:
    """Return the Consents of a patient that the caller may see, the newest first."""
    query = parse_query("Consent", [("patient", f"Patient/{patient}"), ("_sort", "-_lastUpdated")], lenient=False)
    record = request.record
    page = await search(record.connection, record.visibility, query, patient_keys, limit=200)
    record.disclosed += page.matches
    return [parse(one.body) for one in page.matches]


async def withdraw(request: FhirRequest, id: str) -> Stored:
    """Make a Consent inactive; its grants are gone when this returns.

    Raises:
        NotFound: it does not exist for the caller.
        Forbidden: it is in another site's custody.
    """
    current = await request.record.read("Consent", id)
    request.interaction, request.action = "update", "U"
    prepared = prepare(orjson.dumps({**parse(current.body), "status": "inactive"}), request.authority)

    async def work(writing: Writing) -> Stored:
        return await writing.update(prepared, id)

    return await committed(request, work)
