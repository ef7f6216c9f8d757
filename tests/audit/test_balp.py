"""What an AuditEvent says: who, on whose behalf, what, whose, and why."""

from base64 import b64decode
from dataclasses import replace

import pytest
from pydicom.sr.codedict import codes

from app.audit import patterns
from app.audit.balp import Observer, audit_event, instant
from app.audit.record import Event

HUB = Observer("Device/hub", "https://hub.example.jp/fhir")
READ = Event(
    recorded=1_795_341_600_000_001,
    action="R",
    interaction="read",
    patient="Patient/4711",
    user="Practitioner/7",
    user_name="山田 太郎",
    client="portal",
    organisation="Organization/1310000001",
    role="physician",
    purpose="TREAT",
    network="192.0.2.7",
    request_id="76d148b6",
    method="GET",
    path="/fhir/Observation/1",
    entities=("Observation/1/_history/2",),
    custodian="Organization/1310000002",
)


def rendered(event, **changes):
    return audit_event(event._replace(**changes), id="17", observer=HUB)


def agents(resource):
    return {one["type"]["coding"][0]["code"]: one for one in resource["agent"]}


def test_a_read_says_when_and_what():
    resource = rendered(READ)

    assert {key: resource[key] for key in ("resourceType", "id", "action", "recorded", "outcome")} == {
        "resourceType": "AuditEvent",
        "id": "17",
        "action": "R",
        "recorded": "2026-11-22T10:00:00.000001Z",
        "outcome": "0",
    }
    assert resource["subtype"] == [
        {"system": "http://hl7.org/fhir/restful-interaction", "code": "read", "display": "read"}
    ]
    assert resource["source"]["observer"] == {"reference": "Device/hub"}


def test_a_read_says_who_and_on_whose_behalf():
    found = agents(rendered(READ))

    assert found["110152"]["who"] == {"identifier": {"value": "portal"}}
    assert found["110152"]["network"] == {"address": "192.0.2.7", "type": "2"}
    assert found["110153"]["who"] == {"reference": "Device/hub"}
    assert found["110153"]["network"] == {"address": "https://hub.example.jp/fhir", "type": "5"}
    assert found["PROV"]["who"] == {"reference": "Organization/1310000001"}
    assert found["159541003"]["who"] == {"reference": "Organization/1310000002"}
    user = found["IRCP"]
    assert (user["who"], user["name"], user["requestor"]) == (
        {"reference": "Practitioner/7"},
        "山田 太郎",
        True,
    )
    assert user["role"] == [{"text": "physician"}]
    assert user["purposeOfUse"][0]["coding"][0]["code"] == "TREAT"


def test_a_read_says_what_was_read_and_whose_it_is():
    data, patient, request = rendered(READ)["entity"]

    assert data["what"] == {"reference": "Observation/1/_history/2"}
    assert (patient["what"], patient["role"]["code"]) == ({"reference": "Patient/4711"}, "1")
    assert request["what"] == {"identifier": {"value": "76d148b6"}}


def test_further_entities_are_listed_by_their_types():
    first, second, third, *_ = rendered(READ, entities=("Observation/1", "Patient/4711", "no reference"))["entity"]

    assert first["type"]["code"] == "2"
    assert second["type"] == {"system": "http://hl7.org/fhir/resource-types", "code": "Patient"}
    assert third["what"] == {"identifier": {"value": "no reference"}}


@pytest.mark.parametrize(
    ("change", "request_line"),
    [
        ({"method": "GET", "query": "name=山田"}, "GET /fhir/Patient?name=山田"),
        ({"method": "POST", "query": "name=山田"}, "POST /fhir/Patient\n\nname=山田"),
        ({"method": "GET", "query": None}, "GET /fhir/Patient"),
    ],
)
def test_a_search_shows_its_parameters_only_encoded(change, request_line):
    event = READ._replace(interaction="search-type", action="E", path="/fhir/Patient")

    query = rendered(event, **change)["entity"][0]

    assert b64decode(query["query"]).decode() == request_line
    assert query["description"] == f"{change['method']} /fhir/Patient"


def test_a_query_of_no_method_is_its_words():
    event = READ._replace(interaction="qido", method=None, path=None, query="StudyDate=20260101")

    query = rendered(event, description="検索")["entity"][0]

    assert b64decode(query["query"]).decode() == "StudyDate=20260101"
    assert query["description"] == "検索"
    assert "description" not in rendered(event)["entity"][0]


def test_a_search_lists_what_it_disclosed_after_its_query():
    query, found, *_ = rendered(READ, interaction="search-type", action="E")["entity"]

    assert query["role"]["code"] == "24"
    assert found["type"]["code"] == "Observation"


