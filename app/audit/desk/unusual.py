"""What is unusual about an access, and why: a rule for each kind.

The kinds are those that reviewers of hospitals ask for (安全管理ガイドライン 6.0 シス17④). A rule says what is worth a
look; whether it was right is the auditor's to find out.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from app.audit.desk import kinds
from app.audit.desk.names import Whose, bears, spoken
from app.audit.desk.noticed import FLAGGED, FOR_GOOD, SAW, SEEN_BY, SITE, Noticed
from app.audit.record import Event

Reason = Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Limits:
    """From when on something is unusual; see the settings `flag_…`."""

    kinds: frozenset[str]
    patients: int
    """Persons whom one account may see in a day."""
    people: int
    """Accounts that may see one person in a day."""
    hours: tuple[int, int]
    """The minutes of the day at which usual hours begin and end."""


@dataclass(frozen=True, slots=True)
class Access:
    """Somebody has opened a patient's record."""

    event: Event
    whose: Whose
    user: int
    """The account, hashed."""
    person: int
    """The person whose record it was, hashed."""
    site: int
    """The site whose records they are, hashed."""
    colleagues: frozenset[str]
    """The names of the people of the account's organisation, folded."""

    @property
    def day(self) -> int:
        """The day in Japan."""
        return kinds.day_of(self.event.recorded)

    @property
    def name(self) -> str:
        """The name of the person who looked."""
        return self.event.user_name or ""


Rule = Callable[[Access, Noticed, Limits], Reason | None]


def vip(access: Access, noticed: Noticed, _: Limits) -> Reason | None:
    """Return why a Patient is somebody important, once for each account, person and day."""
    found = access.whose.important
    return {"by": found} if found and _is_first(kinds.VIP, access, noticed) else None


def colleague(access: Access, noticed: Noticed, _: Limits) -> Reason | None:
    """Return how the patient is known as somebody of the account's own organisation, the person itself included."""
    own = not access.whose.wholes.isdisjoint(spoken(access.name)) if access.name else False
    if own:
        by = "own-name"
    elif access.whose.employee and access.event.custodian == access.event.organisation:
        by = "label"
    elif not access.whose.wholes.isdisjoint(access.colleagues):
        by = "name"
    else:
        return None
    return {"by": by} if _is_first(kinds.COLLEAGUE, access, noticed) else None


def family_name(access: Access, noticed: Noticed, _: Limits) -> Reason | None:
    """Return that the patient has the family name of who looked."""
    if not access.name or not bears(access.name, access.whose.families):
        return None
    return {} if _is_first(kinds.FAMILY_NAME, access, noticed) else None


def many_patients(access: Access, noticed: Noticed, limits: Limits) -> Reason | None:
    """Return that an account has seen more persons in a day than is usual."""
    new = noticed.add(SAW, access.user, access.day, access.person, most=limits.patients)
    count = noticed.count(SAW, access.user, access.day)
    return {"by": "day", "usual": limits.patients} if new and count == limits.patients + 1 else None


def many_people(access: Access, noticed: Noticed, limits: Limits) -> Reason | None:
    """Return that more have seen a person in a day than is usual."""
    new = noticed.add(SEEN_BY, access.person, access.day, access.user, most=limits.people)
    count = noticed.count(SEEN_BY, access.person, access.day)
    return {"usual": limits.people} if new and count == limits.people + 1 else None


def out_of_hours(access: Access, noticed: Noticed, limits: Limits) -> Reason | None:
    """Return when it was, out of the usual hours: the first access of an account on a day."""
    minute, (begins, ends) = kinds.minute_of(access.event.recorded), limits.hours
    if begins <= minute < ends or not noticed.add(FLAGGED[kinds.OUT_OF_HOURS], access.user, access.day, 0):
        return None
    usual = f"{begins // 60:02}:00-{ends // 60:02}:00"
    return {"at": f"{minute // 60:02}:{minute % 60:02}", "usual": usual}


def first_access(access: Access, noticed: Noticed, _: Limits) -> Reason | None:
    """Return that an account has never seen records of another site before."""
    event = access.event
    if event.custodian is None or event.custodian == event.organisation:
        return None
    return {} if noticed.add(SITE, access.user, FOR_GOOD, access.site) else None


def _is_first(kind: str, access: Access, noticed: Noticed) -> bool:
    """Return whether nothing of this kind was flagged for the account and the person on the day."""
    return noticed.add(FLAGGED[kind], access.user, access.day, access.person)


RULES: Mapping[str, Rule] = {
    kinds.VIP: vip,
    kinds.COLLEAGUE: colleague,
    kinds.FAMILY_NAME: family_name,
    kinds.MANY_PATIENTS: many_patients,
    kinds.MANY_PEOPLE: many_people,
    kinds.OUT_OF_HOURS: out_of_hours,
    kinds.FIRST_ACCESS: first_access,
}
"""By kind; break-glass, and what the hub itself has warned of, are flagged as they are recorded."""


def unusual(access: Access, noticed: Noticed, limits: Limits) -> Iterator[tuple[str, Reason]]:
    """Yield the kinds of what is unusual about an access, each with its reason."""
    for kind, rule in RULES.items():
        reason = rule(access, noticed, limits)
        if reason is not None and kind in limits.kinds:
            yield kind, reason
