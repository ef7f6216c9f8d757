"""One document on its way into the store: as the first of its identifier, as a newer version, or as an older one."""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from app.identity.known import known_patient
from app.records.documents import kept
from app.records.documents.describe import Description
from app.records.documents.facts import Facts, Labels, Place
from app.records.documents.kept import DocumentRow
from app.records.documents.late import put_into_history
from app.records.documents.statement import statement
from app.records.inheritance import attaching
from app.records.row_ids import new_id
from app.records.writing import Writing
from fhir.documents.edition import edition
from fhir.documents.identity import identities
from fhir.documents.reference import document_reference
from fhir.errors import Conflict
from fhir.resolve import resolve_internal
from fhir.search.hashing import hash64
from fhir.store.labels import bit
from fhir.store.read import read
from fhir.store.stored import Stored
from fhir.store.write import POST, PUT

if TYPE_CHECKING:
    from app.records.document import Document


def key_of(document: "Document") -> str:
    """Return what the sender calls a document; one without an identifier is called by its bytes."""
    identifier = document.extract.identifier or {}
    value = identifier.get("value")
    return f"{identifier.get('system', '')}|{value}" if value else f"sha-256|{document.bundle.digest.hex()}"


class Filing:
    """One document, inside the transaction that files it.

    Args:
        writing: The write transaction.
        document: The document.
        described: The DocumentReference that its sender writes for it, an empty text for one that is written later, or
            None when the hub is to make one.
        patient: Id and key of the site's Patient whom it is about, where the Patient in it is not known by identifier.
        row: The row number of its Bundle, when it was given before.
        id_: The id that the Bundle has or is to have, when the request names it.
        replaced: The ids of DocumentReferences that are superseded by what its sender writes for it.
    """

    def __init__(
        self,
        writing: Writing,
        document: "Document",
        described: str | None,
        patient: tuple[str, int] | None,
        *,
        row: int = 0,
        id_: str = "",
        replaced: Collection[str] = (),
    ) -> None:
        self._row, self._id, self._named_patient, self._replaced = row, id_, patient, replaced
        self._writing = writing
        self._connection = writing.connection
        self._request = writing.request
        self._document = document
        self._described = described
        self._key = key_of(document)
        self._hash = kept.hash_of(self._request.authority.custodian, self._key)
        self._edition = edition(document.envelope.head, document.extract.composition, self._request.now)
        extract = document.extract
        self._patient = document.entries[extract.resources.index(extract.patient)]
        self._labels = Labels(0, extract.labels)
        self._patient_key = 0
        self._patient_id = ""
        self._patient_row = 0
        self._links_of_head: Mapping[str, str] = {}

    async def file(self) -> Stored:
        """Gather what the document comes to, and return the version of the Bundle that holds its bytes."""
        await self._writing.write_gathered()
        await self._name()
        await self._lock()
        known = await kept.find(self._connection, self._hash)
        await self._find_patient(known)
        bundle = await self._bundle(known)
        if known is None or bundle is None:
            return await self._newest(known, await self._unknown())
        if self._id not in ("", bundle.id):
            raise Conflict(f"The document is kept as Bundle/{bundle.id}", "Bundle.identifier")
        if not known.holds and self._edition.instant <= known.withdrawn:
            text = "The document was deleted after this version of it was made"
            raise Conflict(text, "Bundle.timestamp")
        same = await kept.same_bytes(self._connection, bundle.patient_key, bundle.row, self._document.bundle.digest)
        if known.holds and known.reference in self._replaced and (same is None or same.version != bundle.version):
            # Its sender says that it replaces the one that holds, so it does, whenever it was made.
            self._edition = max(self._edition, known.edition)
            return await self._newest(known, bundle)
        if same is not None and known.holds:
            return same
        if known.holds and self._is_older(known):
            return await put_into_history(self._writing, bundle, self._document.bundle, self._own_labels())
        return await self._newest(known, bundle)

    async def _name(self) -> None:
        """Let a document without an identifier be the one that the request names."""
        if not self._id or self._row or self._document.extract.identifier:
            return
        current = await read(self._connection, self._request.visibility_for("u"), "Bundle", self._id)
        if current is not None:
            known = await kept.find_by_row(self._connection, current.patient_key, current.row)
            self._hash = self._hash if known is None else known.hash

    def _is_older(self, known: DocumentRow) -> bool:
        """Return whether a newer version is there; of two of one edition the first, unless the request names it."""
        return self._edition < known.edition or (self._edition == known.edition and not self._id)

    async def _lock(self) -> None:
        """Let sends of one document, and documents about one patient, wait for each other."""
        custodian = self._request.authority.custodian
        numbers = self._patient.resource.get("identifier", ())
        named = {f"patient/{custodian}/{one.get('system', '')}|{one.get('value', '')}" for one in numbers}
        await self._connection.lock_all(sorted({self._hash, *map(hash64, named)}))

    async def _find_patient(self, known: DocumentRow | None) -> None:
        """Find the site's own Patient, or give a new one its id.

        Raises:
            Conflict: the document was about another.
        """
        custodian = self._request.authority.custodian
        found = await known_patient(self._connection, self._patient.resource, custodian) or self._named_patient
        if found is not None:
            self._patient_id, self._patient_key = found
        else:
            self._patient_row, self._patient_id = new_id(self._request.hub)
            self._patient_key = self._patient_row
        if known is not None and known.patient_key not in (0, self._patient_key):
            raise Conflict("A document stays with its patient", "Bundle.identifier")
        if found is None:
            self._writing.announce_patient(self._patient_id, self._patient_row)
        else:
            await kept.lock_facts(self._connection, [self._patient_key])

    async def _bundle(self, known: DocumentRow | None) -> Stored | None:
        """Return the Bundle of the versions before; None for the first."""
        if known is None or not known.row:
            if known is not None and self._edition.instant <= known.withdrawn:
                raise Conflict("The document was deleted after this version of it was made", "Bundle.timestamp")
            return None
        return (await kept.resources(self._connection, known.patient_key, [known.row])).get(known.row)

    async def _unknown(self) -> Stored | None:
        """Return the Bundle that the request names, though it is not known as this document; None for a new one.

        Raises:
            Conflict: it is another document, or about another patient.
        """
        if not self._id or self._row:
            return None
        seen = self._request.visibility_for("u")
        current = await read(self._connection, seen, "Bundle", self._id)
        if current is None:
            self._row = await self._writing.reserve("Bundle", self._id)
            return None
        self._writing.own(current)
        if await kept.find_by_row(self._connection, current.patient_key, current.row) is not None:
            raise Conflict("The identifier of a document does not change", "Bundle.identifier")
        if current.patient_key != self._patient_key:
            raise Conflict("A resource stays with its patient", "Bundle")
        return current

    def _own_labels(self) -> Labels:
        bits = 0
        for label in self._labels.codings:
            bits |= bit(label.get("system"), label.get("code"))
        return Labels(bits, self._labels.codings)

    async def _inherit(self, bundle: Stored | None) -> None:
        """Take over the labels of the versions before: a later write lowers none."""
        own = self._own_labels()
        bits, codings = own.bits, list(own.codings)
        if bundle is not None:
            # Its row has the labels of its entries too, and of what was labelled after it was taken from it.
            before = await self._writing.codings_of(bundle)
            codings += [one for one in before if one not in codings]
            for one in before:
                bits |= bit(one.get("system"), one.get("code"))
            link, address = f"Bundle/{bundle.id}", self._request.hub.settings.fhir_address
            bits |= await attaching(self._connection, link, f"{address}/{link}", bundle.custodian)
        self._labels = Labels(bits, tuple(codings))

    async def _newest(self, known: DocumentRow | None, bundle: Stored | None) -> Stored:
        """Gather the version that holds from now on."""
        await self._inherit(bundle)
        stored = await self._store(bundle)
        before = await kept.entries(self._connection, self._patient_key, stored.row)
        facts = Facts(self._writing, self._patient_key, self._labels)
        targets = await self._state(facts, stored)
        description = Description(self._writing, self._patient_key, self._labels)
        reference = await self._describe(description, known, stored, targets)
        source, before_it = reference or f"Bundle/{stored.id}", known.provenance if known is not None else ""
        about = await description.provenance(before_it, source, targets)
        row = DocumentRow(
            *(self._hash, self._request.authority.custodian, self._patient_key, stored.row, 1),
            *(*self._edition, known.withdrawn if known is not None else 0),
            *(reference.partition("/")[2], about),
        )
        await kept.put(self._connection, row)
        after = set((await kept.entries(self._connection, self._patient_key, stored.row)).values())
        await facts.release(set(before.values()) - after - {self._patient_key})
        await facts.flush()
        return stored

    async def _store(self, bundle: Stored | None) -> Stored:
        """Gather the Bundle itself."""
        prepared, labels = self._document.bundle, self._labels
        if bundle is None:
            return await self._writing.create(
                prepared,
                row=self._row,
                id_=self._id,
                method=PUT if self._id else POST,
                patient_key=self._patient_key,
                inherited_labels=labels.bits,
                security=labels.codings,
            )
        return await self._writing.next_version(bundle, prepared, labels.bits, labels.codings)

    async def _state(self, facts: Facts, bundle: Stored) -> list[str]:
        """Gather what the document states, and return the references to it, that to its Composition first."""
        document, extract = self._document, self._document.extract
        resources = extract.resources
        numbered = resolve_internal(resources, [str(number) for number in range(len(resources))], by_id=True)
        known_by = identities(resources, numbered.links, self._key)
        stated = [number for number, entry in enumerate(resources) if entry is not extract.patient]
        what = [(hash64(known_by[number]), document.entries[number].resource) for number in stated]
        places = dict(zip(stated, await facts.places(what, is_new=bool(self._patient_row)), strict=True))
        patient = f"Patient/{self._patient_id}"
        assigned = [
            f"{entry.type}/{places[number].id}" if number in places else patient
            for number, entry in enumerate(resources)
        ]
        links = resolve_internal(resources, assigned, by_id=True).links
        self._links_of_head = next((links[number] for number in stated if resources[number].type == "Composition"), {})
        if self._patient_row:
            await self._create_patient(links[resources.index(extract.patient)])
        statements = [statement(document.entries[number], links[number], patient) for number in stated]
        await kept.put_entries(self._connection, self._patient_key, bundle.row, self._rows(places))
        order = (self._edition.instant, bundle.row)
        await facts.state([places[number] for number in stated], statements, order)
        return self._targets(places, assigned)

    def _rows(self, places: Mapping[int, Place]) -> list[tuple[int, int]]:
        """Return the numbers of the entries in the Bundle, and the rows that they stand for."""
        numbers = self._document.numbers
        return [
            (numbers[number], places[number].row if number in places else self._patient_key)
            for number in range(len(numbers))
        ]

    def _targets(self, places: Mapping[int, Place], assigned: list[str]) -> list[str]:
        """Return references to what the document states; what its site has deleted is not among them."""
        found = [
            assigned[number]
            for number, one in places.items()
            if one.current is None or one.is_theirs or not one.current.deleted
        ]
        return sorted(found, key=lambda link: not link.startswith("Composition/")) + (
            [f"Patient/{self._patient_id}"] if self._patient_row else []
        )

    async def _describe(
        self, description: Description, known: DocumentRow | None, bundle: Stored, targets: list[str]
    ) -> str:
        """Gather the DocumentReference of a document, and return the reference to it; empty where there is none."""
        composition = self._document.extract.composition
        if self._described is not None or composition is None:
            return self._described or ""
        body = document_reference(
            self._document.envelope.head,
            composition,
            links=self._links_of_head,
            address=f"Bundle/{bundle.id}",
            patient=f"Patient/{self._patient_id}",
            organization=self._request.caller.organisation_reference,
            head=next((link for link in targets if link.startswith("Composition/")), ""),
            labels=self._labels.codings,
        )
        return await description.reference(known.reference if known is not None else "", body)

    async def _create_patient(self, links: Mapping[str, str]) -> None:
        await self._writing.create(
            self._patient,
            row=self._patient_row,
            id_=self._patient_id,
            references=links,
            inherited_labels=self._labels.bits,
            security=self._labels.codings,
        )
