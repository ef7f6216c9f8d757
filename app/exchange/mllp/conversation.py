"""What one connection says, message by message: identified, read, decided, carried out, recorded, answered."""

import asyncio
import logging
import re
from collections.abc import Awaitable, Sequence
from secrets import token_hex

from app.access.peer import Peer
from app.audit.log import AuditUnavailable
from app.audit.record import Event
from app.db import DatabaseUnavailable
from app.doors import MOST_ATTEMPTS, Door, recorded
from app.exchange.hl7v2.message import Hl7Error, Message, parse
from app.exchange.mllp import metrics
from app.exchange.mllp.acknowledge import INTERNAL, Answer, Problem, Refused, answers, of_error, refused, unread
from app.exchange.mllp.answered import Again
from app.exchange.mllp.failures import of_failure
from app.exchange.mllp.frames import FrameTooLarge
from app.exchange.mllp.kinds import Kind, check_header, kind_of, name_of
from app.exchange.mllp.source import Source, Sources
from app.exchange.mllp.visit import Visit, request_of
from app.hub import Hub
from app.records.events import events
from app.records.record import StaleCaller
from app.records.request import FhirRequest
from app.records.response import Response
from fhir.errors import FhirError

GONE = Problem(INTERNAL, "The hub cannot carry this out now; please send it again")
FAILED = Problem(INTERNAL, "The hub failed; the failure is in its log")

UNPROCESSABLE = 422
"""The HTTP status that says the same as AE and AR, for the audit log."""

LARGE_BYTES = 100_000

_CONTROL_ID = re.compile(rb"[\x21-\x7e]{1,199}")
_BEFORE_ID = 9
"""Fields of MSH before MSH-10, as they lie parted by MSH-1."""

logger = logging.getLogger(__name__)


class Stranger(Exception):
    """Nobody known is at the other end."""


class Done:
    """What became of a message, as gate 4 takes it.

    Args:
        status: The HTTP status that says the same.
        answers: The messages that it is answered with.
        outcome: AA, AE or AR; `again` for a message that was carried out before.
    """

    def __init__(self, status: int, answers: Sequence[bytes], outcome: str) -> None:
        self.status = status
        self.answers = list(answers)
        self.outcome = outcome
        self.headers: list[tuple[bytes, bytes]] = []


def stated_id(head: bytes) -> str:
    """Return the control id of a message that cannot be read, as far as its first line tells it."""
    fields = re.split(rb"[\r\n]", head, maxsplit=1)[0].split(head[3:4]) if head[:3] == b"MSH" and head[3:4] else []
    found = fields[_BEFORE_ID] if len(fields) > _BEFORE_ID else b""
    return found.decode("ascii") if _CONTROL_ID.fullmatch(found) else ""


def _answered(hub: Hub, message: Message, body: bytes, answer: Answer) -> list[bytes]:
    return answers(message, body, answer, (token_hex(10), token_hex(10)), hub.clock())


def _read(body: bytes) -> Message:
    """Return a message, taken apart.

    Raises:
        Hl7Error: it is none.
        Refused: it is one that this hub fails to read.
    """
    try:
        return parse(body)
    except Hl7Error:
        raise
    except Exception as error:
        logger.exception("A message cannot be read")
        raise Refused(FAILED) from error


async def _done(visit: Visit, carrying_out: Awaitable[Answer]) -> Done:
    """Return what became of a message; a refusal is an answer too."""
    status = 200
    try:
        answer = await carrying_out
        status = 200 if answer.outcome == "AA" else UNPROCESSABLE
    except Again as error:
        return Done(200, error.answers, "again")
    except Refused as error:
        status, answer = UNPROCESSABLE, Answer(error.outcome, error.problems)
    except Hl7Error as error:
        refusal = Refused(of_error(error))
        status, answer = UNPROCESSABLE, Answer(refusal.outcome, refusal.problems)
    except FhirError as error:
        status, answer = error.status, Answer("AE", (of_failure(error),))
    if status != 200:
        visit.request.record.disclosed.clear()
    found = visit.answered or _answered(visit.request.hub, visit.message, visit.body, answer)
    return Done(status, found, answer.outcome)


async def _tell(request: FhirRequest, status: int) -> list[Event]:
    return await events(request, request.record.disclosed, status)


def _door(visit: Visit, kind: Kind) -> Door[FhirRequest, Done]:
    """Return the door through which one message goes."""

    async def carry_out(_: FhirRequest) -> Done:
        return await _done(visit, kind.carry_out(visit))

    return Door(FhirRequest, lambda _: carry_out, _tell)


