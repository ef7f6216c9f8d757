"""Random regions: sites, persons at several sites, records of many types, decisions, and questions about them."""

import json
import random
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from tests.property.oracle import Asker, Row

SITES = ("hospital-a", "hospital-b", "clinic-c")
ASKING = (*SITES, "clinic-d")
NOW_MICROSECONDS = 1_780_282_800_000_000
NOW = "2026-06-01"
DOCTOR = "dr-sato"
"""A person at clinic-c."""

DAYS = ("2023-12-31", "2024-01-01", "2024-05-01", "2024-05-02", "2025-01-01", "2026-05-31")
FAMILIES = ("山田", "佐藤", "Sato", "Sätö", "山")
PROBLEMS = ("2型糖尿病", "早期胃癌", "糖尿なし、尿病院", "HbA1c 高値")
TESTS = ("4548-4", "2345-7", "718-7")
LABELS = {
    "PSY": "http://terminology.hl7.org/CodeSystem/v3-ActCode",
    "HIV": "http://terminology.hl7.org/CodeSystem/v3-ActCode",
    "NOSUCH": "http://terminology.hl7.org/CodeSystem/v3-ActCode",
    "R": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality",
    "N": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality",
    "UNDELIVERED": "http://renkei.example/fhir/CodeSystem/disclosure",
    "UNINFORMED": "http://renkei.example/fhir/CodeSystem/disclosure",
}
CATEGORY_SYSTEM = "http://renkei.example/fhir/CodeSystem/category"
KINDS = ("laboratory", "vital-sign", "imaging", "problem", "allergy", "medication", "document", "encounter")
KINDS += ("identity", "consent", "other")
ACCOUNT_SYSTEM = "http://renkei.example/fhir/NamingSystem/account"
PCF = "https://profiles.ihe.net/ITI/PCF/Policy-"
POLICIES = ("basic-normal", "all-normal", "break-glass-only", "deny")
MEANT = {
    "instance": ("Observation", "DocumentReference", "Condition"),
    "related": ("Encounter",),
    "dependents": ("Observation", "DocumentReference"),
    "authoredby": ("Practitioner",),
}
"""What `data` names, by its meaning."""
UNSAID = {
    "extension": [
        {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "asked-unknown"},
    ]
}
"""A period of which neither end is known."""
OBSERVATION_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
DIAGNOSTIC_SERVICE = "http://terminology.hl7.org/CodeSystem/v2-0074"


def _reference(row: Row) -> dict[str, str]:
    return {"reference": f"{row.type}/{row.id}"}


def _concept(code: str, system: str = "http://loinc.org") -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


