"""The published package of PDQm: its inputs are asked, its Patients found, its statements met.

https://profiles.ihe.net/ITI/PDQm/
"""

import json

import orjson
import pytest

from app.exchange.pdqm.match import read_asked
from app.records.capabilities import capability_statement, operations_of, searchable
from tests.spec_data import SPEC_DATA, package
from tests.world import World

PACKAGE = SPEC_DATA / "ihe/ihe.iti.pdqm.tgz"
pytestmark = [pytest.mark.anyio, pytest.mark.skipif(not PACKAGE.exists(), reason="the PDQm package is not here")]


INPUTS = ("count", "onlyCertainMatches", "patient-only")


@pytest.mark.parametrize("name", INPUTS)
async def test_each_input_of_match_is_answered_in_the_shape_of_the_outputs(world: World, name: str) -> None:
    headers = await world.client("hospital-a")
    patient = package(PACKAGE)["example/Patient-ex-patient.json"]
    await world.post(headers, patient)
    asked = package(PACKAGE)[f"example/Parameters-ex-match-input-{name}.json"]

    answer = await world.http.post("/fhir/Patient/$match", headers=headers, json=asked)

    assert answer.status_code == 200
    shape = package(PACKAGE)["example/Bundle-ex-match-output.json"]
    bundle = answer.json()
    assert bundle["type"] == shape["type"]
    for entry in bundle.get("entry", []):
        assert entry["search"].keys() == shape["entry"][0]["search"].keys()
        assert entry["resource"]["identifier"] == patient["identifier"]


def test_a_patient_alone_is_an_input() -> None:
    patient = package(PACKAGE)["example/Patient-ex-match-input-patient.json"]

    assert read_asked(orjson.dumps(patient)).patient["name"][0]["family"] == "Schmidt"


async def test_the_example_of_a_query_is_reproduced(world: World) -> None:
    headers = await world.client("hospital-a")
    for name in ("Patient-ex-patient", "Patient-ex-patient-mothers-maiden-name"):
        await world.post(headers, package(PACKAGE)[f"example/{name}.json"])
    shape = package(PACKAGE)["example/Bundle-ex-QueryPatientResourceResponseMessage.json"]

    found = (await world.http.get("/fhir/Patient?family=Schmidt", headers=headers)).json()
    by_mother = await world.total(headers, "Patient?mothersMaidenName:exact=" + mother())

    assert (found["type"], found["link"][0]["relation"]) == (shape["type"], "self")
    wanted = shape["entry"][0]["resource"]["identifier"]
    assert wanted in [entry["resource"]["identifier"] for entry in found["entry"]]
    assert by_mother == 1


def mother() -> str:
    extensions = package(PACKAGE)["example/Patient-ex-patient-mothers-maiden-name.json"]["extension"]
    return str(next(one["valueString"] for one in extensions if one["url"].endswith("mothersMaidenName")))


@pytest.mark.parametrize("name", ["PatientDemographicsSupplier", "PatientDemographicsSupplierMatch"])
def test_the_capability_statement_says_what_the_actor_s_says(name: str) -> None:
    wanted = package(PACKAGE)[f"CapabilityStatement-IHE.PDQm.{name}.json"]
    own = json.loads(capability_statement("http://hub", "single"))

    (patient,) = [one for one in own["rest"][0]["resource"] if one["type"] == "Patient"]
    (asked,) = wanted["rest"][0]["resource"]
    assert wanted["url"] in own["instantiates"]
    assert set(wanted["format"]) <= set(own["format"])
    assert {one["code"] for one in asked["interaction"]} <= {one["code"] for one in patient["interaction"]}
    parameters = {one["name"].partition(":")[0] for one in asked["searchParam"]}
    assert parameters <= {one.code for one in searchable("Patient")}
    assert set(asked["supportedProfile"]) <= set(patient["supportedProfile"])
    definitions = {one["definition"] for one in patient["operation"]}
    assert {one["definition"] for one in asked.get("operation", ())} <= definitions
    assert "match" in operations_of("Patient")
