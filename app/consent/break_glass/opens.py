"""What an open case of break-glass reaches, as SQL: the records of its person at the sites that were told of it.

A case is looked up by the digest of the session or token that it is open for; one that was ended, or whose time is
over, opens nothing. Who is the person of the case is asked in the same statement.
"""

from typing import Literal

from sqlalchemy import ColumnElement, FromClause, LargeBinary, bindparam, exists

from app.consent.break_glass.tables import break_glass, break_glass_site
from app.identity.tables import person_patient

GlassLabels = Literal["withheld", "shown"]
"""Whether a case shows what has a sensitive label that no consent opens."""

_holder = bindparam("v_glass", type_=LargeBinary)


def behind_glass(alias: FromClause, person: ColumnElement[int], now: ColumnElement[int]) -> ColumnElement[bool]:
    """Return whether a row is of the person of an open case, at a site that was told of it.

    Args:
        alias: The row.
        person: The row's person.
        now: The present in microseconds since 1970 UTC.
    """
    opened, told, own = break_glass.alias(), break_glass_site.alias(), person_patient.alias()
    found = exists().where(
        opened.c.holder == _holder,
        opened.c.ended == 0,
        opened.c.ends > now,
        told.c.number == opened.c.number,
        told.c.organisation == alias.c.custodian,
        told.c.discloses == 1,
        own.c.patient_key == opened.c.patient_key,
        own.c.person == person,
    )
    return found.correlate_except(opened, told, own)
