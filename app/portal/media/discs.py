"""The discs of a site: those that were read, and what became of each file of one."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app.comma import comma_separated
from app.imaging.media.disc import BROKEN, DIRECTORY, QUARANTINED, READING, Disc, DiscFile, DiscPatient
from app.imaging.media.job import MEDIA, PORTAL
from app.imaging.media.quarantine import discs_of, files_on, found_disc, patients_on, stated_in_review
from app.imaging.media.tally import MOST_SHOWN, Study, images_on, notable_on, states_on, studies_on
from app.imaging.media.waiting import SOON
from app.portal.file import file_of
from app.portal.forms import number
from app.portal.gate import Visit, view
from app.portal.language import Words, language_of, words
from app.portal.page import Page
from fhir.errors import NotFound

COLUMNS = ("number", "path", "in the DICOMDIR", "state", "reason", "bytes", "patient", "study", "SOP instance")


def iso_date(digits: str) -> str:
    """Return YYYYMMDD as YYYY-MM-DD; anything else as it is."""
    return f"{digits[:4]}-{digits[4:6]}-{digits[6:]}" if len(digits) == 8 and digits.isdigit() else digits


async def show_discs(visit: Visit, *, problem: str = "") -> Page:
    """Return the page of the caller's site's discs."""
    reader, site = visit.hub.database.reader, visit.caller.organisation
    values = {
        "discs": await discs_of(reader, site),
        "review": await discs_of(reader, site, review=True),
        "stated": await stated_in_review(reader, site),
        "iso_date": iso_date,
        "soon": visit.fhir.now + SOON,
        "problem": problem,
        "gigabytes": visit.hub.settings.stow_bytes // 1_000_000_000 or 1,
    }
    return Page("media_discs.html", values, 400 if problem else 200)


async def discs(request: Request) -> Response:
    """Show the discs that were read at the caller's site."""
    return await view(request, "media", show_discs)


async def disc_of(visit: Visit) -> Disc:
    """Return the disc that the address names.

    Raises:
        NotFound: there is none of the caller's site.
    """
    disc = await found_disc(visit.hub.database.reader, number(visit.web.path_params["number"], digits=19))
    if disc is None or disc.custodian != visit.caller.organisation:
        raise NotFound("There is no such disc")
    return disc


def why(t: Words, one: DiscFile) -> str:
    """Return why a file is no image in quarantine; what only English says of one that is broken, in a sentence."""
    known = t.maybe(f"media.why.{one.reason}", "")
    if known or not one.reason or one.state not in (BROKEN, DIRECTORY):
        return known or one.reason
    return t("media.unreadable", reason=one.reason)


def of_patient(studies: list[Study], one: DiscPatient) -> list[dict[str, Any]]:
    """Return the studies of a patient of a disc, as the pages show them: each once, with its modalities."""
    found: dict[str, dict[str, Any]] = {}
    for study in studies:
        if study.patient == one.number:
            shown = found.setdefault(study.uid, {"date": iso_date(study.date), "modalities": [], "images": 0})
            shown["modalities"].append(study.modality or "?")
            shown["images"] += study.images
    return list(found.values())


async def _progress(visit: Visit, disc: Disc) -> tuple[int, int]:
    """Return how many files were read, and how many there are, of a disc that is being read."""
    if disc.state != READING:
        return 0, 0
    client = "" if disc.place else PORTAL
    job = await MEDIA.find(visit.hub.database.reader, str(disc.number), client, visit.hub.clock())
    return (job.step, job.steps) if job is not None else (0, 0)


async def one_disc(request: Request) -> Response:
    """Show a disc: whom it is about, and what became of its files; or give the files as CSV."""

    async def work(visit: Visit) -> Page | Response:
        disc, reader = await disc_of(visit), visit.hub.database.reader
        if visit.web.query_params.get("format") == "csv":
            return await _report(visit, disc)
        studies = await studies_on(reader, disc.number)
        notable = await notable_on(reader, disc.number, most=MOST_SHOWN + 1)
        images = await images_on(reader, disc.number)
        people = [(one, of_patient(studies, one)) for one in await patients_on(reader, disc.number)]
        t = words(language_of(visit.web))
        values = {
            "disc": disc,
            "people": people,
            "left": {one.number: images.get((one.number, QUARANTINED), 0) for one, _ in people},
            "states": await states_on(reader, disc.number),
            "files": [(one, why(t, one)) for one in notable[:MOST_SHOWN]],
            "most": MOST_SHOWN if len(notable) > MOST_SHOWN else 0,
            "progress": await _progress(visit, disc),
            "iso_date": iso_date,
            "done": visit.web.query_params.get("done", ""),
        }
        return Page("media_disc.html", values)

    return await view(request, "media", work)


async def _report(visit: Visit, disc: Disc) -> Response:
    rows = [
        (
            *(one.number, one.path, "yes" if one.listed else "no", one.state, one.reason, one.size),
            *(one.patient or "", one.study, one.instance),
        )
        for one in await files_on(visit.hub.database.reader, disc.number)
    ]
    return file_of(f"disc-{disc.number}", comma_separated(rows, COLUMNS))
