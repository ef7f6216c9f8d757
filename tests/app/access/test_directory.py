"""The directory as IHE mCSD asks for it: ITI-90, ITI-91, ITI-130, and the people of accounts in it."""

from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from sqlalchemy import update

from app.access.directory import Unknown, find_organisation
from app.access.enrol import enrol_account, enrol_client
from app.access.staff import change_account, list_everybody
from app.access.tables import account
from app.db import WriteConnection
from app.records.capabilities import INSTANTIATES
from fhir.xml.to_json import to_json
from tests.portal import an_account, recorded
from tests.world import World

pytestmark = pytest.mark.anyio

MCSD = "https://profiles.ihe.net/ITI/mCSD/CapabilityStatement/IHE.mCSD.Directory"
CODE = "http://example.org/codes"


def _coded(code: str) -> list[dict[str, Any]]:
    return [{"coding": [{"system": CODE, "code": code}]}]


def _number(value: str) -> list[dict[str, str]]:
    return [{"system": "urn:oid:1.2.3", "value": value}]


def _to(reference: str) -> dict[str, str]:
    return {"reference": reference}


KIND = {"system": "http://terminology.hl7.org/CodeSystem/endpoint-connection-type", "code": "hl7-fhir-rest"}
RESOURCES: dict[str, dict[str, Any]] = {
    "Endpoint": {
        "identifier": _number("endpoint"),
        "status": "active",
        "connectionType": KIND,
        "managingOrganization": _to("Organization/hospital-a-dir"),
        "payloadType": _coded("any"),
        "address": "https://ehr.example/fhir",
    },
    "Organization": {
        "identifier": _number("organization"),
        "active": True,
        "type": _coded("facility"),
        "name": "北海病院",
        "endpoint": [_to("Endpoint/hospital-a-dir")],
        "partOf": _to("Organization/hospital-a-region"),
    },
    "Location": {
        "identifier": _number("location"),
        "status": "active",
        "name": "北海病院 本館",
        "type": _coded("building"),
        "position": {"latitude": 43.06, "longitude": 141.35},
        "managingOrganization": _to("Organization/hospital-a-dir"),
        "partOf": _to("Location/hospital-a-site"),
    },
    "Practitioner": {
        "identifier": _number("practitioner"),
        "active": True,
        "name": [{"text": "山田 太郎", "family": "山田", "given": ["太郎"]}],
    },
    "HealthcareService": {
        "identifier": _number("service"),
        "active": True,
        "name": "循環器外来",
        "type": _coded("cardiology"),
        "providedBy": _to("Organization/hospital-a-dir"),
        "location": [_to("Location/hospital-a-dir")],
    },
    "PractitionerRole": {
        "identifier": _number("role"),
        "active": True,
        "practitioner": _to("Practitioner/hospital-a-dir"),
        "organization": _to("Organization/hospital-a-dir"),
        "location": [_to("Location/hospital-a-dir")],
        "healthcareService": [_to("HealthcareService/hospital-a-dir")],
        "code": _coded("doctor"),
        "specialty": _coded("cardiology"),
    },
    "OrganizationAffiliation": {
        "identifier": _number("affiliation"),
        "active": True,
        "period": {"start": "2024-01-01", "end": "2026-12-31"},
        "organization": _to("Organization/hospital-a-dir"),
        "participatingOrganization": _to("Organization/hospital-a-region"),
        "code": _coded("HIE/HIO"),
        "endpoint": [_to("Endpoint/hospital-a-dir")],
    },
}

_REGION = "Organization/hospital-a-region"
_ORGANIZATION, _LOCATION = "Organization/hospital-a-dir", "Location/hospital-a-dir"
_NAMES = {"Organization": "北海", "Location": "北海", "HealthcareService": "循環", "Practitioner": "山田"}

