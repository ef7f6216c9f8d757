"""Records: everything a site holds, as FHIR transactions: its directory, and one for each patient.

https://hl7.org/fhir/R4/http.html#transaction
"""

from collections.abc import Iterator
from datetime import timedelta

from app.demo import laboratory, vitals
from app.demo.accounts import practitioner
from app.demo.allergies import intolerances
from app.demo.attachments import attachments
from app.demo.chart import Chart, Entry, charts
from app.demo.immunizations import immunizations
from app.demo.medicines import prescriptions
from app.demo.patients import coverage, patient
from app.demo.problems import conditions
from app.demo.procedures import procedures
from app.demo.region import Region
from app.demo.seeds import urn
from app.demo.sites import organization
from app.demo.terms import HL7, Json, core
from app.demo.visits import Visit, encounter, visits

_LICENSED = ("doctor", "nurse", "pharmacist")


def directory(region: Region, site_slug: str) -> Json:
    """Return the transaction of a site's Organization, and of its Practitioners with their roles.

    The two kinds that may be there already are created conditionally (`ifNoneExist` by identifier).
    Nothing of the patients' transactions depends on it: they name staff and sites by identifier.

    Raises:
        KeyError: There is no such site.
    """
    site = region.site(site_slug)
    place = urn(region.seed, site.slug, "organization")
    entries = [_conditional(place, organization(site))]
    for account in region.accounts:
        if account.site != site.slug or account.role not in _LICENSED:
            continue
        person = urn(region.seed, "account", account.user)
        entries.append(_conditional(person, practitioner(account, site)))
        role = {
            "resourceType": "PractitionerRole",
            "meta": {"profile": [core("JP_PractitionerRole")]},
            "active": True,
            "practitioner": {"reference": person, "type": "Practitioner"},
            "organization": {"reference": place, "type": "Organization"},
            "code": [{"coding": [{"system": f"{HL7}/practitioner-role", "code": account.role}]}],
        }
        entries.append(_entry((urn(region.seed, "role", account.user), role)))
    return _transaction(entries)


def transactions(region: Region, site_slug: str) -> Iterator[Json]:
    """Yield one transaction for each patient of a site: all POST, at most 400 entries, the Patient first.

    Every reference between resources is the `urn:uuid:` of an entry of the same transaction; sites and
    staff are referred to by identifier.

    Raises:
        KeyError: There is no such site.
    """
    for chart in charts(region, site_slug):
        yield _transaction([_entry(found) for found in record(chart)])


def record(chart: Chart) -> list[Entry]:
    """Return everything a site has of a patient, the Patient first."""
    found = visits(chart)
    problems = conditions(chart)
    entries = [patient(chart), coverage(chart), *problems, *intolerances(chart)]
    for visit in found:
        entries += _visit(chart, visit, tuple(url for url, _ in problems))
    return [*entries, *immunizations(chart), *attachments(chart, found)]


def _visit(chart: Chart, visit: Visit, diagnoses: tuple[str, ...]) -> list[Entry]:
    entries = [encounter(chart, visit, diagnoses)]
    stay = chart.admission
    if visit.inpatient and stay:
        days = [visit.day + timedelta(days=day) for day in stay.panel_days]
        for day in days:
            entries += vitals.observations(chart, visit, stay.vitals, day)
            entries += laboratory.panel(chart, visit, stay.panel, day)
        entries += procedures(chart, visit)
    else:
        plan = chart.visits
        entries += vitals.observations(chart, visit, plan.vitals, visit.day)
        if plan.panel and visit.number % plan.panel_every == 0:
            entries += laboratory.panel(chart, visit, plan.panel, visit.day)
    return entries + prescriptions(chart, visit)


def _transaction(entries: list[Json]) -> Json:
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


def _entry(found: Entry) -> Json:
    url, resource = found
    return {
        "fullUrl": url,
        "resource": resource,
        "request": {"method": "POST", "url": resource["resourceType"]},
    }


def _conditional(url: str, resource: Json) -> Json:
    known = resource["identifier"][0]
    entry = _entry((url, resource))
    entry["request"]["ifNoneExist"] = f"identifier={known['system']}|{known['value']}"
    return entry
