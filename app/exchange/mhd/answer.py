"""The answer to an entry of what was provided: where it lies, and what is worth a warning.

https://profiles.ihe.net/ITI/MHD/ITI-65.html#236542-provide-document-bundle-response-message
"""

from collections.abc import Sequence
from typing import Any

import orjson

from app.records.batch import written_entry
from app.records.request import FhirRequest
from app.records.steps import Step
from fhir.issue import Issue, outcome
from fhir.store.stored import Stored


def answer_to(request: FhirRequest, step: Step, stored: Stored | None, warnings: Sequence[Issue]) -> bytes:
    """Return the entry of the response Bundle; a profile that is not loaded is no warning here."""
    if stored is None:
        return orjson.dumps({"response": {"status": "204"}})
    entry: dict[str, Any] = orjson.loads(written_entry(request, [stored], "200" if step.found else ""))
    warned = [one for one in step.prepared.warnings if one.code != "not-found"] if step.prepared else []
    if warned or warnings:
        entry["response"]["outcome"] = outcome([*warned, *warnings])
    return orjson.dumps(entry)
