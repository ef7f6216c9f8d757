"""The feed of a site's Patients: conditional updates and deletions by one identifier (ITI-104).

A site feeds its own domain alone. A merge names the Patient that stays, which the site must have.
https://profiles.ihe.net/ITI/PIXm/ITI-104.html
"""

from collections.abc import Mapping
from typing import Any

from app.exchange.domains import owner_of
from app.identity.merge import meant_by
from app.identity.replaced import survivors
from app.records.request import decode_pairs
from app.records.writing import Writing
from fhir.errors import Forbidden, InvalidValue, Unprocessable
from fhir.issue import Issue
from fhir.spec.identifier_systems import forms

STAYS_ELSEWHERE = "The Patient that stays is not one of this site"


def identifier_of(query: str) -> tuple[str, str] | None:
    """Return system and value of the one identifier by which a condition asks, None when it asks otherwise."""
    pairs = decode_pairs(query.removeprefix("?").encode("latin-1", "replace"))
    if len(pairs) != 1 or pairs[0][0] != "identifier":
        return None
    system, bar, value = pairs[0][1].partition("|")
    return (system, value) if system and bar and value and "," not in value else None


def states(patient: Mapping[str, Any], system: str, value: str) -> bool:
    """Return whether a Patient states an identifier, under any name of its system."""
    return any(
        one.get("value") == value and one.get("system") in forms(system) for one in patient.get("identifier", ())
    )


async def check_domain(writing: Writing, type_name: str, query: str) -> None:
    """Refuse the feed of a domain that is another organisation's.

    Args:
        writing: The transaction.
        type_name: What is written.
        query: The condition, urlencoded.

    Raises:
        Forbidden: it is.
    """
    asked = identifier_of(query) if type_name == "Patient" else None
    if asked is not None:
        await check_owner(writing, asked[0])


async def check_owner(writing: Writing, system: str) -> None:
    """Refuse to write about the numbers of another organisation.

    Raises:
        Forbidden: the system is another's.
    """
    if await owner_of(writing.connection, system) not in (None, writing.request.authority.custodian):
        raise Forbidden(f"{system[:200]} is the domain of another organisation", "Patient.identifier")


async def check_patient(writing: Writing, patient: Mapping[str, Any], query: str) -> None:
    """Refuse a Patient of the feed that another message would not find again, or that is merged into nobody.

    Args:
        writing: The transaction.
        patient: What is written.
        query: The condition, urlencoded.

    Raises:
        InvalidValue: the Patient does not state the identifier it is fed by.
        Unprocessable: a merge is not complete.
    """
    asked = identifier_of(query)
    if asked is None:
        return
    if not states(patient, *asked):
        raise InvalidValue("The Patient states the identifier by which it is written", "Patient.identifier")
    await check_merge(writing, patient)


async def check_merge(writing: Writing, patient: Mapping[str, Any], path: str = "Patient") -> None:
    """Refuse a merge into a Patient that the site does not have, or of one that stays active.

    Raises:
        Unprocessable: it is one.
    """
    request = writing.request
    for reference in survivors(patient):
        base, custodian = request.hub.settings.fhir_address, request.authority.custodian
        if await meant_by(writing.connection, reference, custodian, base) is None:
            raise incomplete(STAYS_ELSEWHERE, f"{path}.link.other")
        if patient.get("active") is not False:
            raise incomplete("A Patient that was merged is not active", f"{path}.active")


def incomplete(text: str, place: str) -> Unprocessable:
    """Return the refusal of a merge that is not whole."""
    return Unprocessable(text, issues=[Issue("error", "business-rule", place, text)])
