"""Saved reviews (定期的なレビュー): what is asked of the log each week or month, when it is due, and who signed for it.

A review that was done stays as it was signed: its row is only ever added. 安全管理ガイドライン 6.0 シス17④.
"""

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import BigInteger, Integer, bindparam, func, select, update

from app.access.caller import Caller
from app.access.events import by, event
from app.audit.desk.asked import Asked, asked_of, from_query
from app.audit.desk.tables import audit_review, audit_sign_off
from app.audit.desk.watch import looked_until
from app.audit.review import state
from app.clock import DAY, EPOCH, instant
from app.db import DatabaseConnection
from app.hub import Hub
from app.one_line import one_line
from app.portal.dates import moment
from fhir.errors import Conflict, InvalidValue, NotFound

EVERY = ("weekly", "monthly")
OVERLAP = 60_000_000
"""Microseconds before a sign-off that the next review shows again: a record may come a moment after its time."""

LONGEST = 1_000
"""Characters of a remark."""

LONGEST_TITLE = 100
MOST = 200
"""Reviews that go on at once."""

MOST_SHOWN = 500
"""Sign-offs on a page; the file has 10,000."""

_TURN = 0x7265_7669
"""The key of the lock under which reviews are saved and signed."""

_last = (
    select(audit_sign_off.c.review, func.max(audit_sign_off.c.until).label("until"))
    .group_by(audit_sign_off.c.review)
    .subquery("last")
)
_REVIEWS = (
    select(audit_review, func.coalesce(_last.c.until, 0), audit_sign_off.c.at, audit_sign_off.c.by_title)
    .outerjoin(_last, _last.c.review == audit_review.c.number)
    .outerjoin(audit_sign_off, (audit_sign_off.c.review == _last.c.review) & (audit_sign_off.c.until == _last.c.until))
)
_GOING_ON = _REVIEWS.where(audit_review.c.ended == 0).order_by(audit_review.c.number)
_ENDED = _REVIEWS.where(audit_review.c.ended != 0).order_by(audit_review.c.ended.desc()).limit(MOST)
_ONE = _REVIEWS.where(audit_review.c.number == bindparam("number", type_=BigInteger))
_END = (
    update(audit_review)
    .where(audit_review.c.number == bindparam("k_number", type_=BigInteger), audit_review.c.ended == 0)
    .values(ended=bindparam("n_ended", type_=BigInteger), ended_by=bindparam("n_by"))
)
_SIGNED = (
    select(
        *(audit_sign_off.c[name] for name in ("review", "until", "since", "size", "remark", "at", "by", "by_title")),
        audit_review.c.title,
    )
    .join(audit_review, audit_review.c.number == audit_sign_off.c.review)
    .order_by(audit_sign_off.c.at.desc())
    .limit(bindparam("limit", type_=Integer))
)
_SIGNED_OF = _SIGNED.where(audit_sign_off.c.review == bindparam("number", type_=BigInteger))


@dataclass(frozen=True, slots=True)
class Review:
    """A saved review, in the order of its row."""

    number: int
    title: str
    question: str
    every: str
    made: int
    made_by: str
    ended: int
    ended_by: str
    signed_until: int
    """Until when the last sign-off covers the log; 0 before the first."""
    signed_at: int | None
    signed_by: str | None

    @property
    def since(self) -> int:
        """From when on nobody has reviewed the log yet, in microseconds since 1970 UTC."""
        return self.signed_until or self.made

    @property
    def due(self) -> int:
        """When it falls due."""
        return after(self.since, self.every)

    def state(self, now: int, days: int) -> str:
        """Return `ended`, `coming`, `due`, or `overdue`: due for longer than so many days."""
        if self.ended:
            return "ended"
        if now < self.due:
            return "coming"
        return "overdue" if now >= self.due + days * DAY else "due"

    def fields(self) -> dict[str, str]:
        """Return what is asked, by the fields of the form."""
        return from_query(self.question)

    def asked(self, until: int) -> Asked:
        """Return what is asked, from the last sign-off until an instant."""
        begins = self.signed_until - OVERLAP if self.signed_until else self.made
        return asked_of(self.fields()).between(begins, until)


@dataclass(frozen=True, slots=True)
class SignOff:
    """A review that was done, in the order of its row."""

    review: int
    until: int
    since: int
    size: int
    """Records in the tree when it was signed."""
    remark: str
    at: int
    by: str
    by_title: str
    title: str
    """Of the review."""


def after(since: int, every: str) -> int:
    """Return an instant a week or a month later, in Japan's calendar; the 31st is followed by a month's last day."""
    if every == "weekly":
        return since + 7 * DAY
    begun = moment(since)
    year, month = begun.year + begun.month // 12, begun.month % 12 + 1
    _, last = monthrange(year, month)
    return (begun.replace(year=year, month=month, day=min(begun.day, last)) - EPOCH) // timedelta(microseconds=1)


