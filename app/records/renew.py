"""A caller whose rights changed while its answer leaves is identified and decided about anew."""

from app.access import epoch
from app.doors import identify
from app.records.record import StaleCaller
from app.records.request import FhirRequest
from fhir.errors import Unauthorized


async def renew(request: FhirRequest) -> None:
    """Identify the caller of a request again, by what it came with.

    Raises:
        StaleCaller: that cannot be done here, or the caller may not call any more: the answer breaks off.
    """
    try:
        caller, secret = await identify(request.hub, request.scope)
        if caller.epoch != await epoch.current(request.hub.database.reader):
            request.hub.callers.forget(secret)
            caller, _ = await identify(request.hub, request.scope)
    except Unauthorized as error:
        # An entry of a batch has no credentials of its own: the batch begins again.
        raise StaleCaller from error
    request.decide(caller)
