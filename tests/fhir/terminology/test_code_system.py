"""A code system in memory: each concept, what is above and below it, and the text that is looked for."""

import tracemalloc
from typing import Any

from fhir.terminology.code_system import ABSTRACT, INACTIVE, CodeSystem
from tests.terminology import a_code_system


def codes(system: CodeSystem, numbers: Any) -> set[str]:
    return {system.codes[number] for number in numbers}


def number(system: CodeSystem, code: str) -> int:
    found = system.find(code)
    assert found is not None
    return found


def test_nested_concepts_and_properties_make_one_hierarchy() -> None:
    concepts = [
        {"code": "a", "concept": [{"code": "b"}]},
        {"code": "c", "property": [{"code": "parent", "valueCode": "b"}, {"code": "parent", "valueCode": "d"}]},
        {"code": "d", "property": [{"code": "child", "valueCode": "e"}, {"code": "over", "valueCode": "none"}]},
        {"code": "e", "property": [{"code": "over", "valueCode": "a"}]},
    ]
    declared = [{"code": "over", "type": "code", "uri": "http://hl7.org/fhir/concept-properties#parent"}]
    system = CodeSystem(a_code_system(concept=concepts, property=declared))

    above = {code: codes(system, system.ancestors(number(system, code))) for code in "abcde"}

    assert above == {"a": set(), "b": {"a"}, "c": {"a", "b", "d"}, "d": set(), "e": {"a", "d"}}
    assert codes(system, system.descendants(number(system, "a"))) == {"b", "c", "e"}


def test_a_circle_in_a_hierarchy_ends() -> None:
    concepts = [
        {"code": one, "property": [{"code": "parent", "valueCode": other}]} for one, other in ("ab", "bc", "ca")
    ]
    system = CodeSystem(a_code_system(concept=concepts))

    assert codes(system, system.ancestors(number(system, "a"))) == {"b", "c"}


def test_flags_are_read_by_the_meaning_of_properties() -> None:
    concepts = [
        {"code": "abstract", "property": [{"code": "notSelectable", "valueBoolean": True}]},
        {"code": "retired", "property": [{"code": "status", "valueCode": "retired"}]},
        {"code": "deprecated", "property": [{"code": "status", "valueCode": "deprecated"}]},
        {"code": "off", "property": [{"code": "aus", "valueBoolean": True}]},
        {"code": "on", "property": [{"code": "aus", "valueBoolean": False}]},
    ]
    declared = [{"code": "aus", "type": "boolean", "uri": "http://hl7.org/fhir/concept-properties#inactive"}]

    system = CodeSystem(a_code_system(concept=concepts, property=declared))

    assert list(system.flags) == [ABSTRACT, INACTIVE, 0, INACTIVE, 0]


def test_codes_are_found_in_small_and_in_large_systems_with_and_without_their_case() -> None:
    for size in (10, 3_000):
        concepts = [{"code": f"C{one}"} for one in range(size)] + [{"code": "C1", "display": "again"}]
        plain = CodeSystem(a_code_system(concept=concepts))
        folding = CodeSystem(a_code_system(concept=concepts, caseSensitive=False))

        assert [plain.find(code) for code in ("C0", "C7", "C1", "c1", "", "D")] == [0, 7, 1, None, None, None]
        assert [folding.find(code) for code in ("c7", "C1", "d")] == [7, 1, None]


def test_a_text_is_found_at_the_beginning_in_the_middle_and_at_the_end() -> None:
    system = CodeSystem(
        a_code_system(
            concept=[
                {"code": "1", "display": "糖尿病 腎症"},
                {"code": "2", "display": "腎"},
                {"code": "3", "display": "病"},
            ]
        )
    )

    found = {
        text: [system.codes[one] for one in system.search(text)]
        for text in ("腎", "病", "糖尿", "病 腎", "尿病腎", "2", "")
    }

    assert found == {
        "腎": ["1", "2"],
        "病": ["1", "3"],
        "糖尿": ["1"],
        "病 腎": ["1"],
        "尿病腎": [],
        "2": ["2"],
        "": ["1", "2", "3"],
    }


def test_a_deep_hierarchy_is_read() -> None:
    deepest: dict[str, Any] = {"code": "0"}
    for level in range(1, 5_000):
        deepest = {"code": str(level), "concept": [deepest]}

    system = CodeSystem(a_code_system(concept=[deepest]))

    assert len(system.ancestors(number(system, "0"))) == 4_999


def test_thirty_thousand_concepts_take_little_memory() -> None:
    concepts = [
        {"code": str(one), "display": f"傷病名{one}", "property": [{"code": "icd10", "valueCode": f"A{one % 100:02}"}]}
        for one in range(30_000)
    ]
    resource = a_code_system(concept=concepts)
    tracemalloc.start()

    system = CodeSystem(resource)
    list(system.search("傷病名29999"))
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()

    assert len(system) == 30_000
    assert taken < 10_000_000
