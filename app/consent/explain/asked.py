"""A question why somebody may (not) see a record: who may ask it, about whom, about what, and as of when.

The secretariat and auditors ask about any record; the head of a site about those of its own custody. Whoever else asks
is refused before anything is looked up: the answer tells of what may be hidden.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import BigInteger, Integer, SmallInteger, Text, and_, bindparam, or_, select

from app.access.caller import ROLES, Caller, OpenCase
from app.access.sessions import PURPOSES
from app.access.tables import account, organisation
from app.consent.break_glass.tables import break_glass
from app.consent.decide import finds, implies
from app.consent.explain.past import as_of
from app.consent.explain.verdict import Explanation, explain
from app.consent.explain.words import Facts
from app.consent.purposes import NUMBERS as PURPOSE_NUMBERS
from app.db import DatabaseConnection
from app.hub import Hub
from fhir.errors import Forbidden, InvalidValue, NotFound
from fhir.search.hashing import hash64
from fhir.store.in_order import by_hash
from fhir.store.tables import resource, resource_id, resource_version
from fhir.store.types import NUMBERS

EVERY_RECORD = frozenset({"secretariat", "auditor"})
"""Roles that ask about the records of all sites."""

_COLUMNS = ("patient_key", "row", "custodian", "author", "category", "labels", "clinical_date")
_FACTS = (
    select(*(resource.c[name] for name in _COLUMNS))
    .select_from(by_hash(resource))
    .where(
        resource_id.c.hash == bindparam("hash", type_=BigInteger),
        resource.c.type == bindparam("type", type_=SmallInteger),
        resource.c.id == bindparam("id", type_=Text),
        resource.c.deleted == 0,
        or_(bindparam("every", type_=Integer) == 1, resource.c.custodian == bindparam("own", type_=Integer)),
    )
)
_FIRST = select(resource_version.c.last_updated).where(
    resource_version.c.patient_key == bindparam("patient_key", type_=BigInteger),
    resource_version.c.row == bindparam("row", type_=BigInteger),
    resource_version.c.version == 1,
)
_SITE = select(organisation.c.key, organisation.c.slug, organisation.c.title, organisation.c.resource_id).where(
    or_(organisation.c.slug == bindparam("name"), organisation.c.resource_id == bindparam("name"))
)
_BY_KEY = select(organisation.c.key, organisation.c.slug, organisation.c.title, organisation.c.resource_id).where(
    organisation.c.key == bindparam("key", type_=Integer)
)
_ACCOUNT = select(account.c.key, account.c.role, account.c.title, account.c.organisation).where(
    account.c.name == bindparam("name")
)
_CASES = select(
    *(break_glass.c[name] for name in ("number", "holder", "patient_key", "patient", "begun", "ends")),
    break_glass.c.ended,
).where(
    break_glass.c.account == bindparam("account", type_=Integer),
    and_(
        break_glass.c.begun <= bindparam("at", type_=BigInteger), break_glass.c.ends > bindparam("at", type_=BigInteger)
    ),
)


@dataclass(frozen=True, slots=True)
class Question:
    """Why somebody may, or may not, see a record."""

    record: str
    """`Type/id`."""
    organisation: str
    """Slug, or id of the Organization, of who would see; may be left out with an account."""
    account: str = ""
    """The name of a person's account."""
    role: str = ""
    """Empty for the account's, or for that of a system."""
    purpose: str = ""
    """Empty for that of the role."""
    at: int = 0
    """An instant in microseconds since 1970 UTC; 0 for now."""


def check_asks(caller: Caller) -> None:
    """Check that somebody may ask at all.

    Raises:
        Forbidden: not this caller.
    """
    if caller.role not in EVERY_RECORD and not caller.head:
        raise Forbidden("The secretariat, auditors and the heads of sites ask why somebody may see a record")


