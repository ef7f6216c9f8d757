"""Where what was written comes from: a Provenance for each patient and transaction that names the files.

Each resource names its own file in `meta.source`. https://hl7.org/fhir/R4/provenance.html
"""

import hashlib
from collections.abc import Sequence

import orjson

from app.clock import instant
from app.exchange.ssmix2.understand import Understood
from app.records.prepare import Prepared
from app.records.request import Request
from fhir.store.stored import Stored

_AGENT = {"system": "http://terminology.hl7.org/CodeSystem/provenance-participant-type", "code": "custodian"}
FILES = "urn:renkei:ssmix2:file"
"""The system of identifiers of files: their paths below the root of the store."""


def origin(request: Request, files: Sequence[Understood], written: Sequence[Stored]) -> Prepared | None:
    """Return the Provenance of what files of one patient became; None when they changed nothing."""
    if not written:
        return None
    resource = {
        "resourceType": "Provenance",
        "target": [{"reference": f"{one.type}/{one.id}"} for one in written],
        "recorded": instant(request.now),
        "agent": [{"type": {"coding": [_AGENT]}, "who": {"reference": request.caller.organisation_reference}}],
        "entity": [
            {
                "role": "source",
                "what": {
                    "identifier": {"system": FILES, "value": one.path},
                    "display": f"SHA-256 {one.digest.hex()}" + (f", {one.charset}" if one.charset else ""),
                },
            }
            for one in files
        ],
    }
    body = orjson.dumps(resource)
    return Prepared(body, "Provenance", hashlib.sha256(body).digest(), tree=resource)
