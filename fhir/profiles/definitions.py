"""Definitions: the conformance resources of loaded packages, found by canonical URL and parsed on first use.

https://hl7.org/fhir/R4/references.html#canonical
"""

import json
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from fhir.profiles.compiling import about_to_compile, may_compile

BASE = "http://hl7.org/fhir/StructureDefinition/"
"""Where the URLs of base R4's own definitions begin; every resource is checked by these anyway."""


MALFORMED = (LookupError, ValueError, TypeError, AttributeError, ArithmeticError, RecursionError)
"""What reading a definition fails with that is not of the form of its type: publishers make mistakes."""

MOST_PARSED = 8
"""How many definitions stay parsed: what is made of them is kept, and they are large."""


class Definition(NamedTuple):
    """One conformance resource, not read yet."""

    type: str
    """`StructureDefinition`, `ValueSet`, `CodeSystem` or `ConceptMap`."""
    url: str
    version: str
    read: Callable[[], bytes]
    """Returns its JSON."""


class Definitions:
    """What is loaded; it never changes, so what is made from it may be kept in it.

    Attributes:
        kept: What other modules compiled from these definitions, by a key of theirs.
        lock: Held while resources are checked by them, for a check compiles what it comes to: two threads that come to
            the same do not do it twice.
    """

    def __init__(self, found: Iterable[Definition] = ()) -> None:
        self._newest: dict[tuple[str, str], Definition] = {}
        self._exact: dict[tuple[str, str, str], Definition] = {}
        self._lately: dict[tuple[str, str, str], dict[str, Any]] = {}
        self.kept: dict[Any, Any] = {}
        self.lock = threading.RLock()
        for one in found:
            self._exact[one.type, one.url, one.version] = one
            newest = self._newest.get((one.type, one.url))
            if newest is None or version_order(newest.version) <= version_order(one.version):
                self._newest[one.type, one.url] = one

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock, unless this thread does not compile: what is kept is kept whole, and may be read meanwhile."""
        if may_compile():
            with self.lock:
                yield
        else:
            yield

    def __bool__(self) -> bool:
        return bool(self._newest)

    def find(self, type_name: str, canonical: str) -> dict[str, Any] | None:
        """Return a definition, None when it is not loaded.

        Args:
            type_name: `StructureDefinition`, `ValueSet` or `CodeSystem`.
            canonical: Its URL; with `|version` that version, without the newest.
        """
        found = self.known(type_name, canonical)
        if found is None:
            return None
        key = found.type, found.url, found.version
        parsed = self._lately.get(key)
        if parsed is None:
            about_to_compile()
            parsed = self._lately[key] = json.loads(found.read())
            if len(self._lately) > MOST_PARSED:
                del self._lately[next(iter(self._lately))]
        return parsed

    def near(self, type_name: str, canonical: str) -> dict[str, Any] | None:
        """Return a definition; in another version than the canonical's when that one is not loaded."""
        found = self.find(type_name, canonical)
        return self.find(type_name, canonical.partition("|")[0]) if found is None and "|" in canonical else found

    def known(self, type_name: str, canonical: str) -> Definition | None:
        """Return a definition that is not read yet, None when it is not loaded."""
        url, _, version = canonical.partition("|")
        if version:
            return self._exact.get((type_name, url, version))
        return self._newest.get((type_name, url))

    def of_type(self, type_name: str) -> list[Definition]:
        """Return every definition of a type, in the order they came."""
        return [one for one in self._exact.values() if one.type == type_name]


def version_order(version: str) -> tuple[tuple[int, str], ...]:
    """Return a version in a form that sorts: `1.10` after `1.9`."""
    return tuple((int(part) if part.isdigit() else -1, part) for part in re.split(r"[.\-+]", version))
