"""Chart: one patient at one site, and what all the resources made of them have in common."""

import random
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone

from app.demo.accounts import Account, logical
from app.demo.people import Person, SitePatient
from app.demo.region import Region
from app.demo.seeds import draw, urn
from app.demo.sites import Site
from app.demo.stories import STORIES
from app.demo.story import Admission, Image, Story, Visits, When
from app.demo.terms import (
    HL7,
    INDICATION,
    INSTANCE,
    INSTITUTION,
    INSTITUTION_EXTENSION,
    PATIENT_NUMBER,
    Json,
    core,
    identifier,
)

JST = timezone(timedelta(hours=9))
YEARS = 4
"""How far back the records reach."""

Entry = tuple[str, Json]
"""A fullUrl and its resource."""

_TAGS = {"LTS": "長期保存", "UNINFORMED": "未告知", "UNDELIVERED": "未提供"}
_LABELS = {"PSY": "psychiatry disorder information sensitivity"}
LABELS_OF_DEPARTMENT = {"精神科": ("PSY",)}
"""What a department's encounters and prescriptions are labelled with."""


@dataclass(frozen=True, slots=True)
class Chart:
    """One patient at one site, their story, and when its event was."""

    region: Region
    site: Site
    patient: SitePatient
    person: Person
    story: Story
    event: date
    start: date
    """The first day of the records: four years before today, or their birth."""

    @property
    def patient_url(self) -> str:
        """The fullUrl of the Patient."""
        return self.urn("patient")

    @property
    def subject(self) -> Json:
        """A reference to the Patient."""
        return {"reference": self.patient_url, "type": "Patient"}

    @property
    def token(self) -> Json:
        """The Identifier of the Patient at this site."""
        return identifier(PATIENT_NUMBER + self.site.institution, self.patient.number)

    @property
    def visits(self) -> Visits:
        """The plan of their visits at this kind of site."""
        return self.story.hospital if self.site.kind == "hospital" else self.story.clinic

    @property
    def admits(self) -> bool:
        """Whether this is the hospital that treats them: the first of those that know them."""
        hospitals = [patient.site for patient in self.person.patients if patient.site.startswith("hospital")]
        return hospitals[:1] == [self.site.slug]

    @property
    def admission(self) -> Admission | None:
        """The stay at this site, if it has one."""
        return self.story.admission if self.admits else None

    @property
    def images(self) -> tuple[tuple[int, Image, date], ...]:
        """The number, the image and the day of each study this site has made by now."""
        if not self.admits:
            return ()
        days = [(image, self.event + timedelta(days=image.day)) for image in self.story.images]
        return tuple(
            (number, image, day) for number, (image, day) in enumerate(days) if self.start <= day < self.region.today
        )

    def draw(self, *name: object) -> random.Random:
        """Return the generator of a choice about this patient at this site."""
        return draw(self.region.seed, self.site.slug, self.person.slug, *name)

    def urn(self, *name: object) -> str:
        """Return the fullUrl of a resource of this patient at this site."""
        return urn(self.region.seed, self.site.slug, self.person.slug, *name)

    def when(self, moment: When) -> date:
        """Return the day a story's word means."""
        return {"start": self.start, "event": self.event, "today": self.region.today}[moment]

    def doctor(self, department: str) -> Account:
        """Return who sees them in a department of this site."""
        return self.region.doctor(self.site.slug, department)

    def by(self, department: str) -> Json:
        """Return a reference to that doctor."""
        return logical(self.doctor(department), self.site)

    def instance(self, *name: object) -> Json:
        """Return the resourceInstance-identifier of a resource of this patient."""
        parts = (self.site.institution, self.patient.number, *name)
        return identifier(INSTANCE, "-".join(map(str, parts)))

    def resource(
        self,
        kind: str,
        *name: object,
        profile: str | None = None,
        tags: tuple[str, ...] = (),
        labels: tuple[str, ...] = (),
    ) -> Json:
        """Return the start of a resource: type, meta, language and the identifier built of `name`.

        Args:
            kind: The resource type.
            name: What tells it from the patient's other resources.
            profile: A JP Core profile it claims: `JP_Condition`.
            tags: Flags of JP_ehrshrs_indication.
            labels: HL7 sensitivity labels.
        """
        meta: Json = {}
        if profile:
            meta["profile"] = [core(profile)]
        if labels:
            meta["security"] = [
                {"system": f"{HL7}/v3-ActCode", "code": code, "display": _LABELS[code]} for code in labels
            ]
        if tags:
            meta["tag"] = [{"system": INDICATION, "code": code, "display": _TAGS[code]} for code in tags]
        start: Json = {"resourceType": kind, **({"meta": meta} if meta else {}), "language": "ja"}
        return start | {"identifier": [self.instance(*name)]}

    @property
    def institution(self) -> list[Json]:
        """The extension by which JP-CLINS says which institution a fact comes from."""
        return [{"url": INSTITUTION_EXTENSION, "valueIdentifier": identifier(INSTITUTION, self.site.institution)}]


def instant(day: date, hour: int = 9, minute: int = 0) -> str:
    """Return a FHIR dateTime in Japan's time: `2026-03-31T09:00:00+09:00`."""
    return datetime.combine(day, time(hour, minute), JST).isoformat()


def chart(region: Region, site_slug: str, patient: SitePatient) -> Chart:
    """Return the chart of a patient of a site."""
    person = region.person(patient.person)
    story = STORIES[person.story]
    start = max(region.today - timedelta(days=365 * YEARS), person.birth)
    return Chart(region, region.site(site_slug), patient, person, story, _event(region, person, story), start)


def charts(region: Region, site_slug: str) -> tuple[Chart, ...]:
    """Return the charts of all patients of a site, in the order of the people.

    Raises:
        KeyError: There is no such site.
    """
    return tuple(chart(region, site_slug, patient) for patient in region.patients(site_slug))


def _event(region: Region, person: Person, story: Story) -> date:
    if story.name == "pregnancy":
        # Where the household has a baby, that is whom she gave birth to.
        babies = [
            other.birth for other in region.persons if other.household == person.household and other.story == "infant"
        ]
        if babies:
            return babies[0]
    days = draw(region.seed, "event", person.slug).randrange(*story.event_days)
    return region.today - timedelta(days=days)
