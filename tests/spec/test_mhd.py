"""The published package of MHD: what it provides is taken, or refused for what is wrong with it.

https://profiles.ihe.net/ITI/MHD/
"""

import functools
import json
import tarfile
from typing import Any

import pytest

from app.settings import Settings
from tests.spec_data import SPEC_DATA
from tests.world import World, running

PACKAGE = SPEC_DATA / "ihe/ihe.iti.mhd.tgz"
pytestmark = [pytest.mark.anyio, pytest.mark.skipif(not PACKAGE.exists(), reason="the MHD package is not here")]


@functools.cache
def package() -> dict[str, Any]:
    with tarfile.open(PACKAGE) as archive:
        names = [one for one in archive if one.name.endswith(".json")]
        return {one.name.removeprefix("package/"): json.load(archive.extractfile(one) or archive) for one in names}


def example(name: str) -> dict[str, Any]:
    return dict(package()[f"example/{name}.json"])


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
    bundle = json.loads(json.dumps(example(name)))
    for number, entry in enumerate(bundle["entry"]):
        if entry["resource"]["resourceType"] == "DocumentReference":
            entry["resource"]["masterIdentifier"]["value"] = f"urn:oid:1.2.{len(name)}.{number}"
            attachment = entry["resource"]["content"][0]["attachment"]
            attachment["size"] = 23 if attachment["size"] == 24 else attachment["size"]
    return dict(bundle)


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
