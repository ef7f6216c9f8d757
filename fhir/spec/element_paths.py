"""R4's elements by their paths, as the resolver of search expressions asks for them.

https://hl7.org/fhir/R4/elementdefinition.html
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from fhir.spec.elements import elements


class R4Elements:
    """ElementDefinitions by path (`Observation.value[x]`), in the part that `fhir.spec.search_paths` reads."""

    def get(self, path: str, /) -> Mapping[str, Any] | None:
        """Return the types of an element, or what it has its children from; None if R4 has no such element."""
        return _definition(path)


@lru_cache(maxsize=4096)
def _definition(path: str) -> Mapping[str, Any] | None:
    holder, _, name = path.rpartition(".")
    try:
        found = elements(holder)[name]
    except KeyError:
        return None
    if found.content_reference:
        return {"contentReference": f"#{found.content_reference}"}
    profiles = [f"http://hl7.org/fhir/StructureDefinition/{one}" for one in found.targets]
    return {"type": [{"code": code, "targetProfile": profiles} for code in found.types]}
