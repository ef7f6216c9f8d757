"""The manifest of a study that the hub keeps: of what exists for the caller, and of nothing else.

IHE RAD MADO, Content Creator. The same content is the same manifest: its UID follows from what it says, and its instant
is that of the study's last change.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, uuid5

import orjson

from app.access.directory import Organisation, organisations
from app.db import DatabaseConnection
from app.imaging.imaging_study import study_uid
from app.imaging.patient import printable, system
from dicom.attributes import Level
from dicom.manifest import codes
from dicom.manifest.described import Told, told
from dicom.manifest.model import Issued, Manifest, ManifestInstance, ManifestRequest, ManifestSeries
from dicom.manifest.read import zone
from dicom.matching import parse_query
from dicom.reports.kinds import KEY_OBJECT_SELECTION
from dicom.results import Found
from dicom.store.connection import Visibility
from dicom.store.read import read_models
from dicom.store.search import search
from fhir.errors import NotFound, NotSupported
from fhir.store.stored import Stored

if TYPE_CHECKING:
    from app.hub import Hub

MOST_SERIES = 2_000
MOST_INSTANCES = 9_000
"""Of a study of which a manifest is made: what is larger is no study but an archive."""

ACCESSION_NUMBER = "http://renkei.example/fhir/NamingSystem/accession-number"
"""Before a site: the system of its accession numbers, where its images name no issuer."""

INVOKE = "/IHEInvokeImageDisplay"
"""Where the viewer is opened (IHE IID, RAD-106); it asks who one is, and shows what that one may see."""

DEVICE = "Renkei"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def location_uid(root: str) -> str:
    """Return the Retrieve Location UID of a DICOMweb service: an OID that follows from its address."""
    return f"2.25.{uuid5(NAMESPACE_URL, root).int}"


async def site_of(connection: DatabaseConnection, study: Stored) -> Organisation:
    """Return the site that keeps a study."""
    return next(one for one in await organisations(connection) if one.key == study.custodian)


async def gather(
    hub: "Hub", connection: DatabaseConnection, visibility: Visibility, study: Stored, site: Organisation
) -> Manifest:
    """Return the manifest of a study.

    Args:
        hub: The running hub.
        connection: Where to look.
        visibility: What may be seen.
        study: An ImagingStudy of it, the hub's own or one that the site has written.
        site: Who keeps it.

    Raises:
        NotFound: no image of it exists for the caller.
        NotSupported: it is too large.
    """
    found = await _study(connection, visibility, study)
    uid = found.study.study_instance_uid
    series = await _own(connection, visibility, Level.SERIES, uid, study, MOST_SERIES)
    instances = await _own(connection, visibility, Level.INSTANCE, uid, study, MOST_INSTANCES)
    by_series: dict[str, list[Found]] = {}
    for one in instances:
        if one.series is not None:
            by_series.setdefault(one.series.series_instance_uid, []).append(one)
    gathering = _Gathering(connection, visibility, study.custodian)
    root = hub.settings.dicomweb_address
    made = [
        await gathering.series(one, by_series[one.series.series_instance_uid], root)
        for one in series
        if one.series is not None and one.series.series_instance_uid in by_series
    ]
    if not made:
        raise NotFound("There are no images of this study")
    manifest = replace(
        _manifest(found, made, gathering.told, site, study),
        display_uri=f"{hub.settings.address}{INVOKE}?requestType=STUDY&studyUID={uid}",
    )
    return _named(manifest, hub.settings.fhir_address)


async def _study(connection: DatabaseConnection, visibility: Visibility, study: Stored) -> Found:
    """Return the study in the tables of which an ImagingStudy tells: of its site and its patient, with that UID."""
    uid = study_uid(orjson.loads(study.body))
    for found in await _own(connection, visibility, Level.STUDY, uid, study, 1_000) if uid else ():
        if found.patient_key == study.patient_key:
            return found
    raise NotFound("There are no images of this study")


async def _own(
    connection: DatabaseConnection, visibility: Visibility, level: Level, uid: str, study: Stored, most: int
) -> Sequence[Found]:
    """Return what is found at a level, of the custodian's own copy.

    Raises:
        NotSupported: there is more than `most`.
    """
    query = parse_query(level, [("StudyInstanceUID", uid)], max_limit=most)
    found = await search(connection, visibility, replace(query, limit=most + 1))
    if len(found) > most:
        raise NotSupported(f"A manifest has at most {MOST_SERIES} series and {MOST_INSTANCES} instances")
    return [one for one in found if one.custodian == study.custodian]


class _Gathering:
    """What the instances of a study tell, one of each series and every Key Object Selection."""

    def __init__(self, connection: DatabaseConnection, visibility: Visibility, custodian: int) -> None:
        self._connection = connection
        self._visibility = visibility
        self._custodian = custodian
        self.told: list[Told] = []

    async def series(self, found: Found, instances: Sequence[Found], root: str) -> ManifestSeries:
        """Return a series with its instances."""
        facts = found.series
        if facts is None:
            raise ValueError("a series has its facts")
        first = await self._told(instances[0])
        self.told.append(first)
        return ManifestSeries(
            series_instance_uid=facts.series_instance_uid,
            instances=tuple([await self._instance(one) for one in instances]),
            modality=printable(facts.modality),
            number=facts.series_number,
            description=printable(facts.series_description),
            date=facts.series_date,
            time=facts.series_time,
            region=first.region,
            retrieve_url=root,
            retrieve_location_uid=location_uid(root),
        )

    async def _instance(self, found: Found) -> ManifestInstance:
        facts = found.instance
        if facts is None:
            raise ValueError("an instance has its facts")
        made = ManifestInstance(
            facts.sop_class_uid, facts.sop_instance_uid, facts.instance_number, facts.number_of_frames
        )
        if facts.sop_class_uid != KEY_OBJECT_SELECTION:
            return made
        note = await self._told(found)
        return replace(made, title=note.title, description=note.description)

    async def _told(self, found: Found) -> Told:
        if found.series is None or found.instance is None:
            raise ValueError("an instance has its facts")
        names = (found.study.study_instance_uid, found.series.series_instance_uid, found.instance.sop_instance_uid)
        rows = await read_models(self._connection, self._visibility, *names)
        own = [one.model for one in rows if one.custodian == self._custodian]
        return told(orjson.loads(own[0]) if own else {})


def _manifest(
    found: Found, series: Sequence[ManifestSeries], notes: Sequence[Told], site: Organisation, study: Stored
) -> Manifest:
    facts = found.study
    requests = tuple(dict.fromkeys(_issued_here(one, site) for note in notes for one in note.requests))
    accession = Issued(printable(facts.accession_number))
    stated = next((one.accession for one in notes if one.accession.value == accession.value), accession)
    regions = tuple(dict.fromkeys(one.high_level for one in notes if one.high_level is not None))
    return Manifest(
        uid="",
        created=(_EPOCH + timedelta(microseconds=study.last_updated)).astimezone(zone(facts.timezone_offset_from_utc)),
        study_instance_uid=facts.study_instance_uid,
        series=tuple(series),
        title=codes.MANIFEST_WITH_DESCRIPTION,
        patient_id=_patient_id(notes[0].patient_id, site),
        patient_name=facts.patient_name,
        patient_birth_date=facts.patient_birth_date,
        patient_sex=printable(facts.patient_sex),
        study_date=facts.study_date,
        study_time=facts.study_time,
        timezone_offset_from_utc=facts.timezone_offset_from_utc,
        study_description=printable(facts.study_description),
        accession=_with_issuer(stated, site) if len({one.accession.value for one in requests}) < 2 else Issued(),
        requests=requests,
        modalities=tuple(sorted({one.modality for one in series if one.modality})),
        # One is required: of what is not known more is not claimed than that it is of the body.
        regions=regions or (codes.REGIONS["WHOLEBODY"],),
        procedures=tuple(dict.fromkeys(one for note in notes for one in note.procedures)),
        manufacturer=DEVICE,
        device=f"{DEVICE} {version('renkei')}",
        institution=site.title,
    )


def _named(manifest: Manifest, address: str) -> Manifest:
    """Return a manifest with its UID: another one for another content, or by another hub."""
    said = f"{address}\n{manifest!r}"
    return replace(manifest, uid=f"2.25.{uuid5(NAMESPACE_URL, said).int}")


def _patient_id(number: Issued, site: Organisation) -> Issued:
    """Return the Patient ID with the system by which the hub knows it."""
    return Issued(number.value, system(number.system or number.issuer, site), number.issuer)


def _with_issuer(number: Issued, site: Organisation) -> Issued:
    """Return a number with an issuer; whoever states none means the site."""
    if not number or number.system:
        return number
    return replace(number, system=f"{ACCESSION_NUMBER}/{site.slug}")


def _issued_here(request: ManifestRequest, site: Organisation) -> ManifestRequest:
    return replace(request, accession=_with_issuer(request.accession, site))
