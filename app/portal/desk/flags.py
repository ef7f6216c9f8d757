"""The pages of flags: what was unusual and why, and closing what was looked into."""

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app.audit.desk.asked import asked_of
from app.audit.desk.flags import FIRST, STATES, Flag, Wanted, close, flag_of, flags, open_counts
from app.audit.desk.kinds import KINDS
from app.audit.desk.reviews import LONGEST
from app.audit.desk.shown import of_event
from app.clock import in_japan
from app.comma import comma_separated
from app.portal.dates import moment
from app.portal.desk.log import bar_of, number_of, titles_of
from app.portal.file import file_of
from app.portal.forms import one
from app.portal.gate import Visit, moved, view
from app.portal.page import Page, address_with
from app.portal.reviewer import reviewer_of
from app.portal.sites import read_sites
from fhir.errors import Conflict, InvalidValue

ENTRIES = 50
MOST_IN_FILE = 10_000
FIELDS = ("state", "kind", "patient", "user", "from", "to")
COLUMNS = (
    *("flag", "kind", "reason", "recorded", "record", "user", "user_name", "role", "organisation", "patient"),
    *("custodian", "interaction", "closed", "closed_by", "remark"),
)
"""Of the file."""


def _wanted(fields: dict[str, str]) -> Wanted:
    asked = asked_of(fields)
    return Wanted(
        state=fields["state"] if fields["state"] in STATES else "open",
        kind=fields["kind"] if fields["kind"] in KINDS else "",
        patients=(asked.patient,) if asked.patient else (),
        user=asked.user,
        begins=asked.begins,
        ends=asked.ends,
    )


def to_csv(found: Sequence[Flag], titles: dict[str, str]) -> str:
    """Return flags as CSV (RFC 4180) with a header.

    Args:
        found: The flags.
        titles: By `Organization/<id>`, what it is called.
    """
    return comma_separated((_line(flag, titles) for flag in found), COLUMNS)


def _line(flag: Flag, titles: dict[str, str]) -> tuple[object, ...]:
    event = flag.event
    who = (event.user, event.user_name, event.role) if event else ("", "", "")
    where = (event.organisation, event.patient, event.custodian, event.interaction) if event else ("",) * 4
    organisation, patient, custodian, interaction = (text or "" for text in where)
    return (
        *(flag.number, flag.kind, " ".join(f"{name}={value}" for name, value in flag.reason.items())),
        *(in_japan(flag.recorded), flag.record, *(text or "" for text in who)),
        *(titles.get(organisation, organisation), patient, titles.get(custodian, custodian), interaction),
        *(in_japan(flag.closed) if flag.closed else "", flag.closed_by, flag.remark),
    )


def _fields(visit: Visit) -> dict[str, str]:
    return {name: visit.web.query_params.get(name, "").strip()[:100] for name in FIELDS}


async def _listed(visit: Visit, *, problem: str = "", status: int = 200) -> Page:
    parameters, reader = visit.web.query_params, visit.hub.database.reader
    fields = _fields(visit)
    before = number_of(parameters.get("before", ""))
    found, after = await flags(reader, reviewer_of(visit), _wanted(fields), limit=ENTRIES, before=before or FIRST)
    sites = await read_sites(visit.hub)
    values: dict[str, Any] = {
        "asked": fields,
        "flags": found,
        "counts": await open_counts(reader),
        "kinds": KINDS,
        "states": STATES,
        "older": address_with(visit.web, before=str(after)) if after else None,
        "newest": address_with(visit.web, before=None) if before else None,
        "file": address_with(visit.web, before=None, format="csv"),
        "titles": titles_of(sites),
        "longest": LONGEST,
        "moment": moment,
        "problem": problem,
        "done": parameters.get("done", ""),
        "bar": await bar_of(visit),
    }
    return Page("audit_flags.html", values, status)


async def open_flags(request: Request) -> Response:
    """Show flags, the newest first, or give them as a file."""

    async def work(visit: Visit) -> Page | Response:
        if request.query_params.get("format") != "csv":
            return await _listed(visit)
        wanted, reader = _wanted(_fields(visit)), visit.hub.database.reader
        found, after = await flags(reader, reviewer_of(visit), wanted, limit=MOST_IN_FILE)
        if after is not None:
            return await _listed(visit, problem="file", status=400)
        return file_of("audit-flags", to_csv(found, dict(titles_of(await read_sites(visit.hub)))))

    return await view(request, "audit", work, interaction="audit-log-used")


async def close_flags(request: Request) -> Response:
    """Close flags with a remark."""

    async def work(visit: Visit) -> Page | Response:
        numbers = [number_of(text) for text in visit.form.get("flag", [])]
        try:
            await close(
                *(visit.hub, visit.caller, numbers, one(visit.form, "remark")),
                network=visit.fhir.network,
                path=request.url.path,
            )
        except InvalidValue as error:
            return await _listed(visit, problem=error.expression or "remark", status=400)
        except Conflict:
            return await _listed(visit, problem="late", status=409)
        visit.fhir.recorded = True
        return moved("/audit/flags?done=closed")

    return await view(request, "audit", work, interaction="audit-review")


async def one_flag(request: Request) -> Response:
    """Show a flag and the record that it is about."""

    async def work(visit: Visit) -> Page:
        reader = visit.hub.database.reader
        flag = await flag_of(reader, reviewer_of(visit), number_of(request.path_params["number"]))
        sites = await read_sites(visit.hub)
        values: dict[str, Any] = {
            "flag": flag,
            "lines": [of_event(flag.record, flag.event)] if flag.event else [],
            "titles": titles_of(sites),
            "longest": LONGEST,
            "moment": moment,
            "bar": await bar_of(visit),
        }
        return Page("audit_flag.html", values)

    return await view(request, "audit", work, interaction="audit-log-used")