def checked(text: str, longest: int, field: str) -> str:
    """Return a text of one line.

    Raises:
        InvalidValue: it is empty, too long, or has characters that are not printed.
    """
    found = one_line(text, longest)
    if not found:
        raise InvalidValue(f"The text is missing, or longer than {longest} characters", field)
    return found


async def reviews(connection: DatabaseConnection, *, ended: bool = False) -> Sequence[Review]:
    """Return the reviews that go on, the oldest first; or those that were ended, the last ended first."""
    return [Review(*row) for row in await connection.fetch(_ENDED if ended else _GOING_ON, {})]


async def review_of(connection: DatabaseConnection, number: int) -> Review:
    """Return a review.

    Raises:
        NotFound: there is none.
    """
    rows = await connection.fetch(_ONE, {"number": number})
    if not rows:
        raise NotFound("There is no such review")
    return Review(*rows[0])


async def sign_offs(
    connection: DatabaseConnection, *, number: int | None = None, limit: int = MOST_SHOWN
) -> list[SignOff]:
    """Return what was signed, of one review or of all, the newest first."""
    if number is None:
        return [SignOff(*row) for row in await connection.fetch(_SIGNED, {"limit": limit})]
    return [SignOff(*row) for row in await connection.fetch(_SIGNED_OF, {"limit": limit, "number": number})]


async def waiting(connection: DatabaseConnection, now: int) -> int:
    """Return how many reviews are due."""
    return sum(one.due <= now for one in await reviews(connection))


async def save(hub: Hub, caller: Caller, *, title: str, question: str, every: str, network: str) -> int:
    """Save a review and return its number.

    Args:
        hub: The running hub.
        caller: The auditor.
        title: What it is called.
        question: What it asks, as a query string.
        every: One of `EVERY`.
        network: The address the request came from.

    Raises:
        InvalidValue: it has no title, or there is no such schedule.
        Conflict: too many go on.
    """
    name = checked(title, LONGEST_TITLE, "title")
    if every not in EVERY:
        raise InvalidValue(f"A review comes again {' or '.join(EVERY)}", "every")
    number, now = hub.new_row(), hub.clock()
    async with hub.database.write() as connection:
        await connection.lock(_TURN)
        if len(await reviews(connection)) >= MOST:
            raise Conflict(f"At most {MOST} reviews go on: end one first")
        await connection.insert(audit_review, [(number, name, question, every, now, caller.user, 0, "")])
        text = f"Review saved, {every}: {name}: {question or 'everything'}"
        said = event(hub, "audit-review", network=network, path="/audit/reviews", **by(caller), description=text)
        await hub.audit.stage(connection, [said])
    return number


async def end(hub: Hub, caller: Caller, number: int, remark: str, *, network: str) -> None:
    """End a review: it falls due no more; what was signed stays.

    Raises:
        InvalidValue: it is not said why.
        NotFound: there is none.
        Conflict: it has ended.
    """
    why, found, now = checked(remark, LONGEST, "remark"), await review_of(hub.database.reader, number), hub.clock()
    async with hub.database.write() as connection:
        await connection.lock(_TURN)
        if not await connection.execute(_END, {"k_number": number, "n_ended": now, "n_by": caller.user}):
            raise Conflict("The review has ended already")
        text = f"Review ended: {found.title}: {why}"
        path = f"/audit/reviews/{number}"
        said = event(hub, "audit-review", network=network, path=path, **by(caller), description=text)
        await hub.audit.stage(connection, [said])


async def sign(hub: Hub, caller: Caller, number: int, *, since: int, until: int, remark: str, network: str) -> None:
    """Sign for a review: the log was looked at from the last sign-off until an instant.

    Args:
        hub: The running hub.
        caller: The auditor.
        number: The review.
        since: Where the page that was looked at began.
        until: Where it ended, in microseconds since 1970 UTC.
        remark: What was found.
        network: The address the request came from.

    Raises:
        InvalidValue: there is no remark, or the time is none that the log was looked through to.
        NotFound: there is no such review.
        Conflict: somebody else has signed meanwhile, or it has ended.
    """
    words, now = checked(remark, LONGEST, "remark"), hub.clock()
    async with hub.database.write() as connection:
        await connection.lock(_TURN)
        found = await review_of(connection, number)
        if found.ended or found.since != since:
            raise Conflict("Somebody else has signed, or ended it, meanwhile")
        if not since < until <= await looked_until(connection, now):
            raise InvalidValue("A review ends where its page did", "until")
        size = (await state(connection)).size
        row = (number, until, since, size, words, now, caller.user, caller.user_title)
        await connection.insert(audit_sign_off, [row])
        time = f"{instant(since)} to {instant(until)}"
        text = f"Review signed off: {found.title}, {time}, {size} records in the log: {words}"
        path = f"/audit/reviews/{number}"
        said = event(hub, "audit-review", network=network, path=path, **by(caller), description=text)
        await hub.audit.stage(connection, [said])
