"""How a source fails, in words: English for programs and logs, from which pages find their own language's again.

The words name the source as the operator does, never an address. Each has a text in the portal,
`sources.why_` and its key.
"""

import re
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
    """A sentence taken apart."""

    why: str
    """The key of it."""
    detail: str


def said(why: str, name: str, detail: object = "") -> str:
    """Return a sentence of `SENTENCES` about a source."""
    return SENTENCES[why].format(name=name, detail=detail)


def _pattern(sentence: str) -> re.Pattern[str]:
    text = re.escape(sentence).replace(r"\{name\}", "(?P<name>.{1,64}?)").replace(r"\{detail\}", "(?P<detail>.*)")
    return re.compile(text, re.DOTALL)


_PATTERNS = {why: _pattern(sentence) for why, sentence in SENTENCES.items()}


def taken_apart(text: str) -> Said | None:
    """Return which sentence a text is; None when it is none of them."""
    for why, pattern in _PATTERNS.items():
        found = pattern.fullmatch(text)
        if found:
            return Said(why, found.groupdict().get("detail") or "")
    return None