QUESTIONS = [
    *(("_id", name, "hospital-a-dir") for name in RESOURCES),
    *(("identifier", name, f"urn:oid:1.2.3|{RESOURCES[name]['identifier'][0]['value']}") for name in RESOURCES),
    *(("active", name, "true") for name in RESOURCES if RESOURCES[name].get("active")),
    *(("name", name, start) for name, start in _NAMES.items()),
    *(("name:contains", name, start[1:]) for name, start in _NAMES.items()),
    *(("name:exact", name, RESOURCES[name]["name"]) for name in ("Organization", "Location", "HealthcareService")),
    ("name:exact", "Practitioner", "山田 太郎"),
    ("given", "Practitioner", "太"),
    ("given:contains", "Practitioner", "郎"),
    ("given:exact", "Practitioner", "太郎"),
    ("family", "Practitioner", "山"),
    ("family:contains", "Practitioner", "田"),
    ("family:exact", "Practitioner", "山田"),
    ("type", "Organization", f"{CODE}|facility"),
    ("partof", "Organization", _REGION),
    ("organization", "Location", _ORGANIZATION),
    ("partof", "Location", "Location/hospital-a-site"),
    ("status", "Location", "active"),
    ("type", "Location", f"{CODE}|building"),
    ("near", "Location", "43.06|141.35|5|km"),
    ("location", "PractitionerRole", _LOCATION),
    ("organization", "PractitionerRole", _ORGANIZATION),
    ("practitioner", "PractitionerRole", "Practitioner/hospital-a-dir"),
    ("role", "PractitionerRole", f"{CODE}|doctor"),
    ("service", "PractitionerRole", "HealthcareService/hospital-a-dir"),
    ("specialty", "PractitionerRole", f"{CODE}|cardiology"),
    ("location", "HealthcareService", _LOCATION),
    ("organization", "HealthcareService", _ORGANIZATION),
    ("service-type", "HealthcareService", f"{CODE}|cardiology"),
    ("organization", "Endpoint", _ORGANIZATION),
    ("status", "Endpoint", "active"),
    ("date", "OrganizationAffiliation", "ge2025-01-01"),
    ("participating-organization", "OrganizationAffiliation", _REGION),
    ("primary-organization", "OrganizationAffiliation", _ORGANIZATION),
    ("role", "OrganizationAffiliation", f"{CODE}|HIE/HIO"),
]
"""Every parameter of mCSD 4.0.1: name, type, value."""

INCLUDES = [
    ("Organization", "_include", "Organization:endpoint", "Endpoint"),
    ("Organization", "_revinclude", "Location:organization", "Location"),
    ("Organization", "_revinclude", "OrganizationAffiliation:primary-organization", "OrganizationAffiliation"),
    ("Location", "_include", "Location:organization", "Organization"),
    ("PractitionerRole", "_include", "PractitionerRole:practitioner", "Practitioner"),
    ("OrganizationAffiliation", "_include", "OrganizationAffiliation:endpoint", "Endpoint"),
]


async def fed(world: World) -> dict[str, str]:
    """Feed one resource of each type (ITI-130), and others beside them; return the reader's headers."""
    site = await world.client("hospital-a")
    region = {"resourceType": "Organization", "id": "hospital-a-region", "name": "圏域", "active": False}
    place = {"resourceType": "Location", "id": "hospital-a-site", "name": "敷地", "status": "inactive"}
    resources = [{**body, "resourceType": name, "id": "hospital-a-dir"} for name, body in RESOURCES.items()]
    for one in (region, place, *resources):
        answer = await world.http.put(f"/fhir/{one['resourceType']}/{one['id']}", headers=site, json=one)
        assert answer.status_code == 201, answer.text
    return await world.client("clinic-c", role="nurse")


async def _answers(world: World, reader: dict[str, str], type_name: str, query: str) -> list[list[str]]:
    """What a search finds, by GET and by POST, as JSON and as XML."""
    found = []
    for xml in (False, True):
        headers = {**reader, "accept": f"application/fhir+{'xml' if xml else 'json'}"}
        form = {**headers, "content-type": "application/x-www-form-urlencoded"}
        asked = await world.http.get(f"/fhir/{type_name}?{query}", headers=headers)
        posted = await world.http.post(f"/fhir/{type_name}/_search", headers=form, content=query)
        for answer in (asked, posted):
            assert answer.status_code == 200, answer.text
            assert answer.headers["content-type"].startswith(headers["accept"])
            bundle = orjson.loads(to_json(answer.content).body if xml else answer.content)
            entries = bundle.get("entry", [])
            found.append(sorted(f"{one['resource']['resourceType']}/{one['resource']['id']}" for one in entries))
    return found


async def test_iti_90_every_parameter_finds_by_get_and_post_in_both_formats(world: World) -> None:
    reader = await fed(world)

    wrong = {}
    for name, type_name, value in QUESTIONS:
        found = await _answers(world, reader, type_name, urlencode({name: value}))
        if any(f"{type_name}/hospital-a-dir" not in one for one in found) or len({str(one) for one in found}) != 1:
            wrong[name, type_name] = found

    assert wrong == {}