class WorldMaker:
    """Makes a world row by row; every choice is `chance`'s."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.rows: list[Row] = []
        self.links: list[tuple[str, str]] = []

    def of(self, *types: str, site: str | None = None) -> list[Row]:
        return [row for row in self.rows if row.type in types and site in (None, row.site)]

    def maybe(self, likelihood: float) -> bool:
        return self.chance.random() < likelihood

    def _some(self, *types: str) -> list[dict[str, str]]:
        """References to rows of any site, which the asker may or may not see."""
        found = self.of(*types)
        return [_reference(row) for row in self.chance.sample(found, min(len(found), self.chance.choice((0, 1, 1, 2))))]

    def labels(self, likelihood: float = 0.25) -> list[dict[str, str]]:
        if not self.maybe(likelihood):
            return []
        codes = self.chance.sample(sorted(LABELS), self.chance.choice((1, 1, 2)))
        return [{"system": LABELS[code], "code": code} for code in codes]

    def add(self, type_name: str, site: str) -> None:
        """Add a row of a site, about a patient of the site where the type has one."""
        id_ = f"{site}-{type_name.lower()}-{len(self.rows)}"
        owner = self._owner(site) if type_name in POINTING else None
        made = self.body(type_name, site, owner=owner)
        if made is not None:
            self.rows.append(Row(type_name, id_, site, [{"resourceType": type_name, "id": id_, **made}], owner=owner))

    def _owner(self, site: str) -> Row:
        found = self.of("DocumentReference", "Observation", "Patient", *POINTING, site=site)
        return self.chance.choice(found)

    def revise(self, row: Row) -> None:
        """Add a version of a row, about the same patients."""
        made = self.body(row.type, row.site, row.patients, row.owner)
        if made is not None:
            row.versions.append({"resourceType": row.type, "id": row.id, **made})

    def body(
        self, type_name: str, site: str, patients: set[str] | None = None, owner: Row | None = None
    ) -> dict[str, Any] | None:
        if owner is not None:
            patients, subjects = owner.patients, [_reference(owner)]
        elif patients is None:
            found = self.of("Patient", site=site)
            several = type_name in ("Group", "Account") or (type_name in ("Observation", "Consent") and self.maybe(0.3))
            chosen = self.chance.sample(found, min(len(found), 2 if several else 1))
            patients = {row.id for row in chosen}
        if not patients and type_name not in ("Patient", "Practitioner", "ValueSet", "Medication", "Basic"):
            return None
        if owner is None:
            subjects = [{"reference": f"Patient/{id_}"} for id_ in sorted(patients)]
        made = dict(getattr(self, f"_{type_name.lower()}")(subjects))
        if security := self.labels():
            made["meta"] = {"security": security}
        return made

    def _day(self, name: str, likelihood: float = 0.8) -> dict[str, str]:
        if not self.maybe(likelihood):
            return {}
        return {name: self.chance.choice(DAYS) + self.chance.choice(("", "T10:00:00+09:00"))}

    def _patient(self, _: Any) -> dict[str, Any]:
        return {
            "identifier": [
                {"system": "urn:oid:1.2.3", "value": str(self.chance.randrange(4)), "type": _concept("MR", "urn:kinds")}
            ],
            "name": [{"family": self.chance.choice(FAMILIES), "given": [self.chance.choice(("太郎", "花子"))]}],
            "birthDate": self.chance.choice(("1960-01-02", "1980-05-01", "2008-05-20", "2012-01-01")),
            "gender": self.chance.choice(("male", "female")),
            **({"generalPractitioner": found} if (found := self._some("Practitioner")) else {}),
        }

    def _practitioner(self, _: Any) -> dict[str, Any]:
        return {"name": [{"family": self.chance.choice(FAMILIES)}]}

    def _valueset(self, _: Any) -> dict[str, Any]:
        number, codes = self.chance.randrange(3), self.chance.sample(TESTS, self.chance.choice((1, 2)))
        include: list[dict[str, Any]] = [{"system": "http://loinc.org", "concept": [{"code": code} for code in codes]}]
        if self.maybe(0.3):
            include.append({"valueSet": [f"http://example.org/vs/{self.chance.randrange(3)}"]})
        return {"status": "active", "url": f"http://example.org/vs/{number}", "compose": {"include": include}}

    def _medication(self, _: Any) -> dict[str, Any]:
        return {"code": _concept(self.chance.choice(TESTS))}

    def _basic(self, _: Any) -> dict[str, Any]:
        return {"code": _concept("referral")}

    def _list(self, subjects: Any) -> dict[str, Any]:
        entries = [{"item": one} for one in self._some("Observation", "Practitioner")]
        made = {"status": "current", "mode": "working", "subject": subjects[0]}
        return made | ({"entry": entries} if entries else {})

    def _group(self, subjects: Any) -> dict[str, Any]:
        return {"type": "person", "actual": True, "member": [{"entity": one} for one in subjects]}

    def _account(self, subjects: Any) -> dict[str, Any]:
        return {"status": self.chance.choice(("active", "on-hold")), "subject": subjects}

    def _observation(self, subjects: Any) -> dict[str, Any]:
        # Of several patients each version is about any one.
        subject, *others = self.chance.sample(subjects, len(subjects))
        made: dict[str, Any] = {
            "status": self.chance.choice(("final", "amended")),
            "code": _concept(self.chance.choice(TESTS)),
            "subject": subject,
            **self._day("effectiveDateTime"),
        }
        if self.maybe(0.5):
            made["code"]["text"] = self.chance.choice(("HbA1c", "血糖", "血色素量"))
        if category := self.chance.choice(("laboratory", "vital-signs", None)):
            made["category"] = [_concept(category, OBSERVATION_CATEGORY)]
        if self.maybe(0.8):
            value = self.chance.choice((5.9, 6.3, 7, 120))
            made["valueQuantity"] = {"value": value, "unit": "%", "system": "http://unitsofmeasure.org", "code": "%"}
        if self.maybe(0.4):
            # R4's obs-7: a component does not repeat the code of a value.
            distinct = [code for code in TESTS if code != made["code"]["coding"][0]["code"]]
            made["component"] = [self.component(distinct) for _ in range(self.chance.choice((1, 2, 2, 3)))]
        if members := self._some("Observation"):
            made["hasMember"] = members
        named = [{"identifier": {"system": "urn:x", "value": "1"}}] if self.maybe(0.2) else []
        if performers := others + self._some("Practitioner") + named:
            made["performer"] = performers
        return made

    def component(self, codes: list[str]) -> dict[str, Any]:
        made: dict[str, Any] = {"code": _concept(self.chance.choice(codes))}
        if self.maybe(0.6):
            made["valueQuantity"] = {"value": self.chance.choice((5.9, 6.3, 120)), "unit": "%"}
        elif self.maybe(0.7):
            made["valueCodeableConcept"] = _concept(self.chance.choice(TESTS))
        return made

    def _diagnosticreport(self, subjects: Any) -> dict[str, Any]:
        made: dict[str, Any] = {"status": "final", "code": _concept("11502-2"), "subject": subjects[0]}
        if category := self.chance.choice(("LAB", "RAD", None)):
            made["category"] = [_concept(category, DIAGNOSTIC_SERVICE)]
        if results := self._some("Observation"):
            made["result"] = results
        return made | self._day("effectiveDateTime")

    def _condition(self, subjects: Any) -> dict[str, Any]:
        active = _concept("active", "http://terminology.hl7.org/CodeSystem/condition-clinical")
        code = {**_concept(self.chance.choice(TESTS)), "text": self.chance.choice(PROBLEMS)}
        made = {"clinicalStatus": active, "code": code, "subject": subjects[0]}
        made |= self._day("onsetDateTime")
        if encounters := self._some("Encounter")[:1]:
            made["encounter"] = encounters[0]
        return made

    def _riskassessment(self, subjects: Any) -> dict[str, Any]:
        prediction = [{"probabilityDecimal": self.chance.choice((0.1, 0.25, 0.5))}]
        return {"status": "final", "subject": subjects[0], "prediction": prediction, **self._day("occurrenceDateTime")}

    def _allergyintolerance(self, subjects: Any) -> dict[str, Any]:
        system = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
        code = _concept(self.chance.choice(TESTS))
        return {"patient": subjects[0], "clinicalStatus": _concept("active", system), "code": code}

    def _medicationrequest(self, subjects: Any) -> dict[str, Any]:
        return {
            "status": "active",
            "intent": "order",
            "subject": subjects[0],
            "medicationCodeableConcept": _concept(self.chance.choice(TESTS)),
            **self._day("authoredOn"),
        }

    def _documentreference(self, subjects: Any) -> dict[str, Any]:
        content = [{"attachment": {"contentType": "text/plain", "title": "紹介状"}}]
        made = {"status": "current", "subject": subjects[0], "content": content}
        if self.maybe(0.8):
            made["date"] = f"{self.chance.choice(DAYS)}T10:00:00+09:00"
        return made

    def _binary(self, subjects: Any) -> dict[str, Any]:
        return {"contentType": "text/plain", "securityContext": subjects[0], "data": "6YCA6Zmi"}

    def _provenance(self, subjects: Any) -> dict[str, Any]:
        recorded = f"{self.chance.choice(DAYS)}T10:00:00+09:00"
        return {"target": subjects, "recorded": recorded, "agent": [{"who": {"display": "情報システム部"}}]}

    def _encounter(self, subjects: Any) -> dict[str, Any]:
        kind = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"}
        made: dict[str, Any] = {"status": "finished", "class": kind, "subject": subjects[0]}
        if self.maybe(0.8):
            made["period"] = {"start": self.chance.choice(DAYS)}
        return made

    def _consent(self, subjects: Any) -> dict[str, Any]:
        made: dict[str, Any] = {
            "status": self.chance.choice(("active",) * 9 + ("inactive", "rejected", "proposed", "entered-in-error")),
            "scope": _concept(
                self.chance.choice(("patient-privacy",) * 9 + ("treatment",)),
                "http://terminology.hl7.org/CodeSystem/consentscope",
            ),
            "category": [_concept("59284-0")],
            "patient": subjects[0],
            "policyRule": _concept(
                self.chance.choice(("OPTIN", "OPTIN", "OPTOUT")), "http://terminology.hl7.org/CodeSystem/v3-ActCode"
            ),
            "provision": self.provision(0),
        }
        if self.maybe(0.2):
            made["policy"] = [
                {"uri": f"{PCF}{name}"} for name in self.chance.sample(POLICIES, self.chance.choice((1, 1, 2)))
            ]
        # Of several patients, the other ones decide in the place of the first.
        proxy = [{"type": "RelatedPerson", "display": "母"}] if self.maybe(0.2) else []
        if performers := subjects[1:] + proxy + (subjects[:1] if self.maybe(0.2) else []):
            made["performer"] = performers
        return made | self._day("dateTime", 0.3)

    def provision(self, depth: int, *, about_data: bool = False) -> dict[str, Any]:
        """Return a provision with what it is limited to and its exceptions.

        `about_data` is whether one around it is about single resources.
        """
        made: dict[str, Any] = {}
        if depth or self.maybe(0.5):
            made["type"] = self.chance.choice(("permit", "permit", "deny") if depth == 0 else ("permit", "deny"))
        if self.maybe(0.5):
            made["actor"] = [self.actor() for _ in range(self.chance.choice((1, 1, 2)))]
        if self.maybe(0.2):
            system = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
            codes = self.chance.sample(("TREAT", "ETREAT", "HOPERAT", "BTG"), self.chance.choice((1, 2)))
            made["purpose"] = [{"system": system, "code": code} for code in codes]
        if self.maybe(0.2 + 0.2 * depth):
            codes = self.chance.sample(KINDS, self.chance.choice((1, 2, 4)))
            made["class"] = [{"system": CATEGORY_SYSTEM, "code": code} for code in codes]
        if security := [one for one in self.labels(0.3) if one["code"] not in ("NOSUCH", "UNDELIVERED")]:
            made["securityLabel"] = security
        if self.maybe(0.4):
            made["dataPeriod"] = self.period()
        if self.maybe(0.2):
            made["period"] = self.period(said=True)
        if not about_data and self.maybe(0.2) and (data := self.data()):
            made["data"] = data
        if depth < 3 and self.maybe(0.5):
            within = about_data or "data" in made
            made["provision"] = [
                self.provision(depth + 1, about_data=within) for _ in range(self.chance.choice((1, 1, 2)))
            ]
        return made or {"type": "permit"}

    def data(self) -> list[dict[str, Any]]:
        """Return single resources of any site, and how others stand to them."""
        found = []
        for _ in range(self.chance.choice((1, 1, 2))):
            meaning = self.chance.choice(tuple(MEANT))
            if meaning == "authoredby" and self.maybe(0.5):
                found.append(
                    {"meaning": meaning, "reference": {"reference": f"Organization/{self.chance.choice(SITES)}"}}
                )
            elif rows := self.of(*MEANT[meaning]):
                found.append({"meaning": meaning, "reference": _reference(self.chance.choice(rows))})
        return found

    def actor(self) -> dict[str, Any]:
        role = self.chance.choice(("IRCP", "IRCP", "IRCP", "CST", "AUT"))
        if role == "IRCP" and self.maybe(0.3):
            reference: dict[str, Any] = {"identifier": {"system": ACCOUNT_SYSTEM, "value": DOCTOR}}
        else:
            reference = {"reference": f"Organization/{self.chance.choice(ASKING)}"}
        return {"role": _concept(role, "http://terminology.hl7.org/CodeSystem/v3-RoleCode"), "reference": reference}

    def period(self, *, said: bool = False) -> dict[str, Any]:
        start, end = sorted((self.chance.choice((*DAYS, NOW, "2027-01-01")), self.chance.choice((*DAYS, NOW))))
        both = {"start": start, "end": end}
        return self.chance.choice(({"start": start}, {"end": end}, both, both, both if said else UNSAID))


POINTING = ("Binary", "Provenance")
"""Types that belong with what they point at."""
TYPES = ("Observation",) * 6 + ("DiagnosticReport", "Condition", "AllergyIntolerance", "MedicationRequest")
TYPES += (
    "DocumentReference",
    "Encounter",
    "RiskAssessment",
    "Group",
    "List",
    "Account",
    "Medication",
    "Basic",
    "ValueSet",
    "Patient",
)
TYPES += ("Practitioner",) + ("Consent",) * 3 + POINTING * 2


def a_world(chance: random.Random, size: int) -> WorldMaker:
    """Return a world of about `size` rows and which patients are the same person."""
    made = WorldMaker(chance)
    for site in SITES:
        made.add("Patient", site)
        made.add("Patient", site)
        made.add("Practitioner", site)
    for _ in range(size):
        made.add(chance.choice(TYPES), chance.choice(SITES))
    for row in chance.sample(made.rows, len(made.rows) // 4):
        made.revise(row)
    for row in made.of(*POINTING):
        if row.owner is not None and len(row.owner.versions) == 1:
            made.revise(row.owner)
    patients = made.of("Patient")
    for _ in range(chance.randrange(4)):
        one, other = chance.sample(patients, 2)
        made.links.append((one.id, other.id))
    for row in chance.sample(made.rows, len(made.rows) // 10):
        # A deleted Patient's record stays, but nothing more could be written about it.
        row.deleted = row.type != "Patient"
    return made


def an_asker(chance: random.Random, made: WorldMaker | None = None) -> Asker:
    """Return who asks; of a world, a doctor may have broken the glass for somebody in it."""
    role = chance.choice(("system",) * 5 + ("doctor", "doctor", "clerk", "secretariat", "auditor"))
    purpose = chance.choice(("TREAT", "TREAT", "ETREAT", "BTG", "HOPERAT"))
    if role == "doctor":
        glass = chance.choice(made.of("Patient")).id if made and chance.random() < 0.6 else ""
        return Asker("clinic-c", role, purpose, DOCTOR, glass)
    return Asker(chance.choice(ASKING), role, purpose)


OWN_PARAMETERS = (
    ("any-code", "Observation", "token", "Observation.code | Observation.component.code"),
    ("when", "Observation", "date", "Observation.effective.as(dateTime)"),
    ("amount", "Observation", "quantity", "Observation.value.ofType(Quantity)"),
    ("seen-by", "Observation", "reference", "Observation.performer"),
    ("surname", "Patient", "string", "Patient.name.family"),
    ("likely", "RiskAssessment", "number", "RiskAssessment.prediction.probability.as(decimal)"),
)
"""Search parameters of the hub's own: code, type, type of values, expression."""

