"""A page was printed: the browser says so, and it is an audit event of the patient whose page it was.

What was on the page had been recorded before it was shown; paper leaves the hub's sight, so that it was made is on
record as well. Somebody can print without a script; rules for paper are the site's.
"""

import re
from urllib.parse import urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import Response

from app.portal.desk.own_log import patients_of_oneself, record_use
from app.portal.forms import one
from app.portal.gate import Visit, view

LONGEST = 2_000

_PAGES = (
    re.compile(r"/(patients|own-log)/([A-Za-z0-9\-.]{1,64})(?:/summary)?"),
    re.compile(r"/documents/([A-Za-z]{1,40})/([A-Za-z0-9\-.]{1,64})"),
)

_OF_PATIENT = ("patients", "own-log")
"""Pages that are addressed by a Patient's id."""


async def printed(request: Request) -> Response:
    """Put on record that a page was printed; nothing comes back."""

    async def work(visit: Visit) -> Response:
        page = one(visit.form, "page")[:LONGEST]
        visit.fhir.query_string = urlencode({"page": page}).encode()
        path = urlsplit(page).path
        if path == "/own-log" and visit.caller.role == "patient":
            await record_use(visit, await patients_of_oneself(visit), interaction="print")
        for form in _PAGES:
            match = form.fullmatch(path)
            if match:
                await visit.fhir.record.read("Patient" if match[1] in _OF_PATIENT else match[1], match[2])
        return Response(status_code=204)

    return await view(request, "", work, interaction="print", action="R")
