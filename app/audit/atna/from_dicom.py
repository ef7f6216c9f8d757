"""The AuditEvent that an audit message of DICOM means. PS3.15, A.5; the mapping is FHIR's own.

https://hl7.org/fhir/R4/auditevent-mappings.html#dicom

Read with expat: a document type is refused where it begins, so nothing is declared, expanded or fetched.
"""

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from typing import Any
from xml.parsers import expat

from app.audit.atna.codes import DCM, ENTITY_ROLE, ENTITY_TYPE, SYSTEMS
from app.audit.balp import instant

MOST_ELEMENTS = 20_000
DEPTH = 20


class MalformedMessage(ValueError):
    """It is not an audit message of DICOM."""


class _Element:
    """An element: its name, its attributes, its text, what lies in it."""

    __slots__ = ("attributes", "children", "name", "text")

    def __init__(self, name: str, attributes: dict[str, str]) -> None:
        self.name = name
        self.attributes = attributes
        self.text = ""
        self.children: list[_Element] = []

    def of(self, name: str) -> list["_Element"]:
        return [one for one in self.children if one.name == name]


def parse(body: bytes) -> _Element:
    """Return the root of an audit message.

    Raises:
        MalformedMessage: it is none, has a document type, or is larger or deeper than one is.
    """
    top = _Element("", {})
    stack = [top]
    count = 0

    def begin(name: str, attributes: dict[str, str]) -> None:
        nonlocal count
        count += 1
        if count > MOST_ELEMENTS or len(stack) > DEPTH:
            raise MalformedMessage("too many elements, or too deep")
        made = _Element(name.rpartition(":")[2], attributes)
        stack[-1].children.append(made)
        stack.append(made)

    def doctype(*_: object) -> None:
        raise MalformedMessage("a document type is not read")

    def characters(text: str) -> None:
        stack[-1].text += text

    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartElementHandler = begin
    parser.EndElementHandler = lambda _: stack.pop()
    parser.CharacterDataHandler = characters
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(body, True)
    except expat.ExpatError as error:
        raise MalformedMessage(f"not XML: {expat.ErrorString(error.code)}") from error
    if len(top.children) != 1 or top.children[0].name != "AuditMessage":
        raise MalformedMessage("not an AuditMessage")
    return top.children[0]


def _coding(element: _Element) -> dict[str, str]:
    """Return the Coding of a coded value, in either of the forms that are in use."""
    at = element.attributes
    code = at.get("csd-code", at.get("code", ""))
    system = at.get("codeSystemName", at.get("codeSystem", ""))
    display = at.get("originalText", at.get("displayName", ""))
    named = {"system": SYSTEMS.get(system, f"urn:oid:{system}" if system[:2] in ("1.", "2.") else f"urn:{system}")}
    return {**(named if system else {}), "code": code, **({"display": display} if display else {})}


def _agent(element: _Element) -> dict[str, Any]:
    at = element.attributes
    made: dict[str, Any] = {"who": {"identifier": {"value": at.get("UserID", "")}}}
    made["requestor"] = at.get("UserIsRequestor", "false") == "true"
    for name, member in (("AlternativeUserID", "altId"), ("UserName", "name")):
        if at.get(name):
            made[member] = at[name]
    if roles := element.of("RoleIDCode"):
        made["type"] = {"coding": [_coding(roles[0])]}
        made["role"] = [{"coding": [_coding(one)]} for one in roles]
    if at.get("NetworkAccessPointID"):
        made["network"] = {"address": at["NetworkAccessPointID"]}
        if at.get("NetworkAccessPointTypeCode") in ("1", "2", "3", "4", "5"):
            made["network"]["type"] = at["NetworkAccessPointTypeCode"]
    return made


def _query(text: str) -> dict[str, str]:
    try:
        return {"query": b64encode(b64decode(text.strip(), validate=True)).decode()}
    except (Base64Error, ValueError):
        return {"query": b64encode(text.encode()).decode()}


