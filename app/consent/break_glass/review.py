"""The review of a case: a verdict at each site whose records it opened, with questions and answers before it.

The head of the site, or the secretariat, closes it. Nobody reviews the own case, and nothing that was said is removed.
"""

from collections.abc import Awaitable, Callable

from sqlalchemy import BigInteger, Integer, Text, bindparam, update

from app.access.caller import Caller
from app.access.events import by, event
from app.consent.break_glass.cases import Listed, Told
from app.consent.break_glass.tables import (
    ANSWERED,
    ASKED,
    JUSTIFIED,
    NOT_JUSTIFIED,
    WAITING,
    break_glass_remark,
    break_glass_site,
)
from app.db import WriteConnection
from app.hub import Hub
from app.one_line import one_line
from fhir.errors import Conflict, Forbidden, InvalidValue

VERDICTS = (JUSTIFIED, NOT_JUSTIFIED)
LONGEST = 1_000
"""Characters of a remark."""

_key = (
    break_glass_site.c.number == bindparam("k_number", type_=BigInteger),
    break_glass_site.c.organisation == bindparam("k_organisation", type_=Integer),
)
_SEE = (
    update(break_glass_site)
    .where(*_key, break_glass_site.c.seen == 0)
    .values(seen=bindparam("n_at", type_=BigInteger), seen_by=bindparam("n_by", type_=Text))
)
_SET = (
    update(break_glass_site)
    .where(*_key, break_glass_site.c.state == bindparam("k_state", type_=Text))
    .values(state=bindparam("n_state", type_=Text), changed=bindparam("n_at", type_=BigInteger))
)


def is_own(caller: Caller, listed: Listed) -> bool:
    """Return whether it is the caller's own case: by account, or by the name that a system told."""
    case = listed.case
    return case.is_of(caller) or (bool(case.user) and case.user == caller.user)


def may_review(caller: Caller, listed: Listed, told: Told) -> bool:
    """Return whether a person may give a verdict at a site: its head, and the secretariat; nobody on the own case."""
    if is_own(caller, listed) or listed.case.organisation == caller.organisation or not told.waits:
        return False
    return caller.role == "secretariat" or (caller.head and caller.organisation == told.organisation)


def may_answer(caller: Caller, listed: Listed, told: Told) -> bool:
    """Return whether a person may answer what a site asked: who broke the glass, and the head of that person's site."""
    asked = told.state == ASKED
    return asked and (is_own(caller, listed) or (caller.head and caller.organisation == listed.case.organisation))


def _next(act: str, caller: Caller, listed: Listed, told: Told) -> str:
    """Return the state after an act.

    Raises:
        Forbidden: it is not the caller's to do.
        InvalidValue: there is no such act.
    """
    if act == "answer":
        allowed, state = may_answer(caller, listed, told), ANSWERED
    elif act == "ask" or act in VERDICTS:
        allowed, state = may_review(caller, listed, told), ASKED if act == "ask" else act
    else:
        raise InvalidValue(f"An act is one of ask, answer, {', '.join(VERDICTS)}", "act")
    if not allowed:
        raise Forbidden("This is not this person's to decide")
    return state


async def see(connection: WriteConnection, listed: Listed, caller: Caller, now: int) -> None:
    """Note that somebody of an organisation that was told has looked at a case."""
    values = {"k_number": listed.case.number, "k_organisation": caller.organisation}
    await connection.execute(_SEE, values | {"n_at": now, "n_by": caller.user})


async def act(
    hub: Hub,
    caller: Caller,
    listed: Listed,
    told: Told,
    what: str,
    words: str,
    *,
    network: str,
    path: str,
    beside: Callable[[WriteConnection], Awaitable[None]] | None = None,
) -> None:
    """Ask, answer, or close a case at a site.

    Args:
        hub: The running hub.
        caller: Who does it.
        listed: The case.
        told: The site at which it is done.
        what: `ask`, `answer`, or a verdict.
        words: The remark.
        network: The address the request came from.
        path: The form's address.
        beside: Writes what belongs to it into the same transaction.

    Raises:
        Forbidden: it is not the caller's to do.
        InvalidValue: there is no such act, or nothing is said.
        Conflict: somebody else was quicker.
    """
    state, text = _next(what, caller, listed, told), one_line(words, LONGEST)
    if not text:
        raise InvalidValue(f"The remark is missing, or longer than {LONGEST} characters", "remark")
    now, number = hub.clock(), listed.case.number
    async with hub.database.write() as connection:
        await see(connection, listed, caller, now)
        values = {"k_number": number, "k_organisation": told.organisation, "k_state": told.state}
        if told.state not in WAITING or not await connection.execute(_SET, values | {"n_state": state, "n_at": now}):
            raise Conflict("Somebody else has decided meanwhile")
        row = (number, told.organisation, now, what, text, caller.user, caller.user_title)
        await connection.insert(break_glass_remark, [row])
        case = listed.case
        description = f"Case {number} at {told.title}: {what}: {text}"
        record = event(hub, "break-glass-review", network=network, path=path, **by(caller), description=description)
        record = record._replace(patient=f"Patient/{case.patient}", patient_key=case.patient_key)
        if beside is not None:
            await beside(connection)
        await hub.audit.stage(connection, [record])
