"""Images of another patient than their study here: kept, shown to the site's desk alone, and filed by a person."""

import pytest

from app.access.directory import find_organisation
from app.blobs.collect import collect
from app.imaging.media.disc import Disc, DiscFile, DiscPatient
from app.imaging.media.forget import forget
from app.imaging.media.quarantine import discs_of, files_on, patients_on
from tests.app.imaging.images import CT, a_file, address, send, stored, uids
from tests.blobs import pass_days
from tests.media import blobs, days_later
from tests.portal import Browser, recorded, signed_in
from tests.world import World, a_patient

pytestmark = pytest.mark.anyio

SITE = "hospital-b"
FIRST = a_file(CT)
OTHER = a_file(CT, SOPInstanceUID="1.2.3.4", PatientID="OTHER", PatientName="Doe^Jane", PatientBirthDate="19600102")
MORE = a_file(CT, SOPInstanceUID="1.2.3.5", PatientID="OTHER", PatientName="Doe^Jane", PatientBirthDate="19600102")


async def entries(world: World, site: str = SITE) -> list[tuple[Disc, DiscPatient, list[DiscFile]]]:
    """Return what is in review, the newest first."""
    reader = world.hub.database.reader
    key = (await find_organisation(reader, site)).key
    found = [one.disc for one in await discs_of(reader, key, review=True)]
    return [(one, (await patients_on(reader, one.number))[0], await files_on(reader, one.number)) for one in found]


async def decided(desk: Browser, disc: Disc, act: str, patient: str = "") -> int:
    """Decide, and confirm what is shown once more; return the status."""
    return (await desk.post(f"/media/{disc.number}/patients/1", {"act": act, "patient": patient})).status_code


async def in_review(world: World) -> tuple[dict[str, str], str]:
    """Have an image in review; return the site's system, and the id of the Patient whose study it is of."""
    system = await world.client(SITE)
    await stored(world, system, FIRST)
    assert (await send(world, system, OTHER)).status_code == 202
    (entry,) = (await world.http.get("/fhir/Patient", headers=system)).json()["entry"]
    return system, entry["resource"]["id"]


async def test_an_image_of_another_patient_than_its_study_is_kept_and_shown_by_no_door(world: World) -> None:
    system = await world.client(SITE)
    await stored(world, system, FIRST)

    answer = await send(world, system, OTHER)

    assert answer.status_code == 202
    assert "00081198" not in answer.json()
    (told,) = answer.json()["00081199"]["Value"]
    assert told["00081155"]["Value"] == ["1.2.3.4"]
    assert told["00081196"]["Value"] == [0xB000]
    assert told["00081190"] == {"vr": "UR"}
    assert told["00000902"]["Value"] == ["kept for review: of another patient than its study here"]
    assert "00081190" not in answer.json()
    ((disc, one, files),) = await entries(world)
    assert (one.patient_id, one.alphabetic, one.birth_date, one.state) == ("OTHER", "Doe^Jane", "19600102", "waiting")
    assert (disc.conflict, disc.title, disc.by) == (uids(FIRST)[0], "CT e+1", f"{SITE}-system")
    assert [(each.path, each.state, each.reason) for each in files] == [
        ("1.2.3.4", "quarantined", "the Study Instance UID is in use for another patient")
    ]
    assert b"".join([piece async for piece in world.hub.blobs.stream(disc.custodian, files[0].digest)]) == OTHER
    # Nothing finds it, for the site's own systems either, and no Patient was made of it.
    assert (await world.http.get(address(OTHER), headers=system)).status_code == 404
    assert len((await world.http.get("/dicomweb/instances", headers=system)).json()) == 1
    assert await world.total(system, "Patient") == 1
    events = [one for one in await recorded(world) if one.interaction == "media-review"]
    assert [(one.action, one.description, one.client) for one in events] == [
        ("C", f"Review {disc.number}: 1 images wait", f"{SITE}-system")
    ]


async def test_a_series_of_another_patient_goes_to_review_and_other_bytes_of_an_instance_do_not(world: World) -> None:
    system = await world.client(SITE)
    await stored(world, system, FIRST)

    series = await send(world, system, a_file(CT, SOPInstanceUID="1.2.4", StudyInstanceUID="1.2.9", PatientID="OTHER"))
    again = await send(world, system, a_file(CT, PatientID="OTHER"))

    assert series.status_code == 202
    assert again.status_code == 409
    assert again.json()["00081198"]["Value"][0]["00081197"]["Value"] == [0x0111]
    assert [disc.conflict for disc, _, _ in await entries(world)] == [uids(FIRST)[1]]


