"""Gate 2: what a caller may see, as a condition on any table that carries the fixed columns.

A row exists for the caller when the caller's role may see its category, and one of these holds: it is the caller's
own, it is the directory's, a grant permits it and none denies it, or it is opened by break-glass. No grant speaks of a
row that belongs to several patients: it is disclosed to no other site, whatever each of them permits. Inside one
Consent a deeper provision is an exception to the one around it; between Consents the denial wins. Labels are withheld
unless a permit opens them.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Integer,
    SmallInteger,
    and_,
    bindparam,
    case,
    exists,
    false,
    func,
    literal,
    or_,
    select,
)

from app.access.epoch import CURRENT
from app.consent.break_glass.opens import GlassLabels, behind_glass
from app.consent.data import of_data
from app.consent.purposes import NUMBERS as PURPOSES
from app.consent.tables import ANY, BUT_IDENTITY, DENY, PERMIT, consent_grant
from app.identity.tables import person_patient
from fhir.store.categories import Category
from fhir.store.labels import SENSITIVE, UNDELIVERED, UNKNOWN
from fhir.store.tables import NO_PATIENT
from fhir.store.types import NUMBERS as TYPES

EVERY_CATEGORY = sum(1 << category for category in Category)
"""The mask of all categories."""

_organisation = bindparam("v_organisation", type_=Integer)
_account = bindparam("v_account", type_=Integer)
_purpose = bindparam("v_purpose", type_=SmallInteger)
_categories = bindparam("v_categories", type_=BigInteger)
_everywhere = bindparam("v_everywhere", type_=BigInteger)
_now = bindparam("v_now", type_=BigInteger)
_sensitive = literal(SENSITIVE, BigInteger)
_undelivered = literal(UNDELIVERED, BigInteger)
_epoch = bindparam("v_epoch", type_=BigInteger)


def _in_set(mask: ColumnElement[int], alias: FromClause) -> ColumnElement[bool]:
    """Return whether the bit of the row's category is set in `mask`."""
    return mask.op(">>")(alias.c.category.cast(Integer)).op("&")(1) == 1


def matches(
    grant: FromClause, alias: FromClause, purpose: ColumnElement[int] = _purpose, *, data: bool = True
) -> ColumnElement[bool]:
    """Return whether `grant` speaks of the row and of the caller, now, for a purpose: the caller's.

    Without `data` no grant is about single resources, and none is asked whether it is about this one.
    """
    return and_(
        grant.c.discloser.in_([ANY, alias.c.custodian]),
        grant.c.receiver.in_([ANY, _organisation]),
        grant.c.recipient.in_([ANY, _account]),
        grant.c.author.in_([ANY, alias.c.author]),
        grant.c.purpose.in_([ANY, purpose]),
        or_(
            grant.c.category.in_([ANY, alias.c.category]),
            and_(grant.c.category == BUT_IDENTITY, alias.c.category != int(Category.IDENTITY)),
        ),
        alias.c.labels.op("&")(grant.c.needed) == grant.c.needed,
        grant.c.begins <= _now,
        grant.c.ends > _now,
        grant.c.data_from <= alias.c.clinical_date,
        grant.c.data_to > alias.c.clinical_date,
        of_data(grant, alias) if data else grant.c.data == ANY,
    )


def opens(grant: FromClause, alias: FromClause) -> ColumnElement[bool]:
    """Return whether a permit opens each of the row's sensitive labels."""
    closed = alias.c.labels.op("&")(_sensitive)
    return closed.op("&")(grant.c.opened) == closed


def person_of(alias: FromClause) -> ColumnElement[int]:
    """Return the person of the row: one value, so that grants are always looked up by it and never the other way."""
    link = person_patient.alias()
    person = select(link.c.person).where(link.c.patient_key == alias.c.patient_key)
    return person.correlate_except(link).scalar_subquery()


def overridden(
    grant: FromClause, alias: FromClause, purpose: ColumnElement[int] = _purpose, *, data: bool = True
) -> ColumnElement[bool]:
    """Return whether an exception inside the provision of a denial permits the row."""
    exception = consent_grant.alias()
    found = exists().where(
        exception.c.person == grant.c.person,
        exception.c.consent == grant.c.consent,
        exception.c.rule > grant.c.rule,
        exception.c.rule <= grant.c.last,
        exception.c.depth > grant.c.depth,
        exception.c.effect == PERMIT,
        opens(exception, alias),
        matches(exception, alias, purpose, data=data),
    )
    # Two levels down, SQLAlchemy correlates only with the next; `alias` would be read anew, as any row at all.
    return found.correlate_except(exception)


def strictest(alias: FromClause, purpose: ColumnElement[int] = _purpose, *, data: bool = True) -> ColumnElement[int]:
    """Return the strictest word of the person's grants about the row: PERMIT, DENY, or 0 when none says anything.

    A permit must open each of the row's sensitive labels; a denial holds unless an exception inside its own provision
    permits the row. All grants of the person are looked at once: this is asked of every row that a query comes by.
    """
    grant = consent_grant.alias()
    # Each word on a level of its own: SQLite's parser has a low ceiling, and this is asked at the end of every chain.
    word = func.max(
        case(
            (and_(grant.c.effect == PERMIT, opens(grant, alias)), PERMIT),
            (grant.c.effect != DENY, 0),
            (overridden(grant, alias, purpose, data=data), 0),
            else_=DENY,
        )
    )
    speaks = matches(grant, alias, purpose, data=data)
    found = select(func.coalesce(word, 0)).where(grant.c.person == person_of(alias), speaks)
    return found.correlate_except(grant).scalar_subquery()


