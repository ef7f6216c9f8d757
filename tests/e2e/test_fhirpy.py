"""A system's program with fhirpy, which works with the hub as it comes."""

from collections.abc import Iterator

import pytest
from fhirpy import SyncFHIRClient
from fhirpy.base.exceptions import ResourceNotFound

from tests.hub_process import HubProcess, hub_process
from tests.world import a_patient


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    with hub_process(tmp_path_factory.mktemp("fhirpy") / "hub") as made:
        yield made


def test_fhirpy_creates_searches_updates_and_deletes(hub: HubProcess) -> None:
    token = hub.token("system-hospital-a")["Authorization"]
    client = SyncFHIRClient(f"{hub.address}/fhir", authorization=token)

    made = a_patient()
    patient = client.resource(made.pop("resourceType"), **made)
    patient.save()
    found = client.resources("Patient").search(name="山田", birthdate="1960-01-02").fetch_all()
    patient["gender"] = "other"
    patient.save()
    again = client.reference("Patient", patient.id).to_resource()
    observation = client.resource("Observation", status="final", code={"text": "x"}, subject=patient.to_reference())
    observation.save()
    results = client.resources("Observation").search(patient=patient.id).include("Observation", "patient").fetch_raw()
    observation.delete()

    assert [one.id for one in found] == [patient.id]
    assert again["gender"] == "other"
    assert results["total"] == 1
    assert {entry["resource"]["resourceType"] for entry in results["entry"]} == {"Observation", "Patient"}
    with pytest.raises(ResourceNotFound):
        client.reference("Patient", "never").to_resource()
