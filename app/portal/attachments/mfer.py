"""A waveform file, MFER: its definitions in the order they stand, each a tag, a length and a value.

ISO 22077-1 (HS028 of Japan): what is read is the frame (channels, blocks, sequences, types of data), the sampling, the
leads and the person; values, events and compressed data are not, and are had by saving the file.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from app.portal.attachments.markup import Unreadable
from app.portal.attachments.subject import Told

MOST_CHANNELS = 64
MOST_DEFINITIONS = 20_000
MOST_SECONDS = 10.0
"""Of the waveform that is read."""
MOST_SAMPLES = 200_000
"""Of one channel."""

(BLE, TXC, BLK, CHN, SEQ, WFM, LDN, DTP, IVL, SEN, CMP) = (1, 3, 4, 5, 6, 8, 9, 10, 11, 12, 14)
(NUL, MAN, WAV, ATT, END, PNM, PID, AGE, SEX, TIM) = (18, 23, 30, 63, 128, 129, 130, 131, 132, 133)

_TYPES = {0: "i2", 1: "u2", 2: "i4", 3: "u1", 4: "u2", 5: "i1", 6: "u4", 7: "f4", 8: "f8"}
_UNITS = {0: "V", 1: "mmHg", 2: "Pa", 3: "cmH2O", 7: "%", 8: "°C", 9: "/min", 11: "Ω", 19: "L", 20: "L/s"}
_LEADS = {
    **dict(enumerate(["I", "II", "V1", "V2", "V3", "V4", "V5", "V6", "V7"], start=1)),
    **dict(enumerate(["V3R", "V4R", "V5R", "V6R", "V7R", "X", "Y", "Z", "CC5", "CM5"], start=11)),
    **dict(enumerate(["III", "aVR", "aVL", "aVF", "-aVR", "V8", "V9", "V8R", "V9R"], start=61)),
    31: "NASA",
    32: "CB4",
    33: "CB5",
    34: "CB6",
    143: "BP",
    160: "RESP",
    175: "SpO2",
}
_WAVEFORMS = {
    1: "ecg12",
    2: "ecg_long",
    3: "vcg",
    4: "ecg_stress",
    20: "monitor",
    21: "monitor",
    31: "pulse",
    40: "eeg",
}
_GENDERS = {1: "male", 2: "female", 3: "other"}


@dataclass(frozen=True, slots=True)
class Lead:
    """What one channel recorded."""

    name: str
    unit: str
    seconds: float
    """Between two samples."""
    values: "np.typing.NDArray[np.float64]"
    """In the unit; not a number where nothing was recorded."""


@dataclass(frozen=True, slots=True)
class Recording:
    """What is read of a file."""

    kind: str
    """`ecg12`, `ecg_long`, `vcg`, `ecg_stress`, `monitor`, `pulse`, `eeg`, or empty."""
    person: Told
    time: str
    """When it was recorded: `2024-05-01 10:00`, or empty."""
    maker: str
    channels: int
    frames: int
    leads: tuple[Lead, ...]


def _length(octets: bytes, at: int) -> tuple[int | None, int]:
    """Return the length that stands at a place, None where an end mark follows instead, and the place behind it."""
    if at >= len(octets):
        raise Unreadable("it ends within a definition")
    first = octets[at]
    if first < 0x80:
        return first, at + 1
    if first == 0x80:
        return None, at + 1
    size = first & 0x7F
    if size > 4 or at + 1 + size > len(octets):
        raise Unreadable("a length cannot be read")
    return int.from_bytes(octets[at + 1 : at + 1 + size], "big"), at + 1 + size


def definitions(octets: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield the tag, the channel (-1 for the whole) and the value of each definition.

    Raises:
        Unreadable: lengths do not fit, or there are too many.
    """
    at, count = 0, 0
    while at < len(octets):
        tag, channel = octets[at], -1
        at += 1
        if tag == 0:
            continue
        if tag == END:
            return
        if tag == ATT:
            channel = 0
            for _ in range(3):
                if at >= len(octets):
                    raise Unreadable("it ends within a definition")
                byte, at = octets[at], at + 1
                channel = channel << 7 | byte & 0x7F
                if not byte & 0x80:
                    break
        size, at = _length(octets, at)
        if size is None:
            end = octets.find(b"\0\0", at)
            if end < 0:
                raise Unreadable("a definition has no end")
            size, behind = end - at, end + 2
        else:
            behind = at + size
        if at + size > len(octets):
            raise Unreadable("a definition is longer than the file")
        count += 1
        if count > MOST_DEFINITIONS:
            raise Unreadable("too many definitions")
        yield tag, channel, octets[at : at + size]
        at = behind


