"""A manifest read from its FHIR document, by anybody who follows the profile or nearly does.

https://profiles.ihe.net/RAD/MADO/mapping.html
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from app.imaging.mado import systems
from app.imaging.mado.reading import (
    code_of,
    concept_code,
    has_url,
    is_whole_day,
    issued_of,
    items_at,
    moment_of,
    number_at,
    person_name_of,
    text_at,
    typed,
    value_at,
)
from app.imaging.patient import SEXES
from dicom.concept import Code
from dicom.manifest import codes
from dicom.manifest.model import Issued, Manifest, ManifestInstance, ManifestRequest, ManifestSeries
from dicom.values import is_uid
from fhir.errors import InvalidValue

Json = Mapping[str, Any]

MAX_INSTANCES = 100_000
"""Of a manifest."""


def is_manifest(tree: Any) -> bool:
    """Whether a resource is a document Bundle with an ImagingStudy: the FHIR form of a manifest."""
    if text_at(tree, "resourceType") != "Bundle" or text_at(tree, "type") != "document":
        return False
    types = [text_at(value_at(one, "resource"), "resourceType") for one in items_at(tree, "entry")]
    return types[:1] == ["Composition"] and "ImagingStudy" in types


def read_bundle(tree: Any) -> Manifest:
    """Return what the FHIR form of a manifest says.

    Args:
        tree: A Bundle, as JSON was read.

    Raises:
        InvalidValue: it is no manifest, or names a study, a series or an instance by something that is no UID.
    """
    if not is_manifest(tree):
        raise InvalidValue("This is no document with a Composition and an ImagingStudy", "Bundle")
    return _Reader(tree).manifest()


class _Reader:
    """One document."""

    def __init__(self, tree: Json) -> None:
        self._tree = tree
        self._entries: dict[str, Json] = {}
        self._resources: list[tuple[int, Json]] = []
        for number, entry in enumerate(items_at(tree, "entry")):
            resource = value_at(entry, "resource")
            if isinstance(resource, dict):
                self._resources.append((number, resource))
                named = f"{text_at(resource, 'resourceType')}/{text_at(resource, 'id')}"
                self._entries.setdefault(named, resource)
                self._entries[text_at(entry, "fullUrl")] = resource

    def manifest(self) -> Manifest:
        """Return what it says."""
        place, study = next((f"Bundle.entry[{n}].resource", one) for n, one in self._of("ImagingStudy"))
        uid = self._study_uid(study, place)
        patient = self._referred(study, "subject") or {}
        device = next((one for _, one in self._of("Device")), {})
        numbers = [issued_of(one) for one in items_at(patient, "identifier")]
        numbers = [one for one in numbers if one] or [Issued()]
        started, offset = moment_of(text_at(study, "started"))
        series = self._series(study, place)
        requests = tuple(self._requests(study))
        accessions = tuple(dict.fromkeys(one.accession for one in requests if one.accession))
        return Manifest(
            uid=self._uid(),
            created=self._created(),
            study_instance_uid=uid,
            series=series,
            title=codes.MANIFEST_WITH_DESCRIPTION,
            patient_id=numbers[0],
            other_patient_ids=tuple(numbers[1:]),
            patient_name=person_name_of(items_at(patient, "name")),
            patient_birth_date=text_at(patient, "birthDate").replace("-", "") if is_whole_day(patient) else "",
            patient_sex=SEXES.get(text_at(patient, "gender"), ""),
            study_date=started[0],
            study_time=started[1],
            timezone_offset_from_utc=offset or self._offset(study),
            study_description=text_at(study, "description"),
            accession=accessions[0] if len(accessions) == 1 else Issued(),
            requests=requests,
            modalities=self._modalities(study, series),
            regions=_regions(study),
            procedures=tuple(_codes(study, "procedureCode")),
            display_uri=self._viewer(study),
            manufacturer=text_at(device, "manufacturer"),
            device=next((text_at(one, "name") for one in items_at(device, "deviceName")), ""),
            institution=text_at(self._referred(device, "owner") or {}, "name"),
        )

    def _of(self, type_name: str) -> Iterator[tuple[int, Json]]:
        return ((n, one) for n, one in self._resources if text_at(one, "resourceType") == type_name)

    def _referred(self, tree: Json, name: str) -> Json | None:
        return self._entries.get(text_at(tree, name, "reference"))

    def _uid(self) -> str:
        """Return the manifest's UID; one is made of an identifier that is none, as translators write them."""
        value = text_at(self._tree, "identifier", "value")
        uid = value.removeprefix("urn:oid:")
        if is_uid(uid):
            return uid
        if not value:
            raise InvalidValue("A document has an identifier", "Bundle.identifier")
        system = text_at(self._tree, "identifier", "system")
        return f"2.25.{uuid5(NAMESPACE_URL, f'{system}|{value}').int}"

    def _created(self) -> datetime:
        stamp = text_at(self._tree, "timestamp")
        try:
            found = datetime.fromisoformat(stamp)
        except ValueError:
            found = None
        # In another zone the first and the last day lie outside of the calendar.
        if found is None or found.tzinfo is None or not 1 < found.year < 9999:
            raise InvalidValue("A document has a timestamp with a zone", "Bundle.timestamp")
        return found

    def _study_uid(self, study: Json, place: str) -> str:
        for one in items_at(study, "identifier"):
            uid = text_at(one, "value").removeprefix("urn:oid:")
            if text_at(one, "system") == systems.DICOM_UID and is_uid(uid):
                return uid
        raise InvalidValue("The study has no Study Instance UID", f"{place}.identifier")

    def _series(self, study: Json, place: str) -> tuple[ManifestSeries, ...]:
        found = items_at(study, "series")
        if sum(len(items_at(one, "instance")) for one in found) > MAX_INSTANCES:
            raise InvalidValue(f"A manifest has at most {MAX_INSTANCES} instances", f"{place}.series")
        series = tuple(self._one_series(one, f"{place}.series[{n}]") for n, one in enumerate(found))
        names = [one.series_instance_uid for one in series]
        uids = [instance.sop_instance_uid for one in series for instance in one.instances]
        if not uids:
            raise InvalidValue("A manifest refers to at least one instance", f"{place}.series")
        if len(set(names)) != len(names) or len(set(uids)) != len(uids):
            raise InvalidValue("A series or an instance is there twice", f"{place}.series")
        return series

    def _one_series(self, tree: Json, place: str) -> ManifestSeries:
        (day, time), _ = moment_of(text_at(tree, "started"))
        address, location, ae_title = self._endpoint(tree)
        instances = tuple(_instance(one, f"{place}.instance[{n}]") for n, one in enumerate(items_at(tree, "instance")))
        if not instances:
            raise InvalidValue("A series of a manifest lists its instances", f"{place}.instance")
        site = value_at(tree, "bodySite")
        return ManifestSeries(
            series_instance_uid=_uid_at(tree, f"{place}.uid"),
            instances=instances,
            modality=text_at(tree, "modality", "code"),
            number=number_at(tree, "number"),
            description=text_at(tree, "description"),
            date=day,
            time=time,
            region=code_of(site) if site else None,
            retrieve_url=address,
            retrieve_location_uid=location,
            retrieve_ae_title=ae_title,
        )

    def _endpoint(self, series: Json) -> tuple[str, str, str]:
        """Return address, location and AE title of the WADO-RS service of a series."""
        for link in items_at(series, "endpoint"):
            one = self._entries.get(text_at(link, "reference"))
            if one is None or text_at(one, "connectionType", "code") != "dicom-wado-rs":
                continue
            address = text_at(one, "address")
            numbers = items_at(one, "identifier")
            title = next((text_at(n, "value") for n in numbers if text_at(n, "system") == systems.AE_TITLE), "")
            location = next(
                (
                    text_at(e, "valueString")
                    for e in items_at(one, "extension")
                    if has_url(e, systems.RETRIEVE_LOCATION_UID)
                ),
                "",
            )
            return "" if address == systems.NOT_SPECIFIED else address, location, title
        return "", "", ""

    def _viewer(self, study: Json) -> str:
        for link in items_at(study, "endpoint"):
            one = self._entries.get(text_at(link, "reference"), {})
            if text_at(one, "connectionType", "code") == "web-viewer":
                return text_at(one, "address")
        return ""

    def _requests(self, study: Json) -> Iterator[ManifestRequest]:
        for link in items_at(study, "basedOn"):
            one = self._entries.get(text_at(link, "reference"))
            numbers = items_at(one, "identifier") if one is not None else [value_at(link, "identifier")]
            accession = typed(numbers, "ACSN") or typed(numbers, "121022")
            found = ManifestRequest(
                accession=accession,
                placer=typed(numbers, "PLAC"),
                filler=typed(numbers, "FILL"),
                procedure_id=next(
                    (text_at(n, "value") for n in numbers if value_at(n, "type") == systems.PROCEDURE_ID_TYPE), ""
                ),
                description=text_at(one, "code", "text"),
            )
            if found != ManifestRequest():
                yield found

    def _modalities(self, study: Json, series: tuple[ManifestSeries, ...]) -> tuple[str, ...]:
        told = [text_at(one, "code") for one in items_at(study, "modality")]
        return tuple(dict.fromkeys(one for one in told or [one.modality for one in series] if one))

    def _offset(self, study: Json) -> str:
        moments = (moment_of(text_at(one, "started"))[1] for one in items_at(study, "series"))
        return next((one for one in moments if one), f"{self._created():%z}"[:5])


