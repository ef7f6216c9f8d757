"""A write transaction on behalf of a caller: patients resolved, ids given, versions gathered, then flushed at once.

Custody never changes: a row keeps its custodian and its patient for ever, and a later write lowers no label.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import bindparam, select

from app.audit.tables import audit_salt
from app.clock import instant
from app.consent.visibility import EVERYTHING_VISIBLE
from app.db import WriteConnection
from app.identity.tables import person_patient
from app.records.documents.kept import find_by_row
from app.records.inheritance import Belonging, attaching, inherited
from app.records.prepare import Prepared
from app.records.row_ids import new_id
from app.records.several import Several
from app.records.signatures.keep import Signed
from fhir.belonging import ATTACHED, POINTERS, attached
from fhir.errors import Conflict, Forbidden, NotFound, Unprocessable
from fhir.exact import read as read_exactly
from fhir.exact import write as write_exactly
from fhir.issue import Issue
from fhir.resource import parse
from fhir.search.extract import NO_INDEX, Index, extract
from fhir.search.hashing import hash64
from fhir.search.in_force import InForce
from fhir.search.internal import rows_of_deleted
from fhir.splice import Spliced, splice
from fhir.store.categories import category
from fhir.store.connection import Visibility
from fhir.store.facts import Facts, facts, patients
from fhir.store.in_order import by_hash
from fhir.store.read import read, vread
from fhir.store.stored import DELETE, Stored
from fhir.store.tables import NO_PATIENT, patient_chart, resource, resource_id
from fhir.store.types import NUMBERS
from fhir.store.write import POST, PUT, Batch, NewVersion

if TYPE_CHECKING:
    from app.records.request import Request

_PATIENT = (
    select(resource.c.patient_key, resource.c.custodian, resource.c.deleted)
    .select_from(by_hash(resource))
    .where(
        resource_id.c.hash == bindparam("hash"),
        resource.c.type == NUMBERS["Patient"],
        resource.c.id == bindparam("id"),
    )
)
_ANY_OF_ID = select(resource_id.c.row).where(resource_id.c.hash == bindparam("hash"))


def _merged(*codings: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return codings without those that come twice."""
    return list({(one.get("system"), one.get("code")): one for some in codings for one in some}.values())


def _says(body: bytes) -> bytes:
    """Return what a stored resource says, without what each version has of its own."""
    tree = read_exactly(body)
    for name in ("versionId", "lastUpdated"):
        tree.get("meta", {}).pop(name, None)
    return write_exactly(tree)


