"""Manifests of what the hub keeps: made on demand of what the caller may see, found as documents, retrieved whole."""

from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import pydicom
import pytest

from app.imaging.mado.from_fhir import read_bundle
from app.settings import Settings
from dicom.manifest.model import Manifest
from dicom.manifest.read import read_kos
from dicom.part10 import read_instance
from fhir.profiles.structure import check
from fhir.store.labels import ACT_CODE
from tests.app.imaging.images import CT, a_file, described_all, parts_of, stored
from tests.portal import recorded
from tests.world import ADDRESS, World, a_consent, running

pytestmark = pytest.mark.anyio

STUDY, SERIES, INSTANCE = "1.2.392.1", "1.2.392.1.1", "1.2.392.1.1.1"
FHIR_FORMAT = "urn:ihe:rad:MADO:fhir-manifest:2026"
KOS_FORMAT = "1.2.840.10008.5.1.4.1.1.88.59"
ROOT = f"{ADDRESS}/dicomweb"


def an_image(number: int = 1, **values: Any) -> bytes:
    named = {
        "StudyInstanceUID": STUDY,
        "SeriesInstanceUID": SERIES,
        "SOPInstanceUID": f"{SERIES}.{number}",
        "InstanceNumber": number,
        "StudyDate": "20260401",
        "StudyTime": "093000.5",
        "AccessionNumber": "A-1",
        "BodyPartExamined": "CHEST",
        "StudyDescription": "胸部CT",
        "SpecificCharacterSet": "ISO_IR 192",
    }
    return a_file(CT, **named | values)


async def study_of(world: World, caller: dict[str, str], uid: str = STUDY) -> dict[str, Any]:
    found = await world.http.get(f"/fhir/ImagingStudy?identifier=urn:dicom:uid|urn:oid:{uid}", headers=caller)
    return dict(found.json()["entry"][0]["resource"])


async def manifest(world: World, caller: dict[str, str], study: str, form: str = "fhir") -> Manifest:
    answer = await world.http.get(f"/fhir/ImagingStudy/{study}/$manifest?form={form}", headers=caller)
    assert answer.status_code == 200, answer.text
    if form == "kos":
        return read_kos(read_instance(answer.content))
    return read_bundle(answer.json())


async def persist(world: World, caller: dict[str, str], study: str, how: str, status: int = 201) -> dict[str, Any]:
    """Make a manifest known and return its DocumentReferences by format."""
    answer = await world.http.post(f"/fhir/ImagingStudy/{study}/$manifest?persist={how}", headers=caller)
    assert answer.status_code == status, answer.text
    return {one["resource"]["content"][0]["format"]["code"]: one["resource"] for one in answer.json()["entry"]}


async def two_sites(world: World) -> tuple[dict[str, str], dict[str, str], dict[str, Any]]:
    """Return two sites' callers and a study of the first, which the second may see."""
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    await stored(world, hospital, an_image(1), an_image(2))
    study = await study_of(world, hospital)
    await world.post(hospital, a_consent(study["subject"]["reference"].removeprefix("Patient/"), "clinic-c"))
    return hospital, clinic, study


async def test_both_forms_say_the_same_and_every_instance_is_retrieved_from_where_they_say(world: World) -> None:
    hospital, clinic, study = await two_sites(world)

    made = {form: await manifest(world, clinic, study["id"], form) for form in ("fhir", "kos")}

    assert made["fhir"] == made["kos"]
    (series,) = made["kos"].series
    assert (series.modality, series.retrieve_url, series.region and series.region.meaning) == ("CT", ROOT, "Chest")
    assert [one.meaning for one in made["kos"].regions] == ["Upper trunk"]
    assert (made["kos"].study_date, made["kos"].study_time) == ("20260401", "093000.5")
    assert made["kos"].accession.value == "A-1"
    assert made["kos"].study_description == "胸部CT"
    assert made["kos"].display_uri == f"{ADDRESS}/IHEInvokeImageDisplay?requestType=STUDY&studyUID={STUDY}"
    for number, one in enumerate(series.instances, start=1):
        path = f"/studies/{STUDY}/series/{series.series_instance_uid}/instances/{one.sop_instance_uid}"
        whole = await world.http.get(series.retrieve_url + path, headers=clinic)
        rendered = await world.http.get(f"{series.retrieve_url}{path}/rendered", headers=clinic)
        assert [octets for _, octets in parts_of(whole)] == [an_image(number)]
        assert (rendered.status_code, rendered.headers["content-type"]) == (200, "image/jpeg")
    # The same content is the same document, however often it is asked for and by whom.
    assert await manifest(world, hospital, study["id"], "kos") == made["kos"]
    events = [one for one in await recorded(world) if str(one.path).endswith("$manifest")]
    assert {one.organisation for one in events} == {"Organization/hospital-a", "Organization/clinic-c"}


