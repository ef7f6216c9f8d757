"""`GET /fhir/metadata` says what the hub can do, in each mode of R4, and nothing of what is stored."""

from pathlib import Path

import pytest

from app.records.interactions import INTERACTIONS
from app.records.operations import named_in
from fhir.profiles.structure import check
from tests.app.records.test_profiles import loaded
from tests.terminology import DISEASE, PACKAGE, a_code_system
from tests.world import World

pytestmark = pytest.mark.anyio


async def test_the_terminology_that_is_loaded_and_not_what_is_stored(world: World, tmp_path: Path) -> None:
    caller = await world.client("hospital-a")
    await loaded(world, tmp_path, *PACKAGE, a_code_system(version="2023"))
    await world.post(caller, a_code_system("http://example.org/stored"))

    stated = (await world.http.get("/fhir/metadata?mode=terminology")).json()

    assert stated["resourceType"] == "TerminologyCapabilities"
    assert check(stated) == []
    systems = {one["uri"]: one for one in stated["codeSystem"]}
    versions = {one["code"]: one["isDefault"] for one in systems[DISEASE]["version"]}
    assert versions == {"2024": True, "2023": False}
    assert "http://hl7.org/fhir/administrative-gender" in systems
    assert not {"http://snomed.info/sct", "http://example.org/stored"} & set(systems)
    assert stated["expansion"]["paging"] is True
    assert {"name": "filter"} in stated["expansion"]["parameter"]


async def test_the_other_modes_are_capability_statements(world: World) -> None:
    full = (await world.http.get("/fhir/metadata?mode=full")).json()
    normative = (await world.http.get("/fhir/metadata?mode=normative")).json()
    plain = (await world.http.get("/fhir/metadata")).json()

    assert full == plain
    assert check(normative) == []
    resource = normative["rest"][0]["resource"][0]
    assert {"type", "interaction", "searchParam"} <= set(resource)
    assert not {"versioning", "conditionalCreate", "searchInclude"} & set(resource)
    assert "security" not in normative["rest"][0]


async def test_the_operations_are_named_with_their_definitions(world: World) -> None:
    rest = (await world.http.get("/fhir/metadata")).json()["rest"][0]
    stated = [*rest["operation"], *(one for of_type in rest["resource"] for one in of_type.get("operation", ()))]

    named = {one["name"]: one["definition"].rpartition("/")[2] for one in stated}
    assert {named_in(form) for _, form in INTERACTIONS if "$" in form} >= set(named)
    assert {name: named[name] for name in ("expand", "lookup", "subsumes", "translate")} == {
        "expand": "ValueSet-expand",
        "lookup": "CodeSystem-lookup",
        "subsumes": "CodeSystem-subsumes",
        "translate": "ConceptMap-translate",
    }


async def test_another_mode_is_refused(world: World) -> None:
    answers = [await world.http.get(f"/fhir/metadata?mode={mode}") for mode in ("some", "full&mode=full")]
    in_xml = await world.http.get("/fhir/metadata?mode=terminology&_format=xml")

    assert [(one.status_code, one.json()["issue"][0]["expression"]) for one in answers] == [(400, ["mode"])] * 2
    assert in_xml.text.startswith("<?xml")
