"""Whose the instances of a request are: of the site's Patients the one with their number, or one that is made of them.

https://dicom.nema.org/medical/dicom/current/output/chtml/part03/sect_C.7.html#sect_C.7.1.1
"""

from dataclasses import dataclass
from typing import Any

import orjson

from app.access.directory import Organisation
from app.identity.known import known_patient
from app.imaging.custody import Custody
from app.imaging.keep import Received
from app.imaging.patient import patient, system
from app.records.prepare import prepare
from app.records.row_ids import new_id
from app.records.writing import Writing
from dicom.indexing import StudyFacts
from dicom.store.connection import Connection
from dicom.store.write import whose_study
from fhir.store.read import read


@dataclass(slots=True)
class Owner:
    """A site's Patient; `resource` is to be created with the first instance that is stored."""

    id: str
    key: int
    resource: dict[str, Any] | None


class Owners:
    """The Patients to whom the instances of one transaction belong.

    Args:
        writing: The transaction.
        site: Whose Patients they are.
        known: What the site has of the instances and their studies.
    """

    def __init__(self, writing: Writing, site: Organisation, known: Connection) -> None:
        self._writing, self._site, self._known = writing, site, known
        self._by_number: dict[tuple[str, str], Owner] = {}
        self._of_study: dict[tuple[str, str, str], Owner] = {}

    async def of(self, received: Received) -> Owner:
        """Return whose an instance is: of the site's Patients, the one with that number of that issuer."""
        study = received.extracted.facts.study
        named = system(received.issuer, self._site), study.patient_id
        found = self._by_number.get(named) or self._of_study.get((*named, study.study_instance_uid))
        return found or await self._look_up(named, bool(received.issuer), study)

    async def _look_up(self, named: tuple[str, str], stated: bool, study: StudyFacts) -> Owner:
        """Return the owner by a system and a number; `stated` says whether the instance names the issuer."""
        resource = patient(study, named[0])
        known = await known_patient(self._writing.connection, resource, self._site.key)
        if known is not None:
            return self._by_number.setdefault(named, Owner(*known, None))
        found = await self._whose_study(stated, study)
        if found is not None:
            return self._of_study.setdefault((*named, study.study_instance_uid), found)
        row, id_ = new_id(self._writing.request.hub)
        return self._by_number.setdefault(named, Owner(id_, row, resource))

    async def _whose_study(self, stated: bool, study: StudyFacts) -> Owner | None:
        """Return whose a study is that the site has under the same number, when one of both says no issuer.

        A manifest often states the issuer of the Patient ID where the images of the same study do not.
        """
        there = await whose_study(self._known, self._site.key, study.study_instance_uid)
        if there is None or there[1] != study.patient_id:
            return None
        if stated:
            unstated = system("", self._site)
            known = await known_patient(self._writing.connection, patient(study, unstated), self._site.key)
            new = self._by_number.get((unstated, study.patient_id))
            if there[0] not in (known and known[1], new and new.key):
                return None
        return await self.existing(there[0])

    async def existing(self, key: int) -> Owner | None:
        """Return the site's Patient with a key, unless it is deleted."""
        ours = (one for one in (*self._by_number.values(), *self._of_study.values()) if one.key == key)
        found = next(ours, None)
        if found is not None:
            return found
        id_ = await self._writing.request.hub.patient_id(key)
        current = await read(self._writing.connection, Custody(self._site.key), "Patient", id_)
        return None if current is None or current.deleted else Owner(id_, key, None)


async def create(writing: Writing, owner: Owner) -> None:
    """Gather the Patient of an owner, unless it is there."""
    if owner.resource is None:
        return
    prepared = prepare(orjson.dumps(owner.resource), writing.request.authority)
    writing.announce_patient(owner.id, owner.key)
    await writing.create(prepared, row=owner.key, id_=owner.id)
    owner.resource = None
