"""`$validate-code` says whether a code is in a value set or a code system, and never otherwise than a profile does."""

from pathlib import Path
from typing import Any

import pytest

from tests.app.records.terminology.test_expand import issue
from tests.app.records.test_profiles import issues, loaded
from tests.profiles import HERE, a_profile
from tests.terminology import ALL, DIABETES, DISEASE, PACKAGE, a_code_system, a_value_set, parameters, told
from tests.world import World, a_patient

pytestmark = pytest.mark.anyio

SNOMED = "http://snomed.info/sct"


def a_coding(code: str, **fields: str) -> dict[str, str]:
    return {"system": DISEASE, "code": code, **fields}


IN_VALUE_SET: list[tuple[dict[str, Any], bool, str | None]] = [
    ({"code": "E11", "system": DISEASE}, True, "２型糖尿病"),
    ({"code": "E11", "system": DISEASE, "display": "2型糖尿病"}, True, "２型糖尿病"),
    ({"code": "E11", "system": DISEASE, "display": "type 2 diabetes  MELLITUS"}, True, "２型糖尿病"),
    ({"code": "E11", "system": DISEASE, "display": "胃癌"}, False, "２型糖尿病"),
    ({"code": "E11", "system": DISEASE, "displayLanguage": "en"}, True, "Type 2 diabetes mellitus"),
    ({"code": "E11", "system": DISEASE, "systemVersion": "2024"}, True, "２型糖尿病"),
    ({"code": "E11", "system": DISEASE, "systemVersion": "2023"}, False, "２型糖尿病"),
    ({"code": "N18", "system": DISEASE}, False, None),
    ({"code": "none", "system": DISEASE}, False, None),
    ({"code": "E11", "system": "urn:other"}, False, None),
    ({"code": "E1", "system": DISEASE}, False, None),
    ({"code": "E1", "system": DISEASE, "abstract": True}, True, "糖尿病"),
    ({"coding": a_coding("E10")}, True, "１型糖尿病"),
    ({"coding": {"code": "E10"}}, False, None),
    ({"codeableConcept": {"coding": [a_coding("N18"), a_coding("E10")]}}, True, "１型糖尿病"),
    ({"codeableConcept": {"coding": [a_coding("N18"), {"system": SNOMED, "code": "1"}]}}, False, None),
]


async def test_codes_of_a_value_set(world: World, tmp_path: Path) -> None:
    caller = await world.client("hospital-a")
    await loaded(world, tmp_path, *PACKAGE)

    for asked, result, display in IN_VALUE_SET:
        body = parameters(url=DIABETES, **asked)
        answer = await world.http.post("/fhir/ValueSet/$validate-code", headers=caller, json=body)
        found = told(answer.json())
        assert (found["result"], found.get("display")) == (result, display), asked
        assert ("message" in found) is not result
        assert found.get("version") == ("2024" if display else None)


async def test_by_address_by_id_and_of_a_definition_in_the_body(world: World) -> None:
    caller = await world.client("hospital-a")
    await world.post(caller, a_code_system())
    own = a_value_set(DIABETES, {"system": DISEASE, "concept": [{"code": "E10"}]})
    stored = await world.post(caller, own)
    query = f"code=E10&system={DISEASE}"

    by_url = await world.http.get(f"/fhir/ValueSet/$validate-code?url={DIABETES}&{query}", headers=caller)
    by_id = await world.http.get(f"/fhir/ValueSet/{stored['id']}/$validate-code?{query}", headers=caller)
    inline = await world.http.post(
        "/fhir/ValueSet/$validate-code", headers=caller, json=parameters(valueSet=own, coding=a_coding("E10"))
    )

    assert [told(one.json())["result"] for one in (by_url, by_id, inline)] == [True, True, True]


async def test_codes_of_a_code_system(world: World, tmp_path: Path) -> None:
    caller = await world.client("hospital-a")
    await loaded(world, tmp_path, *PACKAGE)
    stored = await world.post(caller, a_code_system("http://example.org/own", caseSensitive=False))

    async def result(query: str, place: str = "CodeSystem/$validate-code") -> Any:
        return told((await world.http.get(f"/fhir/{place}?{query}", headers=caller)).json())["result"]

    assert await result(f"url={DISEASE}&code=E1") is True
    assert await result(f"url={DISEASE}&code=E1&abstract=false") is False
    assert await result(f"url={DISEASE}&code=e11") is False
    assert await result(f"url={DISEASE}&version=2024&code=E11&display=1") is False
    assert await result("code=e11", f"CodeSystem/{stored['id']}/$validate-code") is True
    assert await result("url=http://hl7.org/fhir/administrative-gender&code=male") is True
    inline = parameters(codeSystem=a_code_system("urn:inline"), code="E11")
    assert told((await world.http.post("/fhir/CodeSystem/$validate-code", headers=caller, json=inline)).json())[
        "result"
    ]


FAILURES: list[tuple[str, tuple[int, str, list[str]]]] = [
    (f"ValueSet/$validate-code?url={ALL}", (400, "invalid", ["code"])),
    (f"ValueSet/$validate-code?url={ALL}&code=E11", (400, "invalid", ["system"])),
    (f"ValueSet/$validate-code?url={ALL}&coding=E11", (400, "invalid", ["coding"])),
    ("ValueSet/$validate-code?code=E11&system=urn:x", (400, "invalid", ["url"])),
    ("ValueSet/$validate-code?url=urn:none&code=E11&system=urn:x", (404, "not-found", ["url"])),
    (
        f"ValueSet/$validate-code?url=http://hl7.org/fhir/ValueSet/condition-code&code=1&system={SNOMED}",
        (422, "not-found", []),
    ),
    ("CodeSystem/$validate-code?url=urn:none&code=E11", (404, "not-found", ["url"])),
    (f"CodeSystem/$validate-code?url={DISEASE}&version=1999&code=E11", (404, "not-found", ["url"])),
    (f"CodeSystem/$validate-code?url={SNOMED}&code=E11", (422, "not-found", [])),
    ("Patient/$validate-code?url=urn:none&code=E11", (404, "not-found", [])),
]


async def test_what_cannot_be_told_is_said(world: World, tmp_path: Path) -> None:
    caller = await world.client("hospital-a")
    await loaded(world, tmp_path, *PACKAGE)

    found = [(one, issue(await world.http.get(f"/fhir/{one}", headers=caller))) for one, _ in FAILURES]

    assert found == FAILURES


async def test_a_profile_says_the_same(world: World, tmp_path: Path) -> None:
    caller = await world.client("hospital-a")
    binding = {"strength": "required", "valueSet": DIABETES}
    await loaded(world, tmp_path, *PACKAGE, a_profile("P", "Patient", ("Patient.maritalStatus", {"binding": binding})))

    async def by_profile(coding: dict[str, str]) -> bool:
        body = a_patient(maritalStatus={"coding": [coding]})
        answer = await world.http.post(f"/fhir/Patient/$validate?profile={HERE}P", headers=caller, json=body)
        return ("error", "code-invalid", ["Patient.maritalStatus"]) not in issues(answer.json())

    async def by_operation(coding: dict[str, str]) -> bool:
        body = parameters(url=DIABETES, coding=coding)
        answer = await world.http.post("/fhir/ValueSet/$validate-code", headers=caller, json=body)
        return bool(told(answer.json())["result"])

    asked = [a_coding(code) for code in ("E1", "E11", "E11.2", "N18", "X9", "none")] + [{"code": "E11"}]
    said = [await by_profile(one) for one in asked]

    assert said == [False, True, True, False, False, False, False]
    assert said == [await by_operation(one) for one in asked]
