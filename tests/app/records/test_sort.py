"""`_sort`: https://hl7.org/fhir/R4/search.html#sort."""

from typing import Any
from urllib.parse import urlsplit

import pytest

from fhir.search.predicates import TABLES
from fhir.spec.search_parameters import parameters
from fhir.store.types import NUMBERS
from tests.world import World, a_consent, a_patient, an_observation

pytestmark = pytest.mark.anyio


async def _ids(world: World, caller: dict[str, str], query: str) -> list[str]:
    """Return the ids of all pages in their order."""
    found: list[str] = []
    address = f"/fhir/{query}"
    for _ in range(20):
        answer = await world.http.get(address, headers=caller)
        assert answer.status_code == 200, answer.text
        found += [one["resource"]["id"] for one in answer.json().get("entry", ())]
        following = [one["url"] for one in answer.json()["link"] if one["relation"] == "next"]
        if not following:
            return found
        address = urlsplit(following[0])._replace(scheme="", netloc="").geturl()
    raise AssertionError("The pages do not end")


OBSERVATIONS: dict[str, dict[str, Any]] = {
    "b": {
        "status": "final",
        "code": {"coding": [{"code": "x"}, {"code": "b"}]},
        "performer": [{"reference": "Practitioner/2"}, {"reference": "Organization/9"}],
        "identifier": [{"value": "山"}],
        "meta": {"source": "http://example.org/2", "tag": [{"system": "http://example.org", "code": "Z"}]},
        "valueQuantity": {"value": 2, "unit": "mg"},
    },
    "a": {
        "status": "amended",
        "code": {"coding": [{"code": "c"}]},
        "performer": [{"reference": "Practitioner/1"}],
        "identifier": [{"value": "川"}, {"value": "a"}],
        "meta": {"source": "http://example.org/1", "tag": [{"system": "http://example.org", "code": "a"}]},
        "valueQuantity": {"value": 10, "unit": "mg"},
    },
    "c": {"status": "preliminary", "code": {"text": "no code"}, "valueQuantity": {"value": 3.5, "unit": "mg"}},
}


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("status", "abc"),
        ("-status", "cba"),
        ("code", "bac"),
        ("-code", "bac"),
        ("performer", "bac"),
        ("-performer", "bac"),
        ("identifier", "abc"),
        ("-identifier", "abc"),
        ("_source", "abc"),
        ("-_source", "bac"),
        ("_tag", "bac"),
        ("-_tag", "abc"),
        ("value-quantity", "bca"),
        ("-value-quantity", "acb"),
        ("category,-status", "cba"),
        ("code-value-quantity", None),
    ],
)
async def test_any_indexed_parameter_sorts_and_what_has_no_value_is_last(
    world: World, key: str, expected: str | None
) -> None:
    own = await world.client("hospital-a")
    patient = (await world.post(own, a_patient()))["id"]
    ids = {}
    for name, fields in OBSERVATIONS.items():
        ids[(await world.post(own, an_observation(patient, **fields)))["id"]] = name

    if expected is None:
        assert (await world.http.get(f"/fhir/Observation?_sort={key}", headers=own)).status_code == 400
        return
    for count in (10, 1):
        found = await _ids(world, own, f"Observation?_sort={key}&_count={count}")
        assert "".join(ids[one] for one in found) == expected


@pytest.mark.parametrize(("key", "expected"), [("deceased,_id", "012"), ("-deceased,_id", "120"), ("phone", "120")])
async def test_a_condition_and_a_truth_sort_too(world: World, key: str, expected: str) -> None:
    own = await world.client("hospital-a")
    fields: list[dict[str, Any]] = [
        {"deceasedBoolean": False, "telecom": [{"system": "email", "value": "0@example.org"}]},
        {"deceasedDateTime": "2024-01-01", "telecom": [{"system": "phone", "value": "1"}]},
        {"deceasedBoolean": True, "telecom": [{"system": "email", "value": "0"}, {"system": "phone", "value": "2"}]},
    ]
    ids = [(await world.post(own, a_patient(**one)))["id"] for one in fields]

    found = await _ids(world, own, f"Patient?_sort={key}&_count=2")

    assert "".join(str(ids.index(one)) for one in found) == expected


async def test_equal_keys_keep_one_order_over_pages(world: World) -> None:
    own = await world.client("hospital-a")
    made = [(await world.post(own, a_patient()))["id"] for _ in range(5)]

    for key in ("gender", "-gender,family", "-birthdate,gender,_profile"):
        assert await _ids(world, own, f"Patient?_sort={key}&_count=2") == made


async def test_every_indexed_parameter_of_every_type_can_be_sorted_by(world: World) -> None:
    own = await world.client("hospital-a")
    for kind in NUMBERS:
        codes = [one.code for one in parameters(kind).values() if one.type in TABLES and one.paths]

        response = await world.http.get(f"/fhir/{kind}?_sort={','.join(codes)}", headers=own)

        assert response.status_code == 200, (kind, response.text)


