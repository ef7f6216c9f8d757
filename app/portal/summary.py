"""A person's summary: the International Patient Summary as a page, and on paper.

It is made as `$summary` makes it, of what the reader may see at this moment; what is shown and what is printed are the
same lines as the narrative of the document.
"""

import asyncio
import re
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app.portal.dates import moment
from app.portal.gate import Visit, view
from app.portal.language import Words, language_of, words
from app.portal.page import HEADERS, Page
from app.portal.patients import today
from app.portal.people import Someone, someone
from app.portal.sites import read_sites
from app.records.summary.make import Drawn, make
from app.reports.forms.paper import NoFont, font_file, paper
from app.reports.sheet import Sheet, Table
from fhir.documents.narrative import HEADINGS
from fhir.errors import NotFound
from fhir.store.labels import SENSITIVE, UNINFORMED

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")


async def _made(visit: Visit) -> tuple[Someone, Drawn]:
    """Return the Patient that was asked for and the summary of the person."""
    patient_id: str = visit.web.path_params["id"]
    if not _ID.fullmatch(patient_id):
        raise NotFound("There is no such patient")
    patient = await visit.fhir.record.read("Patient", patient_id)
    drawn = await make(visit.fhir, patient, language_of(visit.web))
    visit.fhir.record.disclosed[:] = drawn.stored
    return someone(patient, today(visit)), drawn


def _when(visit: Visit) -> str:
    return f"{moment(visit.fhir.now):%Y-%m-%d %H:%M}"


def _printed_by(visit: Visit, t: Words) -> str:
    """Return who prints, when, and for what."""
    caller = visit.caller
    return t(
        "summary.printed",
        when=_when(visit),
        who=f"{caller.user_title} ({caller.organisation_title})",
        purpose=t.maybe(f"purpose.{caller.purpose}", caller.purpose),
    )


def _has_font(visit: Visit) -> bool:
    try:
        font_file(visit.hub.settings.report_font)
    except NoFont:
        return False
    return True


async def shown(visit: Visit) -> Page:
    """Return the page of a person's summary."""
    who, drawn = await _made(visit)
    language = language_of(visit.web)
    values = {
        "who": who,
        "people": [who],
        "patient_id": who.id,
        "sites": await read_sites(visit.hub),
        "own": visit.caller.organisation,
        "headings": HEADINGS[language],
        "parts": drawn.summary.parts,
        "sensitive": bool(drawn.summary.labels & SENSITIVE),
        "untold": bool(drawn.summary.labels & UNINFORMED),
        "made": _when(visit),
        "printed": _printed_by(visit, words(language)),
        "on_paper": _has_font(visit),
    }
    return Page("summary.html", values)


async def summary_page(request: Request) -> Response:
    """Show a person's summary."""
    return await view(request, "timeline", shown, interaction="operation")


def _facts(who: Someone, t: Words) -> list[tuple[str, str]]:
    age = "" if who.age is None else f" ({who.age}{t('app.unit_years')})"
    sex = t(f"gender.{who.gender}" if who.gender in ("male", "female", "other") else "gender.unknown")
    return [
        (t("summary.name"), " ".join(filter(None, (who.name, who.kana if who.kana != who.name else "")))),
        (t("patients.birth"), f"{who.birth_date}{age}"),
        (t("patients.sex"), sex),
        (t("timeline.number"), ", ".join(who.numbers[:1])),
    ]


async def sheet_of(visit: Visit) -> Sheet:
    """Return a person's summary as it is printed."""
    who, drawn = await _made(visit)
    language = language_of(visit.web)
    t, head = words(language), HEADINGS[language]
    tables = [Table("patient", "", (t("summary.item"), t("summary.content")), _facts(who, t))]
    for part in drawn.summary.parts:
        rows: list[tuple[str, ...]] = [(row.name, row.details, row.date, row.source) for row in part.rows]
        code = part.chosen.section.code
        if rows:
            tables.append(Table(code, part.title, head, rows, part.note))
        else:
            tables.append(Table(code, part.title, (t("summary.content"),), [(part.note,)]))
    notes = [t("summary.about")]
    if drawn.summary.labels & SENSITIVE:
        notes.append(t("summary.sensitive"))
    if drawn.summary.labels & UNINFORMED:
        notes.append(t("summary.untold"))
    return Sheet(
        title=t("summary.title"),
        region=visit.hub.settings.region,
        made=_when(visit),
        tables=tables,
        notes=notes,
        running=f"{who.name} {who.birth_date}  {t('summary.title')} {_when(visit)}",
        printed=_printed_by(visit, t),
    )


async def summary_pdf(request: Request) -> Response:
    """Answer a person's summary as PDF; that it was made is on record as a print."""

    async def work(visit: Visit) -> Response:
        try:
            font = font_file(visit.hub.settings.report_font)
        except NoFont as error:
            raise NotFound("There is no font for a summary on paper") from error
        content = await asyncio.to_thread(paper, await sheet_of(visit), font)
        return Response(content, media_type="application/pdf", headers=_headers())

    return await view(request, "timeline", work, interaction="print", action="R")


def _headers() -> dict[str, Any]:
    # Not `sandbox`: browsers then refuse to show a PDF.
    return {**HEADERS, "content-security-policy": "default-src 'none'; frame-ancestors 'none'"}
