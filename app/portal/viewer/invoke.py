"""Invoke Image Display (RAD-106): one GET by which any system opens the viewer for a study or a patient.

IHE RAD TF-2: 4.106, https://www.ihe.net/resources/technical_frameworks/. A person is signed in first; a browser without
a session brings the token of a link (`links.py`).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from app.access.cookies import IMAGES_COOKIE
from app.access.image_links import use
from app.access.oauth.events import told
from app.audit.log import AuditUnavailable
from app.db import DatabaseUnavailable
from app.hub import Hub
from app.identity.scope import patient_keys
from app.imaging.imaging_study import accession_numbers, study_uid
from app.portal.gate import Visit, failure, moved, view
from app.portal.images import Study
from app.portal.people import body_of
from app.portal.viewer.study import find_copies, find_studies, studies_of
from app.records.enumeration import Asking
from app.records.query import read_query
from app.records.refusal import record_refusal
from app.records.request import FhirRequest
from dicom.values import is_uid
from fhir.errors import InvalidValue, NotFound
from fhir.search.run import search
from fhir.search.values import escape
from fhir.store.stored import Stored

ADDRESS = "/IHEInvokeImageDisplay"
LONGEST = 400
"""Characters of a parameter."""

MOST_STATED = 20
"""Values of a list."""

_TIME = re.compile(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2}(T.{4,30})?)?)?")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be opened."""

    patient_key: int
    patient_id: str
    study: str
    """StudyInstanceUID that is opened."""
    beside: str
    """A second one, or an empty text."""
    keys: bool
    """Whether the key images come first."""
    named: tuple[str, ...] = ()
    """The studies that were named; none when it was the patient."""

    @property
    def page(self) -> str:
        """The page, below the hub's address."""
        asked = ([("prior", self.beside)] if self.beside else []) + ([("keys", "1")] if self.keys else [])
        return f"/images/{self.study}" + (f"?{urlencode(asked)}" if asked else "")


def _listed(asked: Mapping[str, str], name: str) -> list[str]:
    """Return the values of a parameter that is a list with commas (or backslashes) between them."""
    text = asked.get(name, "")
    if len(text) > LONGEST * 5:
        raise InvalidValue(f"{name} is too long", name)
    return [one.strip() for one in re.split(r"[,\\]", text) if one.strip()][:MOST_STATED]


def _is_true(asked: Mapping[str, str], name: str) -> bool:
    stated = asked.get(name, "false").lower()
    if stated not in ("true", "false"):
        raise InvalidValue(f"{name} is true or false", name)
    return stated == "true"


async def _by_study(request: FhirRequest, asked: Mapping[str, str]) -> Wanted:
    """Return the study that is named by UID or accession number; of several the first, and the second beside it."""
    found: list[Stored] = []
    for uid in _listed(asked, "studyUID"):
        found += (await find_copies(request, uid))[:1]
    for number in _listed(asked, "accessionNumber") if not found else ():
        matches = await find_studies(request, escape(number))
        numbered = [one for one in matches if number in accession_numbers(body_of(one))][:1]
        request.record.disclosed += numbered
        found += numbered
    if not found:
        if not ("studyUID" in asked or "accessionNumber" in asked):
            raise InvalidValue("studyUID or accessionNumber says which study", "studyUID")
        raise NotFound("There is no such study")
    uids = [study_uid(body_of(one)) for one in found]
    if not uids[0]:
        raise NotFound("There is no such study")
    key = found[0].patient_key
    patient_id = await request.hub.patient_id(key)
    beside = next((uid for uid in uids[1:] if uid), "")
    named = tuple(dict.fromkeys(filter(None, uids)))
    return Wanted(key, patient_id, uids[0], beside, _is_true(asked, "keyImagesOnly"), named)


def patient_identifier(text: str) -> tuple[str, str]:
    """Return the system, or an empty text, and the number of a patientID: `4711^^^&1.2.3&ISO`, or the number alone."""
    number, _, authority = text.partition("^^^")
    parts = authority.split("^")[0].split("&")
    return (f"urn:oid:{parts[1]}" if len(parts) > 1 and is_uid(parts[1]) else ""), number.strip()


