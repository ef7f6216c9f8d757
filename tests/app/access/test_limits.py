"""Rate limits: what a caller may do in a time, what it is told, and that its flood is its own."""

import pytest

from app.access.caller import Caller
from app.access.limits import MOST_KEPT, Bucket, Limits
from app.settings import Settings
from fhir.errors import TooManyRequests
from tests.app.imaging.images import CT, a_file, address, stored
from tests.portal import recorded, signed_in
from tests.world import World, a_consent, a_patient, an_observation

pytestmark = pytest.mark.anyio

OF = {"Study": 1, "Series": 2, "SOP": 3}


class Seconds:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def limited(world: World, **settings: int) -> Seconds:
    """Set the limits of a running hub, on a clock that stands still."""
    clock = Seconds()
    nothing = {
        "requests_per_second": 0,
        "person_searches_per_minute": 0,
        "persons_per_hour": 0,
        "sign_ins_per_minute": 0,
    }
    world.hub.limits = Limits(Settings(**{**nothing, **settings}), clock)
    return clock


def test_a_bucket_gives_a_burst_and_then_its_rate() -> None:
    clock = Seconds()
    bucket = Bucket(2, 5, clock)

    at_once = [bucket.take("a") for _ in range(6)]
    clock.now += 0.5
    later = [bucket.take("a") for _ in range(2)]

    assert at_once == [0, 0, 0, 0, 0, pytest.approx(0.5)]
    assert later == [0, pytest.approx(0.5)]


def test_looking_does_not_count_and_a_refusal_does_not_either() -> None:
    clock = Seconds()
    bucket = Bucket(1, 1, clock)

    looks = [bucket.wait("a") for _ in range(3)]
    taken = [bucket.take("a"), bucket.take("a"), bucket.take("a")]

    assert looks == [0, 0, 0]
    assert taken == [0, pytest.approx(1), pytest.approx(1)]


def test_made_up_names_cost_bounded_memory_and_do_not_forget_who_floods() -> None:
    clock = Seconds()
    bucket = Bucket(1, 10, clock)
    for _ in range(10):
        bucket.take("flood")

    for number in range(MOST_KEPT + 10):
        bucket.take(number)

    assert len(bucket._full) <= MOST_KEPT
    assert bucket.take("flood") > 0


async def test_who_asks_too_often_waits_and_is_on_record_once(world: World) -> None:
    caller = await world.client("hospital-a")
    clock = limited(world, requests_per_second=1)

    answers = [await world.http.get("/fhir/Observation/x", headers=caller) for _ in range(13)]
    clock.now += 1
    again = await world.http.get("/fhir/Observation/x", headers=caller)

    told = [one for one in await recorded(world) if one.interaction == "throttled"]
    assert [one.status_code for one in answers] == [404] * 10 + [429] * 3
    assert answers[-1].headers["retry-after"] == "1"
    assert answers[-1].json()["issue"][0]["code"] == "throttled"
    assert again.status_code == 404
    assert [(one.client, one.outcome) for one in told] == [("hospital-a-system", "4")]


async def test_a_flood_of_one_client_takes_nothing_from_another(world: World) -> None:
    flood, other = await world.client("hospital-a"), await world.client("hospital-b")
    limited(world, requests_per_second=1)

    floods, others = [], []
    for _ in range(10):
        floods += [(await world.http.get("/fhir/Observation/x", headers=flood)).status_code for _ in range(5)]
        others.append((await world.http.get("/fhir/Observation/x", headers=other)).status_code)

    assert (floods.count(404), floods.count(429), others) == (10, 40, [404] * 10)


async def test_two_people_at_one_site_have_an_allowance_each(world: World) -> None:
    one, two = await signed_in(world, "hospital-a", "doctor"), await signed_in(world, "hospital-a", "nurse")
    limited(world, requests_per_second=1)

    first = [(await one.get("/patients")).status_code for _ in range(11)]

    assert (first[0], first[-1]) == (200, 429)
    assert (await two.get("/patients")).status_code == 200


