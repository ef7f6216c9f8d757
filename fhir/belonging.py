"""Resources that belong with others, by their own word or by another's: whoever labels one labels the other.

A Binary says whose attachment it is (https://hl7.org/fhir/R4/binary.html#security), a Provenance what it is about, and
what was extracted from which document (https://profiles.ihe.net/ITI/mXDE/); a DocumentReference says where its
attachment lies.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from fhir.documents.provenance import POLICY

POINTERS = {"Binary": "securityContext", "Provenance": "target"}
"""The element by which resources of a type point at those they belong with."""

ATTACHED = ("Binary", "Bundle")
"""The types of what an attachment's `url` leads to."""

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
    return _references([resource.get(POINTERS.get(resource["resourceType"], ""))])


def extracted_from(resource: Mapping[str, Any]) -> list[str]:
    """Return what a Provenance says its targets were extracted from, as `Type/id`; nothing for any other resource."""
    policies = resource.get("policy")
    if resource["resourceType"] != "Provenance" or not isinstance(policies, list) or POLICY not in policies:
        return []
    return _references(one.get("what") for one in _members(resource.get("entity")))


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
