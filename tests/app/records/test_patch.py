"""A patch writes the next version of a resource, as an update would, and says why when it does not."""

import asyncio
import base64
import hashlib
import json
from typing import Any

import httpx
import pytest

from app.audit.balp import Observer, audit_event
from app.settings import Settings
from tests.app.audit.test_at_work import recorded
from tests.app.records.test_inheritance import PSYCHIATRY
from tests.app.records.test_transaction import a_bundle, entry
from tests.world import ADDRESS, World, a_consent, a_patient, an_observation

pytestmark = pytest.mark.anyio

JSON_PATCH, FHIR_JSON = "application/json-patch+json", "application/fhir+json"
NOWHERE = "urn:uuid:00000000-0000-4000-8000-000000000000"
NUMBER = {"system": "urn:oid:1.2.3", "value": "1"}


def operations(*made: dict[str, Any]) -> bytes:
    return json.dumps(made).encode()


def op(name: str, path: str, **more: Any) -> dict[str, Any]:
    return {"op": name, "path": path, **more}


def parameters(type_name: str, path: str, **parts: Any) -> dict[str, Any]:
    """Return a FHIRPath Patch of one operation; a part is given as a value[x] and its value."""
    named = [{"name": "type", "valueCode": type_name}, {"name": "path", "valueString": path}]
    named += [{"name": name, key: value} for name, (key, value) in parts.items()]
    return {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": named}]}


def a_binary(document: bytes, media_type: str = JSON_PATCH) -> dict[str, Any]:
    return {"resourceType": "Binary", "contentType": media_type, "data": base64.b64encode(document).decode()}


async def patch(
    world: World, caller: dict[str, str], address: str, document: bytes, kind: str = JSON_PATCH, **headers: str
) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await world.http.patch(
        f"/fhir/{address}", headers={**caller, "Content-Type": kind, **named}, content=document
    )


async def stored_patient(world: World, caller: dict[str, str], **fields: Any) -> str:
    return f"Patient/{(await world.post(caller, a_patient(**fields)))['id']}"


def issue(response: httpx.Response) -> dict[str, Any]:
    return dict(response.json()["issue"][0])


async def test_a_json_patch_makes_the_next_version(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = await stored_patient(world, hospital)

    patched = await patch(world, hospital, patient, operations(op("replace", "/birthDate", value="1961-02-03")))

    assert patched.status_code == 200, patched.text
    assert (patched.headers["etag"], patched.json()["meta"]["versionId"]) == ('W/"2"', "2")
    assert patched.headers["location"].endswith(f"/{patient}/_history/2")
    history = (await world.http.get(f"/fhir/{patient}/_history", headers=hospital)).json()
    assert [one["request"]["method"] for one in history["entry"]] == ["PATCH", "POST"]
    read = (await world.http.get(f"/fhir/{patient}", headers=hospital)).json()
    assert read == patched.json()
    assert read["birthDate"] == "1961-02-03"
    assert await world.total(hospital, "Patient?birthdate=1961-02-03") == 1
    assert await world.total(hospital, "Patient?birthdate=1960-01-02") == 0


async def test_a_fhirpath_patch_makes_the_next_version(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = await stored_patient(world, hospital)
    document = parameters("add", "Patient", name=("valueString", "identifier"), value=("valueIdentifier", NUMBER))

    patched = await patch(world, hospital, patient, json.dumps(document).encode(), f"{FHIR_JSON}; charset=utf-8")

    assert patched.status_code == 200, patched.text
    assert patched.json()["identifier"] == [NUMBER]
    assert await world.total(hospital, "Patient?identifier=urn:oid:1.2.3|1") == 1


async def test_what_is_not_patched_keeps_its_text_and_order(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = await stored_patient(world, hospital)
    body = json.dumps(an_observation(patient.partition("/")[2])).replace("6.3", "6.300")
    body = body.replace('"status"', '"extension": [{"url": "urn:x", "valueDecimal": 1.20e2}], "status"')
    made = await world.http.post(
        "/fhir/Observation", headers={**hospital, "Content-Type": FHIR_JSON}, content=body.encode()
    )
    address = f"Observation/{made.json()['id']}"

    patched = await patch(world, hospital, address, operations(op("add", "/issued", value="2024-05-01T10:00:00Z")))

    assert b'"value":6.300,' in patched.content
    assert b'"valueDecimal":1.20e2}' in patched.content
    assert [name for name in patched.json() if name != "issued"] == list(made.json())


async def test_the_received_body_of_a_patched_version_is_the_patched_body(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = await stored_patient(world, hospital)

    await patch(world, hospital, patient, operations(op("replace", "/gender", value="female")))

    original = await world.http.get(f"/fhir/{patient}/$original", headers=hospital)
    assert original.status_code == 200, original.text
    assert (original.json()["gender"], original.json()["meta"]["versionId"]) == ("female", "1")
    digest = base64.b64encode(hashlib.sha256(original.content).digest()).decode()
    assert original.headers["repr-digest"] == f"sha-256=:{digest}:"


@pytest.mark.parametrize(
    ("kind", "document", "status", "told"),
    [
        (JSON_PATCH, b"{", 400, "JSON"),
        (JSON_PATCH, b"{}", 400, "array"),
        (JSON_PATCH, b'[],"more":[]', 400, "more than one"),
        (JSON_PATCH, b'[{"op":"add","op":"test","path":"/x","value":1}]', 400, "twice"),
        (JSON_PATCH, operations(op("add", "/active")), 400, "Operation 0 (add) has no value"),
        (JSON_PATCH, operations(op("remove", "active")), 400, "Operation 0 (remove active)"),
        (JSON_PATCH, operations(op("forget", "/active")), 400, "Operation 0"),
        (JSON_PATCH, operations(op("remove", "/birthDate"), op("remove", "/name/7")), 422, "Operation 1"),
        (JSON_PATCH, operations(op("test", "/gender", value="female")), 422, "Operation 0 (test /gender)"),
        (JSON_PATCH, operations(op("replace", "/gender", value="unheard")), 422, "rule"),
        (JSON_PATCH, operations(op("add", "/nonsense", value=1)), 422, ""),
        (JSON_PATCH, operations(op("replace", "", value=[])), 422, ""),
        (JSON_PATCH, operations(op("replace", "/id", value="other")), 422, "does not change the id"),
        (JSON_PATCH, operations(op("remove", "/id")), 422, "does not change the id"),
        (JSON_PATCH, operations(op("replace", "/resourceType", value="Group")), 422, "the resourceType"),
        (JSON_PATCH, operations(op("replace", "/meta", value="x")), 422, ""),
        (FHIR_JSON, b'{"resourceType":"Patient"}', 400, "Parameters"),
        (FHIR_JSON, b"[]", 400, ""),
        (FHIR_JSON, json.dumps(parameters("add", "Patient")).encode(), 400, "add needs a name"),
        (FHIR_JSON, json.dumps(parameters("delete", "Patient.name.repeat(x)")).encode(), 400, "repeat()"),
        (FHIR_JSON, json.dumps(parameters("delete", "Patient.unheard")).encode(), 422, "Operation 0"),
        (FHIR_JSON, json.dumps(parameters("delete", "Patient.id")).encode(), 422, "the id"),
        ("application/merge-patch+json", b"{}", 415, JSON_PATCH),
        ("text/plain", b"", 415, FHIR_JSON),
    ],
)  # fmt: skip
async def test_a_patch_that_cannot_be_applied_says_why(
    world: World, kind: str, document: bytes, status: int, told: str
) -> None:
    hospital = await world.client("hospital-a")
    patient = await stored_patient(world, hospital)

    refused = await patch(world, hospital, patient, document, kind)

    assert (refused.status_code, refused.json()["resourceType"]) == (status, "OperationOutcome"), refused.text
    assert told.replace("rule", "") in issue(refused)["diagnostics"]
    read = await world.http.get(f"/fhir/{patient}", headers=hospital)
    assert (read.headers["etag"], read.json()["birthDate"]) == ('W/"1"', "1960-01-02")


async def test_a_refusal_leads_to_the_place_without_telling_what_is_there(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = await stored_patient(world, hospital)

    for name, path in (("test", "/name/0/family"), ("replace", "/name/0/text")):
        refused = await patch(world, hospital, patient, operations(op(name, path, value="佐藤")))

        assert issue(refused)["expression"] == ["Patient" + path.replace("/0", "[0]").replace("/", ".")]
        assert "山田" not in refused.text


async def test_a_wrong_version_is_refused(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = await stored_patient(world, hospital)
    document = operations(op("add", "/active", value=True))

    answers = [
        await patch(world, hospital, patient, document, If_Match=tag) for tag in ('W/"2"', 'W/"1"', 'W/"1"', "x")
    ]

    assert [answer.status_code for answer in answers] == [412, 200, 412, 400]


async def test_what_does_not_exist_or_is_not_the_callers_is_not_patched(world: World) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    # Each of another person: a Consent speaks for all Patients that one person is.
    numbers = [[{**NUMBER, "value": value}] for value in ("1", "2", "3")]
    hidden, shown, deleted = [await stored_patient(world, hospital, identifier=number) for number in numbers]
    await world.post(hospital, a_consent(shown.partition("/")[2], "clinic-c"))
    await world.http.delete(f"/fhir/{deleted}", headers=hospital)
    document = operations(op("add", "/active", value=True))

    never = await patch(world, clinic, "Patient/clinic-c-never", document)
    other = await patch(world, clinic, hidden, document)

    assert [never.status_code, other.status_code] == [404, 404]
    assert never.text.replace("clinic-c-never", "?") == other.text.replace(hidden.partition("/")[2], "?")
    assert (await patch(world, clinic, shown, document)).status_code == 403
    assert (await patch(world, hospital, deleted, document)).status_code == 410
    assert (await patch(world, hospital, "Nonsense/1", document)).status_code == 404


async def test_a_role_patches_only_what_it_writes(world: World) -> None:
    hospital, doctor = await world.client("hospital-a"), await world.client("hospital-a", role="doctor")
    patient = await stored_patient(world, hospital)

    refused = await patch(world, doctor, patient, operations(op("add", "/active", value=True)))

    assert refused.status_code == 403


async def test_a_resource_stays_with_its_patient(world: World) -> None:
    hospital = await world.client("hospital-a")
    one, other = [await stored_patient(world, hospital) for _ in range(2)]
    made = await world.post(hospital, an_observation(one.partition("/")[2]))

    moved = await patch(
        world, hospital, f"Observation/{made['id']}", operations(op("replace", "/subject/reference", value=other))
    )

    assert moved.status_code == 409


async def test_a_patch_lowers_no_label(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = await stored_patient(world, hospital)
    made = await world.post(hospital, an_observation(patient.partition("/")[2], meta={"security": [PSYCHIATRY]}))

    patched = await patch(world, hospital, f"Observation/{made['id']}", operations(op("remove", "/meta")))

    assert patched.status_code == 200, patched.text
    assert patched.json()["meta"]["security"] == [PSYCHIATRY]
    assert patched.json()["meta"]["versionId"] == "2"


async def test_a_patch_may_add_a_label_which_hides_at_once(world: World) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    patient = await stored_patient(world, hospital, identifier=[NUMBER])
    await world.post(hospital, a_consent(patient.partition("/")[2], "clinic-c"))
    made = f"Observation/{(await world.post(hospital, an_observation(patient.partition('/')[2])))['id']}"
    assert (await world.http.get(f"/fhir/{made}", headers=clinic)).status_code == 200

    await patch(world, hospital, made, operations(op("add", "/meta/security", value=[PSYCHIATRY])))

    assert (await world.http.get(f"/fhir/{made}", headers=clinic)).status_code == 404


async def test_patches_at_the_same_time_are_all_kept_or_refused(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = await stored_patient(world, hospital, identifier=[NUMBER])

    def adding(number: int) -> bytes:
        return operations(op("add", "/identifier/-", value={"system": "urn:oid:1.2.3", "value": f"p{number}"}))

    answers = await asyncio.gather(*(patch(world, hospital, patient, adding(number)) for number in range(12)))

    assert {answer.status_code for answer in answers} <= {200, 409, 412}
    done = {f"p{number}" for number, answer in enumerate(answers) if answer.status_code == 200}
    read = (await world.http.get(f"/fhir/{patient}", headers=hospital)).json()
    assert {one["value"] for one in read["identifier"]} == {"1", *done}
    assert read["meta"]["versionId"] == str(1 + len(done))
    # Each waits for the one before it: patches alone never refuse each other.
    assert len(done) == 12


async def test_updates_between_patches_are_never_lost(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = await stored_patient(world, hospital, identifier=[NUMBER])
    id_ = patient.partition("/")[2]

    async def update(number: int) -> httpx.Response:
        body = a_patient(id=id_, identifier=[NUMBER], multipleBirthInteger=number)
        return await world.http.put(f"/fhir/{patient}", headers=hospital, json=body)

    adding = [operations(op("add", "/identifier/-", value={"value": f"p{number}"})) for number in range(6)]
    answers = await asyncio.gather(
        *(patch(world, hospital, patient, one) for one in adding), *(update(number) for number in range(6))
    )

    assert {answer.status_code for answer in answers} <= {200, 409}
    done = [answer for answer in answers if answer.status_code == 200]
    versions = [answer.json()["meta"]["versionId"] for answer in done]
    assert sorted(versions, key=int) == [str(number) for number in range(2, len(done) + 2)]
    history = (await world.http.get(f"/fhir/{patient}/_history", headers=hospital)).json()
    for newer, older in zip(history["entry"][:-1], history["entry"][1:], strict=True):
        added = len(newer["resource"]["identifier"]) - len(older["resource"]["identifier"])
        assert added == 1 or len(newer["resource"]["identifier"]) == 1


async def test_entries_of_a_transaction_patch(world: World) -> None:
    hospital = await world.client("hospital-a")
    one, other = [await stored_patient(world, hospital) for _ in range(2)]
    practitioner = "urn:uuid:c757873d-ec9a-4326-a141-556f43239520"
    refers = parameters(
        "add",
        "Patient",
        name=("valueString", "generalPractitioner"),
        value=("valueReference", {"reference": practitioner}),
    )
    bundle = a_bundle(
        "transaction",
        entry(
            "PATCH", one, a_binary(operations(op("add", "/generalPractitioner", value=[{"reference": practitioner}])))
        ),
        entry("PATCH", other, refers, request={"ifMatch": 'W/"1"'}),
        entry("POST", "Practitioner", {"resourceType": "Practitioner"}, fullUrl=practitioner),
    )

    done = await world.http.post("/fhir", headers=hospital, json=bundle)

    assert done.status_code == 200, done.text
    assert [step["response"]["status"] for step in done.json()["entry"]] == ["200", "200", "201"]
    made = "/".join(done.json()["entry"][2]["response"]["location"].split("/")[-4:-2])
    for patient in (one, other):
        read = (await world.http.get(f"/fhir/{patient}", headers=hospital)).json()
        assert read["generalPractitioner"] == [{"reference": made}]


@pytest.mark.parametrize(
    ("bad", "status", "expression"),
    [
        (a_patient(), 400, "Bundle.entry[1].resource.resourceType"),
        (None, 400, "Bundle.entry[1].resource"),
        ({"resourceType": "Binary", "data": "W10="}, 400, "Bundle.entry[1].resource.Binary"),
        (a_binary(b"") | {"data": "ß"}, 400, "Bundle.entry[1].resource.Binary.data"),
        (a_binary(b"[", JSON_PATCH), 400, "Bundle.entry[1].resource"),
        (a_binary(b"[]", "text/plain"), 415, "Bundle.entry[1].resource"),
        (a_binary(operations(op("remove", "/nothing"))), 422, "Bundle.entry[1].resource.Patient.nothing"),
        (a_binary(operations(op("add", "/gender", value="x"))), 422, "Bundle.entry[1].resource.Patient.gender"),
        (parameters("replace", "photo", value=("valueString", "x")), 422, "Bundle.entry[1].resource.photo"),
        (
            a_binary(operations(op("add", "/managingOrganization", value={"reference": NOWHERE}))),
            422,
            "Bundle.entry[1].resource.managingOrganization.reference",
        ),
    ],
)  # fmt: skip
async def test_a_refused_patch_refuses_the_transaction_and_is_named(
    world: World, bad: dict[str, Any] | None, status: int, expression: str
) -> None:
    hospital = await world.client("hospital-a")
    patient = await stored_patient(world, hospital)
    bundle = a_bundle("transaction", entry("POST", "Patient", a_patient()), entry("PATCH", patient, bad))

    refused = await world.http.post("/fhir", headers=hospital, json=bundle)

    assert (refused.status_code, issue(refused)["expression"]) == (status, [expression]), refused.text
    assert await world.total(hospital, "Patient") == 1


async def test_transactions_that_patch_the_same_resources_do_not_wait_for_each_other(world: World) -> None:
    hospital = await world.client("hospital-a")
    patients = [await stored_patient(world, hospital, identifier=[NUMBER]) for _ in range(4)]

    def adding(number: int) -> dict[str, Any]:
        added = a_binary(operations(op("add", "/identifier/-", value={"value": f"p{number}"})))
        order = patients if number % 2 else patients[::-1]
        return a_bundle("transaction", *(entry("PATCH", one, added) for one in order))

    answers = await asyncio.gather(
        *(world.http.post("/fhir", headers=hospital, json=adding(number)) for number in range(6))
    )

    assert [answer.status_code for answer in answers] == [200] * 6
    for patient in patients:
        read = (await world.http.get(f"/fhir/{patient}", headers=hospital)).json()
        assert len(read["identifier"]) == 7


async def test_entries_of_a_batch_patch_each_for_itself(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = await stored_patient(world, hospital)
    bundle = a_bundle(
        "batch",
        entry("PATCH", patient, a_binary(operations(op("add", "/active", value=True)))),
        entry("PATCH", patient, a_binary(operations(op("remove", "/nothing")))),
        entry("PATCH", patient, parameters("delete", "Patient.gender")),
        entry("PATCH", patient, a_patient()),
        entry("PATCH", patient),
        entry("PATCH", patient, parameters("delete", "Patient.active"), request={"ifMatch": 'W/"1"'}),
    )

    done = await world.http.post("/fhir", headers=hospital, json=bundle)

    assert [step["response"]["status"] for step in done.json()["entry"]] == ["200", "422", "200", "400", "400", "412"]
    read = (await world.http.get(f"/fhir/{patient}", headers=hospital)).json()
    assert (read["active"], "gender" in read, read["meta"]["versionId"]) == (True, False, "3")


async def test_a_patch_is_recorded_as_an_update_of_its_version(world: World, settings: Settings) -> None:
    hospital = await world.client("hospital-a")
    patient = await stored_patient(world, hospital)

    await patch(world, hospital, patient, operations(op("add", "/active", value=True)))
    await patch(world, hospital, patient, operations(op("remove", "/nothing")))

    done, refused = (await recorded(settings))[-2:]
    assert (done.interaction, done.action, done.outcome) == ("patch", "U", "0")
    assert (done.patient, done.entities) == (patient, (f"{patient}/_history/2",))
    assert (refused.interaction, refused.outcome, refused.outcome_desc) == ("patch", "4", "422")
    event = audit_event(done, id="1", observer=Observer("Device/hub", ADDRESS))
    assert event["subtype"][0]["code"] == "patch"
    assert event["meta"]["profile"][0].endswith("/IHE.BasicAudit.PatientUpdate")


async def test_the_capability_statement_names_patch_and_its_formats(world: World) -> None:
    stated = (await world.http.get("/fhir/metadata")).json()

    assert stated["patchFormat"] == [JSON_PATCH, FHIR_JSON, "application/xml-patch+xml"]
    without = [one["type"] for one in stated["rest"][0]["resource"] if {"code": "patch"} not in one["interaction"]]
    assert without == ["AuditEvent"]


async def test_an_xml_patch_changes_the_resource_by_way_of_its_xml(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]
    made = await world.post(hospital, an_observation(patient, valueQuantity={"value": 6.3, "unit": "%"}))
    headers = hospital | {"Content-Type": "application/xml-patch+xml"}
    address = f"/fhir/Observation/{made['id']}"

    changed = await world.http.patch(
        address,
        headers=headers,
        content=b'<diff xmlns:f="http://hl7.org/fhir">'
        b'<replace sel="f:Observation/f:status/@value">amended</replace></diff>',
    )
    broken = await world.http.patch(
        address, headers=headers, content=b'<diff><add sel="f:Observation"><nonsense value="1"/></add></diff>'
    )

    assert (changed.status_code, changed.json()["status"]) == (200, "amended"), changed.text
    assert changed.json()["valueQuantity"] == {"value": 6.3, "unit": "%"}
    assert (broken.status_code, broken.json()["issue"][0]["code"]) == (422, "processing"), broken.text
