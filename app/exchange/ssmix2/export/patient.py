"""All of one patient of a site: read through the gate, as files of the two stores."""

from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from app.clock import instant
from app.exchange.hl7v2.charset import encode
from app.exchange.hl7v2.folding import UNWRITABLE, folded
from app.exchange.hl7v2.from_fhir.messages import messages
from app.exchange.hl7v2.from_fhir.values import identifier
from app.exchange.hl7v2.from_fhir.written import Resource, Written
from app.exchange.hl7v2.to_fhir.source import Source
from app.exchange.hl7v2.write import write
from app.exchange.ssmix2.export.documents import bundle, document
from app.exchange.ssmix2.export.folder import EXTENDED, STANDARD, Out
from app.exchange.ssmix2.export.kept import Kept, kept_files
from app.exchange.ssmix2.export.naming import can_name, name_of
from app.exchange.ssmix2.path import path_of
from app.records.record import CHUNK_ROWS, NEWEST, Span
from app.records.request import FhirRequest
from fhir import exact
from fhir.errors import NotFound
from fhir.store.stored import Stored
from fhir.store.types import NUMBERS

KEYS = 2_000
_TYPES = sorted(set(NUMBERS) - {"Binary", "Provenance", "AuditEvent"})
UNSAID = "no message of a standard store says it"
ENTERED_IN_ERROR = "entered in error"


@dataclass(slots=True)
class Gathered:
    """What a patient's record becomes."""

    versions: list[Stored]
    """All that was read, for the audit record."""
    files: list[Out] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    """Resources that are in no file, each with the reason."""


async def gather(request: FhirRequest, source: Source, id_: str) -> Gathered:
    """Return what all of a patient becomes.

    Args:
        request: In the name of the site.
        source: The site.
        id_: The Patient's id.

    Raises:
        NotFound: the site has no such Patient.
        Deleted: it was deleted.
        StaleCaller: the rights of callers have changed.
    """
    patient = await request.record.read("Patient", id_)
    if patient.custodian != request.authority.custodian:
        raise NotFound(f"Patient/{id_} does not exist")
    versions = [patient, *await _all(request, id_)]
    gathered = Gathered(versions)
    named = {f"{one.type}/{one.id}": exact.read(bytes(one.body)) for one in versions}
    name = f"Patient/{id_}"
    number = identifier(named[name], source.patient_system)
    if not can_name(number):
        gathered.left_out = [(each, "the patient has no number of the site that a folder can have") for each in named]
        return gathered
    kept = await kept_files(request.hub.database.reader, patient.row, named, versions)
    await _Patient(request, source, name, number, named, gathered).write(kept)
    return gathered


async def _all(request: FhirRequest, id_: str) -> list[Stored]:
    """Return the current versions of what is about a Patient of the site, without those of other sites."""
    found: list[Stored] = []
    before = NEWEST
    while True:
        keys = await request.record.keys_of_person(
            id_, [name for name in _TYPES if name != "Patient"], Span(), limit=KEYS, before=before, alone=True
        )
        for at in range(0, len(keys), CHUNK_ROWS):
            found += await request.record.bodies(keys[at : at + CHUNK_ROWS])
        if len(keys) < KEYS:
            return [one for one in found if one.custodian == request.authority.custodian and not one.deleted]
        before = (keys[-1].order, keys[-1].row)


class _Patient:
    """One patient while the files are made."""

    def __init__(
        self,
        request: FhirRequest,
        source: Source,
        name: str,
        number: str,
        named: Mapping[str, Resource],
        into: Gathered,
    ) -> None:
        self._request = request
        self._source = source
        self._name = name
        self._number = number
        self._named = named
        self._into = into

    async def write(self, kept: Sequence[Kept]) -> None:
        """Give out what is kept as it came, and make the rest."""
        kept, made = self._chosen(kept)
        taken = {one.path.rpartition("/")[2].rpartition("_")[0] for one in kept}
        covered: set[str] = set()
        for one in kept:
            covered.update(one.covers)
            if one.is_folder:
                await self._give_folder(one)
            else:
                self._into.files.append(Out(f"{STANDARD}/{one.path}", one.body, "kept", one.covers))
        for written in made:
            path = f"{STANDARD}/{path_of(name_of(self._number, written, taken))}"
            text = write(written.lines)
            replaced = folded(text).count(UNWRITABLE) - text.count(UNWRITABLE)
            self._into.files.append(Out(path, encode(text), "made", written.covers, replaced))
            covered.update(written.covers)
        await self._write_documents(covered, taken)
        for name, resource in self._named.items():
            if name not in covered:
                in_error = resource.get("status") == "entered-in-error"
                self._into.left_out.append((name, ENTERED_IN_ERROR if in_error else UNSAID))

    def _chosen(self, kept: Sequence[Kept]) -> tuple[Sequence[Kept], Sequence[Written]]:
        """Return which files are given out as they came, and what is made of what is in none of them.

        Of what is of no day, a later file replaces an earlier one; so where something is to be made beside a file that
        is kept, all of both is made.
        """
        at = instant(self._request.now)
        while True:
            covered = {name for one in kept for name in one.covers}
            left = {name: one for name, one in self._named.items() if name not in covered and name != self._name}
            patient = (self._name, self._named[self._name])
            made = messages(patient, left, self._source, at, needed=self._name not in covered)
            slots = {name_of(self._number, one, set()).slot for one in made}
            clear = [one for one in kept if not (one.covers and one.slot in slots)]
            if len(clear) == len(kept):
                return kept, made
            kept = clear

    async def _write_documents(self, covered: set[str], taken: set[str]) -> None:
        for name, one in self._named.items():
            if name in covered or one.get("status") == "entered-in-error":
                continue
            if one["resourceType"] == "DocumentReference":
                files, reason = await document(one, name, self._number, self._source, taken, self._read)
                if not files:
                    self._into.left_out.append((name, reason))
            elif one["resourceType"] == "Bundle" and one.get("type") == "document":
                files = bundle(one, name, self._number, self._source, taken)
            else:
                continue
            self._into.files += files
            covered.add(name)

    async def _give_folder(self, one: Kept) -> None:
        """Give out a content folder: the files that its document refers to, under their own names."""
        for name in one.covers:
            for content in self._named[name].get("content", ()):
                attachment = content.get("attachment", {})
                binary = await self._read(str(attachment.get("url", "")))
                title = str(attachment.get("title", "")).replace("/", "-")
                if binary is not None and title not in {"", ".", ".."}:
                    octets = b64decode(binary.get("data", ""))
                    self._into.files.append(Out(f"{EXTENDED}/{one.path}/{title}", octets, "kept", (name,)))

    async def _read(self, name: str) -> Resource | None:
        """Return a Binary of the site; None where there is none."""
        type_name, _, id_ = name.partition("/")
        found = await self._request.record.named([(type_name, id_)]) if type_name == "Binary" and id_ else []
        if not found or found[0].deleted or found[0].custodian != self._request.authority.custodian:
            return None
        self._into.versions.append(found[0])
        resource: Resource = exact.read(bytes(found[0].body))
        return resource
