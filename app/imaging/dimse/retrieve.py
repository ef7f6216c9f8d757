"""C-MOVE and C-GET: the instances that are named, as far as the caller may see them, and their bytes in a syntax.

https://dicom.nema.org/medical/dicom/current/output/chtml/part04/sect_C.4.2.html
"""

from collections.abc import Mapping, Sequence

from app.hub import Hub
from app.imaging.dimse.carried_out import Refused
from app.imaging.dimse.request import DimseRequest
from app.imaging.dimse.store import HEAD_BYTES
from app.imaging.events import Touched
from app.imaging.found import one_copy
from app.imaging.pixels import stored_bytes, transcoded
from app.records.record import StaleCaller
from dicom.failures import InvalidInstance
from dicom.file_meta import data_set_start
from dicom.matching import MAX_VALUES, InvalidQuery, parse_query
from dicom.services.contexts import PLAIN
from dicom.services.identifiers import LEVELS, Wanted
from dicom.services.statuses import IDENTIFIER_DOES_NOT_MATCH, OUT_OF_RESOURCES
from dicom.store.read import InstanceRow, read_instances
from dicom.store.search import search
from dicom.transfer_syntaxes import (
    COMPRESSED,
    JPEG_BASELINE,
    TRANSFER_SYNTAXES,
)
from fhir.errors import NotAcceptable, Unauthorized

MOST_INSTANCES = 65_535
"""Of one request: its counts are of sixteen bits."""
MOST_FOUND = 10_000
OF_REFERENCES = (
    *(f"1.2.840.10008.1.2.{each}" for each in ("4.70", "4.80", "4.90", "4.91", "4.50", "5")),
    *(uid for uid, one in TRANSFER_SYNTAXES.items() if one.codec == "video"),
)
"""Proposed for what is kept elsewhere: how it is written is only known when it is fetched."""

_LOSSLESS = tuple(uid for uid in COMPRESSED if uid != JPEG_BASELINE)
"""Made for whoever takes nothing else."""

_LISTS = {"studies": "StudyInstanceUID", "series": "SeriesInstanceUID", "instances": "SOPInstanceUID"}


async def chosen(request: DimseRequest, wanted: Wanted) -> list[InstanceRow]:
    """Return one copy of each instance that is named; the access is recorded.

    Raises:
        Refused: these are too many.
        AuditUnavailable: the access cannot be recorded.
    """
    rows: list[InstanceRow] = []
    for study in await _studies(request, wanted):
        (series,) = wanted.series if len(wanted.series) == 1 else (None,)
        found = await read_instances(request.record.connection, request.visibility, study, series)
        rows += [one for one in found if _is_named(one, wanted)]
        if len(rows) > MOST_INSTANCES:
            raise Refused(OUT_OF_RESOURCES, f"More than {MOST_INSTANCES} instances at once")
    copies = one_copy(rows, request.caller.organisation)
    touched = {Touched(row.patient_key, row.custodian, row.study_instance_uid) for row in copies}
    if touched:
        await request.hub.episodes.enter(request, sorted(touched))
        request.recorded = True
    return copies


def _is_named(row: InstanceRow, wanted: Wanted) -> bool:
    uids = (row.study_instance_uid, row.series_instance_uid, row.sop_instance_uid)
    lists = (wanted.studies, wanted.series, wanted.instances)
    return all(not named or uid in named for uid, named in zip(uids, lists, strict=True))


async def _studies(request: DimseRequest, wanted: Wanted) -> list[str]:
    """Return the studies in which something is named; the list of the level itself is asked about in parts."""
    own = {"PATIENT": "", "STUDY": "studies", "SERIES": "series", "IMAGE": "instances"}[wanted.word]
    uids: Sequence[str] = getattr(wanted, own) if own else ()
    found: dict[str, None] = {}
    for start in range(0, max(len(uids), 1), MAX_VALUES):
        pairs = [("PatientID", wanted.patient_id)] if wanted.patient_id else []
        for name, keyword in _LISTS.items():
            named = uids[start : start + MAX_VALUES] if name == own else getattr(wanted, name)
            # A longer list of a level above is looked at when the instances are there.
            if named and len(named) <= MAX_VALUES:
                pairs.append((keyword, "\\".join(named)))
        try:
            query = parse_query(LEVELS[wanted.word], pairs, max_limit=MOST_FOUND)
        except InvalidQuery as error:
            raise Refused(IDENTIFIER_DOES_NOT_MATCH, str(error)) from error
        results = await search(request.record.connection, request.visibility, query)
        found |= dict.fromkeys(one.study.study_instance_uid for one in results)
    return list(found)


async def is_still_there(request: DimseRequest, row: InstanceRow) -> bool:
    """Return whether an instance may still leave: a consent may have been withdrawn since it was chosen."""
    try:
        await request.renew()
        found = await read_instances(
            request.record.connection,
            request.visibility,
            row.study_instance_uid,
            row.series_instance_uid,
            row.sop_instance_uid,
        )
    except (Unauthorized, StaleCaller):
        return False
    return any(one.id == row.id and one.patient_key == row.patient_key for one in found)


def contexts(rows: Sequence[InstanceRow]) -> list[tuple[str, tuple[str, ...]]]:
    """Return what is proposed to who is to take instances: their syntaxes as stored, then those that can be made."""
    stored = dict.fromkeys(
        (row.sop_class_uid, row.transfer_syntax_uid) for row in rows if row.transfer_syntax_uid in TRANSFER_SYNTAXES
    )
    plain = [(sop_class, uid) for sop_class in dict.fromkeys(row.sop_class_uid for row in rows) for uid in PLAIN]
    # Last: where an association has no room for all of them, what is kept elsewhere is rewritten.
    elsewhere = [
        (sop_class, uid)
        for uid in OF_REFERENCES
        for sop_class in dict.fromkeys(row.sop_class_uid for row in rows if row.source is not None)
    ]
    return [(sop_class, (uid,)) for sop_class, uid in dict.fromkeys([*stored, *plain, *elsewhere])]


def context_for(row: InstanceRow, takes: Mapping[tuple[str, str], int]) -> tuple[str, int] | None:
    """Return the transfer syntax in which an instance leaves, and its context; None when the peer takes none."""
    syntaxes = [row.transfer_syntax_uid]
    known = TRANSFER_SYNTAXES.get(row.transfer_syntax_uid)
    if known is None or known.codec != "video":
        syntaxes += PLAIN
        syntaxes += _LOSSLESS if row.number_of_frames is not None else ()
    for syntax in syntaxes:
        if (row.sop_class_uid, syntax) in takes:
            return syntax, takes[row.sop_class_uid, syntax]
    return None


async def data_set_of(hub: Hub, row: InstanceRow, syntax: str) -> tuple[int, bytes | None]:
    """Return where the data set of an instance starts in its stored bytes; or the data set itself, if it is made anew.

    Raises:
        NotAcceptable: it cannot be made.
        Damaged: the stored bytes are gone.
    """
    try:
        if syntax == row.transfer_syntax_uid:
            return data_set_start(await stored_bytes(hub, row, 0, min(HEAD_BYTES, row.size))), None
        file = await transcoded(hub, row, syntax)
        return 0, file[data_set_start(file) :]
    except InvalidInstance as error:
        raise NotAcceptable(f"This form of the instance cannot be made: {error.reason}") from error
