"""What each grant of a person says about a record to somebody, by the very conditions of gate 2, one by one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, and_, bindparam, case, literal, or_, select

from app.consent.purposes import NUMBERS
from app.consent.tables import ANY, BUT_IDENTITY, DENY, PERMIT, SAID, consent_grant
from app.consent.visibility import matches, opens, overridden, person_of
from app.db import DatabaseConnection
from app.identity.tables import person_patient
from fhir.store.categories import Category
from fhir.store.tables import resource

EFFECTS = {PERMIT: "permit", DENY: "deny", SAID: "recorded"}

STATES = (
    *("counts", "overridden", "label", "ended", "not-begun", "purpose", "receiver", "person", "discloser", "author"),
    *("kind", "other-label", "date", "data", "recorded"),
)
"""Why a provision counts or not, the most telling first: it decides; an exception in it does; a label that it does not
open; its time; and what it is not about."""

_key = bindparam("r_patient_key", type_=BigInteger)
_row = bindparam("r_row", type_=BigInteger)
_COLUMNS = (
    *("consent", "rule", "effect", "provision", "discloser", "receiver", "recipient", "author", "purpose", "category"),
    *("needed", "begins", "ends", "data_from", "data_to"),
)


def _flag(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return case((condition, 1), else_=0)


def _asked(purpose: ColumnElement[int] | None) -> Any:
    """Return the statement of all grants of a record's person, with what gate 2 asks of each."""
    grant = consent_grant.alias("x_grant")
    how = () if purpose is None else (purpose,)
    return (
        select(
            *(grant.c[name] for name in _COLUMNS),
            _flag(matches(grant, resource, *how)),
            _flag(opens(grant, resource)),
            _flag(overridden(grant, resource, *how)),
        )
        .select_from(resource.join(grant, grant.c.person == person_of(resource)))
        .where(resource.c.patient_key == _key, resource.c.row == _row)
        .order_by(grant.c.consent, grant.c.rule)
    )


_ASKED = _asked(None)
_ASKED_IN_EMERGENCY = _asked(literal(NUMBERS["BTG"]))
_mine = select(person_patient.c.patient_key).where(
    person_patient.c.person
    == select(person_patient.c.person).where(person_patient.c.patient_key == _key).scalar_subquery()
)
_NAMES = select(resource.c.row, resource.c.id).where(
    resource.c.row.in_(
        select(consent_grant.c.consent).where(
            consent_grant.c.person
            == select(person_patient.c.person).where(person_patient.c.patient_key == _key).scalar_subquery()
        )
    ),
    or_(resource.c.patient_key.in_(_mine), and_(resource.c.patient_key < 0, resource.c.patient_key == -resource.c.row)),
)


@dataclass(frozen=True, slots=True)
class Facts:
    """The fixed columns of a record, which decisions are made by."""

    patient_key: int
    row: int
    custodian: int
    author: int
    category: int
    labels: int
    clinical_date: int


@dataclass(frozen=True, slots=True)
class Word:
    """What a provision of a Consent says about the record to who asks."""

    consent: str
    """`Consent/<id>`."""
    provision: int
    """Which of its provisions, counted from 0, each before those inside it."""
    effect: str
    """`permit`, `deny`, or `recorded`: it says no more than that the person has recorded one."""
    state: str
    """One of `STATES`."""


@dataclass(frozen=True, slots=True)
class Said:
    """All that was said."""

    strictest: int
    """PERMIT, DENY or 0: as gate 2 takes it."""
    spoken: bool
    """Whether the person has recorded any Consent."""
    closed: bool
    """Whether a permit would speak of the record but for a label that it does not open."""
    words: Sequence[Word]


def _why_not(grant: Mapping[str, Any], facts: Facts, values: Mapping[str, Any]) -> str:
    """Return why a grant does not speak of the record, or not to who asks."""
    kinds = (ANY, facts.category)
    of_kind = grant["category"] in kinds or (
        grant["category"] == BUT_IDENTITY and facts.category != int(Category.IDENTITY)
    )
    found = {
        "ended": grant["ends"] <= values["v_now"],
        "not-begun": grant["begins"] > values["v_now"],
        "purpose": grant["purpose"] not in (ANY, values["v_purpose"]),
        "receiver": grant["receiver"] not in (ANY, values["v_organisation"]),
        "person": grant["recipient"] not in (ANY, values["v_account"]),
        "discloser": grant["discloser"] not in (ANY, facts.custodian),
        "author": grant["author"] not in (ANY, facts.author),
        "kind": not of_kind,
        "other-label": facts.labels & grant["needed"] != grant["needed"],
        "date": not grant["data_from"] <= facts.clinical_date < grant["data_to"],
    }
    return next((name for name, fails in found.items() if fails), "data")


def _state(grant: Mapping[str, Any], facts: Facts, values: Mapping[str, Any]) -> str:
    if grant["effect"] == SAID:
        return "recorded"
    if not grant["matches"]:
        return _why_not(grant, facts, values)
    if grant["effect"] == PERMIT:
        return "counts" if grant["opens"] else "label"
    return "overridden" if grant["overridden"] else "counts"


async def said(
    connection: DatabaseConnection, facts: Facts, values: Mapping[str, Any], *, in_emergency: bool = False
) -> Said:
    """Return what the person's grants say about a record.

    Args:
        connection: Where to read.
        facts: The record.
        values: The values of the visibility of who asks.
        in_emergency: Whether they are asked for the purpose BTG, whatever who asks has.
    """
    key = {"r_patient_key": facts.patient_key, "r_row": facts.row}
    rows = await connection.fetch(_ASKED_IN_EMERGENCY if in_emergency else _ASKED, {**values, **key})
    names = {
        int(row): f"Consent/{id_}" for row, id_ in await connection.fetch(_NAMES, {"r_patient_key": facts.patient_key})
    }
    asked = {**values, "v_purpose": NUMBERS["BTG"]} if in_emergency else values
    strictest, closed, found = 0, False, dict[tuple[str, int, str], str]()
    for row in rows:
        grant = dict(zip((*_COLUMNS, "matches", "opens", "overridden"), row, strict=True))
        state = _state(grant, facts, asked)
        if state == "counts":
            strictest = max(strictest, grant["effect"])
        closed = closed or state == "label"
        place = names.get(grant["consent"], "Consent"), int(grant["provision"]), EFFECTS[grant["effect"]]
        found[place] = min(found.get(place, state), state, key=STATES.index)
    words = [Word(*place, state) for place, state in found.items()]
    words.sort(key=lambda word: (STATES.index(word.state), word.consent, word.provision))
    return Said(strictest, bool(rows), closed, words)