SEARCHES: dict[str, tuple[str, ...]] = {
    "Observation": (
        *(
            "code={test}",
            "code=http://loinc.org|{test}",
            "code:not={test}",
            "date=ge{day}",
            "date=lt{day}",
            "date={day}",
        ),
        *("category=laboratory", "patient={patient}", "patient=Patient/{patient}", "subject=Patient/{patient}"),
        *("value-quantity=gt6", "value-quantity=6.3||%25", "value-quantity:missing=true", "date:missing=true"),
        *("any-code={test}", "any-code:not={test}", "when=ge{day}", "amount=gt6", "seen-by={practitioner}"),
        *("_sort=-any-code,when", "_sort=amount", "_include=Observation:seen-by", "_filter=any-code eq {test}"),
        *("has-member={observation}", "performer={practitioner}", "performer:missing=false", "status=final,amended"),
        *("_sort=-date", "_sort=date,-_lastUpdated", "_sort=value-quantity", "_sort=-_id"),
        *("_sort=patient.family", "_sort=-subject:Patient.birthdate,performer.name", "_sort=-has-member.patient.name"),
        *("_sort=-performer,status", "_sort=code,-patient", "_sort=has-member", "_sort=-_security"),
        *("_include=Observation:patient", "_include=Observation:has-member", "_include=Observation:performer"),
        *("_revinclude=DiagnosticReport:result", "_revinclude=Observation:has-member", "_security=PSY"),
        *("_include=Observation:subject:Patient", "code:text=血", "date=ap{day}", "performer:identifier=urn:x|1"),
        *("_include=Observation:subject:Patient", "_include=*", "_include=Observation:*:Patient"),
        *("code:in=http://example.org/vs/0", "code:not-in=http://example.org/vs/1", "code:in=ValueSet/{valueset}"),
        *("_include:iterate=Observation:has-member", "_revinclude:iterate=Observation:has-member", "_revinclude=*"),
    ),
    "Patient": (
        *("name=山", "name:contains=田", "family:exact=Sato", "name=sato", "birthdate=1960-01-02", "gender=male"),
        *(
            "identifier=urn:oid:1.2.3|1",
            "identifier=2",
            "general-practitioner={practitioner}",
            "_sort=family,birthdate",
            "_sort=-identifier,gender",
            "_sort=general-practitioner",
            "_sort=general-practitioner:Practitioner.name",
        ),
        *("_revinclude=Observation:patient", "_revinclude=Consent:patient", "_include=Patient:general-practitioner"),
        *("_revinclude=*", "_revinclude=Observation:*&_include:iterate=Observation:performer"),
        *("_revinclude=Group:member", "_revinclude=Account:patient", "_id={patient},{other}", "_id:not={patient}"),
        *("_content=山", "_content=sat", "surname=山", "surname:contains=田", "_sort=-surname"),
    ),
    "DiagnosticReport": (
        *("result={observation}", "category=LAB", "patient={patient}", "_include=DiagnosticReport:result"),
        *("result:missing=false", "_include=DiagnosticReport:subject", "date=sa{day}"),
    ),
    "Condition": (
        *("patient={patient}", "encounter:missing=true", "_include=Condition:encounter", "onset-date=eb{day}"),
        *("_sort=patient.birthdate", "_sort=-encounter.date,encounter.patient.gender"),
        *("_content=糖尿", "_content=尿病,胃癌", "_content=hba 高値", "_content=癌"),
    ),
    "RiskAssessment": ("probability=gt0.2", "probability=0.25", "_sort=-probability", "probability:missing=true"),
    "Encounter": (
        *("_revinclude=Condition:encounter", "patient={patient}", "date=ge{day}", "date={day}", "_sort=-date"),
        "date=ge{day}&date=le2024-04-10",
    ),
    "Group": ("member=Patient/{patient}", "_include=Group:member", "type=person"),
    "Account": ("patient={patient}", "patient={patient},{other}", "status=active", "_include=Account:patient"),
    "Consent": ("patient={patient}", "status=active", "_include=Consent:patient", "actor=Organization/clinic-c"),
    "DocumentReference": ("patient={patient}", "date=le{day}", "status=current"),
    "MedicationRequest": ("code={test}", "patient={patient},{other}", "authoredon=gt{day}"),
    "AllergyIntolerance": ("patient={patient}", "code={test}"),
    "Binary": ("_lastUpdated=ge2026", "_security=PSY"),
    "Provenance": ("target=Observation/{observation}", "_include=Provenance:target", "recorded=ge{day}"),
    "List": ("patient={patient}", "_include=List:item", "status=current"),
    "Medication": ("code={test}",),
    "Basic": ("code=referral",),
    "ValueSet": ("url=http://example.org/vs/1", "url=http://example.org/vs/0,http://example.org/vs/2"),
    "Practitioner": (
        "_revinclude=Observation:seen-by",
        "_revinclude=Observation:performer",
        "_revinclude=Patient:general-practitioner",
        "name=sato",
    ),
}
CHAINED: dict[str, tuple[str, ...]] = {
    "Observation": (
        *(
            "patient.name=sato",
            "subject:Patient.gender=male",
            "performer:Practitioner.name=山",
            "subject.birthdate=1960",
        ),
        *("patient.surname=sato", "seen-by:Practitioner.name=山", "has-member:Observation.any-code={test}"),
        *("patient.general-practitioner:Practitioner.name=sato", "has-member:Observation.code={test}"),
        *("has-member:Observation.patient.name=佐藤", "patient._id={patient}", "patient.gender:not=male"),
        *("_has:Observation:has-member:code={test}", "_has:DiagnosticReport:result:status=final"),
        *("_has:DiagnosticReport:result:patient.gender=female", "has-member:Observation.value-quantity:missing=true"),
        *("subject:Patient.identifier:of-type=urn:kinds|MR|1", "_has:Observation:has-member:code:text=血"),
        *("code-value-quantity={test}$gt6", "combo-code-value-quantity=http://loinc.org|{test}$6.3||%25"),
        *("component-code-value-quantity={test}$lt7", "component-code-value-concept={test}$718-7"),
        *("has-member:Observation.code-value-quantity={test}$6.3", "combo-code-value-quantity:missing=true"),
        *("has-member:Observation.code:in=http://example.org/vs/2", "_has:Observation:has-member:code:not-in={vs}"),
        *("_has:Provenance:target:recorded=ge{day}", "patient._has:Condition:patient:code={test}"),
    ),
    "Patient": (
        *(
            "_has:Observation:patient:code={test}",
            "_has:Observation:patient:seen-by:Practitioner.name=山",
            "_has:Observation:patient:any-code={test}",
            "_has:Condition:patient:code={test}",
            "_has:Group:member:type=person",
        ),
        *("_has:Observation:patient:date=ge{day}", "general-practitioner:Practitioner.name=sato"),
        "_filter=not (general-practitioner[name sw 山].name pr false) and _has:Observation:patient:code eq {test}",
        *("_has:Observation:subject:performer:Practitioner.name=山", "_has:Account:patient:status=active"),
        *("_has:Observation:patient:_has:DiagnosticReport:result:status=final", "_has:Consent:patient:status=active"),
    ),
    "DiagnosticReport": ("result.code={test}", "result.patient.name=山", "result.has-member:Observation.code={test}"),
    "Condition": ("encounter.date=ge{day}", "patient.identifier=urn:oid:1.2.3|1", "encounter.patient.gender=male"),
    "Encounter": ("_has:Condition:encounter:code={test}", "patient.name=山田"),
    "Practitioner": (
        *("_has:Observation:performer:code={test}", "_has:Patient:general-practitioner:gender=male"),
        "_has:Observation:performer:patient.name=sato",
        '_filter=name sw "山" or _has:Observation:performer:code eq {test}',
    ),
    "Group": ("member:Patient.gender=female",),
    "Provenance": ("target:Observation.code={test}", "target:DocumentReference.patient.name=山"),
}
"""Queries that look at other resources than those they find."""
EVERYWHERE = ("_count=1", "_count=2", "_count=0", "_summary=count", "_lastUpdated=ge2026", "_sort=_lastUpdated")
EVERYWHERE += (
    "_total=accurate",
    "_total=none",
    "_total=estimate",
    "_list={list}",
    "_summary=true",
    "_summary=data",
    "_elements=id",
)


