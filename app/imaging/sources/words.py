"""How a source fails, in words: a sentence in English for programs and logs, and for each a text in the portal.

The words name the source as the operator does, never an address. The texts are `sources.why_` and the key. What is kept
of a failure is the key and the detail, so that each page says it in its own language.
"""

from collections.abc import Mapping
from typing import NamedTuple

_THIS = "The imaging source {name}"

SENTENCES: Mapping[str, str] = {
    "not_asked": f"{_THIS} fails, and is not asked for a while",
    "turns": f"{_THIS} has too many requests at once",
    "slow": f"{_THIS} does not answer in time",
    "unreachable": f"{_THIS} cannot be asked: {{detail}}",
    "untrusted": f"{_THIS} shows a certificate that is not trusted: {{detail}}",
    "untaken": f"{_THIS} does not take the hub's certificate: {{detail}}",
    "tls": f"{_THIS} cannot be spoken to by TLS: {{detail}}",
    "certificates": "The certificates for the imaging source {name} cannot be read",
    "credentials": "The credentials for the imaging source {name} cannot be read",
    "nowhere": f"{_THIS} cannot be found",
    "elsewhere": f"{_THIS} leads outside the networks that it is registered with",
    "listen": "The hub cannot wait for what the imaging source {name} sends: {detail}",
    "association": f"{_THIS} takes no association{{detail}}",
    "ends": f"{_THIS} ends the association",
    "find": f"{_THIS} refuses a C-FIND",
    "status": f"{_THIS} answers {{detail}}",
}
"""What speaks of the line to a source; what an answer lacks is said where it is read, and is not noted."""


class Said(NamedTuple):
    """What a sentence says."""

    why: str
    """The key of it."""
    detail: str


def sentence(why: str, name: str, detail: object = "") -> str:
    """Return a sentence of `SENTENCES` about a source."""
    return SENTENCES[why].format(name=name, detail=detail)


def noted(said: Said) -> str:
    """Return the text that is kept of a failure."""
    return "\n".join(said)


def read_noted(text: str) -> Said | None:
    """Return what `noted` was given; None of another text, as releases before kept it."""
    why, _, detail = text.partition("\n")
    return Said(why, detail) if why in SENTENCES else None
