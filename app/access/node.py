"""Node-Authentication failures: whom the TLS proxy refused for its certificate, in the audit log.

IHE ATNA, ITI-19: https://profiles.ihe.net/ITI/TF/Volume2/ITI-19.html. deploy/nginx/client-certificates.conf sends these
requests; nobody else can, since the header is taken away from who is no trusted proxy.
"""

from starlette.requests import Request
from starlette.responses import Response

from app.access.proxy import REFUSED_CERTIFICATE
from app.audit.log import AuditUnavailable
from app.audit.record import Event
from app.hub import Hub
from app.records.response import outcome_response
from fhir.issue import Issue

LONGEST = 300
"""Characters of what the proxy says that are kept."""


async def node_authentication(request: Request) -> Response:
    """Record that a machine was refused, and tell it so."""
    hub: Hub = request.app.state.hub
    said = request.headers.get(REFUSED_CERTIFICATE.decode(), "")
    if not said:
        return Response(status_code=404)
    network = request.client.host if request.client else "unknown"
    if not hub.limits.refusal(network):
        event = Event(
            recorded=hub.clock(),
            action="E",
            interaction="node-authentication",
            outcome="8",
            outcome_desc=said[:LONGEST],
            network=network,
        )
        try:
            await hub.audit.append([event])
        except AuditUnavailable:
            return _answer(503, "transient", "The hub cannot record this now; please try again")
    return _answer(400, "security", "A valid client certificate of the region's authority is needed here")


def _answer(status: int, code: str, text: str) -> Response:
    made = outcome_response(status, [Issue("error", code, "", text)])
    return Response(made.body, status, {name.decode(): value.decode() for name, value in made.headers})
