"""Entering a patient's request."""

from dataclasses import dataclass
from datetime import date

from app.access.caller import Caller
from app.access.events import by, event
from app.hub import Hub
from app.portal.dates import moment, to_microseconds
from app.subject_rights.case import KINDS, OPEN, RELATIONS, chosen, due, words
from app.subject_rights.tables import rights_act, rights_case
from fhir.errors import InvalidValue

MOST_NAME = 200
"""Characters of a name."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked, as it was entered."""

    kind: str
    patient: str
    """The id of a site's Patient that the caller has seen; empty when the hub knows none."""
    patient_key: int | None
    requester: str
    relation: str
    received: str
    """The day: `2026-04-01`."""
    text: str


def day_of(text: str, now: int, field: str) -> int:
    """Return the first instant of a day in Japan that is not to come.

    Raises:
        InvalidValue: it is no day, or one to come.
    """
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise InvalidValue("A day is written 2026-04-01", field) from error
    if not date(2000, 1, 1) <= day <= moment(now).date():
        raise InvalidValue("This day is still to come, or long gone", field)
    return to_microseconds(day)


async def open_case(hub: Hub, caller: Caller, asked: Asked, *, network: str, path: str) -> int:
    """Enter a request and return its number.

    Raises:
        InvalidValue: something is missing or cannot be; the expression names the field.
    """
    kind, relation = chosen(asked.kind, KINDS, "kind"), chosen(asked.relation, RELATIONS, "relation")
    requester = words(asked.requester, "requester", longest=MOST_NAME)
    text, now = words(asked.text, "text"), hub.clock()
    received = day_of(asked.received, now, "received")
    number = hub.new_row()
    row = (number, kind, asked.patient, requester, relation, received, due(received, hub.settings.rights_days))
    async with hub.database.write() as connection:
        await connection.insert(rights_case, [(*row, 0, "", OPEN, "", "", 0, 1)])
        await connection.insert(rights_act, [(number, 1, now, "open", text, caller.user, caller.user_title)])
        said = event(
            *(hub, "rights-request"),
            **{"network": network, "path": path, **by(caller)},
            description=f"Case {number} entered: {kind}",
        )
        if asked.patient_key is not None:
            said = said._replace(patient=f"Patient/{asked.patient}", patient_key=asked.patient_key)
        await hub.audit.stage(connection, [said])
    return number
