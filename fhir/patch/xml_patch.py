"""XML Patch: https://www.rfc-editor.org/rfc/rfc5261, https://hl7.org/fhir/R4/http.html#patch.

Element names in `sel` have a prefix: one that the patch document declares, or `f` for FHIR and `h` for XHTML.
"""

import re
from collections.abc import Callable
from copy import deepcopy
from typing import Any

from lxml import etree

from fhir.errors import Unprocessable
from fhir.patch.exact import MalformedPatch, Patch, TooCostly

OPERATIONS = 1_000
"""Operations a patch may have."""

LONGEST = 1_000
"""Characters a `sel` may have."""

DEPTH = 100
"""Levels of elements a patched resource may have; a resource of 64 levels of JSON has fewer."""

_PREFIXES = {"f": "http://hl7.org/fhir", "h": "http://www.w3.org/1999/xhtml"}
_ROOTS = frozenset(("diff", "patch"))
_NAMESPACE = "namespace::"
_SPACE = " \t\r\n"

# What RFC 5261 section 4.1 lets stand in a selector: steps downwards and predicates. With more of XPath, a short one
# could be made to compute for hours.
_FUNCTIONS = frozenset(("text", "comment", "processing-instruction", "position", "last", "and", "or"))
_MARKS = ("//", "::", "..", "|")
_STRINGS = re.compile(r"'[^']*'|\"[^\"]*\"")
_PREFIX = re.compile(r"[A-Za-z_][\w.-]*")
_CALL = re.compile(r"([\w.:-]+)\s*\(")

Node = Any
"""An element, comment or processing instruction of lxml, or a text or attribute that its XPath found."""


def _parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)


def _parse(text: bytes, what: str) -> Node:
    try:
        tree = etree.fromstring(text, _parser()).getroottree()
    except (etree.XMLSyntaxError, ValueError) as error:
        raise MalformedPatch(f"{what} is not XML: {error}") from None
    if tree.docinfo.doctype:
        raise MalformedPatch(f"{what} has a document type declaration")
    return tree


def operations(document: bytes) -> list[Node]:
    """Return the operations of a patch document.

    Raises:
        MalformedPatch: it is not XML, or not a patch.
    """
    root = _parse(document, "The patch").getroot()
    found = list(root.iterchildren(etree.Element))
    if etree.QName(root).localname not in _ROOTS or not found:
        raise MalformedPatch("A patch is a diff element with operations in it")
    if len(found) > OPERATIONS:
        raise TooCostly(f"A patch has at most {OPERATIONS} operations")
    for number, operation in enumerate(found):
        _check(number, operation)
    return found


def _check(number: int, operation: Node) -> None:
    kind, sel = etree.QName(operation).localname, operation.get("sel", "")
    if kind not in _CARRY_OUT or not sel or len(sel) > LONGEST:
        raise MalformedPatch(f"Operation {number} ({kind}) is no add, replace or remove with a sel")
    plain = _STRINGS.sub("", sel)
    calls = {found[1] for found in _CALL.finditer(plain)}
    if calls - _FUNCTIONS or any(mark in plain for mark in _MARKS):
        raise MalformedPatch(f"Operation {number} ({kind} {sel}): this selector is not understood here")
    try:
        etree.XPath(sel, namespaces=_prefixes(operation), regexp=False)
    except etree.XPathSyntaxError:
        raise MalformedPatch(f"Operation {number} ({kind} {sel}): the sel is no XPath") from None
    allowed = {"before", "after", "prepend"} if kind == "add" else {"before", "after", "both"}
    if operation.get("pos" if kind == "add" else "ws", "after") not in allowed:
        raise MalformedPatch(f"Operation {number} ({kind} {sel}): pos or ws is unknown")


def _prefixes(operation: Node) -> dict[str, str]:
    return _PREFIXES | {prefix: uri for prefix, uri in operation.nsmap.items() if prefix}


class _Refused(Exception):
    """An operation cannot be carried out; why."""


def _located(tree: Node, operation: Node) -> Node:
    """Return the one node that an operation is about."""
    sel = operation.get("sel")
    path = sel if sel.startswith("/") else f"/{sel}"
    try:
        found = tree.xpath(path, namespaces=_prefixes(operation), regexp=False)
    except etree.XPathError:
        raise _Refused("the sel cannot be evaluated") from None
    if not isinstance(found, list) or len(found) != 1:
        raise _Refused(f"the sel means {len(found) if isinstance(found, list) else 0} nodes, not one")
    return found[0]


def _is_attribute(node: Node) -> bool:
    return bool(getattr(node, "is_attribute", False))


def _named(node: Node) -> tuple[Node, int]:
    """Return the parent of a node and its place in it.

    Raises:
        _Refused: it has none: it is the resource itself.
    """
    parent = node.getparent()
    if parent is None:
        raise _Refused("the resource itself stays, and nothing stands beside it")
    return parent, parent.index(node)


def _text_before(element: Node, index: int) -> str:
    return (element.text if index == 0 else element[index - 1].tail) or ""


def _set_text_before(element: Node, index: int, text: str) -> None:
    """Write the text that stands before the child at `index` of an element, or at its end."""
    if index == 0:
        element.text = text or None
    else:
        element[index - 1].tail = text or None


