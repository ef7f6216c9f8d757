"""ITI-20 as a FHIR feed: connected systems POST their AuditEvents, one or a Bundle of them, below `/atna/fhir`.

The address is not `/fhir`: what is received here is no record of the hub, and is shown to auditors alone (ITI-81).
https://profiles.ihe.net/ITI/TF/Supplements/IHE_ITI_Suppl_RESTful-ATNA.pdf, 3.20.4.2
"""

from collections.abc import Sequence
from typing import Any

import orjson
from starlette.requests import Request as WebRequest
from starlette.types import Receive, Scope, Send

from app.access.caller import Caller
from app.audit.inbound.arrived import of_fhir
from app.audit.inbound.stored import Arrived, Source, store
from app.consent.within import limits
from app.db import DatabaseUnavailable
from app.doors import identify, refused, unavailable
from app.hub import Hub
from app.records.request import FhirRequest
from app.records.response import Response, failure_response, fhir_response
from fhir.errors import FhirError, Forbidden, InvalidValue, MethodNotAllowed, NotFound, Unprocessable
from fhir.issue import Issue
from fhir.profiles.structure import check
from fhir.resource import parse
from fhir.store.types import NUMBERS

BASE = "/atna/fhir"
EVENT_BYTES = 1_000_000
BUNDLE_BYTES = 20_000_000
MOST_ENTRIES = 1_000


def _check(resource: Any, path: str = "") -> None:
    """Refuse what is no AuditEvent of R4.

    Raises:
        InvalidValue: it is a resource of another type.
        Unprocessable: it breaks a rule.
    """
    if not isinstance(resource, dict) or resource.get("resourceType") != "AuditEvent":
        raise InvalidValue("Only AuditEvents are received here", f"{path}resourceType")
    issues = [issue for issue in check(resource) if issue.severity in ("error", "fatal")]
    if issues:
        moved = [Issue(one.severity, one.code, f"{path}{one.expression}", one.diagnostics) for one in issues]
        raise Unprocessable(moved[0].diagnostics, moved[0].expression, issues=moved)


def _entries(bundle: dict[str, Any], now: int) -> list[Arrived]:
    """Return the AuditEvents of a Bundle.

    Raises:
        InvalidValue: it is no batch or transaction of POSTs of AuditEvents, or has too many entries.
    """
    if bundle.get("resourceType") != "Bundle" or bundle.get("type") not in ("batch", "transaction"):
        raise InvalidValue("A Bundle of type batch or transaction is received here", "Bundle.type")
    entries = bundle.get("entry", [])
    if not isinstance(entries, list) or len(entries) > MOST_ENTRIES:
        raise InvalidValue(f"A Bundle has at most {MOST_ENTRIES} entries here", "Bundle.entry")
    found = []
    for number, entry in enumerate(entries):
        path = f"Bundle.entry[{number}]"
        asked = entry.get("request", {}) if isinstance(entry, dict) else {}
        if not isinstance(asked, dict) or (asked.get("method"), asked.get("url")) != ("POST", "AuditEvent"):
            raise InvalidValue("An entry is a POST of AuditEvent", f"{path}.request")
        _check(entry.get("resource"), f"{path}.resource.")
        # An entry has no bytes of its own: it is kept as it was understood.
        found.append(of_fhir(orjson.dumps(entry["resource"]), entry["resource"], now))
    return found


def _may_send(caller: Caller) -> None:
    """Check that a caller is a system whose token is for AuditEvents.

    Raises:
        Forbidden: it is not.
    """
    if caller.role != "system" or caller.account:
        raise Forbidden("Only systems send audit events")
    if caller.scopes is None:
        return
    found = limits(caller.scopes, "c")
    if not found.whole and NUMBERS["AuditEvent"] not in found.values.get("v_types", ()):
        raise Forbidden("The token has no scope for AuditEvent with c")


def _answer(hub: Hub, rows: Sequence[int], *, bundled: bool, kind: str) -> Response:
    places = [f"{hub.settings.address}{BASE}/AuditEvent/received-{row}" for row in rows]
    if not bundled:
        return fhir_response(b"", status=201, location=places[0])
    entries = [{"response": {"status": "201", "location": place}} for place in places]
    answer: dict[str, Any] = {"resourceType": "Bundle", "type": f"{kind}-response"}
    return fhir_response(orjson.dumps(answer | ({"entry": entries} if entries else {})))


async def _received(hub: Hub, scope: Scope, receive: Receive, caller: Caller) -> Response:
    request = FhirRequest(hub, scope, receive, caller)
    place = scope["path"].removeprefix(BASE).strip("/")
    if place not in ("", "AuditEvent"):
        raise NotFound(f"{scope['path'][:200]} is not an address of this server")
    if scope["method"] != "POST":
        raise MethodNotAllowed(
            "Audit events are sent by POST; they are asked for at /fhir/AuditEvent", allowed=("POST",)
        )
    hub.limits.request(caller)
    _may_send(caller)
    request.check_content_type()
    body = await request.body(BUNDLE_BYTES if not place else EVENT_BYTES)
    resource = parse(body)
    kind = str(resource.get("type"))
    if place:
        _check(resource)
        arrived = [of_fhir(body, resource, hub.clock())]
    else:
        arrived = _entries(resource, hub.clock())
    source = Source(caller.organisation, caller.organisation_reference, caller.client, request.network or "")
    rows = await store(hub, source, arrived) if arrived else []
    return _answer(hub, rows, bundled=not place, kind=kind)


class FeedRoute:
    """Every address below `/atna/fhir`."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        hub: Hub = scope["app"].state.hub
        path = scope.get("root_path", "") + scope["path"] if not scope["path"].startswith(BASE) else scope["path"]
        scope = {**scope, "path": path}
        try:
            caller, _ = await identify(hub, scope)
        except FhirError as error:
            await (await refused(hub, scope, error)).send(send)
            return
        except DatabaseUnavailable:
            await unavailable().send(send)
            return
        try:
            response = await _received(hub, scope, receive, caller)
        except FhirError as error:
            response = await _refusal(hub, scope, caller, error)
        except DatabaseUnavailable:
            response = unavailable()
        await response.send(send)


async def _refusal(hub: Hub, scope: Scope, caller: Caller, error: FhirError) -> Response:
    """Return the refusal of a known system, once it is on record."""
    from app.access.events import by, event
    from app.audit.log import AuditUnavailable

    network = WebRequest(scope).client
    said = event(
        hub,
        "audit-received",
        network=network.host if network else "",
        path=scope["path"][:2000],
        client=caller.client,
        outcome="4",
        outcome_desc=str(error.status),
        **by(caller),
    )
    try:
        await hub.audit.append([said])
    except AuditUnavailable:
        return unavailable()
    return failure_response(error)
