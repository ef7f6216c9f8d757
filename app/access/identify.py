"""Gate 1: who calls, by bearer token or by session cookie. Nothing of a body is read before this.

A caller once found is kept in memory together with the access epoch; see `app.access.epoch`.
"""

import hmac
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, cast

from sqlalchemy import Select, bindparam, case, func, or_, select

from app.access.caller import Caller, Role
from app.access.certificate import certificate_of
from app.access.epoch import CURRENT
from app.access.person_tables import FOR_EVER, session_origin, standing
from app.access.scopes import parse
from app.access.tables import (
    account,
    app_grant,
    client,
    image_session,
    organisation,
    session,
    token,
    token_binding,
    token_patient,
)
from app.access.tokens import digest
from app.clock import Clock
from app.consent.break_glass.held import has_open, named, open_cases, untold_at
from app.consent.data import ARE_RECORDED
from app.db import Database
from fhir.errors import Unauthorized

COOKIE = "renkei_session"
MOST_KEPT = 10_000
"""How many callers are kept in memory."""

_EPOCH = CURRENT.scalar_subquery()
_OF_DATA = ARE_RECORDED.scalar_subquery()
_ORGANISATION = (organisation.c.key, organisation.c.slug, organisation.c.title, organisation.c.resource_id)


def _by_token() -> Select[tuple[object, ...]]:
    of_patient = func.coalesce(app_grant.c.patient_key, token_patient.c.patient_key)
    person = (account.c.key, account.c.name, account.c.title, account.c.must_change)
    return (
        select(
            *(_EPOCH, *_ORGANISATION, func.coalesce(account.c.role, client.c.role), token.c.purpose, client.c.id),
            *(token.c.ends, token.c.scope, token_binding.c.certificate, of_patient, *person),
            *(image_session.c.study, image_session.c.user, _OF_DATA, func.coalesce(standing.c.ends, FOR_EVER)),
        )
        .select_from(token)
        .join(client, client.c.key == token.c.client)
        .outerjoin(token_binding, token_binding.c.digest == token.c.digest)
        .outerjoin(token_patient, token_patient.c.digest == token.c.digest)
        .outerjoin(image_session, image_session.c.digest == token.c.digest)
        .outerjoin(app_grant, app_grant.c.key == token_binding.c.grant)
        .outerjoin(account, account.c.key == app_grant.c.account)
        .outerjoin(standing, standing.c.account == account.c.key)
        # A person acts for its own organisation, whoever made the app.
        .join(organisation, organisation.c.key == func.coalesce(account.c.organisation, client.c.organisation))
        .where(
            token.c.digest == bindparam("digest"),
            client.c.disabled == 0,
            func.coalesce(account.c.disabled, 0) == 0,
            # What belonged to a grant is nobody's once the grant is gone.
            or_(func.coalesce(token_binding.c.grant, "") == "", account.c.key.is_not(None)),
        )
    )


def _by_session() -> Select[tuple[object, ...]]:
    person = (account.c.key, account.c.name, account.c.title, account.c.must_change, session.c.used)
    more = (standing.c.head, standing.c.signed_in_before, standing.c.missed)
    nothing = [func.coalesce(column, 0) for column in more]
    factors = func.coalesce(session_origin.c.factors, "")
    # Who is told of cases: the heads of sites, and the secretariat.
    is_told = or_(standing.c.head == 1, account.c.role == "secretariat")
    return (
        select(
            *(_EPOCH, *_ORGANISATION, account.c.role, session.c.purpose, *person, session.c.ends, *nothing, factors),
            *(_OF_DATA, case((has_open(session.c.digest), 1), else_=0)),
            case((is_told, untold_at(account.c.organisation)), else_=0),
        )
        .join(account, account.c.key == session.c.account)
        .join(organisation, organisation.c.key == account.c.organisation)
        .join(standing, standing.c.account == account.c.key, isouter=True)
        .join(session_origin, session_origin.c.digest == session.c.digest, isouter=True)
        .where(session.c.digest == bindparam("digest"), account.c.disabled == 0)
    )


_BY_TOKEN, _BY_SESSION = _by_token(), _by_session()


class Locked(Unauthorized):
    """The session was left alone, or locked by its person: the password or a passkey opens it again."""


def two_factors(factors: str) -> bool:
    """Return whether what a session was begun by is two factors; a passkey with user verification is, alone."""
    return "passkey" in factors or " " in factors


