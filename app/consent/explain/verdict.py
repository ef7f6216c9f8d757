"""The verdict on one record for one who asks, in the order of gate 2, and the rule that it comes from."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import BigInteger, bindparam, case, select

from app.access.caller import Caller
from app.consent.break_glass.opens import GlassLabels, behind_glass
from app.consent.decide import may_see
from app.consent.explain.words import Facts, Said, Word, said
from app.consent.tables import DENY, PERMIT
from app.consent.visibility import CallerVisibility, person_of
from app.consent.within import limits
from app.db import DatabaseConnection
from fhir.store.categories import Category
from fhir.store.labels import SENSITIVE, UNDELIVERED, UNKNOWN, codes
from fhir.store.tables import NO_PATIENT, resource

RULES = (
    *("own", "directory", "office", "permit", "implied", "found", "break-glass"),
    *("scope", "role", "several", "no-patient", "undelivered", "denied", "label", "silent", "not-yet"),
)
"""What decides: the first seven show the record, the others hide it."""

_now = bindparam("v_now", type_=BigInteger)
_OF_ROW = (
    resource.c.patient_key == bindparam("r_patient_key", type_=BigInteger),
    resource.c.row == bindparam("r_row", type_=BigInteger),
)
_BEHIND_GLASS = select(case((behind_glass(resource, person_of(resource), _now), 1), else_=0)).where(*_OF_ROW)


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a record exists, or does not, for who asks."""

    seen: bool
    rule: str
    """One of `RULES`."""
    category: str
    """The kind of data, by our name."""
    labels: Sequence[str]
    """The codes of the record's labels."""
    words: Sequence[Word]
    """What each provision of the person's Consents says, the most telling first."""


def _has(mask: int, category: int) -> bool:
    return bool(mask >> category & 1)


async def _is_named(connection: DatabaseConnection, caller: Caller, facts: Facts) -> bool:
    """Return whether the scopes of a token name the record, for reading it."""
    if caller.scopes is None:
        return True
    left = limits(caller.scopes, "r")
    if left.whole:
        return True
    named = select(case((left.condition(resource), 1), else_=0)).where(*_OF_ROW)
    values: dict[str, Any] = {**left.values, "v_patient": caller.patient_key}
    rows = await connection.fetch(named, values | {"r_patient_key": facts.patient_key, "r_row": facts.row})
    return bool(rows and rows[0][0])


def _before_consent(seen: CallerVisibility, facts: Facts) -> tuple[bool, str] | None:
    """Return what is decided before any Consent is asked, and by which rule; None when one is."""
    values = seen.values
    if not _has(values["v_categories"], facts.category):
        return False, "role"
    if facts.custodian == values["v_organisation"]:
        return True, "own"
    if facts.patient_key == NO_PATIENT and facts.category == Category.DIRECTORY:
        return True, "directory"
    if _has(values["v_everywhere"], facts.category):
        return True, "office"
    if facts.patient_key <= NO_PATIENT:
        return False, "several" if facts.patient_key < NO_PATIENT else "no-patient"
    return (False, "undelivered") if facts.labels & UNDELIVERED else None


async def _broken(connection: DatabaseConnection, seen: CallerVisibility, facts: Facts) -> tuple[bool, Said | None]:
    """Return whether break-glass opens the record, and what was said of it for an emergency, if that was asked."""
    if seen.glass is None:
        return False, None
    values = {**seen.values, "r_patient_key": facts.patient_key, "r_row": facts.row}
    rows = await connection.fetch(_BEHIND_GLASS, values)
    if not rows or not rows[0][0]:
        return False, None
    told = await said(connection, facts, seen.values, in_emergency=True)
    closed = SENSITIVE if seen.glass == "withheld" else UNKNOWN
    return told.strictest == PERMIT or (told.strictest != DENY and not facts.labels & closed), told


async def explain(
    connection: DatabaseConnection,
    caller: Caller,
    facts: Facts,
    *,
    now: int,
    implied: bool,
    finds: bool = False,
    glass_labels: GlassLabels = "withheld",
) -> Explanation:
    """Return why a record exists, or does not, for a caller.

    Args:
        connection: Where to read.
        caller: Who asks, or would ask.
        facts: The record.
        now: The instant, in microseconds since 1970 UTC.
        implied: Whether a person without a Consent counts as permitting.
        finds: Whether Patients of other sites are found whose persons do not refuse it.
        glass_labels: The setting `break_glass_labels`.
    """
    seen = may_see(caller, now=now, implied=implied, finds=finds, glass_labels=glass_labels)
    made = Explanation(False, "", Category(facts.category).name.lower().replace("_", "-"), codes(facts.labels), ())
    if not await _is_named(connection, caller, facts):
        return replace(made, rule="scope")
    early = _before_consent(seen, facts)
    if early is not None:
        return replace(made, seen=early[0], rule=early[1])
    heard = await said(connection, facts, seen.values)
    made = replace(made, words=heard.words)
    sensitive = bool(facts.labels & SENSITIVE)
    if heard.strictest == PERMIT:
        return replace(made, seen=True, rule="permit")
    if implied and not heard.spoken and not sensitive:
        return replace(made, seen=True, rule="implied")
    # A Patient's row is its patient key.
    if finds and facts.row == facts.patient_key and heard.strictest != DENY and not sensitive:
        return replace(made, seen=True, rule="found")
    broken, in_emergency = await _broken(connection, seen, facts)
    if broken and in_emergency is not None:
        return replace(made, seen=True, rule="break-glass", words=in_emergency.words)
    if heard.strictest == DENY:
        return replace(made, rule="denied")
    label = heard.closed or (sensitive and implied and not heard.spoken) or (sensitive and in_emergency is not None)
    return replace(made, rule="label" if label else "silent")