async def test_the_fhir_form_is_a_valid_document_with_the_labels_of_the_images(world: World) -> None:
    hospital, clinic, study = await two_sites(world)
    secret = study | {"meta": {"security": [{"system": ACT_CODE, "code": "PSY"}]}}
    put = await world.http.put(f"/fhir/ImagingStudy/{study['id']}", headers=hospital, json=secret)

    answer = await world.http.get(f"/fhir/ImagingStudy/{study['id']}/$manifest", headers=hospital)
    hidden = [
        await world.http.get(f"/fhir/ImagingStudy/{study['id']}/$manifest?form={form}", headers=clinic)
        for form in ("fhir", "kos")
    ]
    never = await world.http.get(f"/fhir/ImagingStudy/{'0' * len(study['id'])}/$manifest", headers=clinic)

    assert put.status_code == 200
    assert check(answer.json(), entries=True) == []
    assert answer.json()["meta"]["security"] == [{"system": ACT_CODE, "code": "PSY"}]
    assert [one.status_code for one in hidden] == [404, 404]
    assert hidden[0].text.replace(study["id"], "0" * len(study["id"])) == never.text


async def test_a_manifest_names_the_images_of_its_site_alone(world: World) -> None:
    _, clinic, study = await two_sites(world)
    await stored(world, clinic, an_image(3))

    made = await manifest(world, clinic, study["id"])

    assert [one.sop_instance_uid for one in made.series[0].instances] == [f"{SERIES}.1", f"{SERIES}.2"]


async def test_on_demand_both_forms_are_found_as_documents_that_name_each_other(world: World) -> None:
    hospital, clinic, study = await two_sites(world)

    made = await persist(world, hospital, study["id"], "on-demand")
    again = await persist(world, hospital, study["id"], "on-demand", 200)

    assert made == again
    ids = {code: one["id"] for code, one in made.items()}
    assert {code: one["relatesTo"] for code, one in made.items()} == {
        FHIR_FORMAT: [{"code": "transforms", "target": {"reference": f"DocumentReference/{ids[KOS_FORMAT]}"}}],
        KOS_FORMAT: [{"code": "transforms", "target": {"reference": f"DocumentReference/{ids[FHIR_FORMAT]}"}}],
    }
    for question in (
        f"study-instance-uid=urn:oid:{STUDY}",
        "accession-number=A-1",
        "modality=CT",
        "modality=http://dicom.nema.org/resources/ontology/DCM|CT",
        "body-site=67734004",
        "anatomical-region=http://snomed.info/sct|67734004",
        f"patient={study['subject']['reference']}&status=current&period=2026-04-01",
    ):
        for code in (FHIR_FORMAT, KOS_FORMAT):
            found = await world.http.get(f"/fhir/DocumentReference?{question}&format={code}", headers=clinic)
            assert [one["resource"]["id"] for one in found.json().get("entry", [])] == [ids[code]], question
    for question in ("study-instance-uid=urn:oid:1.2.9", "modality=MR", "body-site=774007", "accession-number=A-2"):
        assert await world.total(clinic, f"DocumentReference?{question}") == 0
    addresses = {code: urlsplit(one["content"][0]["attachment"]["url"]) for code, one in made.items()}
    retrieved = {
        code: await world.http.get(f"{one.path}?{one.query}", headers=clinic) for code, one in addresses.items()
    }
    assert retrieved[KOS_FORMAT].headers["content-type"] == "application/dicom"
    assert pydicom.dcmread(BytesIO(retrieved[KOS_FORMAT].content)).SOPClassUID == KOS_FORMAT
    assert retrieved[FHIR_FORMAT].json()["type"] == "document"


