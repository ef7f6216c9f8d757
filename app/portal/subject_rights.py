"""The page of patients' requests: 開示, 訂正 and 利用停止, which wait, which are overdue, and what was done in each."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app.portal.dates import moment
from app.portal.file import file_of
from app.portal.forms import number, one
from app.portal.gate import Visit, moved, view
from app.portal.page import Page
from app.reports.period import EVER, month
from app.subject_rights.act import Said, act
from app.subject_rights.case import KINDS, LONGEST, PROOFS, RELATIONS, Case
from app.subject_rights.file import to_csv
from app.subject_rights.listed import MOST, found, history, listed
from app.subject_rights.open import MOST_NAME, Asked, open_case
from fhir.errors import Conflict, Deleted, Forbidden, InvalidValue, NotFound

_PATH = "/rights-requests"
_INTERACTION = "rights-request"


def _check_enters(visit: Visit) -> None:
    """Check that the caller may enter and decide.

    Raises:
        Forbidden: only the secretariat does.
    """
    if visit.caller.role != "secretariat":
        raise Forbidden("The secretariat alone enters and decides patients' requests")


async def _list(visit: Visit, *, problem: str = "") -> Page | Response:
    parameters = visit.web.query_params
    text, every = parameters.get("month", ""), parameters.get("every") == "1"
    begins, ends = month(text) if text else (0, EVER)
    as_file = parameters.get("format") == "csv"
    most = {} if as_file else {"most": MOST + 1}
    shown = await listed(visit.hub.database.reader, begins=begins, ends=ends, every=every or bool(text), **most)
    if as_file:
        return file_of("rights-requests", to_csv(shown, now=visit.fhir.now))
    values: dict[str, Any] = {
        "cases": shown[:MOST],
        "most": MOST if len(shown) > MOST else 0,
        "month": text,
        "every": every,
        "now": visit.fhir.now,
        "enters": visit.caller.role == "secretariat",
        "kinds": KINDS,
        "relations": RELATIONS,
        "form": {
            name: one(visit.form, name) for name in ("kind", "patient", "requester", "relation", "received", "text")
        },
        "today": moment(visit.fhir.now).date().isoformat(),
        "longest": LONGEST,
        "longest_name": MOST_NAME,
        "days": visit.hub.settings.rights_days,
        "day": lambda instant: moment(instant).date().isoformat(),
        "problem": problem,
    }
    return Page("rights_cases.html", values, 400 if problem else 200)


async def rights_requests(request: Request) -> Response:
    """Show the requests that wait, or those of a month, or give them as CSV."""

    async def work(visit: Visit) -> Page | Response:
        return await _list(visit)

    return await view(request, "rights-requests", work, interaction=_INTERACTION)


async def _patient_key(visit: Visit, id_: str) -> int | None:
    """Return the key of a Patient, None when the hub has none of that id."""
    try:
        return (await visit.fhir.record.read("Patient", id_)).patient_key if id_ else None
    except (Deleted, NotFound):
        return None


async def enter_rights_request(request: Request) -> Response:
    """Enter a request."""

    async def work(visit: Visit) -> Page | Response:
        _check_enters(visit)
        form, patient = visit.form, one(visit.form, "patient").removeprefix("Patient/")[:64]
        key = await _patient_key(visit, patient)
        if patient and key is None:
            return await _list(visit, problem="patient")
        fields = {name: one(form, name) for name in ("kind", "requester", "relation", "received", "text")}
        try:
            case = await open_case(
                *(visit.hub, visit.caller, Asked(patient=patient, patient_key=key, **fields)),
                network=visit.fhir.network,
                path=_PATH,
            )
        except InvalidValue as error:
            return await _list(visit, problem=error.expression or "text")
        visit.fhir.recorded = True
        return moved(f"{_PATH}/{case}?done=entered")

    return await view(request, "rights-requests", work, interaction=_INTERACTION)


async def _found(visit: Visit) -> Case:
    case = await found(visit.hub.database.reader, number(visit.web.path_params["number"], digits=19))
    if case is None:
        raise NotFound("There is no such case")
    return case


async def _page(visit: Visit, case: Case, *, problem: str = "") -> Page:
    values: dict[str, Any] = {
        "case": case,
        "history": await history(visit.hub.database.reader, case.number),
        "overdue": case.is_overdue(visit.fhir.now),
        "acts": case.acts if visit.caller.role == "secretariat" else (),
        "proofs": PROOFS,
        "extension": visit.hub.settings.rights_extension_days,
        "today": moment(visit.fhir.now).date().isoformat(),
        "longest": LONGEST,
        "day": lambda instant: moment(instant).date().isoformat(),
        "text": one(visit.form, "text"),
        "problem": problem,
        "done": visit.web.query_params.get("done", ""),
    }
    return Page("rights_case.html", values, 400 if problem else 200)


async def rights_request(request: Request) -> Response:
    """Show a request and its history."""

    async def work(visit: Visit) -> Page:
        case = await _found(visit)
        await _patient_key(visit, case.patient)
        return await _page(visit, case)

    return await view(request, "rights-requests", work, interaction=_INTERACTION)


async def act_on_rights_request(request: Request) -> Response:
    """Do something in a case."""

    async def work(visit: Visit) -> Page | Response:
        _check_enters(visit)
        case, form = await _found(visit), visit.form
        if case.turn != number(one(form, "turn"), digits=9):
            return await _page(visit, case, problem="late")
        said = Said(*(one(form, name) for name in ("act", "text", "proof", "day")))
        path = f"{_PATH}/{case.number}"
        key = await _patient_key(visit, case.patient)
        try:
            await act(visit.hub, visit.caller, case, said, key, network=visit.fhir.network, path=path)
        except InvalidValue as error:
            return await _page(visit, case, problem=error.expression or "text")
        except Conflict:
            return await _page(visit, await _found(visit), problem="late")
        visit.fhir.recorded = True
        return moved(f"{path}?done=said")

    return await view(request, "rights-requests", work, interaction=_INTERACTION)
