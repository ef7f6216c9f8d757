"""`$signatures`: what the signatures of a resource were found to be."""

from typing import Any

import orjson

from app.records.record import known_type
from app.records.request import FhirRequest
from app.records.response import Response, fhir_response
from app.records.signatures.related import Carried, signatures_of
from fhir.signatures.verdict import Verdict

PENDING = "pending"

_TEXTS = ("reason", "detail", "signer", "organisation", "anchor", "revocation", "algorithm", "form", "claimed")
_MORE = ("stamped", "stamped_by", "certificate", "target")


def _part(name: str, value: str) -> dict[str, Any]:
    return {"name": name.replace("_by", "By"), "valueString": value}


def _parameter(by: Carried, verdict: Verdict | None) -> dict[str, Any]:
    """Return one signature; without a verdict one that nobody has looked at yet."""
    carrier = f"{by.by.type}/{by.by.id}/_history/{by.by.version}"
    parts: list[dict[str, Any]] = [
        {"name": "carrier", "valueReference": {"reference": carrier}},
        {"name": "state", "valueCode": PENDING if verdict is None else verdict.state},
    ]
    if verdict is not None:
        told = ((name, str(getattr(verdict, name))) for name in (*_TEXTS, *_MORE))
        parts += [_part(name, text) for name, text in told if text]
        parts += [_part("role", role) for role in verdict.roles]
    return {"name": "signature", "part": parts}


async def signatures(request: FhirRequest) -> Response:
    """Answer the signatures of a resource: its own, of what it holds or was taken from, and of others under it.

    Raises:
        NotFound: it does not exist for the caller.
    """
    request.check_accept()
    document = await request.record.read(known_type(request.type), request.id)
    found = await signatures_of(request.record, document)
    parameters = [
        _parameter(one, verdict) for one in found for verdict in ([None] if one.verdicts is None else one.verdicts)
    ]
    body = {"resourceType": "Parameters", "parameter": parameters} if parameters else {"resourceType": "Parameters"}
    return fhir_response(orjson.dumps(body))
