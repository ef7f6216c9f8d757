"""What a message is answered: MSH, MSA and ERR, in the mode, the characters and the separators of its sender.

HL7 v2.5, 2.9 (original and enhanced mode), 2.15; tables 0008, 0155, 0357.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from secrets import token_hex
from typing import Literal

from app.exchange.hl7v2.charset import declared, encode
from app.exchange.hl7v2.message import Hl7Error, Message, Segment
from app.exchange.hl7v2.separators import STANDARD, Separators, unescape
from app.exchange.hl7v2.write import Components, Field, Line, segment, write

Outcome = Literal["AA", "AE", "AR"]

SEQUENCE, MISSING, TYPE, TABLE = 100, 101, 102, 103
MESSAGE_TYPE, EVENT, PROCESSING, VERSION = 200, 201, 202, 203
UNKNOWN_KEY, DUPLICATE_KEY, LOCKED, INTERNAL = 204, 205, 206, 207

_WORDS = {
    SEQUENCE: "Segment sequence error",
    MISSING: "Required field missing",
    TYPE: "Data type error",
    TABLE: "Table value not found",
    MESSAGE_TYPE: "Unsupported message type",
    EVENT: "Unsupported event code",
    PROCESSING: "Unsupported processing id",
    VERSION: "Unsupported version id",
    UNKNOWN_KEY: "Unknown key identifier",
    DUPLICATE_KEY: "Duplicate key identifier",
    LOCKED: "Application record locked",
    INTERNAL: "Application internal error",
}

REJECTED = frozenset({MESSAGE_TYPE, EVENT, PROCESSING, VERSION})
"""What is wrong with a message as such, whatever it says: it is rejected (AR) where others are errors (AE)."""

CONDITIONS = frozenset({"AL", "NE", "ER", "SU"})
"""Table 0155: when an acknowledgement is wanted."""

_LONGEST_TEXT = 250
_TOKYO_HOURS = 9


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong with a message, or of which its sender should know.

    Attributes:
        code: Of table 0357.
        text: A sentence for people.
        place: Segment, its number among those of its name, field, repetition, component: as many as are known.
        severity: E, or W for what hindered nothing.
    """

    code: int
    text: str
    place: tuple[str | int, ...] = ()
    severity: Literal["E", "W"] = "E"


class Refused(Exception):
    """A message is not carried out; nothing of it was written.

    Attributes:
        problems: Why.
    """

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(one.text for one in problems))
        self.problems = problems

    @property
    def outcome(self) -> Outcome:
        """Whether it is an error or a rejection."""
        return "AR" if self.problems and self.problems[0].code in REJECTED else "AE"


def refused(code: int, text: str, *place: str | int) -> Refused:
    """Return a refusal for one reason."""
    return Refused(Problem(code, text, place))


def of_error(error: Hl7Error) -> Problem:
    """Return what a message that cannot be read has wrong."""
    found = error.finding
    place = (found.segment, found.index, found.field) if found.field else (found.segment, found.index)
    return Problem(error.code, found.text, place if found.segment else ())


@dataclass(frozen=True, slots=True)
class Answer:
    """What a message is answered with.

    Attributes:
        outcome: AA, AE or AR.
        problems: Why it is not AA, or warnings.
        kind: MSH-9 of the answer: code, event and structure; empty for an ACK.
        more: Segments that come between ERR and the end: those of an answer to a query.
    """

    outcome: Outcome
    problems: tuple[Problem, ...] = ()
    kind: tuple[str, str, str] = ("", "", "")
    more: Sequence[Line] = ()


def echoed(found: Segment | None, field: int) -> Field:
    """Return a field as it came, to be written again."""
    if found is None:
        return ""
    mark = found.separators
    parts: list[Components] = [
        tuple(_component(raw, mark) for raw in one.raw.split(mark.component)) for one in found.repetitions(field)
    ]
    return parts or ""


def _component(raw: str, separators: Separators) -> str | tuple[str, ...]:
    pieces = tuple(unescape(piece, separators) for piece in raw.split(separators.subcomponent))
    return pieces if len(pieces) > 1 else pieces[0]


def _error(problem: Problem) -> Line:
    place = tuple(str(one) for one in problem.place)
    return segment(
        "ERR",
        {
            2: place,
            3: (str(problem.code), _WORDS.get(problem.code, ""), "HL70357"),
            4: problem.severity,
            8: problem.text[:_LONGEST_TEXT],
        },
    )


