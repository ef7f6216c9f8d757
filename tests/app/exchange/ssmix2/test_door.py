import asyncio
from pathlib import Path

import pytest
from sqlalchemy import select

from app.exchange.ssmix2.path import path_of
from app.exchange.ssmix2.tables import ssmix2_file
from app.records.signatures.pending import check_pending
from benchmarks.ssmix2.made import names
from tests.mllp import a_message, speaking
from tests.oauth import scoped
from tests.signers import region, write_trust, xml_template, xmlsec
from tests.ssmix2 import DOOR, a_file, batch, found, send, told, with_flag
from tests.world import World

pytestmark = pytest.mark.anyio

EARLY, LATE, LATEST = "20200401090000000", "20200402090000000", "20200403090000000"


async def test_a_store_becomes_the_record_of_its_patients(world: World):
    site = await world.client("hospital-a")
    store = [(path_of(name), body) for patient in (1, 2) for name, body in names(patient, 40)]

    assert set(await send(world, site, *store)) == {"done"}
    assert set(await send(world, site, *store)) == {"unchanged"}

    assert await world.total(site, "Patient") == 2
    (patient,) = await found(world, site, "Patient?identifier=0000000001")
    assert patient["name"][0]["text"] == "鈴木 太郎"
    kinds = "Encounter MedicationRequest Observation DiagnosticReport ServiceRequest Condition AllergyIntolerance"
    for kind in kinds.split():
        assert await world.total(site, f"{kind}?patient={patient['id']}") > 0, kind


async def test_a_file_of_a_patient_that_is_not_known_makes_one_and_the_basic_data_complete_it(world: World):
    site = await world.client("hospital-a")

    await send(world, site, a_file("ADT-12"))
    (before,) = await found(world, site, "Patient")
    await send(world, site, a_file("ADT-00"))
    (after,) = await found(world, site, "Patient")

    assert "address" not in before
    assert after["address"][0]["country"] == "JP"
    assert (before["id"], before["meta"]["versionId"], after["meta"]["versionId"]) == (after["id"], "1", "2")


async def test_a_patient_that_came_by_another_door_is_the_same(world: World):
    site = await world.client("hospital-a")
    system = "urn:oid:1.2.392.100495.20.3.51.10110000001"
    made = await world.post(
        site, {"resourceType": "Patient", "identifier": [{"system": system, "value": "0000000101"}]}
    )

    await send(world, site, a_file("OMP-01"))

    (request, _) = await found(world, site, "MedicationRequest")
    assert request["subject"]["reference"] == f"Patient/{made['id']}"
    assert await world.total(site, "Patient") == 1


@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "one after the other"])
async def test_what_was_replaced_is_history_and_what_replaces_it_holds(world: World, together: bool):
    site = await world.client("hospital-a")
    old, new = (a_file("OML-11", occurred=at, salt=salt) for at, salt in ((EARLY, 6), (LATE, 12)))
    sent = [[with_flag(old, 2), new]] if together else [[old], [with_flag(old, 2)], [new]]

    for files in sent:
        assert set(await send(world, site, *files)) == {"done"}

    (result,) = await found(world, site, "Observation?code=3A010000002327101")
    assert result["valueQuantity"]["value"] == 7.2 + 1.2
    history = await world.http.get(f"/fhir/Observation/{result['id']}/_history", headers=site)
    values = [one["resource"]["valueQuantity"]["value"] for one in history.json()["entry"] if "resource" in one]
    assert values == [8.4, 7.8]


async def test_a_file_that_comes_late_never_replaces_a_newer_one(world: World):
    site = await world.client("hospital-a")
    old, new = a_file("OML-11", occurred=EARLY, salt=6), a_file("OML-11", occurred=LATE, salt=12)

    assert await send(world, site, new) == ["done"]
    assert await send(world, site, old) == ["done"]

    (result,) = await found(world, site, "Observation?code=3A010000002327101")
    assert (result["valueQuantity"]["value"], result["meta"]["versionId"]) == (8.4, "1")


