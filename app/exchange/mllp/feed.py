"""ADT: who a patient is, and where: ITI-8, ITI-30, ITI-31. Merges and links are in `merge` and `link`.

https://profiles.ihe.net/ITI/TF/Volume2/ITI-8.html
"""

from collections.abc import Sequence

from app.exchange.hl7v2.to_fhir.resources import resources
from app.exchange.mllp.acknowledge import Answer, Problem
from app.exchange.mllp.answered import carried_out
from app.exchange.mllp.numbers import own_numbers, site_of, with_first
from app.exchange.mllp.patient import store_patient
from app.exchange.mllp.store import Storing, kept, store_entries
from app.exchange.mllp.visit import Visit
from app.records.writing import Writing

TELLS_WHO = frozenset({"ADT^A01", "ADT^A04", "ADT^A05", "ADT^A08", "ADT^A28", "ADT^A31", "ADT^A40"})
"""Messages that say who a patient is; others name the patient, and say so where nothing is known."""


async def feed(visit: Visit) -> Answer:
    """Write what an ADT message says.

    Raises:
        Hl7Error, Refused, FhirError: it is refused; nothing was written.
        Again: it was carried out before.
    """
    return await carried_out(visit, lambda writing: written(visit, writing))


async def written(visit: Visit, writing: Writing) -> Sequence[Problem]:
    """Gather what a message about one patient says; return what its sender should know."""
    pid = visit.message.required("PID")
    numbers = await own_numbers(writing.connection, visit.message, visit.source, pid, 3)
    message = with_first(visit.message, pid, 3, numbers[0].repetition)
    mapped = resources(message, site_of(visit.request.hub, visit.source, numbers[0]))
    storing = Storing(visit, writing)
    pid = message.required("PID")
    await store_patient(storing, mapped, pid, numbers, updates=visit.message.kind in TELLS_WHO)
    await store_entries(storing, mapped)
    return await kept(storing, mapped.findings)
