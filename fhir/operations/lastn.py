"""Which Observations are the last of their kind, where codes of several systems may mean one kind.

https://hl7.org/fhir/R4/observation-operation-lastn.html
"""

from collections.abc import Mapping
from typing import Any


class LastOfEach:
    """Counts Observations, given from the newest to the oldest, by what their codes mean.

    Args:
        most: How many of a kind are wanted.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kinds: dict[Any, int] = {}
        self._counts: list[int] = []

    def wants(self, observation: Mapping[str, Any]) -> bool:
        """Return whether an Observation is among the last of its kind.

        It is of the kind of the first one with which it shares a coding, or its text when it has no coding.
        """
        code = observation.get("code", {})
        names: list[Any] = [(one.get("system"), one["code"]) for one in code.get("coding", ()) if "code" in one]
        names = names or [code.get("text", "")]
        kinds = [self._kinds[name] for name in names if name in self._kinds]
        if kinds:
            kind = kinds[0]
        else:
            kind = len(self._counts)
            self._counts.append(0)
        for name in names:
            self._kinds.setdefault(name, kind)
        self._counts[kind] += 1
        return self._counts[kind] <= self._most
