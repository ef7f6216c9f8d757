"""A token of the purpose BTG: a system opens one person's records for one of its people, in an emergency.

ITI-71 with the purpose of use BTG, and beside it whose record (`patient`), why (`reason_code`, `reason`) and who: of
the assertion's `extensions.ihe_iua`, or of the form, `subject_name` and `subject_role`; `subject` is the person's name
at the site. The token reads what a case of break-glass opens, of that person alone, and writes nothing.
https://profiles.ihe.net/ITI/IUA/index.html#371413-jwt-access-token
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from app.access import epoch
from app.access.caller import Caller, Role
from app.access.oauth.client_credentials import scopes_of
from app.access.oauth.of_patient import of_one_patient, patient_of, system_of
from app.access.oauth.token import Asking, bound_to
from app.access.tokens import Issue, TokenRefused, digest, issue
from app.consent.break_glass import reasons
from app.consent.break_glass.begin import Breaking, begin
from app.one_line import one_line
from app.records.record import StaleCaller
from fhir.errors import InvalidValue

LONGEST_NAME = 200
"""Characters of a person's name."""

MOST_ATTEMPTS = 3
"""How often a token is made anew when rights change meanwhile."""


def _iua(claims: Mapping[str, Any]) -> Mapping[str, Any]:
    extensions = claims.get("extensions")
    found = extensions.get("ihe_iua") if isinstance(extensions, dict) else None
    return found if isinstance(found, dict) else {}


def _coded(value: Any) -> str:
    """Return the code of a claim that is a list of Codings, a Coding, or a text."""
    first = value[0] if isinstance(value, list) and value else value
    code = first.get("code") if isinstance(first, dict) else first
    return code if isinstance(code, str) else ""


def _text(value: Any, name: str) -> str:
    found = one_line(value, LONGEST_NAME) if isinstance(value, str) else ""
    if not found:
        raise TokenRefused("invalid_request", f"In break-glass {name} is there, of {LONGEST_NAME} characters at most")
    return found


def _person(asking: Asking, system: Caller) -> Caller:
    """Return the person for whom a system asks.

    Raises:
        TokenRefused: it does not say who that is, or the role may not break the glass.
    """
    iua, form = _iua(asking.proved.claims), asking.form
    title = _text(iua.get("subject_name") or form.get("subject_name"), "subject_name")
    name = _text(form.get("subject") or title, "subject")
    role = _coded(iua.get("subject_role") or form.get("subject_role", "")).rpartition("|")[2]
    if role not in asking.hub.settings.break_glass_allowed:
        raise TokenRefused("invalid_request", "This role does not break the glass")
    return replace(system, role=cast("Role", role), user=name, user_title=title)


def _reason(asking: Asking) -> tuple[str, str]:
    try:
        return reasons.checked(asking.form.get("reason_code", ""), asking.form.get("reason", ""))
    except InvalidValue as error:
        raise TokenRefused("invalid_request", error.diagnostics) from error


async def token_in_emergency(asking: Asking) -> dict[str, Any]:
    """Begin a case and issue the token that it is for; both, and their records, are one transaction.

    Raises:
        TokenRefused: without a reason, a person of a role that may, or a Patient that the client may see.
    """
    scope = of_one_patient(scopes_of(asking), "rs")
    code, reason = _reason(asking)
    for _ in range(MOST_ATTEMPTS):
        try:
            return await _issued(asking, scope, code, reason)
        except StaleCaller:
            continue
    raise TokenRefused("temporarily_unavailable", "Rights keep changing; please try again")


async def _issued(asking: Asking, scope: str, code: str, reason: str) -> dict[str, Any]:
    hub = asking.hub
    system = await system_of(asking)
    person = _person(asking, system)
    asking.about |= {"user": person.user, "user_name": person.user_title, "role": person.role}
    patient = await patient_of(asking, system)
    if patient is None:
        raise TokenRefused("invalid_request", "patient is a Patient that the client may see")
    now, seconds = hub.clock(), hub.settings.break_glass_minutes * 60
    what = Issue(asking.client.key, "BTG", scope, certificate=bound_to(asking))
    async with hub.database.write() as connection:
        if await epoch.current(connection) != system.epoch:
            raise StaleCaller
        await asking.proved.settle(connection, now)
        text = await issue(connection, what, now=now, seconds=seconds)
        breaking = Breaking(person, digest(text), patient, code, reason)
        network = asking.request.client.host if asking.request.client else ""
        await begin(hub, connection, breaking, network=network, path=asking.request.url.path)
        await hub.audit.stage(connection, [asking.tell()])
    return {
        "access_token": text,
        "token_type": "Bearer",
        "expires_in": seconds,
        "scope": scope,
        "patient": patient.id,
    }
