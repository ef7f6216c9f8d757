"""Storing the instances of one request in one transaction: rows, Patients, and the ImagingStudy of each study.

Nothing here is parsed or kept: the bytes are durable, and the headers were read, before the transaction began.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from app.access.directory import Organisation, find_organisation
from app.blobs.tables import blob
from app.identity.known import known_patient
from app.imaging.custody import Custody
from app.imaging.endpoint import endpoint_of
from app.imaging.events import Touched
from app.imaging.hold import hold
from app.imaging.imaging_study import MOST_INSTANCES, clinical_date, imaging_study
from app.imaging.keep import Failure, Received, failure
from app.imaging.labels import widen_row
from app.imaging.mado.announce import announce_where_wanted, withdraw
from app.imaging.media.review import Review
from app.imaging.merged import is_merged
from app.imaging.patient import patient, system
from app.imaging.reports.filing import Told, file_reports, told
from app.imaging.reports.requests import with_requests
from app.imaging.sources.imaging_studies import hide_study, labels_by_site
from app.imaging.undescribed.note import AFTER, Undescribed, forget, note
from app.records.labelled import pass_labels_on
from app.records.prepare import prepare
from app.records.record import StaleCaller
from app.records.row_ids import id_of, new_id
from app.records.writing import Writing
from dicom.attributes import Level
from dicom.failures import IdentityConflict, InvalidInstance
from dicom.indexing import StudyFacts
from dicom.matching import parse_query
from dicom.store.batch import Batch
from dicom.store.read import read_listed
from dicom.store.search import search
from dicom.store.write import (
    FixedColumns,
    Outcome,
    StoredInstance,
    store_instance,
    study_labels,
    whose_instance,
    whose_study,
)
from fhir.errors import NotFound
from fhir.store.categories import Category
from fhir.store.labels import codings
from fhir.store.read import read

MOST_SERIES = 10_000
"""Of a study; beyond it the ImagingStudy tells of no more."""


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


@dataclass(slots=True)
class Owner:
    """A site's Patient; `resource` is to be created with the first instance that is stored."""

    id: str
    key: int
    resource: dict[str, Any] | None


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
        self._at_once: set[int] = set()
        self._batch = Batch(writing.connection, site.key)
        self._owner = owner
        self._review = Review(writing, site.key)
        self._writing = writing
        self._site = site
        self._patients: dict[tuple[str, str], Owner] = {}
        self._of_study: dict[tuple[str, str, str], Owner] = {}
        self._blobs: dict[str, tuple[int, str, int, int]] = {}
        self._grown: dict[int, tuple[StudyFacts, Owner]] = {}
        self._told: dict[int, list[Told]] = {}
        self._endpoint: str | None = None

    async def read_ahead(self, received: Sequence[Received]) -> None:
        """Learn what is there of all of them."""
        await self._batch.read_ahead(one.extracted.facts for one in received)

    async def add(self, received: Received) -> None:
        """Store one instance, or note why not."""
        study = received.extracted.facts.study
        owner = await self._patient(received, study)
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
            await self._create_patient(owner)
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
            owner = await self._existing(error.patient_key)
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
            await self.describe(row, study, owner)
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

    async def _patient(self, received: Received, study: StudyFacts) -> Owner:
        """Return whose the instance is: of the custodian's Patients, the one with that number of that issuer."""
        if self._owner is not None:
            return self._owner
        named = system(received.issuer, self._site), study.patient_id
        found = self._patients.get(named) or self._of_study.get((*named, study.study_instance_uid))
        return found or await self._look_up(named, bool(received.issuer), study)

    async def _look_up(self, named: tuple[str, str], stated: bool, study: StudyFacts) -> Owner:
        resource = patient(study, named[0])
        known = await known_patient(self._writing.connection, resource, self._site.key)
        if known is not None:
            return self._patients.setdefault(named, Owner(*known, None))
        found = await self._whose_study(stated, study)
        if found is not None:
            return self._of_study.setdefault((*named, study.study_instance_uid), found)
        row, id_ = new_id(self._writing.request.hub)
        return self._patients.setdefault(named, Owner(id_, row, resource))

    async def _whose_study(self, stated: bool, study: StudyFacts) -> Owner | None:
        """Return whose a study is that the site has under the same number, when one of both says no issuer.

        A manifest often states the issuer of the Patient ID where the images of the same study do not.
        """
        there = await whose_study(self._batch, self._site.key, study.study_instance_uid)
        if there is None or there[1] != study.patient_id:
            return None
        if stated:
            unstated = system("", self._site)
            known = await known_patient(self._writing.connection, patient(study, unstated), self._site.key)
            new = self._patients.get((unstated, study.patient_id))
            if there[0] not in (known and known[1], new and new.key):
                return None
        return await self._existing(there[0])

    async def _existing(self, key: int) -> Owner | None:
        """Return the site's Patient with a key, unless it is deleted."""
        ours = (one for one in (*self._patients.values(), *self._of_study.values()) if one.key == key)
        found = next(ours, None)
        if found is not None:
            return found
        id_ = await self._writing.request.hub.patient_id(key)
        current = await read(self._writing.connection, Custody(self._site.key), "Patient", id_)
        return None if current is None or current.deleted else Owner(id_, key, None)

    async def _create_patient(self, owner: Owner) -> None:
        if owner.resource is None:
            return
        prepared = prepare(orjson.dumps(owner.resource), self._writing.request.authority)
        self._writing.announce_patient(owner.id, owner.key)
        await self._writing.create(prepared, row=owner.key, id_=owner.id)
        owner.resource = None

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

    async def describe(self, row: int, study: StudyFacts, owner: Owner) -> None:
        """Create or update the ImagingStudy, whose row is that of the study; a site's own stands for it."""
        writing, uid = self._writing, study.study_instance_uid
        await forget(writing.connection, owner.key, row)
        labels = await labels_by_site(writing, uid, row)
        if labels is not None:
            await widen_row(writing.connection, owner.key, row, labels)
            # Of what told of the images just now or ever, of which the site's own ImagingStudy knows nothing.
            others = self._labels | await study_labels(writing.connection, self._site.key, uid)
            if others & ~labels:
                hidden = await hide_study(writing.connection, self._site.key, (owner.key, row), uid, others)
                await pass_labels_on(writing.connection, hidden)
            return
        connection, own = writing.connection, Custody(self._site.key)
        pairs = [("StudyInstanceUID", uid)]
        series = await search(connection, own, parse_query(Level.SERIES, pairs, max_limit=MOST_SERIES))
        many = sum(one.number_of_instances for one in series) > MOST_INSTANCES
        instances = [] if many else await read_listed(connection, own, uid)
        first = series[0].study if series else study
        # One for all studies of the site.
        self._endpoint = self._endpoint or await endpoint_of(writing, self._site)
        resource = imaging_study(first, series, instances, subject=f"Patient/{owner.id}", endpoint=self._endpoint)
        resource = await with_requests(writing, resource, row, owner.key, first.accession_number)
        id_ = id_of(row)
        current = await read(connection, own, "ImagingStudy", id_)
        # What comes back is as hidden as it was, and what others have told of its images hides it with them.
        labels = self._labels | await study_labels(connection, self._site.key, uid)
        if labels & ~(current.labels if current is not None else 0):
            resource["meta"] = {"security": list(codings(labels))}
        prepared = prepare(orjson.dumps(resource), writing.request.authority)
        if current is None:
            described = await writing.create(prepared, row=row, id_=id_, inherited_labels=labels)
        else:
            try:
                described = await writing.update(prepared, id_)
            except NotFound as error:
                # It is there; the caller's rights changed since the transaction began.
                raise StaleCaller from error
        await announce_where_wanted(writing, described)


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