async def test_iti_90_no_parameter_finds_what_it_does_not_mean(world: World) -> None:
    reader = await fed(world)
    never = {
        "active": "false",
        "status": "suspended",
        "date": "lt2020",
        "near": "35.0|135.0|5|km",
    }

    wrong = []
    for name, type_name, value in QUESTIONS:
        plain = name.partition(":")[0]
        other = never.get(plain, f"{value}x")
        query = urlencode(
            [(name, other), ("identifier", f"urn:oid:1.2.3|{RESOURCES[type_name]['identifier'][0]['value']}")]
        )
        answer = await world.http.get(f"/fhir/{type_name}?{query}", headers=reader)
        if answer.status_code == 200 and answer.json()["total"]:
            wrong.append((name, type_name))

    assert wrong == []


@pytest.mark.parametrize("prefix", ["gt", "lt", "ge", "le", "sa", "eb"])
async def test_iti_90_last_updated_takes_every_prefix(world: World, prefix: str) -> None:
    reader = await fed(world)

    totals = [
        await world.total(reader, f"{name}?_id=hospital-a-dir&_lastUpdated={prefix}{year}")
        for name in RESOURCES
        for year in (2020, 2100)
    ]

    before = prefix in ("gt", "ge", "sa")
    assert totals == [int(before), int(not before)] * len(RESOURCES)


@pytest.mark.parametrize(("type_name", "how", "what", "brought"), INCLUDES)
async def test_iti_90_includes(world: World, type_name: str, how: str, what: str, brought: str) -> None:
    reader = await fed(world)

    found = await _answers(world, reader, type_name, urlencode({"_id": "hospital-a-dir", how: what}))

    assert found == [sorted([f"{type_name}/hospital-a-dir", f"{brought}/hospital-a-dir"])] * 4


@pytest.mark.parametrize("type_name", RESOURCES)
async def test_iti_91_history_since_tells_what_was_made_changed_and_deleted(world: World, type_name: str) -> None:
    reader, site = await fed(world), await world.client("hospital-a")
    until = (await world.http.get(f"/fhir/{type_name}/hospital-a-dir", headers=reader)).json()["meta"]["lastUpdated"]
    other = {**RESOURCES[type_name], "resourceType": type_name, "id": "hospital-a-other"}
    address = f"/fhir/{type_name}/hospital-a-other"
    await world.http.put(address, headers=site, json=other)
    await world.http.put(address, headers=site, json={**other, "identifier": _number("changed")})
    await world.http.delete(address, headers=site)

    answer = await world.http.get(f"/fhir/{type_name}/_history", headers=reader, params={"_since": until})
    as_xml = await world.http.get(
        f"/fhir/{type_name}/_history", headers={**reader, "accept": "application/fhir+xml"}, params={"_since": until}
    )
    later = await world.http.get(f"/fhir/{type_name}/_history?_since=2100-01-01T00:00:00Z", headers=reader)

    entries = [one for one in answer.json()["entry"] if one["fullUrl"].endswith("hospital-a-other")]
    assert answer.json()["type"] == "history"
    assert [(one["request"]["method"], one["response"]["status"][:3]) for one in entries] == [
        ("DELETE", "204"),
        ("PUT", "200"),
        ("PUT", "201"),
    ]
    assert ["resource" in one for one in entries] == [False, True, True]
    assert as_xml.status_code == 200
    assert b'<method value="DELETE"/>' in as_xml.content
    assert later.json().get("entry", []) == []


@pytest.mark.parametrize("type_name", RESOURCES)
async def test_what_does_not_exist_is_a_404_with_an_outcome(world: World, type_name: str) -> None:
    reader = await world.client("clinic-c", role="nurse")

    answer = await world.http.get(f"/fhir/{type_name}/nowhere", headers=reader)

    assert (answer.status_code, answer.json()["issue"][0]["code"]) == (404, "not-found")


@pytest.mark.parametrize(
    ("site", "role", "status"),
    [
        ("hospital-a", "system", 200),
        ("hospital-b", "system", 403),
        ("secretariat", "secretariat", 403),
        ("hospital-a", "doctor", 403),
        ("hospital-a", "patient", 403),
    ],
)
async def test_iti_130_a_site_writes_its_own_entries_and_nobody_anothers(
    world: World, site: str, role: str, status: int
) -> None:
    await fed(world)
    caller = await world.client(site, role=role)

    answers = [
        await world.http.put(
            f"/fhir/{name}/hospital-a-dir",
            headers=caller,
            json={**body, "resourceType": name, "id": "hospital-a-dir", "language": "ja"},
        )
        for name, body in RESOURCES.items()
    ]

    assert {one.status_code for one in answers} == {status}


async def test_the_secretariat_writes_entries_of_the_region(world: World) -> None:
    caller = await world.client("secretariat", role="secretariat")

    made = await world.http.post(
        "/fhir/Organization", headers=caller, json={"resourceType": "Organization", "name": "圏域"}
    )

    assert made.status_code == 201