class _Reader:
    """What has been defined so far."""

    def __init__(self) -> None:
        self.big = True
        self.whole: dict[int, bytes] = {}
        self.channels: dict[int, dict[int, bytes]] = {}
        self.frames: list[tuple[Lead, ...]] = []
        self.count = 0

    def number(self, value: bytes, *, signed: bool = False) -> int:
        return int.from_bytes(value[:8], "big" if self.big else "little", signed=signed)

    def text(self, tag: int) -> str:
        named = self.whole.get(TXC, b"").decode("ascii", "replace").strip("\0 ").lower()
        codec = "utf-8" if "utf" in named or "unicode" in named else "cp932" if "0201" in named else "iso2022_jp"
        value = self.whole.get(tag, b"")
        for one in (codec, "utf-8", "cp932"):
            try:
                return value.decode(one).strip("\0 ")
            except UnicodeDecodeError:
                continue
        return value.decode("ascii", "replace").strip("\0 ")

    def take(self, tag: int, channel: int, value: bytes) -> None:
        if channel >= 0 and tag == ATT:
            for inner, _, found in definitions(value):
                self.channels.setdefault(channel, {})[inner] = found
        elif tag == BLE:
            self.big = value[:1] != b"\x01"
        elif tag == WAV:
            self.count += 1
            if not self.frames:
                self.frames.append(self._frame(value))
        else:
            self.whole[tag] = value
            if tag == CHN:
                self.channels.clear()

    def channel_count(self) -> int:
        found = self.number(self.whole[CHN]) if self.whole.get(CHN) else 1
        if not 0 < found <= MOST_CHANNELS:
            raise Unreadable(f"{found} channels")
        return found

    def _of(self, channel: int, tag: int) -> bytes:
        own = self.channels.get(channel, {}).get(tag)
        # A lead's name for the whole is that of a single channel.
        return own or (b"" if tag == LDN and channel else self.whole.get(tag, b""))

    def _scaled(self, value: bytes, *, otherwise: float) -> tuple[int, float]:
        """Return the unit and the number of a sampling: unit, power of ten, and digits."""
        if len(value) < 3:
            return 0, otherwise
        power = int.from_bytes(value[1:2], "big", signed=True)
        return value[0], self.number(value[2:], signed=True) * 10.0 ** max(-30, min(power, 30))

    def _seconds(self, channel: int) -> float:
        unit, number = self._scaled(self._of(channel, IVL), otherwise=1000.0)
        if number <= 0:
            raise Unreadable("no sampling interval")
        return number if unit == 1 else 1 / number

    def _frame(self, data: bytes) -> tuple[Lead, ...]:
        if self.whole.get(CMP) and self.number(self.whole[CMP][:2]):
            raise Unreadable("compressed data")
        order = ">" if self.big else "<"
        fields, most = [], 0
        for channel in range(self.channel_count()):
            kind = _TYPES.get((self._of(channel, DTP) or b"\0")[0])
            block = self.number(self._of(channel, BLK) or (b"\0\1" if self.big else b"\1\0"))
            if kind is None or not 0 < block <= len(data):
                raise Unreadable("a form of data that is not read")
            fields.append((f"c{channel}", order + kind, (block,)))
            needed = min(MOST_SECONDS / self._seconds(channel), MOST_SAMPLES)
            most = max(most, -(-int(needed) // block), 1)
        if sum(np.dtype(kind).itemsize * block for _, kind, (block,) in fields) > len(data):
            # Asked first: a form of many gigabytes cannot even be written down.
            raise Unreadable("it ends within a sequence")
        form = np.dtype(fields)
        rows = min(len(data) // form.itemsize, most)
        table = np.frombuffer(data, form, rows)
        return tuple(self._lead(channel, table[f"c{channel}"].reshape(-1)) for channel in range(len(fields)))

    def _lead(self, channel: int, raw: "np.typing.NDArray[np.generic]") -> Lead:
        unit, factor = self._scaled(self._of(channel, SEN), otherwise=1.0)
        told = self._of(channel, SEN)
        values = raw.astype(np.float64)
        with np.errstate(all="ignore"):
            absent = self._of(channel, NUL)
            if absent and raw.dtype.kind in "iu":
                values[raw == self.number(absent, signed=raw.dtype.kind == "i")] = np.nan
            values = values * factor
            values[~np.isfinite(values)] = np.nan
        named = self._of(channel, LDN)
        code = named[0] if len(named) == 1 else self.number(named[:2])
        text = named[2:].decode("ascii", "replace").strip("\0 ")
        name = text or _LEADS.get(code, "") or f"{channel + 1}"
        seconds = self._seconds(channel)
        kept = values[: int(min(MOST_SECONDS / seconds, MOST_SAMPLES)) or 1]
        return Lead(name[:40], _UNITS.get(unit, "") if told else "", seconds, kept)

    def person(self) -> Told:
        name = [part.strip() for part in self.text(PNM).split("^")]
        # Family, its reading, given, its reading.
        forms = ["".join(name[0:3:2]), "".join(name[1:4:2])] if len(name) > 2 else name
        age = self.whole.get(AGE, b"")
        born = ""
        if len(age) >= 7 and (year := self.number(age[3:5])):
            born = f"{year:04}-{age[5]:02}-{age[6]:02}"
        sex = self.whole.get(SEX, b"")
        number = self.text(PID).partition("^")[0].strip()
        return Told(
            names=tuple(filter(None, forms)),
            birth_date=born,
            gender=_GENDERS.get(sex[0], "") if sex else "",
            numbers=(("", number),) if number else (),
        )

    def time(self) -> str:
        value = self.whole.get(TIM, b"")
        if len(value) < 6:
            return ""
        return f"{self.number(value[:2]):04}-{value[2]:02}-{value[3]:02} {value[4]:02}:{value[5]:02}"


def read_mfer(octets: bytes) -> Recording:
    """Return what is read of a waveform file: its header, and the beginning of its first frame.

    Raises:
        Unreadable: it is no such file, or of a form that is not read.
    """
    reader = _Reader()
    for tag, channel, value in definitions(octets):
        reader.take(tag, channel, value)
    if not reader.frames:
        raise Unreadable("no waveform")
    kind = reader.whole.get(WFM, b"")
    code = kind[0] if len(kind) == 1 else reader.number(kind[:2])
    return Recording(
        kind=_WAVEFORMS.get(code, ""),
        person=reader.person(),
        time=reader.time(),
        maker=" ".join(reader.text(MAN).split("^")[:2]).strip(),
        channels=reader.channel_count(),
        frames=reader.count,
        leads=reader.frames[0],
    )
