"""The state of one check by profiles: what is found, and the resources that references are resolved in."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from fhir.issue import Issue, Severity
from fhir.profiles.definitions import Definitions
from fhir.profiles.findings import ISSUES, Enough, Where, expression

Value = dict[str, Any]


class Occurrence(NamedTuple):
    """One value of an element."""

    value: Any
    """The JSON value; None for a primitive that has only extensions."""
    beside: Any
    """A primitive's id and extensions, or None."""
    where: Where
    type: str
    """The type's code: `Quantity`, `string`; for a resource its type; empty when nothing tells."""

    @property
    def object(self) -> Any:
        """What its child elements lie in: the object itself, or what lies beside a primitive."""
        return self.value if self.value.__class__ is dict else self.beside


class Walk:
    """One check.

    Attributes:
        definitions: What is loaded.
        issues: What was found; at most 100.
        resource: The resource that is looked at, contained or not (`%resource`).
        container: The one it is contained in, or itself (`%rootResource`).
    """

    def __init__(self, definitions: Definitions, root: Value) -> None:
        self.definitions = definitions
        self.issues: list[Issue] = []
        self.resource = root
        self.container = root
        self._seen: set[Issue] = set()
        self._conforming: dict[tuple[int, str], bool] = {}
        self._entries = _entries(root) if root.get("resourceType") == "Bundle" else {}

    def add(self, severity: Severity, where: Where, code: str, diagnostics: str) -> None:
        """Note an issue, once.

        Raises:
            Enough: it is the last one that is wanted.
        """
        issue = Issue(severity, code, expression(where), diagnostics)
        if issue in self._seen:
            return
        self._seen.add(issue)
        self.issues.append(issue)
        if len(self.issues) >= ISSUES:
            raise Enough

    @contextmanager
    def inside(self, resource: Value, *, contained: bool) -> Iterator[None]:
        """Look at another resource while the block runs."""
        around = self.resource, self.container
        self.resource = resource
        if not contained:
            self.container = resource
        try:
            yield
        finally:
            self.resource, self.container = around

    @contextmanager
    def trial(self) -> Iterator[list[Issue]]:
        """Collect what the block finds apart; it becomes no issue by itself."""
        around = self.issues, self._seen
        self.issues, self._seen = [], set()
        try:
            yield self.issues
        except Enough:
            return
        finally:
            self.issues, self._seen = around

    def assumed(self, key: tuple[int, str]) -> bool | None:
        """Return whether a value was found to conform to a profile; while that is asked it is taken to."""
        found = self._conforming.get(key)
        if found is None:
            self._conforming[key] = True
        return found

    def conclude(self, key: tuple[int, str], conforms: bool) -> bool:
        """Keep and return whether a value conforms to a profile."""
        self._conforming[key] = conforms
        return conforms

    def resolve(self, reference: Any) -> Value | None:
        """Return what a Reference leads to inside the resource or its Bundle, or None."""
        text = reference.get("reference") if reference.__class__ is dict else None
        if text.__class__ is not str or not text:
            return None
        if text[0] == "#":
            inside = self.container.get("contained", ())
            return next((one for one in inside if one.get("id") == text[1:]), None)
        return self._entries.get(text.partition("/_history/")[0])


def _entries(bundle: Value) -> dict[str, Value]:
    """Return a Bundle's resources by their full URL, and by `Type/id`."""
    found: dict[str, Value] = {}
    for entry in bundle.get("entry", ()):
        resource = entry.get("resource")
        if resource.__class__ is not dict:
            continue
        full = entry.get("fullUrl", "")
        if "id" in resource:
            found.setdefault(f"{resource['resourceType']}/{resource['id']}", resource)
        if full:
            found[full] = resource
            found.setdefault("/".join(full.rsplit("/", 2)[-2:]), resource)
    return found