async def facts_of(connection: DatabaseConnection, asks: Caller, record: str) -> Facts:
    """Return what decides about a record.

    Raises:
        NotFound: there is none that the caller asks about.
    """
    type_name, _, id_ = record.partition("/")
    values = {
        "hash": hash64(record),
        "type": NUMBERS.get(type_name, 0),
        "id": id_,
        "every": int(asks.role in EVERY_RECORD),
        "own": asks.organisation,
    }
    rows = await connection.fetch(_FACTS, values)
    if not rows:
        raise NotFound("There is no such record that this person asks about")
    return Facts(*rows[0])


async def _account(connection: DatabaseConnection, question: Question) -> Sequence[object]:
    if not question.account:
        return (0, "system", "", 0)
    rows = await connection.fetch(_ACCOUNT, {"name": question.account})
    if not rows:
        raise InvalidValue("There is no such account", "account")
    return rows[0]


async def _cases(connection: DatabaseConnection, account_key: int, at: int) -> tuple[OpenCase, ...]:
    rows = await connection.fetch(_CASES, {"account": account_key, "at": at}) if account_key else ()
    return tuple(OpenCase(*row[:6]) for row in rows if not row[6] or row[6] > at)


async def subject_of(connection: DatabaseConnection, question: Question, at: int) -> Caller:
    """Return who would see, as a caller.

    Raises:
        InvalidValue: there is no such organisation, account, role or purpose.
    """
    key, own_role, title, site = await _account(connection, question)
    role = question.role or str(own_role)
    if role not in ROLES:
        raise InvalidValue(f"A role is one of {', '.join(ROLES)}", "role")
    purpose = question.purpose or PURPOSES.get(role, "TREAT")
    if purpose not in PURPOSE_NUMBERS:
        raise InvalidValue("The hub knows no such purpose of use", "purpose")
    name = question.organisation.removeprefix("Organization/")
    rows = list(await connection.fetch(_SITE, {"name": name})) if name else []
    if not rows and not name and site:
        rows = list(await connection.fetch(_BY_KEY, {"key": site}))
    if not rows or (site and rows[0][0] != site):
        raise InvalidValue("There is no such organisation, or the account is of another", "organization")
    place, slug, site_title, resource_id_ = rows[0]
    return Caller(
        *(place, slug, site_title, f"Organization/{resource_id_}", role, purpose, "explain"),
        *(int(str(key)), question.account, str(title)),
        glass=await _cases(connection, int(str(key)), at),
    )


async def answer(hub: Hub, asks: Caller, question: Question) -> tuple[Explanation, Facts]:
    """Return why somebody may, or may not, see a record, and what is known of the record.

    As of an earlier instant, by the versions that the person's Consents had then; who is who, the roles and the labels
    are those of now. A case of break-glass counts while it was open.

    Raises:
        Forbidden: the caller may not ask.
        NotFound: there is no such record that the caller asks about.
        InvalidValue: there is nobody like that.
    """
    check_asks(asks)
    reader, now = hub.database.reader, hub.clock()
    if question.at > now:
        raise InvalidValue("Nobody knows what will be", "at")
    facts = await facts_of(reader, asks, question.record)
    at = question.at or now
    subject = await subject_of(reader, question, at)
    implied = implies(hub.settings.consent, subject.purpose)
    found = finds(hub.settings.find_patients, subject.purpose)
    labels = hub.settings.break_glass_labels
    if not question.at:
        return await explain(reader, subject, facts, now=at, implied=implied, finds=found, glass_labels=labels), facts
    first = await reader.fetch(_FIRST, {"patient_key": facts.patient_key, "row": facts.row})
    if not first or first[0][0] > at:
        return Explanation(False, "not-yet", "", (), ()), facts

    async def then(connection: DatabaseConnection) -> Explanation:
        return await explain(connection, subject, facts, now=at, implied=implied, finds=found, glass_labels=labels)

    return await as_of(hub, facts.patient_key, at, then), facts
