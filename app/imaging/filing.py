"""Storing the instances of one request in one transaction: rows, then what FHIR says of them.

Nothing here is parsed or kept: the bytes are durable, and the headers were read, before the transaction began.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.access.directory import Organisation, find_organisation
from app.blobs.tables import blob
from app.imaging.custody import Custody
from app.imaging.description import Describing
from app.imaging.events import Touched
from app.imaging.hold import hold
from app.imaging.imaging_study import clinical_date
from app.imaging.keep import Failure, Received, failure
from app.imaging.media.review import Review
from app.imaging.merged import is_merged
from app.imaging.owners import Owner, Owners, create
from app.imaging.reports.filing import Told, file_reports, told
from app.imaging.undescribed.note import AFTER, Undescribed, note
from app.records.row_ids import id_of
from app.records.writing import Writing
from dicom.failures import IdentityConflict, InvalidInstance
from dicom.indexing import StudyFacts
from dicom.store.batch import Batch
from dicom.store.write import FixedColumns, Outcome, StoredInstance, store_instance, whose_instance
from fhir.store.categories import Category
from fhir.store.read import read


@dataclass(slots=True)
class Filed:
    """What became of the instances of a request."""

    stored: list[Received] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    reviewed: list[Received] = field(default_factory=list)
    """What is kept, and waits for a person to say whose it is."""
    reviews: dict[int, int] = field(default_factory=dict)
    """How much more of that waits than before, by the number of the entry."""
    conflicts: int = 0
    """How many of the failures are that somebody else has the study or the series."""
    touched: list[Touched] = field(default_factory=list)


class _Filing:
    """One request on its way into the store."""

    def __init__(
        self,
        writing: Writing,
        site: Organisation,
        owner: Owner | None = None,
        labels: int = 0,
        *,
        more_to_come: bool = False,
    ) -> None:
        self.filed = Filed()
        self._labels = labels
        self._more_to_come = more_to_come
        self._batch = Batch(writing.connection, site.key)
        self._owner = owner
        self._owners = Owners(writing, site, self._batch)
        self._describing = Describing(writing, site, labels)
        self._review = Review(writing, site.key)
        self._writing = writing
        self._site = site
        self._blobs: dict[str, tuple[int, str, int, int]] = {}
        """Rows of the table of blobs, by digest."""
        self._grown: dict[int, tuple[StudyFacts, Owner]] = {}
        """Studies, by their rows, whose ImagingStudy is to be brought in step."""
        self._at_once: set[int] = set()
        """Those of them whose ImagingStudy may not follow later."""
        self._told: dict[int, list[Told]] = {}
        """New instances of them of which resources are made."""

    async def read_ahead(self, received: Sequence[Received]) -> None:
        """Learn what is there of all of them."""
        await self._batch.read_ahead(one.extracted.facts for one in received)

    async def add(self, received: Received) -> None:
        """Store one instance, or note why not."""
        study = received.extracted.facts.study
        owner = self._owner or await self._owners.of(received)
        try:
            stored = await self._store(received, study, owner)
        except InvalidInstance as error:
            decided = await self._decided(received, owner, error)
            if decided is None:
                await self._refuse(received, owner, error)
                return
            owner, stored = decided
        self.filed.stored.append(received)
        self.filed.touched.append(Touched(owner.key, self._site.key, study.study_instance_uid))
        if stored.revised or self._labels:
            # Whom it is disclosed to may follow from that.
            self._at_once.add(stored.study)
        if stored.outcome is not Outcome.UNCHANGED or stored.revised:
            await create(self._writing, owner)
            self._grown[stored.study] = study, owner
            if received.digest:
                if (one := told(stored.id, received.extracted)) is not None:
                    self._told.setdefault(stored.study, []).append(one)
                row = (self._site.key, received.digest, received.size, self._writing.request.now)
                self._blobs[received.digest] = row
        elif self._labels:
            # What was known before is hidden with what tells of it now, and its ImagingStudy too.
            self._grown.setdefault(stored.study, (study, owner))

    async def _decided(
        self, received: Received, stated: Owner, error: InvalidInstance
    ) -> tuple[Owner, StoredInstance] | None:
        """Return whose an instance is that says another patient, by what people have decided, and what storing did."""
        if not isinstance(error, IdentityConflict) or self._owner is not None:
            return None
        there = await whose_instance(self._batch, self._site.key, received.sop_instance_uid)
        owner: Owner | None = None
        if there is not None and there[1] == received.digest:
            # These very bytes were filed: they are sent again.
            owner = Owner(await self._writing.request.hub.patient_id(there[0]), there[0], None)
        elif await self._is_merged(stated, error.patient_key) or await self._review.decided(received, error):
            owner = await self._owners.existing(error.patient_key)
        if owner is None:
            return None
        try:
            return owner, await self._store(received, received.extracted.facts.study, owner)
        except InvalidInstance:
            return None

    async def _is_merged(self, stated: Owner, holder: int) -> bool:
        """Return whether the site has merged whom an instance says with whom its study is of."""
        writing = self._writing
        if stated.resource is not None:
            return False
        return await is_merged(writing.request.hub, writing.connection, self._site.key, stated.key, holder)

    async def _refuse(self, received: Received, owner: Owner, error: InvalidInstance) -> None:
        """Keep an instance for review when its patient alone is in doubt; else note why it is not stored."""
        found: Failure | None = failure(received, error.code, error.reason)
        if isinstance(error, IdentityConflict) and received.digest:
            if self._owner is None:
                stated_as = owner.key if owner.resource is None else 0
                found = await self._review.add(received, error, stated_as)
            else:
                self.filed.conflicts += 1
        if found is None:
            self.filed.reviewed.append(received)
        else:
            self.filed.failures.append(found)

    async def finish(self) -> Filed:
        """Bring the ImagingStudy of each study that has grown in step."""
        await self._batch.flush()
        for row, (study, owner) in self._grown.items():
            if await self._may_follow(row):
                uid, now = study.study_instance_uid, self._writing.request.now
                await note(self._writing.connection, Undescribed(owner.key, row, self._site.key, uid, now))
                continue
            await self._describing.describe(row, study, owner)
            await file_reports(self._writing, row, f"Patient/{owner.id}", owner.key, self._told.get(row, ()))
        # In the order of their keys: two requests that bring the same do not wait for each other in a circle.
        await self._writing.connection.insert_missing(blob, sorted(self._blobs.values()))
        self.filed.reviews = self._review.added
        return self.filed

    async def _may_follow(self, row: int) -> bool:
        """Return whether the ImagingStudy of a study that has grown may say so some seconds later.

        One that was written a moment ago does: whoever sends a study in many requests would write it as often.
        """
        if row in self._at_once or row in self._told:
            return False
        if self._more_to_come:
            return True
        current = await read(self._writing.connection, Custody(self._site.key), "ImagingStudy", id_of(row))
        if current is None or current.deleted:
            return False
        return self._writing.request.now - current.last_updated < AFTER

    async def _store(self, received: Received, study: StudyFacts, owner: Owner) -> StoredInstance:
        request = self._writing.request
        custodian = self._site.key
        fixed = FixedColumns(
            patient_key=owner.key,
            custodian=custodian,
            author=custodian,
            category=int(Category.IMAGING),
            labels=self._labels,
            clinical_date=clinical_date(study),
        )
        return await store_instance(
            self._batch,
            fixed,
            received.extracted,
            digest=received.digest,
            size=received.size,
            now=request.now,
            new_row=request.hub.new_row,
        )


async def file_instances(
    writing: Writing,
    received: Sequence[Received],
    *,
    owner: Owner | None = None,
    labels: int = 0,
    more_to_come: bool = False,
) -> Filed:
    """Store instances, whose bytes are durable, in the caller's transaction.

    Args:
        writing: The transaction.
        received: The instances.
        owner: Whose they are, where a person has said so; else the number in each says it.
        labels: What their study and they are hidden by, as bits: those of what told of them.
        more_to_come: Whether the ImagingStudy of a study that is described already may follow some seconds later.
    """
    authority = writing.request.authority
    site = await find_organisation(writing.connection, authority.custodian_slug)
    # Two requests may bring the same new patient, study or instance: one after the other.
    await hold(writing.connection, site.key)
    filing = _Filing(writing, site, owner, labels, more_to_come=more_to_come)
    await filing.read_ahead(received)
    for one in received:
        await filing.add(one)
        # SQLite answers in the event loop; whoever looks at images meanwhile gets a turn.
        await asyncio.sleep(0)
    return await filing.finish()