def test_a_study_is_named_by_its_uid():
    data = rendered(READ, interaction="wado", entities=("urn:oid:1.2.3",))["entity"][0]

    assert data["what"] == {"identifier": {"system": "urn:dicom:uid", "value": "urn:oid:1.2.3"}}


def test_a_client_on_its_own_gives_the_purpose_to_the_event():
    resource = rendered(READ, user=None)

    assert "IRCP" not in agents(resource)
    assert resource["purposeOfEvent"][0]["coding"][0]["code"] == "TREAT"


def test_a_client_known_by_its_address_only_is_named_by_it():
    client = agents(rendered(READ, client=None, network="ct01.example.jp"))["110152"]

    assert client["who"] == {"identifier": {"value": "ct01.example.jp"}}
    assert client["network"] == {"address": "ct01.example.jp", "type": "1"}


def test_a_failure_says_why_and_claims_no_profile():
    resource = rendered(READ, outcome="8", outcome_desc="timeout")

    assert (resource["outcome"], resource["outcomeDesc"]) == ("8", "timeout")
    assert "meta" not in resource


def test_a_decision_shows_what_it_rests_on_and_nothing_else():
    entities = ("Consent/1", "Observation/1", "Consent/2")

    resource = rendered(READ, interaction="consent-decision", action="E", entities=entities)

    assert [one["what"]["reference"] for one in resource["entity"]] == [
        "Consent/1",
        "Consent/2",
        "Patient/4711",
    ]
    assert resource["meta"]["profile"][0].endswith("IHE.BasicAudit.AuthZconsent")


def test_a_person_of_whom_nothing_is_known_is_still_the_one_who_asked():
    user = agents(rendered(READ, user_name=None, role=None, purpose=None))["IRCP"]

    assert set(user) == {"type", "who", "requestor"}


def test_a_request_of_which_nothing_is_known_has_no_query():
    event = READ._replace(interaction="search-type", action="E", method=None, path=None, entities=("none",))

    listed, *_ = rendered(event)["entity"]

    assert listed["what"] == {"identifier": {"value": "none"}}
    assert "meta" not in rendered(event)


def test_a_start_has_the_hub_as_its_only_agent():
    resource = audit_event(
        Event(recorded=0, action="E", interaction="start"), id="1", observer=replace(HUB, site="佐久")
    )

    assert [one["who"] for one in resource["agent"]] == [{"reference": "Device/hub"}]
    assert resource["subtype"][0]["code"] == "110120"
    assert resource["source"]["site"] == "佐久"
    assert "entity" not in resource


def test_a_role_may_be_a_code():
    user = agents(rendered(READ, role="urn:oid:1.2.392.100495.20.2.51|1"))["IRCP"]

    assert user["role"] == [{"coding": [{"system": "urn:oid:1.2.392.100495.20.2.51", "code": "1"}]}]


def test_an_erased_event_shows_hmacs():
    resource = audit_event(
        Event(recorded=0, action="R", interaction="read", patient="hmac:p", user="hmac:u", erased=True),
        id="1",
        observer=HUB,
    )

    assert agents(resource)["IRCP"]["who"] == {"identifier": {"system": "urn:renkei:audit-hmac", "value": "u"}}
    assert resource["entity"][0]["what"] == {"identifier": {"system": "urn:renkei:audit-hmac", "value": "p"}}


def test_an_interaction_of_no_standard_is_an_activity_under_its_own_code():
    resource = rendered(READ, interaction="something-new", action="E")

    assert resource["type"]["code"] == "110100"
    assert resource["subtype"][0] == {
        "system": "urn:renkei:audit-interaction",
        "code": "something-new",
        "display": "something-new",
    }


def test_instants_are_exact_to_the_microsecond():
    assert instant(0) == "1970-01-01T00:00:00.000000Z"
    assert instant(1_798_761_599_999_999) == "2026-12-31T23:59:59.999999Z"


def dicom_codes():
    pattern_codes = [
        code for one in patterns.PATTERNS.values() for code in (one.type, one.subtype, one.client, one.server)
    ]
    return {one["code"]: one["display"] for one in pattern_codes if one["system"].endswith("/DCM")}


@pytest.mark.parametrize(("code", "display"), sorted(dicom_codes().items()))
def test_dicom_codes_mean_what_dicom_says(code, display):
    meanings = {one.value: one.meaning for one in (getattr(codes.DCM, name) for name in codes.DCM.dir())}

    assert meanings[code] == display
