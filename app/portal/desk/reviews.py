"""The pages of saved reviews (定期的なレビュー): what is due, what came since the last time, signing for it."""

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app.audit.desk.asked import Asked, from_query, to_query
from app.audit.desk.flags import Flag, Wanted, flags
from app.audit.desk.own_log import patients_beside
from app.audit.desk.reviews import (
    EVERY,
    LONGEST,
    LONGEST_TITLE,
    Review,
    SignOff,
    end,
    review_of,
    reviews,
    save,
    sign,
    sign_offs,
)
from app.audit.desk.watch import looked_until
from app.clock import in_japan
from app.comma import comma_separated
from app.portal.dates import moment
from app.portal.desk.log import bar_of, before_of, log_of, number_of, titles_of
from app.portal.file import file_of
from app.portal.forms import one
from app.portal.gate import Visit, moved, view
from app.portal.page import Page, address_with
from app.portal.reviewer import reviewer_of
from app.portal.sites import read_sites
from fhir.errors import Conflict, InvalidValue

ENTRIES = 50
MOST_FLAGS = 20
"""Flags that a review shows; the others are on their own page."""

MOST_IN_FILE = 10_000
_ORDER = {"overdue": 0, "due": 1, "coming": 2}
COLUMNS = ("review", "title", "since", "until", "records", "signed", "by", "name", "remark")
"""Of the file of sign-offs."""


def to_csv(found: Sequence[SignOff]) -> str:
    """Return sign-offs as CSV (RFC 4180) with a header."""
    return comma_separated(map(_line, found), COLUMNS)


def _line(done: SignOff) -> tuple[object, ...]:
    times = (in_japan(done.since), in_japan(done.until))
    return (done.review, done.title, *times, done.size, in_japan(done.at), done.by, done.by_title, done.remark)


async def _listed(visit: Visit, *, problem: str = "", status: int = 200) -> Page:
    reader, now, days = visit.hub.database.reader, visit.fhir.now, visit.hub.settings.review_days
    going_on = await reviews(reader)
    values: dict[str, Any] = {
        "reviews": sorted(going_on, key=lambda found: (_ORDER[found.state(now, days)], found.due)),
        "ended": await reviews(reader, ended=True),
        "signed": await sign_offs(reader, limit=ENTRIES),
        "now": now,
        "days": days,
        "every": EVERY,
        "longest_title": LONGEST_TITLE,
        "sites": await read_sites(visit.hub),
        "problem": problem,
        "done": visit.web.query_params.get("done", ""),
        "bar": await bar_of(visit),
    }
    return Page("audit_reviews.html", values, status)


async def saved_reviews(request: Request) -> Response:
    """Show the reviews that come again, those due first; or give all sign-offs as a file."""

    async def work(visit: Visit) -> Page | Response:
        if request.query_params.get("format") == "csv":
            return file_of("audit-reviews", to_csv(await sign_offs(visit.hub.database.reader, limit=MOST_IN_FILE)))
        return await _listed(visit)

    return await view(request, "audit", work, interaction="audit-log-used")


async def save_review(request: Request) -> Response:
    """Save what was asked of the log as a review that comes again."""

    async def work(visit: Visit) -> Page | Response:
        form = visit.form
        try:
            number = await save(
                *(visit.hub, visit.caller),
                title=one(form, "title"),
                question=to_query(from_query(one(form, "question")[:2_000])),
                every=one(form, "every"),
                network=visit.fhir.network,
            )
        except InvalidValue as error:
            return await _listed(visit, problem=error.expression or "title", status=400)
        except Conflict:
            return await _listed(visit, problem="many", status=409)
        visit.fhir.recorded = True
        return moved(f"/audit/reviews/{number}?done=saved")

    return await view(request, "audit", work, interaction="audit-review")


async def _patients(visit: Visit, asked: Asked) -> Sequence[str]:
    """Return whose flags a review shows: those of the person's Patients, when it asks for all of them."""
    if not asked.patient:
        return ()
    beside = await patients_beside(visit.hub.database.reader, asked.patient) if asked.whole else ()
    return [one.reference for one in beside] or [asked.patient]


async def _page(visit: Visit, review: Review, *, problem: str = "", status: int = 200) -> Page:
    """Return a review with what came since the last sign-off, the newest first."""
    parameters, reader, now = visit.web.query_params, visit.hub.database.reader, visit.fhir.now
    sites, before = await read_sites(visit.hub), parameters.get("before", "")
    # Further pages are of the same time as the first: what is signed for is what was shown.
    until = number_of(parameters.get("until", "")) or now
    settled = await looked_until(reader, now)
    asked = review.asked(until if review.since < until <= settled else settled)
    found = await log_of(visit, sites).page(asked, limit=ENTRIES, before=before_of(before))
    wanted = Wanted(
        state="all", patients=await _patients(visit, asked), user=asked.user, begins=asked.begins, ends=asked.ends
    )
    # Events of other systems are not looked through for the unusual.
    flagged: list[Flag] = []
    more_flags: int | None = None
    if not asked.others:
        flagged, more_flags = await flags(reader, reviewer_of(visit), wanted, limit=MOST_FLAGS)
    older = f"{found.before[0]}-{found.before[1]}" if found.before else ""
    values: dict[str, Any] = {
        "review": review,
        "state": review.state(now, visit.hub.settings.review_days),
        "asked": review.fields(),
        "until": asked.ends,
        "may_end": not review.ended,
        "may_sign": not review.ended and asked.ends > review.since,
        "lines": found.events,
        "older": address_with(visit.web, before=older, until=str(asked.ends)) if older else None,
        "newest": address_with(visit.web, before=None) if before else None,
        "flags": flagged,
        "more_flags": more_flags is not None,
        "signed": await sign_offs(reader, number=review.number),
        "sites": sites,
        "titles": titles_of(sites),
        "longest": LONGEST,
        "moment": moment,
        "problem": problem,
        "done": parameters.get("done", ""),
        "bar": await bar_of(visit),
    }
    return Page("audit_review.html", values, status)


async def one_review(request: Request) -> Response:
    """Show a review and what came since it was signed last."""

    async def work(visit: Visit) -> Page:
        number = number_of(request.path_params["number"])
        return await _page(visit, await review_of(visit.hub.database.reader, number))

    return await view(request, "audit", work, interaction="audit-log-used")


async def sign_review(request: Request) -> Response:
    """Sign for a review, or end it."""

    async def work(visit: Visit) -> Page | Response:
        number, form = number_of(request.path_params["number"]), visit.form
        review = await review_of(visit.hub.database.reader, number)
        ends = one(form, "act") == "end"
        try:
            if ends:
                await end(visit.hub, visit.caller, number, one(form, "remark"), network=visit.fhir.network)
            else:
                await sign(
                    *(visit.hub, visit.caller, number),
                    since=number_of(one(form, "since")),
                    until=number_of(one(form, "until")),
                    remark=one(form, "remark"),
                    network=visit.fhir.network,
                )
        except InvalidValue as error:
            return await _page(visit, review, problem=error.expression or "remark", status=400)
        except Conflict:
            # As it stands now, not as it stood when the form was read.
            review = await review_of(visit.hub.database.reader, number)
            return await _page(visit, review, problem="late", status=409)
        visit.fhir.recorded = True
        return moved("/audit/reviews?done=ended" if ends else f"/audit/reviews/{number}?done=signed")

    return await view(request, "audit", work, interaction="audit-review")
