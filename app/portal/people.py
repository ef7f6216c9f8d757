"""A Patient as the pages show it: names in kanji and kana, birth date, sex, number, site.

https://jpfhir.jp/fhir/core/1.1.2/StructureDefinition-jp-patient.html
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from app.portal.dates import age, era
from fhir.store.stored import Stored

REPRESENTATION = "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation"
"""IDE for kanji, SYL for kana, ABC for letters."""

GENDERS = ("male", "female", "other", "unknown")


@dataclass(frozen=True, slots=True)
class Someone:
    """A site's Patient."""

    id: str
    patient_key: int
    custodian: int
    kanji: str
    kana: str
    birth_date: str
    era: str
    """The era and year of birth: `昭和35年`."""
    age: int | None
    """Whole years; at death when the person has died."""
    gender: str
    numbers: tuple[str, ...]
    """The site's patient numbers."""
    deceased: bool
    address: str
    phone: str

    @property
    def name(self) -> str:
        """The name to show: in kanji where the site has it."""
        return self.kanji or self.kana


def body_of(stored: Stored) -> dict[str, Any]:
    """Return a stored resource, its decimals as the sender wrote them: `6.30` stays `6.30`."""
    resource: dict[str, Any] = json.loads(stored.body, parse_float=str)
    return resource


def _text(name: Mapping[str, Any]) -> str:
    if name.get("text"):
        return str(name["text"])
    return " ".join([*([name["family"]] if "family" in name else []), *name.get("given", ())])


def _names(patient: Mapping[str, Any]) -> tuple[str, str]:
    """Return the name in kanji (or letters) and the one in kana; either may be empty."""
    kanji = kana = ""
    for name in patient.get("name", ()):
        kinds = {one.get("valueCode") for one in name.get("extension", ()) if one.get("url") == REPRESENTATION}
        if "SYL" in kinds:
            kana = kana or _text(name)
        else:
            kanji = kanji or _text(name)
    return kanji, kana


def _numbers(patient: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the patient numbers: identifiers that are not those of an insurance."""
    found = [one for one in patient.get("identifier", ()) if "insurance" not in one.get("system", "").lower()]
    return tuple(one["value"] for one in found if "value" in one)


def someone(stored: Stored, today: date) -> Someone:
    """Return a stored Patient as it is shown on the day `today`."""
    patient = body_of(stored)
    kanji, kana = _names(patient)
    died = patient.get("deceasedDateTime", "")
    born = patient.get("birthDate", "")
    end = date.fromisoformat(died[:10]) if len(died) >= 10 else today
    addresses, phones = patient.get("address", ()), patient.get("telecom", ())
    return Someone(
        id=stored.id,
        patient_key=stored.patient_key,
        custodian=stored.custodian,
        kanji=kanji,
        kana=kana,
        birth_date=born,
        era=era(born),
        age=age(born, end),
        gender=patient.get("gender", "unknown"),
        numbers=_numbers(patient),
        deceased=bool(died or patient.get("deceasedBoolean")),
        address=addresses[0].get("text", "") if addresses else "",
        phone=next((one.get("value", "") for one in phones if one.get("system") == "phone"), ""),
    )
