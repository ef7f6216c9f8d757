"""Files of a store become resources: one transaction, by the way of a create, an update and a delete.

What a file says is written only where nothing newer (発生日時) is known. A file that was replaced becomes history, what
was deleted is deleted; each keeps its versions, and each file its bytes.
"""

import asyncio
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from app.exchange.hl7v2.message import Finding
from app.exchange.hl7v2.to_fhir.mapped import Key
from app.exchange.ssmix2.basics import over
from app.exchange.ssmix2.kinds import Flag
from app.exchange.ssmix2.known import Known
from app.exchange.ssmix2.lookups import FORGET, Entry, File, Found
from app.exchange.ssmix2.origin import origin
from app.exchange.ssmix2.rounds import Round
from app.exchange.ssmix2.tables import ssmix2_entry, ssmix2_file
from app.exchange.ssmix2.understand import Piece, Understood, problems
from app.identity.replaced import is_replaced
from app.records.identified import lock_of
from app.records.prepare import Prepared
from app.records.row_ids import new_id
from app.records.writing import Writing
from fhir.errors import FhirError
from fhir.exact import read as read_exact
from fhir.exact import write as write_exact
from fhir.resource import parse
from fhir.search.hashing import hash64
from fhir.signatures.carried import is_signed
from fhir.store.stored import Stored

TOGETHER = 20
"""Files that are gathered without a pause."""

GONE, CHANGED = 0, 1
"""In the place of what a resource says: it is deleted; it was changed by what is no file of its own."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a file."""

    state: str
    """`done`, `unchanged` or `refused`."""
    findings: tuple[Finding, ...] = ()


class CannotFile(FhirError):
    """A file cannot be stored, for what the hub has already."""

    status = 422
    code = "processing"


@dataclass(slots=True)
class _Own:
    """What of one patient was written in this transaction."""

    files: list[Understood] = field(default_factory=list)
    written: list[Stored] = field(default_factory=list)
    _looked_at: int = 0
    _newest: int = 0

    def newest(self) -> int:
        """Return when the newest of what was written was, in microseconds since 1970 UTC; 0 for none."""
        for one in self.written[self._looked_at :]:
            self._newest = max(self._newest, one.last_updated)
        self._looked_at = len(self.written)
        return self._newest