def questions(chance: random.Random, world: WorldMaker, count: int) -> Iterator[tuple[str, str, str]]:
    """Yield `count` questions: method, path below `/fhir/`, and query or form."""
    for _ in range(count):
        row = chance.choice(world.rows)
        kind = chance.randrange(17)
        if kind == 0:
            yield "GET", f"{row.type}/{row.id}", ""
        elif kind == 1:
            version = chance.randrange(4)
            yield "GET", f"{row.type}/{row.id}/_history/{version}{chance.choice(('', '/$original'))}", ""
        elif kind == 2:
            place, few = chance.choice(
                ((f"{row.type}/{row.id}/", 1), (f"{row.type}/{row.id}/", 2), (f"{row.type}/", 9), ("", 20))
            )
            asked = ("", f"_count={few}", f"_count={few}&_summary=text")
            yield (
                "GET",
                f"{place}_history",
                chance.choice((*asked, "_since=2020", "_since=2100", "_at=gt2020", "_at=1999")),
            )
        elif kind == 3:
            yield "GET", f"{row.type}/{row.id}/{chance.choice(('$original', '$validate', '$signatures'))}", ""
        elif kind == 4:
            yield *chance.choice((("GET", ""), ("POST", "_search"))), everywhere(chance, world)
        elif kind in (5, 6):
            whose = chance.choice(world.of("Patient", "Practitioner", "Encounter"))
            place = f"{whose.type}/{whose.id}/{chance.choice(('Observation', 'Encounter', 'DiagnosticReport', '*'))}"
            yield (
                *chance.choice((("GET", place), ("POST", f"{place}/_search"))),
                everywhere(chance, world, in_compartment=True) if place.endswith("*") else chance.choice(COMMON),
            )
        elif kind == 7:
            yield from _of_a_record(chance, world)
        elif kind == 16:
            yield _about_identity(chance)
        elif kind == 15:
            text = chance.choice(GRAPHS).replace("PATIENT", _named(chance, world, "Patient"))
            yield "GET", "$graphql", quote(f"query={text}", safe="=")
        elif kind == 8:
            one, other = chance.choice(world.rows), chance.choice(world.of(row.type))
            yield chance.choice(
                (
                    ("GET", f"{row.type}/$meta", ""),
                    ("GET", f"{row.type}/{row.id}/$meta", ""),
                    ("GET", f"{one.type}/{one.id}/$diff", chance.choice(("", "fromVersion=1"))),
                    ("GET", "$diff", f"from={row.type}/{row.id}&to={row.type}/{other.id}"),
                    ("GET", "Observation/$lastn", f"patient={_named(chance, world, 'Patient')}&max=2"),
                    ("GET", "ValueSet/$expand", f"url=http://example.org/vs/{chance.randrange(3)}"),
                    ("GET", f"ValueSet/{_named(chance, world, 'ValueSet')}/$expand", "count=1"),
                    (
                        "GET",
                        f"ValueSet/{_named(chance, world, 'ValueSet')}/$validate-code",
                        f"system=http://loinc.org&code={chance.choice(TESTS)}",
                    ),
                )
            )
        else:
            type_name = chance.choice(("Observation", "Patient", row.type))
            yield (
                *chance.choice((("GET", type_name), ("POST", f"{type_name}/_search"))),
                search(chance, world, type_name),
            )


