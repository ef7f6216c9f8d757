"""AuditEvents as DICOM's audit messages and back: what both can say survives; hostile XML is refused."""

from typing import Any
from xml.etree import ElementTree as ET

import pytest

from app.audit.atna.from_dicom import MalformedMessage, from_dicom, parse
from app.audit.atna.message import message
from app.audit.atna.to_dicom import to_dicom
from app.audit.balp import Observer, audit_event
from app.audit.patterns import PATTERNS
from fhir.profiles.structure import check
from tests.audit.test_balp import HUB, READ


def rendered(**changes: Any) -> dict[str, Any]:
    return audit_event(READ._replace(**changes), id="17", observer=HUB)


def said(resource: dict[str, Any]) -> dict[str, Any]:
    """What both forms say of an event."""
    return {
        "codes": [resource["type"]["code"], *(one["code"] for one in resource.get("subtype", ()))],
        "action": resource["action"],
        "recorded": resource["recorded"],
        "outcome": [resource["outcome"], resource.get("outcomeDesc")],
        "agents": [
            (one["requestor"], one.get("name"), one.get("network"), one["type"]["coding"][0]["code"])
            for one in resource["agent"]
        ],
        "entities": [
            (one.get("query"), one.get("role", {}).get("code"), one.get("what", {}) != {})
            for one in resource.get("entity", ())
            if one.get("role")
        ],
        "site": resource["source"].get("site"),
    }


@pytest.mark.parametrize("interaction", [*PATTERNS, "something-new"])
def test_an_event_survives_the_way_there_and_back(interaction: str) -> None:
    action = PATTERNS[interaction].action if interaction in PATTERNS else "E"
    resource = rendered(interaction=interaction, action=action, outcome="4", outcome_desc="<404> & more")

    back = from_dicom(to_dicom(resource), READ.recorded)

    expected = said(resource)
    # An entity of a query has no name there, and one of a message has always an id.
    expected["entities"] = [(query, role, True) for query, role, _ in expected["entities"]]
    found = said(back)
    found["entities"] = [one for one in found["entities"] if one[1]]
    assert found == expected
    assert [issue for issue in check(back) if issue.severity in ("error", "fatal")] == []


@pytest.mark.parametrize("interaction", [*PATTERNS, "something-new"])
def test_every_event_is_one_of_r4(interaction: str) -> None:
    resource = rendered(interaction=interaction, action=PATTERNS.get(interaction, PATTERNS["start"]).action)

    assert [issue for issue in check(resource) if issue.severity in ("error", "fatal")] == []


def test_a_message_is_one_line_of_xml_whatever_the_event_holds() -> None:
    resource = rendered(user_name='a\x00b\x0c"<&>\n\ud800'.encode("utf-8", "surrogatepass").decode("utf-8", "ignore"))

    made = to_dicom(resource)

    assert b"\n" not in made
    names = [one.get("UserName") for one in ET.fromstring(made).iter("ActiveParticipant")]  # noqa: S314 - ours
    assert 'ab"<&>\n' in names


def test_a_message_of_syslog_says_how_grave_it_is() -> None:
    assert message(rendered(), "hub").startswith(
        b"<85>1 2026-11-22T10:00:00.000001Z hub renkei - IHE+RFC-3881 - \xef\xbb\xbf<?xml"
    )
    assert message(rendered(outcome="8"), "h b\n").startswith(b"<84>1 2026-11-22T10:00:00.000001Z hb renkei")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<a",
        b"<a/>",
        b"\xff\xfe",
        b'<!DOCTYPE a [<!ENTITY x "y">]><AuditMessage>&x;</AuditMessage>',
        b"<AuditMessage>" + b"<a>" * 30 + b"</a>" * 30 + b"</AuditMessage>",
        b"<AuditMessage>" + b"<a/>" * 20_001 + b"</AuditMessage>",
    ],
    ids=["nothing", "cut off", "another", "no UTF-8", "a document type", "too deep", "too many"],
)
def test_what_is_no_message_is_refused_and_shown_as_an_alert(body: bytes) -> None:
    with pytest.raises(MalformedMessage):
        parse(body)
    alert = from_dicom(body, 0)
    assert (alert["type"]["code"], alert["outcome"]) == ("110113", "8")


def test_a_message_without_anything_is_still_an_event() -> None:
    event = from_dicom(b"<AuditMessage/>", 0)

    assert [issue for issue in check(event) if issue.severity in ("error", "fatal")] == []


def test_the_older_form_of_codes_is_read() -> None:
    body = (
        b'<AuditMessage><EventIdentification EventActionCode="E"><EventID code="110114" codeSystemName="DCM" '
        b'displayName="User Authentication"/></EventIdentification></AuditMessage>'
    )

    assert from_dicom(body, 0)["type"] == {
        "system": "http://dicom.nema.org/resources/ontology/DCM",
        "code": "110114",
        "display": "User Authentication",
    }


def test_the_hub_is_named_as_the_source() -> None:
    resource = audit_event(READ, id="1", observer=Observer("Device/hub", "https://hub.example.jp/fhir", "佐久"))

    back = from_dicom(to_dicom(resource), 0)

    assert back["source"] == {"observer": {"identifier": {"value": "Device/hub"}}, "site": "佐久"}