async def test_the_capability_statement_says_it(world: World) -> None:
    stated = (await world.http.get("/fhir/metadata")).json()
    of_type = {one["type"]: one for one in stated["rest"][0]["resource"]}

    for name, type_name, _ in QUESTIONS:
        plain = name.partition(":")[0]
        assert plain in {one["name"] for one in of_type[type_name]["searchParam"]}, (type_name, plain)
    for type_name, how, what, _ in INCLUDES:
        assert what in of_type[type_name]["searchInclude" if how == "_include" else "searchRevInclude"]
    for type_name in RESOURCES:
        codes = {one["code"] for one in of_type[type_name]["interaction"]}
        assert {"read", "search-type", "history-type", "create", "update", "delete"} <= codes
    assert {MCSD, f"{MCSD}.Update", f"{MCSD}.Feed"} <= set(stated["instantiates"]) == set(INSTANTIATES)


async def _enrolled(world: World, **fields: str) -> None:
    values = {"name": "yamada", "title": "山田 太郎", "organisation": "hospital-a", "role": "doctor"} | fields
    await enrol_account(world.hub, password="correct horse 1", **values)


async def _people(world: World) -> list[dict[str, Any]]:
    reader = await world.client("clinic-c", role="nurse")
    query = "PractitionerRole?_include=PractitionerRole:practitioner"
    entries = (await world.http.get(f"/fhir/{query}", headers=reader)).json().get("entry", [])
    return [one["resource"] for one in entries]


async def test_who_gets_an_account_is_in_the_directory_without_the_name_to_sign_in(world: World) -> None:
    await _enrolled(world)

    role, person = await _people(world)

    assert (role["id"], role["active"], person["active"]) == ("hospital-a-account-1", True, True)
    assert role["organization"]["reference"] == "Organization/hospital-a"
    assert role["practitioner"]["reference"] == f"Practitioner/{person['id']}"
    assert role["code"][0]["coding"][0] == {
        "system": "http://terminology.hl7.org/CodeSystem/practitioner-role",
        "code": "doctor",
        "display": "医師",
    }
    assert person["name"] == [{"text": "山田 太郎"}]
    assert "yamada" not in str((role, person))


async def test_patients_are_in_no_directory(world: World) -> None:
    await _enrolled(world, role="patient")

    assert await _people(world) == []


async def test_a_name_that_is_taken_changes_nothing(world: World) -> None:
    await _enrolled(world)
    before = await _people(world)

    with pytest.raises(Exception, match="is there already"):
        await _enrolled(world, title="another", organisation="hospital-b")

    assert await _people(world) == before


async def test_the_directory_follows_in_the_transaction_of_the_change(world: World) -> None:
    await _enrolled(world)
    site = await find_organisation(world.hub.database.reader, "hospital-a")

    async def ended(connection: WriteConnection) -> int:
        await connection.execute(update(account).where(account.c.key == 1).values(disabled=1, role="nurse"), {})
        return 1

    async def failed(connection: WriteConnection) -> int:
        await connection.execute(update(account).where(account.c.key == 1).values(disabled=0), {})
        raise ZeroDivisionError

    first, second = (await change_account(world.hub, site, ended)), (await change_account(world.hub, site, ended))
    with pytest.raises(ZeroDivisionError):
        await change_account(world.hub, site, failed)

    role, person = await _people(world)
    told = [one for one in await recorded(world) if "Practitioner/hospital-a-account-1/_history/2" in one.entities]
    assert (len(first), len(second)) == (2, 0)
    assert (role["active"], person["active"], role["code"][0]["coding"][0]["code"]) == (False, False, "nurse")
    assert (len(told), told[0].client) == (1, "renkei")


async def test_accounts_from_before_are_listed_once(world: World) -> None:
    for site in ("hospital-a", "clinic-c"):
        await an_account(world, site, "doctor")

    written = [await list_everybody(world.hub), await list_everybody(world.hub)]

    assert written == [4, 0]
    assert sorted(one["organization"]["display"] for one in await _people(world) if "organization" in one) == [
        "clinic-c",
        "hospital-a",
    ]


async def test_everybody_and_every_system_belongs_to_an_organisation(world: World) -> None:
    with pytest.raises(Unknown):
        await _enrolled(world, organisation="nowhere")
    with pytest.raises(Unknown):
        await enrol_client(world.hub, id="ehr", title="ehr", organisation="nowhere", role="system", jwks='{"keys":[]}')

    assert await _people(world) == []
