"""What the authorisation server tells the audit log: who asked for what, and what became of it."""

from typing import Any

from starlette.requests import Request

from app.access.oauth.grants import Grant, Person
from app.audit.record import Event
from app.hub import Hub


def told(hub: Hub, request: Request, interaction: str, **fields: Any) -> Event:
    """Return the event of a request; `refusal` is why it was refused, for the log alone."""
    refusal = fields.pop("refusal", None)
    return Event(
        recorded=hub.clock(),
        action="E",
        interaction=interaction,
        outcome="0" if refusal is None else "8",
        outcome_desc=refusal,
        network=request.client.host if request.client else None,
        method=request.method,
        path=request.url.path,
        **fields,
    )


def about(grant: Grant, person: Person) -> dict[str, Any]:
    """Return the members of an event that say whose grant it is about."""
    members: dict[str, Any] = {
        "user": person.name,
        "user_name": person.title,
        "organisation": f"Organization/{person.organisation_id}",
        "role": person.role,
        "purpose": grant.purpose,
    }
    if grant.patient_key:
        members |= {"patient": f"Patient/{grant.patient}", "patient_key": grant.patient_key}
    return members
