"""A disc at the desk: read, kept apart, and filed by a person under one of the site's patients."""

import pytest

from app.imaging.media.disc import DiscPatient
from app.imaging.media.forget import forget
from tests.app.imaging.images import CT, MR, REPORT, a_file, send, uids
from tests.media import blobs, days_later, files, on_disc, people, read
from tests.portal import Browser, recorded, signed_in
from tests.world import World, a_patient

pytestmark = pytest.mark.anyio

SITE = "hospital-b"
JPEG = b"\xff\xd8\xff\xe0" + bytes(200)


def of(found: list[DiscPatient], patient_id: str) -> DiscPatient:
    (one,) = [each for each in found if each.patient_id == patient_id]
    return one


async def act(desk: Browser, number: int, one: DiscPatient, act: str, patient: str = "") -> int:
    """Decide, and confirm what is shown once more; return the status."""
    answer = await desk.post(f"/media/{number}/patients/{one.number}", {"act": act, "patient": patient})
    return answer.status_code


async def studies(world: World, site: str = SITE) -> list[str]:
    answer = await world.http.get("/dicomweb/studies", headers=await world.client(site))
    return [one["0020000D"]["Value"][0] for one in answer.json()]


async def test_a_disc_of_three_patients_goes_from_upload_to_the_record(world: World) -> None:
    system = await world.client(SITE)
    own = await world.post(system, a_patient(name=[{"family": "Doe", "given": ["Archibald"]}], birthDate="1970-01-01"))
    desk = await signed_in(world, SITE, "clerk")

    number = await read(world, desk, on_disc("DICOMDIR", "77654033", "98892001/CT5N") | {"PICS/A.JPG": JPEG})
    found, whole = await people(world, number), await files(world, number)

    assert sorted({one.patient_id for one in found}) == ["77654033", "98890234"]
    assert {one.state for one in whole.values() if one.digest} == {"quarantined"}
    assert whole["77654033/CR1/6154"].listed == 1
    assert (whole["PICS/A.JPG"].state, whole["PICS/A.JPG"].reason) == ("not-dicom", "a JPEG picture")
    assert whole["DICOMDIR"].state == "directory"
    assert whole["98892003/MR1/4919"].state == "missing"
    page = (await desk.get(f"/media/{number}")).text
    assert "98892003/MR1/4919" in page
    assert "Doe Archibald" in page
    # Nothing of it is to be found yet, by the site's own systems either.
    assert await studies(world) == []
    assert await world.total(system, "ImagingStudy?_summary=count") == 0

    one = of(found, "77654033")
    page = (await desk.get(f"/media/{number}/patients/{one.number}?q=Doe")).text
    assert own["id"] in page
    assert await act(desk, number, one, "patient", own["id"]) == 303
    other = of(found, "98890234")
    assert await act(desk, number, other, "new") == 303

    after = await files(world, number)
    assert {one.state for one in after.values() if one.digest} == {"stored"}
    chosen = of(await people(world, number), "77654033")
    assert (chosen.state, chosen.patient, chosen.by) == ("patient", own["id"], "clerk-hospital-b")
    assert await world.total(system, f"ImagingStudy?patient={own['id']}") == 2
    # The bytes are as they came: the number in the file is still the other hospital's.
    original = on_disc("77654033/CR1")["77654033/CR1/6154"]
    study, series, instance = uids(original)
    address = f"/dicomweb/studies/{study}/series/{series}/instances/{instance}"
    got = await world.http.get(address, headers=system | {"accept": "application/dicom"})
    assert got.content == original
    # A new Patient has the number as another hospital's, never as one of this site's.
    made = await world.http.get(f"/fhir/Patient/{of(await people(world, number), '98890234').patient}", headers=system)
    assert made.json()["identifier"][0]["value"] == "98890234"
    assert "/media/" in made.json()["identifier"][0]["system"]
    told = [one for one in await recorded(world) if one.interaction == "media-decision" and one.patient]
    assert {one.patient for one in told} == {f"Patient/{own['id']}", f"Patient/{made.json()['id']}"}
    assert {one.user for one in told} == {"clerk-hospital-b"}


