"""The consent rules once more, slow and plain: from resources and Consents as JSON to what one asker may see.

Nothing here is shared with `app.consent`; where the two differ, one of them is wrong.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

CONSENT, DIRECTORY, IDENTITY, AUDIT = "consent", "directory", "identity", "audit"

CATEGORIES = {
    "Patient": IDENTITY,
    "Practitioner": DIRECTORY,
    "ValueSet": DIRECTORY,
    "Condition": "problem",
    "RiskAssessment": "problem",
    "AllergyIntolerance": "allergy",
    "MedicationRequest": "medication",
    "Medication": "medication",
    "DocumentReference": "document",
    "Binary": "document",
    "Provenance": "other",
    "Encounter": "encounter",
    "Consent": CONSENT,
    "Group": "other",
    "Account": IDENTITY,
    "Basic": "other",
    "List": "other",
}
BY_CODE = {"laboratory": "laboratory", "LAB": "laboratory", "vital-signs": "vital-sign", "RAD": "imaging"}

DESK = {DIRECTORY, IDENTITY, CONSENT, "encounter", "document"}
OFFICE = {DIRECTORY, IDENTITY, CONSENT}
SEEN_BY = {"clerk": DESK, "secretariat": OFFICE, "auditor": {DIRECTORY}, "operator": {DIRECTORY}, "patient": set()}
"""Roles that do not see every clinical category."""

DECIDED = {"active", "inactive", "rejected"}
"""The statuses of a Consent after which the person is no longer one who has said nothing."""

PCF = "https://profiles.ihe.net/ITI/PCF/Policy-"
MAJORITY = 18

HARMLESS = {"N", "L"}
KNOWN = {"PSY", "HIV", "R"}
UNDELIVERED, UNINFORMED = "UNDELIVERED", "UNINFORMED"


@dataclass
class Row:
    """A resource with all its versions."""

    type: str
    id: str
    site: str
    versions: list[dict[str, Any]]
    deleted: bool = False
    owner: "Row | None" = None
    """What a Binary or a Provenance points at, whose patient and labels it takes over whenever they are written."""

    @property
    def latest(self) -> dict[str, Any]:
        return self.versions[-1]

    @property
    def category(self) -> str:
        fixed = CATEGORIES.get(self.type)
        if fixed:
            return fixed
        codes = [coding["code"] for one in self.latest.get("category", ()) for coding in one["coding"]]
        return next((BY_CODE[code] for code in codes if code in BY_CODE), "other")

    @property
    def labels(self) -> set[str]:
        """All that any version had: a later write lowers none."""
        return (self.owner.labels if self.owner else set()) | {
            coding["code"]
            for version in self.versions
            for coding in version.get("meta", {}).get("security", ())
            if coding["code"] not in HARMLESS
        }

    @property
    def sensitive(self) -> set[str]:
        return self.labels - {UNDELIVERED, UNINFORMED}

    @property
    def patients(self) -> set[str]:
        if self.owner:
            return self.owner.patients
        return {self.id} if self.type == "Patient" else set(_patients(self.versions[0]))

    @property
    def about(self) -> set[str]:
        """The patients that the type's own `patient` parameter reads off the latest version."""
        return set(_patients([self.latest.get(name) for name in ("subject", "patient")]))

    @property
    def date(self) -> str | None:
        """The first day of the clinical date."""
        for name in ("effectiveDateTime", "onsetDateTime", "authoredOn", "occurrenceDateTime", "date", "dateTime"):
            if name in self.latest:
                return str(self.latest[name])
        return self.latest.get("period", {}).get("start")


@dataclass
class Asker:
    """Who asks."""

    site: str
    role: str
    purpose: str
    account: str = ""
    glass: str = ""
    """A patient for whose person the glass was broken."""


