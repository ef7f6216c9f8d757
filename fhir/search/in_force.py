"""The search parameters in force: R4's, and those that a hub has beside them, as one value.

A value never changes but for how far indexing is. Another set of parameters is another value, so that what is read of
one query or compiled for one type is kept by it.
https://hl7.org/fhir/R4/searchparameter.html
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from fhir.errors import NotSupported
from fhir.spec.search_parameters import SearchParameter, parameters


@dataclass(frozen=True, eq=False, slots=True)
class InForce:
    """The parameters of one version of the set.

    Attributes:
        version: Counts up with each change of the set; 0 is R4 alone.
        usable: The hub's own that may be asked for, by resource type.
        indexed: Those and the ones that are being indexed, by resource type: each write makes their rows.
        pending: (type, code) of those that are being indexed, to how far that is in percent.
    """

    version: int = 0
    usable: Mapping[str, tuple[SearchParameter, ...]] = field(default_factory=dict)
    indexed: Mapping[str, tuple[SearchParameter, ...]] = field(default_factory=dict)
    pending: dict[tuple[str, str], int] = field(default_factory=dict)
    _merged: dict[str, Mapping[str, SearchParameter]] = field(default_factory=dict)

    def of(self, type_name: str) -> Mapping[str, SearchParameter]:
        """Return the parameters of a resource type that may be asked for, by code; none for a type R4 does not have."""
        own = self.usable.get(type_name)
        if not own:
            return parameters(type_name)
        merged = self._merged.get(type_name)
        if merged is None:
            merged = MappingProxyType({**parameters(type_name), **{one.code: one for one in own}})
            self._merged[type_name] = merged
        return merged

    def get(self, type_name: str, code: str) -> SearchParameter | None:
        """Return the parameter of a resource type with a code, or None.

        Raises:
            NotSupported: it is being indexed: an answer would lack what is not indexed yet.
        """
        found = self.of(type_name).get(code)
        if found is None and (type_name, code) in self.pending:
            done = self.pending[type_name, code]
            raise NotSupported(f"the search parameter {code} of {type_name} is being indexed: {done} % are done", code)
        return found


def in_force(version: int, usable: Iterable[SearchParameter], waiting: Mapping[SearchParameter, int]) -> InForce:
    """Return the set of R4's parameters and a hub's own.

    Args:
        version: That of the set.
        usable: The hub's own that are indexed.
        waiting: Those that are being indexed, to how far that is in percent.
    """
    ready = tuple(usable)
    pending = {(one.base, one.code): done for one, done in waiting.items()}
    return InForce(version, _by_type(ready), _by_type([*ready, *waiting]), pending)


def _by_type(known: Iterable[SearchParameter]) -> Mapping[str, tuple[SearchParameter, ...]]:
    found: dict[str, tuple[SearchParameter, ...]] = {}
    for one in sorted(known, key=lambda one: one.id):
        found[one.base] = (*found.get(one.base, ()), one)
    return MappingProxyType(found)


R4 = InForce()
"""R4's parameters alone."""
