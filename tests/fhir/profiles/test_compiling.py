"""A thread that does not compile is told so before anything is done, and finds what others compiled."""

import threading

import pytest

from fhir.profiles.compiling import Uncompiled, only_compiled
from fhir.profiles.conformance import conformance
from tests.profiles import HERE, a_profile, a_value_set, loaded, told

RESOURCE = {"resourceType": "Patient", "meta": {"profile": [HERE + "P"]}, "gender": "other", "name": [{"text": "x"}]}
NEEDS = {
    "a part": ("Patient.photo", {"min": 1}),
    "a part of a part": ("Patient.name.family", {"min": 1}),
    "a binding": ("Patient.gender", {"binding": {"strength": "required", "valueSet": HERE + "V"}}),
    "an invariant": (
        "Patient.gender",
        {"constraint": [{"key": "x-1", "severity": "error", "human": "no", "expression": "$this = 'male'"}]},
    ),
    "a profile of a type": ("Patient.name", {"type": [{"code": "HumanName", "profile": [HERE + "N"]}]}),
}
NAME = a_profile("N", "HumanName", ("HumanName.family", {"min": 1}), kind="complex-type")


@pytest.mark.parametrize("element", NEEDS.values(), ids=NEEDS)
def test_what_is_not_compiled_is_compiled_elsewhere_first(element: tuple[str, dict[str, object]]) -> None:
    definitions = loaded(a_profile("P", "Patient", element), NAME, a_value_set("V", "http://x", "male"))

    with only_compiled(), pytest.raises(Uncompiled):
        conformance(RESOURCE, definitions)
    elsewhere = conformance(RESOURCE, definitions)
    with only_compiled():
        again = conformance(RESOURCE, definitions)

    assert len(told(elsewhere)) == 1
    assert again == elsewhere


def test_what_is_not_loaded_needs_no_compiling() -> None:
    definitions = loaded(a_profile("Q", "Patient"))

    with only_compiled():
        found = conformance(RESOURCE, definitions)

    assert [(one.severity, one.code) for one in found] == [("warning", "not-found")]


def test_a_thread_that_does_not_compile_waits_for_none_that_does() -> None:
    definitions = loaded(a_profile("P", "Patient"))
    conformance(RESOURCE, definitions)
    holds, may_end = threading.Event(), threading.Event()

    def hold() -> None:
        with definitions.held():
            holds.set()
            may_end.wait(10)

    other = threading.Thread(target=hold)
    other.start()
    holds.wait(10)

    with only_compiled():
        found = conformance(RESOURCE, definitions)
    still_held = other.is_alive()
    may_end.set()
    other.join(10)

    assert found == []
    assert still_held
