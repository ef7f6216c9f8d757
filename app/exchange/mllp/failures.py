"""Why the hub refuses a message, as an acknowledgement says it: a code of table 0357, and where."""

from app.exchange.mllp.acknowledge import DUPLICATE_KEY, INTERNAL, MISSING, TYPE, UNKNOWN_KEY, Problem
from fhir.errors import FhirError, Unprocessable
from fhir.issue import Issue

_CODES = {
    "not-found": UNKNOWN_KEY,
    "code-invalid": UNKNOWN_KEY,
    "duplicate": DUPLICATE_KEY,
    "required": MISSING,
    "invalid": TYPE,
    "value": TYPE,
    "structure": TYPE,
    "invariant": TYPE,
}
"""By the code of a FHIR issue; what is not there is INTERNAL."""

_PLACES = {"Patient.identifier": ("PID", 1, 3), "Patient.link": ("MRG", 1, 1)}
"""Where the elements come from that failures name, as far as that is always the same."""


def of_failure(error: FhirError) -> Problem:
    """Return what an acknowledgement says of a refusal."""
    first = next(iter(error.issues), None) if isinstance(error, Unprocessable) else None
    code = first.code if isinstance(first, Issue) else error.code
    stated = error.expression or ""
    place: tuple[str | int, ...] = next((where for name, where in _PLACES.items() if stated.startswith(name)), ())
    text = f"{error.diagnostics} ({stated})" if stated and not place else error.diagnostics
    return Problem(_CODES.get(code, INTERNAL), text, place)