def _header(message: Message | None, kind: tuple[str, ...], control_id: str, now: int) -> Line:
    """Return MSH of an answer: from whom the message was to whom it came from."""
    asked = message.header if message is not None else None
    at = datetime.fromtimestamp(now / 1_000_000 + _TOKYO_HOURS * 3600, UTC)
    fields: dict[int, Field] = {
        3: echoed(asked, 5) or "RENKEI",
        4: echoed(asked, 6),
        5: echoed(asked, 3),
        6: echoed(asked, 4),
        7: f"{at:%Y%m%d%H%M%S}+0900",
        9: kind,
        10: control_id,
        11: echoed(asked, 11) or "P",
        12: echoed(asked, 12) or "2.5",
    }
    if message is not None and message.header.raw(18):
        fields[18] = echoed(asked, 18) if message.header.repetitions(18) else ""
        fields[20] = echoed(asked, 20)
    return segment("MSH", fields)


def _charset(message: Message | None, body: bytes) -> tuple[str, str]:
    """Return the codec of an answer, and what MSH-18 says where the message said nothing."""
    names = declared(body)
    if any(name.startswith("UNICODE") or name == "UTF-8" for name in names):
        return "utf-8", ""
    if any(name.replace(" ", "") in ("ISOIR87", "ISOIR159") for name in names):
        return "iso2022_jp", ""
    if message is None or message.charset == "ascii":
        return "utf-8", "UNICODE UTF-8"
    return message.charset, ""


def written(message: Message | None, body: bytes, lines: Iterable[Line]) -> bytes:
    """Return an answer in the characters of its message.

    Args:
        message: The message that is answered; None for one that could not be read.
        body: The same as it came.
        lines: The answer's segments.
    """
    codec, said = _charset(message, body)
    found = list(lines)
    separators: Separators = message.separators if message is not None else STANDARD
    text = write(found, separators)
    if said and not text.isascii():
        header = [*found[0], *[""] * (19 - len(found[0]))]
        header[18] = said
        text = write([header, *found[1:]], separators)
    return encode(text, codec)


def _acknowledged(code: str, control_id: str, problems: Sequence[Problem]) -> list[Line]:
    return [segment("MSA", {1: code, 2: control_id}), *(_error(one) for one in problems)]


def _wanted(condition: str, *, failed: bool) -> bool:
    """Return whether an acknowledgement is wanted (table 0155); in enhanced mode one that is not named is not."""
    return condition == "AL" or (condition == "ER" and failed) or (condition == "SU" and not failed)


def answers(message: Message, body: bytes, answer: Answer, new_id: Sequence[str], now: int) -> list[bytes]:
    """Return the messages that a message is answered with, none where its sender wants none.

    Whatever the mode, nothing is answered before all is durable: an acceptance (CA) promises no less than AA.

    Args:
        message: What is answered.
        body: The same as it came.
        answer: What became of it.
        new_id: Two control ids for the answers.
        now: Microseconds since 1970 UTC.
    """
    failed, event = answer.outcome != "AA", message.header.text(9, 2)
    kind = tuple(one for one in ("ACK", event, "ACK") if one) if not answer.kind[0] else answer.kind
    # What is no condition says nothing: a sender that hears nothing by mistake would wait for ever.
    accept, apply = (text if (text := message.header.text(field)) in CONDITIONS else "" for field in (15, 16))

    def made(code: str, kind: tuple[str, ...], problems: Sequence[Problem], more: Sequence[Line], id_: str) -> bytes:
        head = _header(message, kind, id_, now)
        return written(message, body, [head, *_acknowledged(code, message.control_id, problems), *more])

    if not (accept or apply):
        return [made(answer.outcome, kind, answer.problems, answer.more, new_id[0])]
    applies = bool(answer.kind[0]) or _wanted(apply, failed=failed)
    rejected = answer.outcome == "AR"
    found = []
    if _wanted(accept, failed=failed and (rejected or not applies)):
        code = "CR" if rejected else "CE" if failed and not applies else "CA"
        found.append(made(code, ("ACK",), answer.problems if code != "CA" else (), (), new_id[0]))
    if applies and not rejected:
        found.append(made(answer.outcome, kind, answer.problems, answer.more, new_id[1]))
    return found


def unread(body: bytes, problem: Problem, control_id: str, now: int) -> bytes:
    """Return the answer to a message that could not be read, of which `control_id` may be known."""
    code = "AR" if problem.code in REJECTED or problem.code == SEQUENCE else "AE"
    head = _header(None, ("ACK",), token_hex(10), now)
    return written(None, body, [head, *_acknowledged(code, control_id, [problem])])
