"""Consents: what everybody of the region has agreed to when the demo starts.

The patterns of Japanese networks: all sites (一括), a list of sites (施設リスト), a pair of sites (施設間),
none, and withdrawal. Custody needs no consent: a site reads its own records whatever stands here. These are
plain values; the consent desk writes the FHIR Consent.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from app.demo.people import Person
from app.demo.seeds import draw

Pattern = Literal["all-sites", "site-list", "site-pair", "none", "withdrawn"]

_PATTERNS: tuple[Pattern, ...] = (
    "all-sites",
    "site-pair",
    "all-sites",
    "site-list",
    "all-sites",
    "none",
    "all-sites",
    "withdrawn",
)
"""Dealt out in turn, so that half of the people consent to all sites."""

_EXCLUDED: dict[str, tuple[str, ...]] = {
    "tadashi": ("MedicationRequest",),
    "kiichiro": ("ImagingStudy",),
    "isao": ("DocumentReference",),
}
"""Person to the resource types they keep back from everybody else."""

_RELEASED: dict[str, tuple[str, ...]] = {"nana": ("PSY",)}
"""Person to the sensitivity labels they release; a label that is not released is withheld."""


@dataclass(frozen=True, slots=True)
class DefaultConsent:
    """One person's answer, taken at one desk."""

    person: str
    desk: str
    """The slug of the site where it was taken."""
    pattern: Pattern
    disclosing: tuple[str, ...]
    """Slugs of the sites whose records may be shown; empty with pattern `none`."""
    receiving: tuple[str, ...]
    """Slugs of the sites that may see them; empty with pattern `none`."""
    since: date
    withdrawn: date | None
    excluded_types: tuple[str, ...] = ()
    released_labels: tuple[str, ...] = ()


def consents(
    seed: int, today: date, persons: tuple[Person, ...], care_sites: tuple[str, ...]
) -> tuple[DefaultConsent, ...]:
    """Return one answer for each person, in their order.

    Args:
        seed: The region's seed.
        today: The region's today; answers were given in the year before it.
        persons: Everybody.
        care_sites: Slugs of the hospitals and clinics, the meaning of "all sites".
    """
    return tuple(
        _consent(seed, today, person, _PATTERNS[index % len(_PATTERNS)], care_sites)
        for index, person in enumerate(persons)
    )


def _consent(seed: int, today: date, person: Person, pattern: Pattern, care_sites: tuple[str, ...]) -> DefaultConsent:
    known = tuple(patient.site for patient in person.patients)
    others = tuple(site for site in care_sites if site not in known)
    disclosing, receiving = {
        "all-sites": (care_sites, care_sites),
        "site-list": (known, (*known, *others[:1])),
        "site-pair": (known[:1], (*known, *others)[1:2]),
        "none": ((), ()),
        "withdrawn": (care_sites, care_sites),
    }[pattern]
    days = draw(seed, "consent", person.slug).randrange(120, 360)
    return DefaultConsent(
        person.slug,
        known[0],
        pattern,
        disclosing,
        receiving,
        today - timedelta(days=days),
        today - timedelta(days=days // 3) if pattern == "withdrawn" else None,
        _EXCLUDED.get(person.slug, ()),
        _RELEASED.get(person.slug, ()),
    )
