"""Which messages are carried out, and by what; a new one is a line here. IHE ITI TF-2, JAHIS, SS-MIX2."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from app.exchange.hl7v2.message import Message
from app.exchange.mllp.acknowledge import (
    EVENT,
    MESSAGE_TYPE,
    MISSING,
    PROCESSING,
    TYPE,
    VERSION,
    Answer,
    Refused,
    refused,
)
from app.exchange.mllp.feed import feed
from app.exchange.mllp.link import link, unlink
from app.exchange.mllp.merge import change_number, merge
from app.exchange.mllp.pdq import cancel, find_candidates
from app.exchange.mllp.pix import corresponding_ids
from app.exchange.mllp.records import records
from app.exchange.mllp.visit import Visit

LONGEST_ID = 199
"""Characters of MSH-10, as in HL7 v2.7."""


class Kind(NamedTuple):
    """A kind of message: the interaction by which the audit log knows it, its action, and what carries it out."""

    interaction: str
    action: str
    carry_out: Callable[[Visit], Awaitable[Answer]]


_IDENTITY = Kind("iti-8", "U", feed)
_MANAGEMENT = Kind("iti-30", "U", feed)
_ENCOUNTER = Kind("iti-31", "U", feed)
_RECORDS = Kind("hl7v2", "C", records)

_ENCOUNTERS = (
    *("A02", "A03", "A06", "A07", "A11", "A12", "A13", "A14", "A15", "A16", "A21", "A22", "A25", "A26", "A27"),
    *("A52", "A53", "A54", "A55"),
)

KINDS: dict[str, Kind] = {
    **dict.fromkeys(("ADT^A01", "ADT^A04", "ADT^A05", "ADT^A08"), _IDENTITY),
    "ADT^A40": Kind("iti-8", "U", merge),
    **dict.fromkeys(("ADT^A28", "ADT^A31"), _MANAGEMENT),
    "ADT^A47": Kind("iti-30", "U", change_number),
    "ADT^A24": Kind("iti-30", "U", link),
    "ADT^A37": Kind("iti-30", "U", unlink),
    **{f"ADT^{event}": _ENCOUNTER for event in _ENCOUNTERS},
    "ADT^A60": _RECORDS,
    **dict.fromkeys(
        ("ORU^R01", "OUL^R22", "RDE^O11", "RAS^O17", "OMG^O19", "OML^O33", "OMI^Z23", "PPR^ZD1", "OMD^O03"), _RECORDS
    ),
    "QBP^Q23": Kind("iti-9", "E", corresponding_ids),
    "QBP^Q22": Kind("iti-21", "E", find_candidates),
    "QCN^J01": Kind("iti-21", "E", cancel),
}
"""By MSH-9."""

_CODES = frozenset(kind.partition("^")[0] for kind in KINDS)


def check_header(message: Message) -> None:
    """Refuse a message whose header lacks what an answer needs, or says that it is none for this hub.

    Raises:
        Refused: it is one.
    """
    header = message.header
    for field, what in ((9, "the type of the message"), (10, "its control id"), (11, "its processing id")):
        if not header.text(field):
            raise refused(MISSING, f"MSH-{field}, {what}, is missing", "MSH", 1, field)
    if len(header.text(10)) > LONGEST_ID or not header.text(10).isprintable():
        raise refused(TYPE, f"A control id has at most {LONGEST_ID} characters, all printable", "MSH", 1, 10)
    if header.text(11) != "P":
        raise refused(PROCESSING, "Only messages of production (P) are taken here", "MSH", 1, 11)
    if not header.text(12).startswith("2."):
        raise refused(VERSION, "Versions 2.1 to 2.9 are read", "MSH", 1, 12)


def kind_of(message: Message) -> Kind:
    """Return what carries a message out.

    Raises:
        Refused: it is of no kind that is carried out.
    """
    found = KINDS.get(message.kind)
    if found is not None:
        return found
    if message.header.text(9) in _CODES:
        raise _no_kind(EVENT, message, 2)
    raise _no_kind(MESSAGE_TYPE, message, 1)


def _no_kind(code: int, message: Message, component: int) -> Refused:
    return refused(code, f"{message.kind[:40]} is not carried out here", "MSH", 1, 9, 1, component)


def name_of(message: Message | None) -> str:
    """Return the name of a message's kind for the metrics: one of few."""
    return message.kind if message is not None and message.kind in KINDS else "other"
