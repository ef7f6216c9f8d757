"""The Endpoint of a site's images: one a site, found from each of its ImagingStudies."""

from typing import Any

import pytest

from tests.app.imaging.images import CT, MR, a_file, stored
from tests.world import ADDRESS, World

pytestmark = pytest.mark.anyio


async def found(world: World, caller: dict[str, str], query: str) -> list[dict[str, Any]]:
    answer = await world.http.get(f"/fhir/{query}", headers=caller)
    assert answer.status_code == 200, answer.text
    return [one["resource"] for one in answer.json().get("entry", ())]


async def test_each_study_of_a_site_leads_to_its_one_endpoint(world: World) -> None:
    hospital, clinic = await world.client("hospital-a"), await world.client("clinic-c")

    await stored(world, hospital, a_file(CT))
    await stored(world, hospital, a_file(MR))
    await stored(world, clinic, a_file(CT))

    endpoints = await found(world, hospital, "Endpoint?connection-type=dicom-wado-rs")
    assert sorted((one["managingOrganization"]["reference"], one["address"]) for one in endpoints) == [
        ("Organization/clinic-c", f"{ADDRESS}/dicomweb"),
        ("Organization/hospital-a", f"{ADDRESS}/dicomweb"),
    ]
    own = next(one for one in endpoints if one["managingOrganization"]["reference"] == "Organization/hospital-a")
    studies = await found(world, hospital, f"ImagingStudy?endpoint=Endpoint/{own['id']}")
    assert [one["endpoint"] for one in studies] == [[{"reference": f"Endpoint/{own['id']}"}]] * 2
    included = await found(world, hospital, "ImagingStudy?_include=ImagingStudy:endpoint")
    assert sorted(one["resourceType"] for one in included) == ["Endpoint", "ImagingStudy", "ImagingStudy"]
