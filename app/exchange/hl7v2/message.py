"""A message of HL7 2: segments, fields, repetitions, components, subcomponents.

Lines are split when a message is read; a segment's fields when they are asked for. HL7 2.5 section 2.5 to 2.7.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from app.exchange.hl7v2.charset import Replaced, decode
from app.exchange.hl7v2.finding import Finding, Hl7Error
from app.exchange.hl7v2.separators import DELETE, STANDARD, Separators, unescape

__all__ = ["Finding", "Hl7Error", "Message", "Repetition", "Segment", "parse"]

MOST_BYTES = 10 * 1024 * 1024
"""A longer message is refused."""

MOST_SEGMENTS = 50_000
"""A message of more segments is refused."""

_NAME = re.compile(r"[A-Z][A-Z0-9]{2}")
_HEADER_BATCHES = frozenset({"FHS", "BHS"})


def _text(raw: str, subcomponent: int, separators: Separators) -> str:
    """Return the text of one subcomponent of a component; spaces around it are padding."""
    if separators.subcomponent in raw:
        parts = raw.split(separators.subcomponent)
        raw = parts[subcomponent - 1] if subcomponent <= len(parts) else ""
    elif subcomponent > 1:
        return ""
    if raw == DELETE:
        return ""
    return (unescape(raw, separators) if separators.escape in raw else raw).strip()


class Repetition:
    """One repetition of a field: its components."""

    __slots__ = ("_components", "raw", "separators")

    def __init__(self, raw: str, separators: Separators) -> None:
        self.raw = raw
        self.separators = separators
        self._components: list[str] | None = None

    def text(self, component: int = 1, subcomponent: int = 1) -> str:
        """Return the text of a subcomponent, counted from 1; empty where there is none, or it is to be deleted."""
        components = self._components
        if components is None:
            components = self._components = self.raw.split(self.separators.component)
        if component > len(components):
            return ""
        raw = components[component - 1]
        return _text(raw, subcomponent, self.separators) if raw else ""

    def whole(self) -> str:
        """Return the text of all components: of a type without components, in which their separator may stand."""
        return unescape(self.raw, self.separators)

    def __bool__(self) -> bool:
        """Whether it says anything."""
        said = self.raw.strip(f'{self.separators.component}{self.separators.subcomponent}" \u3000')
        if self.separators.escape in said:
            return bool(self.shown())
        return bool(said)

    def shown(self) -> str:
        """Return the texts of all components in one line: of a value that has not the form it should have."""
        parts = self.raw.replace(self.separators.subcomponent, self.separators.component)
        texts = (_text(part, 1, self.separators) for part in parts.split(self.separators.component))
        return " ".join(text for text in texts if text)

    def __repr__(self) -> str:
        return f"Repetition({self.raw!r})"


class Segment:
    """One line of a message."""

    __slots__ = ("_fields", "index", "line", "name", "separators")

    def __init__(self, name: str, index: int, line: str, separators: Separators) -> None:
        self.name = name
        self.index = index
        self.line = line
        self.separators = separators
        self._fields: list[str] | None = None

    @property
    def fields(self) -> list[str]:
        """The fields as they are written; the first is the segment's name, so that `fields[3]` is field 3."""
        if self._fields is None:
            self._fields = self.line.split(self.separators.field)
            if self.name == "MSH":
                self._fields.insert(1, self.separators.field)
        return self._fields

    def raw(self, field: int) -> str:
        """Return a field as it is written; empty where there is none."""
        fields = self._fields
        if fields is None:
            fields = self.fields
        return fields[field] if field < len(fields) else ""

    def text(self, field: int, component: int = 1, subcomponent: int = 1, repetition: int = 1) -> str:
        """Return a text, all counted from 1; empty where there is none, and where it is to be deleted."""
        raw = self.raw(field)
        if not raw or (field <= 2 and self.name == "MSH"):  # the separators are not split by themselves
            return raw
        separators = self.separators
        if separators.repetition in raw:
            found = raw.split(separators.repetition)
            raw = found[repetition - 1] if repetition <= len(found) else ""
        elif repetition > 1:
            return ""
        if separators.component in raw:
            parts = raw.split(separators.component, component)
            raw = parts[component - 1] if component <= len(parts) else ""
        elif component > 1:
            return ""
        return _text(raw, subcomponent, separators) if raw else ""

    def repetitions(self, field: int) -> list[Repetition]:
        """Return the repetitions of a field that say something."""
        raw = self.raw(field)
        if not raw:
            return []
        separators = self.separators
        if separators.repetition not in raw:
            one = Repetition(raw, separators)
            return [one] if one else []
        found = (Repetition(each, separators) for each in raw.split(separators.repetition))
        return [each for each in found if each]

    def deletes(self, field: int) -> bool:
        """Return whether a field says that what was known is to be removed."""
        return self.raw(field) == DELETE

    def finding(self, field: int, text: str) -> Finding:
        """Return something to be said about a field."""
        return Finding(self.name, self.index, field, text)

    def error(self, field: int, text: str, *, code: int = 102) -> Hl7Error:
        """Return why the message cannot be taken for the sake of this field; 102 is a data type error."""
        return Hl7Error(self.name, self.index, field, text, code=code)

    def __repr__(self) -> str:
        return f"Segment({self.line!r})"


