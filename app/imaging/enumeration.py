"""Searches for images that find people by what is known of them: they are counted as searches for Patients are.

See `app.records.enumeration` and docs/limits.md.
"""

from app.records.request import Request
from dicom.matching import Condition, Query

_PATIENT_ID = 0x00100020
_WHO = 0x0010
"""The group of who the patient is."""


def _finds_people(condition: Condition) -> bool:
    """Return whether a condition says who somebody is, otherwise than by a number that is known."""
    tag = condition.attribute.tag
    return tag >> 16 == _WHO and not (tag == _PATIENT_ID and condition.form == "equal")


def count_search(request: Request, query: Query, *, of_patients: bool = False) -> None:
    """Count a search that could enumerate people.

    Args:
        request: The request.
        query: What it searches for.
        of_patients: Whether patients are what it finds: then every question counts that names no number.

    Raises:
        TooManyRequests: the caller has to wait; nothing may be searched.
    """
    names = [one for one in query.conditions if one.attribute.tag == _PATIENT_ID]
    asks = [*query.conditions, *(one.condition for one in query.unindexed)]
    paths = [one.path[0] >> 16 for one in query.unindexed]
    if any(map(_finds_people, asks)) or _WHO in paths or (of_patients and not names):
        request.hub.limits.person_search(request.caller)
