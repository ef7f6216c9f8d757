"""A system's token about one patient: IHE PCF's decision when it is given, and the limits that are left in `ihe_pcf`.

ITI-71 with `patient`: no consent, no token. The hub enforces the grants at each request, and nothing but that
person's record; the extension tells other resource servers.
https://profiles.ihe.net/ITI/PCF/other.html#updates-to-iti-71
"""

from typing import Any, cast

from sqlalchemy import Integer, bindparam, select

from app.access import epoch
from app.access.caller import Caller, Role
from app.access.oauth.events import told
from app.access.oauth.token import Asking, bound_to
from app.access.scopes import LETTERS, ResourceScope, Scopes, parse
from app.access.tables import organisation
from app.access.tokens import Issue, TokenRefused, issue
from app.consent.pcf_token import Named, all_forbidden, pcf_decision
from app.consent.residual import REFUSED, Refusal
from app.records.request import FhirRequest, replayed
from fhir.errors import Deleted, NotFound
from fhir.store.stored import Stored

_ORGANISATION = select(organisation.c.slug, organisation.c.title).where(
    organisation.c.key == bindparam("key", type_=Integer)
)


def of_one_patient(scopes: Scopes, letters: str = LETTERS) -> str:
    """Return what scopes of a system leave for one patient's record, of some letters.

    Raises:
        TokenRefused: nothing.
    """
    found = []
    for one in scopes.resources:
        left = "".join(letter for letter in one.letters if letter in letters)
        if left:
            found.append(str(ResourceScope("patient", one.type, left, one.query)))
    if not found:
        raise TokenRefused("invalid_scope", "Nothing that is asked for is granted for one patient")
    return parse(" ".join(dict.fromkeys(found))).text


async def system_of(asking: Asking, purpose: str = "TREAT") -> Caller:
    """Return the system that asks, as a caller for a purpose."""
    client, reader = asking.client, asking.hub.database.reader
    slug, title = (await reader.fetch(_ORGANISATION, {"key": client.organisation}))[0]
    return Caller(
        *(client.organisation, slug, title, f"Organization/{client.organisation_id}", cast("Role", client.role)),
        *(purpose, client.id),
        epoch=await epoch.current(reader),
    )


async def patient_of(asking: Asking, system: Caller) -> Stored | None:
    """Return the Patient that the form names, None when none like it exists for the system."""
    scope: dict[str, Any] = {"method": "GET", "path": "/oauth/token", "query_string": b"", "headers": []}
    request = FhirRequest(asking.hub, scope, replayed(b""), system)
    try:
        return await request.record.read("Patient", asking.form.get("patient", "").removeprefix("Patient/"))
    except (NotFound, Deleted):
        return None


async def _decided(asking: Asking, system: Caller) -> tuple[Stored, dict[str, Any]]:
    """Return the Patient and the value of `ihe_pcf`.

    Raises:
        TokenRefused: no consent permits it, or there is no such Patient: both answer alike.
    """
    patient = await patient_of(asking, system)
    if patient is None:
        raise TokenRefused(REFUSED.error, REFUSED.description)
    named = Named(patient.patient_key, patient.id)
    found = await pcf_decision(asking.hub, asking.hub.database.reader, system, named)
    if isinstance(found, Refusal):
        if patient.custodian != system.organisation:
            raise TokenRefused(found.error, found.description)
        # The own record is the site's to read; what others keep is not.
        found = all_forbidden(asking.hub, named)
    return patient, found


async def token_of_patient(asking: Asking, scopes: Scopes, purpose: str) -> dict[str, Any]:
    """Issue a token about one patient, and record what was decided by.

    Raises:
        TokenRefused: as `_decided`.
    """
    hub, system = asking.hub, await system_of(asking, purpose)
    scope = of_one_patient(scopes)
    patient, decided = await _decided(asking, system)
    now, seconds = hub.clock(), hub.settings.token_seconds
    what = Issue(asking.client.key, purpose, scope, "", bound_to(asking), patient.patient_key, patient.id)
    about: dict[str, Any] = {"patient": f"Patient/{patient.id}", "patient_key": patient.patient_key}
    asking.about |= about
    consents = tuple(one.rpartition("/fhir/")[2] for one in decided.get("doc_id", ()))
    async with hub.database.write() as connection:
        await asking.proved.settle(connection, now)
        text = await issue(connection, what, now=now, seconds=seconds)
        decision = told(
            *(hub, asking.request, "consent-decision"),
            client=asking.client.id,
            organisation=system.organisation_reference,
            role=system.role,
            purpose=purpose,
            entities=consents,
            **about,
        )
        await hub.audit.stage(connection, [asking.tell(), decision])
    return {
        "access_token": text,
        "token_type": "Bearer",
        "expires_in": seconds,
        "scope": scope,
        "patient": patient.id,
        "extensions": {"ihe_pcf": decided},
    }