@dataclass(frozen=True, slots=True)
class Message:
    """A message, taken apart."""

    segments: tuple[Segment, ...]
    separators: Separators
    charset: str
    """By which its bytes were read; see `Decoded.charset`."""
    findings: tuple[Finding, ...]
    replaced: tuple[Replaced, ...]
    named: dict[str, tuple[Segment, ...]]
    """The segments of each name."""

    def first(self, name: str) -> Segment | None:
        """Return the first segment of a name."""
        found = self.named.get(name)
        return found[0] if found else None

    def all(self, name: str) -> tuple[Segment, ...]:
        """Return the segments of a name."""
        return self.named.get(name, ())

    def required(self, name: str) -> Segment:
        """Return the first segment of a name.

        Raises:
            Hl7Error: There is none (100, segment sequence error).
        """
        found = self.first(name)
        if found is None:
            raise Hl7Error(name, 1, 0, "the segment is missing", code=100)
        return found

    @property
    def header(self) -> Segment:
        """MSH."""
        return self.segments[0]

    @property
    def kind(self) -> str:
        """The code and the event of MSH-9: `ADT^A08`; the code alone where there is no event."""
        code, event = self.header.text(9, 1), self.header.text(9, 2)
        return f"{code}^{event}" if event else code

    @property
    def control_id(self) -> str:
        """MSH-10."""
        return self.header.text(10)

    def groups(self, *starts: str) -> Iterator[list[Segment]]:
        """Yield each segment that begins a group, with those after it; those before the first are left out.

        Args:
            starts: The names of which each begins a group, whatever came before.
        """
        group: list[Segment] = []
        for segment in self.segments:
            if segment.name in starts:
                if group:
                    yield group
                group = [segment]
            elif group:
                group.append(segment)
        if group:
            yield group


def parse(body: bytes) -> Message:
    """Return a message, taken apart.

    Args:
        body: As received, without the bytes of a frame.

    Returns:
        The message. Lines that are no segments, and bytes that are no characters, are told in its findings.

    Raises:
        Hl7Error: It is empty, too large, does not begin with a header, or is a batch.
    """
    if len(body) > MOST_BYTES:
        raise Hl7Error("MSH", 1, 0, f"the message has {len(body)} bytes, more than {MOST_BYTES}")
    decoded = decode(body)
    return _parsed(decoded.text, decoded.charset, decoded.replaced)


def _parsed(text: str, charset: str, replaced: tuple[Replaced, ...]) -> Message:
    if not text.strip():
        raise Hl7Error("MSH", 1, 0, "the message is empty", code=100)
    separators = _separators(text)
    lines = text.replace("\r\n", "\r").split("\r") if "\r" in text else text.split("\n")
    if len(lines) > MOST_SEGMENTS:
        raise Hl7Error("MSH", 1, 0, f"the message has {len(lines)} lines, more than {MOST_SEGMENTS}")
    findings = [
        Finding("", 0, 0, f"the bytes {each.bytes.hex()} at {each.offset} are no characters") for each in replaced
    ]
    named: dict[str, list[Segment]] = {}
    segments: list[Segment] = []
    for number, each in enumerate(lines, start=1):
        line = each.strip("\n")
        name = line[:3]
        if not _is_segment(line, separators.field):
            if line.strip("\x00\x0b\x1a\x1c \t"):
                findings.append(Finding("", number, 0, f"the line is no segment: {line[:40]!r}"))
            continue
        same = named.setdefault(name, [])
        segment = Segment(name, len(same) + 1, line, separators)
        same.append(segment)
        segments.append(segment)
    return Message(
        tuple(segments),
        separators,
        charset,
        tuple(findings),
        replaced,
        {name: tuple(found) for name, found in named.items()},
    )


def _is_segment(line: str, field: str) -> bool:
    return line[3:4] == field and len(line) > 4 and _NAME.fullmatch(line, 0, 3) is not None


def _separators(text: str) -> Separators:
    name = text[:3]
    if name in _HEADER_BATCHES:
        raise Hl7Error(name, 1, 0, "a batch of messages is not taken; send each message by itself", code=200)
    if name != "MSH":
        raise Hl7Error("MSH", 1, 0, f"the message begins with {name!r}, not with MSH", code=100)
    field = text[3:4]
    encoding = re.split(rf"[{re.escape(field)}\r\n]" if field else r"[\r\n]", text[4:14], maxsplit=1)[0]
    found = field + encoding
    if len(found) < 4 or len(set(found)) != len(found) or any(each.isalnum() or each.isspace() for each in found):
        raise Hl7Error("MSH", 1, 2, f"{found!r} are not the characters that take a message apart", code=102)
    return STANDARD if found == STANDARD.entities else Separators(*found[:5])