async def test_entries_on_demand_follow_a_study_that_grows(world: World) -> None:
    hospital, _, study = await two_sites(world)
    await persist(world, hospital, study["id"], "on-demand")
    more = an_image(1, SeriesInstanceUID="1.2.392.1.2", SOPInstanceUID="1.2.392.1.2.1", Modality="PT")
    await stored(world, hospital, more)

    made = await persist(world, hospital, study["id"], "on-demand", 200)

    assert [one["meta"]["versionId"] for one in made.values()] == ["2", "2"]
    assert await world.total(hospital, "DocumentReference?modality=PT") == 2


async def test_where_the_region_wants_it_each_study_is_known_by_its_manifests_and_they_follow_it(
    settings: Settings,
) -> None:
    async with running(settings.model_copy(update={"manifests_on_demand": True})) as world:
        hospital = await world.client("hospital-a")
        await stored(world, hospital, an_image(1))
        first = await documents(world, hospital)
        await stored(world, hospital, an_image(2))
        await described_all(world)
        same = await documents(world, hospital)
        more = an_image(1, SeriesInstanceUID="1.2.392.1.2", SOPInstanceUID="1.2.392.1.2.1", Modality="PT")
        await stored(world, hospital, more)
        await described_all(world)
        grown = await documents(world, hospital)

    assert [{one["id"]: one["meta"]["versionId"] for one in found} for found in (first, same, grown)] == [
        {one["id"]: version for one in first} for version in ("1", "1", "2")
    ]
    assert {one["content"][0]["format"]["code"] for one in first} == {FHIR_FORMAT, KOS_FORMAT}


async def test_entries_go_with_their_study_and_a_snapshot_stays(settings: Settings) -> None:
    async with running(settings.model_copy(update={"manifests_on_demand": True})) as world:
        hospital = await world.client("hospital-a")
        await stored(world, hospital, an_image(1))
        kept = await persist(world, hospital, (await study_of(world, hospital))["id"], "snapshot")
        before = await documents(world, hospital)

        answer = await world.http.delete(f"/dicomweb/studies/{STUDY}", headers=hospital)

        after = await documents(world, hospital)
        origins = await world.total(hospital, "Provenance")
    assert (len(before), answer.status_code) == (4, 204)
    assert {one["id"] for one in after} == {one["id"] for one in kept.values()}
    assert origins == 1