def _of_a_record(chance: random.Random, world: WorldMaker) -> Iterator[tuple[str, str, str]]:
    """Yield a question for a whole record, and at times one for its summary, which is dear."""
    query = chance.choice(("", "", "_count=2", "_type=Observation,Practitioner", "start=2024-03", "end=2024-03"))
    yield "GET", f"Patient/{_named(chance, world, 'Patient')}/$everything", query
    if chance.random() < 0.25:
        yield _a_summary(chance, world)
    if chance.random() < 0.1:
        # What is posted has no images, so that of an ImagingStudy of whatever patient there is no manifest.
        yield "GET", f"ImagingStudy/{_named(chance, world, 'Patient')}/$manifest", chance.choice(("", "form=kos"))


def _a_summary(chance: random.Random, world: WorldMaker) -> tuple[str, str, str]:
    """Return a question for a summary, whose person is named by id or by number."""
    whose = _named(chance, world, "Patient")
    return chance.choice(
        (
            ("GET", f"Patient/{whose}/$summary", ""),
            ("GET", f"Patient/{whose}/$summary", "_language=en"),
            ("POST", f"Patient/{whose}/$summary", f"profile={quote(IPS)}"),
            ("GET", "Patient/$summary", f"identifier=urn:oid:1.2.3|{chance.randrange(5)}"),
            ("POST", "Patient/$summary", f"identifier={chance.randrange(5)}&_language=en"),
        )
    )