async def test_a_choice_by_which_nothing_can_be_filed_loses_nothing(world: World) -> None:
    system = await world.client(SITE)
    await stored(world, system, FIRST)
    (entry,) = (await world.http.get("/fhir/Patient", headers=system)).json()["entry"]
    # A series that the site has in another study, too: it is nobody's to file.
    await send(world, system, a_file(CT, SOPInstanceUID="1.2.4", StudyInstanceUID="1.2.9", PatientID="OTHER"))
    desk = await signed_in(world, SITE, "clerk")
    ((disc, _, _),) = await entries(world)

    assert await decided(desk, disc, "patient", entry["resource"]["id"]) == 409

    ((_, one, files),) = await entries(world)
    assert (one.state, files[0].state, await blobs(world)) == ("waiting", "quarantined", 2)
    assert await decided(desk, disc, "rejected") == 303


async def test_what_is_sent_again_adds_no_row_and_what_says_the_same_joins_its_entry(world: World) -> None:
    system, _ = await in_review(world)
    third = a_file(CT, SOPInstanceUID="1.2.3.6", PatientID="THIRD")

    for some in ((OTHER,), (OTHER, MORE), (MORE,), (third,), (third,)):
        assert (await send(world, system, *some)).status_code == 202

    found = await entries(world)
    assert [[each.path for each in files] for _, _, files in found] == [["1.2.3.6"], ["1.2.3.4", "1.2.3.5"]]
    assert await blobs(world) == 4


async def test_a_person_says_it_is_of_the_patient_of_the_study(world: World) -> None:
    system, own = await in_review(world)
    desk = await signed_in(world, SITE, "clerk")
    ((disc, _, _),) = await entries(world)

    assert await decided(desk, disc, "patient", own) == 303

    assert (await world.http.get(address(OTHER), headers=system | {"accept": "application/dicom"})).content == OTHER
    assert await world.total(system, f"ImagingStudy?patient={own}") == 1
    assert await world.total(system, "Patient") == 1
    told = [one for one in await recorded(world) if one.interaction == "media-decision" and one.description]
    assert [(one.patient, one.user, one.description) for one in told] == [
        (f"Patient/{own}", f"clerk-{SITE}", f"Review {disc.number}, patient 1: 1 of 1 images filed")
    ]
    # What is sent again is there; what comes late and says the same follows what was decided.
    assert (await send(world, system, OTHER)).status_code == 200
    assert (await send(world, system, MORE)).status_code == 200
    assert len((await world.http.get("/dicomweb/instances", headers=system)).json()) == 3
    assert len(await entries(world)) == 1


async def test_the_other_patient_is_refused_with_the_reason_until_the_study_is_free(world: World) -> None:
    system, own = await in_review(world)
    numbered = (await world.http.get(f"/fhir/Patient/{own}", headers=system)).json()["identifier"][0]["system"]
    other = await world.post(system, a_patient(identifier=[{"system": numbered, "value": "OTHER"}]))
    desk = await signed_in(world, SITE, "clerk")
    ((disc, _, _),) = await entries(world)

    page = await desk.post(f"/media/{disc.number}/patients/1", {"act": "patient", "patient": other["id"]})

    assert page.status_code == 409
    assert "別の患者または別の検査に登録されているため" in page.text
    ((_, one, files),) = await entries(world)
    assert (one.state, files[0].state) == ("waiting", "quarantined")
    assert (await world.http.delete(f"/dicomweb/studies/{uids(FIRST)[0]}", headers=system)).status_code == 204
    assert await decided(desk, disc, "new") == 303
    # The number is the site's own, so the Patient who has it is meant.
    assert await world.total(system, "Patient") == 2
    assert await world.total(system, f"ImagingStudy?patient={other['id']}") == 1


@pytest.mark.parametrize("ended", ["study", "number"])
async def test_patients_whom_the_site_has_merged_are_no_conflict(world: World, ended: str) -> None:
    system = await world.client(SITE)
    await stored(world, system, FIRST)
    (entry,) = (await world.http.get("/fhir/Patient", headers=system)).json()["entry"]
    own = entry["resource"]
    numbered = {"system": own["identifier"][0]["system"], "value": "OTHER"}
    other = await world.post(system, a_patient(identifier=[numbered]))
    before, after = (own, other) if ended == "study" else (other, own)
    link = [{"other": {"reference": f"Patient/{after['id']}"}, "type": "replaced-by"}]
    place = f"/fhir/Patient/{before['id']}"
    assert (await world.http.put(place, headers=system, json={**before, "link": link})).status_code == 200

    assert (await send(world, system, OTHER)).status_code == 200

    assert await entries(world) == []
    assert await world.total(system, f"ImagingStudy?patient={own['id']}") == 1
    assert len((await world.http.get("/dicomweb/instances", headers=system)).json()) == 2


