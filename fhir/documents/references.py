"""The references of a document: each leads to another entry, or says by name alone what it meant.

https://hl7.org/fhir/R4/bundle.html#references
"""

from collections.abc import Iterator, Mapping
from typing import Any

from fhir.documents.subject import ELEMENTS


def local(link: str, address: str) -> str:
    """Return a reference as `Type/id`, without a version; an address elsewhere, and an anchor, as they are.

    Args:
        link: As it is written.
        address: What the hub's own addresses begin with, up to the type.
    """
    return link.removeprefix(address).partition("/_history/")[0]


def links(tree: Any, address: str) -> Iterator[str]:
    """Yield what a resource refers to, as `local` writes it."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            if isinstance(link := node.get("reference"), str):
                yield local(link, address)
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node


def about(tree: Mapping[str, Any], address: str) -> Iterator[str]:
    """Yield the links to whom a resource is about."""
    for element in ELEMENTS:
        found = tree.get(element)
        if isinstance(found, dict) and isinstance(link := found.get("reference"), str):
            yield local(link, address)


class Resolved:
    """Resolves the references of one resource.

    Args:
        places: From a link, `Practitioner/1`, to the fullUrl of the entry that it means.
        address: What the hub's own addresses begin with.

    Attributes:
        written: From each link as it was written to its fullUrl.
        cut: Whether a reference was left without its link.
    """

    def __init__(self, places: Mapping[str, str], address: str) -> None:
        self._places = places
        self._address = address
        self.written: dict[str, str] = {}
        self.cut = False

    def tree(self, node: Any) -> Any:
        """Return a tree in which links lead to entries.

        A link to what is not in the document is taken out: its display, its identifier and its type stay. One to an
        address elsewhere, or to a contained resource, is kept.
        """
        if isinstance(node, list):
            return [self.tree(item) for item in node]
        if not isinstance(node, dict):
            return node
        link = node.get("reference")
        if not isinstance(link, str):
            return {key: self.tree(value) for key, value in node.items()}
        meant = local(link, self._address)
        if meant in self._places:
            self.written[link] = self._places[meant]
            return {**node, "reference": self._places[meant]}
        if ":" in meant or meant.startswith("#"):
            return node
        self.cut = True
        rest = {key: value for key, value in node.items() if key != "reference"}
        return rest or {"type": meant.partition("/")[0]}
