"""The published package of MHD: what it provides is taken, or refused for what is wrong with it.

https://profiles.ihe.net/ITI/MHD/
"""

import json
from copy import deepcopy
from typing import Any

import pytest

from app.packages.archive import read_package
from app.packages.load import load
from app.records.capabilities import capability_statement
from app.settings import Settings
from tests.spec_data import SPEC_DATA, package
from tests.world import World, running

PACKAGE = SPEC_DATA / "ihe/ihe.iti.mhd.tgz"
pytestmark = [pytest.mark.anyio, pytest.mark.skipif(not PACKAGE.exists(), reason="the MHD package is not here")]


def example(name: str) -> dict[str, Any]:
    return dict(deepcopy(package(PACKAGE)[f"example/{name}.json"]))


async def stock(world: World) -> dict[str, str]:
    """Put what the examples refer to under their ids."""
    caller = await world.client("hospital-a")
    secretariat = await world.client("secretariat", role="secretariat")
    for name in ("Organization-ex-organization", "Practitioner-ex-practitioner"):
        one = example(name)
        answer = await world.http.put(f"/fhir/{name.replace('-', '/', 1)}", headers=secretariat, json=one)
        assert answer.status_code == 201, answer.text
    for name in ("Patient-ex-patient", "DocumentReference-ex-documentreference"):
        answer = await world.http.put(f"/fhir/{name.replace('-', '/', 1)}", headers=caller, json=example(name))
        assert answer.status_code == 201, answer.text
    comprehensive = example("DocumentReference-ex-DocumentReferenceComprehensive")
    comprehensive.pop("relatesTo", None)
    answer = await world.http.put(
        "/fhir/DocumentReference/ex-DocumentReferenceComprehensive", headers=caller, json=comprehensive
    )
    assert answer.status_code == 201, answer.text
    return caller


TAKEN = (
    "Bundle-ex-comprehensiveProvideDocumentBundleSimple",
    "Bundle-ex-comprehensiveProvideDocumentBundleComplete",
    "Bundle-ex-comprehensiveProvideDocumentBundleDocument",
    "Bundle-ex-minimalProvideDocumentBundleSimple",
    "Bundle-ex-minimalProvideDocumentBundleSimpleContained",
    "Bundle-ex-unContainedComprehensiveProvideDocumentBundleComplete",
    "Bundle-ex-ProvideDocumentBundle-addToFolder",
)


async def test_every_bundle_is_taken(settings: Settings) -> None:
    async with running(settings.model_copy(update={"single_owner": True})) as world:
        caller, other = await stock(world), await world.client("hospital-b")
        for name in TAKEN:
            asked = example(name)
            # The minimal ones bring another Patient for a document of the same masterIdentifier.
            sender = other if "minimal" in name else caller

            answer = await world.http.post("/fhir", headers=sender, json=asked)

            assert answer.status_code == 200, (name, answer.text)
            told = answer.json()["entry"]
            assert [entry["response"]["status"] for entry in told] == ["201"] * len(asked["entry"]), name


REFUSED = {
    "Bundle-ex-comprehensiveProvideDocumentBundleMultiple": "entry[2].resource.masterIdentifier.value",
    "Bundle-ex-comprehensiveProvideDocumentBundleReplace": "entry[2].resource.content[0].attachment.size",
}
"""Bundles that are rightly refused, and where: two documents of one masterIdentifier; a size of 24 for 23 bytes."""


def mended(name: str) -> dict[str, Any]:
    """Return a Bundle that is refused without what is wrong with it."""
    bundle = example(name)
    for number, entry in enumerate(bundle["entry"]):
        if entry["resource"]["resourceType"] == "DocumentReference":
            entry["resource"]["masterIdentifier"]["value"] = f"urn:oid:1.2.{len(name)}.{number}"
            attachment = entry["resource"]["content"][0]["attachment"]
            attachment["size"] = 23 if attachment["size"] == 24 else attachment["size"]
    return bundle


async def test_what_is_wrong_is_refused_and_taken_when_mended(settings: Settings) -> None:
    async with running(settings.model_copy(update={"single_owner": True})) as world:
        caller = await stock(world)
        for name, place in REFUSED.items():
            refused = await world.http.post("/fhir", headers=caller, json=example(name))
            taken = await world.http.post("/fhir", headers=caller, json=mended(name))

            assert refused.status_code == 422, name
            assert [issue["expression"] for issue in refused.json()["issue"]] == [[f"Bundle.{place}"]], name
            assert taken.status_code == 200, (name, taken.text)
        old = (await world.http.get("/fhir/DocumentReference/ex-documentreference", headers=caller)).json()
        assert old["status"] == "superseded"


