"""Orders, results, diagnoses, allergies and meals: ORU, OUL, OML, OMG, OMI, RDE, RAS, PPR, OMD of JAHIS."""

from app.exchange.mllp.acknowledge import Answer
from app.exchange.mllp.answered import carried_out
from app.exchange.mllp.feed import written
from app.exchange.mllp.visit import Visit


async def records(visit: Visit) -> Answer:
    """Write what a message says of a patient's care.

    Raises:
        Hl7Error, Refused, FhirError: it is refused; nothing was written.
        Again: it was carried out before.
    """
    return await carried_out(visit, lambda writing: written(visit, writing))
