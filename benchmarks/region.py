"""The region that is measured: a hospital's patients with their laboratory results, made from a seed."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import orjson

OBSERVATIONS = 60
"""Observations of each patient: every other one HbA1c, monthly for 2.5 years, as of a person with diabetes."""

HBA1C = ("4548-4", "Hemoglobin A1c/Hemoglobin.total in Blood", "%", 4.8, 11.0)
_OTHERS = (
    ("2345-7", "Glucose [Mass/volume] in Serum or Plasma", "mg/dL", 70, 250),
    ("2160-0", "Creatinine [Mass/volume] in Serum or Plasma", "mg/dL", 0.4, 3.0),
    ("2093-3", "Cholesterol [Mass/volume] in Serum or Plasma", "mg/dL", 120, 300),
    ("718-7", "Hemoglobin [Mass/volume] in Blood", "g/dL", 8, 18),
    ("1742-6", "Alanine aminotransferase [Enzymatic activity/volume]", "U/L", 5, 120),
)
_FAMILIES = ("佐藤", "鈴木", "高橋", "田中", "渡邉", "伊藤", "山本", "中村", "小林", "齋藤")
_GIVEN = ("太郎", "花子", "一郎", "陽菜", "蓮", "葵", "湊", "結衣", "大翔", "さくら")
_LABORATORY = {
    "coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}]
}
_BEGIN = date(2022, 1, 10)


@dataclass(frozen=True, slots=True)
class Push:
    """What a hospital sends about one patient in one transaction."""

    body: bytes
    resources: tuple[bytes, ...]
    """The bytes of each entry's resource."""


def patient(number: int, chance: random.Random) -> dict[str, Any]:
    """Return a Patient."""
    family, given = chance.choice(_FAMILIES), chance.choice(_GIVEN)
    return {
        "resourceType": "Patient",
        "identifier": [{"system": "urn:oid:1.2.392.100495.20.3.51.11310000001", "value": f"{number:08d}"}],
        "active": True,
        "name": [{"use": "official", "text": f"{family} {given}", "family": family, "given": [given]}],
        "telecom": [{"system": "phone", "value": f"03-0000-{number % 10_000:04d}", "use": "home"}],
        "gender": chance.choice(("male", "female")),
        "birthDate": str(date(1930, 1, 1) + timedelta(chance.randrange(25_000))),
        "address": [{"postalCode": "100-0001", "city": "千代田区", "country": "JP"}],
    }


def observation(patient: str, number: int, chance: random.Random) -> dict[str, Any]:
    """Return the laboratory result of a number, of a Patient by its reference."""
    code, display, unit, low, high = HBA1C if number % 2 == 0 else chance.choice(_OTHERS)
    drawn = f"{_BEGIN + timedelta(days=15 * number)}T{chance.randrange(8, 18):02d}:{chance.randrange(60):02d}:00+09:00"
    quantity = {"system": "http://unitsofmeasure.org", "code": unit, "unit": unit}
    return {
        "resourceType": "Observation",
        "identifier": [{"system": "urn:oid:1.2.392.999999.1", "value": f"{patient[-12:]}-{number:03d}"}],
        "status": "final",
        "category": [_LABORATORY],
        "code": {"coding": [{"system": "http://loinc.org", "code": code, "display": display}], "text": display},
        "subject": {"reference": patient},
        "effectiveDateTime": drawn,
        "issued": drawn,
        "valueQuantity": {"value": round(chance.uniform(low, high), 1), **quantity},
        "referenceRange": [{"low": {"value": low, **quantity}, "high": {"value": high, **quantity}}],
    }


def transaction(resources: Sequence[tuple[str, dict[str, Any]]], *, method: str = "POST") -> bytes:
    """Return the transaction of resources with their full URLs; by PUT, each goes to its own id."""
    entries = []
    for url, one in resources:
        name = one["resourceType"]
        request = {"method": method, "url": name if method == "POST" else f"{name}/{one['id']}"}
        entries.append({"fullUrl": url, "resource": one, "request": request})
    return orjson.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries})


def push(resources: Sequence[tuple[str, dict[str, Any]]]) -> Push:
    """Return the transaction of resources, and the bytes of each."""
    return Push(transaction(resources), tuple(orjson.dumps(resource) for _, resource in resources))


def pushes(patients: int) -> Iterator[Push]:
    """Yield a transaction for each patient: the Patient and `OBSERVATIONS` Observations."""
    chance = random.Random(392)
    for number in range(patients):
        url = f"urn:uuid:00000000-0000-4000-8000-{number:012d}"
        entries = [(url, patient(number, chance))]
        for one in range(OBSERVATIONS):
            own = f"urn:uuid:00000000-0000-4000-9000-{number * OBSERVATIONS + one:012d}"
            entries.append((own, observation(url, one, chance)))
        yield push(entries)


def consent(patient: str, receiver: str) -> dict[str, Any]:
    """Return the Consent in which a patient permits a receiver to see everything.

    Args:
        patient: The reference to the Patient.
        receiver: The id of an Organization.
    """
    scope = {"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}
    policy = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "OPTIN"}
    role = {"system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "code": "IRCP"}
    actor = {"role": {"coding": [role]}, "reference": {"reference": f"Organization/{receiver}"}}
    return {
        "resourceType": "Consent",
        "status": "active",
        "scope": {"coding": [scope]},
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": {"reference": patient},
        "policyRule": {"coding": [policy]},
        "provision": {"type": "permit", "actor": [actor]},
    }


def search(patient: str) -> str:
    """Return the address of the search that is measured: a page of HbA1c of one patient, the newest first."""
    code = f"http://loinc.org|{HBA1C[0]}".replace("|", "%7C").replace(":", "%3A").replace("/", "%2F")
    return f"/fhir/Observation?patient=Patient/{patient}&code={code}&date=ge2022-06-01&_sort=-date&_count=20"
