"""Which code of one system goes with which of another, and what that makes of them in a ConceptMap.

https://hl7.org/fhir/R4/valueset-concept-map-equivalence.html
"""

from collections import Counter
from collections.abc import Iterator

from fhir.terminology.masters.resources import Json


class Pairs:
    """The pairs of a map, in the order they came; a pair that comes again is none."""

    def __init__(self) -> None:
        self._targets: dict[str, dict[str, None]] = {}

    def add(self, source: str, target: str) -> None:
        """Add a pair; nothing where a side is empty."""
        if source and target:
            self._targets.setdefault(source, {})[target] = None

    def elements(self, equivalence: str = "") -> Iterator[Json]:
        """Yield ConceptMap.group.element for each source.

        Args:
            equivalence: Of each target; without one it follows from the pairs: one to one is `equivalent`, a target of
                several sources `wider`, several targets of one source `narrower`, and both `relatedto`.
        """
        sources = Counter(target for targets in self._targets.values() for target in targets)
        for source, targets in self._targets.items():
            yield {
                "code": source,
                "target": [
                    {"code": one, "equivalence": equivalence or _equivalence(sources[one], len(targets))}
                    for one in targets
                ],
            }


def _equivalence(sources: int, targets: int) -> str:
    if sources > 1:
        return "wider" if targets == 1 else "relatedto"
    return "equivalent" if targets == 1 else "narrower"