class Callers:
    """Finds callers and keeps those it found.

    Args:
        database: The hub's database.
        clock: The present in microseconds.
        idle_microseconds: A session is locked after so long without a request.
        two_required: Whether a session of one factor opens nothing but the pages that add a second one.
    """

    def __init__(self, database: Database, clock: Clock, idle_microseconds: int, *, two_required: bool = False) -> None:
        self._two_required = two_required
        self._database = database
        self._clock = clock
        self._idle = idle_microseconds
        self._kept: dict[str, Caller] = {}

    def forget(self, secret: str) -> None:
        """Drop what is kept for a token or a cookie."""
        self._kept.pop(secret, None)

    def kept(self, secret: str) -> Caller | None:
        """Return the caller with this token if it is kept and has not expired."""
        caller = self._kept.get(secret)
        return caller if caller is not None and caller.ends > self._clock() else None

    def _keep(self, secret: str, caller: Caller) -> Caller:
        if len(self._kept) >= MOST_KEPT:
            self._kept.clear()
        self._kept[secret] = caller
        return caller

    async def by_token(self, secret: str, scope: Mapping[str, Any]) -> Caller:
        """Return the system, or the person through an app, that holds a bearer token.

        Args:
            secret: The token.
            scope: The ASGI scope of the request, which tells of the caller's client certificate. Few tokens are bound
                to one, and only for these is it read.

        Raises:
            Unauthorized: the token is unknown, revoked, has expired, is a link's to images, or is bound to another
                client certificate.
        """
        caller = await self._holder(secret)
        if caller.link:
            raise Unauthorized("The token is a browser's")
        if caller.certificate and not hmac.compare_digest(caller.certificate, certificate_of(scope)):
            raise Unauthorized("The token is bound to a client certificate")
        return caller

    async def by_link(self, secret: str) -> Caller:
        """Return who came by a system's link to images, and holds its token as a cookie.

        Raises:
            Unauthorized: it was nobody, or the time is over.
        """
        caller = await self._holder(secret)
        if not caller.link:
            raise Unauthorized("This is no link to images")
        return caller

    async def by_session_or_link(self, session: str, link: str) -> tuple[Caller, str]:
        """Return whose session it is, or else who came by a system's link to images; and the cookie that proved it.

        Raises:
            Unauthorized: it is neither.
        """
        if session:
            with suppress(Unauthorized):
                return await self.by_session(session), session
        return await self.by_link(link), link

    async def _holder(self, secret: str) -> Caller:
        return self.kept(secret) or await self._by_token(secret)

    async def of_token(self, secret: str) -> Caller:
        """Return who holds a bearer token, looked up anew, for whoever only asks about it.

        Raises:
            Unauthorized: as `by_token`.
        """
        self.forget(secret)
        return await self._by_token(secret)

    async def _by_token(self, secret: str) -> Caller:
        rows = await self._database.reader.fetch(_BY_TOKEN, {"digest": digest(secret)})
        if not rows or min(rows[0][8], rows[0][-1]) <= self._clock():
            raise Unauthorized("The token is unknown or has expired")
        epoch, key, slug, title, resource_id, role, purpose, client_id, ends, scope, bound, patient_key = rows[0][:12]
        account_key, name, person, change, study, named_user, of_data, leaves = rows[0][12:]
        scopes = parse(scope) if scope else None
        found = Caller(
            *(key, slug, title, f"Organization/{resource_id}", role, purpose, client_id, account_key or 0),
            # A person who leaves on a day has no rights from then on, whatever was issued before.
            *(name or named_user or "", person or "", min(ends, leaves), epoch or 0, bool(change)),
            scopes=None if scopes is None or (scopes.unrestricted and not account_key) else scopes,
            patient_key=patient_key or 0,
            of_data=bool(of_data),
            certificate=bound or "",
            link=study is not None,
            studies=tuple((study or "").split()),
        )
        return self._keep(secret, await self._in_emergency(secret, found) if purpose == "BTG" else found)

    async def _in_emergency(self, secret: str, system: Caller) -> Caller:
        """Return the person for whom a system has a token of the purpose BTG: one case is what it is good for.

        Raises:
            Unauthorized: its case is over, or there is none.
        """
        reader = self._database.reader
        cases = await open_cases(reader, digest(secret), self._clock())
        if not cases:
            raise Unauthorized("The case of break-glass that the token is for has ended")
        (opened,) = cases
        who = await named(reader, opened.number)
        return replace(
            system,
            role=cast("Role", who.role),
            user=who.user,
            user_title=who.title,
            ends=min(system.ends, opened.ends),
            patient_key=opened.patient_key,
            glass=cases,
        )

    async def by_session(self, secret: str) -> Caller:
        """Return the person whose browser holds a session cookie.

        Raises:
            Unauthorized: there is no such session, or it was ended.
            Locked: it was left alone too long.
        """
        caller, used = await self._found(secret)
        if used + self._idle <= self._clock():
            raise Locked("The session is locked")
        return caller

    async def by_locked_session(self, secret: str) -> Caller:
        """Return the person whose session this is, though it may be locked: to unlock it, and for nothing else.

        Raises:
            Unauthorized: there is no such session, or it was ended.
        """
        return (await self._found(secret))[0]

    async def _found(self, secret: str) -> tuple[Caller, int]:
        reader, holder, now = self._database.reader, digest(secret), self._clock()
        rows = await reader.fetch(_BY_SESSION, {"digest": holder, "now": now})
        if not rows or rows[0][12] <= now:
            raise Unauthorized("Please sign in")
        epoch, key, slug, title, resource_id, role, purpose, account_key, name, person, change, used, ends = rows[0][
            :13
        ]
        head, before, missed, factors, of_data, opened, untold = rows[0][13:]
        step = "password" if change else ""
        if not step and self._two_required and not two_factors(factors):
            step = "second-factor"
        caller = Caller(
            *(key, slug, title, f"Organization/{resource_id}", role, purpose, "portal", account_key, name),
            *(person, ends, epoch or 0, bool(step)),
            step=step,
            head=bool(head),
            factors=factors,
            signed_in_before=before,
            missed=missed,
            of_data=bool(of_data),
            glass=await open_cases(reader, holder, now) if opened else (),
            untold=untold,
        )
        return caller, used
