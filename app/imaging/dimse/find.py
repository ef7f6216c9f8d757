"""C-FIND: what matches in the world of the caller, on record before the first match leaves.

https://dicom.nema.org/medical/dicom/current/output/chtml/part04/sect_C.4.html
"""

from dataclasses import dataclass, replace

from app.imaging.dimse.carried_out import Refused
from app.imaging.dimse.request import DimseRequest
from app.imaging.enumeration import count_search
from app.imaging.events import Touched
from dicom.json_model import Json
from dicom.matching import InvalidQuery, parse_query
from dicom.results import Found, result
from dicom.services.identifiers import Asked
from dicom.services.statuses import IDENTIFIER_DOES_NOT_MATCH
from dicom.store.search import search


@dataclass(frozen=True, slots=True)
class Matches:
    """What a search found.

    Attributes:
        found: The results.
        are_all: Whether there are no more.
    """

    found: list[Json]
    are_all: bool


async def find(request: DimseRequest, asked: Asked) -> Matches:
    """Return what matches; the request notes whose it is.

    Raises:
        Refused: a value is not of its form.
        TooManyRequests: the application has searched for people too often.
    """
    limit = request.hub.settings.dimse_matches
    try:
        query = parse_query(asked.level, asked.pairs, max_limit=limit + 1, combined=False)
    except InvalidQuery as error:
        raise Refused(IDENTIFIER_DOES_NOT_MATCH, str(error)) from error
    count_search(request, query, of_patients=asked.word == "PATIENT")
    query = replace(query, include=query.include | asked.returned, limit=limit + 1)
    found: list[Found] = []
    seen: set[int] = set()
    while True:
        page = await search(request.record.connection, request.visibility, query)
        for one in page:
            # A patient is found by its studies: once, however many they are.
            if asked.word != "PATIENT" or one.patient_key not in seen:
                found.append(one)
                seen.add(one.patient_key)
        if len(found) > limit or len(page) <= limit or asked.word != "PATIENT":
            break
        query = replace(query, offset=query.offset + len(page))
    are_all = len(found) <= limit
    found = found[:limit]
    request.touch(Touched(one.patient_key, one.custodian, one.study.study_instance_uid) for one in found)
    return Matches([result(query, one, "") for one in found], are_all)
