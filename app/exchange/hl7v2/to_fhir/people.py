"""Names, addresses and telephone numbers; people and departments that are named only.

HL7 2.5 section 2.A.88 (XPN), 2.A.86 (XCN), 2.A.87 (XAD), 2.A.89 (XTN); JP Core JP_HumanName.
"""

from typing import Any

from app.exchange.hl7v2.message import Repetition, Segment
from app.exchange.hl7v2.to_fhir.source import Source
from app.exchange.hl7v2.to_fhir.systems import DEPARTMENT

REPRESENTATION = "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation"
_REPRESENTATIONS = {"I": "IDE", "P": "SYL", "A": "ABC"}
_NAME_USES = {"L": "official", "D": "usual", "N": "nickname", "M": "maiden", "B": "old", "S": "anonymous", "T": "temp"}
_ADDRESS_USES = {"H": "home", "B": "work", "O": "work", "C": "temp", "BA": "old", "P": "home", "L": "home"}
_CONTACT_USES = {"PRN": "home", "ORN": "home", "VHN": "home", "WPN": "work", "EMR": "temp", "PRS": "mobile"}
_EQUIPMENT = {"PH": "phone", "CP": "phone", "FX": "fax", "BP": "pager", "INTERNET": "email", "X.400": "email"}


def human_name(family: str, given: str, middle: str, use: str, representation: str) -> dict[str, Any]:
    """Return a HumanName; empty where there is no name.

    Args:
        family: Or all of the name, where the sender does not part it.
        given: The given name.
        middle: Further given names.
        use: A code of HL7 table 0200.
        representation: A code of HL7 table 0465: I is kanji, P is kana, A is letters.
    """
    parts = [part for part in (family, given, middle) if part]
    if not parts:
        return {}
    made: dict[str, Any] = {}
    if representation in _REPRESENTATIONS:
        made["extension"] = [{"url": REPRESENTATION, "valueCode": _REPRESENTATIONS[representation]}]
    if use in _NAME_USES:
        made["use"] = _NAME_USES[use]
    made["text"] = " ".join(" ".join(parts).replace("\N{IDEOGRAPHIC SPACE}", " ").split())
    if family and (given or middle):
        made["family"] = family
        made["given"] = parts[1:]
    return made


def names(segment: Segment, field: int) -> list[dict[str, Any]]:
    """Return the names of an XPN field."""
    made = (
        human_name(each.text(1), each.text(2), each.text(3), each.text(7), each.text(8))
        for each in segment.repetitions(field)
    )
    return [each for each in made if each]


def addresses(segment: Segment, field: int) -> list[dict[str, Any]]:
    """Return the addresses of an XAD field; where the sender does not part it, the whole is in its eighth component."""
    made = []
    for each in segment.repetitions(field):
        street, other, city, state = each.text(1), each.text(2), each.text(3), each.text(4)
        postal, country, kind = each.text(5), each.text(6), each.text(7)
        text = each.text(8) or "".join(part for part in (state, city, street, other) if part)
        one: dict[str, Any] = {"use": _ADDRESS_USES.get(kind, ""), "text": text}
        if street or other:
            one["line"] = [part for part in (street, other) if part]
        one |= {"city": city, "state": state, "postalCode": _postal(postal), "country": _country(country)}
        one = {name: value for name, value in one.items() if value}
        if one and one.keys() != {"use"}:
            made.append(one)
    return made


def _postal(text: str) -> str:
    return f"{text[:3]}-{text[3:]}" if len(text) == 7 and text.isdigit() else text


def _country(text: str) -> str:
    return "JP" if text == "JPN" else text


def contacts(segment: Segment, *fields: int) -> list[dict[str, Any]]:
    """Return the telephone numbers and addresses of XTN fields."""
    made = []
    for field in fields:
        for each in segment.repetitions(field):
            system = _EQUIPMENT.get(each.text(3).upper(), "phone")
            spoken = "-".join(part for part in (each.text(6), each.text(7)) if part)
            value = (
                (each.text(4) if system == "email" else "") or each.text(12) or each.text(1) or spoken or each.text(4)
            )
            if value:
                use = "mobile" if each.text(3) == "CP" else _CONTACT_USES.get(each.text(2), "")
                made.append({"system": system, "value": value, **({"use": use} if use else {})})
    return made


def practitioner(value: Repetition, source: Source) -> dict[str, Any]:
    """Return a reference to a person of the staff who is named only: XCN; empty where nobody is."""
    return source.remembered("practitioner", value, _practitioner)


def _practitioner(value: Repetition, source: Source) -> dict[str, Any]:
    number = value.text(1)
    name = " ".join(part for part in (value.text(2), value.text(3)) if part)
    made: dict[str, Any] = {"type": "Practitioner"}
    if number:
        made["identifier"] = {"system": source.practitioner_system, "value": number}
    if name:
        made["display"] = name
    return made if len(made) > 1 else {}


def practitioner_of(segment: Segment | None, field: int, source: Source) -> dict[str, Any]:
    """Return a reference to the first person of a field; empty where there is none."""
    found = segment.repetitions(field) if segment is not None else []
    return practitioner(found[0], source) if found else {}


def department_of(segment: Segment | None, field: int, source: Source) -> dict[str, Any]:
    """Return the department of a coded field; empty where there is none."""
    found = segment.repetitions(field) if segment is not None else []
    return source.remembered("department", found[0], _department) if found else {}


def _department(value: Repetition, source: Source) -> dict[str, Any]:
    return department(value.text(1), value.text(2), value.text(3), source)


def department(code: str, display: str, name: str, source: Source) -> dict[str, Any]:
    """Return a department as a CodeableConcept; two digits without a system are those of SS-MIX2."""
    if not code and not display:
        return {}
    code = " ".join(code.split())
    if code:
        two = len(code) == 2 and code.isdigit()
        system = source.system_of(name) or (DEPARTMENT if two else source.local("department"))
        one = {"system": system, "code": code, **({"display": display} if display else {})}
        return {"coding": [one], "text": display or code}
    return {"text": display}


def place(value: Repetition, source: Source) -> dict[str, Any]:
    """Return a reference to a ward, a room and a bed that are named only: PL; empty where there is none."""
    return source.remembered("place", value, _place)


def _place(value: Repetition, source: Source) -> dict[str, Any]:
    parts = [part for part in (value.text(1), value.text(2), value.text(3)) if part]
    if not parts:
        return {}
    shown = " ".join(parts)
    return {
        "type": "Location",
        "identifier": {"system": source.local("location"), "value": "-".join(parts)},
        "display": shown,
    }


def place_of(segment: Segment | None, field: int, source: Source) -> dict[str, Any]:
    """Return a reference to the first place of a field; empty where there is none."""
    found = segment.repetitions(field) if segment is not None else []
    return place(found[0], source) if found else {}
