"""A disc that was read: its files, whom it is about, and the states of each.

Images that came by another door and say another patient than the site has them of wait for a person as a disc does.
"""

from dataclasses import dataclass

from dicom.names import PersonName

READING, READ, FAILED = "reading", "read", "failed"
"""States of a disc."""

WAITING, PATIENT, NEW, REJECTED, REMOVED = "waiting", "patient", "new", "rejected", "removed"
"""States of a patient of a disc: nobody has decided; it is one of the site's; it became a new one of the site's; it is
not wanted, and goes in some days; it is gone."""

QUARANTINED, STORED, REFUSED, NOT_DICOM, BROKEN, DIRECTORY, MISSING, GONE = (
    *("quarantined", "stored", "refused", "not-dicom", "broken", "directory", "missing", "gone"),
)
"""States of a file: kept and waiting; filed; not filed, for the reason that stands beside it; no image; an image that
cannot be read; a DICOMDIR; one that a DICOMDIR lists and that is not there; one that was rejected and removed."""

LONGEST_TITLE = 200
"""Characters of what a disc is called."""

SAID = ("patient_id", "issuer", "institution", "alphabetic", "ideographic", "phonetic", "birth_date", "sex")
"""The columns of a patient of a disc that hold what the disc says."""


@dataclass(frozen=True, slots=True)
class Disc:
    """A disc, in the order of its table's columns."""

    number: int
    custodian: int
    title: str
    place: str
    upload: str
    begun: int
    by: str
    by_title: str
    state: str
    problem: str
    conflict: str = ""
    """Of images that came by a door: the UID of the study or series that the site has of another patient."""
    held_by: int = 0
    """Whose that was then: a patient_key."""
    stated_as: int = 0
    """The patient_key of the Patient with the number in the images; 0 when the site had none."""

    @property
    def words(self) -> str:
        """What the log calls it."""
        return f"Review {self.number}" if self.conflict else f"Disc {self.number}"


@dataclass(frozen=True, slots=True)
class DiscPatient:
    """Whom some files of a disc are about, in the order of the table's columns."""

    disc: int
    number: int
    custodian: int
    patient_id: str
    issuer: str
    institution: str
    """The first that is named as the place where the images were made."""
    alphabetic: str
    ideographic: str
    phonetic: str
    birth_date: str
    """YYYYMMDD, or empty."""
    sex: str
    state: str
    patient: str
    """The id of the site's Patient, once somebody has said which."""
    by: str
    by_title: str
    at: int
    ends: int

    @property
    def name(self) -> PersonName:
        """The name, as written on the disc."""
        return PersonName(self.alphabetic, self.ideographic, self.phonetic)

    @property
    def who(self) -> tuple[str, ...]:
        """What tells patients of one disc apart: all that is said of them."""
        name = (self.alphabetic, self.ideographic, self.phonetic)
        return (self.issuer, self.patient_id, *name, self.birth_date, self.sex)


@dataclass(frozen=True, slots=True)
class DiscFile:
    """A file of a disc, in the order of its table's columns."""

    disc: int
    number: int
    patient: int
    path: str
    listed: int
    state: str
    reason: str
    custodian: int
    digest: str
    size: int
    study: str
    study_date: str
    modality: str
    instance: str


def title_of(text: str) -> str:
    """Return what a disc is called, as lists show it; `-` when it is called nothing."""
    return "".join(one for one in text if one.isprintable()).strip()[:LONGEST_TITLE] or "-"
