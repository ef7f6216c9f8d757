"""Which page each role may open."""

from app.access.caller import Caller, Role
from app.access.rights.rules import SEE_ALL
from app.consent.decide import SEES, WRITES
from fhir.errors import Forbidden
from fhir.store.categories import Category

_CARE: frozenset[Role] = frozenset({"doctor", "nurse", "pharmacist", "clerk"})

PAGES: dict[str, frozenset[Role]] = {
    "patients": frozenset(role for role in SEES if SEES[role] >> Category.IDENTITY & 1),
    "timeline": _CARE,
    "consents": frozenset(role for role, mask in WRITES.items() if role != "system" and mask >> Category.CONSENT & 1),
    "identity": frozenset({"secretariat"}),
    "media": _CARE - {"pharmacist"},
    "break-glass": _CARE - {"clerk"},
    "break-glass-cases": (_CARE - {"clerk"}) | {"secretariat", "auditor"},
    "explain": frozenset({"secretariat", "auditor"}),
    "audit": frozenset({"auditor"}),
    "own-log": frozenset({"patient", "secretariat"}),
    "own-log-counter": frozenset({"secretariat"}),
    "watched": frozenset({"secretariat"}),
    "third-party": frozenset({"clerk", "secretariat", "auditor"}),
    "rights-requests": frozenset({"secretariat", "auditor"}),
    "entries": (_CARE | {"secretariat", "auditor"}),
    "accounts": SEE_ALL | {"clerk"},
    "organisations": SEE_ALL,
}
"""By page. The timeline is for care; the secretariat finds people to keep their consents, and reads no record."""

HEADS = frozenset({"accounts", "break-glass-cases", "explain"})
"""Pages that the head of a site opens beside those of the role: its people, and what is requested for them;
break-glass; why a record is seen."""

_MENU = (
    ("patients", "/patients"),
    ("consents", "/consents"),
    ("identity", "/identity"),
    ("media", "/media"),
    ("break-glass-cases", "/break-glass/cases"),
    ("explain", "/explain"),
    ("audit", "/audit"),
    ("own-log", "/own-log"),
    ("watched", "/watched"),
    ("third-party", "/third-party"),
    ("rights-requests", "/rights-requests"),
    ("entries", "/entries"),
    ("accounts", "/accounts"),
    ("organisations", "/organisations"),
)

HOMES = {"auditor": "/audit", "secretariat": "/consents", "operator": "/organisations", "patient": "/own-log"}
"""Where a role begins its work; the others begin with a patient."""


def links(caller: Caller) -> tuple[tuple[str, str], ...]:
    """Return the name and the address of each page that the caller's menu shows."""
    return tuple((name, address) for name, address in _MENU if opens(caller, name))


def opens(caller: Caller, page: str) -> bool:
    """Return whether the caller may open a page."""
    return caller.role in PAGES[page] or (caller.head and page in HEADS)


def check_role(caller: Caller, page: str) -> None:
    """Check that the caller's role may open a page.

    Raises:
        Forbidden: it may not.
    """
    if not opens(caller, page):
        raise Forbidden(f"The role {caller.role} does not open this page")
