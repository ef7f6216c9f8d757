"""A submission of documents inside its transaction: what each entry writes, finds and changes.

https://profiles.ihe.net/ITI/MHD/ITI-65.html#2365413-expected-actions
"""

from collections import ChainMap
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from app.audit.record import Event
from app.exchange.mhd import attachments, recipients, rules
from app.exchange.mhd.answer import answer_to
from app.exchange.mhd.duplicates import known_document, known_list
from app.exchange.mhd.filed import Filed, file_bundle
from app.exchange.mhd.refusing import refuse, refuse_for
from app.exchange.mhd.relations import Joining, Superseding, check_items, relations, target_of, targets_of
from app.exchange.mhd.serialised import write_serialised
from app.exchange.mhd.subjects import addresses, known_parties, known_subject, one_subject
from app.exchange.mhd.submission import Part
from app.exchange.mhd.submitted import Submitted
from app.identity.known import known_patient
from app.records.conditional import lock
from app.records.events import events
from app.records.meant import meant
from app.records.own import read_own
from app.records.steps import READS, Step, name_entry
from app.records.update import check_version
from app.records.writing import Writing
from fhir.errors import FhirError
from fhir.store.labels import of_entries_alone
from fhir.store.stored import Stored

_LOCKED = ("DocumentReference", "List", "Patient")
"""What a site provides comes one after another, so that no two find the same document current or an identifier free."""