def _uid_at(tree: Json, place: str) -> str:
    uid = text_at(tree, "uid").removeprefix("urn:oid:")
    if not is_uid(uid):
        raise InvalidValue("This is no UID", place)
    return uid


def _instance(tree: Json, place: str) -> ManifestInstance:
    class_ = text_at(tree, "sopClass", "code").removeprefix("urn:oid:")
    if not is_uid(class_):
        raise InvalidValue("This is no SOP Class", f"{place}.sopClass")
    extensions = items_at(tree, "extension")
    titles = [value_at(one, "valueCodeableConcept") for one in extensions if has_url(one, systems.DOCUMENT_TITLE)]
    frames = [number_at(one, "valueInteger") for one in extensions if has_url(one, systems.NUMBER_OF_FRAMES)]
    return ManifestInstance(
        sop_class_uid=class_,
        sop_instance_uid=_uid_at(tree, f"{place}.uid"),
        number=number_at(tree, "number"),
        number_of_frames=next(iter(frames), None),
        title=next((code for one in titles if (code := concept_code(one)) is not None), None),
        description=text_at(tree, "title"),
    )


def _codes(tree: Json, name: str) -> Iterator[Code]:
    for one in items_at(tree, name):
        # What was supposed, because something had to be said, was not stated.
        supposed = any(has_url(extension, systems.ABSENT) for extension in items_at(one, "extension"))
        found = None if supposed else concept_code(one)
        if found is not None:
            yield found


def _regions(study: Json) -> tuple[Code, ...]:
    concepts = (
        concept_code(value_at(one, "valueCodeableConcept"))
        for one in items_at(study, "extension")
        if has_url(one, systems.ANATOMICAL_REGION)
    )
    return tuple(dict.fromkeys(one for one in concepts if one is not None))