@pytest.mark.parametrize(
    "question",
    [
        "Patient?name=山田",
        "Patient?identifier=|4711",
        "Patient?identifier=4711",
        "Patient?identifier=urn:x|nobody",
        "Patient?birthdate=1960",
        "Observation?patient.name=山田",
        "Observation?subject:Patient.birthdate=1960",
        "?_type=Patient,Observation&_lastUpdated=gt2000",
        "RelatedPerson?name=山田",
    ],
)
async def test_c5_questions_that_enumerate_people_are_counted_apart(world: World, question: str) -> None:
    caller = await world.client("hospital-b")
    limited(world, person_searches_per_minute=1)

    statuses = [(await world.http.get(f"/fhir/{question}", headers=caller)).status_code for _ in range(11)]
    others = await world.http.get("/fhir/Observation?status=final", headers=caller)

    assert statuses == [200] * 10 + [429]
    assert others.status_code == 200


async def test_c5_by_post_in_a_batch_and_in_graphql_too(world: World) -> None:
    caller = await world.client("hospital-b")
    limited(world, person_searches_per_minute=1)
    entries = [{"request": {"method": "GET", "url": "Patient?name=a"}} for _ in range(9)]
    batch = {"resourceType": "Bundle", "type": "batch", "entry": entries}

    inside = (await world.http.post("/fhir", headers=caller, json=batch)).json()
    form = await world.http.post("/fhir/Patient/_search", headers=caller, data={"name": "a"})
    graph = await world.http.get("/fhir/$graphql", headers=caller, params={"query": '{PatientList(name:"a"){id}}'})
    again = (await world.http.post("/fhir", headers=caller, json=batch)).json()

    assert {one["response"]["status"][:3] for one in inside["entry"]} == {"200"}
    assert form.status_code == 200
    assert "throttled" in graph.text or graph.status_code == 429
    assert {one["response"]["status"][:3] for one in again["entry"]} == {"429"}


async def test_a_site_finds_its_own_by_their_numbers_without_being_counted(world: World) -> None:
    caller, other = await world.client("hospital-a"), await world.client("hospital-b")
    number = {"identifier": [{"system": "urn:oid:1.2.3", "value": "4711"}]}
    mine = await world.post(caller, a_patient(**number))
    await world.post(caller, a_consent(mine["id"], "hospital-b"))
    limited(world, person_searches_per_minute=1)

    async def asked(who: dict[str, str], query: str) -> list[int]:
        return [(await world.http.get(f"/fhir/Patient?{query}", headers=who)).status_code for _ in range(12)]

    own = await asked(caller, "identifier=urn:oid:1.2.3|4711")
    by_id = await asked(caller, f"_id={mine['id']}")
    elsewhere = await asked(other, "identifier=urn:oid:1.2.3|4711")

    assert (own, by_id) == ([200] * 12, [200] * 12)
    assert elsewhere == [200] * 10 + [429] * 2


async def test_hidden_and_never_existing_people_are_counted_alike(world: World) -> None:
    owner, caller = await world.client("hospital-a"), await world.client("hospital-b")
    await world.post(owner, a_patient(identifier=[{"system": "urn:oid:1.2.3", "value": "hidden"}]))

    statuses = []
    for value in ("hidden", "nobody"):
        limited(world, person_searches_per_minute=1)
        query = f"/fhir/Patient?identifier=urn:oid:1.2.3|{value}"
        statuses.append([(await world.http.get(query, headers=caller)).status_code for _ in range(11)])

    assert statuses == [[200] * 10 + [429]] * 2


async def test_the_portal_counts_what_is_typed(world: World) -> None:
    person = await signed_in(world, "hospital-a", "doctor")
    limited(world, person_searches_per_minute=2)

    statuses = [(await person.get("/patients?q=山田")).status_code for _ in range(3)]

    assert statuses == [200, 200, 429]
    assert (await person.get("/patients")).status_code == 200


async def test_who_is_shown_unusually_many_patients_of_others_is_on_record_once(world: World) -> None:
    owner, caller = await world.client("hospital-a"), await world.client("hospital-b")
    patients = [(await world.post(owner, a_patient()))["id"] for _ in range(4)]
    for patient in patients:
        await world.post(owner, a_consent(patient, "hospital-b"))
        await world.post(owner, an_observation(patient))
    clock = limited(world, persons_per_hour=2)

    for who in (owner, caller):
        for patient in patients:
            await world.http.get(f"/fhir/Patient/{patient}", headers=who)
            await world.http.get(f"/fhir/Observation?patient={patient}", headers=who)
    first = [one for one in await recorded(world) if one.interaction == "many-persons"]
    clock.now += 3601
    await world.http.get("/fhir/Observation", headers=caller)
    second = [one for one in await recorded(world) if one.interaction == "many-persons"]

    assert [(one.client, one.outcome_desc) for one in first] == [
        ("hospital-b-system", "More than 2 Patients of other sites within an hour")
    ]
    assert len(second) == 2


