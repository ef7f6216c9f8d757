"""Rows of what an image says: whom it is about, and what is kept of it until somebody has decided."""

from dataclasses import replace

from app.imaging.keep import Received
from app.imaging.media.disc import QUARANTINED, WAITING, DiscFile, DiscPatient
from app.imaging.media.peek import institution_of


def patient_stated(disc: int, number: int, custodian: int, found: Received, *, ends: int) -> DiscPatient:
    """Return whom an image says that it is about, who waits for a decision; `placed` adds where it is from.

    Args:
        disc: The number of the disc.
        number: Of the patient on it.
        custodian: Whose it is.
        found: The image.
        ends: When it is forgotten if nobody decides, in microseconds since 1970 UTC.
    """
    study = found.extracted.facts.study
    name = study.patient_name
    return DiscPatient(
        *(disc, number, custodian),
        *(study.patient_id, found.issuer, ""),
        *(name.alphabetic, name.ideographic, name.phonetic, study.patient_birth_date, study.patient_sex),
        *(WAITING, "", "", ""),
        *(0, ends),
    )


def placed(one: DiscPatient, found: Received) -> DiscPatient:
    """Return a patient with the institution that an image names: its header is read for that, so once a patient."""
    return replace(one, institution=institution_of(found))


def image_kept(one: DiscPatient, number: int, found: Received, path: str, *, listed: int, reason: str = "") -> DiscFile:
    """Return the row of an image in quarantine.

    Args:
        one: Whom it is about.
        number: Of the file.
        found: The image.
        path: What the report calls it.
        listed: 1 when a DICOMDIR lists it, else 0.
        reason: Why it is in quarantine, where that is not that it came on a disc.
    """
    facts = found.extracted.facts
    return DiscFile(
        *(one.disc, number, one.number, path, listed, QUARANTINED, reason),
        *(one.custodian, found.digest, found.size, facts.study.study_instance_uid, facts.study.study_date),
        *(facts.series.modality[:16], found.sop_instance_uid),
    )
