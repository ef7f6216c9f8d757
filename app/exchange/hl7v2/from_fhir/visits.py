"""ADT-12, ADT-21, ADT-22, ADT-52: visits and stays."""

from app.exchange.hl7v2.from_fhir.basics import pid
from app.exchange.hl7v2.from_fhir.values import at_17, coded_parts, identifier, moment, person, place
from app.exchange.hl7v2.from_fhir.written import NO_ORDER, Resource, Written, header
from app.exchange.hl7v2.to_fhir.source import Source
from app.exchange.hl7v2.write import Field, Line, segment

_CLASSES = {"IMP": "I", "ACUTE": "I", "NONAC": "I", "AMB": "O", "EMER": "E", "PRENC": "P", "HH": "H", "VR": "O"}
_TEAM = {"主治医": 7, "紹介医": 8, "担当医": 9, "入院時担当医": 17}
_PARTS = {"ATND": 7, "REF": 8, "CON": 9, "ADM": 17}


def visits(patient: Resource, encounter: Resource, source: Source, name: str) -> list[Written]:
    """Return the messages of a visit: of a stay that is over, of its begin and of its end.

    Args:
        patient: Whose it is.
        encounter: The visit.
        source: The site.
        name: What the visit is called among what is written.
    """
    began, ended = (encounter.get("period", {}).get(word, "") for word in ("start", "end"))
    code = _CLASSES.get(encounter.get("class", {}).get("code", ""), "O")
    is_over = encounter.get("status") == "finished" and bool(ended)
    at = began or ended
    if not at or encounter.get("status") in {"cancelled", "entered-in-error"}:
        return []
    if encounter.get("status") == "planned":
        kinds = [("ADT-21", at)]
    elif code != "I":
        kinds = [("ADT-12", at)]
    else:
        kinds = [("ADT-22", at)] if began else []
        kinds += [("ADT-52", ended)] if is_over else []
    unit = coded_parts(encounter.get("serviceType", {}), source)[0] or "-"
    made = []
    for kind, moment_ in kinds:
        occurred, is_last = at_17(moment_, source), kind == kinds[-1][0]
        lines = [header(kind, occurred, identifier(encounter, "") or occurred), _event(moment_, source, kind)]
        lines += [pid(patient, source, whole=False), _visit(encounter, source, kind)]
        if kind == "ADT-21":
            lines.append(segment("PV2", {8: moment(began, source)}))
        made.append(Written(kind, occurred[:8], NO_ORDER, occurred, unit, lines, (name,) if is_last else ()))
    return made


def in_charge(team: Resource, source: Source) -> Line:
    """Return PV1 of ADT-01: the doctors of a CareTeam."""
    fields: dict[int, Field] = {1: "0001", 2: "O"}
    unit = next((coded_parts(each, source)[0] for each in team.get("reasonCode", ())), "")
    for each in team.get("participant", ()):
        role = next((str(one.get("text")) for one in each.get("role", ())), "")
        fields.setdefault(_TEAM.get(role, 9), []).append(person(each.get("member")))  # type: ignore[union-attr]
    fields[10] = unit
    return segment("PV1", fields)


def _event(at: str, source: Source, kind: str) -> Line:
    happened = moment(at, source)
    return segment("EVN", {2: happened} if kind == "ADT-12" else {2: happened, 6: happened})


def _visit(encounter: Resource, source: Source, kind: str) -> Line:
    places = [each for each in encounter.get("location", ()) if each.get("location", {}).get("display")]
    here: Resource = next((each for each in reversed(places)), {})
    code = _CLASSES.get(encounter.get("class", {}).get("code", ""), "O")
    fields: dict[int, Field] = {1: "0001", 2: code, 3: place(here.get("location", {})) if here else ""}
    for each in encounter.get("participant", ()):
        part = next((c.get("code", "") for t in each.get("type", ()) for c in t.get("coding", ())), "ATND")
        fields.setdefault(_PARTS.get(part, 7), person(each.get("individual")))
    fields[10] = coded_parts(encounter.get("serviceType", {}), source)[0]
    fields[19] = identifier(encounter, source.local("visit-number"))
    left = encounter.get("hospitalization", {})
    fields[14] = left.get("admitSource", {}).get("text", "")
    fields[36] = left.get("dischargeDisposition", {}).get("text", "") if kind == "ADT-52" else ""
    period = encounter.get("period", {})
    fields[44] = moment(period.get("start", ""), source) if kind != "ADT-21" else ""
    fields[45] = moment(period.get("end", ""), source) if kind in {"ADT-52", "ADT-12"} else ""
    return segment("PV1", {number: field for number, field in fields.items() if field})
