"""The list of rights, as a page and as a table for the drawer (CSV), and whose rights are due to be confirmed again."""

from starlette.requests import Request
from starlette.responses import Response

from app.access.caller import Caller
from app.access.rights.listed import EVERY, Right, due, open_requests, rights
from app.access.rights.rules import SEE_ALL
from app.comma import comma_separated
from app.portal.dates import moment
from app.portal.file import file_of
from app.portal.gate import Visit, view
from app.portal.page import Page
from app.portal.sites import read_sites

COLUMNS = (
    *("name", "title", "organisation", "organisation_title", "role", "head", "state", "ends"),
    *("confirmed", "confirmed_by", "last_sign_in", "second_factors"),
)
"""Of the CSV."""


def seen(caller: Caller, wanted: str, keys: dict[str, int]) -> int:
    """Return the organisation whose people the caller looks at: `EVERY`, the one asked for, or the own."""
    return keys.get(wanted, EVERY) if caller.role in SEE_ALL else caller.organisation


def _day(microseconds: int | None) -> str:
    return f"{moment(microseconds):%Y-%m-%d}" if microseconds else ""


def row(one: Right, now: int) -> tuple[object, ...]:
    """Return the cells of a right, in the order of `COLUMNS`; days are Japan's."""
    return (
        *(one.name, one.title, one.organisation_slug, one.organisation_title, one.role, "yes" if one.head else ""),
        *(one.state(now), _day(one.end), _day(one.confirmed), one.confirmed_by, _day(one.signed_in), one.factors),
    )


def as_csv(found: list[Right], now: int) -> str:
    """Return the list of rights as CSV (RFC 4180)."""
    return comma_separated((row(one, now) for one in found), COLUMNS)


async def accounts(request: Request) -> Response:
    """Show the people and their rights."""

    async def work(visit: Visit) -> Page:
        reader, now, caller = visit.hub.database.reader, visit.fhir.now, visit.caller
        sites = await read_sites(visit.hub)
        wanted = visit.web.query_params.get("site", "")
        organisation = seen(caller, wanted, {one.slug: one.key for one in sites.by_key.values()})
        found = await rights(reader, now, organisation)
        values = {
            "found": [one for one in found if one.state(now) != "ended"],
            "ended": [one for one in found if one.state(now) == "ended"],
            "due": due(found, now, visit.hub.settings.confirm_days),
            "requests": await open_requests(reader, organisation),
            "sites": sites,
            "all": caller.role in SEE_ALL,
            "site": wanted,
            "now": now,
            "moment": moment,
            "may_request": caller.role in ("clerk", "secretariat") or caller.head,
        }
        return Page("accounts.html", values)

    return await view(request, "accounts", work)


async def accounts_csv(request: Request) -> Response:
    """Answer the list of rights as CSV."""

    async def work(visit: Visit) -> Response:
        sites = await read_sites(visit.hub)
        wanted = visit.web.query_params.get("site", "")
        organisation = seen(visit.caller, wanted, {one.slug: one.key for one in sites.by_key.values()})
        found = list(await rights(visit.hub.database.reader, visit.fhir.now, organisation))
        return file_of("rights", as_csv(found, visit.fhir.now))

    return await view(request, "accounts", work)
