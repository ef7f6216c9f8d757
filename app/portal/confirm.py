"""記録確定: what was entered is shown once more, with who enters it and for whom, before it counts.

What counts is what was shown: the second form carries a seal of the first and of what was shown of it, which only a
page of this session can make. Where the consent or the patients have changed meanwhile, it is shown anew.
"""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson

from app.access.rights.listed import rights
from app.access.sessions import csrf_token
from app.entries.entry import MYSELF, Responsible
from app.portal.forms import Form, one
from app.portal.gate import Visit
from app.portal.language import language_of, words
from app.portal.page import Page
from app.portal.roles import HEADS, PAGES
from fhir.errors import InvalidValue

_OF_THE_STEP = ("csrf", "shown", "responsible")
"""Fields that are no part of what was entered."""

_NAMES = tuple(f"entries.fact_{one}" for one in ("patient", "one", "other", "stated", "here"))
"""Facts that name a patient: who reviews entries need not know whom."""


def _entered(form: Form) -> Form:
    return {name: values for name, values in form.items() if name not in _OF_THE_STEP}


@dataclass(frozen=True, slots=True)
class Shown:
    """What is shown before it counts."""

    kind: str
    """One of `app.entries.entry.KINDS`."""
    facts: Sequence[tuple[str, str]]
    """Keys of texts, and what was entered."""
    back: str
    """The page it was entered on."""
    page: str = ""
    """Whose page it is in `app.portal.roles.PAGES`, when it may be entered for somebody else."""
    file: Mapping[str, str] | None = None
    """The field of a file that goes with it, and which kinds it takes."""


def seal(visit: Visit, shown: Shown) -> str:
    """Return the seal of what a form says and what is shown of it, for this session and this address."""
    facts = [list(fact) for fact in shown.facts]
    said = orjson.dumps([visit.web.url.path, sorted(_entered(visit.form).items()), facts])
    return hmac.digest(csrf_token(visit.secret).encode(), b"shown\0" + said, "sha256").hex()


def is_confirmed(visit: Visit, shown: Shown) -> bool:
    """Return whether just this was shown once more, and the form sent again."""
    return hmac.compare_digest(one(visit.form, "shown").encode(), seal(visit, shown).encode())


def said(visit: Visit, shown: Shown) -> str:
    """Return what was shown, as it is kept: in the language of the page, and without the patient's name."""
    t = words(language_of(visit.web))
    return " / ".join(f"{t(key)}: {value}" for key, value in shown.facts if value and key not in _NAMES)


async def _others(visit: Visit, page: str) -> list[Responsible]:
    """Return the people of the own organisation who may enter the same, so that it is entered for them."""
    if not page:
        return []
    now = visit.fhir.now
    people = await rights(visit.hub.database.reader, now, visit.caller.organisation)
    return [
        Responsible(right.name, right.title)
        for right in people
        if right.state(now) == "active" and right.name != visit.caller.user
        if right.role in PAGES[page] or (right.head and page in HEADS)
    ]


async def responsible_of(visit: Visit, page: str) -> Responsible:
    """Return for whom a confirmed form is entered.

    Raises:
        InvalidValue: it is nobody who may enter it.
    """
    name = one(visit.form, "responsible")
    if not name:
        return MYSELF
    for known in await _others(visit, page):
        if known.name == name:
            return known
    raise InvalidValue("Nobody of that name may enter this", "responsible")


async def ask(visit: Visit, shown: Shown) -> Page:
    """Return the page that shows what was entered, and lets it be confirmed or put right."""
    fields = [(name, value) for name, values in _entered(visit.form).items() for value in values]
    return Page(
        "confirm.html",
        {
            "shown": shown,
            "seal": seal(visit, shown),
            "fields": fields,
            "others": await _others(visit, shown.page),
            "now": visit.hub.clock(),
        },
    )