async def test_what_differs_is_shown_and_the_choice_is_kept_for_the_next_disc(world: World) -> None:
    system = await world.client(SITE)
    born = [{"family": "CompressedSamples", "given": ["CT1"]}]
    own = await world.post(system, a_patient(name=born, birthDate="1999-09-09", gender="female"))
    desk = await signed_in(world, SITE, "nurse")
    first = a_file(CT, PatientBirthDate="19600102", PatientSex="M", InstitutionName="Yamada")
    number = await read(world, desk, {"A": first})
    (one,) = await people(world, number)

    page = (await desk.get(f"/media/{number}/patients/{one.number}?q=CompressedSamples")).text
    assert "生年月日が異なります" in page
    assert "性別が異なります" in page
    asked = await desk.post(
        f"/media/{number}/patients/{one.number}", {"act": "patient", "patient": own["id"]}, confirm=False
    )
    assert asked.status_code == 200
    assert "生年月日が異なります、性別が異なります" in asked.text
    assert "<dt>画像に記載された患者</dt>" in asked.text
    assert "<dt>この施設の患者</dt>" in asked.text
    assert await act(desk, number, one, "patient", own["id"]) == 303

    second = a_file(
        CT, PatientBirthDate="19600102", PatientSex="M", InstitutionName="Yamada", SOPInstanceUID="1.2.3.4.5"
    )
    number = await read(world, desk, {"B": second})
    (one,) = await people(world, number)
    page = (await desk.get(f"/media/{number}/patients/{one.number}")).text
    assert "同じ方の以前のメディアがここに登録されています" in page
    assert own["id"] in page


async def test_what_a_disc_tells_is_filed_as_by_any_other_door(world: World) -> None:
    system = await world.client(SITE)
    desk = await signed_in(world, SITE, "clerk")
    number = await read(world, desk, {"A": a_file(REPORT, PatientID="77")})
    (one,) = await people(world, number)

    assert await act(desk, number, one, "new") == 303

    assert await world.total(system, "DiagnosticReport") == 1
    assert await world.total(system, "Provenance") == 1
    found = (await world.http.get("/fhir/ImagingStudy?_include=ImagingStudy:endpoint", headers=system)).json()
    assert [each["resource"]["resourceType"] for each in found["entry"]] == ["ImagingStudy", "Endpoint"]


async def test_patients_of_other_sites_crowd_nobody_out_of_those_who_are_alike(world: World) -> None:
    world.hub.settings = world.hub.settings.model_copy(update={"consent": "implied"})
    system, elsewhere = await world.client(SITE), await world.client("hospital-a")
    like = a_patient(name=[{"family": "Doe", "given": ["Archibald"]}], birthDate="1970-01-01")
    own = await world.post(system, like)
    entries = [{"resource": like, "request": {"method": "POST", "url": "Patient"}} for _ in range(45)]
    batch = {"resourceType": "Bundle", "type": "batch", "entry": entries}
    assert (await world.http.post("/fhir", headers=elsewhere, json=batch)).status_code == 200
    desk = await signed_in(world, SITE, "clerk")
    said = {"PatientName": "Doe^Archibald", "PatientBirthDate": "19700101", "PatientSex": "M"}
    number = await read(world, desk, {"A": a_file(CT, **said)})

    for query in ("", "?q=Doe"):
        page = (await desk.get(f"/media/{number}/patients/1{query}")).text
        assert page.count('name="patient" value="') == 1
        assert own["id"] in page


async def test_only_the_desk_of_the_site_sees_what_is_in_quarantine(world: World) -> None:
    desk = await signed_in(world, SITE, "clerk")
    number = await read(world, desk, on_disc("77654033/CR1"))
    (one,) = await people(world, number)
    elsewhere = await signed_in(world, "hospital-a", "clerk")
    office = await signed_in(world, "secretariat", "secretariat")
    pharmacist = await signed_in(world, SITE, "pharmacist")

    for address in (f"/media/{number}", f"/media/{number}/patients/{one.number}", f"/media/{number}?format=csv"):
        never = address.replace(str(number), "123")
        assert (await elsewhere.get(address)).status_code == 404
        assert (await elsewhere.get(address)).text.replace(address, never) == (await elsewhere.get(never)).text
        assert (await office.get(address)).status_code == 403
        assert (await pharmacist.get(address)).status_code == 403
    assert await act(elsewhere, number, one, "rejected") == 404
    assert (await elsewhere.get("/media")).text.count(f"/media/{number}") == 0
    assert (await people(world, number)) == [one]