def _is_found(alias: FromClause) -> ColumnElement[bool]:
    """Return whether the row is a Patient without a sensitive label: who is found where nobody refuses it."""
    if "type" not in alias.c:
        return false()
    return and_(alias.c.type == TYPES["Patient"], alias.c.labels.op("&")(_sensitive) == 0)


def _disclosed(alias: FromClause, *, data: bool, finds: bool) -> ColumnElement[bool]:
    """Return whether a grant permits the row and none denies it; of who is found, whether none denies it."""
    said = strictest(alias, data=data)
    if not finds:
        return said == PERMIT
    return said.between(case((_is_found(alias), 0), else_=PERMIT), PERMIT)


def _broken(alias: FromClause, labels: GlassLabels, *, data: bool) -> ColumnElement[bool]:
    """Return whether break-glass opens the row: to a case that is open, where no grant denies the purpose BTG.

    What has a sensitive label stays withheld unless a grant permits it for BTG, or the region shows labels; and what
    has one that the hub does not know always does.
    """
    closed = literal(SENSITIVE if labels == "withheld" else UNKNOWN, BigInteger)
    silent = case((alias.c.labels.op("&")(closed) == 0, 0), else_=PERMIT)
    said = strictest(alias, literal(PURPOSES["BTG"]), data=data).in_([PERMIT, silent])
    return and_(behind_glass(alias, person_of(alias), _now), said)


def _unspoken(alias: FromClause) -> ColumnElement[bool]:
    """Return whether the person has recorded no Consent and the row has no sensitive label: an implied region."""
    link, grant = person_patient.alias(), consent_grant.alias()
    spoken = exists().where(link.c.patient_key == alias.c.patient_key, grant.c.person == link.c.person)
    return and_(~spoken, alias.c.labels.op("&")(_sensitive) == 0)


@dataclass(frozen=True, slots=True)
class CallerVisibility:
    """What one caller may see at one instant."""

    values: Mapping[str, Any]
    implied: bool
    of_data: bool
    """Whether there may be grants about single resources: only then are they asked about."""
    finds: bool = False
    """Whether Patients of other sites are found whose persons do not refuse it."""
    glass: GlassLabels | None = None
    """What a case of break-glass shows of sensitive labels; None when none is open."""

    @property
    def shape(self) -> Hashable:
        """Everything that changes the SQL itself."""
        return ("caller", self.implied, self.of_data, self.finds, self.glass)

    def condition(self, alias: FromClause) -> ColumnElement[bool]:
        """Return the condition under which a row of `alias` exists for the caller."""
        permitted = _disclosed(alias, data=self.of_data, finds=self.finds)
        if self.implied:
            permitted = or_(permitted, _unspoken(alias))
        if self.glass is not None:
            permitted = or_(permitted, _broken(alias, self.glass, data=self.of_data))
        directory = and_(alias.c.patient_key == NO_PATIENT, alias.c.category == int(Category.DIRECTORY))
        disclosed = and_(
            alias.c.patient_key > NO_PATIENT,
            alias.c.labels.op("&")(_undelivered) == 0,
            permitted,
        )
        return and_(
            CURRENT.scalar_subquery() == _epoch,
            _in_set(_categories, alias),
            or_(alias.c.custodian == _organisation, directory, _in_set(_everywhere, alias), disclosed),
        )


def visibility(
    *,
    organisation: int,
    account: int,
    purpose: int,
    categories: int,
    everywhere: int,
    now: int,
    epoch: int,
    implied: bool,
    of_data: bool = True,
    finds: bool = False,
    glass: tuple[bytes, GlassLabels] | None = None,
) -> CallerVisibility:
    """Return what a caller may see.

    Args:
        organisation: Key of the caller's organisation.
        account: Key of the person's account; a number that no grant holds for a system.
        purpose: Number of the purpose of use.
        categories: The categories that the role may see, a bit each.
        everywhere: The categories that the role sees of every site, without a grant.
        now: The present in microseconds since 1970 UTC.
        epoch: The access epoch in which the caller was found; once it has grown, nothing is visible.
        implied: Whether a person without a Consent counts as permitting.
        of_data: Whether there may be grants about single resources in this epoch.
        finds: Whether Patients of other sites are found whose persons do not refuse it.
        glass: Of a caller for whom a case of break-glass is open: the digest that it is open for, and whether it shows
            sensitive labels.
    """
    values: dict[str, Any] = {
        "v_organisation": organisation,
        "v_account": account,
        "v_purpose": purpose,
        "v_categories": categories,
        "v_everywhere": everywhere,
        "v_now": now,
        "v_epoch": epoch,
    }
    if glass is None:
        return CallerVisibility(values, implied, of_data, finds)
    return CallerVisibility(values | {"v_glass": glass[0]}, implied, of_data, finds, glass[1])


@dataclass(frozen=True, slots=True)
class Everything:
    """The visibility of the hub itself: its jobs, its index, and the laws' all-seeing caller."""

    values: Mapping[str, Any]
    shape: Hashable = "everything"

    def condition(self, alias: FromClause) -> ColumnElement[bool]:
        """Return a condition that holds for every row."""
        return alias.c.custodian.is_not(None)


EVERYTHING_VISIBLE = Everything({})