class Filing:
    """One transaction of files of one site.

    Args:
        part: The files.
    """

    def __init__(self, part: Round) -> None:
        self._part = part

    async def work(self, writing: Writing) -> list[Outcome]:
        """Gather all that the files say, and return what became of each.

        Raises:
            FhirError: one of them cannot be stored.
        """
        self._writing = writing
        custodian = writing.request.authority.custodian
        # Two batches of a site are written one after the other, so that each finds what the other wrote.
        await writing.connection.lock(hash64(f"ssmix2 {custodian}"))
        # Messages of a line may be about the same patients.
        patients = {lock_of(custodian, one.patient.key.system, one.patient.key.value) for one in self._part.files}
        await writing.connection.lock_all(sorted(patients))
        self._known = await Known.of(writing.connection, custodian, self._part.files)
        self._entries: dict[tuple[int, int], Entry] = {}
        self._stale: list[dict[str, int]] = []
        self._rows: list[tuple[Any, ...]] = []
        self._own: dict[Key, _Own] = {}
        self._given: dict[Key, tuple[int, str]] = {}
        outcomes = []
        for number, one in enumerate(self._part.files):
            if number % TOGETHER == 0:
                # Requests that read go on in between.
                await asyncio.sleep(0)
            outcomes.append(await self._file(one))
        await self._keep()
        return outcomes

    async def _file(self, one: Understood) -> Outcome:
        key = one.patient.key
        self._known.adopt(one)
        several = self._known.ambiguous(key)
        if several:
            await self._choose(key, several)
        patient_key = self._known.patient_key(key)
        latest = self._known.file(patient_key, one)
        if latest is not None and (latest.flag, latest.digest) == (int(one.name.flag), one.digest):
            return Outcome("unchanged", one.findings)
        own = self._own.setdefault(key, _Own())
        own.files.append(one)
        if not patient_key:
            patient_key = await self._new_patient(one, own)
        else:
            await self._piece(one, one.patient, patient_key, own, slot=0)
        self._give_ids(one, patient_key)
        for piece in one.pieces:
            await self._piece(one, piece, patient_key, own, slot=0 if piece.action == "mention" else one.slot_hash)
        await self._others(one, patient_key, own)
        self._note_file(one, patient_key, latest, own)
        return Outcome("done", one.findings)

    async def _choose(self, key: Key, several: Sequence[Found]) -> None:
        """Take of several Patients with a number the one that lives: one that was merged may still state it.

        Raises:
            CannotFile: several do.
        """
        bodies = [(one, await self._writing.current("Patient", one.id)) for one in several]
        living = [one for one, found in bodies if found is None or read_exact(bytes(found.body)).get("active", True)]
        if len(living) != 1:
            raise CannotFile(f"Several Patients of the site have the number {key.value}")
        self._known.choose(key, living[0])

    async def _new_patient(self, one: Understood, own: _Own) -> int:
        row, id_ = new_id(self._writing.request.hub)
        self._writing.announce_patient(id_, row)
        own.written.append(await self._writing.create(self._prepared(one.patient), row=row, id_=id_))
        self._known.add_patient(one.patient.key, row, id_)
        # Whatever says more of the patient replaces what is only named.
        occurred = one.name.instant if one.patient.action == "current" else 0
        self._note(one, one.patient, row, row, 0, occurred, one.patient.content)
        return row

    def _is_made(self, one: Understood, piece: Piece, patient_key: int) -> bool:
        """Return whether a resource is created when nothing is known of it."""
        if piece.action == "current":
            # What a newer file of the same order or list has left out is not taken up again by an older one.
            slot = self._known.of_slot(patient_key, one.slot_hash)
            return all(entry.occurred <= one.name.instant for entry in slot)
        return piece.action == "mention" or (piece.action == "history" and self._is_followed(one, piece))

    def _is_followed(self, one: Understood, what: Piece | Entry) -> bool:
        """Return whether a later file of the batch says what holds instead: of the resource, or of all of its order."""
        number = one.patient.key.value
        return not {(number, what.hash), (number, one.slot_hash)}.isdisjoint(self._part.followed)

    def _give_ids(self, one: Understood, patient_key: int) -> None:
        """Give ids to what a file creates, so that its resources may refer to each other."""
        for piece in one.pieces:
            if self._known.resource(patient_key, piece.key) is None and self._is_made(one, piece, patient_key):
                self._given[piece.key] = new_id(self._writing.request.hub)
                self._known.refer(piece.key, self._given[piece.key][1])

    async def _piece(self, one: Understood, piece: Piece, patient_key: int, own: _Own, *, slot: int) -> None:
        """Write one resource of a file, or leave it."""
        known = self._known.resource(patient_key, piece.key)
        entry = self._known.entry(patient_key, piece.hash)
        if known is None:
            if self._is_made(one, piece, patient_key):
                row, id_ = self._given.pop(piece.key)
                own.written.append(await self._writing.create(self._prepared(piece), row=row, id_=id_))
                self._known.add(patient_key, piece.key, row, id_)
                self._note(one, piece, patient_key, row, slot, one.name.instant, piece.content)
            return
        row, id_ = known
        if piece.action == "mention" or self._known.occurred(patient_key, piece.hash) > one.name.instant:
            return
        if piece.key.type == "Patient" and await self._was_merged(id_):
            return
        if piece.action == "current" or (piece.action == "delete" and piece.key.type == "Patient"):
            if entry is None or entry.content != piece.content:
                if piece.key.type == "Patient":
                    piece = await self._over(piece, id_, first=entry is None)
                own.written.append(await self._writing.update(self._prepared(piece), id_))
            self._note(one, piece, patient_key, row, slot, one.name.instant, piece.content)
        elif piece.action == "history" and self._is_followed(one, piece):
            if entry is None or (entry.content != piece.content and entry.name != one.file_hash):
                own.written.append(await self._writing.update(self._prepared(piece), id_))
                self._note(one, piece, patient_key, row, slot, one.name.instant, piece.content)
        elif piece.key.type != "Patient" and (entry is None or entry.content != GONE):
            await self._writing.delete(piece.key.type, id_)
            self._note(one, piece, patient_key, row, slot, one.name.instant, GONE)

    async def _over(self, piece: Piece, id_: str, *, first: bool) -> Piece:
        """Return what a file says of a Patient together with what only other doors have said."""
        current = await self._writing.current("Patient", id_)
        if current is None or current.deleted:
            return piece
        return replace(
            piece, body=write_exact(over(read_exact(bytes(current.body)), read_exact(piece.body), first=first))
        )

    async def _was_merged(self, id_: str) -> bool:
        """Return whether a Patient was merged into another: a file of its own number makes it no other's again."""
        current = await self._writing.current("Patient", id_)
        return current is not None and b"replaced-by" in current.body and is_replaced(parse(current.body))

    async def _others(self, one: Understood, patient_key: int, own: _Own) -> None:
        """Let go of what the file's order, or what it replaces, consisted of before and does not any more."""
        said = {piece.hash for piece in one.pieces}
        for entry in self._known.of_slot(patient_key, one.slot_hash):
            if entry.hash in said or entry.content == GONE or (patient_key, entry.hash) in self._entries:
                continue
            if self._is_over(one, entry):
                await self._writing.delete(entry.type, self._known.id(entry.row))
                self._change(entry, one, GONE)
        for order in one.orders:
            for found in self._known.of_order(patient_key, order):
                await self._stop(one, patient_key, found.id, order.type, order.present, order.status, own)

    def _is_over(self, one: Understood, entry: Entry) -> bool:
        """Return whether what a file of the slot wrote is over, by a file that does not say it."""
        if one.name.flag is Flag.HISTORY:
            return entry.name == one.file_hash and not self._is_followed(one, entry)
        if one.name.flag is Flag.DELETED:
            return entry.occurred <= one.name.instant
        return entry.occurred < one.name.instant and entry.type not in {order.type for order in one.orders}

    async def _stop(
        self,
        one: Understood,
        patient_key: int,
        id_: str,
        type_name: str,
        present: Iterable[str],
        status: str,
        own: _Own,
    ) -> None:
        """Give a resource that its order does not have any more another status."""
        current = await self._writing.current(type_name, id_)
        if current is None or current.deleted:
            return
        resource = read_exact(bytes(current.body))
        keys = [
            Key(type_name, each.get("system", ""), each.get("value", "")) for each in resource.get("identifier", ())
        ]
        if any(key.value in present for key in keys) or resource.get("status") == status:
            return
        entry = next((found for key in keys if (found := self._known.entry_of(patient_key, key)) is not None), None)
        if entry is not None and entry.occurred > one.name.instant:
            return
        body = write_exact(resource | {"status": status})
        made = Prepared(body, type_name, hashlib.sha256(body).digest(), tree=resource)
        own.written.append(await self._writing.update(made, id_))
        if entry is not None:
            self._change(entry, one, CHANGED)

    def _prepared(self, piece: Piece) -> Prepared:
        """Return what is written of a piece, its references final."""
        body = piece.body
        wrong = problems(read_exact(body)) if piece.action == "mention" else []
        if wrong:
            raise CannotFile(wrong[0])
        for link, key in piece.links:
            target = self._known.reference(key)
            if target is not None:
                body = body.replace(b'"%b"' % link, b'"%b"' % target.encode())
            else:
                body = _by_identifier(body, link, key)
        tree: Mapping[str, Any] = {"resourceType": piece.key.type} | ({"meta": piece.meta} if piece.meta else {})
        # Of what is made of a store only the files of documents may be signed: they are looked at once they are stored.
        is_of_signer = piece.key.type == "Binary" and is_signed(read_exact(body))
        verdicts = None if is_of_signer else ()
        return Prepared(body, piece.key.type, hashlib.sha256(body).digest(), tree=tree, verdicts=verdicts)

    def _note(
        self, one: Understood, piece: Piece, patient_key: int, row: int, slot: int, occurred: int, content: int
    ) -> None:
        """Keep which file wrote a resource."""
        made = Entry(patient_key, piece.hash, row, piece.key.type, occurred, one.file_hash, slot, content)
        self._put(made)

    def _change(self, entry: Entry, one: Understood, content: int) -> None:
        self._put(replace(entry, occurred=one.name.instant, content=content))

    def _put(self, entry: Entry) -> None:
        place = (entry.patient_key, entry.hash)
        if self._known.entry(*place) is not None and place not in self._entries:
            self._stale.append({"k_patient": entry.patient_key, "k_hash": entry.hash})
        self._entries[place] = entry

    def _note_file(self, one: Understood, patient_key: int, latest: File | None, own: _Own) -> None:
        request = self._writing.request
        # Not before what was written of it: what is newer than its file was changed since.
        received = max(request.now, own.newest())
        number = latest.number + 1 if latest is not None else 1
        self._rows.append(
            (
                *(patient_key, one.file_hash, number, request.authority.custodian, one.path, int(one.name.flag)),
                *(one.digest, one.charset, received, one.body),
            )
        )

    async def _keep(self) -> None:
        """Write what is noted, and where what was written comes from."""
        connection = self._writing.connection
        for own in self._own.values():
            provenance = origin(self._writing.request, own.files, own.written)
            if provenance is not None:
                await self._writing.create(provenance)
        if self._stale:
            await connection.execute_many(FORGET, self._stale)
        await connection.insert(ssmix2_entry, [one.as_row() for one in self._entries.values()])
        await connection.insert(ssmix2_file, self._rows)


def _by_identifier(body: bytes, link: bytes, key: Key) -> bytes:
    """Return a body in which what is not known is referred to by its identifier alone."""

    def changed(node: Any) -> Any:
        if isinstance(node, dict):
            if node.get("reference") == link.decode():
                kept = {name: value for name, value in node.items() if name != "reference"}
                return {"type": key.type, "identifier": {"system": key.system, "value": key.value}} | kept
            return {name: changed(value) for name, value in node.items()}
        return [changed(value) for value in node] if isinstance(node, list) else node

    return write_exact(changed(read_exact(body)))