async def test_responses_have_the_shape_of_the_published_ones(settings: Settings) -> None:
    async with running(settings.model_copy(update={"single_owner": True})) as world:
        caller, other = await stock(world), await world.client("hospital-b")
        for name in TAKEN:
            shape = package(PACKAGE).get(f"example/Bundle-ex-response-{name.removeprefix('Bundle-ex-')}.json")
            if shape is None:
                continue
            sender = other if "minimal" in name else caller
            told = (await world.http.post("/fhir", headers=sender, json=example(name))).json()

            assert told["type"] == shape["type"], name
            for entry, wanted in zip(told["entry"], shape["entry"], strict=False):
                assert wanted["response"].keys() <= entry["response"].keys(), name
                assert entry["response"]["status"] == wanted["response"]["status"].partition(" ")[0], name


RESPONSES = {
    "Bundle-ex-findDocumentListsResponse": "List?patient=Patient/ex-patient&code=folder&status=current"
    "&designationType=http://snomed.info/sct|225728007",
    "Bundle-ex-findDocumentReferencesResponse": "DocumentReference?patient=Patient/ex-patient&status=current",
    "Bundle-FindDocumentReferences": "DocumentReference?patient.identifier=urn:oid:1.2.3|1&status=current",
}
"""The published answers to searches, and searches like those that they say they answer."""


async def test_searches_are_answered_in_the_shape_of_the_published_answers(settings: Settings) -> None:
    async with running(settings.model_copy(update={"single_owner": True})) as world:
        caller = await stock(world)
        patient = example("Patient-ex-patient") | {"identifier": [{"system": "urn:oid:1.2.3", "value": "1"}]}
        await world.http.put("/fhir/Patient/ex-patient", headers=caller, json=patient)
        complete = example("Bundle-ex-comprehensiveProvideDocumentBundleComplete")
        assert (await world.http.post("/fhir", headers=caller, json=complete)).status_code == 200
        for name, query in RESPONSES.items():
            shape = example(name)

            found = (await world.http.get(f"/fhir/{query}", headers=caller)).json()

            assert found["type"] == shape["type"], name
            assert found["total"] == len(found["entry"]) > 0, name
            assert found["link"][0]["relation"] == "self", name
            assert {entry["resource"]["resourceType"] for entry in found["entry"]} == {
                entry["resource"]["resourceType"] for entry in shape["entry"]
            }
            assert all(entry["fullUrl"].startswith("http://127.0.0.1:8080/fhir/") for entry in found["entry"])
            assert {"resourceType", "id", "meta", "status"} <= found["entry"][0]["resource"].keys()


REFERENCES = (
    *("Comprehensive", "ComprehensiveDelayedAssembly", "ComprehensiveOnDemand", "ComprehensiveWithBinary", "Minimal"),
    *("MinimalEncounter", "UnContained", "UnContainedFully"),
)


async def test_every_document_reference_and_list_is_stored_and_found(settings: Settings) -> None:
    async with running(settings.model_copy(update={"single_owner": True})) as world:
        caller = await stock(world)
        lists = [name for name in package(PACKAGE) if name.startswith("example/List-")]
        binaries = [name for name in package(PACKAGE) if name.startswith("example/Binary-")]
        documents = [f"example/DocumentReference-ex-DocumentReference{name}.json" for name in REFERENCES]
        for name in (*binaries, *documents, *lists, "example/Encounter-ex-encounter.json"):
            one = package(PACKAGE)[name]
            answer = await world.http.put(f"/fhir/{one['resourceType']}/{one['id']}", headers=caller, json=one)
            assert answer.status_code in (200, 201), (name, answer.text)
        own = "http://127.0.0.1:8080/fhir/Binary/ex-b-binary"
        raw = await world.http.get(own, headers=caller)

        assert raw.content == b"Hello World"
        assert await world.total(caller, "List?code=submissionset") == 5
        assert await world.total(caller, "List?code=folder") == 2


