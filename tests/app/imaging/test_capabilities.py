"""What the DICOMweb door says it can do, and what it says it cannot."""

from xml.etree import ElementTree as ET

import pytest

from app.imaging.services import SERVICES
from tests.world import World

pytestmark = pytest.mark.anyio


async def test_the_capabilities_name_every_service(world: World) -> None:
    caller = await world.client("hospital-a")

    told = await world.http.get("/dicomweb/capabilities", headers=caller | {"accept": "application/json"})
    wadl = await world.http.get("/dicomweb/capabilities", headers=caller)

    found = told.json()
    methods = [method for resource in found["resources"] for method in resource["methods"]]
    assert len(methods) == len(SERVICES) == len({method["id"] for method in methods})
    assert found["base"] == "http://127.0.0.1:8080/dicomweb/"
    by_path = {one["path"]: {method["name"]: method for method in one["methods"]} for one in found["resources"]}
    assert by_path["studies/{study}"]["DELETE"]["response"] == []
    assert 'multipart/related; type="application/dicom+json"' in by_path["studies"]["POST"]["request"]
    assert "ModalitiesInStudy" in by_path["studies"]["GET"]["query"]
    assert "viewport" in by_path["studies/{study}/series/{series}/rendered"]["GET"]["query"]
    assert wadl.headers["content-type"] == "application/vnd.sun.wadl+xml"
    space = "{http://wadl.dev.java.net/2009/02}"
    document = ET.fromstring(wadl.content)  # noqa: S314 - the hub's own
    assert {one.get("path") for one in document.iter(f"{space}resource")} == set(by_path)
    assert len(list(document.iter(f"{space}method"))) == len(methods)


async def test_options_tell_methods_and_capabilities(world: World) -> None:
    caller = await world.client("hospital-a")

    allowed = {
        path: (await world.http.options(f"/dicomweb{path}", headers=caller)).headers["allow"]
        for path in ("", "/studies", "/studies/1.2.3", "/studies/1.2.3/rendered")
    }

    assert allowed == {
        "": "OPTIONS",
        "/studies": "GET, HEAD, POST, OPTIONS",
        "/studies/1.2.3": "GET, HEAD, POST, DELETE, OPTIONS",
        "/studies/1.2.3/rendered": "GET, HEAD, OPTIONS",
    }
    refused = await world.http.put("/dicomweb/studies", headers=caller)
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD, POST, OPTIONS")


async def test_capabilities_are_not_sent_twice(world: World) -> None:
    caller = await world.client("hospital-a")
    first = await world.http.get("/dicomweb/capabilities", headers=caller)

    again = await world.http.get("/dicomweb/capabilities", headers=caller | {"if-none-match": first.headers["etag"]})

    assert (again.status_code, again.content) == (304, b"")


_WORKLISTS = ["workitems", "workitems/1.2.3", "workitems/1.2.3/state"]


async def test_there_is_no_worklist_and_it_says_so(world: World) -> None:
    caller = await world.client("hospital-a")

    for path in _WORKLISTS:
        for method in ("GET", "POST", "PUT"):
            response = await world.http.request(method, f"/dicomweb/{path}", headers=caller)

            assert response.status_code == 501
            assert response.json()["issue"][0]["code"] == "not-supported"
