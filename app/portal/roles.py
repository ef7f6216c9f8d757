"""Which page each role may open."""

from app.access.caller import Caller, Role
from app.consent.decide import SEES, WRITES
from fhir.errors import Forbidden
from fhir.store.categories import Category

_CARE: frozenset[Role] = frozenset({"doctor", "nurse", "pharmacist", "clerk"})

PAGES: dict[str, frozenset[Role]] = {
    "patients": frozenset(role for role in SEES if SEES[role] >> Category.IDENTITY & 1),
    "timeline": _CARE,
    "consents": frozenset(role for role, mask in WRITES.items() if role != "system" and mask >> Category.CONSENT & 1),
    "identity": frozenset({"secretariat"}),
    "audit": frozenset({"auditor"}),
    "third-party": frozenset({"clerk", "secretariat", "auditor"}),
}
"""By page. The timeline is for care; the secretariat finds people to keep their consents, and reads no record."""

_MENU = (
    ("patients", "/patients"),
    ("consents", "/consents"),
    ("identity", "/identity"),
    ("audit", "/audit"),
    ("third-party", "/third-party"),
)


def links(caller: Caller) -> tuple[tuple[str, str], ...]:
    """Return the name and the address of each page that the caller's menu shows."""
    return tuple((name, address) for name, address in _MENU if caller.role in PAGES[name])


def check_role(caller: Caller, page: str) -> None:
    """Check that the caller's role may open a page.

    Raises:
        Forbidden: it may not.
    """
    if caller.role not in PAGES[page]:
        raise Forbidden(f"The role {caller.role} does not open this page")
