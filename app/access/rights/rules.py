"""Who may request, grant, confirm and end rights; and which roles an organisation has."""

import re
from collections.abc import Mapping

from sqlalchemy import BigInteger, Integer, bindparam, func, select

from app.access.caller import ROLES, Caller, Role
from app.access.directory import Organisation
from app.access.enrol import Invalid
from app.access.person_tables import standing
from app.access.tables import account
from app.db import DatabaseConnection
from app.one_line import one_line
from fhir.errors import Forbidden

_CARE = ("doctor", "nurse", "pharmacist", "clerk", "patient")

ROLES_OF: Mapping[str, tuple[str, ...]] = {
    "hospital": _CARE,
    "clinic": _CARE,
    "pharmacy": _CARE,
    "secretariat": ("secretariat", "operator"),
    "audit": ("auditor",),
}
"""By the kind of an organisation: no site's clerk asks for an auditor."""

SEE_ALL: frozenset[Role] = frozenset({"secretariat", "auditor", "operator"})
"""Roles that see the rights of every organisation; a site's head and clerks see those of their own."""

LONGEST_TEXT = 500
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{1,62}[A-Za-z0-9]")

_OTHER_HEADS = (
    select(func.count())
    .select_from(account)
    .join(standing, standing.c.account == account.c.key)
    .where(
        account.c.organisation == bindparam("organisation", type_=Integer),
        account.c.name != bindparam("name"),
        account.c.disabled == 0,
        standing.c.head == 1,
        standing.c.ends > bindparam("now", type_=BigInteger),
    )
)


def checked_text(text: str, what: str, field: str = "why") -> str:
    """Return a reason or a title as it is kept.

    Raises:
        Invalid: it is empty or too long.
    """
    found = one_line(text, LONGEST_TEXT)
    if not found:
        raise Invalid(f"{what} is missing, or longer than {LONGEST_TEXT} characters", field)
    return found


def checked_name(name: str) -> str:
    """Return a new account's name.

    Raises:
        Invalid: it is not of the form.
    """
    if not _NAME.fullmatch(name):
        raise Invalid("A name has 3 to 64 letters of the alphabet, digits and . _ @ - between them", "name")
    return name


def checked_role(role: str, organisation: Organisation) -> str:
    """Return a role that an organisation of this kind has.

    Raises:
        Invalid: it has no such role.
    """
    if role not in ROLES or role not in ROLES_OF[organisation.kind]:
        raise Invalid(f"An organisation of the kind {organisation.kind} has no {role}", "role")
    return role


def sees(caller: Caller, organisation: int) -> bool:
    """Return whether the caller sees the rights of an organisation's people."""
    own = caller.organisation == organisation and (caller.head or caller.role == "clerk")
    return own or caller.role in SEE_ALL


def check_requests(caller: Caller, organisation: int) -> None:
    """Check that the caller may request rights at an organisation: its clerks and its head, and the secretariat.

    Raises:
        Forbidden: it may not.
    """
    own = caller.organisation == organisation and (caller.head or caller.role == "clerk")
    if not own and caller.role != "secretariat":
        raise Forbidden("Rights are requested by the site's clerks or head, or by the secretariat")


def check_grants(caller: Caller, requested_by: str) -> None:
    """Check that the caller may grant or refuse a request: the secretariat, but not who requested it.

    Raises:
        Forbidden: it may not.
    """
    if caller.role != "secretariat":
        raise Forbidden("Rights are granted by the secretariat")
    if caller.user == requested_by:
        raise Forbidden("Somebody else than who requested rights grants them")


async def check_confirms(
    connection: DatabaseConnection, caller: Caller, organisation: int, name: str, now: int, *, granted_by: str = ""
) -> None:
    """Check that the caller may confirm the rights of an account.

    That is the head of its organisation, who does not confirm the own rights. Where there is no other head, it is
    somebody of the secretariat who did not grant them.

    Raises:
        Forbidden: it may not.
    """
    if caller.user == name:
        raise Forbidden("Nobody confirms the own rights")
    if caller.head and caller.organisation == organisation:
        return
    values = {"organisation": organisation, "name": name, "now": now}
    heads = (await connection.fetch(_OTHER_HEADS, values))[0][0]
    if heads or caller.role != "secretariat" or caller.user == granted_by:
        raise Forbidden("Rights are confirmed by the head of the site")


async def may_confirm(
    connection: DatabaseConnection, caller: Caller, organisation: int, name: str, now: int, *, granted_by: str = ""
) -> bool:
    """Return whether the caller may confirm the rights of an account."""
    try:
        await check_confirms(connection, caller, organisation, name, now, granted_by=granted_by)
    except Forbidden:
        return False
    return True


def check_ends(caller: Caller, organisation: int) -> None:
    """Check that the caller may end somebody's rights: the head of the site, and the secretariat.

    Raises:
        Forbidden: it may not.
    """
    if not (caller.head and caller.organisation == organisation) and caller.role != "secretariat":
        raise Forbidden("Rights are ended by the head of the site or by the secretariat")