class Providing(Submitted):
    """A submission inside its transaction."""

    # What is written, in the order of the work

    async def work(self, writing: Writing) -> list[Stored | None]:
        """Gather what the entries write."""
        await lock(writing.connection, self.request, _LOCKED)
        conditional = [one for one in self._steps if one.query is not None]
        referred = await meant(writing, self._steps, conditional, self.done)
        self._patient_links = {link: f"{one.type}/{one.id}" for link, one in referred.items()}
        await self._write_patient(writing)
        await self._find_again(writing)
        await self._file_documents(writing)
        self._resolve()
        refuse([*addresses(self._found, self._all_links(), self._own, self.request.hub.settings.mhd_bases)])
        subject, patient_key = await self._subject(writing)
        if self._found.level == "uncontained":
            refuse(await known_parties(writing, self._found, self._all_links(), subject))
        inside = {one.reference for one in self._steps if one.reference is not None}
        targets = await targets_of(writing, [*self._new(self._found.documents)], self._means, inside, patient_key)
        lists = [*self._new([*self._found.sets, *self._found.folders])]
        await check_items(writing, lists, self._means, inside, patient_key)
        await self._write_documents(writing, subject)
        if self.request.hub.settings.mhd_serialised:
            await self._write_serialised(writing)
        await self._relate(writing, targets, patient_key)
        (one,) = self._found.sets
        self.warnings.setdefault(one.number, []).extend(await recipients.warnings(writing, one))
        return self.done

    async def _write_patient(self, writing: Writing) -> None:
        """Write the Patient that comes with the documents, unless the site has it."""
        for part in self._found.patients:
            step = self._steps[part.number]
            if step.prepared is None:
                continue
            if step.method == "POST" and not step.found:
                known = await known_patient(writing.connection, part.tree, self.request.authority.custodian)
                if known is not None:
                    step.found, step.id, step.row = True, known[0], 0
                    self.done[part.number] = await read_own(writing, "Patient", step.id)
            if step.found and step.method == "POST":
                continue
            if step.row:
                writing.announce_patient(step.id, step.row)
            self._new_patients[f"Patient/{step.id}"] = part.tree
            await self._one(writing, step, {})

    async def _find_again(self, writing: Writing) -> None:
        """Find what was provided before, so that it is not stored twice."""
        named, key = one_subject(self._found, self._early_links(), self._own), None
        if named is not None and named.startswith("Patient/"):
            (first,) = self._found.sets
            self._patient, key = named, await known_subject(writing, named, first, self._new_patients)
        sent = {part.entry.full_url: part for part in (*self._found.binaries, *self._found.fhir_documents)}
        for part in self._found.documents:
            bytes_ = sent.get(attachments.attachment_of(part.tree).get("url"))
            known = await known_document(writing, part, bytes_, key)
            if known is not None:
                self._found_again(part, known[0])
                if bytes_ is not None:
                    self._found_again(bytes_, known[1])
        whole = bool(self._found.documents) and all(part.number in self._again for part in self._found.documents)
        for part in (*self._found.sets, *self._found.folders):
            if part.method == "POST":
                before = await known_list(writing, part, is_again=whole)
                if before is not None:
                    self._found_again(part, before)

    async def _file_documents(self, writing: Writing) -> None:
        """File the documents that are Bundles: each is kept whole, and its entries are searchable."""
        for part in self._found.fhir_documents:
            if part.number in self._again:
                continue
            described = self._owners().get(part.entry.full_url)
            document = self._bundles[part.number]
            filed: Filed = await file_bundle(
                writing, document, part, described=described, subject=self._patient, replaced=self._replaced_by(part)
            )
            self.done[part.number] = filed.bundle
            self._steps[part.number].id = filed.bundle.id
            self._patient_links |= dict.fromkeys(filed.names, filed.patient)
            if filed.is_past:
                self._past[str(part.entry.full_url)] = f"/_history/{filed.bundle.version}"

    def _replaced_by(self, part: Part) -> set[str]:
        """Return the ids of the documents that a document which is a Bundle replaces, or that its sender supersedes."""
        found = {self._steps[update.number].id for update in self._found.updates}
        for one in self._found.documents:
            if attachments.attachment_of(one.tree).get("url") == part.entry.full_url:
                links = [link for _, code, link in relations(one.tree) if code == "replaces"]
                found |= {self._patient_links.get(link, link).rpartition("/")[2] for link in links}
        return found

    async def _subject(self, writing: Writing) -> tuple[str | None, int | None]:
        link = one_subject(self._found, self._all_links(), self._own)
        if link is None:
            return None, None
        part = next(part for part in self._found.described if rules.subject_of(part) is not None)
        key = await known_subject(writing, link, part, self._new_patients)
        for other in self._found.fhir_documents:
            bundle = self.done[other.number]
            if bundle is not None and bundle.patient_key != key:
                text = "The document is about another Patient than its DocumentReference"
                refuse_for("value", f"{other.path}.entry", text)
        return link, key

    async def _write_documents(self, writing: Writing, subject: str | None) -> None:
        for part in self._found.documents:
            url = str(attachments.attachment_of(part.tree).get("url", ""))
            step = self._steps[part.number]
            if part.number not in self._again:
                links = self._links[part.number]
                at = {url: f"{self._own}/{links[url]}{self._past.get(url, '')}"} if url in links else {}
                await self._one(writing, step, ChainMap(at, {**links}), labels=self._labels_of(url))
        for part in self._new([*self._found.folders, *self._found.sets]):
            await self._one(writing, self._steps[part.number], self._links[part.number])
        for part in self._new(self._found.binaries):
            owner = self._owners()[part.entry.full_url]
            context = part.tree.get("securityContext", {}).get("reference")
            if context is not None and self._links[part.number].get(context, context) not in (owner, subject):
                text = "The bytes belong with the DocumentReference that leads to them"
                refuse_for("value", f"{part.path}.securityContext", text)
            more = {"securityContext": {"reference": owner}}
            await self._one(writing, self._steps[part.number], self._links[part.number], more)

    def _labels_of(self, url: str) -> int:
        """Return the labels of the Bundle that is described, as bits: what tells of it is as sensitive as it is."""
        kept = [self.done[part.number] for part in self._found.fhir_documents if part.entry.full_url == url]
        found = [one.labels & ~of_entries_alone(orjson.loads(one.body)) for one in kept if one is not None]
        return found[0] if found else 0

    async def _write_serialised(self, writing: Writing) -> None:
        """Write each new document that is a Bundle as plain bytes too."""
        bundles = {part.entry.full_url: part for part in self._new(self._found.fhir_documents)}
        for part in self._new(self._found.documents):
            bundle = bundles.get(attachments.attachment_of(part.tree).get("url"))
            reference = self._steps[part.number].reference
            kept = None if bundle is None else self.done[bundle.number]
            if bundle is not None and kept is not None and reference is not None:
                # All of its bytes are there once more, so all of its labels are.
                await write_serialised(writing, part, bundle, self._links[part.number], reference, kept.labels)

    async def _one(
        self,
        writing: Writing,
        step: Step,
        links: Mapping[str, str],
        more: Mapping[str, Any] | None = None,
        labels: int = 0,
    ) -> None:
        """Write what an entry provides."""
        if step.prepared is None:
            return
        path = step.path
        try:
            await check_version(writing, step.type, step.id, step.if_match)
            if step.row:
                made = await writing.create(
                    step.prepared,
                    row=step.row,
                    id_=step.id,
                    method=step.creates_by,
                    references=links,
                    inherited_labels=labels,
                    more=more,
                    path=path,
                )
            else:
                made = await writing.update(step.prepared, step.id, references=links, path=path)
        except FhirError as error:
            name_entry(error, step.number)
            raise
        self.done[step.number] = made

    async def _relate(
        self, writing: Writing, targets: Sequence[tuple[Part, str, Stored]], patient_key: int | None
    ) -> None:
        """Supersede what is replaced, and let the replacements join its Folders."""
        superseding = Superseding(writing)
        joining = Joining(writing, {self._steps[part.number].id for part in self._found.folders})
        replaced = [(part, target) for part, code, target in targets if code == "replaces"]
        for part in self._found.updates:
            await self._supersede(writing, part, superseding, patient_key)
        for part, target in replaced:
            await superseding.supersede(target, f"{part.path}.relatesTo")
            await joining.join(f"DocumentReference/{target.id}", f"DocumentReference/{self._steps[part.number].id}")
        await joining.write()

    async def _supersede(self, writing: Writing, part: Part, superseding: Superseding, patient_key: int | None) -> None:
        """Supersede what an entry says, unless the Bundle is sent again and it is superseded."""
        step = self._steps[part.number]
        place = f"Bundle.entry[{part.number}].request.url"
        if step.id in superseding.done:
            self.done[part.number] = superseding.done[step.id]
            return
        again = bool(self._again) and len(self._again) >= len(self._found.documents) + 1
        before = await read_own(writing, step.type, step.id) if again and step.type == "DocumentReference" else None
        if before is not None and orjson.loads(before.body).get("status") == "superseded":
            self.done[part.number] = before
            return
        await check_version(writing, step.type, step.id, step.if_match)
        target = await target_of(writing, f"{step.type}/{step.id}", patient_key, place)
        self.done[part.number] = await superseding.supersede(target, place)

    # What is told of it

    async def tell(self, _: object, writing: Writing) -> list[Event]:
        """Return the events: of what was written, what was found to be here, and what was read."""
        written = {(one.row, one.version) for one in writing.written}
        found = [one for one in self.done if one is not None and (one.row, one.version) not in written]
        told = await events(self.request, [*writing.written, *found], 200, writing.connection)
        return told + await self.reads.events(writing.connection)

    def _entry(self, step: Step) -> bytes:
        return answer_to(self.request, step, self.done[step.number], self.warnings.get(step.number, []))

    def parts(self) -> dict[int, bytes]:
        """Return the answers to the entries that write, by their numbers."""
        return {step.number: self._entry(step) for step in self._steps if step.method not in READS}

    def answer(self) -> bytes:
        """Return the Bundle of responses."""
        parts = [self.reads.answers.get(step.number) or self._entry(step) for step in self._steps]
        return b'{"resourceType":"Bundle","type":"transaction-response","entry":[' + b",".join(parts) + b"]}"
