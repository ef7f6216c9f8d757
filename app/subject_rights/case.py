"""A patient's request: its kinds, its states, and what may be done in each.

個人情報保護法 第33条 (開示, 第三者提供記録の開示), 第34条 (訂正等), 第35条 (利用停止等); 第37条: who asks.
"""

from dataclasses import dataclass

from app.clock import DAY
from app.one_line import one_line
from fhir.errors import Conflict, InvalidValue

KINDS = ("disclosure", "provision-records", "correction", "suspension")
"""開示, 第三者提供記録の開示, 訂正・追加・削除, 利用停止・消去・第三者提供の停止."""

RELATIONS = ("self", "parent", "guardian", "attorney", "bereaved")
"""Who asks: the patient, or somebody who may for the patient."""

PROOFS = ("my-number-card", "licence", "passport", "two-papers", "seal", "known")
"""How it was made sure who asks."""

DECISIONS = ("granted", "partly", "refused")

OPEN, CHECKED, DECIDED, ANSWERED, WITHDRAWN = "open", "checked", "decided", "answered", "withdrawn"
"""States: it waits for a proof of who asks, a decision, the answer; it is closed by an answer, or taken back."""

WAITING = (OPEN, CHECKED, DECIDED)

_ALLOWED = {
    OPEN: ("identify", "refused", "extend", "note", "withdraw"),
    CHECKED: ("granted", "partly", "refused", "extend", "note", "withdraw"),
    DECIDED: ("answer", "note"),
    ANSWERED: ("note",),
    WITHDRAWN: ("note",),
}
"""What may be done in each state. Without a proof of who asks nothing is granted; refused it may be."""

LONGEST = 2_000
"""Characters of what is asked for, of a reason, of a remark."""


@dataclass(frozen=True, slots=True)
class Case:
    """A request, in the order of the table's columns."""

    number: int
    kind: str
    patient: str
    requester: str
    relation: str
    received: int
    due: int
    """The first instant at which it is overdue."""
    extended: int
    proof: str
    state: str
    decision: str
    reason: str
    closed: int
    turn: int

    @property
    def waits(self) -> bool:
        """Whether it is not closed."""
        return self.state in WAITING

    @property
    def last_day(self) -> int:
        """An instant of the last day on which it is in time."""
        return self.due - 1

    def is_overdue(self, now: int) -> bool:
        """Return whether it should be closed by now."""
        return self.waits and now >= self.due

    @property
    def acts(self) -> tuple[str, ...]:
        """What may be done now."""
        return tuple(act for act in _ALLOWED[self.state] if act != "extend" or not self.extended)

    def check(self, act: str) -> None:
        """Check that something may be done now.

        Raises:
            InvalidValue: there is no such act.
            Conflict: not in this state.
        """
        if not any(act in some for some in _ALLOWED.values()):
            raise InvalidValue("This is none of the acts", "act")
        if act not in self.acts:
            raise Conflict("The case is in another state by now")


def due(received: int, days: int) -> int:
    """Return the first instant at which what was received on a day is overdue.

    Args:
        received: The first instant of the day on which it came.
        days: Days until it is due; the day on which it came does not count (民法 第140条).
    """
    return received + (days + 1) * DAY


def chosen(text: str, among: tuple[str, ...], field: str) -> str:
    """Return a text that is one of several.

    Raises:
        InvalidValue: it is none of them.
    """
    if text not in among:
        raise InvalidValue(f"This is one of {', '.join(among)}", field)
    return text


def words(text: str, field: str, *, longest: int = LONGEST) -> str:
    """Return a text of a person on one line.

    Raises:
        InvalidValue: it is missing, too long, or holds what is no text.
    """
    found = one_line(text, longest)
    if not found:
        raise InvalidValue(f"This is missing, or longer than {longest} characters", field)
    return found
