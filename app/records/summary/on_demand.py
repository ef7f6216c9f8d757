"""The entry by which a summary on demand is found: it holds nothing, and its address is `$summary` itself.

https://profiles.ihe.net/ITI/TF/Volume3/ch-4.1.html (On-Demand Document Entry)
"""

from typing import Any
from uuid import NAMESPACE_URL, uuid5

import orjson

from app.clock import instant
from app.languages import Language
from app.records.conditional import condition, match, own
from app.records.prepare import Prepared, prepare
from app.records.request import Request
from app.records.writing import Writing
from fhir.documents.entry import entry
from fhir.store.stored import Stored

_LANGUAGE: Language = "ja"
"""Unless the one who retrieves it asks for another."""


def prepared_entry(
    request: Request, patient: Stored, number: str, address: str, language: Language = _LANGUAGE, **fields: Any
) -> Prepared:
    """Return the DocumentReference of a summary of a Patient; `fhir.documents.entry` says what is in it.

    Raises:
        Forbidden: the caller's role writes no documents.
    """
    made = entry(
        number=number,
        address=address,
        patient=f"Patient/{patient.id}",
        custodian=request.caller.organisation_reference,
        now=instant(request.now),
        language=language,
        **fields,
    )
    return prepare(orjson.dumps(made), request.authority)


def _number(patient: Stored) -> str:
    """Return what an entry is known by: the same for a Patient, however often it is asked for."""
    return f"urn:uuid:{uuid5(NAMESPACE_URL, f'Patient/{patient.id}/$summary')}"


async def _create(writing: Writing, request: Request, patient: Stored) -> Stored:
    address = f"{request.hub.settings.fhir_address}/Patient/{patient.id}/$summary"
    return await writing.create(prepared_entry(request, patient, _number(patient), address))


async def entry_on_demand(writing: Writing, request: Request, patient: Stored) -> tuple[Stored, bool]:
    """Return the entry of a Patient's summary, and whether it is new; the lock on its type is held."""
    query = condition(request, "DocumentReference", f"identifier=urn:ietf:rfc:3986|{_number(patient)}", "identifier")
    found = await match(writing.connection, own(request), query, "identifier")
    return (found, False) if found is not None else (await _create(writing, request, patient), True)


async def announce_summaries(writing: Writing, request: Request) -> None:
    """Make a summary on demand known for each Patient that a transaction creates, where the region wants that.

    Whoever writes Patients writes documents; the scopes of an app may name the one alone, but it is the region that
    decides this.
    """
    if not request.hub.settings.summaries_on_demand:
        return
    new = [one for one in writing.written if one.type == "Patient" and one.version == 1 and not one.deleted]
    for patient in new:
        await _create(writing, request, patient)
