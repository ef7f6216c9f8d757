"""A message to be written: where it belongs in a store, and its segments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.exchange.hl7v2.write import Field, Line, segment

Resource = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Written:
    """A message of one file."""

    kind: str
    """Its type in a standard store."""
    day: str
    """診療日: `YYYYMMDD`, or `-` where it is of no day."""
    order: str
    """The number of the order; 15 nines where there is none."""
    occurred: str
    """発生日時: `YYYYMMDDHHMMSSFFF`."""
    department: str
    """The code of the department, or `-`."""
    lines: Sequence[Line]
    covers: tuple[str, ...]
    """What is in it: `Condition/4711`."""


NO_ORDER = "9" * 15
MESSAGES = {
    "ADT-00": ("ADT", "A08", "ADT_A01"),
    "ADT-01": ("ADT", "A54", "ADT_A54"),
    "ADT-12": ("ADT", "A04", "ADT_A01"),
    "ADT-21": ("ADT", "A14", "ADT_A05"),
    "ADT-22": ("ADT", "A01", "ADT_A01"),
    "ADT-52": ("ADT", "A03", "ADT_A03"),
    "ADT-61": ("ADT", "A60", "ADT_A60"),
    "PPR-01": ("PPR", "ZD1", "PPR_ZD1"),
    "OMP-01": ("RDE", "O11", "RDE_O11"),
    "OMP-02": ("RDE", "O11", "RDE_O11"),
    "OMP-11": ("RAS", "O17", "RAS_O17"),
    "OMP-12": ("RAS", "O17", "RAS_O17"),
    "OMD": ("OMD", "O03", "OMD_O03"),
    "OML-01": ("OML", "O33", "OML_O33"),
    "OML-11": ("OUL", "R22", "OUL_R22"),
    "OMG-01": ("OMG", "O19", "OMG_O19"),
    "OMG-02": ("OMG", "O19", "OMG_O19"),
    "OMG-03": ("OMG", "O19", "OMG_O19"),
    "OMG-11": ("OMI", "Z23", "OMI_Z23"),
    "OMG-12": ("OMI", "Z23", "OMI_Z23"),
    "OMG-13": ("ORU", "R01", "ORU_R01"),
}
"""The type of the message of each kind."""

_PROFILE = ("SS-MIX2_1.20", "SS-MIX2", "1.2.392.200250.2.1.100.1.2.120", "ISO")


def header(kind: str, occurred: str, control_id: str) -> Line:
    """Return MSH of a message of a standard store.

    Args:
        kind: Its type.
        occurred: As `Written.occurred`.
        control_id: Tells the message from others.
    """
    fields: dict[int, Field] = {
        3: "RENKEI",
        4: "RENKEI",
        5: "GW",
        6: "RCV",
        7: f"{occurred[:14]}.{occurred[14:]}",
        9: MESSAGES[kind],
    }
    fields |= {10: control_id[:20], 11: "P", 12: "2.5", 18: ["", "ISO IR87"], 20: "ISO 2022-1994", 21: _PROFILE}
    return segment("MSH", fields)