async def test_a_number_that_no_column_holds_does_not_hinder(world: World) -> None:
    own = await world.client("hospital-a")
    patient = (await world.post(own, a_patient()))["id"]
    huge = b'{"resourceType":"Observation","status":"final","code":{"text":"c"},"valueQuantity":{"value":1e999999}'
    body = huge + b',"subject":{"reference":"Patient/%s"}}' % patient.encode()
    made = await world.http.post("/fhir/Observation", headers={**own, "Content-Type": "application/json"}, content=body)

    response = await world.http.get("/fhir/Observation?_sort=status", headers=own)

    assert (made.status_code, response.status_code) == (400, 200)


async def test_what_is_hidden_is_not_in_the_order(world: World) -> None:
    own, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    seen, hidden = [(await world.post(own, a_patient()))["id"] for _ in range(2)]
    made = [(await world.post(own, an_observation(one, status=status)))["id"]
            for one, status in ((seen, "final"), (hidden, "corrected"), (seen, "amended"))]  # fmt: skip
    await world.post(own, a_consent(seen, "clinic-c"))

    assert await _ids(world, clinic, "Observation?_sort=status&_count=1") == [made[2], made[0]]


PEOPLE: dict[str, dict[str, Any]] = {
    "a": {"name": [{"family": "Sato"}], "birthDate": "1980-01-01"},
    "b": {"name": [{"family": "Abe"}, {"family": "Ueda"}], "birthDate": "1950-01-01"},
    "c": {"name": [{"given": ["Taro"]}], "birthDate": "1970-01-01"},
}


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("patient.family", "bac"),
        ("-patient.family", "bac"),
        ("subject:Patient.birthdate", "bca"),
        ("-subject:Patient.birthdate", "acb"),
        ("patient.gender,-patient.birthdate", "acb"),
        ("-patient._lastUpdated", "cba"),
        ("subject.identifier,-subject:Patient.birthdate", "acb"),
        ("patient.organization.name,patient.birthdate", "cab"),
        ("-patient.organization:Organization.name", "acb"),
    ],
)
async def test_what_a_resource_refers_to_puts_it_in_order(world: World, key: str, expected: str) -> None:
    own = await world.client("hospital-a")
    ids = {}
    for name, fields in PEOPLE.items():
        house = {"resourceType": "Organization", "name": {"a": "Ward 2", "b": "", "c": "Ward 1"}[name] or "x"}
        managed = {"managingOrganization": {"reference": f"Organization/{(await world.post(own, house))['id']}"}}
        patient = await world.post(own, a_patient(**fields, **(managed if name != "b" else {})))
        ids[(await world.post(own, an_observation(patient["id"])))["id"]] = name

    for count in (10, 1):
        found = await _ids(world, own, f"Observation?_sort={key}&_count={count}")
        assert "".join(ids[one] for one in found) == expected


async def test_who_is_hidden_puts_nothing_in_order(world: World) -> None:
    own, clinic = await world.client("hospital-a"), await world.client("clinic-c")
    one, other = [(await world.post(own, a_patient(**PEOPLE[name])))["id"] for name in "ba"]
    for patient in (one, other):
        await world.post(own, a_consent(patient, "clinic-c"))
    made = [(await world.post(own, an_observation(patient)))["id"] for patient in (other, one)]
    seen = await _ids(world, clinic, "Observation?_sort=patient.family")
    security = [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "PSY"}]
    body = a_patient(id=one, **PEOPLE["b"], meta={"security": security})
    assert (await world.http.put(f"/fhir/Patient/{one}", headers=own, json=body)).status_code == 200

    hidden = await _ids(world, clinic, "Observation?_sort=patient.family")

    assert (seen, hidden) == (made[::-1], made)


@pytest.mark.parametrize(
    ("key", "status", "text"),
    [
        ("patient.nothing", 400, "_sort: Patient has no search parameter 'nothing'"),
        ("patient.near", 400, "near"),
        ("status.code", 400, "_sort: status of Observation is no reference"),
        ("_has:Observation:has-member:code", 400, "_sort: an order follows references forwards only"),
        ("has-member:Observation." * 5 + "date", 403, "_sort: a chain follows at most"),
        ("focus.date", 403, "follows at most 30 references"),
        ("patient.name:exact", 400, "_sort"),
        ("patient._content", 400, "_sort by _content"),
        ("patient.", 400, "_sort"),
    ],
)
async def test_what_cannot_be_followed_is_refused(world: World, key: str, status: int, text: str) -> None:
    own = await world.client("hospital-a")

    response = await world.http.get(f"/fhir/Observation?_sort={key}", headers=own)

    assert response.status_code == status, response.text
    assert text in response.json()["issue"][0]["diagnostics"]
