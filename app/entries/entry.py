"""An entry: 記録確定, and 代行入力 with its approval.

安全管理ガイドライン 6.0, システム運用編 14⑧, and Q&A シQ-60.
"""

from dataclasses import dataclass

from app.entries.tables import WAITS

KINDS = ("consent", "consent-withdrawal", "identity", "break-glass-review", "media")
"""What is confirmed before it counts."""

LONGEST = 500
"""Characters of a remark."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry, in the order of the table's columns."""

    number: int
    kind: str
    about: str
    patient: str
    words: str
    organisation: int
    at: int
    by: str
    by_title: str
    for_whom: str
    for_title: str
    state: str
    decided: int
    remark: str

    @property
    def waits(self) -> bool:
        """Whether the responsible person has not said yes or no."""
        return self.state == WAITS


@dataclass(frozen=True, slots=True)
class Responsible:
    """For whom something is entered."""

    name: str = ""
    """The account; empty when who enters it is responsible."""
    title: str = ""


MYSELF = Responsible()