async def test_a_patient_of_another_site_cannot_be_chosen(world: World) -> None:
    hidden = await world.post(await world.client("hospital-a"), a_patient())
    desk = await signed_in(world, SITE, "doctor")
    number = await read(world, desk, on_disc("77654033/CR1"))
    (one,) = await people(world, number)

    assert await act(desk, number, one, "patient", hidden["id"]) == 404
    assert await act(desk, number, one, "patient", "never-was") == 404
    assert await act(desk, number, one, "burn") == 400

    assert (await people(world, number))[0].state == "waiting"


async def test_what_is_rejected_can_be_taken_back_and_goes_after_its_days(world: World) -> None:
    desk = await signed_in(world, SITE, "clerk")
    number = await read(world, desk, on_disc("77654033/CR1"))
    (one,) = await people(world, number)

    assert await act(desk, number, one, "rejected") == 303
    assert await act(desk, number, one, "new") == 409
    assert await act(desk, number, one, "waiting") == 303
    assert await act(desk, number, one, "rejected") == 303
    days_later(world, 29)
    await forget(world.hub)
    assert {each.state for each in (await files(world, number)).values()} == {"quarantined"}
    days_later(world, 2)
    await forget(world.hub)

    assert {each.state for each in (await files(world, number)).values()} == {"gone"}
    (gone,) = await people(world, number)
    assert (gone.state, gone.patient_id, gone.alphabetic) == ("removed", "", "")
    assert await blobs(world) == 0
    assert [one.action for one in await recorded(world) if one.interaction == "media-removed"] == ["D"]


async def test_what_the_site_has_of_another_patient_is_not_filed_twice(world: World) -> None:
    system = await world.client(SITE)
    image = a_file(CT, PatientID="77")
    assert (await send(world, system, image)).status_code == 200
    other = await world.post(system, a_patient())
    desk = await signed_in(world, SITE, "clerk")
    number = await read(world, desk, {"A": image, "B": a_file(CT, PatientID="77", SOPInstanceUID="1.2.3.4.6")})
    (one,) = await people(world, number)

    assert await act(desk, number, one, "patient", other["id"]) == 303

    after = await files(world, number)
    assert {one.state for one in after.values()} == {"refused"}
    assert "another patient" in after["A"].reason
    assert "another patient" in after["B"].reason
    assert await blobs(world) == 1


async def test_a_patient_who_is_removed_for_good_leaves_the_discs_too(world: World) -> None:
    system, office = await world.client(SITE), await world.client("secretariat", role="secretariat")
    desk = await signed_in(world, SITE, "clerk")
    number = await read(world, desk, {"FILED": a_file(CT), "OTHER": a_file(MR), "A.JPG": JPEG})
    one = of(await people(world, number), "1CT1")
    assert await act(desk, number, one, "new") == 303
    patient = of(await people(world, number), "1CT1").patient
    place = f"/dicomweb/studies/{uids(a_file(CT))[0]}"
    assert (await world.http.delete(place, headers=system)).status_code == 204
    history = (await world.http.get("/fhir/ImagingStudy/_history", headers=system)).json()["entry"]
    deleted = [each["request"]["url"] for each in history if each["request"]["method"] == "DELETE"]
    assert (await world.http.delete(f"/fhir/Patient/{patient}", headers=system)).status_code == 204

    gone = [
        await world.http.post(f"/fhir/{each}/$expunge?expungeDeletedResources=true", headers=office)
        for each in (*deleted, f"Patient/{patient}")
    ]

    assert [each.status_code for each in gone] == [200] * 2
    left = [each for each in await people(world, number) if each.number == one.number]
    assert [(each.state, each.patient, each.patient_id, each.alphabetic) for each in left] == [("removed", "", "", "")]
    assert sorted(await files(world, number)) == ["A.JPG", "OTHER"]
    other = of(await people(world, number), "4MR1")
    assert await act(desk, number, other, "new") == 303
    assert (await desk.get(f"/media/{number}")).status_code == 200
    assert (await desk.get(f"/media/{number}/patients/{one.number}")).status_code == 200


async def test_of_an_instance_with_two_contents_the_first_is_filed_and_the_other_told_of(world: World) -> None:
    desk = await signed_in(world, SITE, "clerk")
    number = await read(world, desk, {"A": a_file(CT), "B": a_file(CT, InstanceNumber=9), "C": a_file(CT)})
    (one,) = await people(world, number)

    assert await act(desk, number, one, "new") == 303

    after = await files(world, number)
    assert {path: each.state for path, each in after.items()} == {"A": "stored", "B": "refused", "C": "stored"}
    assert "in use for other content" in after["B"].reason
