"""The DICOMDIR of files that are given out: patients, their studies, series and instances, linked by their offsets.

https://dicom.nema.org/medical/dicom/current/output/chtml/part03/chapter_F.html
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from dicom.data_set import Element
from dicom.element import element
from dicom.file_meta import file_meta
from dicom.media.encoding import number, sequence, taken_over
from dicom.media.records import INSTANCE, PATIENT, SERIES, STUDY, record_type
from dicom.part10 import Part10
from dicom.transfer_syntaxes import EXPLICIT_VR_LITTLE_ENDIAN
from dicom.values import SPECIFIC_CHARACTER_SET, text

MEDIA_STORAGE_DIRECTORY_STORAGE = "1.2.840.10008.1.3.10"

_NEXT, _IN_USE, _LOWER, _TYPE = 0x00041400, 0x00041410, 0x00041420, 0x00041430
_PRIVATE_RECORD_UID = 0x00041432
_FILE_ID, _SOP_CLASS, _SOP_INSTANCE, _TRANSFER_SYNTAX = 0x00041500, 0x00041510, 0x00041511, 0x00041512
_SEQUENCE_HEAD_BYTES = 12
_ITEM_HEAD_BYTES = 8

_MADE_UP: dict[int, tuple[str, str]] = {
    0x00080020: ("DA", ""),
    0x00080023: ("DA", "19000101"),
    0x00080030: ("TM", "000000"),
    0x00080033: ("TM", "000000"),
    0x00080050: ("SH", ""),
    0x00080060: ("CS", "OT"),
    0x00081030: ("LO", ""),
    0x00100010: ("PN", ""),
    0x00100020: ("LO", "UNKNOWN"),
    0x0040A491: ("CS", "PARTIAL"),
    0x0040A493: ("CS", "UNVERIFIED"),
    0x00420012: ("LO", "application/octet-stream"),
    0x00700080: ("CS", "UNNAMED"),
}
"""What a record says that must have an attribute, or its value, of which the file says nothing."""

_NUMBERS = {0x00200010: "SH", 0x00200011: "IS", 0x00200013: "IS"}
"""Study ID, Series Number and Instance Number: where the file has none, the record is counted."""


@dataclass(slots=True)
class _Record:
    """A record and what lies below it, by what tells the records of one level apart."""

    kind: str
    keys: dict[int, bytes]
    """Encoded elements by their tags."""
    below: dict[str, "_Record"] = field(default_factory=dict)
    offset: int = 0
    """Bytes from the start of the file."""

    def body(self, next_: int, lower: int) -> bytes:
        """Return its elements, of which the offsets are told."""
        head = (
            number(_NEXT, "UL", next_)
            + number(_IN_USE, "US", 0xFFFF)
            + number(_LOWER, "UL", lower)
            + element(_TYPE, "CS", self.kind.encode())
        )
        return head + b"".join(self.keys[tag] for tag in sorted(self.keys))


class Directory:
    """A DICOMDIR that grows with each file.

    Args:
        sop_instance_uid: Names the file-set.
        name: Its File-set ID, 16 capitals, digits or underscores at most.
    """

    def __init__(self, sop_instance_uid: str, name: str = "RENKEI") -> None:
        self._uid = sop_instance_uid
        self._name = name
        self._patients: dict[str, _Record] = {}

    def add(self, file: Part10, path: str, *, has_pixels: bool, transfer_syntax_uid: str = "") -> None:
        """List a file.

        Args:
            file: Its header; it need not go beyond the pixel data.
            path: Its place below the DICOMDIR, with `/` between components of at most eight capitals and digits.
            has_pixels: Whether it has pixel data.
            transfer_syntax_uid: How it is written where it is given out otherwise than `file` is.
        """
        say = _Saying(file)
        who = f"{say.text(0x00100020)}\n{say.text(0x00100010)}"
        patient = _below(self._patients, who, "PATIENT", lambda: say.keys(PATIENT, (0x00100010, 0x00100020)))
        count = len(patient.below) + 1
        required = (0x00080020, 0x00080030, 0x00080050, 0x00081030, 0x00200010)
        study = _below(patient.below, say.text(0x0020000D), "STUDY", lambda: say.keys(STUDY, required, count))
        count_series = len(study.below) + 1
        series = _below(
            *(study.below, say.text(0x0020000E), "SERIES"),
            lambda: say.keys(SERIES, (0x00080060, 0x00200011), count_series),
        )
        sop_class = say.text(0x00080016)
        kind = record_type(sop_class, has_pixels=has_pixels)
        tags = INSTANCE[kind]
        required_tags = tuple(tag for tag in tags if tag in _MADE_UP or tag in _NUMBERS)
        keys = say.keys(tags, required_tags, len(series.below) + 1)
        if kind == "PRIVATE":
            keys[_PRIVATE_RECORD_UID] = element(_PRIVATE_RECORD_UID, "UI", sop_class.encode())
        keys[_FILE_ID] = element(_FILE_ID, "CS", path.replace("/", "\\").encode("ascii"))
        keys[_SOP_CLASS] = element(_SOP_CLASS, "UI", sop_class.encode())
        instance = say.text(0x00080018)
        keys[_SOP_INSTANCE] = element(_SOP_INSTANCE, "UI", instance.encode())
        syntax = transfer_syntax_uid or file.transfer_syntax.uid
        keys[_TRANSFER_SYNTAX] = element(_TRANSFER_SYNTAX, "UI", syntax.encode())
        series.below[f"{instance}\n{path}"] = _Record(kind, keys)

    def encoded(self) -> bytes:
        """Return the file."""
        head = file_meta(MEDIA_STORAGE_DIRECTORY_STORAGE, self._uid, EXPLICIT_VR_LITTLE_ENDIAN)
        before = len(self._front(0, 0)) + len(head)
        place = before + _SEQUENCE_HEAD_BYTES
        for record in _walk(self._patients):
            record.offset = place
            place += _ITEM_HEAD_BYTES + len(record.body(0, 0))
        roots = list(self._patients.values())
        front = self._front(roots[0].offset if roots else 0, roots[-1].offset if roots else 0)
        records = sequence(0x00041220, _bodies(self._patients))
        return head + front + records

    def _front(self, first: int, last: int) -> bytes:
        return (
            element(0x00041130, "CS", self._name.encode())
            + number(0x00041200, "UL", first)
            + number(0x00041202, "UL", last)
            + number(0x00041212, "US", 0)
        )


class _Saying:
    """What a file says of the attributes of its records."""

    def __init__(self, file: Part10) -> None:
        self._file = file

    def text(self, tag: int) -> str:
        return text(self._file.data, self._file.data_set, tag, self._file.codecs)

    def keys(self, tags: tuple[int, ...], required: tuple[int, ...] = (), count: int = 0) -> dict[int, bytes]:
        """Return the elements of a record.

        Args:
            tags: What the record may have.
            required: What it must have, whatever the file says.
            count: Which record of its level it is, from 1.
        """
        found = {tag: self._one(tag) for tag in tags if self._has(tag)}
        for tag in required:
            if tag not in found:
                found[tag] = _made_up(tag, count)
        charset: Element | None = self._file.data_set.get(SPECIFIC_CHARACTER_SET)
        if charset is not None:
            found[SPECIFIC_CHARACTER_SET] = taken_over(self._file, charset)
        return found

    def _has(self, tag: int) -> bool:
        element_ = self._file.data_set.get(tag)
        return element_ is not None and (element_.items is not None or bool(self.text(tag)))

    def _one(self, tag: int) -> bytes:
        return taken_over(self._file, self._file.data_set[tag])


def _made_up(tag: int, count: int) -> bytes:
    if tag in _NUMBERS:
        return element(tag, _NUMBERS[tag], str(count).encode())
    vr, value = _MADE_UP[tag]
    return element(tag, vr, value.encode())


def _below(level: dict[str, _Record], key: str, kind: str, keys: Callable[[], dict[int, bytes]]) -> _Record:
    found = level.get(key)
    if found is None:
        found = level[key] = _Record(kind, keys())
    return found


def _walk(level: dict[str, _Record]) -> Iterator[_Record]:
    """Yield the records in the order in which they are written: each before what lies below it."""
    for record in level.values():
        yield record
        yield from _walk(record.below)


def _bodies(level: dict[str, _Record]) -> Iterator[bytes]:
    records = list(level.values())
    for record, next_ in zip(records, [*records[1:], None], strict=False):
        lower = next(iter(record.below.values())).offset if record.below else 0
        yield record.body(next_.offset if next_ else 0, lower)
        yield from _bodies(record.below)
