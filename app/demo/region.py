"""The region: two hospitals, three clinics, the secretariat and the audit office, and everybody in it.

region(20260401).site("hospital-a").name  # 北緑中央総合病院
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from app.demo.accounts import ACCOUNTS, Account, Client, clients
from app.demo.consents import DefaultConsent, consents
from app.demo.people import Person, SitePatient, people
from app.demo.sites import SITES, Site

TODAY = date(2026, 4, 1)


@dataclass(frozen=True, slots=True)
class Region:
    """Everything the demo loads, but for the records, which are made site by site."""

    seed: int
    today: date
    """The day the demo plays on; every record is of the four years before it."""
    sites: tuple[Site, ...]
    accounts: tuple[Account, ...]
    clients: tuple[Client, ...]
    persons: tuple[Person, ...]
    consents: tuple[DefaultConsent, ...]
    """One for each person, in the same order."""

    def site(self, slug: str) -> Site:
        """Return a site by its slug; raises KeyError when there is none."""
        return {site.slug: site for site in self.sites}[slug]

    def person(self, slug: str) -> Person:
        """Return a person by their slug; raises KeyError when there is none."""
        return {person.slug: person for person in self.persons}[slug]

    def patients(self, slug: str) -> Iterator[SitePatient]:
        """Yield the patients a site knows; raises KeyError when there is no such site."""
        site = self.site(slug)
        for person in self.persons:
            if patient := person.at(site.slug):
                yield patient

    def doctor(self, slug: str, department: str) -> Account:
        """Return the doctor of a site's department, or its first doctor where the department has none."""
        found = [who for who in self.accounts if who.site == slug and who.role == "doctor"]
        return next((who for who in found if who.department == department), found[0])


def region(seed: int = 20260401, today: date = TODAY) -> Region:
    """Return the demo region, the same for the same arguments.

    Args:
        seed: Draws patient numbers, addresses, days and values; the names and stories are always the same.
        today: The day the demo plays on.

    Raises:
        ValueError: Somebody of the region is not born by `today`.
    """
    persons = people(seed)
    if today < max(person.birth for person in persons):
        raise ValueError(f"somebody of the region is not born by {today.isoformat()}")
    care_sites = tuple(site.slug for site in SITES if site.kind != "office")
    return Region(
        seed,
        today,
        SITES,
        ACCOUNTS,
        clients(SITES),
        persons,
        consents(seed, today, persons, care_sites),
    )