class Conversation:
    """The messages of one connection.

    Args:
        hub: The running hub.
        sources: Who may send.
        peer: Who is at the other end.
    """

    def __init__(self, hub: Hub, sources: Sources, peer: Peer) -> None:
        self._hub = hub
        self._sources = sources
        self._peer = peer

    async def known(self) -> list[Source]:
        """Return the sources that the connection may be.

        Raises:
            Stranger: it is nobody's, or was until now.
            DatabaseUnavailable: nobody knows.
        """
        found = await self._sources.of(self._peer)
        if not found:
            raise Stranger("No source of HL7 messages is known to be there")
        return found

    def too_large(self, error: FrameTooLarge) -> bytes:
        """Return the answer to a message that is too large: what its first octets say of it."""
        return unread(b"", Problem(INTERNAL, str(error)), stated_id(error.head), self._hub.clock())

    async def answers(self, body: bytes) -> list[bytes]:
        """Return the messages that a message is answered with.

        Raises:
            Stranger: the connection is nobody's any more.
        """
        message: Message | None = None
        try:
            known = await self.known()
            # A large one is taken apart while others are answered.
            message = _read(body) if len(body) < LARGE_BYTES else await asyncio.to_thread(_read, body)
            done = await self._carried_out(known, message, body)
        except Hl7Error as error:
            done = await self._refused(message, body, Refused(of_error(error)))
        except Refused as error:
            done = await self._refused(message, body, error)
        except DatabaseUnavailable as error:
            # The sender was known when it connected; it is told nothing but to come again.
            logger.warning("An HL7 message is not carried out: %s", error)
            done = Done(503, self._not_now(message, body, GONE), "AE")
        metrics.MESSAGES.labels(name_of(message), done.outcome).inc()
        return done.answers

    def _not_now(self, message: Message | None, body: bytes, problem: Problem) -> list[bytes]:
        if message is None:
            try:
                message = _read(body)
            except (Hl7Error, Refused):
                return [unread(body, problem, stated_id(body), self._hub.clock())]
        return _answered(self._hub, message, body, Answer("AE", (problem,)))

    async def _refused(self, message: Message | None, body: bytes, error: Refused) -> Done:
        """Return the refusal of what is no message for this hub, once it is on record."""
        request = request_of(self._hub, (await self.known())[0], self._peer, message)
        request.interaction, request.action = "hl7v2", "C"
        try:
            await self._hub.audit.append(await events(request, [], 400))
        except AuditUnavailable as failure:
            raise DatabaseUnavailable(str(failure)) from failure
        if message is None:
            answer = unread(body, error.problems[0], stated_id(body), self._hub.clock())
            return Done(400, [answer], "AE")
        return Done(400, _answered(self._hub, message, body, Answer(error.outcome, error.problems)), error.outcome)

    async def _carried_out(self, known: list[Source], message: Message, body: bytes) -> Done:
        """Carry a message out; what was begun under rights that have changed since is begun anew."""
        check_header(message)
        kind = kind_of(message)
        for _ in range(MOST_ATTEMPTS):
            source = _sender(known, message)
            await self._turn(source)
            request = request_of(self._hub, source, self._peer, message)
            request.interaction, request.action = kind.interaction, kind.action
            visit = Visit(request, source, message, body)

            try:
                found = await recorded(_door(visit, kind), request)
            except StaleCaller:
                known = await self.known()
                continue
            if isinstance(found, Response):
                problem = GONE if found.status == 503 else FAILED
                return Done(found.status, self._not_now(message, body, problem), "AE")
            return found
        return Done(503, self._not_now(message, body, GONE), "AE")

    async def _turn(self, source: Source) -> None:
        """Hold up a sender that is too fast: nothing more is read from it meanwhile.

        Raises:
            Refused: it has to wait too long.
        """
        if not await self._hub.limits.turn(source.caller):
            raise refused(INTERNAL, "These are too many messages; please wait")


def _sender(known: list[Source], message: Message) -> Source:
    """Return whose message it is, of the sources that the connection may be.

    Raises:
        Refused: it names another sender.
    """
    application, facility = message.header.text(3), message.header.text(4)
    named = [one for one in known if one.binding.sends_as(application, facility)]
    if named:
        # Of two of whom one asks for no name the other is meant.
        return max(named, key=lambda one: (bool(one.binding.application), bool(one.binding.facility)))
    raise refused(INTERNAL, "The sender that is named is not the one that this connection is of", "MSH", 1, 3)
