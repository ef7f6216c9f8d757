"""What the hub writes about a document itself: its DocumentReference, and the Provenance of what it states."""

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import orjson

from app.clock import instant
from app.consent.visibility import EVERYTHING_VISIBLE
from app.records.documents.facts import Labels
from app.records.labelled import widen
from app.records.prepare import prepare
from app.records.writing import Writing
from fhir.documents.provenance import provenance
from fhir.store.read import read
from fhir.store.stored import Stored


class Description:
    """The resources about one document, which it has one of each, whatever its versions.

    Args:
        writing: The write transaction.
        patient_key: Of the document.
        labels: Of the document.
    """

    def __init__(self, writing: Writing, patient_key: int, labels: Labels) -> None:
        self._writing = writing
        self._patient_key = patient_key
        self._labels = labels

    async def reference(self, id_: str, body: dict[str, Any]) -> str:
        """Gather a DocumentReference, and return the reference to it; `id_` is that of the version before, if any.

        What its sender tells of the document stays as it is; where that has ended, the hub tells anew.
        """
        current = await self._current("DocumentReference", id_)
        tree = {} if current is None or current.deleted else orjson.loads(current.body)
        if tree and _leads_to(tree) != _leads_to(body):
            if tree.get("status") == "current":
                return f"DocumentReference/{id_}"
            current = None
        return f"DocumentReference/{await self._write(body, current)}"

    async def provenance(self, id_: str, source: str, targets: Sequence[str]) -> str:
        """Gather the Provenance of what a document states, and return its id; empty for one that states nothing.

        Args:
            id_: That of the version before, or an empty text.
            source: Reference to the DocumentReference, or to the Bundle where there is none.
            targets: References to what it states.
        """
        request = self._writing.request
        if not targets:
            return await self._without(id_)
        body = provenance(
            targets,
            source,
            recorded=instant(request.now),
            organization=request.caller.organisation_reference,
            version=version("renkei"),
        )
        current = await self._current("Provenance", id_)
        if current is not None and not current.deleted and _same_origin(orjson.loads(current.body), body):
            await self._widen(current)
            return current.id
        return await self._write(body, current)

    async def _without(self, id_: str) -> str:
        current = await self._current("Provenance", id_)
        if current is not None and not current.deleted:
            self._writing.take_back(current)
        return id_

    async def _current(self, type_name: str, id_: str) -> Stored | None:
        return await read(self._writing.connection, EVERYTHING_VISIBLE, type_name, id_) if id_ else None

    async def _write(self, body: dict[str, Any], current: Stored | None) -> str:
        """Gather a resource, and return its id."""
        prepared, labels = prepare(orjson.dumps(body), self._writing.request.authority), self._labels
        if current is None:
            made = await self._writing.create(
                prepared, patient_key=self._patient_key, inherited_labels=labels.bits, security=labels.codings
            )
            return made.id
        if await self._writing.follow(current, prepared, labels=labels.bits, security=labels.codings) is None:
            await self._widen(current)
        return current.id

    async def _widen(self, current: Stored) -> None:
        """Give a resource that says the same the labels of the document."""
        if self._labels.bits & ~current.labels:
            self._writing.labelled.append(await widen(self._writing.connection, current, self._labels.bits))


def _leads_to(document: Mapping[str, Any]) -> list[Any]:
    """Return where the attachments of a DocumentReference lie; only the hub's own leave out the hub's address."""
    return [one.get("attachment", {}).get("url") for one in document.get("content", ())]


def _same_origin(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Return whether two Provenances name the same facts and the same document."""
    return all(one.get(name) == other.get(name) for name in ("target", "entity"))
