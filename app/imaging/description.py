"""The ImagingStudy of a study, brought in step with its images: written anew, or taken back with the last of them.

What it says is `app.imaging.imaging_study`. One that the site writes itself stands for it.
https://hl7.org/fhir/R4/imagingstudy.html
"""

import orjson

from app.access.directory import Organisation
from app.imaging.custody import Custody
from app.imaging.endpoint import endpoint_of
from app.imaging.imaging_study import MOST_INSTANCES, Json, imaging_study
from app.imaging.labels import widen_row
from app.imaging.mado.announce import announce_where_wanted, withdraw
from app.imaging.owners import Owner
from app.imaging.reports.requests import with_requests
from app.imaging.sources.imaging_studies import hide_study, labels_by_site
from app.imaging.undescribed.note import forget
from app.records.labelled import pass_labels_on
from app.records.prepare import prepare
from app.records.record import StaleCaller
from app.records.row_ids import id_of
from app.records.writing import Writing
from dicom.attributes import Level
from dicom.indexing import StudyFacts
from dicom.matching import parse_query
from dicom.store.read import read_listed
from dicom.store.search import search
from dicom.store.write import study_labels
from fhir.errors import NotFound
from fhir.store.labels import codings
from fhir.store.read import read

MOST_SERIES = 10_000
"""Of a study; beyond it the ImagingStudy tells of no more."""


class Describing:
    """Describes studies of one site in one transaction.

    Args:
        writing: The transaction.
        site: The custodian.
        labels: As bits, those of what told of the images in this transaction.
    """

    def __init__(self, writing: Writing, site: Organisation, labels: int = 0) -> None:
        self._writing, self._site, self._labels = writing, site, labels
        self._own = Custody(site.key)
        self._endpoint: str | None = None

    async def describe(self, row: int, study: StudyFacts, owner: Owner) -> None:
        """Gather the ImagingStudy of a study, new or its next version.

        Args:
            row: The row of the study, and of its ImagingStudy.
            study: What is said of it.
            owner: Whose it is.
        """
        writing, uid = self._writing, study.study_instance_uid
        await forget(writing.connection, owner.key, row)
        labels_of_site = await labels_by_site(writing, uid, row)
        if labels_of_site is not None:
            await self._hide(row, uid, owner, labels_of_site)
            return
        resource = await self._resource(row, study, owner)
        current = await read(writing.connection, self._own, "ImagingStudy", id_of(row))
        # What comes back is as hidden as it was, and what others have told of its images hides it with them.
        labels = self._labels | await study_labels(writing.connection, self._site.key, uid)
        if labels & ~(current.labels if current is not None else 0):
            resource["meta"] = {"security": list(codings(labels))}
        prepared = prepare(orjson.dumps(resource), writing.request.authority)
        if current is None:
            described = await writing.create(prepared, row=row, id_=id_of(row), inherited_labels=labels)
        else:
            try:
                described = await writing.update(prepared, id_of(row))
            except NotFound as error:
                # It is there; the caller's rights changed since the transaction began.
                raise StaleCaller from error
        await announce_where_wanted(writing, described)

    async def _hide(self, row: int, uid: str, owner: Owner, labels: int) -> None:
        """Give the images of a study the labels of the ImagingStudy that its site has written, and it those of ours."""
        connection = self._writing.connection
        await widen_row(connection, owner.key, row, labels)
        # Of what told of the images just now or ever, of which the site's own ImagingStudy knows nothing.
        others = self._labels | await study_labels(connection, self._site.key, uid)
        if others & ~labels:
            hidden = await hide_study(connection, self._site.key, (owner.key, row), uid, others)
            await pass_labels_on(connection, hidden)

    async def _resource(self, row: int, study: StudyFacts, owner: Owner) -> Json:
        """Return the ImagingStudy as the tables have it, based on its orders."""
        writing, uid = self._writing, study.study_instance_uid
        query = parse_query(Level.SERIES, [("StudyInstanceUID", uid)], max_limit=MOST_SERIES)
        series = await search(writing.connection, self._own, query)
        many = sum(one.number_of_instances for one in series) > MOST_INSTANCES
        instances = [] if many else await read_listed(writing.connection, self._own, uid)
        told = series[0].study if series else study
        # One for all studies of the site.
        self._endpoint = self._endpoint or await endpoint_of(writing, self._site)
        made = imaging_study(told, series, instances, subject=f"Patient/{owner.id}", endpoint=self._endpoint)
        return await with_requests(writing, made, row, owner.key, told.accession_number)


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
        await Describing(writing, site).describe(row, left[0].study, Owner(subject, patient_key, None))
        return
    await forget(writing.connection, patient_key, row)
    current = await read(writing.connection, own, "ImagingStudy", id_of(row))
    if current is not None and not current.deleted:
        await withdraw(writing, current)
        writing.take_back(current)