def _about_identity(chance: random.Random) -> tuple[str, str, str]:
    """Return a question of the identity doors."""
    number, other = (f"urn:oid:1.2.3|{chance.randrange(5)}" for _ in range(2))
    told = {
        "resourceType": "Patient",
        "identifier": [{"system": "urn:oid:1.2.3", "value": number[-1]}],
        "name": [{"family": chance.choice(FAMILIES), "given": ["太郎"]}],
        "birthDate": "1960-01-02",
        "gender": "male",
    }
    return chance.choice(
        (
            ("POST", "Patient/$match", json.dumps(told)),
            ("GET", "Patient/$ihe-pix", f"sourceIdentifier={number}"),
            ("GET", "Patient/$ihe-pix", f"sourceIdentifier={number}&targetSystem=urn:oid:1.2.3"),
            ("GET", "Patient/$ihe-pix", f"sourceIdentifier={number}&targetSystem=urn:oid:9.9"),
            ("GET", "Patient", f"identifier={other}&identifier=urn:oid:1.2.3|,urn:oid:9.9|"),
            ("GET", "Patient", "identifier=urn:oid:1.2.3|&_count=2"),
        )
    )


IPS = "http://hl7.org/fhir/uv/ips/StructureDefinition/Bundle-uv-ips"

GRAPHS = (
    *('{Patient(id:"PATIENT"){id name{family} generalPractitioner{resource(optional:true){...on Practitioner{id}}}}}',),
    *('{Patient(id:"PATIENT"){ObservationList(_reference:patient,_sort:"-date"){id subject{reference}}}}',),
    *("{ObservationList(_count:5){id hasMember{resource(optional:true){...on Observation{id status}}}}}",),
    *("{ObservationList(_count:3){performer{resource{...on Practitioner{name{family}}}}}}",),
    *('{ObservationConnection(patient:"PATIENT"){count edges{resource{id}}}}',),
    *("{GroupList{id member{entity{resource(optional:true){...on Patient{id}}}}}}",),
    *("{ListList{id entry{item{resource(optional:true){...on Observation{id}}}}} AccountConnection{count}}",),
)
"""Graph queries: by references, back along them, and counts."""

