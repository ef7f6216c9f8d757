"""The coming of age: what somebody permitted in a minor's place ends when the minor can decide.

民法第4条; 年齢計算ニ関スル法律: an age is reached at the beginning of the birthday.
"""

from collections.abc import Mapping
from typing import Any

from fhir.errors import InvalidValue
from fhir.search.date import MAX, interval


def by_proxy(consent: Mapping[str, Any]) -> bool:
    """Return whether somebody else decided in the person's place: no performer is the patient."""
    patient = consent.get("patient", {}).get("reference", "")
    performers = consent.get("performer", ())
    return bool(performers) and all(one.get("reference") != patient for one in performers)


def coming_of_age(birth_date: str, years: int) -> int:
    """Return when somebody is of age, in microseconds since 1970 UTC.

    Args:
        birth_date: A FHIR date; of a month or a year, its first day counts.
        years: The age.

    Raises:
        InvalidValue: it is no date.
    """
    year, month, day = (*birth_date.split("-"), "01", "01")[:3]
    try:
        return interval(f"{int(year) + years:04d}-{month}-{day}")[0]
    except InvalidValue:
        # Born on the 29th of February: the day after the 28th.
        return interval(f"{int(year) + years:04d}-{month}-28")[1]


def permits_end(consent: Mapping[str, Any], patient: Mapping[str, Any], years: int) -> int:
    """Return when the permits of a Consent end at the latest, in microseconds since 1970 UTC.

    Only of a Consent that somebody gave in the place of a patient who was a minor then. What was denied stays denied
    until the person permits it.

    Args:
        consent: The Consent.
        patient: The Patient that it names.
        years: The age at which a person decides alone; 0 when a proxy's word stays.
    """
    born, decided = patient.get("birthDate"), consent.get("dateTime")
    if not years or not born or not by_proxy(consent):
        return MAX
    of_age = coming_of_age(born, years)
    return of_age if decided is None or interval(decided)[0] < of_age else MAX
