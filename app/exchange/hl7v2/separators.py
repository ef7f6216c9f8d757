"""The characters that take a message apart, and the escape sequences that stand for them.

HL7 2.5 section 2.5.4 and 2.7.
"""

from dataclasses import dataclass

DELETE = '""'
"""A field of two quotation marks: what was known is to be removed."""

_ENTITY = {"F": 0, "S": 1, "R": 2, "E": 3, "T": 4}


@dataclass(frozen=True, slots=True)
class Separators:
    """The five characters that take a message apart, as MSH-1 and MSH-2 give them."""

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    subcomponent: str = "&"

    @property
    def entities(self) -> str:
        """The characters that the sequences F, S, R, E and T stand for, in this order."""
        return f"{self.field}{self.component}{self.repetition}{self.escape}{self.subcomponent}"


STANDARD = Separators()
"""As practically every message has them."""


def escape(text: str, separators: Separators = STANDARD) -> str:
    """Return a text in which no character takes the message apart."""
    if text == DELETE:
        return f"{separators.escape}X2222{separators.escape}"
    mark = separators.escape
    out = text
    if mark in out:
        out = out.replace(mark, f"{mark}E{mark}")
    for name, character in zip("FSRT", _others(separators), strict=True):
        if character in out:
            out = out.replace(character, f"{mark}{name}{mark}")
    if out.isprintable():
        return out
    return "".join(_printed(each, mark) for each in out)


def _others(separators: Separators) -> tuple[str, str, str, str]:
    return separators.field, separators.component, separators.repetition, separators.subcomponent


def _printed(character: str, mark: str) -> str:
    if character == "\n":
        return f"{mark}.br{mark}"
    return character if character >= " " else f"{mark}X{ord(character):02X}{mark}"


def unescape(raw: str, separators: Separators) -> str:
    """Return a text with its escape sequences resolved; one that is not known stays as it is written.

    HL7 2.5 section 2.7.
    """
    mark = separators.escape
    if mark not in raw:
        return raw
    pieces = raw.split(mark)
    out = [pieces[0]]
    at = 1
    while at < len(pieces):
        meant = _meant(pieces[at], separators) if at + 1 < len(pieces) else None
        if meant is None:
            out.append(mark + pieces[at])
            at += 1
        else:
            out.append(meant + pieces[at + 1])
            at += 2
    return "".join(out)


def _meant(sequence: str, separators: Separators) -> str | None:
    if sequence in _ENTITY:
        return separators.entities[_ENTITY[sequence]]
    if sequence in {".br", ".BR"}:
        return "\n"
    if sequence in {"H", "N"}:  # highlighting begins and ends
        return ""
    if sequence[:1] == "X":
        try:
            said = bytes.fromhex(sequence[1:]).decode() if sequence[1:].isalnum() else ""
        except ValueError:
            return None
        # FHIR has no other control characters; what would be one stays as it is written.
        return said if said and all(each >= " " or each in "\t\r\n" for each in said) else None
    return None
