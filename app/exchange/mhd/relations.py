"""What a document does to those that it relates to: it replaces, extends, transforms or signs them.

A target is one of the site's own documents, of the same patient, and current. What is replaced becomes superseded, and
with it what extends or transforms it; the replacement joins the Folders of what it replaces.
https://profiles.ihe.net/ITI/TF/Volume3/ch-4.2.html#4.2.2.2
"""

import re
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import orjson

from app.clock import instant
from app.exchange.mhd.profiles import list_type
from app.exchange.mhd.refusing import refuse_for
from app.exchange.mhd.submission import Part
from app.records.own import change, find_own, read_own
from app.records.writing import Writing
from fhir.errors import Conflict
from fhir.patch.json_patch import read as read_patch
from fhir.store.stored import Stored
from fhir.store.tables import NO_PATIENT

_DOCUMENT = re.compile(r"DocumentReference/([A-Za-z0-9\-.]{1,64})")
_FOLLOWING = ("appends", "transforms")
"""What goes with a document that is replaced."""

_SUPERSEDED = read_patch(b'[{"op":"add","path":"/status","value":"superseded"}]')


def relations(document: Any) -> Iterator[tuple[int, str, str]]:
    """Yield the number, the code and the target's reference of each relation of a document."""
    for number, one in enumerate(document.get("relatesTo", ())):
        yield number, str(one.get("code", "")), str(one.get("target", {}).get("reference", ""))


def is_about(document: Stored, patient_key: int | None) -> bool:
    """Return whether a document is about a patient; one of minimal metadata may not say whom it is about."""
    return patient_key is None or document.patient_key in (patient_key, NO_PATIENT)


async def target_of(writing: Writing, link: str, patient_key: int | None, place: str) -> Stored:
    """Return the document that a relation means.

    Args:
        writing: The transaction.
        link: The reference, as it is stored.
        patient_key: The patient of the document that relates to it.
        place: Where the relation stands.

    Raises:
        Unprocessable: the site has no such document of the patient; whether another site has is not told.
        Conflict: it is superseded.
    """
    named = _DOCUMENT.fullmatch(link)
    found = await read_own(writing, "DocumentReference", named[1]) if named else None
    if found is None or not is_about(found, patient_key):
        text = "The target is no document of this site and this patient"
        refuse_for("not-found", place, text)
    if orjson.loads(found.body).get("status") != "current":
        raise Conflict("The target is not current any more", place)
    return found


async def targets_of(
    writing: Writing,
    documents: Sequence[Part],
    means: Callable[[str], str],
    inside: AbstractSet[str],
    patient_key: int | None,
) -> list[tuple[Part, str, Stored]]:
    """Return what each document relates to: the document, the code, the target; not what comes with it.

    Args:
        writing: The transaction.
        documents: The DocumentReferences that are new.
        means: From a reference as it was sent to that which is stored.
        inside: The references of what comes along.
        patient_key: Whose they are.

    Raises:
        Unprocessable: a target is none, or comes along and would be replaced.
        Conflict: a target is superseded.
    """
    found = []
    for part in documents:
        for number, code, link in relations(part.tree):
            place = f"{part.path}.relatesTo[{number}].target"
            if means(link) not in inside:
                found.append((part, code, await target_of(writing, means(link), patient_key, place)))
            elif code == "replaces":
                refuse_for("business-rule", place, "A document is not replaced by one that comes with it")
    return found


async def check_items(
    writing: Writing,
    lists: Sequence[Part],
    means: Callable[[str], str],
    inside: AbstractSet[str],
    patient_key: int | None,
) -> None:
    """Refuse a SubmissionSet or Folder that names what the site does not have, or has of another Patient.

    The arguments are those of `targets_of`.

    Raises:
        Unprocessable: one does.
    """
    for part in lists:
        for number, item in enumerate(part.tree.get("entry", ())):
            link = means(str(item.get("item", {}).get("reference", "")))
            type_name, _, id_ = link.partition("/")
            if link in inside:
                continue
            known = type_name in ("DocumentReference", "List")
            kept = await read_own(writing, type_name, id_) if known else None
            if kept is None or not is_about(kept, patient_key):
                text = "This is no document or Folder of this site and this Patient"
                refuse_for("not-found", f"{part.path}.entry[{number}].item", text)


class Superseding:
    """What is superseded in one transaction, each document once.

    Attributes:
        done: By id, the versions that say so.
    """

    def __init__(self, writing: Writing) -> None:
        self._writing = writing
        self.done: dict[str, Stored] = {}

    async def supersede(self, document: Stored, path: str) -> Stored:
        """Gather the version of a document that is superseded, and of those that extend or transform it."""
        if document.id in self.done:
            return self.done[document.id]
        made = self.done[document.id] = await change(self._writing, document, _SUPERSEDED, path)
        for one in await self._following(document):
            await self.supersede(one, path)
        return made

    async def _following(self, document: Stored) -> list[Stored]:
        reference = f"DocumentReference/{document.id}"
        found = await find_own(self._writing, "DocumentReference", ("relatesto", reference), ("status", "current"))
        return [
            one
            for one in found
            if one.id not in self.done
            and any(code in _FOLLOWING and link == reference for _, code, link in relations(orjson.loads(one.body)))
        ]


class Joining:
    """The Folders that a replacement joins, each written once.

    Args:
        writing: The transaction.
        left: Ids of Lists that the Bundle writes itself.
    """

    def __init__(self, writing: Writing, left: set[str]) -> None:
        self._writing = writing
        self._left = left
        self._new: dict[str, list[str]] = {}
        self._folders: dict[str, Stored] = {}

    async def join(self, replaced: str, replacement: str) -> None:
        """Note that a document is to be in the Folders of the one that it replaces, both by their references."""
        for one in await find_own(self._writing, "List", ("item", replaced), ("status", "current")):
            tree = orjson.loads(one.body)
            items = {entry.get("item", {}).get("reference") for entry in tree.get("entry", ())}
            if list_type(tree) == "folder" and one.id not in self._left and replacement not in items:
                self._folders[one.id] = one
                self._new.setdefault(one.id, []).append(replacement)

    async def write(self) -> None:
        """Gather the next version of each Folder."""
        for id_, references in self._new.items():
            operations: list[dict[str, Any]] = [
                {"op": "add", "path": "/entry/-", "value": {"item": {"reference": one}}} for one in references
            ]
            now = instant(self._writing.request.now)
            operations.append({"op": "add", "path": "/date", "value": now})
            await change(self._writing, self._folders[id_], read_patch(orjson.dumps(operations)), f"List/{id_}")
