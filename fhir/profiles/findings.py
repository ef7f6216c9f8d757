"""Findings of one check: where the checker is, what it has found, and when it has found enough.

https://hl7.org/fhir/R4/operationoutcome-definitions.html#OperationOutcome.issue.expression
"""

from fhir.issue import Issue

Where = tuple["Where | None", str, int]
"""A place: the place around it, the element's name, its index in an array or -1. Cheap until it is read."""

ISSUES = 100
"""The most issues one check returns."""

_NAME_CHARACTERS = 64


class Enough(Exception):
    """No more issues are wanted; what was found stands."""


class Findings:
    """The state of one check: issues so far, limits, local references of the resource being looked at."""

    __slots__ = ("contained", "depth", "entries", "issues", "local")

    def __init__(self, *, depth: int, entries: bool) -> None:
        self.issues: list[Issue] = []
        self.depth = depth
        self.entries = entries
        self.contained: dict[str, str] = {}
        self.local: list[tuple[Where, str, frozenset[str]]] = []

    def add(self, where: Where, code: str, diagnostics: str) -> None:
        """Note an error.

        Raises:
            Enough: it is the last one that is wanted.
        """
        self.issues.append(Issue("error", code, expression(where), diagnostics))
        if len(self.issues) >= ISSUES:
            raise Enough

    def too_deep(self, where: Where) -> None:
        """Note that the content nests deeper than allowed, and end the check.

        Raises:
            Enough: always.
        """
        self.add(where, "too-costly", f"The content is nested deeper than {self.depth} levels.")
        raise Enough


def expression(where: Where) -> str:
    """Return a place as a path: `Observation.component[1].code`."""
    parts: list[str] = []
    place: Where | None = where
    while place is not None:
        place, name, index = place
        name = name if len(name) <= _NAME_CHARACTERS else f"{name[:_NAME_CHARACTERS]}…"
        parts.append(name if index < 0 else f"{name}[{index}]")
    return ".".join(reversed(parts))
