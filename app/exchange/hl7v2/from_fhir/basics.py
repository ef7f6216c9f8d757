"""ADT-00, ADT-61, PPR-01: who a patient is, allergies, diseases."""

from collections.abc import Iterable, Sequence
from urllib.parse import unquote

from app.exchange.hl7v2.from_fhir.observed import observed
from app.exchange.hl7v2.from_fhir.ordered import order_line
from app.exchange.hl7v2.from_fhir.values import (
    addresses,
    coded,
    coded_parts,
    contacts,
    identifier,
    moment,
    names,
    person,
)
from app.exchange.hl7v2.from_fhir.written import Resource
from app.exchange.hl7v2.to_fhir.condition import DIAGNOSIS_TYPE, INDICATION, RANK
from app.exchange.hl7v2.to_fhir.source import Source
from app.exchange.hl7v2.to_fhir.systems import (
    EXCHANGE_CODE,
    EXTENSION,
    INSTANCE,
    KEY_NUMBER,
    MHLW_IDENTIFIER,
    STANDARD,
)
from app.exchange.hl7v2.write import Components, Field, Line, segment

_SEXES = {"male": "M", "female": "F", "other": "O", "unknown": "U"}
_CATEGORIES = {"medication": "DA", "food": "FA", "environment": "EA", "biologic": "MA"}
_SEVERITIES = {"severe": "SV", "moderate": "MO", "mild": "MI"}
_CERTAINTIES = {"confirmed": "C", "unconfirmed": "U", "refuted": "R", "entered-in-error": "E"}
_ALLERGY_TYPES = {"allergy": "AL", "intolerance": "IN"}


def pid(patient: Resource, source: Source, *, whole: bool = True) -> Line:
    """Return PID; without address and telephone where the message is of something else."""
    number = identifier(patient, source.patient_system)
    fields: dict[int, Field] = {1: "0001", 3: (number, "", "", "", "PI"), 5: names(patient)}
    fields |= {7: moment(patient.get("birthDate", ""), source), 8: _SEXES.get(patient.get("gender", ""), "")}
    if whole:
        telecoms = patient.get("telecom", ())
        fields[11] = addresses(patient)
        fields[13] = contacts(one for one in telecoms if one.get("use") != "work")
        fields[14] = contacts(one for one in telecoms if one.get("use") == "work")
        fields[29] = moment(patient.get("deceasedDateTime", ""), source)
        fields[30] = "Y" if patient.get("deceasedBoolean") or patient.get("deceasedDateTime") else ""
        fields[16] = next((one.get("code", "") for one in patient.get("maritalStatus", {}).get("coding", ())), "")
    return segment("PID", {number: field for number, field in fields.items() if field != []})


def related(resource: Resource, number: int, source: Source) -> Line:
    """Return NK1 of a RelatedPerson."""
    relation = next(iter(resource.get("relationship", ())), None)
    fields: dict[int, Field] = {1: str(number), 2: names(resource), 3: coded(relation, source), 4: addresses(resource)}
    fields[5] = contacts(resource.get("telecom", ()))
    fields[15] = _SEXES.get(resource.get("gender", ""), "")
    fields[16] = moment(resource.get("birthDate", ""), source)
    return segment("NK1", {place: field for place, field in fields.items() if field not in ("", [])})


def insurance(resource: Resource, number: int, source: Source) -> Line:
    """Return IN1 of a Coverage."""
    said = {one["url"].rpartition("_")[2]: one.get("valueString", "") for one in resource.get("extension", ())}
    payor: Resource = next(iter(resource.get("payor", ())), {})
    period = resource.get("period", {})
    relation = dict(resource.get("relationship", {}))
    relation["coding"] = [one for one in relation.get("coding", ()) if "subscriber-relationship" not in one["system"]]
    symbol: Components = (said.get("InsuredPersonSymbol", ""), said.get("InsuredPersonSubNumber", ""))
    fields: dict[int, Field] = {
        1: str(number),
        2: coded(resource.get("type"), source),
        3: identifier(payor, f"{MHLW_IDENTIFIER}InsurerNumber"),
        4: payor.get("display", ""),
        10: symbol,
        11: said.get("InsuredPersonNumber", "") or resource.get("subscriberId", ""),
        12: moment(period.get("start", ""), source),
        13: moment(period.get("end", ""), source),
        17: coded(relation, source),
    }
    return segment("IN1", fields)


def allergy(resource: Resource, number: int, source: Source) -> Line:
    """Return IAM of an AllergyIntolerance."""
    reaction: Resource = next(iter(resource.get("reaction", ())), {})
    status = next((c.get("code", "") for c in resource.get("verificationStatus", {}).get("coding", ())), "")
    instance = identifier(resource, INSTANCE)
    category = next(iter(resource.get("category", ())), "")
    fields: dict[int, Field] = {
        1: str(number),
        2: _CATEGORIES.get(category, ""),
        3: coded(resource.get("code"), source),
        4: _SEVERITIES.get(reaction.get("severity", ""), "") or ("SV" if resource.get("criticality") == "high" else ""),
        5: [one.get("text", "") or coded_parts(one, source)[1] for one in reaction.get("manifestation", ())],
        6: "D" if status == "entered-in-error" else "A",
        7: "" if instance.startswith(source.institution) else instance,
        9: _ALLERGY_TYPES.get(resource.get("type", ""), ""),
        11: moment(resource.get("onsetDateTime", ""), source),
        12: resource.get("onsetString", ""),
        13: moment(resource.get("recordedDate", ""), source),
        17: _CERTAINTIES.get(status, ""),
    }
    return segment("IAM", {place: field for place, field in fields.items() if field not in ("", [])})


