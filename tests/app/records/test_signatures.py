"""Signatures of documents that come, and what is told of them."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from app.records.signatures import arrival, pending
from app.records.signatures.keep import check_all_again
from app.records.signatures.pending import check_pending
from app.records.signatures.tables import signature_check
from fhir.signatures.canonical import document_form
from fhir.xml.to_xml import to_xml
from tests.documents import NUMBER
from tests.signers import Holder, openssl_jws, region, write_trust, xml_template, xmlsec
from tests.world import World, a_consent, a_patient

pytestmark = pytest.mark.anyio

OUTCOME = {"prefer": "return=OperationOutcome"}


def trusting(world: World) -> None:
    write_trust(world.hub.settings.trust_folder, documents=region().root.pem)


def a_referral(holder: Holder, folder: Path, **head: Any) -> dict[str, Any]:
    """Return a document that somebody has signed."""
    composition = {
        "resourceType": "Composition",
        "status": "final",
        "type": {"coding": [{"system": "http://loinc.org", "code": "57133-1"}]},
        "subject": {"reference": "urn:uuid:00000000-0000-4000-8000-000000000002"},
        "date": "2026-05-01",
        "author": [{"display": "山田"}],
        "title": "診療情報提供書",
    }
    bundle = {
        "resourceType": "Bundle",
        "type": "document",
        "identifier": {"system": "urn:oid:1.2.3", "value": "1"},
        "timestamp": "2026-05-01T10:00:00+09:00",
        **head,
        "entry": [
            {"fullUrl": "urn:uuid:00000000-0000-4000-8000-000000000001", "resource": composition},
            {"fullUrl": "urn:uuid:00000000-0000-4000-8000-000000000002", "resource": a_patient(identifier=[NUMBER])},
        ],
    }
    return bundle | {"signature": a_signature(openssl_jws(holder, document_form(json.dumps(bundle).encode()), folder))}


def a_signature(data: str | bytes) -> dict[str, Any]:
    octets = data if isinstance(data, bytes) else data.encode()
    code = {"system": "urn:iso-astm:E1762-95:2013", "code": "1.2.840.10065.1.12.1.1"}
    return {
        "type": [code],
        "when": "2026-05-01T10:00:00+09:00",
        "who": {"display": "山田 太郎"},
        "sigFormat": "application/jose" if not octets.startswith(b"<") else "application/signature+xml",
        "data": base64.b64encode(octets).decode(),
    }


def a_cda(holder: Holder, folder: Path) -> bytes:
    document = (
        f'<ClinicalDocument xmlns="urn:hl7-org:v3"><title>a</title>{xml_template(holder=holder)}</ClinicalDocument>'
    )
    return xmlsec(holder, document, folder)


async def told(world: World, caller: dict[str, str], reference: str) -> list[dict[str, Any]]:
    """Return what `$signatures` answers, each as a table; of roles the last."""
    answer = await world.http.get(f"/fhir/{reference}/$signatures", headers=caller)
    assert answer.status_code == 200, answer.text
    return [
        {part["name"]: next(value for name, value in part.items() if name != "name") for part in one["part"]}
        for one in answer.json().get("parameter", [])
    ]


async def states(world: World, caller: dict[str, str], reference: str) -> list[str]:
    return [one["state"] for one in await told(world, caller, reference)]


async def test_a_signed_document_is_checked_when_it_comes(world: World, tmp_path: Path) -> None:
    trusting(world)
    hospital = await world.client("hospital-a")

    answer = await world.http.post("/fhir/Bundle", headers=hospital, json=a_referral(region().doctor, tmp_path))

    assert answer.status_code == 201, answer.text
    stored = answer.json()
    (found,) = await told(world, hospital, f"Bundle/{stored['id']}")
    assert (found["state"], found["signer"], found["role"], found["anchor"]) == (
        "valid",
        "山田 太郎",
        "Medical Doctor",
        "HPKI root",
    )
    assert found["carrier"] == {"reference": f"Bundle/{stored['id']}/_history/1"}
    # What was taken from the document speaks by the document's signature.
    composition = (await world.http.get("/fhir/Composition", headers=hospital)).json()["entry"][0]["resource"]
    assert await told(world, hospital, f"Composition/{composition['id']}") == [found]


async def test_e7_nobody_borrows_the_signature_of_a_document(world: World, tmp_path: Path) -> None:
    trusting(world)
    hospital = await world.client("hospital-a")
    signed = await world.post(hospital, a_referral(region().doctor, tmp_path))
    true = (await world.http.get("/fhir/Composition", headers=hospital)).json()["entry"][0]["resource"]
    made = (await world.http.get(f"/fhir/Provenance?target=Composition/{true['id']}", headers=hospital)).json()
    provenance = made["entry"][0]["resource"]
    forged = await world.post(
        hospital, {name: true[name] for name in true if name not in ("id", "meta")} | {"title": "x"}
    )
    borrowed = {**provenance, "target": [{"reference": f"Composition/{forged['id']}"}]}
    await world.post(hospital, {name: borrowed[name] for name in borrowed if name not in ("id", "meta")})

    before = await states(world, hospital, f"Composition/{true['id']}")
    changed = await world.http.put(f"/fhir/Composition/{true['id']}", headers=hospital, json=true | {"title": "x"})

    assert changed.status_code == 200, changed.text
    assert before == ["valid"]
    assert await states(world, hospital, f"Composition/{true['id']}") == []
    assert await states(world, hospital, f"Composition/{forged['id']}") == []
    assert await states(world, hospital, f"Bundle/{signed['id']}") == ["valid"]


async def test_nobody_borrows_it_for_another_patient_by_sending_the_same_bytes(world: World, tmp_path: Path) -> None:
    trusting(world)
    hospital = await world.client("hospital-a")
    signed = a_referral(region().doctor, tmp_path)
    copied = json.loads(json.dumps(signed)) | {"identifier": {"system": "urn:oid:1.2.3", "value": "2"}}
    copied["entry"][1]["resource"] = a_patient(identifier=[{"system": "urn:oid:1.2.3.4", "value": "another"}])
    del copied["signature"]

    async def compositions() -> dict[str, dict[str, Any]]:
        found = (await world.http.get("/fhir/Composition", headers=hospital)).json()
        return {one["resource"]["id"]: one["resource"] for one in found["entry"]}

    await world.post(hospital, signed)
    (true,) = await compositions()
    await world.post(hospital, copied)
    found = await compositions()
    (other,) = found.keys() - {true}
    made = (await world.http.get(f"/fhir/Provenance?target=Composition/{true}", headers=hospital)).json()
    provenance = made["entry"][0]["resource"]
    borrowed = {**provenance, "target": [{"reference": f"Composition/{other}"}]}
    await world.post(hospital, {name: borrowed[name] for name in borrowed if name not in ("id", "meta")})

    assert found[true]["subject"] != found[other]["subject"]
    assert await states(world, hospital, f"Composition/{true}") == ["valid"]
    assert await states(world, hospital, f"Composition/{other}") == []


async def test_what_is_wrong_is_a_warning_and_the_document_is_kept(world: World, tmp_path: Path) -> None:
    trusting(world)
    hospital = await world.client("hospital-a")
    altered = a_referral(region().doctor, tmp_path) | {"timestamp": "2026-05-01T10:00:01+09:00"}
    another = {"system": "urn:oid:1.2.3", "value": "2"}
    documents = [altered, a_referral(region().stranger, tmp_path, identifier=another)]

    answers = [await world.http.post("/fhir/Bundle", headers=hospital | OUTCOME, json=one) for one in documents]

    assert [one.status_code for one in answers] == [201, 201]
    warnings = [
        issue for one in answers for issue in one.json()["issue"] if issue.get("expression") == ["Bundle.signature"]
    ]
    assert {one["severity"] for one in warnings} == {"warning"}
    assert [(one["code"], one["expression"]) for one in warnings] == [
        ("value", ["Bundle.signature"]),
        ("security", ["Bundle.signature"]),
    ]
    stored = [f"Bundle/{one.headers['location'].split('/')[-3]}" for one in answers]
    assert [await states(world, hospital, one) for one in stored] == [["invalid"], ["untrusted"]]


async def test_a_strict_hub_refuses_and_keeps_nothing(world: World, tmp_path: Path) -> None:
    trusting(world)
    world.hub.settings = world.hub.settings.model_copy(update={"signatures_strict": True})
    hospital = await world.client("hospital-a")
    altered = a_referral(region().doctor, tmp_path) | {"timestamp": "2026-05-01T10:00:01+09:00"}
    entry = {"resource": altered, "request": {"method": "POST", "url": "Bundle"}}
    transaction = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}

    alone = await world.http.post("/fhir/Bundle", headers=hospital, json=altered)
    escaped = json.dumps(altered).replace('"signature"', '"\\u0073ignature"')
    hidden = await world.http.post(
        "/fhir/Bundle", headers=hospital | {"content-type": "application/fhir+json"}, content=escaped
    )
    within = await world.http.post("/fhir", headers=hospital, json=transaction)
    good = await world.http.post("/fhir/Bundle", headers=hospital, json=a_referral(region().doctor, tmp_path))

    assert [one.status_code for one in (alone, hidden, within, good)] == [422, 422, 422, 201]
    assert alone.json()["issue"][0]["expression"] == ["Bundle.signature"]
    assert within.json()["issue"][0]["expression"] == ["Bundle.entry[0].resource.signature"]
    assert await world.total(hospital, "Bundle?_summary=count") == 1


async def test_xml_is_checked_as_it_came(world: World, tmp_path: Path) -> None:
    trusting(world)
    hospital = await world.client("hospital-a")
    document = to_xml(json.dumps(a_referral(region().doctor, tmp_path)).encode())

    answer = await world.http.post(
        "/fhir/Bundle", headers=hospital | {"content-type": "application/fhir+xml"}, content=document
    )

    assert answer.status_code == 201, answer.text
    assert await states(world, hospital, f"Bundle/{answer.headers['location'].split('/')[-3]}") == ["valid"]


def a_reference(patient: str, content_type: str = "text/xml", **attachment: str) -> dict[str, Any]:
    return {
        "resourceType": "DocumentReference",
        "status": "current",
        "subject": {"reference": f"Patient/{patient}"},
        "content": [{"attachment": {"contentType": content_type, **attachment}}],
    }


async def test_a_clinical_document_is_checked_where_it_lies(world: World, tmp_path: Path) -> None:
    trusting(world)
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]
    octets = a_cda(region().doctor, tmp_path)
    data = base64.b64encode(octets).decode()
    altered = base64.b64encode(octets.replace(b"<title>a", b"<title>b")).decode()

    inline = await world.post(hospital, a_reference(patient, data=data))
    binary = await world.post(hospital, {"resourceType": "Binary", "contentType": "text/xml", "data": altered})
    named = await world.post(hospital, a_reference(patient, url=f"Binary/{binary['id']}"))
    plain = await world.post(hospital, a_reference(patient, data=base64.b64encode(b"<a/>").decode()))

    assert await states(world, hospital, f"DocumentReference/{inline['id']}") == ["valid"]
    assert await states(world, hospital, f"DocumentReference/{named['id']}") == ["invalid"]
    assert await states(world, hospital, f"DocumentReference/{plain['id']}") == []


def a_provenance(target: str, data: str | bytes) -> dict[str, Any]:
    return {
        "resourceType": "Provenance",
        "target": [{"reference": target}],
        "recorded": "2026-05-01T10:00:00+09:00",
        "agent": [{"who": {"display": "山田"}}],
        "signature": [a_signature(data)],
    }


async def test_a_provenance_signs_what_lies_beside_it(world: World, tmp_path: Path) -> None:
    trusting(world)
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]
    pdf = b"%PDF-1.7 made up"
    reference = a_reference(patient, "application/pdf", data=base64.b64encode(pdf).decode())
    place = "urn:uuid:00000000-0000-4000-8000-000000000001"
    entries = [
        {"fullUrl": place, "resource": reference, "request": {"method": "POST", "url": "DocumentReference"}},
        *(
            {
                "resource": a_provenance(place, openssl_jws(who, content, tmp_path)),
                "request": {"method": "POST", "url": "Provenance"},
            }
            for who, content in ((region().doctor, pdf), (region().stranger, pdf), (region().doctor, b"else"))
        ),
    ]

    answer = await world.http.post(
        "/fhir", headers=hospital, json={"resourceType": "Bundle", "type": "transaction", "entry": entries}
    )
    assert answer.status_code == 200, answer.text
    await check_pending(world.hub)

    document = answer.json()["entry"][0]["response"]["location"].split("/fhir/")[1]
    found = await told(world, hospital, document.partition("/_history")[0])
    # Each signature has an answer of its own: a bad one spoils no other.
    assert sorted(one["state"] for one in found) == ["invalid", "untrusted", "valid"]
    assert {one["target"] for one in found} == {document}
    assert next(one for one in found if one["state"] == "valid")["form"] == "bytes of the attachment"

    # Once there is another version, no signature is of what is shown.
    address = f"/fhir/{document.partition('/_history')[0]}"
    stored = (await world.http.get(address, headers=hospital)).json()
    await world.http.put(address, headers=hospital, json=stored | {"description": "another"})
    later = await told(world, hospital, document.partition("/_history")[0])
    assert sorted((one["state"], one["reason"]) for one in later) == [
        ("invalid", "content"),
        ("unchecked", "earlier"),
        ("unchecked", "earlier"),
    ]


async def test_a_provenance_of_several_signs_one_of_them(world: World, tmp_path: Path) -> None:
    trusting(world)
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]
    names = []
    for data in ("YQ==", "Yg=="):
        made = await world.post(hospital, a_reference(patient, "text/plain", data=data))
        names.append(f"DocumentReference/{made['id']}")
    both = a_provenance(names[0], openssl_jws(region().doctor, b"b", tmp_path))
    both["target"] = [{"reference": name} for name in names]
    provenance = await world.post(hospital, both)
    await check_pending(world.hub)

    assert await states(world, hospital, names[1]) == ["valid"]
    assert [one["reason"] for one in await told(world, hospital, names[0])] == ["other"]
    assert await states(world, hospital, f"Provenance/{provenance['id']}") == ["valid"]


async def test_what_is_too_large_is_told_and_not_looked_at(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pending, "MOST_BYTES", 100)
    trusting(world)
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]
    document = await world.post(hospital, a_reference(patient, "text/plain", data="YQ=="))
    name = f"DocumentReference/{document['id']}"
    await world.post(hospital, a_provenance(name, openssl_jws(region().doctor, b"a", tmp_path)))
    await check_pending(world.hub)

    assert [(one["state"], one["reason"]) for one in await told(world, hospital, name)] == [("unchecked", "size")]


async def test_of_what_others_keep_no_signature_tells(world: World, tmp_path: Path) -> None:
    trusting(world)
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    patient = (await world.post(hospital, a_patient()))["id"]
    hidden = await world.post(hospital, a_reference(patient, "text/plain", data="AAAA"))
    guess = openssl_jws(region().doctor, b"\0\0\0", tmp_path)

    answers = [
        await world.http.post("/fhir/Provenance", headers=clinic, json=a_provenance(target, guess))
        for target in (f"DocumentReference/{hidden['id']}", "DocumentReference/never")
    ]
    await check_pending(world.hub)

    assert [one.status_code for one in answers] == [201, 201]
    found = [(await told(world, clinic, f"Provenance/{one.json()['id']}"))[0] for one in answers]
    assert [(one["state"], one["reason"]) for one in found] == [("unchecked", "target")] * 2


async def test_who_may_not_see_a_document_hears_nothing_of_its_signatures(world: World, tmp_path: Path) -> None:
    trusting(world)
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    stored = await world.post(hospital, a_referral(region().doctor, tmp_path))
    patient = (await world.http.get("/fhir/Patient", headers=hospital)).json()["entry"][0]["resource"]["id"]
    address = f"/fhir/Bundle/{stored['id']}/$signatures"

    hidden = await world.http.get(address, headers=clinic)
    never = await world.http.get("/fhir/Bundle/never/$signatures", headers=clinic)
    await world.post(hospital, a_consent(patient, "clinic-c"))

    assert (hidden.status_code, never.status_code) == (404, 404)
    assert hidden.text.replace(stored["id"], "never") == never.text
    assert await states(world, clinic, f"Bundle/{stored['id']}") == ["valid"]


async def test_each_version_is_checked_for_itself(world: World, tmp_path: Path) -> None:
    trusting(world)
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]
    octets = a_cda(region().doctor, tmp_path)
    altered = base64.b64encode(octets.replace(b"<title>a", b"<title>b")).decode()
    stored = await world.post(hospital, a_reference(patient, data=base64.b64encode(octets).decode()))
    address = f"DocumentReference/{stored['id']}"
    before = await states(world, hospital, address)

    stored["content"][0]["attachment"]["data"] = altered
    changed = await world.http.put(f"/fhir/{address}", headers=hospital, json=stored)

    assert changed.status_code == 200, changed.text
    assert (before, await states(world, hospital, address)) == (["valid"], ["invalid"])


async def test_a_version_that_comes_late_takes_no_signature_off_the_one_that_holds(
    world: World, tmp_path: Path
) -> None:
    trusting(world)
    hospital = await world.client("hospital-a")
    signed = a_referral(region().doctor, tmp_path)
    stored = (await world.http.post("/fhir/Bundle", headers=hospital, json=signed)).json()
    late = {name: one for name, one in signed.items() if name != "signature"} | {"timestamp": "2026-04-01T10:00:00Z"}

    answer = await world.http.post("/fhir/Bundle", headers=hospital, json=late)

    assert (answer.status_code, answer.json()["id"]) == (201, stored["id"])
    assert await states(world, hospital, f"Bundle/{stored['id']}") == ["valid"]


@pytest.fixture
def idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks at what waits but the test."""

    async def look_at_nothing(_: object) -> None:
        """Leave all as it is."""

    monkeypatch.setattr(pending, "check_pending", look_at_nothing)