@dataclass
class Region:
    """What the rules look at besides the row: who is whom, and what they decided."""

    now: str
    implied: bool
    persons: dict[str, int] = field(default_factory=dict)
    consents: list[Row] = field(default_factory=list)
    rows: dict[str, Row] = field(default_factory=dict)
    """Every resource by its reference."""
    finds: bool = False
    """Whether Patients are found for treatment whose persons do not refuse it."""

    def recorded_by(self, patient: str) -> list[Row]:
        """Return the Consents about disclosure that name one of the person's Patients as theirs."""
        person = self.persons[patient]
        return [
            row
            for row in self.consents
            if row.latest["scope"]["coding"][0]["code"] == "patient-privacy"
            if self.persons[row.latest["patient"]["reference"].removeprefix("Patient/")] == person
        ]

    def consents_of(self, patient: str) -> list[dict[str, Any]]:
        found = [row for row in self.recorded_by(patient) if not row.deleted]
        return [row.latest for row in found if row.latest["status"] == "active"]

    def has_decided(self, patient: str) -> bool:
        return any(row.latest["status"] in DECIDED for row in self.recorded_by(patient))

    def permits_have_ended(self, consent: dict[str, Any]) -> bool:
        """Whether somebody else gave the Consent in a minor's place, and the minor is of age today."""
        patient = consent["patient"]["reference"]
        performers = [one.get("reference") for one in consent.get("performer", ())]
        # A minor who decided together with somebody has decided.
        if not performers or patient in performers:
            return False
        born = _day(self.rows[patient].latest["birthDate"])
        of_age = born.replace(year=born.year + MAJORITY)
        decided = consent.get("dateTime")
        return of_age <= _day(self.now) and (decided is None or _day(decided) < of_age)


