"""What happened at a site in a month, counted off the log: disclosures, refusals, break-glass, sign-ins, consents.

安全管理ガイドライン 6.0, システム運用編 17④: the log is looked at regularly. docs/reports.md says what a line counts.
"""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from app.audit.record import Event
from app.consent.third_party import ON_BEHALF
from app.reports.access import Did, did, is_told_again, kinds, touches

LINES = (
    *("own", "given", "taken", "on-behalf", "changed", "deleted", "failed", "refused", "printed"),
    *("break-glass", "break-glass-review", "sign-in", "sign-in-failed", "consent", "linked", "accounts"),
)
"""What is counted, in this order."""

_LINKS = frozenset({"link", "unlink", "identity-review"})
_SIGN_IN = "sign-in"


@dataclass(slots=True)
class OfAccount:
    """What an account or a client did."""

    name: str
    role: str
    site: str
    counts: Counter[str] = field(default_factory=Counter)
    patients: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Month:
    """What a month comes to."""

    site: str
    """`Organization/<id>`; empty for the whole region."""
    counts: Counter[str] = field(default_factory=Counter)
    patients: dict[str, set[str]] = field(default_factory=dict)
    """Patients of each line."""
    others: dict[str, Counter[str]] = field(default_factory=dict)
    """By the other site: what was `given` to it and `taken` from it."""
    accounts: dict[tuple[str, str], OfAccount] = field(default_factory=dict)
    """By account and client."""
    emergencies: list[Event] = field(default_factory=list)
    """Each time the glass was broken, by the site or to its records."""

    def add(self, event: Event) -> None:
        """Count an event of the site."""
        if is_told_again(event):
            return
        of_caller = self.site in ("", event.organisation)
        lines = set(self._lines(event, of_caller=of_caller))
        for line in lines:
            self.counts[line] += 1
            if event.patient is not None:
                self.patients.setdefault(line, set()).add(event.patient)
        for line, other in (("given", event.organisation), ("taken", event.custodian)):
            if line in lines and self.site:
                self.others.setdefault(other or "", Counter())[line] += 1
        if event.interaction == "break-glass" and event.outcome == "0":
            self.emergencies.append(event)
        if of_caller and (event.user or event.client):
            self._account(event, lines)

    def _lines(self, event: Event, *, of_caller: bool) -> list[str]:
        found = _of_record(event, self.site, of_caller=of_caller) if touches(event) else []
        done = event.outcome == "0"
        if not of_caller:
            return found + ([event.interaction] if event.interaction == "break-glass" and done else [])
        if event.interaction == _SIGN_IN:
            return [_SIGN_IN if done else "sign-in-failed"]
        if event.interaction in ("break-glass", "break-glass-review") and done:
            return [event.interaction]
        if event.interaction == "refused":
            return ["refused"]
        if not done:
            return ["failed"]
        if event.interaction in _LINKS:
            found.append("linked")
        if event.interaction == "account":
            found.append("accounts")
        if event.interaction == "print":
            found.append("printed")
        if did(event) is not Did.READ and "Consent" in kinds(event):
            found.append("consent")
        return found

    def _account(self, event: Event, lines: set[str]) -> None:
        who = (event.user or "", event.client or "")
        known = self.accounts.get(who)
        if known is None:
            known = self.accounts[who] = OfAccount(event.user_name or "", event.role or "", event.organisation or "")
        known.counts.update(lines)
        if touches(event):
            known.patients.add(str(event.patient))


def _of_record(event: Event, site: str, *, of_caller: bool) -> list[str]:
    """Return the lines of an event that touched a record: a disclosure within the site, to another, or from one."""
    done = did(event)
    if done is not Did.READ:
        return [done.value] if site in ("", event.custodian) else []
    if event.custodian == event.organisation or event.custodian is None:
        return ["own"] if of_caller else []
    if event.role in ON_BEHALF:
        return ["on-behalf"]
    if not site:
        return ["given", "taken"]
    return ["taken" if of_caller else "given"]


async def count(events: AsyncIterator[Event], site: str) -> Month:
    """Return what the events of a period come to for a site, or for the region when `site` is empty."""
    found = Month(site)
    async for event in events:
        found.add(event)
    return found