def diseases(conditions: Sequence[Resource], source: Source) -> Iterable[Line]:
    """Yield PRB, ZPR and ORC of each Condition."""
    for one in conditions:
        yield _problem(one, source)
        words = _words(one)
        if words:
            yield segment("ZPR", words)
        yield order_line(one, source, recorder=person(one.get("recorder")), number=_instance(one, source))


def _instance(one: Resource, source: Source) -> str:
    whole = identifier(one, INSTANCE)
    start = f"{source.institution}-"
    # Behind the institution stands the patient's number (`to_fhir.draft`).
    return unquote(whole.removeprefix(start).partition("-")[2]) if whole.startswith(start) else whole


def _problem(one: Resource, source: Source) -> Line:
    codings = one.get("code", {}).get("coding", ())
    keyed = next((c for c in codings if c.get("system") == KEY_NUMBER), None)
    exchanged = next((c for c in codings if c.get("system") == EXCHANGE_CODE), None)
    disease = next((c for c in codings if c.get("system") == STANDARD["I10"]), None)
    rest = [c for c in codings if c not in (keyed, exchanged, disease)]
    first = keyed or next(iter(rest), None) or exchanged
    status = next((c.get("code") for c in one.get("verificationStatus", {}).get("coding", ())), "")
    course = next((c.get("code") for c in one.get("clinicalStatus", {}).get("coding", ())), "")
    where: Resource = next((c for c in one.get("category", ()) if "condition-category" not in str(c)), {})
    kind = _rank(one)
    ended = moment(one.get("abatementDateTime", ""), source)
    text = one.get("code", {}).get("text", "")
    labels = one.get("meta", {})
    fields: dict[int, Field] = {
        1: "DE" if status == "entered-in-error" else "AD",
        3: coded({"coding": [first]}, source) if first else ("", text),
        4: _instance(one, source),
        7: moment(one.get("recordedDate", ""), source),
        9: ended,
        10: (
            (disease or {}).get("code", ""),
            (disease or {}).get("display", ""),
            "I10" if disease else "",
            *coded_parts(where, source),
            (disease or {}).get("version", ""),
        ),
        13: ["S", "疑い"][0] if status in {"provisional", "unconfirmed", "differential"} else "",
        14: {"resolved": "F", "inactive": "S" if ended else ""}.get(course or "", ""),
        15: ended if course == "resolved" else "",
        16: moment(one.get("onsetDateTime", ""), source),
        17: text if text != (first or {}).get("display", "") else "",
        18: coded(kind, source),
        21: "未告知" if any(tag.get("system") == INDICATION for tag in labels.get("tag", ())) else "",
        25: next((s["code"] for s in labels.get("security", ()) if s.get("code") in {"V", "R"}), ""),
    }
    return segment("PRB", {place: field for place, field in fields.items() if field not in ("", ("",) * 7)})


def _rank(one: Resource) -> Resource | None:
    """Return the rank of a disease as the sender gave it."""
    for each in one.get("extension", ()):
        if each.get("url") in {DIAGNOSIS_TYPE, RANK}:
            rank = dict(each["valueCodeableConcept"])
            rank["coding"] = [c for c in rank.get("coding", ()) if not c["system"].endswith("ex-diagnosistype")]
            return rank if rank["coding"] else {"coding": [{"code": "1", "display": "主診断", "system": ""}]}
    return None


def _words(one: Resource) -> dict[int, Field]:
    codings = one.get("code", {}).get("coding", ())
    made: dict[int, Field] = {}
    for system, number in ((KEY_NUMBER, 2), (EXCHANGE_CODE, 5)):
        found = next((c for c in codings if c.get("system") == system), None)
        if found:
            made[number] = (found["code"], found.get("display", ""), "MDCDX2")
    for name, numbers, codes in (("Prefix", 1, 4), ("Postfix", 3, 6)):
        url = f"{EXTENSION}JP_Condition_Disease{name}Modifier"
        values = [e["valueCodeableConcept"] for e in one.get("code", {}).get("extension", ()) if e.get("url") == url]
        for number, word in ((numbers, "master-disease-modKeyNumber"), (codes, "master-disease-modExCode")):
            listed: list[Components] = [_modifier(value, word) for value in values]
            if any(listed):
                made[number] = listed
    note = next((each.get("text", "") for each in one.get("note", ())), "")
    if note:
        made[7] = note
    return made


def _modifier(value: Resource, word: str) -> Components:
    found = next((c for c in value.get("coding", ()) if str(c.get("system", "")).endswith(word)), None)
    return (found["code"], found.get("display", ""), "MDCMD2") if found else ""


def measured(observations: Sequence[Resource], source: Source) -> Iterable[Line]:
    """Yield OBX of what is known of a patient's body, and DB1 of a disability."""
    for number, one in enumerate(observations, start=1):
        if "valueBoolean" in one and _disability(one):
            yield segment("DB1", {1: str(number), 2: _disability(one), 4: "Y" if one["valueBoolean"] else "N"})
        else:
            yield from observed(one, number, source)


def _disability(one: Resource) -> str:
    """Return whose disability an Observation of DB1 tells; empty for another."""
    found = (c for c in one.get("code", {}).get("coding", ()) if str(c.get("system", "")).endswith("v2-0334"))
    return next((str(c.get("code", "")) for c in found), "")
