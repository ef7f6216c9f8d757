"""The content tree of a structured report, of whatever kind, within bounds.

https://dicom.nema.org/medical/dicom/current/output/chtml/part03/sect_C.17.3.html
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dicom.concept import NO_CODE, Code
from dicom.reports.values import Model, code, items, text, texts

MOST_ITEMS = 20_000
"""Content items of a report that are read; a CAD report or a log may have more, and is had as it came."""

MOST_DEPTH = 32
MOST_CHARACTERS = 500_000
"""Of all texts of a report together."""

_CONCEPT, _CHILDREN, _REFERENCED = "0040A043", "0040A730", "00081199"
_TEXTS = {
    "TEXT": "0040A160",
    "DATETIME": "0040A120",
    "DATE": "0040A121",
    "TIME": "0040A122",
    "PNAME": "0040A123",
    "UIDREF": "0040A124",
    "SCOORD": "00700023",
    "SCOORD3D": "00700023",
    "TCOORD": "0040A130",
}
"""From a value type to the element that is shown of it."""


@dataclass(frozen=True, slots=True)
class Reference:
    """Another instance that an item names."""

    sop_class_uid: str
    sop_instance_uid: str
    frames: tuple[int, ...] = ()
    """Counted from 1; none means all."""


@dataclass(frozen=True, slots=True)
class Item:
    """A content item."""

    value_type: str
    relationship: str
    concept: Code
    value: str = ""
    """A text, a date, a name, a UID, or a number as it is written."""
    code: Code = NO_CODE
    """Of an item that is coded, and of a number that could not be measured."""
    unit: Code = NO_CODE
    references: tuple[Reference, ...] = ()
    items: tuple["Item", ...] = ()

    def walk(self) -> Iterator["Item"]:
        """Yield this item and all within it, in their order."""
        yield self
        for one in self.items:
            yield from one.walk()


@dataclass(frozen=True, slots=True)
class Observer:
    """Who verified a report."""

    name: str
    organization: str
    instant: str
    """YYYYMMDDHHMMSS, perhaps with more."""


@dataclass(frozen=True, slots=True)
class Report:
    """A structured report."""

    root: Item
    is_complete: bool
    is_verified: bool
    verified_by: tuple[Observer, ...]
    date: str
    """Of its content, YYYYMMDD."""
    time: str
    predecessors: tuple[str, ...]
    """SOPInstanceUIDs of reports that this one replaces."""
    is_cut: bool
    """Whether there is more than is read."""

    @property
    def title(self) -> str:
        """What it calls itself."""
        return self.root.concept.meaning or self.root.concept.value


class _Reading:
    """One report as it is read; counts what it took."""

    def __init__(self) -> None:
        self.left = MOST_ITEMS
        self.characters = MOST_CHARACTERS
        self.is_cut = False

    def item(self, model: Model, depth: int) -> Item:
        self.left -= 1
        kind = text(model, "0040A040")
        value, found_code, unit = self._value(model, kind)
        return Item(
            value_type=kind,
            relationship=text(model, "0040A010"),
            concept=code(model, _CONCEPT),
            value=value,
            code=found_code,
            unit=unit,
            references=_references(model) if kind in ("IMAGE", "COMPOSITE", "WAVEFORM") else (),
            items=self._children(model, depth),
        )

    def _children(self, model: Model, depth: int) -> tuple[Item, ...]:
        found = []
        for one in items(model, _CHILDREN):
            if self.left <= 0 or self.characters <= 0 or depth >= MOST_DEPTH:
                self.is_cut = True
                break
            found.append(self.item(one, depth + 1))
        return tuple(found)

    def _value(self, model: Model, kind: str) -> tuple[str, Code, Code]:
        if kind == "NUM":
            measured: Model = next(iter(items(model, "0040A300")), {})
            return text(measured, "0040A30A"), code(model, "0040A301"), code(measured, "004008EA")
        if kind == "CODE":
            return "", code(model, "0040A168"), NO_CODE
        # Line breaks of a text are kept as they are; a CR alone is one, too (PS3.5 6.2, UT).
        value = "\n".join(texts(model, _TEXTS[kind])).strip() if kind in _TEXTS else ""
        value = value.replace("\r\n", "\n").replace("\r", "\n")
        self.is_cut |= len(value) > self.characters
        value = value[: self.characters]
        self.characters -= len(value)
        return value, NO_CODE, NO_CODE


def _references(model: Model) -> tuple[Reference, ...]:
    found = []
    for one in items(model, _REFERENCED)[:MOST_ITEMS]:
        frames = tuple(int(each) for each in texts(one, "00081160")[:MOST_ITEMS] if each.isascii() and each.isdigit())
        found.append(Reference(text(one, "00081150"), text(one, "00081155"), frames))
    return tuple(found)


def read_report(model: Model) -> Report:
    """Return the content of a structured report.

    Args:
        model: The DICOM JSON of an instance; of one that is no report the root is empty.
    """
    reading = _Reading()
    root = reading.item(model, 0)
    observers = [
        Observer(text(one, "0040A075"), text(one, "0040A027"), text(one, "0040A030"))
        for one in items(model, "0040A073")
    ]
    return Report(
        root=root,
        is_complete=text(model, "0040A491") == "COMPLETE",
        is_verified=text(model, "0040A493") == "VERIFIED",
        verified_by=tuple(observers),
        date=text(model, "00080023"),
        time=text(model, "00080033"),
        predecessors=tuple(_named(model, "0040A360")),
        is_cut=reading.is_cut,
    )


def _named(model: Model, sequence: str) -> Iterator[str]:
    """Yield the instances of a sequence of studies (Hierarchical SOP Instance Reference, PS3.3 C.17.2.1)."""
    for study in items(model, sequence):
        for series in items(study, "00081115"):
            for one in items(series, _REFERENCED):
                yield text(one, "00081155")


def first(found: Sequence[Item], value: str) -> Item | None:
    """Return the first of some items whose concept has this code of DCM, or None."""
    return next((one for one in found if one.concept.value == value and one.concept.scheme == "DCM"), None)