@pytest.mark.parametrize("kind", ["OMP-01", "ADT-61"], ids=["an order", "a list"])
async def test_a_file_that_comes_late_takes_up_nothing_that_a_newer_one_has_left_out(world: World, kind: str):
    site = await world.client("hospital-a")
    old, (path, body) = a_file(kind, occurred=EARLY), a_file(kind, occurred=LATE)
    lines = body.split(b"\r")
    cut = max(number for number, line in enumerate(lines) if line.startswith((b"ORC", b"IAM")))

    assert await send(world, site, (path, b"\r".join(lines[:cut]) + b"\r")) == ["done"]
    assert await send(world, site, old) == ["done"]

    type_name = "MedicationRequest" if kind == "OMP-01" else "AllergyIntolerance"
    assert await world.total(site, type_name) == 1


@pytest.mark.parametrize("body", [None, b""], ids=["with its message", "empty"])
async def test_what_was_deleted_is_deleted_and_keeps_its_history(world: World, body: bytes | None):
    site = await world.client("hospital-a")
    file = a_file("OML-11", salt=6)
    await send(world, site, file, a_file("ADT-00"))
    (result, *_) = await found(world, site, "Observation?code=3A010000002327101")

    assert await send(world, site, with_flag(file, 0, body)) == ["done"]

    read = await world.http.get(f"/fhir/Observation/{result['id']}", headers=site)
    before = await world.http.get(f"/fhir/Observation/{result['id']}/_history/1", headers=site)
    assert (read.status_code, before.status_code) == (410, 200)
    assert await world.total(site, "DiagnosticReport") == 0
    assert await world.total(site, "Patient") == 1


async def test_a_deletion_under_a_new_name_deletes_what_the_order_had(world: World):
    site = await world.client("hospital-a")
    await send(world, site, a_file("OML-11", occurred=EARLY))

    await send(world, site, with_flag(a_file("OML-11", occurred=LATE), 0, b""))
    await send(world, site, a_file("OML-11", occurred=LATEST))

    assert await world.total(site, "DiagnosticReport") == 1
    (report,) = await found(world, site, "DiagnosticReport")
    assert report["meta"]["versionId"] == "3"


async def test_an_order_that_comes_again_with_a_drug_fewer_stops_the_missing_one(world: World):
    site = await world.client("hospital-a")
    first = a_file("OMP-01", occurred=EARLY)
    lines = first[1].split(b"\r")
    last = max(number for number, line in enumerate(lines) if line.startswith(b"ORC"))
    fewer = (a_file("OMP-01", occurred=LATE)[0], b"\r".join(lines[:last]) + b"\r")
    await send(world, site, first)

    await send(world, site, with_flag(first, 2), fewer)

    statuses = sorted(one["status"] for one in await found(world, site, "MedicationRequest"))
    assert statuses == ["active", "stopped"]


async def test_a_list_that_comes_whole_loses_what_is_not_in_it_any_more(world: World):
    site = await world.client("hospital-a")
    first = a_file("ADT-61", occurred=EARLY)
    lines = first[1].split(b"\r")
    fewer = (a_file("ADT-61", occurred=LATE)[0], b"\r".join(line for line in lines if not line.startswith(b"IAM|2")))
    await send(world, site, first)
    assert await world.total(site, "AllergyIntolerance") == 2

    await send(world, site, with_flag(first, 2), fewer)

    assert await world.total(site, "AllergyIntolerance") == 1


FAULTS = {
    "wrong folder": lambda path, body: (path.replace("/OML-11/", "/ADT-31/"), body, "", "holds a file of OML-11"),
    "wrong patient folder": lambda path, body: (path.replace("000/000/", "999/000/"), body, "", "are not those of"),
    "name": lambda path, body: (path.replace("_000000000000123_", "_"), body, "", "seven parts"),
    "empty": lambda path, _: (path, b"", "", "the file is empty"),
    "only a line": lambda path, _: (path, b"\r\n", "", "the file is empty"),
    "no message": lambda path, _: (path, b"\x00" * 300, "MSH", "begins with"),
    "truncated": lambda path, body: (path, body[: body.index(b"\x1b(B", 400) - 1], "OBR", "ends in the middle"),
    "unknown kind": lambda path, body: (path.replace("OML-11", "XYZ-99"), body, "", "no kind of a standard store"),
    "another patient": lambda path, body: (path, body.replace(b"0000000101", b"0000000999"), "PID", "of patient"),
    "another message": lambda path, body: (path, body.replace(b"OUL^R22^OUL_R22", b"ADT^A01^ADT_A01"), "MSH", "not of"),
    "two patients": lambda path, body: (path, body + b"PID|1||55^^^^PI||X\r", "PID", "patient"),
}