def _check_depth(element: Node, operation: Node) -> None:
    """Refuse what would nest too deep: libxml2 walks some trees by recursion."""
    above = sum(1 for _ in element.iterancestors())
    below, level = 0, list(operation)
    while level and above + below <= DEPTH:
        below, level = below + 1, [child for node in level for child in node]
    if above + below > DEPTH:
        raise _Refused(f"elements would nest deeper than {DEPTH} levels")


def _put(element: Node, index: int, operation: Node, *, before_text: bool) -> None:
    """Put what an operation holds before the child at `index` of an element, and before the text there or behind it."""
    _check_depth(element, operation)
    text = _text_before(element, index)
    content = operation.text or ""
    _set_text_before(element, index, content if before_text else text + content)
    for child in operation:
        element.insert(index, deepcopy(child))
        index += 1
    if before_text:
        _set_text_before(element, index, _text_before(element, index) + text)


def _add(tree: Node, operation: Node) -> None:
    node, kind, position = _located(tree, operation), operation.get("type"), operation.get("pos")
    if isinstance(node, str):
        raise _Refused("only elements can be added to")
    if position in {"before", "after"}:
        parent, index = _named(node)
        behind = position == "after"
        _put(parent, index + behind, operation, before_text=behind)
    elif not isinstance(node.tag, str):
        raise _Refused("only elements can be added to")
    elif kind is not None:
        _add_named(tree, node, operation, kind)
    else:
        first = position == "prepend"
        _put(node, 0 if first else len(node), operation, before_text=first)


def _add_named(tree: Node, node: Node, operation: Node, kind: str) -> None:
    """Add an attribute (`@name`) or the declaration of a prefix (`namespace::prefix`)."""
    text = _only_text(operation)
    if kind.startswith("@"):
        name = _qualified(operation, kind[1:])
        if name in node.attrib:
            raise _Refused("the attribute is there already")
        try:
            node.set(name, text)
        except ValueError:
            raise _Refused("this is no name of an attribute") from None
        return
    prefix = kind.removeprefix(_NAMESPACE)
    if not kind.startswith(_NAMESPACE) or not _PREFIX.fullmatch(prefix) or not text or prefix in node.nsmap:
        raise _Refused("the type is not @name or namespace::prefix, or the prefix is declared already")
    # A declaration cannot be added to an element that is made: another one takes its place.
    other = etree.Element(node.tag, node.attrib, {**node.nsmap, prefix: text})
    other.text, other.tail = node.text, node.tail
    other.extend(list(node))
    _exchange(tree, node, other)


def _qualified(operation: Node, name: str) -> str:
    prefix, colon, local = name.rpartition(":")
    if colon and prefix not in operation.nsmap:
        raise _Refused("the prefix of the attribute is not declared")
    return f"{{{operation.nsmap[prefix]}}}{local}" if colon else local


def _only_text(operation: Node) -> str:
    if len(operation):
        raise _Refused("only text can come there")
    return operation.text or ""


def _exchange(tree: Node, node: Node, other: Node) -> None:
    parent = node.getparent()
    if parent is None:
        tree._setroot(other)  # noqa: SLF001 - how lxml documents it
    else:
        parent.replace(node, other)


def _replace(tree: Node, operation: Node) -> None:
    node = _located(tree, operation)
    if _is_attribute(node):
        node.getparent().set(node.attrname, _only_text(operation))
    elif isinstance(node, str):
        _replace_text(node, _only_text(operation))
    else:
        rest = (operation.text or "") + "".join(child.tail or "" for child in operation)
        if len(operation) != 1 or rest.strip(_SPACE) or isinstance(operation[0].tag, str) != isinstance(node.tag, str):
            raise _Refused("one node of the same kind must come there")
        _check_depth(node, operation)
        other = deepcopy(operation[0])
        other.tail = node.tail
        _exchange(tree, node, other)


def _replace_text(node: Node, text: str) -> None:
    owner = node.getparent()
    if node.is_tail:
        owner.tail = text or None
    else:
        owner.text = text or None


def _remove(tree: Node, operation: Node) -> None:
    node = _located(tree, operation)
    if _is_attribute(node):
        del node.getparent().attrib[node.attrname]
    elif isinstance(node, str):
        _replace_text(node, "")
    else:
        parent, index = _named(node)
        before, after = _text_before(parent, index), node.tail or ""
        space = operation.get("ws", "")
        before = _without_space(before) if space in {"before", "both"} else before
        after = _without_space(after) if space in {"after", "both"} else after
        parent.remove(node)
        _set_text_before(parent, index, before + after)


def _without_space(text: str) -> str:
    if not text or text.strip(_SPACE):
        raise _Refused("there is no white space alone beside it")
    return ""


_CARRY_OUT: dict[str, Callable[[Node, Node], None]] = {"add": _add, "replace": _replace, "remove": _remove}


def read(document: bytes) -> Patch:
    """Return the patch that a document is, from a resource in XML to one in XML.

    Raises:
        MalformedPatch: it is not an XML Patch.
    """
    patch = operations(document)

    def patched(body: bytes) -> bytes:
        tree = _parse(body, "The resource")
        for number, operation in enumerate(patch):
            try:
                _CARRY_OUT[etree.QName(operation).localname](tree, operation)
            except _Refused as error:
                named = f"Operation {number} ({etree.QName(operation).localname} {operation.get('sel')})"
                raise Unprocessable(f"{named}: {error}") from None
        written: bytes = etree.tostring(tree, encoding="UTF-8", xml_declaration=False)
        return written

    return patched
