"""A submission on its way: which entry is which resource, and what the references in it become.

https://hl7.org/fhir/R4/http.html#trules
"""

from collections import ChainMap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from app.exchange.mhd import attachments
from app.exchange.mhd.submission import Part, Submission
from app.records.document import Document
from app.records.reads import Reads
from app.records.request import FhirRequest
from app.records.steps import READS, Step
from fhir.envelope import Envelope, EnvelopeEntry
from fhir.errors import Unprocessable
from fhir.issue import Issue
from fhir.resolve import resolve_internal
from fhir.store.stored import Stored


class Submitted:
    """What is provided, as far as it is known by now; `done` is what each entry wrote or found."""

    def __init__(
        self,
        request: FhirRequest,
        envelope: Envelope,
        found: Submission,
        all_steps: list[Step],
        bundles: list[Document],
    ) -> None:
        self.request = request
        self.done: list[Stored | None] = [None] * len(all_steps)
        self.reads = Reads(request, envelope, [one.number for one in all_steps if one.method in READS])
        self.warnings: dict[int, list[Issue]] = {}
        self._entries = envelope.entries
        self._steps = all_steps
        self._found = found
        self._bundles = dict(zip([part.number for part in found.fhir_documents], bundles, strict=True))
        self._own = request.hub.settings.fhir_address
        self._links: Mapping[int, Mapping[str, str]] = {}
        self._patient_links: dict[str, str] = {}
        # Of documents that came after a newer version, by what they are called in the Bundle: where theirs lies.
        self._past: dict[str, str] = {}
        self._new_patients: dict[str, Mapping[str, Any]] = {}
        self._patient: str | None = None
        self._again: set[int] = set()

    def is_again(self, number: int) -> bool:
        """Return whether what an entry provides was here before."""
        return number in self._again

    def _found_again(self, part: Part, kept: Stored) -> None:
        step = self._steps[part.number]
        step.found, step.id, step.row = True, kept.id, 0
        self.done[part.number] = kept
        self._again.add(part.number)

    def _early_links(self) -> Mapping[str, str]:
        """Return what references to the Patient become, before anything else is resolved."""
        named = {
            str(part.entry.full_url): f"Patient/{self._steps[part.number].id or self._asked_patient(part)}"
            for part in self._found.patients
        }
        return {**self._patient_links, **named}

    def _asked_patient(self, part: Part) -> str:
        return part.entry.request.url.rpartition("/")[2] if part.entry.request is not None else ""

    def _resolve(self) -> None:
        """Find out what each link of each entry becomes."""
        patients = {part.number: f"Patient/{self._asked_patient(part)}" for part in self._found.patients}
        assigned = [one.reference or (patients.get(one.number) if one.method in READS else None) for one in self._steps]
        # A Patient inside of a document that is a Bundle is meant by its fullUrl there.
        inside = [EnvelopeEntry(link, type="Patient") for link in self._patient_links]
        resolved = resolve_internal([*self._entries, *inside], [*assigned, *self._patient_links.values()])
        if resolved.issues:
            raise Unprocessable("A reference means no entry", issues=resolved.issues)
        self._links = {
            number: ChainMap({**self._patient_links}, {**links}) for number, links in enumerate(resolved.links)
        }

    def _all_links(self) -> Mapping[str, str]:
        (one,) = self._found.sets
        return self._links[one.number]

    def _means(self, link: str) -> str:
        """Return what a reference to a resource of the hub or of the Bundle becomes."""
        return self._all_links().get(link, link).removeprefix(f"{self._own}/")

    def _new(self, parts: Sequence[Part]) -> Iterator[Part]:
        for part in parts:
            if part.number not in self._again:
                yield part

    def _owners(self) -> Mapping[str | None, str | None]:
        """Return the reference of the DocumentReference that leads to each document, by what it leads to."""
        return {
            str(attachments.attachment_of(part.tree).get("url", "")): self._steps[part.number].reference
            for part in self._found.documents
        }
