"""Some elements of a resource, each in its own bytes, marked as a part.

https://hl7.org/fhir/R4/search.html#elements
"""

from collections.abc import Iterable
from functools import lru_cache

from fhir.members import members
from fhir.operations.meta import added
from fhir.spec.elements import elements

SUBSETTED = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}
_ALWAYS = frozenset({"resourceType", "id", "meta", "implicitRules"})


@lru_cache(maxsize=256)
def _required(type_name: str) -> frozenset[str]:
    return frozenset(name for name, element in elements(type_name).items() if element.min > 0)


def _is_kept(key: str, names: frozenset[str]) -> bool:
    name = key.removeprefix("_")
    # A choice is named without its type: `value` is `valueQuantity` too.
    stems = [name[:end] for end in range(1, len(name)) if name[end].isupper()]
    return name in names or any(stem in names or f"{stem}[x]" in names for stem in stems)


def subset(body: bytes, wanted: Iterable[str]) -> bytes:
    """Return a stored resource with the elements that are wanted or required, and the tag SUBSETTED."""
    found = list(members(body))
    kind = next(body[one.start + 1 : one.end - 1].decode() for one in found if one.key == "resourceType")
    names = _ALWAYS | _required(kind) | frozenset(wanted)
    kept = [b'"%s":%s' % (one.key.encode(), body[one.start : one.end]) for one in found if _is_kept(one.key, names)]
    part = b"{" + b",".join(kept) + b"}"
    return added(part, {"tag": [SUBSETTED]}) or part
