"""Conformance: does a resource follow the profiles that it names, or that somebody asks about?

https://hl7.org/fhir/R4/resource.html#Meta
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from fhir.issue import Issue
from fhir.profiles.definitions import BASE, Definitions
from fhir.profiles.extensions import check_extensions
from fhir.profiles.findings import Enough, Where
from fhir.profiles.profile import Unknown, checker, is_base, run
from fhir.profiles.snapshot import Unusable
from fhir.profiles.walk import Occurrence, Walk


def names_profiles(resource: Any) -> bool:
    """Return whether a resource, one that it contains, or one of a Bundle's entries names a profile.

    Args:
        resource: Any JSON value: the entries of a Bundle may not have been looked at yet.
    """
    if not isinstance(resource, dict):
        return False
    meta = resource.get("meta")
    if isinstance(meta, dict) and "profile" in meta:
        return True
    contained, entries = resource.get("contained"), resource.get("entry")
    if isinstance(contained, list) and any(map(names_profiles, contained)):
        return True
    if entries is None or resource.get("resourceType") != "Bundle" or not isinstance(entries, list):
        return False
    return any(names_profiles(entry.get("resource")) for entry in entries if isinstance(entry, dict))


def conformance(resource: dict[str, Any], definitions: Definitions, profiles: Sequence[str] = ()) -> list[Issue]:
    """Return what is wrong with a resource by the profiles it names and those asked for: up to 100 issues.

    Its contained resources, and those of a Bundle's entries and of Parameters, are checked by what they name. A profile
    that is named and not loaded is a warning with the code `not-found`.

    Args:
        resource: A resource that has the structure of R4, all entries of a Bundle included.
        definitions: What is loaded.
        profiles: Canonicals of further profiles.

    Raises:
        Uncompiled: something is not compiled yet, and this thread does not compile.
    """
    walk = Walk(definitions, resource)
    where: Where = (None, resource["resourceType"], -1)
    with definitions.held(), suppress(Enough):
        for url in profiles:
            _check(resource, url, where, where, walk)
        _check_stated(resource, where, walk, contained=False)
    return walk.issues


def _check_stated(resource: dict[str, Any], where: Where, walk: Walk, *, contained: bool) -> None:
    with walk.inside(resource, contained=contained):
        for index, url in enumerate(resource.get("meta", {}).get("profile", ())):
            _check(resource, url, where, ((where, "meta", -1), "profile", index), walk)
        check_extensions(resource, where, walk)
    for inner, place, inside in _nested(resource, where):
        _check_stated(inner, place, walk, contained=inside)


def _check(resource: dict[str, Any], url: str, where: Where, named: Where, walk: Walk) -> None:
    if is_base(url):
        if url.removeprefix(BASE).partition("|")[0] not in (resource["resourceType"], "Resource", "DomainResource"):
            walk.add("error", named, "structure", f"{url} is no profile of {resource['resourceType']}.")
        return
    known = walk.definitions.known("StructureDefinition", url)
    try:
        if known is None:
            raise Unknown(url)
        found = checker(url, walk.definitions)
    except Unknown:
        walk.add("warning", named, "not-found", f"The profile {url} is not known here")
    except Unusable as reason:
        walk.add("warning", named, "not-supported", f"The profile {url} cannot be used: {reason}.")
    else:
        run(found, Occurrence(resource, None, where, resource["resourceType"]), walk)


def _nested(resource: dict[str, Any], where: Where) -> Iterator[tuple[dict[str, Any], Where, bool]]:
    """Yield the resources inside a resource, their places, and whether they are contained."""
    for index, one in enumerate(resource.get("contained", ())):
        yield one, (where, "contained", index), True
    if resource["resourceType"] == "Bundle":
        for index, entry in enumerate(resource.get("entry", ())):
            if "resource" in entry:
                yield entry["resource"], ((where, "entry", index), "resource", -1), False
    if resource["resourceType"] == "Parameters":
        yield from _in_parameters(resource.get("parameter", ()), where, "parameter")


def _in_parameters(
    parameters: Sequence[dict[str, Any]], where: Where, name: str
) -> Iterator[tuple[dict[str, Any], Where, bool]]:
    for index, one in enumerate(parameters):
        place: Where = (where, name, index)
        if "resource" in one:
            yield one["resource"], (place, "resource", -1), False
        yield from _in_parameters(one.get("part", ()), place, "part")