async def test_what_is_rejected_is_refused_when_it_comes_again_and_goes_after_its_days(world: World) -> None:
    system, _ = await in_review(world)
    desk = await signed_in(world, SITE, "clerk")
    ((disc, _, _),) = await entries(world)

    assert await decided(desk, disc, "rejected") == 303
    again = await send(world, system, OTHER)
    days_later(world, 31)
    assert await forget(world.hub) == 1

    assert again.status_code == 409
    assert again.json()["00081198"]["Value"][0]["00000902"]["Value"] == [
        "the site has rejected it: its patient is in doubt"
    ]
    ((_, one, files),) = await entries(world)
    assert (one.state, one.patient_id, one.alphabetic) == ("removed", "", "")
    assert [(each.state, each.digest) for each in files] == [("gone", "")]
    assert await blobs(world) == 1
    (told,) = [one for one in await recorded(world) if one.interaction == "media-removed"]
    assert told.description == f"Review {disc.number}: 1 rejected images of patient 1 are removed"


async def test_what_nobody_decides_on_is_forgotten_and_the_list_says_when(world: World) -> None:
    system, _ = await in_review(world)
    days_later(world, 80)
    await send(world, system, MORE)
    days_later(world, 80)
    assert await forget(world.hub) == 0
    desk = await signed_in(world, SITE, "clerk")
    assert "までに決められないと削除されます" in (await desk.get("/media")).text
    assert 'renkei_images_waiting{kind="review"} 1.0' in (await world.http.get("/metrics")).text
    note = "Images that wait for a decision are removed within 14 days: renkei media waiting says where"
    assert note in (await world.http.get("/health")).json()["notes"]
    days_later(world, 11)

    assert await forget(world.hub) == 1

    ((_, one, files),) = await entries(world)
    assert (one.state, {each.state for each in files}) == ("removed", {"gone"})
    assert await blobs(world) == 1


async def test_what_waits_is_in_use_for_the_collector(world: World) -> None:
    await in_review(world)
    pass_days(world.hub, 1.1)

    assert (await collect(world.hub)).set_aside.count == 0


@pytest.mark.parametrize("whose", ["study", "number"])
async def test_a_patient_who_is_removed_for_good_leaves_the_review_too(world: World, whose: str) -> None:
    system, office = await world.client(SITE), await world.client("secretariat", role="secretariat")
    number = {"system": "urn:oid:1.2.3", "value": "77"}
    other = await world.post(system, a_patient(identifier=[number]))
    await stored(world, system, FIRST)
    (own,) = [
        each["resource"]["id"]
        for each in (await world.http.get("/fhir/Patient", headers=system)).json()["entry"]
        if each["resource"]["id"] != other["id"]
    ]
    values = {"PatientID": "77", "IssuerOfPatientID": "1.2.3", "SOPInstanceUID": "1.2.3.4"}
    assert (await send(world, system, a_file(CT, **values))).status_code == 202
    ((disc, _, _),) = await entries(world)
    assert disc.stated_as
    gone = own if whose == "study" else other["id"]
    if whose == "study":
        await world.http.delete(f"/dicomweb/studies/{uids(FIRST)[0]}", headers=system)
        history = (await world.http.get("/fhir/ImagingStudy/_history", headers=system)).json()["entry"]
        (study,) = [each["request"]["url"] for each in history if each["request"]["method"] == "DELETE"]
        await world.http.post(f"/fhir/{study}/$expunge?expungeDeletedResources=true", headers=office)
    assert (await world.http.delete(f"/fhir/Patient/{gone}", headers=system)).status_code == 204

    answer = await world.http.post(f"/fhir/Patient/{gone}/$expunge?expungeDeletedResources=true", headers=office)

    assert answer.status_code == 200, answer.text
    ((_, one, files),) = await entries(world)
    assert (one.state, one.patient_id, files) == ("removed", "", [])
    assert await blobs(world) == (0 if whose == "study" else 1)


async def test_only_the_desk_of_the_site_sees_what_is_in_review(world: World) -> None:
    await in_review(world)
    ((disc, _, _),) = await entries(world)
    elsewhere, office = (
        await signed_in(world, "hospital-a", "clerk"),
        await signed_in(world, "secretariat", "secretariat"),
    )

    for place in (f"/media/{disc.number}", f"/media/{disc.number}/patients/1"):
        assert (await elsewhere.get(place)).status_code == 404
        assert (await office.get(place)).status_code == 403
    assert await decided(elsewhere, disc, "rejected") == 404
    assert str(disc.number) not in (await elsewhere.get("/media")).text


async def test_the_desk_sees_both_patients_beside_each_other(world: World) -> None:
    _, own = await in_review(world)
    desk = await signed_in(world, SITE, "clerk")
    ((disc, _, _),) = await entries(world)

    listed = (await desk.get("/media")).text
    page = (await desk.get(f"/media/{disc.number}/patients/1")).text

    assert "患者の確認" in listed
    assert f"/media/{disc.number}" in listed
    assert "Doe Jane" in page
    assert "CompressedSamples CT1" in page
    assert f'value="{own}"' in page
    assert "この番号の患者は登録されていません" in page
