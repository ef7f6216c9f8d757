"""Patients: the Patient and the Coverage that a site has of somebody.

https://jpfhir.jp/fhir/core/1.1.2/StructureDefinition-jp-patient.html
"""

from app.demo.chart import Chart, Entry
from app.demo.people import SitePatient
from app.demo.terms import CORE, EXTENSION, MEMBER_ID, Json, core, human_name, identifier


def names(patient: SitePatient) -> list[Json]:
    """Return the HumanNames a site has: kanji where it has them, and kana."""
    kana = human_name(patient.family_kana, patient.given_kana, "SYL")
    if patient.family is None or patient.given is None:
        return [kana]
    return [human_name(patient.family, patient.given, "IDE"), kana]


def patient(chart: Chart) -> Entry:
    """Return the Patient of a chart."""
    found = chart.patient
    return chart.patient_url, {
        "resourceType": "Patient",
        "meta": {"profile": [core("JP_Patient")]},
        "language": "ja",
        "identifier": [chart.token, identifier(MEMBER_ID, found.insurance)],
        "active": True,
        "name": names(found),
        "telecom": [{"system": "phone", "value": found.phone, "use": "home"}],
        "gender": found.sex,
        "birthDate": found.birth.isoformat(),
        "address": [
            {
                "text": found.address,
                "postalCode": found.postal_code,
                "state": "北海道",
                "city": "北緑市",
                "country": "JP",
            }
        ],
        "managingOrganization": chart.site.logical,
    }


def coverage(chart: Chart) -> Entry:
    """Return the Coverage of a chart: the parts of the insurance id, where JP Core puts them."""
    insurer, symbol, number, branch = chart.patient.insurance.split(":")
    parts = (("Symbol", symbol), ("Number", number), ("SubNumber", branch))
    return chart.urn("coverage"), {
        "resourceType": "Coverage",
        "meta": {"profile": [core("JP_Coverage")]},
        "language": "ja",
        "extension": [
            {"url": f"{EXTENSION}/JP_Coverage_InsuredPerson{part}", "valueString": value}
            for part, value in parts
            if value
        ],
        "identifier": [chart.instance("COV")],
        "status": "active",
        "beneficiary": chart.subject,
        "payor": [
            {
                "type": "Organization",
                "identifier": identifier(f"{CORE}/mhlw/IdSystem/InsurerNumber", insurer),
                "display": f"保険者 {insurer}",
            }
        ],
    }