async def test_a_fault_is_told_by_file_and_segment_and_stops_nothing_else(world: World):
    site = await world.client("hospital-a")
    path, body = a_file("OML-11")
    faults = {name: make(path, body) for name, make in FAULTS.items()}

    for name, (faulty_path, faulty, segment, text) in faults.items():
        answers = await told(world, site, a_file("ADT-00"), (faulty_path, faulty), a_file("OMP-01"))

        assert answers[1]["state"] == "refused", name
        (finding, *_) = answers[1]["findings"]
        assert (finding["segment"], text in finding["text"]) == (segment, True), finding
        assert {one["state"] for one in answers[::2]} <= {"done", "unchanged"}
    assert await world.total(site, "DiagnosticReport") == 0
    assert await world.total(site, "MedicationRequest") == 2


async def test_what_can_be_taken_all_the_same_is_told(world: World):
    site = await world.client("hospital-a")
    path, body = a_file("OML-11")

    (answer,) = await told(world, site, (path, body + b"this is junk\r"))

    assert answer["state"] == "done"
    assert "no segment" in answer["findings"][0]["text"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"not json", 400),
        (b'{"path": "a"}', 400),
        (b'{"path": "a", "body": "?"}', 400),
        (b'{"path": 1, "body": ""}', 400),
        (b'["path"]', 400),
        (b'{"path": "a", "parts": "b"}', 400),
        (b'{"path": "a", "body": ""}\n{"path": "a", "body": ""}', 400),
        (b"", 200),
    ],
)
async def test_a_batch_that_is_none_is_refused_as_a_whole(world: World, body: bytes, status: int):
    headers = {**await world.client("hospital-a"), "content-type": "application/x-ndjson"}

    response = await world.http.post(DOOR, headers=headers, content=body)

    assert response.status_code == status, response.text


async def test_only_a_system_of_a_site_with_the_scope_sends_files(world: World):
    body = batch(a_file())
    headers = {"content-type": "application/x-ndjson"}

    async def status(caller: dict[str, str]) -> int:
        return (await world.http.post(DOOR, headers={**headers, **caller}, content=body)).status_code

    assert await status({}) == 401
    assert await status(await world.client("hospital-a", role="doctor")) == 403
    assert await status(await world.client("secretariat")) == 403
    assert await status(await scoped(world, "hospital-a", "system/Patient.cruds")) == 403
    assert await status(await scoped(world, "hospital-a", "ssmix2")) == 200
    narrow = await scoped(world, "hospital-a", "ssmix2")
    assert (await world.http.get("/fhir/Patient", headers=narrow)).status_code == 403
    assert (await world.http.get(DOOR, headers=narrow)).status_code == 405


async def test_a_site_writes_its_own_record_alone(world: World):
    one, other = await world.client("hospital-a"), await world.client("hospital-b")

    await send(world, one, a_file("ADT-00"), a_file("OML-11"))
    assert await send(world, other, a_file("ADT-00"), a_file("OML-11")) == ["done", "done"]

    assert await world.total(one, "Patient") == 1
    assert await world.total(one, "DiagnosticReport") == 1


CDA = "<ClinicalDocument xmlns='urn:hl7-org:v3'><title>退院時サマリー</title></ClinicalDocument>".encode()
FOLDER = "L12^退院サマリ^99ZZZ^18842-5^退院時サマリー^LN"


def a_document(
    flag: int = 1, occurred: str = EARLY, kind: str = "18842-5", **files: bytes
) -> tuple[str, dict[str, bytes]]:
    name = f"0000000101_20200401_{kind}_S0001_{occurred}_01_{flag}"
    parts = files or {"main.xml": CDA, "figure.png": b"\x89PNG\r\n\x1a\n" + b"0" * 30}
    return f"000/000/0000000101/20200401/{FOLDER}/{name}", parts


