"""Whom an account, a site, a client or an address affected, and with what: what the log says of a breach."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from app.audit.keys import Keys
from app.audit.record import Event
from app.audit.review import Question
from app.reports.access import Did, asked, did, is_told_again, kinds, resources, touches
from app.reports.erased import KnownNames

MOST_ACCESSES = 100_000
"""Accesses that are listed one by one; all are counted."""

MOST_NAMED = 200
"""Resources that are named of one patient; all are counted, up to `MOST_COUNTED`."""

MOST_COUNTED = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """By whom a breach may have come; an empty text means anybody."""

    account: str = ""
    site: str = ""
    """`Organization/<id>`: those who acted for it."""
    client: str = ""
    address: str = ""
    """A network address."""
    holder: str = ""
    """`Organization/<id>`: only its records."""
    begins: int = 0
    ends: int = 2**62

    def question(self) -> Question:
        """Return what the index of the log is asked; the rest is looked at event by event."""
        agent = "" if self.account else self.client or self.site or self.holder
        return Question(user=self.account, agent=agent, begins=self.begins, ends=self.ends)

    def known(self, keys: Keys, organisations: Sequence[str]) -> KnownNames:
        """Return what finds this suspect in erased records too.

        Args:
            keys: The audit keys.
            organisations: The references of the region's organisations.
        """
        users, clients = ([name] if name else [] for name in (self.account, self.client))
        return KnownNames(keys, users=users, clients=clients, organisations=organisations)

    def is_met(self, event: Event) -> bool:
        """Return whether an event is of this suspect.

        The address of an erased event is not known to anybody: it may be the one.
        """
        pairs = (
            *((self.account, event.user), (self.site, event.organisation), (self.client, event.client)),
            *((self.address, self.address if event.erased else event.network), (self.holder, event.custodian)),
        )
        return all(wanted in ("", found) for wanted, found in pairs)


@dataclass(slots=True)
class Patient:
    """A site's Patient that was affected."""

    reference: str
    key: int | None
    """None when the details are erased."""
    holder: str
    first: int
    last: int
    did: Counter[Did] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    """Accesses by type of data."""
    resources: set[str] = field(default_factory=set)

    def add(self, event: Event) -> None:
        """Count an access."""
        self.first, self.last = min(self.first, event.recorded), max(self.last, event.recorded)
        self.did[did(event)] += 1
        self.kinds.update(kinds(event))
        if len(self.resources) < MOST_COUNTED:
            self.resources.update(resources(event))


@dataclass(slots=True)
class Affected:
    """What a breach comes to."""

    patients: dict[str, Patient] = field(default_factory=dict)
    by: Counter[tuple[str, str, str, str, str]] = field(default_factory=Counter)
    """Accesses by account, name, organisation, client and address."""
    whom: dict[tuple[str, str, str, str, str], set[str]] = field(default_factory=dict)
    """Patients of each of these."""
    accesses: list[Event] = field(default_factory=list)
    """The first `MOST_ACCESSES`, the newest first."""
    count: int = 0
    failed: int = 0
    """What was tried and not done: nobody was affected by it."""

    def add(self, event: Event) -> None:
        """Take an event of the suspect."""
        if not touches(event):
            self.failed += event.outcome != "0" and not is_told_again(event)
            return
        reference, holder = str(event.patient), event.custodian or ""
        known = self.patients.get(reference)
        if known is None:
            known = Patient(reference, event.patient_key, holder, event.recorded, event.recorded)
            self.patients[reference] = known
        known.add(event)
        who = (event.user or "", event.user_name or "", event.organisation or "", event.client or "")
        at = (*who, event.network or "")
        self.by[at] += 1
        self.whom.setdefault(at, set()).add(reference)
        self.count += 1
        if len(self.accesses) < MOST_ACCESSES:
            self.accesses.append(event)


async def gather(events: AsyncIterator[Event], suspect: Suspect) -> Affected:
    """Return what a suspect did, off the events of the period."""
    found = Affected()
    async for event in events:
        if suspect.is_met(event):
            found.add(event)
    return found


def what(event: Event) -> str:
    """Return what an access was about, as the log knows it: resources by id, else the address that was asked."""
    return " ".join(resources(event)) or asked(event)
