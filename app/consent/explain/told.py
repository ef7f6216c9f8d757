"""The audit event of a question why somebody may see a record: it tells of the record, whoever asks and wherever."""

from app.audit.record import Event
from app.consent.explain.words import Facts
from app.hub import Hub


async def told(hub: Hub, asked: Event, record: str, facts: Facts) -> Event:
    """Return the event of a question with whose record it was about.

    Args:
        hub: The running hub.
        asked: Who asked, when and by what door.
        record: `Type/id`.
        facts: What is known of it.
    """
    custodian = await hub.organisation_reference(facts.custodian)
    about = asked._replace(entities=(record,), custodian=custodian)
    if facts.patient_key <= 0:
        return about
    return about._replace(patient=await hub.patient_reference(facts.patient_key), patient_key=facts.patient_key)