async def test_a_study_that_is_too_large_for_a_manifest_is_stored_all_the_same(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.imaging.mado.gather.MOST_INSTANCES", 1)
    async with running(settings.model_copy(update={"manifests_on_demand": True})) as world:
        hospital = await world.client("hospital-a")
        await stored(world, hospital, an_image(1))
        await stored(world, hospital, an_image(2))
        await described_all(world)
        study = await study_of(world, hospital)
        known = await documents(world, hospital)

    assert study["numberOfInstances"] == 2
    assert [one["meta"]["versionId"] for one in known] == ["1", "1"]


async def documents(world: World, caller: dict[str, str]) -> list[dict[str, Any]]:
    found = await world.http.get(f"/fhir/DocumentReference?study-instance-uid=urn:oid:{STUDY}", headers=caller)
    return [one["resource"] for one in found.json()["entry"]]


async def test_a_snapshot_stays_as_it_was_and_takes_the_labels_of_its_images(world: World) -> None:
    hospital, clinic, study = await two_sites(world)

    made = await persist(world, hospital, study["id"], "snapshot")
    await stored(world, hospital, an_image(3))

    paths = {code: urlsplit(one["content"][0]["attachment"]["url"]).path for code, one in made.items()}
    bundle = await world.http.get(paths[FHIR_FORMAT], headers=clinic)
    octets = await world.http.get(paths[KOS_FORMAT], headers=clinic | {"Accept": "application/dicom"})
    kept = read_bundle(bundle.json())
    assert kept == read_kos(read_instance(octets.content))
    assert kept.number_of_instances == 2
    attachment = made[KOS_FORMAT]["content"][0]["attachment"]
    assert attachment["size"] == len(octets.content)
    assert {one["masterIdentifier"]["value"] for one in made.values()} == {f"urn:oid:{kept.uid}"}
    secret = await study_of(world, hospital) | {"meta": {"security": [{"system": ACT_CODE, "code": "PSY"}]}}
    await world.http.put(f"/fhir/ImagingStudy/{study['id']}", headers=hospital, json=secret)
    there = [*paths.values(), *(f"/fhir/DocumentReference/{one['id']}" for one in made.values())]
    assert [(await world.http.get(path, headers=clinic)).status_code for path in there] == [404] * 4
    assert [(await world.http.get(path, headers=hospital)).status_code for path in there] == [200] * 4


async def test_what_cannot_be_asked_is_refused_with_its_reason(world: World) -> None:
    hospital, _, study = await two_sites(world)
    address = f"/fhir/ImagingStudy/{study['id']}/$manifest"

    answers = {
        (method, query): await world.http.request(method, f"{address}?{query}", headers=hospital)
        for method, query in (("GET", "form=pdf"), ("GET", "other=1"), ("GET", "persist=true"), ("POST", "persist=no"))
    }

    assert {asked: (one.status_code, one.json()["issue"][0]["expression"]) for asked, one in answers.items()} == {
        ("GET", "form=pdf"): (400, ["form"]),
        ("GET", "other=1"): (400, ["other"]),
        ("GET", "persist=true"): (400, ["persist"]),
        ("POST", "persist=no"): (400, ["persist"]),
    }


async def test_only_the_site_of_the_images_makes_their_manifest_known(world: World) -> None:
    hospital, clinic, study = await two_sites(world)
    identifier = {"system": "urn:dicom:uid", "value": "urn:oid:1.2.392.99"}
    told = await world.post(
        hospital,
        {
            "resourceType": "ImagingStudy",
            "identifier": [identifier],
            "status": "available",
            "subject": study["subject"],
        },
    )

    refused = await world.http.post(f"/fhir/ImagingStudy/{study['id']}/$manifest?persist=true", headers=clinic)
    none = await world.http.get(f"/fhir/ImagingStudy/{told['id']}/$manifest", headers=hospital)
    other = await world.http.get(f"/fhir/{study['subject']['reference']}/$manifest", headers=hospital)

    assert (refused.status_code, none.status_code, other.status_code) == (403, 404, 404)
    assert (await world.http.get("/fhir/DocumentReference?_summary=count", headers=hospital)).json()["total"] == 0


async def test_the_entries_of_a_study_that_is_deleted_go_with_it(world: World) -> None:
    hospital = await world.client("hospital-a")
    await stored(world, hospital, an_image(), an_image(2))
    study = await study_of(world, hospital)
    await persist(world, hospital, study["id"], "on-demand")

    await world.http.delete(f"/dicomweb/studies/{STUDY}/series/{SERIES}/instances/{SERIES}.1", headers=hospital)
    between = await world.total(hospital, "DocumentReference")
    await world.http.delete(f"/dicomweb/studies/{STUDY}", headers=hospital)
    after = [await world.total(hospital, name) for name in ("DocumentReference", "Provenance", "ImagingStudy")]
    # What is sent again may be announced again.
    await stored(world, hospital, an_image())
    await persist(world, hospital, (await study_of(world, hospital))["id"], "on-demand")

    assert (between, after) == (2, [0, 0, 0])
    assert await world.total(hospital, "DocumentReference") == 2
