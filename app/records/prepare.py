"""Before a write's transaction: the body is parsed, checked and measured against the caller's authority.

Nothing here asks the database, so that a transaction holds the writer's lock for rows alone.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson

from app.consent.decide import Authority
from app.packages.loaded import UNCHECKED, Profiles
from fhir.documents.kind import kind_of_tree
from fhir.errors import Forbidden, InvalidValue, Unprocessable
from fhir.issue import Issue
from fhir.profiles.conformance import conformance, names_profiles
from fhir.profiles.structure import check
from fhir.resource import parse
from fhir.store.categories import category
from fhir.store.types import NUMBERS
from fhir.subset import is_subsetted


@dataclass(frozen=True, slots=True)
class Prepared:
    """A body that may be written."""

    body: bytes
    type: str
    digest: bytes
    warnings: tuple[Issue, ...] = ()
    received: bytes | None = None
    """What the sender wrote, when that was XML; `body` is the JSON it means, `digest` that of what was written."""
    tree: Mapping[str, Any] | None = None
    """The resource; None where many wait for their turn, for a tree takes several times the bytes of its body."""

    @property
    def resource(self) -> Mapping[str, Any]:
        """The resource as a tree."""
        if self.tree is not None:
            return self.tree
        made: Mapping[str, Any] = orjson.loads(self.body)
        return made

    def without_tree(self) -> "Prepared":
        """Return the same, whose tree is made again when it is needed."""
        return replace(self, tree=None)


def check_structure(resource: dict[str, Any], path: str = "", *, entries: bool = False) -> tuple[Issue, ...]:
    """Return the warnings about a resource.

    Args:
        resource: The parsed resource.
        path: Where it lies in a Bundle, put before each issue's expression.
        entries: Whether the entries of a Bundle are checked as well.

    Raises:
        Unprocessable: it breaks a rule of R4; every issue names its path.
    """
    issues = check(resource, entries=entries)
    if path:
        issues = [Issue(one.severity, one.code, f"{path}.{one.expression}", one.diagnostics) for one in issues]
    if any(issue.severity in ("error", "fatal") for issue in issues):
        raise Unprocessable("The resource breaks a rule of R4", issues=issues)
    return tuple(issues)


def check_profiles(resource: dict[str, Any], path: str, profiles: Profiles) -> tuple[Issue, ...]:
    """Return as warnings what is wrong with a resource by the profiles that it names, and which of them are not loaded.

    Raises:
        Unprocessable: there is something, and the hub is strict.
    """
    if not names_profiles(resource):
        return ()
    # A Bundle's entries are looked at later, if at all; profiles may trust their structure only after that.
    found = check(resource, entries=True) if resource["resourceType"] == "Bundle" else []
    if not found:
        found = [one for one in conformance(resource, profiles.definitions) if one.severity != "information"]
    prefix = f"{path}." if path else ""
    wrong = [one for one in found if one.severity == "error" or one.code == "not-found"]
    strict = profiles.strict or (
        bool(profiles.strict_documents) and kind_of_tree(resource) in profiles.strict_documents
    )
    issues = tuple(
        Issue(
            "error" if strict and one in wrong else "warning",
            one.code,
            f"{prefix}{one.expression}",
            one.diagnostics,
        )
        for one in found
    )
    if strict and wrong:
        raise Unprocessable("The resource does not follow a profile that it names", issues=issues)
    return issues


def check_whole(prepared: Prepared, path: str = "") -> None:
    """Refuse to replace a resource by a part of it.

    https://hl7.org/fhir/R4/search.html#summary

    Args:
        prepared: What is to become the resource's next version.
        path: Where it lies in a Bundle.

    Raises:
        Unprocessable: it is marked SUBSETTED.
    """
    if is_subsetted(prepared.resource):
        place = f"{path or prepared.type}.meta.tag"
        raise Unprocessable("A part of a resource (SUBSETTED) cannot replace the whole: send all of it", place)


def prepare(
    body: bytes,
    authority: Authority,
    *,
    resource: dict[str, Any] | None = None,
    type_name: str = "",
    id_: str = "",
    path: str = "",
    profiles: Profiles = UNCHECKED,
    received: bytes | None = None,
) -> Prepared:
    """Return a body that is well-formed, has the structure of R4 and is the caller's to write.

    Args:
        body: JSON as received.
        authority: What the caller may write.
        resource: The tree of `body`, when `parse` has accepted it before.
        type_name: The type in the request's address, if there is one.
        id_: The id in the request's address, if there is one.
        path: Where the resource lies in a Bundle.
        profiles: What is loaded, and whether to break it is an error rather than a warning.
        received: What the sender wrote, when that was XML.

    Raises:
        InvalidJson: it is not strict JSON.
        Unprocessable: it breaks a rule of R4, or a profile that it names where the hub is strict.
        InvalidValue: its type or id is not that of the address.
        Forbidden: the caller's role does not write such resources.
    """
    if resource is None:
        resource = parse(body)
    found = resource.get("resourceType")
    if type_name and found != type_name:
        raise InvalidValue(f"The body is no {type_name}", f"{path}.resourceType" if path else "resourceType")
    warnings = check_structure(resource, path)
    warnings += check_profiles(resource, path, profiles)
    if found not in NUMBERS:
        raise InvalidValue(f"A {found} is not stored", path or "resourceType")
    if id_ and resource.get("id") != id_:
        raise InvalidValue("The body's id is not that of the address", f"{found}.id")
    if not authority.may_write(category(resource)):
        raise Forbidden(f"This role does not write {found}")
    digest = hashlib.sha256(body if received is None else received).digest()
    return Prepared(body, found, digest, warnings, received, resource)
