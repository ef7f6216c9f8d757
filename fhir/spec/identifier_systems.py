"""Identifier systems that have two names: JP Core's address and the OID it replaces.

https://jpfhir.jp/fhir/core/1.1.2/namingsystem.html; a sender may use either, so either finds what the other wrote.
"""

from functools import lru_cache

_CORE = "http://jpfhir.jp/fhir/core/mhlw/IdSystem/"
_OID = "urn:oid:1.2.392.100495.20.3."

MEMBER_ID = "http://jpfhir.jp/fhir/clins/Idsystem/JP_Insurance_memberID"
"""被保険者識別子 of JP-CLINS; its small `s` is the guide's own."""

_NAMES = (
    (f"{_CORE}InsurerNumber", f"{_OID}61"),
    (f"{_CORE}InsuredPersonSymbol", f"{_OID}62"),
    (f"{_CORE}InsuredPersonNumber", f"{_OID}63"),
    (f"{_CORE}PublicPayerNumber", f"{_OID}71"),
    (f"{_CORE}PublicInsuredPersonNumber", f"{_OID}72"),
    (f"{_CORE}medicalRegistrationNumber", f"{_OID}31"),
    (f"{_CORE}Medication-RPGroupNumber", f"{_OID}81"),
    (f"{_CORE}MedicationAdministrationIndex", f"{_OID}82"),
    (MEMBER_ID, "http://jpfhir.jp/fhir/clins/IdSystem/JP_Insurance_memberID"),
)

PATIENT_NUMBER = f"{_OID}51.1"
"""Before the ten digits of a medical institution: the system of its patient numbers (R1010 of JP-CLINS)."""

_OLD_PATIENT_NUMBER = "urn:oid:1.2.392.200119.6.102.1"
"""The same in older samples."""

INSTITUTION_DIGITS = 10

_SAME = {name: names for names in _NAMES for name in names}


def institution_of(system: str) -> str:
    """Return the ten digits of the institution whose patient numbers `system` names; empty when it is another."""
    for prefix in (PATIENT_NUMBER, _OLD_PATIENT_NUMBER):
        digits = system.removeprefix(prefix)
        if digits != system and len(digits) == INSTITUTION_DIGITS and digits.isascii() and digits.isdigit():
            return digits
    return ""


@lru_cache(maxsize=4096)
def forms(system: str) -> tuple[str, ...]:
    """Return all names of a system, `system` among them; the first is the same for each of them."""
    if system in _SAME:
        return _SAME[system]
    institution = institution_of(system)
    if institution:
        return PATIENT_NUMBER + institution, _OLD_PATIENT_NUMBER + institution
    return (system,)
