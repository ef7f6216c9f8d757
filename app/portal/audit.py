"""The auditor's page: who saw what, here and in connected systems. Its own use is an audit event."""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app.audit.desk.asked import asked_of, fields_of, to_query
from app.audit.desk.pages import MOST_IN_FILE
from app.audit.desk.reviews import EVERY, LONGEST_TITLE
from app.audit.desk.shown import to_csv
from app.audit.review import Question, state
from app.consent.purposes import NUMBERS
from app.portal.dates import moment
from app.portal.desk.log import bar_of, before_of, log_of, titles_of
from app.portal.file import file_of
from app.portal.gate import Visit, view
from app.portal.page import Page, address_with
from app.portal.sites import Sites, read_sites

ENTRIES = 50
"""Records on a page."""

MOST_FOR_A_FILE = 100_000
"""Records that are looked at for a file."""


def question_of(asked: Mapping[str, str], sites: Sites) -> Question:
    """Return the question that the fields of a page's form ask the index; what is no date asks nothing."""
    return asked_of(asked).question({one.slug: one.reference for one in sites.by_key.values()})


async def _file(visit: Visit, fields: Mapping[str, str], sites: Sites) -> Response | None:
    """Return all records that answer, as CSV; None when there are too many."""
    found = await log_of(visit, sites).page(asked_of(fields), limit=MOST_IN_FILE, most=MOST_FOR_A_FILE)
    return None if found.before else file_of("audit-log", to_csv(found.events, titles_of(sites)))


async def audit(request: Request) -> Response:
    """Show records of the audit log, the newest first, or give them as a file."""

    async def work(visit: Visit) -> Page | Response:
        parameters = request.query_params
        fields, sites = fields_of(parameters), await read_sites(visit.hub)
        too_many = False
        if parameters.get("format") == "csv":
            file = await _file(visit, fields, sites)
            if file is not None:
                return file
            too_many = True
        before = parameters.get("before", "")
        found = await log_of(visit, sites).page(asked_of(fields), limit=ENTRIES, before=before_of(before))
        older = f"{found.before[0]}-{found.before[1]}" if found.before else ""
        values: dict[str, Any] = {
            "asked": fields,
            "lines": found.events,
            "older": address_with(request, before=older, format=None) if older else None,
            "newest": address_with(request, before=None, format=None) if before else None,
            "file": address_with(request, before=None, format="csv"),
            "too_many": MOST_IN_FILE if too_many else 0,
            "sites": sites,
            "titles": titles_of(sites),
            "purposes": list(NUMBERS),
            "saved": to_query(fields),
            "every": EVERY,
            "longest_title": LONGEST_TITLE,
            "state": await state(visit.hub.database.reader),
            "bar": await bar_of(visit),
            "moment": moment,
        }
        return Page("audit.html", values, 400 if too_many else 200)

    return await view(request, "audit", work, interaction="audit-log-used")
