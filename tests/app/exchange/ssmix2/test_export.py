"""A site and a patient out again as SS-MIX2 stores."""

import csv
import json
import stat
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from app.access.directory import find_organisation
from app.exchange.ssmix2.batch import source_of
from app.exchange.ssmix2.export.folder import Folder, NotEmpty
from app.exchange.ssmix2.export.run import Progress, export, site_of
from app.exchange.ssmix2.kinds import Flag
from app.exchange.ssmix2.path import NO_DATE, NO_ORDER, Name, path_of
from fhir.errors import NotFound
from tests.app.exchange.hl7v2.messages import MESSAGES, the_bytes
from tests.ssmix2 import found, send, with_flag
from tests.world import World

pytestmark = pytest.mark.anyio

TYPES = (
    *(
        "Patient",
        "RelatedPerson",
        "Coverage",
        "Encounter",
        "CareTeam",
        "AllergyIntolerance",
        "Condition",
        "Observation",
    ),
    *("DiagnosticReport", "Specimen", "ServiceRequest", "Procedure", "NutritionOrder", "MedicationRequest"),
    *("MedicationAdministration", "DocumentReference"),
)
A, B = "0110000001", "0110000002"
DOCUMENT = "0001234_20240510_18842-5_999999999999999_20240510120000000_01_1"
FOLDER = f"000/123/0001234/20240510/SUM^サマリー^99X^18842-5^退院時要約^LN/{DOCUMENT}"


def a_store() -> list[tuple[str, bytes]]:
    """A file of each kind of one patient, as a hospital writes them."""
    files = []
    for place, kind in enumerate(MESSAGES):
        whole = kind in {"ADT-00", "ADT-61", "PPR-01"}
        order = NO_ORDER if kind.startswith(("ADT", "PPR")) else f"{place}00001"
        name = Name(
            "0001234", NO_DATE if whole else "20240510", kind, order, f"202405101{place:02d}000000", "01", Flag(1)
        )
        files.append((path_of(name), the_bytes(*MESSAGES[kind])))
    return files


async def taken_out(world: World, folder: Path, site: str = "hospital-a", **how: Any) -> Progress:
    owner = await find_organisation(world.hub.database.reader, site)
    source = await source_of(world.hub, owner.key)
    place = Folder(folder, resume=how.pop("resume", False), what=site)
    return await export(world.hub, owner, source, place, how.pop("tell", lambda _: True), **how)