async def test_a_document_is_published_and_one_described(settings: Settings) -> None:
    async with running(settings.model_copy(update={"single_owner": True})) as world:
        caller = await stock(world)
        encounter = example("Encounter-ex-encounter")
        await world.http.put("/fhir/Encounter/ex-encounter", headers=caller, json=encounter)
        simplified = example("DocumentReference-ex-DocumentReferenceSimplifiedPublish")

        published = await world.http.post("/fhir/DocumentReference", headers=caller, json=simplified)
        described = [
            await world.http.post(
                "/fhir/DocumentReference/$generate-metadata",
                headers=caller,
                json=example(f"Parameters-ex-input-{name}"),
            )
            for name in ("binary", "doc-bundle")
        ]

        assert published.status_code == 201, published.text
        assert [one.status_code for one in described] == [200, 200], described[1].text
        assert [one.json()["parameter"][0]["name"] for one in described] == ["DocumentReference"] * 2


async def test_what_is_no_bundle_of_the_profile_is_plain_fhir(settings: Settings) -> None:
    async with running(settings.model_copy(update={"single_owner": True})) as world:
        caller = await stock(world)

        answer = await world.http.post("/fhir", headers=caller, json=example("Bundle-ex-dummyBundleDocAndBinary"))

        assert answer.status_code == 200, answer.text


ACTORS = ("Recipient", "Recipient.Comprehensive", "Recipient.UnContained", "Recipient.Fdoc")
ACTORS += ("Recipient.Simplified", "Recipient.Generate", "Responder")


@pytest.mark.parametrize("name", ACTORS)
def test_the_capability_statement_says_what_the_actor_s_says(name: str) -> None:
    wanted = package(PACKAGE)[f"CapabilityStatement-IHE.MHD.Document{name}.json"]
    own = json.loads(capability_statement("http://hub", "single"))

    assert wanted["url"] in own["instantiates"]
    (rest,) = wanted["rest"]
    assert {one["code"] for one in rest.get("interaction", ())} <= {
        one["code"] for one in own["rest"][0]["interaction"]
    }
    for asked in rest.get("resource", ()):
        (kept,) = [one for one in own["rest"][0]["resource"] if one["type"] == asked["type"]]
        done = {one["code"] for one in kept["interaction"]}
        assert {one["code"] for one in asked.get("interaction", ())} <= done
        parameters = {one["name"].lower() for one in kept["searchParam"]} | {"patient.identifier"}
        assert {one["name"].lower() for one in asked.get("searchParam", ())} <= parameters
        definitions = {one["definition"] for one in kept["operation"]}
        assert {one["definition"] for one in asked.get("operation", ())} <= definitions


def test_each_example_is_looked_at() -> None:
    looked_at = {*TAKEN, *REFUSED, *RESPONSES}
    looked_at |= {f"DocumentReference-ex-DocumentReference{name}" for name in REFERENCES}
    examples = {
        name.removeprefix("example/").removesuffix(".json") for name in package(PACKAGE) if name.startswith("example/")
    }

    left = {
        name for name in examples - looked_at if not name.startswith(("AuditEvent-", "Bundle-ex-response-", "List-"))
    }

    assert left == {
        *("Bundle-ex-fhir-document-bundle", "Bundle-ex-dummyBundleDocAndBinary", "Device-ex-device"),
        *("Binary-ex-b-binary", "Binary-ex-binary", "Encounter-ex-encounter", "Organization-ex-organization"),
        *("DocumentReference-ex-DocumentReferenceSimplifiedPublish", "DocumentReference-ex-documentreference"),
        *("DocumentReference-ex-documentreference2", "Parameters-ex-input-binary", "Parameters-ex-input-doc-bundle"),
        *("Parameters-ex-patchParameters", "Patient-ex-patient", "Practitioner-ex-practitioner"),
    }


async def test_the_profiles_of_the_package_are_held_where_it_is_loaded(settings: Settings) -> None:
    strict = settings.model_copy(update={"single_owner": True, "profiles_strict": True})
    async with running(strict) as world:
        await load(world.hub, read_package(PACKAGE), user_name="operator")
        caller = await world.client("hospital-a")
        await world.http.put("/fhir/Patient/ex-patient", headers=caller, json=example("Patient-ex-patient"))
        bundle = example("Bundle-ex-comprehensiveProvideDocumentBundleSimple")
        taken = await world.http.post("/fhir", headers=caller, json=bundle)
        reference = bundle["entry"][1]["resource"]
        reference["masterIdentifier"] |= {"use": "old", "value": "urn:oid:1.2.3"}
        bundle["entry"][0]["resource"]["identifier"][0]["value"] = "urn:oid:1.2.4"

        refused = await world.http.post("/fhir", headers=caller, json=bundle)

        assert taken.status_code == 200, taken.text
        assert refused.status_code == 422, refused.text
        assert any("masterIdentifier" in one["expression"][0] for one in refused.json()["issue"])