async def test_a_large_document_is_looked_at_once_it_is_stored(
    world: World, tmp_path: Path, idle: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrival, "MOST_BYTES_AT_ONCE", 100)
    trusting(world)
    hospital = await world.client("hospital-a")
    stored = await world.post(hospital, a_referral(region().doctor, tmp_path))

    before = await told(world, hospital, f"Bundle/{stored['id']}")
    await check_pending(world.hub)

    carrier = {"reference": f"Bundle/{stored['id']}/_history/1"}
    assert before == [{"carrier": carrier, "state": "pending"}]
    assert await states(world, hospital, f"Bundle/{stored['id']}") == ["valid"]


async def test_signatures_are_looked_at_again_when_somebody_is_trusted(
    world: World, tmp_path: Path, idle: None
) -> None:
    hospital = await world.client("hospital-a")
    stored = await world.post(hospital, a_referral(region().doctor, tmp_path))
    before = await states(world, hospital, f"Bundle/{stored['id']}")

    trusting(world)
    async with world.hub.database.write() as connection:
        count = await check_all_again(connection)
    waiting = await states(world, hospital, f"Bundle/{stored['id']}")
    await check_pending(world.hub)

    assert (before, count, waiting) == (["untrusted"], 1, ["pending"])
    assert await states(world, hospital, f"Bundle/{stored['id']}") == ["valid"]


async def test_what_is_removed_for_good_leaves_no_verdict(world: World, tmp_path: Path) -> None:
    hospital, secretariat = await world.client("hospital-a"), await world.client("secretariat", role="secretariat")
    stored = await world.post(hospital, a_referral(region().doctor, tmp_path))
    parameter = [{"name": "expungeDeletedResources", "valueBoolean": True}]

    await world.http.delete(f"/fhir/Bundle/{stored['id']}", headers=hospital)
    answer = await world.http.post(
        f"/fhir/Bundle/{stored['id']}/$expunge",
        headers=secretariat,
        json={"resourceType": "Parameters", "parameter": parameter},
    )

    assert answer.status_code == 200, answer.text
    rows = await world.hub.database.reader.fetch(select(func.count()).select_from(signature_check), {})
    assert rows[0][0] == 0