def the_files(folder: Path, store: str = "standard") -> dict[str, bytes]:
    root = folder / store
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def the_index(folder: Path, name: str = "index.csv") -> list[dict[str, str]]:
    with (folder / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


async def all_of(world: World, caller: dict[str, str]) -> dict[str, Any]:
    """All resources of a site by their first identifiers, each as it says itself, whatever its id and its site."""
    resources = [one for type_ in TYPES for one in await found(world, caller, f"{type_}?_count=100")]
    keys = {f"{one['resourceType']}/{one['id']}": one["identifier"][0]["value"] for one in resources}
    said = {}
    for one in resources:
        plain = {name: value for name, value in one.items() if name not in {"id", "meta"}}
        text = json.dumps(plain, ensure_ascii=False, sort_keys=True)
        for reference, key in keys.items():
            text = text.replace(f'"{reference}"', f'"{key}"')
        said[f"{one['resourceType']} {keys[one['resourceType'] + '/' + one['id']]}"] = text
    organisation = {"hospital-a": A, "hospital-b": B}
    for slug, number in organisation.items():
        said = {
            key.replace(number, "SITE"): text.replace(number, "SITE").replace(
                f"Organization/{slug}", "Organization/site"
            )
            for key, text in said.items()
        }
    return said


async def test_a_store_goes_out_as_it_came(world: World, tmp_path: Path):
    site = await world.client("hospital-a")
    store = a_store()
    assert set(await send(world, site, *store)) == {"done"}
    pdf = {"summary.pdf": b"%PDF-1.4 one", "picture.png": b"\x89PNG"}
    assert await send(world, site, (FOLDER, pdf)) == ["done"]

    progress = await taken_out(world, tmp_path / "out")

    assert the_files(tmp_path / "out") == dict(store)
    assert the_files(tmp_path / "out", "extended") == {f"{FOLDER}/{name}": body for name, body in pdf.items()}
    assert (progress.patients, progress.files, progress.left_out) == (1, len(store) + 2, 0)
    for row in the_index(tmp_path / "out"):
        assert sha256((tmp_path / "out" / row["path"]).read_bytes()).hexdigest() == row["sha256"]
        assert row["origin"] == "kept"


async def test_what_comes_in_again_is_the_same(world: World, tmp_path: Path):
    one, other = await world.client("hospital-a"), await world.client("hospital-b")
    await send(world, one, *a_store())

    await taken_out(world, tmp_path / "out")
    states = await send(world, other, *the_files(tmp_path / "out").items())

    assert set(states) == {"done"}
    assert await all_of(world, one) == await all_of(world, other)


@pytest.mark.parametrize("left", [{"meta"}, set()], ids=["without its origin", "as it was read"])
async def test_what_was_changed_since_is_made_anew(world: World, tmp_path: Path, left: set[str]):
    site = await world.client("hospital-a")
    store = [one for one in a_store() if "/OMP-01/" in one[0] or "/OML-11/" in one[0]]
    await send(world, site, *store)
    (first, *_) = await found(world, site, "MedicationRequest?_sort=_lastUpdated")
    changed = {name: value for name, value in first.items() if name not in left} | {"note": [{"text": "電話で変更"}]}
    response = await world.http.put(f"/fhir/MedicationRequest/{first['id']}", headers=site, json=changed)
    assert response.status_code == 200, response.text

    await taken_out(world, tmp_path / "out")

    origins = {row["path"].split("/")[5]: row["origin"] for row in the_index(tmp_path / "out")}
    assert origins == {"ADT-00": "made", "OMP-01": "made", "OML-11": "kept"}
    (text,) = (body.decode("iso2022_jp") for path, body in the_files(tmp_path / "out").items() if "/OMP-01/" in path)
    assert "電話で変更" in text
    assert text.count("\rRXE|") == 3


async def test_a_deleted_file_goes_out_as_deleted(world: World, tmp_path: Path):
    site = await world.client("hospital-a")
    (file,) = [one for one in a_store() if "/OMP-01/" in one[0]]
    await send(world, site, file)
    await send(world, site, with_flag(file, 0, b""))

    await taken_out(world, tmp_path / "out")

    assert the_files(tmp_path / "out")[with_flag(file, 0)[0]] == b""
    assert file[0] not in the_files(tmp_path / "out")


async def test_a_document_goes_out_as_a_content_folder(world: World, tmp_path: Path):
    site = await world.client("hospital-a")
    patient = await world.post(site, a_numbered_patient())
    attachment = {"contentType": "application/pdf", "title": "紹介状", "data": b64encode(b"%PDF-1").decode()}
    coding = {"system": "http://loinc.org", "code": "57133-1", "display": "Referral note"}
    subject = {"reference": f"Patient/{patient['id']}"}
    await world.post(
        site,
        {
            "resourceType": "DocumentReference",
            "status": "current",
            "type": {"coding": [coding], "text": "診療情報提供書"},
            "subject": subject,
            "date": "2024-05-10T16:00:00Z",
            "content": [{"attachment": attachment}],
        },
    )

    await taken_out(world, tmp_path / "out")

    name = "0001234_20240511_57133-1_999999999999999_20240511010000000_-_1"
    folder = "000/123/0001234/20240511/57133-1^診療情報提供書^99RENKEI^57133-1^Referral-note^LN"
    assert the_files(tmp_path / "out", "extended") == {f"{folder}/{name}/紹介状.pdf": b"%PDF-1"}


async def test_documents_of_fhir_and_attachments_elsewhere(world: World, tmp_path: Path):
    site = await world.client("hospital-a")
    patient = await world.post(site, a_numbered_patient())
    subject = {"reference": f"Patient/{patient['id']}"}
    picture = {"resourceType": "Binary", "contentType": "image/png", "data": b64encode(b"\x89PNG").decode()}
    binary = await world.post(site, picture | {"securityContext": subject})
    reference = {"resourceType": "DocumentReference", "status": "current", "subject": subject}
    there = {"contentType": "image/png", "url": f"Binary/{binary['id']}"}
    gone = {"contentType": "image/png", "url": "https://example.org/elsewhere.png"}
    await world.post(site, reference | {"date": "2024-05-10T01:00:00Z", "content": [{"attachment": there}]})
    lost = await world.post(site, reference | {"content": [{"attachment": gone}]})
    composition = {
        "resourceType": "Composition",
        "status": "final",
        "type": {"coding": [{"system": "http://loinc.org", "code": "18842-5"}], "text": "退院時サマリー"},
        "subject": {"reference": "urn:uuid:1c1b1a19-0000-4000-8000-000000000003"},
        "date": "2024-05-11",
        "author": [{"display": "港 一郎"}],
        "title": "退院時サマリー",
    }
    document = {
        "resourceType": "Bundle",
        "type": "document",
        "identifier": {"system": "urn:ietf:rfc:3986", "value": "urn:uuid:1c1b1a19-0000-4000-8000-000000000001"},
        "timestamp": "2024-05-11T10:00:00+09:00",
        "entry": [
            {"fullUrl": "urn:uuid:1c1b1a19-0000-4000-8000-000000000002", "resource": composition},
            {"fullUrl": "urn:uuid:1c1b1a19-0000-4000-8000-000000000003", "resource": a_numbered_patient()},
        ],
    }
    stored = await world.post(site, document)

    await taken_out(world, tmp_path / "out")

    names = sorted(path.split("/")[-1] for path in the_files(tmp_path / "out", "extended"))
    left_out = {row["resource"]: row["reason"] for row in the_index(tmp_path / "out", "left-out.csv")}
    assert left_out[f"DocumentReference/{lost['id']}"] == "attachment 1 is not in the hub"
    covers = " ".join(row["covers"] for row in the_index(tmp_path / "out"))
    assert f"Binary/{binary['id']}" in covers
    assert f"Bundle/{stored['id']}" in covers
    assert names == ["1.png", "document.json"]


def a_numbered_patient(value: str = "0001234") -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "identifier": [{"system": f"urn:oid:1.2.392.100495.20.3.51.1{A}", "value": value}],
        "name": [{"text": "北野 花子"}],
    }


