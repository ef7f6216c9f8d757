"""A system's program with fhirpy, which works with the hub as it comes."""

import json
from collections.abc import Iterator

import httpx
import pytest
from fhirpy import SyncFHIRClient
from fhirpy.base.exceptions import OperationOutcome, ResourceNotFound
from lxml import etree

from fhir.xml.to_xml import to_xml
from tests.hub_process import HubProcess, hub_process
from tests.mhd import LETTER, a_submission
from tests.world import a_patient

pytestmark = pytest.mark.xdist_group("fhirpy")  # one hub for all


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


def test_fhirpy_provides_finds_and_replaces_documents(hub: HubProcess) -> None:
    headers = hub.token("system-hospital-a")
    client = SyncFHIRClient(f"{hub.address}/fhir", authorization=headers["Authorization"])
    made = a_patient()
    patient = client.resource(made.pop("resourceType"), **made)
    patient.save()

    told = client.execute("", method="post", data=a_submission(patient.id))
    (one,) = client.resources("DocumentReference").search(patient=patient.id, status="current").fetch_all()
    relation = [{"code": "replaces", "target": {"reference": f"DocumentReference/{one.id}"}}]
    client.execute("", method="post", data=a_submission(patient.id, "2", octets=b"2", relatesTo=relation))
    sets = client.resources("List").search(patient=patient.id, code="submissionset", status="current")
    (current,) = client.resources("DocumentReference").search(patient=patient.id, status="current").fetch_all()
    url = current["content"][0]["attachment"]["url"]
    octets = httpx.get(url, headers=headers)

    assert [entry["response"]["status"] for entry in told["entry"]] == ["201", "201", "201"]
    assert len(sets.fetch_all()) == 2
    assert current["relatesTo"][0]["target"]["reference"] == f"DocumentReference/{one.id}"
    assert (octets.content, octets.headers["content-type"]) == (b"2", "text/plain")
    with pytest.raises(OperationOutcome) as refused:
        client.execute("", method="post", data=a_submission(patient.id, "3", octets=b"3", relatesTo=relation))
    assert refused.value.resource["issue"][0]["code"] == "conflict"


def test_documents_are_provided_and_found_in_xml(hub: HubProcess) -> None:
    headers = hub.token("system-hospital-a")
    xml = {**headers, "accept": "application/fhir+xml", "content-type": "application/fhir+xml"}
    patient = httpx.post(f"{hub.address}/fhir/Patient", headers=headers, json=a_patient()).json()["id"]
    body = to_xml(json.dumps(a_submission(patient, "7")).encode())

    told = httpx.post(f"{hub.address}/fhir", headers=xml, content=body)
    query = f"DocumentReference?patient=Patient/{patient}&status=current"
    found = httpx.get(f"{hub.address}/fhir/{query}", headers={**headers, "accept": "application/fhir+xml"})

    assert told.status_code == 200, told.text
    assert told.text.count('<status value="201"/>') == 3
    tree = etree.fromstring(found.content)
    names = {"f": "http://hl7.org/fhir"}
    assert tree.xpath("string(f:total/@value)", namespaces=names) == "1"
    (url,) = tree.xpath("//f:attachment/f:url/@value", namespaces=names)
    assert httpx.get(url, headers=headers).content == LETTER
