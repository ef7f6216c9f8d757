"""The running hub: what a process holds from start to end."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import bindparam, select

from app.access.identify import Callers
from app.access.limits import Limits
from app.access.outside.provider import Outside
from app.access.tables import organisation
from app.audit.copies import Copying
from app.audit.cosign import Cosigning
from app.audit.leader import Leader
from app.audit.log import AuditLog
from app.audit.review import Reviewer
from app.audit.second.take_up import TakingUp
from app.audit.stamping import Stamping
from app.beside import Beside
from app.blobs import Blobs
from app.clock import EPOCH, Clock
from app.db import Database
from app.imaging.episodes import Episodes
from app.imaging.not_given import NotGiven
from app.imaging.packing import Queue, queue
from app.imaging.sources.held import Holder
from app.imaging.sources.source import Sources
from app.packages.loaded import KnownPackages, Profiles
from app.records.cursor import Cursors
from app.records.search_parameters.known import KnownParameters
from app.records.signatures.arrival import Arrival
from app.records.signatures.trust import KnownTrust
from app.records.terminology.stored import Compiled
from app.settings import Settings
from dicom.decoding import DecodingPool
from fhir.store.tables import resource

MOST_REMEMBERED = 100_000

_PATIENT = select(resource.c.id).where(
    resource.c.patient_key == bindparam("patient_key"), resource.c.row == bindparam("patient_key")
)
_ORGANISATION = select(organisation.c.resource_id).where(organisation.c.key == bindparam("key"))


@dataclass
class Hub:
    """One process of the hub."""

    settings: Settings
    database: Database
    clock: Clock
    new_row: Callable[[], int]
    callers: Callers
    limits: Limits
    audit: AuditLog
    leader: Leader
    cosigning: Cosigning
    copying: Copying
    stamping: Stamping
    cursors: Cursors
    blobs: Blobs
    decoding: DecodingPool
    episodes: Episodes
    packages: KnownPackages
    search_parameters: KnownParameters
    trust: KnownTrust
    """Whose signatures are trusted."""
    sources: Sources
    """Where sites keep images themselves."""
    exports_wait: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when an export was put in the queue by this process."""
    search_parameters_wait: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the search parameters were changed by this process."""
    terms: Compiled = field(default_factory=Compiled)
    """What was made of stored code systems and concept maps."""
    requests_wait: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a request that is answered later was put in the queue by this process."""
    signatures_wait: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when this process has stored signatures that nobody has looked at."""
    imports_wait: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when an import was put in the queue by this process."""
    packing: Queue = field(default_factory=queue)
    """Metadata of series that are to be kept."""
    not_given: NotGiven = field(default_factory=NotGiven)
    """What could not be had lately of images, so that who asks again is told before the answer begins."""
    discs_wait: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a disc was put in the queue by this process."""
    commitments_wait: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when this process was asked for a storage commitment that it can report."""
    beside: Beside = field(default_factory=Beside)
    """A process for work that needs no database."""
    compiling: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a thread compiles profiles."""
    reviewer: Reviewer | None = None
    """Opens audit records, once it was asked to: it remembers whose they are."""
    taking_up: TakingUp | None = None
    """Takes up what the log lacks and the second log has, where there is one."""
    outside: Outside | None = None
    """The outside provider of sign-in, once it was asked for."""
    held: Holder = field(init=False)
    """Images of those sources that are here for a while."""
    _patients: dict[int, str] = field(default_factory=dict)
    _organisations: dict[int, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    """What an operator should do about this process, for `/health`: a door that could not be opened."""
    closing: list[Callable[[], Awaitable[None]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.held = Holder(self)

    async def profiles(self, *bodies: bytes) -> Profiles:
        """Return by what these bodies are checked beside base R4."""
        settings, definitions = self.settings, await self.packages.for_bodies(bodies)
        present = EPOCH + timedelta(microseconds=self.clock())
        arrival = Arrival(self.trust.current, settings.signatures_strict, present)
        return Profiles(definitions, settings.profiles_strict, settings.strict_documents, arrival)

    async def patient_reference(self, patient_key: int) -> str:
        """Return `Patient/<id>` of a site's Patient; it never changes, so it is remembered."""
        reference = self._patients.get(patient_key)
        if reference is None:
            rows = await self.database.reader.fetch(_PATIENT, {"patient_key": patient_key})
            if not rows:
                return f"Patient/{patient_key}"
            reference = self.remember_patient(patient_key, rows[0][0])
        return reference

    async def patient_id(self, patient_key: int) -> str:
        """Return the id of a site's Patient."""
        return (await self.patient_reference(patient_key)).removeprefix("Patient/")

    def remember_patient(self, patient_key: int, id_: str) -> str:
        """Remember the id of a Patient, of one too that is not committed yet, and return its reference."""
        if len(self._patients) >= MOST_REMEMBERED:
            self._patients.clear()
        reference = self._patients[patient_key] = f"Patient/{id_}"
        return reference

    async def organisation_reference(self, key: int) -> str:
        """Return `Organization/<id>` of a custodian; it never changes, so it is remembered."""
        reference = self._organisations.get(key)
        if reference is None:
            rows = await self.database.reader.fetch(_ORGANISATION, {"key": key})
            reference = f"Organization/{rows[0][0]}" if rows else f"Organization/{key}"
            if rows:
                self._organisations[key] = reference
        return reference

    async def close(self) -> None:
        """Write what waits and close everything."""
        async with AsyncExitStack() as last_first:
            # What fails to close keeps nothing else from being closed.
            last_first.push_async_callback(self.database.close)
            last_first.push_async_callback(asyncio.to_thread, self.beside.close)
            last_first.push_async_callback(self.held.close)
            for close in reversed(self.closing):
                last_first.push_async_callback(close)
            last_first.push_async_callback(self.leader.stop)
            last_first.push_async_callback(self.audit.stop)
