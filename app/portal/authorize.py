"""The page on which a person allows an app something: what it asks for, in words, and whose record it is about.

An app's page leads here from another site, and the session's cookie is not sent along then; a page of ours that leads
here once more makes it ours. https://www.rfc-editor.org/rfc/rfc6265#section-5.2 (SameSite)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from app.access.identify import COOKIE
from app.access.oauth.authorize import Asked, AuthorizationRefused, answered, asked_of, check_person, grant
from app.access.oauth.events import told
from app.access.scopes import ResourceScope, Scopes
from app.portal.forms import one
from app.portal.gate import Visit, moved, view
from app.portal.page import HEADERS, Page, render
from app.portal.patients import MOST_FOUND, find, today
from app.portal.people import someone
from app.portal.roles import check_role
from app.portal.sites import read_sites
from fhir.errors import FhirError, Forbidden
from fhir.store.stored import Stored

_READS, _WRITES = frozenset("rs"), frozenset("cud")


@dataclass(frozen=True, slots=True)
class Line:
    """A scope as the page shows it."""

    context: str
    type: str
    reads: bool
    writes: bool
    query: str


def _line(scope: ResourceScope) -> Line:
    letters = set(scope.letters)
    query = "、".join(f"{name}={value}" for name, value in scope.query)
    return Line(scope.context, scope.type, bool(letters & _READS), bool(letters & _WRITES), query)


def lines(scopes: Scopes) -> list[Line]:
    """Return what scopes open, in the order in which they were asked for."""
    return list(dict.fromkeys(_line(one) for one in scopes.resources))


def _policy(redirect_uri: str) -> str:
    """Return the page's policy: its form leads, in the end, to the app."""
    parts = urlsplit(redirect_uri)
    target = f"{parts.scheme}://{parts.netloc}" if parts.scheme in ("http", "https") else f"{parts.scheme}:"
    return HEADERS["content-security-policy"].replace("form-action 'self'", f"form-action 'self' {target}")


async def _choice(visit: Visit) -> dict[str, Any]:
    """Return whom the person can choose from."""
    check_role(visit.caller, "patients")
    typed = visit.web.query_params.get("find", "").strip()[:200]
    found, total = await find(visit, typed) if typed else ([], 0)
    return {"find": typed, "found": found, "total": total, "most": MOST_FOUND, "sites": await read_sites(visit.hub)}


async def _patient(visit: Visit, id_: str) -> Stored | None:
    return await visit.fhir.record.read("Patient", id_) if id_ else None


async def _page(visit: Visit, asked: Asked) -> Response:
    chosen = asked.launch.patient if asked.launch else ""
    patient = await _patient(visit, chosen)
    values: dict[str, Any] = {
        "app": asked.client.title,
        "site": urlsplit(asked.redirect_uri).netloc or asked.redirect_uri,
        "lines": lines(asked.scopes),
        "others": asked.scopes.others,
        "patient": someone(patient, today(visit)) if patient else None,
        "kept": [(name, value) for name, value in visit.web.query_params.multi_items() if name not in ("find", "lang")],
        "choice": await _choice(visit) if asked.needs_choice else None,
        "query": visit.web.url.query,
    }
    response = render(visit.web, Page("authorize.html", values), visit.caller)
    response.headers["content-security-policy"] = _policy(asked.redirect_uri)
    return response


async def _decide(visit: Visit, asked: Asked) -> Response:
    if one(visit.form, "decision") != "allow":
        raise asked.refuse("access_denied", "The person has refused")
    launched = asked.launch.patient if asked.launch else ""
    id_ = launched or (one(visit.form, "patient") if asked.needs_choice else "")
    if asked.needs_choice:
        check_role(visit.caller, "patients")
        if not id_:
            return await _page(visit, asked)
    patient = await _patient(visit, id_)
    hub, about = visit.hub, _about(visit, patient)
    async with hub.database.write() as connection:
        code = await grant(hub, connection, asked, visit.caller, visit.secret, patient)
        refusal = None if code else "The launch was used in the meantime"
        text = f"{asked.client.id} was allowed {asked.scopes.text}"
        event = told(
            hub, visit.web, "authorize", client=asked.client.id, description=text[:1000], refusal=refusal, **about
        )
        await hub.audit.stage(connection, [event])
    visit.fhir.recorded = True
    if code is None:
        raise asked.refuse("access_denied", "The launch was used in the meantime")
    return moved(answered(hub, asked.redirect_uri, code=code, state=asked.state))


def _about(visit: Visit, patient: Stored | None = None) -> dict[str, Any]:
    caller = visit.caller
    members: dict[str, Any] = {
        "user": caller.user,
        "user_name": caller.user_title,
        "organisation": caller.organisation_reference,
        "role": caller.role,
        "purpose": caller.purpose,
    }
    return members | ({"patient": f"Patient/{patient.id}", "patient_key": patient.patient_key} if patient else {})


async def _refused(visit: Visit, error: AuthorizationRefused) -> Response:
    client = visit.web.query_params.get("client_id", "")
    if not visit.fhir.recorded:
        refusal = f"{error.error}: {error}"
        event = told(visit.hub, visit.web, "authorize", client=client, refusal=refusal, **_about(visit))
        await visit.hub.audit.append([event])
        visit.fhir.recorded = True
    return moved(error.address(visit.hub))


async def _work(visit: Visit) -> Response:
    pairs: Sequence[tuple[str, str]] = visit.web.query_params.multi_items()
    try:
        asked = await asked_of(visit.hub, [pair for pair in pairs if pair[0] not in ("find", "lang")])
        try:
            check_person(asked, visit.caller)
            if visit.web.method == "POST":
                return await _decide(visit, asked)
            return await _page(visit, asked)
        except Forbidden as error:
            raise asked.refuse("access_denied", "The person's role may not choose a patient") from error
        except FhirError as error:
            # Hidden and never-existing are one answer, also to the app.
            raise asked.refuse("access_denied", "The patient does not exist for the person") from error
    except AuthorizationRefused as error:
        return await _refused(visit, error)


async def authorize(request: Request) -> Response:
    """Ask the person, or do what the person said."""
    if COOKIE not in request.cookies and request.headers.get("sec-fetch-site") == "cross-site":
        return render(request, Page("authorize_again.html", {"query": request.url.query}))
    return await view(request, "", _work, interaction="authorize")
