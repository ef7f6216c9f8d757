"""A Consent as the pages show it: what is permitted or excluded, from whom, to whom, which kinds, how long.

https://hl7.org/fhir/R4/consent.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from app.portal.people import body_of
from app.portal.values import people_text
from fhir.store.stored import Stored


@dataclass(frozen=True, slots=True)
class ConsentFacts:
    """One Consent."""

    id: str
    version: int
    custodian: int
    """The site that recorded it."""
    active: bool
    permits: bool
    disclosers: tuple[str, ...]
    """References or names of the sites whose data it speaks of; none: all."""
    receivers: tuple[str, ...]
    """Of those who may or may not see them; none: all."""
    categories: tuple[str, ...]
    """Our names of the categories, or types; none: all."""
    labels: tuple[str, ...]
    start: str
    end: str
    recorded: str
    """When the person decided, as a FHIR dateTime."""
    by: str
    """Who agreed in the person's place."""
    emergency: bool
    """Whether what it excludes is open to break-glass."""
    nested: bool
    """Whether it has exceptions that this page does not show."""

    def holds_on(self, day: date) -> bool:
        """Return whether it is active and its period covers a day."""
        text = day.isoformat()
        return self.active and (not self.start or self.start[:10] <= text) and (not self.end or text <= self.end[:10])


def _names(provision: Mapping[str, Any], role: str) -> tuple[str, ...]:
    found = []
    for actor in provision.get("actor", ()):
        codes = [one.get("code") for one in actor.get("role", {}).get("coding", ())]
        reference = actor.get("reference", {})
        if role in codes:
            name = (
                reference.get("reference")
                or reference.get("identifier", {}).get("value")
                or reference.get("display", "")
            )
            found.append(str(name))
    return tuple(found)


def _but_for(exception: Mapping[str, Any]) -> str:
    """Return the one purpose that an exception permits and is limited to; empty when it is another exception."""
    codes = [one.get("code", "") for one in exception.get("purpose", ())]
    plain = exception.keys() <= {"type", "purpose", "id"} and exception.get("type") == "permit"
    return str(codes[0]) if plain and len(codes) == 1 else ""


def facts_of(stored: Stored) -> ConsentFacts:
    """Return what a stored Consent says."""
    return facts_in(body_of(stored), id=stored.id, version=stored.version, custodian=stored.custodian)


def facts_in(body: Mapping[str, Any], *, id: str, version: int, custodian: int) -> ConsentFacts:
    """Return what a Consent says."""
    provision = body.get("provision", {})
    policies = [one.get("code") for one in body.get("policyRule", {}).get("coding", ())]
    permits = provision["type"] == "permit" if "type" in provision else "OPTIN" in policies
    kinds = [one for one in provision.get("class", ()) if "code" in one]
    period = provision.get("period", {})
    emergency = not permits and [_but_for(one) for one in provision.get("provision", ())] == ["BTG"]
    return ConsentFacts(
        id=id,
        version=version,
        custodian=custodian,
        active=body.get("status") == "active",
        permits=permits,
        disclosers=_names(provision, "CST"),
        receivers=_names(provision, "IRCP"),
        categories=tuple(one["code"] for one in kinds),
        labels=tuple(str(one.get("code", "")) for one in provision.get("securityLabel", ()) if one.get("code") != "N"),
        start=str(period.get("start", "")),
        end=str(period.get("end", "")),
        recorded=str(body.get("dateTime", "")),
        by=people_text(body.get("performer", ())),
        emergency=emergency,
        nested=bool(provision.get("provision")) and not emergency,
    )
