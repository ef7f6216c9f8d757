"""The metadata of a CDA document: what its header says, by the bindings of XDS-MS.

https://profiles.ihe.net/PCC/TF/Volume2/ch-4.html#4.1.1
"""

import re
from collections.abc import Iterator
from typing import Any

from lxml import etree

from fhir.documents.metadata.bytes import URI, bytes_metadata

NAMESPACE = "urn:hl7-org:v3"
_NAMES = {"h": NAMESPACE}

_SYSTEMS = {
    "2.16.840.1.113883.6.1": "http://loinc.org",
    "2.16.840.1.113883.6.96": "http://snomed.info/sct",
    "2.16.840.1.113883.5.25": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality",
}
_CODES = {"RPLC": "replaces", "APND": "appends", "XFRM": "transforms"}
_TIME = re.compile(r"(\d{4})(\d\d)?(\d\d)?(?:(\d\d)(\d\d)(\d\d)?(?:\.\d+)?)?([+-]\d{4})?")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_OID = re.compile(r"[0-2](?:\.(?:0|[1-9][0-9]*))+")


class NoDocument(ValueError):
    """The bytes are not a CDA document, or declare entities."""


def _parsed(octets: bytes) -> Any:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(octets, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise NoDocument(f"This is not XML: {error}") from None
    if root.getroottree().docinfo.doctype:
        raise NoDocument("A document type is not taken")
    if root.tag != f"{{{NAMESPACE}}}ClinicalDocument":
        raise NoDocument("This is not a ClinicalDocument")
    return root


def _urn(root: str, extension: str = "") -> str:
    """Return an instance identifier as a URN; empty when it is none."""
    if extension or not root:
        return ""
    if _UUID.fullmatch(root):
        return f"urn:uuid:{root.lower()}"
    return f"urn:oid:{root}" if _OID.fullmatch(root) else ""


def _identifier(node: Any) -> dict[str, Any] | None:
    """Return an instance identifier as FHIR writes it."""
    root, extension = node.get("root", ""), node.get("extension", "")
    urn = _urn(root)
    if not urn:
        return None
    return {"system": urn, "value": extension} if extension else {"system": URI, "value": urn}


def _first(root: Any, path: str) -> Any:
    found = root.xpath(path, namespaces=_NAMES)
    return found[0] if found else None


def _text(node: Any) -> str:
    return " ".join("".join(node.itertext()).split())[:1_000] if node is not None else ""


def _concept(node: Any) -> dict[str, Any] | None:
    code = node.get("code") if node is not None else None
    if not code:
        return None
    system = node.get("codeSystem", "")
    stated = {"system": _SYSTEMS.get(system) or _urn(system), "code": code, "display": node.get("displayName")}
    return {"coding": [{name: value for name, value in stated.items() if value}]}


def date_time(text: str) -> str:
    """Return an HL7 time as a FHIR dateTime, as exact as it is; empty when it is none.

    A time of day without a zone is Japan's.
    """
    match = _TIME.fullmatch(text)
    if match is None:
        return ""
    year, month, day, hour, minute, second, zone = match.groups()
    date = "-".join(part for part in (year, month, day) if part)
    if hour is None or day is None:
        return date
    at = f"{zone[:3]}:{zone[3:]}" if zone else "+09:00"
    return f"{date}T{hour}:{minute}:{second or '00'}{at}"


def _people(root: Any) -> Iterator[dict[str, Any]]:
    for author in root.xpath("h:author/h:assignedAuthor", namespaces=_NAMES):
        family = _text(_first(author, "h:assignedPerson/h:name/h:family"))
        given = [_text(one) for one in author.xpath("h:assignedPerson/h:name/h:given", namespaces=_NAMES)]
        whole = _text(_first(author, "h:assignedPerson/h:name"))
        name = {"family": family, "given": [one for one in given if one], "text": "" if family else whole}
        if kept := {key: value for key, value in name.items() if value}:
            yield {"resourceType": "Practitioner", "name": [kept]}
        institution = _text(_first(author, "h:representedOrganization/h:name"))
        if institution:
            yield {"resourceType": "Organization", "name": institution}


def patient_identifiers(octets: bytes) -> list[dict[str, Any]]:
    """Return the identifiers of the patient whom a CDA document is about.

    Raises:
        NoDocument: it is none.
    """
    found = _parsed(octets).xpath("h:recordTarget/h:patientRole/h:id", namespaces=_NAMES)
    return [one for node in found if node.get("extension") and (one := _identifier(node))]


def cda_relations(octets: bytes) -> list[tuple[str, dict[str, Any]]]:
    """Return how a CDA document relates to others: the code, and the other one's identifier.

    Raises:
        NoDocument: it is none.
    """
    found = []
    for related in _parsed(octets).xpath("h:relatedDocument", namespaces=_NAMES):
        code, node = _CODES.get(related.get("typeCode", "")), _first(related, "h:parentDocument/h:id")
        identifier = _identifier(node) if node is not None else None
        if code and identifier:
            found.append((code, identifier))
    return found


def cda_metadata(octets: bytes, content_type: str, owner: str) -> dict[str, Any]:
    """Return the DocumentReference of a CDA document, without subject, the attachment's url, and what it relates to.

    Raises:
        NoDocument: it is none.
    """
    root = _parsed(octets)
    made = bytes_metadata(octets, content_type, owner)
    identifier = _identifier(_first(root, "h:id")) if _first(root, "h:id") is not None else None
    if identifier:
        made["masterIdentifier"] = {"use": "usual", **identifier}
    people = [{**one, "id": f"author{number}"} for number, one in enumerate(_people(root))]
    stated = patient_identifiers(octets)
    source = {"resourceType": "Patient", "id": "source", **({"identifier": stated} if stated else {})}
    when = date_time(getattr(_first(root, "h:effectiveTime"), "attrib", {}).get("value", ""))
    title, kind = _text(_first(root, "h:title")), _concept(_first(root, "h:code"))
    language = getattr(_first(root, "h:languageCode"), "attrib", {}).get("code", "")
    more = {"language": language, "title": title, "creation": when}
    made["content"][0]["attachment"] |= {name: value for name, value in more.items() if value}
    found = {
        "contained": [source, *people],
        "type": kind,
        "category": [kind] if kind else None,
        "date": when if "T" in when else None,
        "author": [{"reference": f"#{one['id']}"} for one in people],
        "description": title,
        "securityLabel": [concept] if (concept := _concept(_first(root, "h:confidentialityCode"))) else None,
        "context": {"sourcePatientInfo": {"reference": "#source"}},
    }
    return made | {name: value for name, value in found.items() if value}