COMMON = ("_sort=-_id&_count=3", "_sort=_lastUpdated&_count=2", "_summary=count", "_security=PSY", "_count=2")
"""What can be asked of any type."""


def everywhere(chance: random.Random, world: WorldMaker, *, in_compartment: bool = False) -> str:
    """Return a query for several types."""
    types = ["Observation", "DiagnosticReport", "Encounter", "Condition", "Group"]
    if not in_compartment:
        types += ["Patient", "Basic", "ValueSet"]
    parts = [chance.choice(COMMON), "_type=" + ",".join(chance.sample(types, 3))]
    if chance.random() < 0.3:
        parts.append(chance.choice(("_include=*", "_revinclude=*")))
    return "&".join(parts)


def _named(chance: random.Random, world: WorldMaker, type_name: str) -> str:
    found = world.of(type_name)
    return chance.choice(found).id if found and chance.random() < 0.95 else "hospital-a-nothing"


def search(chance: random.Random, world: WorldMaker, type_name: str) -> str:
    """Return a query for a type: some criteria, an order, a page size."""
    known = SEARCHES[type_name]
    parts = chance.sample(known, min(len(known), chance.choice((0, 1, 1, 2, 3))))
    parts += chance.sample(CHAINED.get(type_name, ()), 1) if type_name in CHAINED and chance.random() < 0.4 else []
    parts += chance.sample(EVERYWHERE, chance.choice((0, 1, 1)))
    once = {part.partition("=")[0]: part for part in parts}
    names = {
        "patient": _named(chance, world, "Patient"),
        "other": _named(chance, world, "Patient"),
        "observation": _named(chance, world, "Observation"),
        "practitioner": _named(chance, world, "Practitioner"),
        "list": _named(chance, world, "List"),
        "valueset": _named(chance, world, "ValueSet"),
        "vs": "http://example.org/vs/0",
        "day": chance.choice(DAYS),
        "test": chance.choice(TESTS),
    }
    return quote("&".join(part.format(**names) for part in once.values()), safe="&=%|,:/$")