@pytest.mark.parametrize("how", ["search", "look"])
async def test_who_is_shown_images_of_unusually_many_patients_of_others_is_on_record(world: World, how: str) -> None:
    owner, caller = await world.client("hospital-a"), await world.client("hospital-b")
    images = [
        a_file(CT, PatientID=f"P{n}", **{f"{of}InstanceUID": f"1.2.3.{n}.{of_}" for of, of_ in OF.items()})
        for n in range(4)
    ]
    await stored(world, owner, *images)
    found = (await world.http.get("/fhir/Patient", headers=owner)).json()["entry"]
    for entry in found:
        await world.post(owner, a_consent(entry["resource"]["id"], "hospital-b"))
    limited(world, persons_per_hour=2)

    for who in (owner, caller):
        for number, image in enumerate(images):
            place = address(image) if how == "look" else f"/dicomweb/studies?PatientID=P{number}"
            (await world.http.get(place, headers=who)).raise_for_status()

    told = [one for one in await recorded(world) if one.interaction == "many-persons"]
    assert [(one.client, one.outcome_desc) for one in told] == [
        ("hospital-b-system", "More than 2 Patients of other sites within an hour")
    ]


@pytest.mark.parametrize(
    ("query", "counted"),
    [
        ("studies?PatientName=YAMADA*", True),
        ("series?PatientBirthDate=19600102", True),
        ("instances?PatientID=P*", True),
        ("studies?PatientAddress=Sapporo", True),
        ("studies?PatientID=P1", False),
        ("studies?StudyDate=20240501&includefield=PatientName", False),
        ("studies/1.2.3/series?PatientName=", False),
    ],
)
async def test_searches_for_images_by_who_the_patient_is_are_searches_for_people(
    world: World, query: str, counted: bool
) -> None:
    caller = await world.client("hospital-a")
    limited(world, person_searches_per_minute=1)

    statuses = [(await world.http.get(f"/dicomweb/{query}", headers=caller)).status_code for _ in range(12)]

    assert statuses == [200] * 10 + [429 if counted else 200] * 2


@pytest.mark.parametrize("path", ["/sign-in", "/oauth/token"])
async def test_tries_to_come_in_are_slowed_by_address(world: World, path: str) -> None:
    limited(world, sign_ins_per_minute=2)

    answers = [await world.http.post(path, data={"name": "a", "password": "b"}) for _ in range(4)]
    elsewhere = await world.http.post(path, headers={"X-Forwarded-For": "203.0.113.9"})

    told = [one for one in await recorded(world) if one.interaction == "throttled"]
    assert [one.status_code == 429 for one in [*answers, elsewhere]] == [False, False, True, True, False]
    assert answers[-1].headers["retry-after"] == "30"
    assert [one.path for one in told] == [path]


async def test_a_flood_without_a_token_is_slowed_and_callers_from_there_are_not(world: World) -> None:
    caller = await world.client("hospital-a")
    limited(world, requests_per_second=1000)

    statuses = [(await world.http.get("/fhir/Patient/x")).status_code for _ in range(105)]
    known = await world.http.get("/fhir/Patient/x", headers=caller)

    told = [one for one in await recorded(world) if one.interaction == "refused"]
    assert (statuses.count(401), statuses.count(429), known.status_code) == (100, 5, 404)
    assert len(told) == 101


def test_nothing_is_counted_where_a_limit_is_nought() -> None:
    limits = Limits(
        Settings(requests_per_second=0, person_searches_per_minute=0, persons_per_hour=0, sign_ins_per_minute=0)
    )
    caller = Caller(1, "a", "a", "Organization/a", "system", "TREAT", "a-ehr")

    for _ in range(10_000):
        limits.request(caller)
        limits.person_search(caller)

    assert (limits.door("/sign-in", "a"), limits.saw(caller, {1, 2})) == (0, 0)


def test_the_exception_says_when_to_come_back() -> None:
    limits = Limits(Settings(requests_per_second=1), Seconds())
    caller = Caller(1, "a", "a", "Organization/a", "system", "TREAT", "a-ehr")
    for _ in range(10):
        limits.request(caller)

    with pytest.raises(TooManyRequests) as refused:
        limits.request(caller)

    assert refused.value.retry_after == pytest.approx(1)