def _patients(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if str(node.get("reference", "")).startswith("Patient/"):
            yield node["reference"].removeprefix("Patient/")
        for value in node.values():
            yield from _patients(value)
    elif isinstance(node, list):
        for value in node:
            yield from _patients(value)


def _day(text: str) -> dt.date:
    return dt.date.fromisoformat(text[:10])


def _in(period: dict[str, str], day: str) -> bool:
    """Whether a day is in a period of days."""
    after_start = "start" not in period or _day(period["start"]) <= _day(day)
    return after_start and ("end" not in period or _day(day) <= _day(period["end"]))


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "reference" in node:
            yield str(node["reference"])
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def _stands(data: dict[str, Any], row: Row, region: Region) -> bool:
    """Whether a row, or what it points at, stands to the resource that `data` names as `data` says."""
    meaning, target = data["meaning"], data["reference"]["reference"]
    if meaning == "authoredby" and target == f"Organization/{row.site}":
        return True
    for place in (row, row.owner):
        if place is None:
            continue
        itself = f"{place.type}/{place.id}"
        if meaning == "authoredby":
            if target in _references(place.latest.get("performer", ())):
                return True
            continue
        if itself == target or (meaning != "instance" and target in _references(place.latest)):
            return True
        named = region.rows.get(target)
        if (
            meaning == "related"
            and place is row
            and row.category != IDENTITY
            and named
            and itself in _references(named.latest)
        ):
            return True
    return False


def _speaks(provision: dict[str, Any], row: Row, asker: Asker, region: Region) -> bool:
    """Whether a provision speaks of the row, the asker and the day; its labels are looked at elsewhere.

    A row without a date may be of any day, so no period of days leaves it out.
    """
    actors: dict[str, list[bool]] = {}
    for actor in provision.get("actor", ()):
        role, reference = actor["role"]["coding"][0]["code"], actor["reference"]
        if "identifier" in reference:
            met = role == "IRCP" and reference["identifier"]["value"] == asker.account
        else:
            site = reference["reference"].removeprefix("Organization/")
            met = site == (asker.site if role == "IRCP" else row.site)
        actors.setdefault(role, []).append(met)
    purposes = [one["code"] for one in provision.get("purpose", ())]
    kinds = [one["code"] for one in provision.get("class", ())]
    return (
        all(any(met) for met in actors.values())
        and (not purposes or asker.purpose in purposes)
        and (not kinds or row.category in kinds)
        and ("data" not in provision or any(_stands(one, row, region) for one in provision["data"]))
        and (row.date is None or _in(provision.get("dataPeriod", {}), row.date))
        and _in(provision.get("period", {}), region.now)
    )


def _named(provision: dict[str, Any]) -> set[str]:
    return {coding["code"] for coding in provision.get("securityLabel", ())}


def _decision(
    provision: dict[str, Any],
    effect: str | None,
    opened: set[str],
    row: Row,
    asker: Asker,
    region: Region,
    *,
    ended: bool = False,
    days: bool = False,
    kinds: bool = False,
) -> str | None:
    """Return `permit`, `deny`, or None when the provision and its exceptions say nothing of the row.

    `days` and `kinds` are whether a provision around it is limited to certain days, and to certain kinds of data;
    `ended` whether its permits are no longer in force.
    """
    if not _speaks(provision, row, asker, region):
        return None
    named = _named(provision)
    if named and not named & HARMLESS and not named & row.labels:
        return None
    opened, days, kinds = opened | (named & KNOWN), days or "dataPeriod" in provision, kinds or "class" in provision
    inside = provision.get("provision", ())
    around = {"ended": ended, "days": days, "kinds": kinds}
    said = [_decision(inner, inner["type"], opened, row, asker, region, **around) for inner in inside]
    if "deny" in said:
        return "deny"
    if "permit" in said:
        return "permit"
    if effect == "permit" and (not row.sensitive <= opened or (days and row.date is None)):
        # Not to the labels, or only to certain days, of which a row without a date may not be.
        return None
    if effect == "permit" and ended:
        return None
    if effect == "deny" and days and not kinds and row.date is None and row.category == IDENTITY:
        # Whoever excludes certain days does not hide who they are.
        return None
    return effect


def _meant(consent: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """Return the provision that a Consent means with the policy it agrees to, and its effect."""
    provision = consent["provision"]
    policies = {"OPTIN": "permit", "OPTOUT": "deny"}
    effect = provision.get("type") or policies[consent["policyRule"]["coding"][0]["code"]]
    if provision.get("type") == "deny":
        return provision, "deny"
    agreed = {one["uri"].removeprefix(PCF) for one in consent.get("policy", ())}
    if "deny" in agreed:
        return provision, "deny"
    if "break-glass-only" in agreed:
        allowed = {"type": "permit", "purpose": [{"code": "BTG"}]}
        return {**provision, "purpose": [], "provision": [allowed, *provision.get("provision", ())]}, "deny"
    if "basic-normal" in agreed:
        return {"purpose": [{"code": "TREAT"}, {"code": "ETREAT"}], **provision}, "permit"
    return provision, "permit" if "all-normal" in agreed else effect


def _disclosed(row: Row, asker: Asker, region: Region) -> bool:
    """Whether another site's row of one patient is disclosed to the asker."""
    (patient,) = row.patients
    said = []
    for consent in region.consents_of(patient):
        provision, effect = _meant(consent)
        ended = region.permits_have_ended(consent)
        said.append(_decision(provision, effect, set(), row, asker, region, ended=ended))
    if UNDELIVERED in row.labels or "deny" in said:
        return False
    if region.finds and row.type == "Patient" and not row.sensitive and asker.purpose in ("TREAT", "ETREAT", "BTG"):
        return True
    return "permit" in said or (region.implied and not region.has_decided(patient) and not row.sensitive)


def _opened(row: Row, asker: Asker, region: Region) -> bool:
    """Whether break-glass opens another site's row of one patient: what nobody denies for an emergency."""
    (patient,) = row.patients
    if not asker.glass or region.persons[patient] != region.persons[asker.glass] or UNDELIVERED in row.labels:
        return False
    said = []
    for consent in region.consents_of(patient):
        provision, effect = _meant(consent)
        ended = region.permits_have_ended(consent)
        said.append(_decision(provision, effect, set(), row, replace(asker, purpose="BTG"), region, ended=ended))
    return "deny" not in said and ("permit" in said or not row.sensitive)


def recorded(type_name: str, patient: str, rows: list[Row], asker: Asker, region: Region) -> set[str]:
    """Return the ids that a search of a type by a patient finds: what is about the person and visible."""
    exist = [row for row in rows if not row.deleted and visible(row, asker, region)]
    if not any((row.type, row.id) == ("Patient", patient) for row in exist):
        return set()
    same = {id_ for id_, person in region.persons.items() if person == region.persons[patient]}
    return {row.id for row in exist if row.type == type_name and row.about & same}


def visible(row: Row, asker: Asker, region: Region) -> bool:
    """Return whether a row exists for the asker."""
    if row.category == AUDIT or row.category not in SEEN_BY.get(asker.role, {row.category}):
        return False
    if row.site == asker.site:
        return True
    if asker.role == "secretariat":
        return row.category in OFFICE
    if not row.patients:
        return row.category == DIRECTORY
    return len(row.patients) == 1 and (_disclosed(row, asker, region) or _opened(row, asker, region))