async def describe_what_is_left(writing: Writing, site: Organisation, row: int, patient_key: int, uid: str) -> None:
    """Bring the ImagingStudy of a study in step that has lost instances; it goes with the last of them.

    Args:
        writing: The caller's transaction.
        site: The custodian.
        row: The row of the study, and of its ImagingStudy.
        patient_key: Whose it is.
        uid: The StudyInstanceUID.
    """
    current = await read(writing.connection, Custody(site.key), "ImagingStudy", id_of(row))
    if current is not None and not current.deleted:
        await describe_study(writing, site, row, patient_key, uid)


async def describe_study(writing: Writing, site: Organisation, row: int, patient_key: int, uid: str) -> None:
    """Bring the ImagingStudy of a study in step with its images, in the caller's transaction; arguments as above."""
    own = Custody(site.key)
    left = await search(writing.connection, own, parse_query(Level.STUDY, [("StudyInstanceUID", uid)], max_limit=1))
    if left and left[0].id == row:
        subject = await writing.request.hub.patient_id(patient_key)
        await _Filing(writing, site).describe(row, left[0].study, Owner(subject, patient_key, None))
        return
    await forget(writing.connection, patient_key, row)
    current = await read(writing.connection, own, "ImagingStudy", id_of(row))
    if current is not None and not current.deleted:
        await withdraw(writing, current)
        writing.take_back(current)
