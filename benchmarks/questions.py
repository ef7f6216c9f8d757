"""What is asked: searches of one person's record, and of the whole population, each with several values.

The first page, 20 matches, as the clinic; what it may not see does not exist for it.
"""

from collections.abc import Callable, Mapping, Sequence
from urllib.parse import quote

from benchmarks import charts, region
from benchmarks.entries import CULTURE, DIABETES, DISEASES

Question = Callable[[int], str]
"""From a number to an address with its query; numbers that follow each other ask for something else."""

_HBA1C = f"http://loinc.org|{region.HBA1C[0]}"
_ICD10 = "http://hl7.org/fhir/sid/icd-10"


def _query(type_name: str, *pairs: tuple[str, str]) -> str:
    asked = "&".join(f"{name}={quote(value, safe='')}" for name, value in (*pairs, ("_count", "20")))
    return f"/fhir/{type_name}?{asked}"


def _month(number: int, first: int, years: int) -> tuple[str, str]:
    month = number * 7 % (12 * years)
    year, of_year = first + month // 12, month % 12 + 1
    return f"ge{year}-{of_year:02d}-01", f"le{year}-{of_year:02d}-02"


def _days(type_name: str) -> Question:
    def asked(number: int) -> str:
        first, last = _month(number, 2005, 20)
        return _query(type_name, ("date", first), ("date", last))

    return asked


def _disease(number: int) -> str:
    return f"{_ICD10}|{DISEASES[number % len(DISEASES)][0]}"


def _high(number: int, low: float) -> str:
    return f"gt{low + number % 10 / 10:.1f}"


POPULATION: Mapping[str, Question] = {
    "token, identifier": lambda n: _query("Patient", ("identifier", charts.identifier(n * 2))),
    "token, common": lambda n: _query("Condition", ("code", _disease(n))),
    "token, of one in two": lambda n: _query("Observation", ("code", _HBA1C), ("status", ("final", "amended")[n % 2])),
    "string": lambda n: _query("Patient", ("family", charts.family(n))),
    "date": _days("Encounter"),
    "date, since": lambda n: _query("MedicationRequest", ("authoredon", _month(n, 2005, 20)[0])),
    "quantity": lambda n: _query("Observation", ("code", _HBA1C), ("value-quantity", _high(n, 10.0))),
    "composite": lambda n: _query("Observation", ("code-value-quantity", f"{_HBA1C}${_high(n, 10.0)}")),
    "composite, component": lambda n: _query(
        "Observation", ("component-code-value-quantity", f"http://loinc.org|8480-6$gt{160 + n % 20}")
    ),
    "chained": lambda n: _query("Condition", ("patient.family", charts.family(n * 37))),
    "chained, identifier": lambda n: _query("Observation", ("patient.identifier", charts.identifier(n * 2))),
    "_has": lambda n: _query("Patient", ("_has:Condition:patient:code", _disease(n))),
    "include": lambda n: _query(
        "DiagnosticReport",
        *(("code", f"http://loinc.org|{CULTURE[0]}"), ("status", ("final", "final,amended")[n % 2])),
        *(("_include", "DiagnosticReport:result"), ("_include", "DiagnosticReport:subject")),
    ),
    "sort": lambda n: _query("Condition", ("code", _disease(n)), ("_sort", "-recorded-date")),
    "sort, of a type": lambda n: _query(("Encounter", "DocumentReference")[n % 2], ("_sort", "-date")),
    "text": lambda n: _query("Condition", ("_content", DISEASES[n % len(DISEASES)][1][:4])),
}
"""Of the whole population."""


def _of(patient: str, *pairs: tuple[str, str], type_name: str = "Observation") -> str:
    return _query(type_name, ("patient", f"Patient/{patient}"), *pairs)


PATIENT: Mapping[str, Callable[[str], str]] = {
    "patient, token": lambda p: _of(p, ("code", f"{_ICD10}|{DIABETES[0]}"), type_name="Condition"),
    "patient, date": lambda p: _of(p, ("date", "ge2023-01-01"), ("date", "lt2023-07-01")),
    "patient, quantity": lambda p: _of(p, ("code", _HBA1C), ("value-quantity", "gt8")),
    "patient, composite": lambda p: _of(p, ("code-value-quantity", f"{_HBA1C}$gt8")),
    "patient, chained": lambda p: _of(p, ("encounter:Encounter.status", "finished")),
    "patient, _has": lambda p: _query("Patient", ("_id", p), ("_has:Observation:patient:date", "ge2024-06-01")),
    "patient, include": lambda p: _of(p, ("_include", "DiagnosticReport:result"), type_name="DiagnosticReport"),
    "patient, sort": lambda p: _of(p, ("_sort", "-date")),
    "patient, text": lambda p: _of(p, ("_content", "糖尿病"), type_name="Condition"),
}
"""Of one person's record, by the id of a Patient of theirs."""


def of_patients(question: Callable[[str], str], patients: Sequence[str]) -> Question:
    """Return the question that asks for one patient after the other."""
    return lambda number: question(patients[number % len(patients)])
