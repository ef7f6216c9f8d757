"""A waveform as numbers: the channels of its first group, as far as they are drawn.

https://dicom.nema.org/medical/dicom/current/output/chtml/part03/sect_C.10.9.html
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dicom.reports.values import Model, code, items, text

MOST_CHANNELS = 64
MOST_SECONDS = 10.0
MOST_SAMPLES = 200_000
"""Of one channel."""

WAVEFORM_DATA = "54000100/0/54001010"
"""The path of the first group's samples, as bulk data is named."""

_TYPES = {"SB": "i1", "UB": "u1", "SS": "i2", "US": "u2", "SL": "i4", "UL": "u4"}


@dataclass(frozen=True, slots=True)
class Channel:
    """What one channel recorded."""

    name: str
    unit: str
    """UCUM."""
    seconds: float
    """Between two samples."""
    values: npt.NDArray[np.float64]
    """In the unit."""


def read_channels(model: Model, samples: bytes) -> list[Channel]:
    """Return the channels of a waveform's first group; none when it is of a kind that is not drawn.

    Args:
        model: The DICOM JSON of an instance.
        samples: The value of the group's Waveform Data, in little endian.
    """
    group: Model = next(iter(items(model, "54000100")), {})
    kind = _TYPES.get(text(group, "54001006"))
    channels = items(group, "003A0200")
    rate = _number(group, "003A001A")
    count = int(_number(group, "003A0005"))
    if kind is None or not rate or not 0 < count <= MOST_CHANNELS or len(channels) != count:
        return []
    octets = np.dtype(kind).itemsize * count
    wanted = min(int(rate * MOST_SECONDS), MOST_SAMPLES, len(samples) // octets)
    table = np.frombuffer(samples[: wanted * octets], f"<{kind}").reshape(wanted, count).astype(np.float64)
    return [_channel(one, table[:, number], 1 / rate) for number, one in enumerate(channels)]


def _channel(channel: Model, raw: "npt.NDArray[Any]", seconds: float) -> Channel:
    sensitivity = _number(channel, "003A0210") or 1.0
    factor = _number(channel, "003A0212") or 1.0
    source = code(channel, "003A0208")
    name = text(channel, "003A0203") or source.meaning or source.value
    values = raw * sensitivity * factor + _number(channel, "003A0213")
    return Channel(name, code(channel, "003A0211").value, seconds, values)


def _number(model: Model, tag: str) -> float:
    try:
        found = float(text(model, tag))
    except ValueError:
        return 0.0
    return found if abs(found) < 1e12 else 0.0
