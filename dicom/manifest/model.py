"""A manifest as a value: one study, its series and instances, and where they are retrieved.

IHE RAD MADO 6.X.2; what a plain manifest of XDS-I.b does not say is empty or None.
"""

from dataclasses import dataclass, field
from datetime import datetime

from dicom.concept import Code
from dicom.names import PersonName


@dataclass(frozen=True, slots=True)
class Issued:
    """A number and who gave it."""

    value: str = ""
    system: str = ""
    """A URI, `urn:oid:…` for an OID; empty when only a name is known, or nothing."""
    issuer: str = ""
    """The name of the issuer, which means something at the sender's only."""

    def __bool__(self) -> bool:
        return bool(self.value)


@dataclass(frozen=True, slots=True)
class ManifestRequest:
    """A requested procedure that the study fulfils (MADO 6.X.2.11)."""

    accession: Issued = field(default_factory=Issued)
    placer: Issued = field(default_factory=Issued)
    filler: Issued = field(default_factory=Issued)
    procedure_id: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class ManifestInstance:
    """An instance that is referenced."""

    sop_class_uid: str
    sop_instance_uid: str
    number: int | None = None
    number_of_frames: int | None = None
    """Of a multi-frame image."""
    title: Code | None = None
    """Of a Key Object Selection: its document title."""
    description: str = ""
    """Of a Key Object Selection: its Key Object Description."""


@dataclass(frozen=True, slots=True)
class ManifestSeries:
    """A series and where it is retrieved."""

    series_instance_uid: str
    instances: tuple[ManifestInstance, ...]
    modality: str = ""
    number: int | None = None
    description: str = ""
    date: str = ""
    """YYYYMMDD."""
    time: str = ""
    """HHMMSS, with a fraction if one was given."""
    region: Code | None = None
    """The target region, as fine as it is known."""
    retrieve_url: str = ""
    """The root of a WADO-RS service, not the address of the series."""
    retrieve_location_uid: str = ""
    retrieve_ae_title: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest of one study."""

    uid: str
    """Its SOP Instance UID; in FHIR, the identifier of its Bundle."""
    created: datetime
    """Aware."""
    study_instance_uid: str
    series: tuple[ManifestSeries, ...]
    title: Code
    """The document title: with a description, or the plain one of XDS-I.b."""
    patient_id: Issued = field(default_factory=Issued)
    other_patient_ids: tuple[Issued, ...] = ()
    patient_name: PersonName = field(default_factory=PersonName)
    patient_birth_date: str = ""
    """YYYYMMDD."""
    patient_sex: str = ""
    """`M`, `F`, `O`."""
    study_date: str = ""
    study_time: str = ""
    timezone_offset_from_utc: str = ""
    """As `+0900`; of all dates and times here."""
    study_description: str = ""
    accession: Issued = field(default_factory=Issued)
    requests: tuple[ManifestRequest, ...] = ()
    modalities: tuple[str, ...] = ()
    regions: tuple[Code, ...] = ()
    """High-level anatomic regions, of `REGIONS` in `dicom.manifest.codes`."""
    procedures: tuple[Code, ...] = ()
    """Procedure codes; one may have a meaning only."""
    display_uri: str = ""
    """The address of a viewer for the study."""
    manufacturer: str = ""
    """Of what made the manifest."""
    device: str = ""
    """Its model."""
    institution: str = ""
    """Where it was made."""

    @property
    def number_of_instances(self) -> int:
        """How many instances are referenced."""
        return sum(len(one.instances) for one in self.series)

    @property
    def stated_accessions(self) -> tuple[Issued, ...]:
        """The accession numbers of the study and of its requests, each once."""
        found = (self.accession, *(one.accession for one in self.requests))
        return tuple(dict.fromkeys(one for one in found if one))
