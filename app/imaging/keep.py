"""An instance on its way in, by any door: read, checked, and its bytes kept, before the transaction that files it.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_10.5.html
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.blobs import Incoming
from app.imaging.mapped import mapped
from app.imaging.patient import issuer, printable
from dicom.failures import (
    DATA_SET_DOES_NOT_MATCH_SOP_CLASS,
    DUPLICATE_SOP_INSTANCE,
    PROCESSING_FAILURE,
    InvalidInstance,
)
from dicom.part10 import media_storage_uids, read_instance
from dicom.preamble import other_kind
from dicom.store.batch import stored_digests
from dicom.store.write import Extracted, extract

if TYPE_CHECKING:
    from app.hub import Hub

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Received:
    """An instance whose bytes are durable."""

    extracted: Extracted = field(repr=False)
    issuer: str
    """Of the Patient ID, as `app.imaging.patient.issuer` returned it."""
    digest: str
    size: int
    """Bytes."""
    also: str = ""
    """What else the file is by its preamble; empty for most."""

    @property
    def sop_class_uid(self) -> str:
        """What kind of instance it is."""
        return self.extracted.facts.instance.sop_class_uid

    @property
    def sop_instance_uid(self) -> str:
        """Its name."""
        return self.extracted.facts.instance.sop_instance_uid


@dataclass(frozen=True, slots=True)
class Failure:
    """An instance that is not stored; its UIDs are empty when they could not be read."""

    sop_class_uid: str
    sop_instance_uid: str
    code: int
    """The Failure Reason (0008,1197)."""
    reason: str


async def keep(
    hub: "Hub",
    custodian: int,
    incoming: Incoming,
    *,
    study: str = "",
    any_patient: bool = False,
) -> Received | Failure:
    """Return what a file is; it is kept when it is sound and not there already, and the caller discards `incoming`.

    Args:
        hub: The running hub.
        custodian: Whose it becomes.
        incoming: Holds the Part 10 file, which has come whole.
        study: The StudyInstanceUID that it has to be of; any when empty.
        any_patient: Whether somebody will say whose it is, so that it needs no Patient ID.
    """
    (found,) = await keep_all(hub, custodian, [incoming], study=study, any_patient=any_patient)
    return found


async def keep_all(
    hub: "Hub", custodian: int, incoming: Sequence[Incoming], *, study: str = "", any_patient: bool = False
) -> list[Received | Failure]:
    """Return what each of several files is, as `keep` does, for one question to the database and few flushes."""
    found = await asyncio.to_thread(_read_all, incoming, study, any_patient)
    uids = [one.sop_instance_uid for one in found if isinstance(one, Received)]
    known = await stored_digests(hub.database.reader, custodian, uids)
    wanted: list[Incoming] = []
    for number, one in enumerate(found):
        if isinstance(one, Failure):
            continue
        digest = known.get(one.sop_instance_uid)
        if digest is None:
            wanted.append(incoming[number])
        elif digest != one.digest:
            # The transaction asks again; here it spares a blob that nobody would refer to.
            found[number] = failure(one, DUPLICATE_SOP_INSTANCE, "the SOP Instance UID is in use for other content")
    await hub.blobs.keep_all(custodian, wanted)
    return found


def _read_all(incoming: Sequence[Incoming], study: str, any_patient: bool) -> list[Received | Failure]:
    return [_checked(read_incoming(one), study, any_patient=any_patient) for one in incoming]


def _checked(found: Received | Failure, study: str, *, any_patient: bool) -> Received | Failure:
    if isinstance(found, Failure):
        return found
    facts = found.extracted.facts.study
    if study and facts.study_instance_uid != study:
        return failure(found, DATA_SET_DOES_NOT_MATCH_SOP_CLASS, "the instance is of another study than the address")
    if not (any_patient or printable(facts.patient_id)):
        return failure(found, DATA_SET_DOES_NOT_MATCH_SOP_CLASS, "the Patient ID is missing")
    return found


def failure(of: Received, code: int, reason: str) -> Failure:
    """Return the failure of an instance that could be read."""
    return Failure(of.sop_class_uid, of.sop_instance_uid, code, reason)


def read_incoming(incoming: Incoming) -> Received | Failure:
    """Return what a file is, without keeping it."""
    incoming.readable()
    if not incoming.size:
        return Failure("", "", PROCESSING_FAILURE, "the part is empty")
    data = mapped(incoming.path)
    try:
        instance = read_instance(data)
        extracted = extract(instance)
        whose = issuer(instance.file, extracted.facts.study)
        return Received(extracted, whose, incoming.digest, incoming.size, other_kind(data))
    except InvalidInstance as error:
        return Failure(*media_storage_uids(data), error.code, error.reason)
    except Exception:
        # Whatever strangers send, the other parts of the request have their own answer.
        logger.exception("An instance could not be read")
        return Failure(*media_storage_uids(data), PROCESSING_FAILURE, "the instance could not be read")
