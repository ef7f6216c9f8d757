"""What is said of documents at each level of metadata: required, forbidden, single, of a fixed form.

The rules hold whether or not the package of MHD is loaded, by whose profiles the resources are checked besides.
https://profiles.ihe.net/ITI/MHD/ITI-65.html, https://profiles.ihe.net/ITI/TF/Volume3/ch-4.3.html#4.3.1
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from app.exchange.mhd.profiles import DESIGNATION, SOURCE_ID, URI, Level, extensions
from app.exchange.mhd.submission import Part, Submission
from fhir.issue import Issue

Tree = Mapping[str, Any]

_DOCUMENT = ("masterIdentifier.system", "masterIdentifier.value", "content.attachment.contentType")
_DOCUMENT_MORE = (
    *("type", "category", "subject", "securityLabel", "content.attachment.language", "content.attachment.creation"),
    *("content.format", "context.facilityType", "context.practiceSetting", "context.sourcePatientInfo"),
)
_NOT_OF_DOCUMENT = ("docStatus", "modifierExtension", "content.attachment.data")
_NOT_OF_LIST = (
    *("modifierExtension", "encounter", "orderedBy", "emptyReason"),
    *("entry.flag", "entry.deleted", "entry.date"),
)
_CONTAINED = ("author", "authenticator", "context.sourcePatientInfo")

_OID = re.compile(r"urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+")
_UUID = re.compile(r"urn:uuid:[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def found_at(node: Any, path: str) -> Iterator[Any]:
    """Yield what lies at a path of names, of lists each member."""
    if isinstance(node, list):
        for one in node:
            yield from found_at(one, path)
    elif not path:
        yield node
    elif isinstance(node, dict):
        name, _, rest = path.partition(".")
        if name in node:
            yield from found_at(node[name], rest)


def _required(tree: Tree, paths: Sequence[str], place: str) -> Iterator[Issue]:
    for path in paths:
        if not any(True for _ in found_at(tree, path)):
            yield Issue("error", "required", f"{place}.{path}", f"{path} is required at this level of metadata")


def _absent(tree: Tree, paths: Sequence[str], place: str) -> Iterator[Issue]:
    for path in paths:
        if any(True for _ in found_at(tree, path)):
            yield Issue("error", "structure", f"{place}.{path}", f"{path} is not allowed here")


def _single(tree: Tree, names: Sequence[str], place: str) -> Iterator[Issue]:
    for name in names:
        if isinstance(tree.get(name), list) and len(tree[name]) > 1:
            yield Issue("error", "structure", f"{place}.{name}", f"{name} is there once")


def _fixed(tree: Tree, name: str, allowed: Sequence[str], place: str) -> Iterator[Issue]:
    if tree.get(name) not in allowed:
        yield Issue("error", "value", f"{place}.{name}", f"{name} is {' or '.join(allowed)}")


def _urn(identifier: Tree, forms: Sequence[re.Pattern[str]], place: str) -> Iterator[Issue]:
    value = identifier.get("value", "")
    if identifier.get("system") == URI and not any(form.fullmatch(value) for form in forms):
        yield Issue("error", "value", f"{place}.value", "This is not a URN of the form that is asked for")


def _entry_uuids(tree: Tree, place: str) -> Iterator[Issue]:
    for number, one in enumerate(tree.get("identifier", ())):
        if one.get("use") == "official":
            if one.get("system") != URI:
                text = f"An official identifier is an entryUUID, of the system {URI}"
                yield Issue("error", "value", f"{place}.identifier[{number}].system", text)
            yield from _urn(one, [_UUID], f"{place}.identifier[{number}]")


def document(tree: Tree, level: Level, place: str) -> Iterator[Issue]:
    """Yield what is wrong with the metadata of a document."""
    yield from _required(tree, (*_DOCUMENT, *(() if level == "minimal" else _DOCUMENT_MORE)), place)
    yield from _absent(tree, _NOT_OF_DOCUMENT, place)
    yield from _single(tree, ("category", "content"), place)
    yield from _fixed(tree, "status", ("current", "superseded"), place)
    yield from _urn(tree.get("masterIdentifier", {}), [_OID, _UUID], f"{place}.masterIdentifier")
    yield from _entry_uuids(tree, place)
    if level == "comprehensive":
        yield from contained(tree, _CONTAINED, place)


def contained(tree: Tree, paths: Sequence[str], place: str) -> Iterator[Issue]:
    """Yield the references that do not lead to what is contained."""
    inside = {f"#{one.get('id')}" for one in tree.get("contained", ())}
    for path in paths:
        for one in found_at(tree, path):
            if not isinstance(one, dict) or one.get("reference") not in inside:
                yield Issue("error", "value", f"{place}.{path}", f"{path} is contained at this level of metadata")


def _extension(tree: Tree, url: str, place: str, *, least: int) -> Iterator[Issue]:
    count = sum(1 for _ in extensions(tree, url))
    name = url.rpartition("/")[2]
    if count < least:
        yield Issue("error", "required", f"{place}.extension", f"The extension {name} is required here")
    if count > 1:
        yield Issue("error", "structure", f"{place}.extension", f"The extension {name} is there once")


def submission_set(tree: Tree, level: Level, place: str) -> Iterator[Issue]:
    """Yield what is wrong with a SubmissionSet."""
    more = () if level == "minimal" else ("subject",)
    yield from _required(tree, ("date", "entry.item", *more), place)
    yield from _absent(tree, _NOT_OF_LIST, place)
    yield from _single(tree, ("note",), place)
    yield from _fixed(tree, "status", ("current",), place)
    yield from _fixed(tree, "mode", ("working",), place)
    yield from _extension(tree, SOURCE_ID, place, least=1)
    yield from _extension(tree, DESIGNATION, place, least=0 if level == "minimal" else 1)
    for number, one in enumerate(tree.get("identifier", ())):
        if one.get("use") == "usual":
            yield from _urn(one, [_OID], f"{place}.identifier[{number}]")
    yield from _entry_uuids(tree, place)
    if level == "comprehensive":
        yield from contained(tree, ("source",), place)


def folder(tree: Tree, level: Level, place: str) -> Iterator[Issue]:
    """Yield what is wrong with a Folder."""
    yield from _required(tree, () if level == "minimal" else ("title", "subject"), place)
    yield from _absent(tree, (*_NOT_OF_LIST, "source"), place)
    yield from _single(tree, ("note",), place)
    yield from _fixed(tree, "mode", ("working",), place)
    if level != "minimal" and not any(extensions(tree, DESIGNATION)):
        yield Issue("error", "required", f"{place}.extension", "The extension ihe-designationType is required here")
    yield from _entry_uuids(tree, place)


def _listed(found: Submission) -> Iterator[Issue]:
    """Yield what is provided and not an entry of the SubmissionSet."""
    (one,) = found.sets
    items = {item for item in found_at(one.tree, "entry.item.reference") if isinstance(item, str)}
    for part in (*found.documents, *(folder for folder in found.folders if folder.method == "POST")):
        if part.entry.full_url not in items:
            text = f"The SubmissionSet does not name this {part.tree['resourceType']}"
            yield Issue("error", "not-found", f"Bundle.entry[{part.number}].fullUrl", text)


def _distinct(found: Submission) -> Iterator[Issue]:
    """Yield the documents that have the unique identifier of another one in the Bundle."""
    met: set[tuple[object, object]] = set()
    for part in found.documents:
        identifier = part.tree.get("masterIdentifier", {})
        one = identifier.get("system"), identifier.get("value")
        if one in met:
            place = f"{part.path}.masterIdentifier.value"
            yield Issue("error", "duplicate", place, "Another document of the Bundle has this masterIdentifier")
        met.add(one)


def check(found: Submission) -> list[Issue]:
    """Return what is wrong with the metadata of a submission; the structure of R4 was checked before."""
    level, issues = found.level, [*_listed(found), *_distinct(found)]
    tables = ((found.documents, document), (found.sets, submission_set), (found.folders, folder))
    for parts, rules in tables:
        for part in parts:
            issues += rules(part.tree, level, part.path)
    return issues


def subject_of(part: Part) -> str | None:
    """Return the reference to whom something is about; None when it says none."""
    found = part.tree.get("subject")
    link = found.get("reference") if isinstance(found, dict) else None
    return link if isinstance(link, str) else None
