"""Presentation contexts: which of those that a peer proposes are taken, with which transfer syntaxes.

https://dicom.nema.org/medical/dicom/current/output/chtml/part08/sect_9.3.2.2.html
"""

from collections.abc import Iterable

from pynetdicom.presentation import AllStoragePresentationContexts, PresentationContext
from pynetdicom.sop_class import uid_to_service_class

from dicom.reports.kinds import Kind, kind_of
from dicom.transfer_syntaxes import EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN, TRANSFER_SYNTAXES

VERIFICATION = "1.2.840.10008.1.1"
STORAGE_COMMITMENT = "1.2.840.10008.1.20.1"
STORAGE_COMMITMENT_INSTANCE = "1.2.840.10008.1.20.1.1"
_QUERY_RETRIEVE = "1.2.840.10008.5.1.4.1.2."
PATIENT_ROOT_FIND, PATIENT_ROOT_MOVE, PATIENT_ROOT_GET = (f"{_QUERY_RETRIEVE}1.{number}" for number in (1, 2, 3))
STUDY_ROOT_FIND, STUDY_ROOT_MOVE, STUDY_ROOT_GET = (f"{_QUERY_RETRIEVE}2.{number}" for number in (1, 2, 3))
FINDS = frozenset({PATIENT_ROOT_FIND, STUDY_ROOT_FIND})
MOVES = frozenset({PATIENT_ROOT_MOVE, STUDY_ROOT_MOVE})
GETS = frozenset({PATIENT_ROOT_GET, STUDY_ROOT_GET})

SERVICES = frozenset({VERIFICATION, STORAGE_COMMITMENT}) | FINDS | MOVES | GETS
PLAIN = (EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN)
"""How commands other than C-STORE carry their data sets."""

_WITHOUT_PIXELS = (Kind.REPORT, Kind.DOSE, Kind.KEY_IMAGES, Kind.DOCUMENT, Kind.WAVEFORM, Kind.PRESENTATION)
"""What no transfer syntax of pixels is of use to."""

STORAGE = frozenset(str(one.abstract_syntax) for one in AllStoragePresentationContexts)
"""The storage classes of PS3.4 B.5, and the retired ones that are still met."""


def is_storage(sop_class_uid: str, *, unrestricted: bool) -> bool:
    """Return whether a class is one of storage.

    Args:
        sop_class_uid: The class.
        unrestricted: Whether private and unknown ones are, too.
    """
    if sop_class_uid in STORAGE:
        return True
    if not unrestricted or sop_class_uid in SERVICES:
        return False
    # A class of another service that is known is none of storage.
    return uid_to_service_class(sop_class_uid).__name__ in ("ServiceClass", "StorageServiceClass")


def supported(proposed: Iterable[PresentationContext], *, unrestricted: bool) -> list[PresentationContext]:
    """Return what is supported of the proposed contexts; of their transfer syntaxes the peer's first that is known.

    Of a class that has no pixels it is the first without compression, if there is one.

    Args:
        proposed: The contexts of a request for an association.
        unrestricted: Whether private and unknown classes are taken as those of storage.
    """
    syntaxes: dict[str, dict[str, None]] = {}
    for one in proposed:
        names = syntaxes.setdefault(str(one.abstract_syntax), {})
        names.update(dict.fromkeys(str(uid) for uid in one.transfer_syntax))
    found = []
    for abstract, named in syntaxes.items():
        stores = is_storage(abstract, unrestricted=unrestricted)
        if not (stores or abstract in SERVICES):
            continue
        known = [uid for uid in named if uid in (TRANSFER_SYNTAXES if stores else PLAIN)]
        if kind_of(abstract) in _WITHOUT_PIXELS:
            known.sort(key=lambda uid: uid not in PLAIN)
        if known:
            found.append(_context(abstract, known, both_roles=stores))
    return found


def _context(abstract: str, syntaxes: list[str], *, both_roles: bool) -> PresentationContext:
    made = PresentationContext()
    made.abstract_syntax = abstract
    made.transfer_syntax = syntaxes  # type: ignore[assignment]
    if both_roles:
        # Who asks with C-GET takes instances on the same association (PS3.4 C.5.3).
        made.scu_role = made.scp_role = True
    return made