async def test_what_no_message_says_is_listed(world: World, tmp_path: Path):
    site = await world.client("hospital-a")
    patient = await world.post(site, a_numbered_patient())
    goal = {"resourceType": "Goal", "lifecycleStatus": "active", "description": {"text": "歩く"}}
    made = await world.post(site, goal | {"subject": {"reference": f"Patient/{patient['id']}"}})
    stranger = await world.post(site, a_numbered_patient("../../etc"))

    progress = await taken_out(world, tmp_path / "out")

    assert the_index(tmp_path / "out", "left-out.csv") == [
        {
            "patient": f"Patient/{patient['id']}",
            "resource": f"Goal/{made['id']}",
            "reason": "no message of a standard store says it",
        },
        {
            "patient": f"Patient/{stranger['id']}",
            "resource": f"Patient/{stranger['id']}",
            "reason": "the patient has no number of the site that a folder can have",
        },
    ]
    assert (progress.patients, progress.left_out) == (2, 2)


async def test_an_export_is_of_one_site_and_only_its_owner_reads_it(world: World, tmp_path: Path):
    one, other = await world.client("hospital-a"), await world.client("hospital-b")
    await send(world, one, *a_store())
    await send(world, other, *a_store()[:1])

    await taken_out(world, tmp_path / "out", "hospital-b")

    assert len(the_files(tmp_path / "out")) == 1
    for path in [tmp_path / "out", *(tmp_path / "out").rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)


async def test_an_export_that_was_stopped_goes_on(world: World, tmp_path: Path):
    site = await world.client("hospital-a")
    for number in ("0001", "0002", "0003"):
        await world.post(site, a_numbered_patient(number))

    first = await taken_out(world, tmp_path / "out", tell=lambda progress: progress.patients < 2)
    with pytest.raises(NotEmpty, match="--resume"):
        await taken_out(world, tmp_path / "out")
    second = await taken_out(world, tmp_path / "out", resume=True)

    assert (first.patients, second.patients, second.before) == (2, 1, 2)
    assert len(the_files(tmp_path / "out")) == 3
    assert len({row["path"] for row in the_index(tmp_path / "out")}) == len(the_index(tmp_path / "out")) == 3
    with pytest.raises(NotEmpty, match="holds another export"):
        await taken_out(world, tmp_path / "out", "hospital-b", resume=True)


async def test_what_an_interruption_left_of_a_patient_is_written_anew(world: World, tmp_path: Path):
    site = await world.client("hospital-a")
    patient = await world.post(site, a_numbered_patient("0001") | {"name": [{"text": "𩸽 花子"}]})
    await taken_out(world, tmp_path / "out")
    done = tmp_path / "out" / "patients.csv"
    done.write_text(done.read_text().splitlines()[0] + "\n")

    again = await taken_out(world, tmp_path / "out", resume=True)

    (row,) = the_index(tmp_path / "out")
    assert again.patients == 1
    assert (row["patient"], row["replaced"]) == (f"Patient/{patient['id']}", "1")


async def test_a_folder_with_something_in_it_is_left_alone(world: World, tmp_path: Path):
    (tmp_path / "mine.txt").write_text("mine")

    with pytest.raises(NotEmpty, match="is not empty"):
        await taken_out(world, tmp_path)


async def test_each_patient_is_on_record_before_anything_is_written(world: World, tmp_path: Path):
    site = await world.client("hospital-a")
    patient = await world.post(site, a_numbered_patient())
    told: list[Any] = []
    append = world.hub.audit.append

    async def seen(events: Any) -> None:
        told.extend((event.interaction, event.patient, (tmp_path / "out" / "standard").exists()) for event in events)
        await append(events)

    world.hub.audit.append = seen  # type: ignore[method-assign]
    await taken_out(world, tmp_path / "out")

    assert told == [("export", f"Patient/{patient['id']}", False)]


async def test_one_patient_is_found_by_its_id(world: World, tmp_path: Path):
    site = await world.client("hospital-a")
    await world.post(site, a_numbered_patient("0001"))
    patient = await world.post(site, a_numbered_patient("0002"))

    assert (await site_of(world.hub, patient["id"])).slug == "hospital-a"
    with pytest.raises(NotFound):
        await site_of(world.hub, "nobody")
    await taken_out(world, tmp_path / "out", patient=patient["id"])

    assert [path.split("/")[2] for path in the_files(tmp_path / "out")] == ["0002"]