def _entity(element: _Element) -> dict[str, Any]:
    at = element.attributes
    made: dict[str, Any] = {}
    if at.get("ParticipantObjectID"):
        made["what"] = {"identifier": {"value": at["ParticipantObjectID"]}}
    for name, member, system in (
        ("ParticipantObjectTypeCode", "type", ENTITY_TYPE),
        ("ParticipantObjectTypeCodeRole", "role", ENTITY_ROLE),
    ):
        if at.get(name):
            made[member] = {"system": system, "code": at[name]}
    for one in element.of("ParticipantObjectQuery")[:1]:
        made |= _query(one.text)
    names = [one.text.strip() for one in element.of("ParticipantObjectName") if one.text.strip()]
    # sev-1: an entity has a name or a query, never both.
    if names and "query" not in made:
        made["name"] = names[0]
    details = [
        {"type": one.attributes.get("type", "detail"), "valueBase64Binary": one.attributes.get("value", "")}
        for one in element.of("ParticipantObjectDetail")
        if one.attributes.get("value")
    ]
    return made | ({"detail": details} if details else {})


def _source(root: _Element) -> dict[str, Any]:
    found = root.of("AuditSourceIdentification")
    at = found[0].attributes if found else {}
    made: dict[str, Any] = {"observer": {"identifier": {"value": at.get("AuditSourceID", "unknown")}}}
    if at.get("AuditEnterpriseSiteID"):
        made["site"] = at["AuditEnterpriseSiteID"]
    return made


def _described(root: _Element, recorded: int) -> dict[str, Any]:
    """Return what the identification of the event says."""
    found = root.of("EventIdentification")
    event = found[0] if found else _Element("EventIdentification", {})
    at = event.attributes
    ids = [_coding(one) for one in event.of("EventID")]
    made: dict[str, Any] = {"type": ids[0] if ids else {"system": DCM, "code": "110100"}}
    if subtypes := [_coding(one) for one in event.of("EventTypeCode")]:
        made["subtype"] = subtypes
    if at.get("EventActionCode") in ("C", "R", "U", "D", "E"):
        made["action"] = at["EventActionCode"]
    made["recorded"] = instant(recorded)
    if at.get("EventOutcomeIndicator") in ("0", "4", "8", "12"):
        made["outcome"] = at["EventOutcomeIndicator"]
    for one in event.of("EventOutcomeDescription")[:1]:
        made["outcomeDesc"] = one.text.strip()
    if purposes := [_coding(one) for one in event.of("PurposeOfUse")]:
        made["purposeOfEvent"] = [{"coding": [one]} for one in purposes]
    return made


def from_dicom(body: bytes, recorded: int) -> dict[str, Any]:
    """Return the AuditEvent of an audit message.

    Args:
        body: The XML; of one that cannot be read, an alert is returned that says so.
        recorded: When it happened, in microseconds since 1970 UTC.
    """
    try:
        root = parse(body)
    except MalformedMessage as error:
        return {
            "resourceType": "AuditEvent",
            "type": {"system": DCM, "code": "110113", "display": "Security Alert"},
            "recorded": instant(recorded),
            "outcome": "8",
            "outcomeDesc": f"A message that cannot be read: {error}",
            "agent": [{"requestor": False}],
            "source": {"observer": {"display": "unknown"}},
            "entity": [{"query": b64encode(body).decode()}],
        }
    made = {"resourceType": "AuditEvent", **_described(root, recorded)}
    made["agent"] = [_agent(one) for one in root.of("ActiveParticipant")] or [{"requestor": False}]
    made["source"] = _source(root)
    entities = [_entity(one) for one in root.of("ParticipantObjectIdentification")]
    return made | ({"entity": [one for one in entities if one]} if any(entities) else {})


def recorded_text(root: _Element) -> str:
    """Return when an audit message says it happened, empty when it does not."""
    found = root.of("EventIdentification")
    return found[0].attributes.get("EventDateTime", "") if found else ""