class Writing:
    """One write transaction.

    Args:
        request: On whose behalf.
        connection: Where it writes.
        known: The search parameters in force, by which what is written is found.

    Attributes:
        written: The versions that were gathered, in order.
        labelled: Those of them from which others are to take over labels.
        signed: Those of them that carry signatures, and what these are.
    """

    def __init__(self, request: "Request", connection: WriteConnection, known: InForce) -> None:
        self.request = request
        self._known = known
        self.connection = connection
        self.written: list[Stored] = []
        self.labelled: list[Stored] = []
        self.signed: list[Signed] = []
        self._batch = Batch()
        self._new_patients: dict[str, int] = {}
        self._salts: list[tuple[int, bytes]] = []
        self._several = Several(connection)
        self._made: dict[str, Belonging] = {}

    def announce_patient(self, id_: str, row: int) -> None:
        """Make a Patient known that this transaction will create, so that others may refer to it."""
        self._new_patients[id_] = row

    async def patient_key(self, id_: str, path: str) -> int:
        """Return the key of a Patient that the caller may write about.

        Raises:
            Unprocessable: it does not exist, was deleted, or is another custodian's; the answer is the same.
        """
        key = self._new_patients.get(id_)
        if key is None:
            values = {"hash": hash64(f"Patient/{id_}"), "id": id_}
            rows = await self.connection.fetch(_PATIENT, values)
            authority = self.request.authority
            if not rows or rows[0][2] or (rows[0][1] != authority.custodian and not authority.any_patient):
                text = f"Patient/{id_} is not a patient of {authority.custodian_slug}"
                raise Unprocessable(text, issues=[Issue("error", "not-found", path, text)])
            key = self._new_patients[id_] = int(rows[0][0])
        return key

    async def check_patient(self, id_: str) -> None:
        """Check that the caller may write about a Patient now.

        Raises:
            Unprocessable: it does not exist, was deleted, or is another custodian's; the answer is the same.
        """
        await self.patient_key(id_, "Patient")

    async def _belongs_to(
        self, stored: Mapping[str, Any], body: bytes, row: int, path: str, taken: AbstractSet[int] = frozenset()
    ) -> int:
        """Return the patient key of a resource whose references are final; `taken` are keys it inherits."""
        type_name: str = stored["resourceType"]
        if type_name == "Patient":
            return row
        named = {id_: await self.patient_key(id_, path or type_name) for id_ in sorted(patients(body))}
        taken = await self._several.patients_of(taken)
        keys = {*named.values(), *taken}
        if len(keys) > 1:
            return await self._several.belong(row, stored, named, taken)
        return keys.pop() if keys else NO_PATIENT

    def _index(self, body: bytes) -> tuple[Mapping[str, Any], Index]:
        # What was checked and spliced is strict JSON: it is only read here.
        stored = orjson.loads(body)
        settings = self.request.hub.settings
        index = extract(stored, base_url=settings.fhir_address, japanese=settings.folds_japanese, known=self._known)
        return stored, index

    async def create(
        self,
        prepared: Prepared,
        *,
        row: int = 0,
        id_: str = "",
        method: int = POST,
        references: Mapping[str, str] | None = None,
        patient_key: int | None = None,
        inherited_labels: int = 0,
        security: tuple[Mapping[str, Any], ...] = (),
        more: Mapping[str, Any] | None = None,
        path: str = "",
        subject: tuple[str, str] | None = None,
    ) -> Stored:
        """Gather a new resource.

        Args:
            prepared: What is written.
            row: Its row number, when it was given before.
            id_: Its id, when it was given before.
            method: POST, or PUT for an update that creates.
            references: From links inside a Bundle to the links that are stored.
            patient_key: The patient, when the resource does not name it itself: a document Bundle.
            inherited_labels: Labels of the document it comes from, as bits.
            security: The same labels as codings, written into `meta.security`.
            more: Elements that it gets where it has none of the name: whom bytes belong with.
            path: Where it lies in a Bundle, for errors.
            subject: The element that names its patient by a number alone, and the reference that is put in.

        Raises:
            Unprocessable: a patient it names is not the caller's.
        """
        if not id_:
            row, id_ = new_id(self.request.hub)
        labels = {"security": security} if security else None
        of_all = inherited_labels
        spliced = splice(
            prepared.body,
            prepared.resource,
            id=id_,
            version=1,
            last_updated=instant(self.request.now),
            references=references,
            labels=labels,
            more=more,
            received=prepared.received,
            subject=subject,
        )
        stored, index = self._index(spliced.body)
        taken: set[int] = set()
        custodian = self.request.authority.custodian
        if prepared.type in POINTERS and patient_key is None:
            taken, labels_taken = await inherited(self.connection, stored, self._made, custodian)
            inherited_labels |= labels_taken
        if prepared.type in ATTACHED and method == PUT:
            link, address = f"{prepared.type}/{id_}", self.request.hub.settings.address
            inherited_labels |= await attaching(self.connection, link, f"{address}/fhir/{link}", custodian)
        known = facts(stored, index, inherited_labels=inherited_labels)
        if patient_key is None:
            patient_key = await self._belongs_to(stored, spliced.body, row, path, taken)
        self._made[f"{prepared.type}/{id_}"] = patient_key, known.labels
        if prepared.type == "Patient":
            self._salts.append(self.request.hub.audit.new_salt(row))
            self.request.hub.remember_patient(row, id_)
        now = self.request.now
        new = self._version(prepared, id_, patient_key, row, 1, known, method, spliced, index, now)
        self._batch.create(new)
        await self._batch.flush_created(self.connection)
        return self._noted(new, stored, of_all, prepared)

    def _version(
        self,
        prepared: Prepared,
        id_: str,
        patient_key: int,
        row: int,
        version: int,
        known: Facts,
        method: int,
        spliced: Spliced,
        index: Index,
        now: int,
    ) -> NewVersion:
        custodian = self.request.authority.custodian
        return NewVersion(
            *(prepared.type, id_, patient_key, row, version, custodian, custodian, known, now),
            *(method, spliced.body, spliced.undo, prepared.digest, index),
        )

    def _noted(self, new: NewVersion, stored: Mapping[str, Any], had: int, prepared: Prepared | None = None) -> Stored:
        """Note a version; `had` are labels that those which inherit from it have already."""
        made = Stored(
            *(NUMBERS[new.type], new.id, new.patient_key, new.row, new.version, new.custodian),
            *(new.facts.labels, new.last_updated, new.method, new.body),
        )
        self.written.append(made)
        if prepared is not None and prepared.verdicts != ():
            self.signed.append((made, prepared.verdicts))
        if made.labels & ~had or (made.labels and made.body and any(attached(stored))):
            self.labelled.append(made)
        return made

    def _after(self, current: Stored) -> int:
        """Return the instant of a new version: that of the request, which may have begun before another's version."""
        return max(self.request.now, current.last_updated + 1)

    def own(self, current: Stored) -> None:
        """Refuse what is in another site's custody.

        Raises:
            Forbidden: it is.
        """
        if current.custodian != self.request.authority.custodian:
            raise Forbidden(f"{current.type}/{current.id} is in another site's custody")

    async def update(
        self,
        prepared: Prepared,
        id_: str,
        *,
        references: Mapping[str, str] | None = None,
        path: str = "",
        any_id: bool = False,
        new_only: bool = False,
        method: int = PUT,
    ) -> Stored:
        """Gather a new version of a resource, or the resource itself when it does not exist.

        `any_id` lets the hub itself create a resource under an id outside the custodian's prefix; `new_only` is for a
        condition that means no resource, so that one of this id may not be replaced; `method` is what history says.

        Raises:
            Forbidden: it is in another site's custody, or the role does not write what it is until now.
            NotFound: it does not exist for the caller, who may not create it under this id.
            Conflict: it belongs to another patient than before, or it exists and `new_only` holds.
        """
        type_name = prepared.type
        current = await read(self.connection, self.request.visibility_for("u"), type_name, id_)
        if current is None:
            return await self._create_as(prepared, id_, references, path, any_id=any_id)
        if new_only:
            raise Conflict(f"{type_name}/{id_} exists and does not fulfil the condition", path or f"{type_name}.id")
        self.own(current)
        await self._may_replace(current)
        spliced = self._next(current, prepared, references, await self._codings(current))
        stored, index = self._index(spliced.body)
        taken: set[int] = set()
        labels = current.labels
        if type_name in POINTERS:
            taken, labels_taken = await inherited(self.connection, stored, self._made, current.custodian)
            labels |= labels_taken
        belongs = await self._belongs_to(stored, spliced.body, current.row, path, taken)
        if belongs != current.patient_key and not await self._is_same_document(current, prepared):
            raise Conflict("A resource stays with its patient", path or f"{type_name}.subject")
        return self._replaced(current, prepared, spliced, stored, index, labels, method)

    async def _is_same_document(self, current: Stored, prepared: Prepared) -> bool:
        """Return whether a document that was taken apart says what it did: only its entries tell whom it is about."""
        if current.type != "Bundle" or await find_by_row(self.connection, current.patient_key, current.row) is None:
            return False
        before = parse(current.body)
        return all(before.get(name) == prepared.resource.get(name) for name in ("type", "identifier", "entry"))

    def _next(
        self,
        current: Stored,
        prepared: Prepared,
        references: Mapping[str, str] | None,
        security: Sequence[Mapping[str, Any]],
        subject: tuple[str, str] | None = None,
    ) -> Spliced:
        """Return the bytes of the version after the current one."""
        return splice(
            prepared.body,
            prepared.resource,
            id=current.id,
            version=current.version + 1,
            last_updated=instant(self._after(current)),
            references=references,
            labels={"security": security} if security else None,
            received=prepared.received,
            subject=subject,
        )

    def _replaced(
        self,
        current: Stored,
        prepared: Prepared,
        spliced: Spliced,
        stored: Mapping[str, Any],
        index: Index,
        labels: int,
        method: int,
    ) -> Stored:
        """Gather the version after the current one."""
        known = facts(stored, index, inherited_labels=labels)
        key, row, version, now = current.patient_key, current.row, current.version + 1, self._after(current)
        new = self._version(prepared, current.id, key, row, version, known, method, spliced, index, now)
        self._batch.replace(new)
        return self._noted(new, stored, current.labels, prepared)

    async def current(self, type_name: str, id_: str) -> Stored | None:
        """Return the version that an update would replace; None when there is none that the caller may replace."""
        return await read(self.connection, self.request.visibility_for("u"), type_name, id_)

    async def follow(
        self,
        current: Stored,
        prepared: Prepared,
        *,
        references: Mapping[str, str] | None = None,
        labels: int = 0,
        security: Sequence[Mapping[str, Any]] = (),
        subject: tuple[str, str] | None = None,
    ) -> Stored | None:
        """Gather the next version of what the hub took from a document: it follows the document, as its patient does.

        Args:
            current: The version that is there, a deletion perhaps; of the caller's own custody.
            prepared: What is written.
            references: From links inside the Bundle to the links that are stored.
            labels: Labels of the document, as bits.
            security: The same labels as codings.
            subject: As for `create`.

        Returns:
            The version; None when the current one says the same.
        """
        self.own(current)
        codings = _merged(await self._codings(current, EVERYTHING_VISIBLE), security)
        spliced = self._next(current, prepared, references, codings, subject)
        if not current.deleted and _says(spliced.body) == _says(bytes(current.body)):
            return None
        stored, index = self._index(spliced.body)
        return self._replaced(current, prepared, spliced, stored, index, current.labels | labels, PUT)

    async def next_version(
        self, current: Stored, prepared: Prepared, labels: int, security: Sequence[Mapping[str, Any]]
    ) -> Stored:
        """Gather the next version of a document's Bundle, whatever it says; as for `follow`."""
        self.own(current)
        codings = _merged(await self._codings(current, EVERYTHING_VISIBLE), security)
        spliced = self._next(current, prepared, None, codings)
        stored, index = self._index(spliced.body)
        return self._replaced(current, prepared, spliced, stored, index, current.labels | labels, PUT)

    async def codings_of(self, current: Stored) -> tuple[Mapping[str, Any], ...]:
        """Return the labels that are written into a resource, or were before it was deleted."""
        return await self._codings(current, EVERYTHING_VISIBLE)

    async def _last_body(self, current: Stored, seen: Visibility | None = None) -> Stored | None:
        """Return the version that says what a resource is: of a deletion, which has no body, the one before."""
        if not current.deleted:
            return current
        named = (current.type, current.id, current.version - 1)
        return await vread(self.connection, seen or self.request.visibility_for("u"), *named)

    async def _may_replace(self, current: Stored) -> None:
        """Refuse to make something of a resource that the role may write, out of something that it may not.

        Raises:
            Forbidden: the role does not write what the resource is until now.
        """
        before = await self._last_body(current)
        if before is not None and not self.request.authority.may_write(category(orjson.loads(before.body))):
            raise Forbidden(f"This role does not write this {current.type}")

    async def _codings(self, current: Stored, seen: Visibility | None = None) -> tuple[Mapping[str, Any], ...]:
        """Return the labels of the version before, which the next one keeps."""
        before = await self._last_body(current, seen)
        if before is None or not before.labels:
            return ()
        return tuple(parse(before.body).get("meta", {}).get("security", ()))

    async def _create_as(
        self, prepared: Prepared, id_: str, references: Mapping[str, str] | None, path: str, *, any_id: bool
    ) -> Stored:
        """Create a resource under an id that the caller chose."""
        row = await self.reserve(prepared.type, id_, path, any_id=any_id)
        if prepared.type == "Patient":
            self.announce_patient(id_, row)
        return await self.create(prepared, row=row, id_=id_, method=PUT, references=references, path=path)

    async def reserve(self, type_name: str, id_: str, path: str = "", *, any_id: bool = False) -> int:
        """Return the row number of a resource that is to be made under an id that the caller chose.

        Raises:
            NotFound: the id is not the caller's to choose, or there is or was such a resource, of whomever.
        """
        if not (any_id or self.request.authority.may_create_id(id_)):
            raise NotFound(f"{type_name}/{id_} does not exist, and its id is not the caller's to choose", path)
        hashed = hash64(f"{type_name}/{id_}")
        await self.connection.lock(hashed)
        if await self.connection.fetch(_ANY_OF_ID, {"hash": hashed}):
            raise NotFound(f"{type_name}/{id_} does not exist, and its id is not the caller's to choose", path)
        return new_id(self.request.hub)[0]

    async def delete(self, type_name: str, id_: str) -> Stored | None:
        """Gather a deletion; None when there is nothing left to delete.

        Raises:
            NotFound: it does not exist for the caller.
            Forbidden: it is in another site's custody, or the role does not write such resources.
        """
        current = await read(self.connection, self.request.visibility_for("d"), type_name, id_)
        if current is None:
            raise NotFound(f"{type_name}/{id_} does not exist")
        self.own(current)
        if current.deleted:
            return None
        stored, index = self._index(current.body)
        known = facts(stored, index, inherited_labels=current.labels)
        if not self.request.authority.may_write(known.category):
            raise Forbidden(f"This role does not delete {type_name}")
        return self._deleted(current, stored, index, known)

    def take_back(self, current: Stored) -> Stored:
        """Gather the deletion of what the hub took from a document that holds no more."""
        self.own(current)
        stored, index = self._index(current.body)
        return self._deleted(current, stored, index, facts(stored, index, inherited_labels=current.labels))

    def _deleted(self, current: Stored, stored: Mapping[str, Any], index: Index, known: Facts) -> Stored:
        """Gather the deletion of a version."""
        new = NewVersion(
            *(current.type, current.id, current.patient_key, current.row, current.version + 1, current.custodian),
            *(current.custodian, known, self._after(current)),
            method=DELETE,
            body=b"",
            undo=b"",
            digest=b"",
            # Its history stays, and takes over labels as before.
            indexed=NO_INDEX._replace(reference=rows_of_deleted(stored)),
        )
        self._batch.replace(new, index)
        return self._noted(new, stored, known.labels)

    async def write_gathered(self) -> None:
        """Write the versions that were gathered, so that what comes next finds them.

        Raises:
            Conflict: another request changed one of the resources in the meantime.
        """
        gathered, self._batch = self._batch, Batch()
        if not await gathered.flush(self.connection):
            raise Conflict("Another request changed the resource at the same time")

    async def flush(self) -> None:
        """Write all that was gathered.

        Raises:
            Conflict: another request changed one of the resources in the meantime.
        """
        await self.write_gathered()
        persons = [(key, key) for key, _ in self._salts]
        await self.connection.insert(person_patient, persons)
        await self.connection.insert(patient_chart, persons)
        await self.connection.insert(audit_salt, self._salts)
        await self._several.flush()