async def test_a_document_of_an_extended_store_is_found_by_its_standard_code_and_read_as_it_came(world: World):
    site = await world.client("hospital-a")

    assert await send(world, site, a_document(), a_file("ADT-00")) == ["done", "done"]
    assert await send(world, site, a_document()) == ["unchanged"]

    (document,) = await found(world, site, "DocumentReference?type=http://loinc.org|18842-5")
    main, figure = (one["attachment"] for one in document["content"])
    assert (main["contentType"], main["title"], figure["contentType"]) == ("application/xml", "main.xml", "image/png")
    read = await world.http.get(f"/fhir/{main['url']}", headers=site)
    assert read.content == CDA
    (patient,) = await found(world, site, "Patient")
    assert document["subject"]["reference"] == f"Patient/{patient['id']}"


async def test_the_signature_in_a_document_of_an_extended_store_is_checked(world: World, tmp_path: Path):
    write_trust(world.hub.settings.trust_folder, documents=region().root.pem)
    site = await world.client("hospital-a")
    template = CDA.decode().replace("</title>", f"</title>{xml_template(holder=region().doctor)}")
    await send(world, site, a_document(**{"main.xml": xmlsec(region().doctor, template, tmp_path)}), a_file("ADT-00"))

    await check_pending(world.hub)

    (document,) = await found(world, site, "DocumentReference")
    answer = await world.http.get(f"/fhir/DocumentReference/{document['id']}/$signatures", headers=site)
    parts = [part for one in answer.json()["parameter"] for part in one["part"]]
    assert [part["valueCode"] for part in parts if part["name"] == "state"] == ["valid"]


async def test_a_document_that_was_replaced_or_deleted_follows(world: World):
    site = await world.client("hospital-a")
    old, new = a_document(), a_document(occurred=LATE)
    await send(world, site, old)
    (first,) = await found(world, site, "DocumentReference")

    await send(world, site, (old[0][:-1] + "2", old[1]), (new[0], {"main.xml": CDA.replace(b"v3", b"v3 ")}))
    (second,) = await found(world, site, "DocumentReference")
    await send(world, site, (new[0][:-1] + "0", new[1]))

    assert (first["id"], len(first["content"])) == (second["id"], 2)
    assert len(second["content"]) == 1
    assert await world.total(site, "DocumentReference") == 0


async def test_a_document_with_a_program_is_refused_and_an_empty_one_too(world: World):
    site = await world.client("hospital-a")
    program, empty = (
        a_document(**{"run.exe": b"\x7fELF\x02" + b"\0" * 100}),
        a_document(occurred=LATE, **{"main.xml": b""}),
    )

    answers = await told(world, site, program, empty)

    assert [one["state"] for one in answers] == ["refused", "refused"]
    assert "only empty ones" in answers[1]["findings"][0]["text"]
    assert await world.total(site, "DocumentReference") == 0


async def test_what_was_written_says_which_file_it_comes_from(world: World):
    site = await world.client("hospital-a")
    path, _ = file = a_file("OML-11")

    await send(world, site, file)

    (report,) = await found(world, site, "DiagnosticReport")
    (provenance,) = await found(world, site, f"Provenance?target=DiagnosticReport/{report['id']}")
    assert report["meta"]["source"] == f"urn:renkei:site:0110000001:ssmix2#{path}"
    assert provenance["entity"][0]["what"]["identifier"]["value"] == path


async def test_a_file_is_kept_byte_for_byte(world: World):
    site = await world.client("hospital-a")
    path, body = file = a_file("OML-11")

    await send(world, site, file, with_flag(a_file("OML-11", occurred=LATE), 2))

    rows = await world.hub.database.reader.fetch(select(ssmix2_file).order_by(ssmix2_file.c.path), {})
    assert (rows[0][4], bytes(rows[0][9]), rows[0][7]) == (path, body, "iso2022_jp")
    assert len(rows) == 2


async def test_what_is_removed_for_good_takes_its_file_along(world: World):
    site, office = await world.client("hospital-a"), await world.client("secretariat", role="secretariat")
    file = a_file("OML-11", occurred=EARLY)
    await send(world, site, file, a_file("OMP-01"))
    await send(world, site, with_flag(file, 2), a_file("OML-11", occurred=LATE))
    (report,) = await found(world, site, "DiagnosticReport")
    await world.http.delete(f"/fhir/DiagnosticReport/{report['id']}", headers=site)

    asked = {"resourceType": "Parameters", "parameter": [{"name": "expungeDeletedResources", "valueBoolean": True}]}
    done = await world.http.post(f"/fhir/DiagnosticReport/{report['id']}/$expunge", headers=office, json=asked)

    assert done.status_code == 200, done.text
    rows = await world.hub.database.reader.fetch(select(ssmix2_file.c.path), {})
    assert [path for (path,) in rows] == [a_file("OMP-01")[0]]