async def _patient_of(request: FhirRequest, text: str) -> tuple[int, str]:
    """Return key and id of a Patient; a number without its authority is one of the caller's own site.

    Raises:
        NotFound: there is none for the caller.
        TooManyRequests: the caller has looked for too many that are not its own site's.
    """
    system, number = patient_identifier(text)
    if not number or len(text) > LONGEST:
        raise NotFound("There is no such patient")
    wanted = f"{escape(system)}|{escape(number)}" if system else escape(number)
    record = request.record
    query = read_query(request.hub, "Patient", [("identifier", wanted)])
    page = await search(record.connection, record.visibility, query, patient_keys, limit=10)
    own = request.caller.organisation
    matches = [one for one in page.matches if system or one.custodian == own]
    Asking(request, by_number=True).found(matches)
    if not matches:
        raise NotFound("There is no such patient")
    record.disclosed += matches
    return matches[0].patient_key, matches[0].id


def _times(asked: Mapping[str, str]) -> tuple[str, str]:
    found = [asked.get(name, "") for name in ("lowerDateTime", "upperDateTime")]
    for name, text in zip(("lowerDateTime", "upperDateTime"), found, strict=True):
        if text and not _TIME.fullmatch(text):
            raise InvalidValue(f"{name} is no dateTime", name)
    return found[0], found[1]


def chosen(found: Sequence[Study], asked: Mapping[str, str]) -> list[Study]:
    """Return the studies of a patient that the parameters leave, the newest first.

    Raises:
        InvalidValue: a parameter is malformed.
    """
    lower, upper = _times(asked)
    modalities = {one.upper() for one in _listed(asked, "modalitiesInStudy")}
    most = asked.get("mostRecentResults", "")
    if most and not (most.isascii() and most.isdigit() and len(most) < 5):
        raise InvalidValue("mostRecentResults is a number", "mostRecentResults")
    left = []
    for one in found:
        named = {str(each.get("code", "")).upper() for each in one.item.body.get("modality", ())}
        when = one.item.when
        is_after = not lower or when[: len(lower)] >= lower
        is_before = not upper or (when != "" and when[: len(upper)] <= upper)
        if is_after and is_before and (not modalities or modalities & named):
            left.append(one)
    return left[: int(most)] if most and int(most) else left


async def wanted(request: FhirRequest, asked: Mapping[str, str]) -> Wanted:
    """Return what the parameters of RAD-106 ask for, as far as it exists for the caller.

    Raises:
        InvalidValue: they are malformed.
        NotFound: there is nothing; what is hidden is answered alike.
    """
    kind = asked.get("requestType", "")
    if kind == "STUDY":
        return await _by_study(request, asked)
    if kind != "PATIENT":
        raise InvalidValue("requestType is STUDY or PATIENT", "requestType")
    if not asked.get("patientID"):
        raise InvalidValue("patientID says which patient", "patientID")
    left = chosen([], asked)
    key, patient_id = await _patient_of(request, asked["patientID"])
    left = chosen((await studies_of(request, patient_id))[1], asked)
    if not left:
        raise NotFound("There are no such studies")
    beside = left[1].uid if len(left) > 1 and asked.get("mostRecentResults") not in (None, "", "1") else ""
    return Wanted(key, patient_id, left[0].uid, beside, _is_true(asked, "keyImagesOnly"))


async def invoke(request: Request) -> Response:
    """Open the viewer for what is asked."""
    secret = request.query_params.get("token")
    if secret is not None and request.method == "HEAD":
        # Whatever looks ahead at a link does not use it up.
        return Response(None, 405, {"allow": "GET"})
    if secret is not None:
        return await _by_link(request, secret)

    async def work(visit: Visit) -> Response:
        found = await wanted(visit.fhir, visit.web.query_params)
        return moved(found.page)

    return await view(request, "timeline", work, interaction="search-type", action="E")


async def _by_link(request: Request, secret: str) -> Response:
    """Use a link up, give the browser what it is good for, and lead to the page."""
    hub: Hub = request.app.state.hub
    now = hub.clock()
    try:
        async with hub.database.write() as connection:
            found = await use(connection, secret, now)
            if found is not None:
                link, token = found
                about = {"patient": f"Patient/{link.patient}", "patient_key": link.patient_key}
                event = told(hub, request, "image-link", user=link.user, purpose=link.purpose, **about)
                await hub.audit.stage(connection, [event])
        if found is None:
            recorded = await record_refusal(hub, request.scope, "The link to images is good no more")
            return failure(request, 404 if recorded else 503)
    except (DatabaseUnavailable, AuditUnavailable):
        return failure(request, 503)
    answer = moved(link.opens)
    # Without an age: it goes with the browser, and the token in it ends by itself before.
    # Lax: the browser comes from the system's page, and would not bring a strict cookie along.
    answer.set_cookie(
        *(IMAGES_COOKIE, token),
        path="/",
        secure=hub.settings.cookie_secure,
        httponly=True,
        samesite="lax",
    )
    return answer
