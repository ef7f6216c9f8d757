"""From a template and its values to an answer: texts, escaping, and the headers that every page carries.

https://www.w3.org/TR/CSP3/; nothing is loaded from elsewhere, nothing inline is run, nothing is kept by a cache.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from app.access.caller import Caller
from app.access.identify import COOKIE as SESSION_COOKIE
from app.access.sessions import csrf_token
from app.hub import Hub
from app.portal import language
from app.portal.dates import moment
from app.portal.roles import links

HERE = Path(__file__).parent

HEADERS = {
    "content-security-policy": (
        "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "cache-control": "no-store",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}
"""Referrers stay inside: with `no-referrer` a form would carry no Origin, and could not be told from another site's."""

_environment = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)


@dataclass(frozen=True, slots=True)
class Page:
    """What a template shows."""

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200


def address_with(request: Request, **changes: str | list[str] | None) -> str:
    """Return the request's own address with some parameters changed; None takes one away."""
    pairs = [(name, value) for name, value in request.query_params.multi_items() if name not in changes]
    for name, value in changes.items():
        pairs += [(name, one) for one in ([value] if isinstance(value, str) else value or [])]
    return f"{request.url.path}?{urlencode(pairs)}" if pairs else request.url.path


def _since(microseconds: int) -> str:
    return f"{moment(microseconds):%Y-%m-%d %H:%M}"


def render(request: Request, page: Page, caller: Caller | None = None) -> Response:
    """Return the answer that shows `page` in the language of the request.

    Args:
        request: The request.
        page: What to show.
        caller: The person who is signed in.
    """
    hub: Hub = request.app.state.hub
    spoken = language.language_of(request)
    secret = request.cookies.get(SESSION_COOKIE, "")
    chosen = language.words(spoken)
    html = _environment.get_template(page.template).render(
        **page.values,
        t=chosen,
        lang=spoken,
        other_languages=[(one, address_with(request, lang=one)) for one in language.LANGUAGES if one != spoken],
        caller=caller,
        links=links(caller) if caller and not caller.link else (),
        path=request.url.path,
        here=address_with(request),
        lock_seconds=hub.settings.session_minutes * 60,
        since=_since,
        csrf=csrf_token(secret) if caller else "",
        region=hub.settings.region,
    )
    response = HTMLResponse(html, page.status, {**HEADERS, "content-language": spoken})
    if request.query_params.get("lang") == spoken:
        remember_language(response, spoken, secure=hub.settings.cookie_secure)
    return response


def remember_language(response: Response, spoken: str, *, secure: bool) -> None:
    """Set the cookie that keeps the chosen language for a year."""
    response.set_cookie(*(language.COOKIE, spoken), max_age=31_536_000, secure=secure, httponly=True, samesite="strict")