async def test_a_number_of_several_patients_is_refused_unless_one_alone_lives(world: World):
    site = await world.client("hospital-a")
    number = {"system": "urn:oid:1.2.392.100495.20.3.51.10110000001", "value": "0000000101"}
    ids = [(await world.post(site, {"resourceType": "Patient", "identifier": [number]}))["id"] for _ in range(2)]

    answers = await told(world, site, a_file("OMP-01"), a_file("ADT-12", number="0000000102"))
    merged = {"resourceType": "Patient", "id": ids[0], "identifier": [number], "active": False}
    await world.http.put(f"/fhir/Patient/{ids[0]}", headers=site, json=merged)
    again = await send(world, site, a_file("OMP-01"))

    assert [one["state"] for one in answers] == ["refused", "done"]
    assert "Several Patients" in answers[0]["findings"][0]["text"]
    assert again == ["done"]
    assert await world.total(site, f"MedicationRequest?patient={ids[1]}") == 2


async def test_the_basic_data_of_a_patient_who_was_merged_make_no_other_of_it(world: World):
    site = await world.client("hospital-a")
    system = "urn:oid:1.2.392.100495.20.3.51.10110000001"
    stays = await world.post(site, {"resourceType": "Patient", "identifier": [{"system": system, "value": "1"}]})
    ended = {
        "resourceType": "Patient",
        "identifier": [{"system": system, "value": "0000000101"}],
        "active": False,
        "link": [{"other": {"reference": f"Patient/{stays['id']}"}, "type": "replaced-by"}],
    }
    await world.post(site, ended)

    states = await send(world, site, a_file("ADT-00"), a_file("OMP-01"))

    assert states == ["done", "done"]
    (patient,) = await found(world, site, "Patient?identifier=0000000101")
    assert (patient["active"], patient["link"]) == (False, ended["link"])


async def test_a_name_that_the_database_cannot_hold_is_refused_and_stops_no_other_file(world: World):
    site = await world.client("hospital-a")
    folder = "000/000/0000000101/20200401/L1^{0}^99Z/0000000101_20200401_L1_S{0}_20200401090000000_01_1"

    states = await send(world, site, (folder.format("\x00"), {"main.pdf": b"%PDF-1"}), a_file("OML-11"))

    assert states == ["refused", "done"]


async def test_a_message_and_a_file_of_a_new_patient_at_once_make_one_patient(world: World):
    site = await world.client("hospital-a")
    numbers = [f"00000005{each:02d}" for each in range(6)]
    async with speaking(world) as line:

        async def say() -> None:
            for each in numbers:
                pid = f"PID|||{each}^^^^PI||山田^太郎^^^^^L^I||19600102|M"
                assert "MSA|AA" in await line.say(a_message(pid, kind="ADT^A28", id=each))

        async def write() -> None:
            for each in numbers:
                assert await send(world, site, a_file("ADT-12", number=each)) == ["done"]

        await asyncio.gather(say(), write())

    assert await world.total(site, "Patient") == len(numbers)


@pytest.mark.parametrize("turn", [1, -1], ids=["the message first", "the document first"])
@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "one after the other"])
async def test_a_number_with_zeros_before_it_in_the_path_alone_is_of_one_patient(
    world: World, turn: int, together: bool
):
    site = await world.client("hospital-a")
    path, body = a_file("OMP-01")
    files = [(path, body.replace(b"0000000101", b"101")), a_document()][::turn]

    for some in [files] if together else [[one] for one in files]:
        assert set(await send(world, site, *some)) == {"done"}

    (patient,) = await found(world, site, "Patient")
    assert await world.total(site, f"MedicationRequest?patient={patient['id']}") == 2
    assert await world.total(site, f"DocumentReference?patient={patient['id']}") == 1
