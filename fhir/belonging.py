"""Resources that belong with others, by their own word or by another's: whoever labels one labels the other.

A Binary says whose attachment it is (https://hl7.org/fhir/R4/binary.html#security), a Provenance what it is about, and
what was extracted from which document (https://profiles.ihe.net/ITI/mXDE/); a DocumentReference says where its
attachment lies.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from fhir.documents.provenance import MADE_OF, POLICY

POINTERS = {"Binary": "securityContext", "Provenance": "target"}
"""The element by which resources of a type point at those they belong with."""

ATTACHED = ("Binary", "Bundle")
"""The types of what an attachment's `url` leads to."""

ATTACHING = {"DocumentReference": "content", "DiagnosticReport": "presentedForm", "Media": "content"}
"""The element with the attachments of a type, whose bytes go with the resource when its person decides about that."""

_ATTACHMENT = re.compile(rf"(?:.*/)?(?:{'|'.join(ATTACHED)})/[A-Za-z0-9\-.]{{1,64}}")


def _means(link: str) -> str:
    """Return `Type/id` of a link, whatever the address and the version; a link without a slash as it is."""
    return "/".join(link.partition("/_history/")[0].split("/")[-2:])


def _members(node: Any) -> list[Any]:
    """Return the objects of an element, which may be one or several; what is of no such type is left out."""
    found = node if isinstance(node, list) else [node]
    return [one for one in found if isinstance(one, dict)]


def _references(found: Iterable[Any]) -> list[str]:
    links = [reference.get("reference") for node in found for reference in _members(node)]
    return [_means(link) for link in links if isinstance(link, str) and "/" in link]


def pointed_at(resource: Mapping[str, Any]) -> list[str]:
    """Return the references `Type/id` by which a resource points at those it belongs with."""
    return _references([resource.get(POINTERS.get(resource.get("resourceType", ""), ""))])


def extracted_from(resource: Mapping[str, Any]) -> list[str]:
    """Return what a Provenance says its targets were extracted from, as `Type/id`; nothing for any other resource."""
    return _entities(resource, {POLICY})


def made_from(resource: Mapping[str, Any]) -> list[str]:
    """Return what a Provenance says its targets were extracted from, or put together of, as `Type/id`."""
    return _entities(resource, {POLICY, MADE_OF})


def _entities(resource: Mapping[str, Any], wanted: set[str]) -> list[str]:
    policies = resource.get("policy")
    if resource.get("resourceType") != "Provenance" or not isinstance(policies, list):
        return []
    if not any(isinstance(one, str) and one in wanted for one in policies):
        return []
    return _references(one.get("what") for one in _members(resource.get("entity")))


RELATING = (
    *("encounter", "context", "episodeOfCare", "basedOn", "partOf", "replaces", "supportingInfo", "focus"),
    "imagingStudy",
)
"""The elements in which a record says which visit, episode, plan of care or study it is of."""

AUTHORING = (
    *("author", "recorder", "asserter", "performer", "resultsInterpreter", "requester", "informationSource"),
    *("enterer", "orderer", "prescriber", "assessor", "interpreter", "operator", "agent"),
)
"""The elements in which a record says who wrote it; `performer` of a request says who is asked, not who wrote."""

_VISIT = re.compile(r"(?:.*/)?(?:Encounter|EpisodeOfCare|CarePlan|ImagingStudy)/[A-Za-z0-9\-.]{1,64}(?:/_history/.*)?")


def _within(node: Any) -> Iterator[Any]:
    """Yield the objects of an element and those in their elements `encounter`, `actor` and `who`."""
    for one in _members(node):
        yield one
        for name in ("encounter", "actor", "who"):
            yield from _members(one.get(name))


def encounters(resource: Mapping[str, Any]) -> list[str]:
    """Return the Encounters, EpisodesOfCare, CarePlans and ImagingStudies that a record says it is of, as `Type/id`."""
    found = [one.get("reference") for name in RELATING if name in resource for one in _within(resource[name])]
    return [_means(link) for link in found if isinstance(link, str) and _VISIT.fullmatch(link)]


def all_references(node: Any) -> list[str]:
    """Return all that a resource refers to, as `Type/id`."""
    if isinstance(node, list):
        return [link for one in node for link in all_references(one)]
    if not isinstance(node, dict):
        return []
    return _references([node]) + [link for value in node.values() for link in all_references(value)]


def authors(resource: Mapping[str, Any]) -> list[str]:
    """Return who a record says wrote it, as `Type/id`."""
    asked = resource["resourceType"].endswith("Request")
    names = [name for name in AUTHORING if name in resource and not (asked and name == "performer")]
    return _references(one for name in names for one in _within(resource[name]))


def attached(node: Any) -> Iterator[str]:
    """Yield the Binaries and Bundles that a resource names by an attachment's `url`, as `Type/id`."""
    if isinstance(node, dict):
        url = node.get("url")
        if isinstance(url, str) and _ATTACHMENT.fullmatch(link := url.partition("/_history/")[0]):
            yield _means(link)
        for value in node.values():
            yield from attached(value)
    elif isinstance(node, list):
        for value in node:
            yield from attached(value)
