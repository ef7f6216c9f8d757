"""Whatever a package holds, and whatever a resource is: a check by profiles ends with issues, never with a failure."""

import copy
import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from fhir.profiles.conformance import conformance, names_profiles
from fhir.profiles.structure import check
from tests.fhir.profiles.test_profile import KINDS, SYSTEM
from tests.profiles import HERE, a_profile, a_value_set, loaded

ODD: tuple[Any, ...] = (
    None,
    0,
    -1,
    1.5,
    "",
    "x",
    "*",
    True,
    [],
    {},
    [None],
    [{}],
    {"x": 1},
    ["x"],
    "http://[",
    "a.b:c/d",
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every member of a JSON value, as what holds it and its key."""
    found = []
    waiting = [value]
    while waiting:
        at = waiting.pop()
        keys = list(at) if isinstance(at, dict) else list(range(len(at))) if isinstance(at, list) else []
        found += [(at, key) for key in keys]
        waiting += [at[key] for key in keys]
    return found


def broken(value: dict[str, Any], chance: random.Random, kept: tuple[str, ...]) -> dict[str, Any]:
    """A copy with one to three members that are something else."""
    made = copy.deepcopy(value)
    for _ in range(chance.randint(1, 3)):
        at, key = chance.choice([one for one in places(made) if one[1] not in kept])
        at[key] = copy.deepcopy(chance.choice(ODD))
    return made


@settings(deadline=None, database=None, derandomize=True, max_examples=1_500)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_definition_that_is_wrong_anywhere_fails_no_check(seed: int) -> None:
    chance = random.Random(seed)
    elements, right, wrong, _ = KINDS[chance.choice(list(KINDS))]
    profile = broken(a_profile("P", right["resourceType"], *elements), chance, ("resourceType", "url", "version"))
    values = broken(a_value_set("few", SYSTEM, "a", "b"), chance, ("resourceType", "url", "version"))

    for resource in (right, wrong):
        for issue in conformance(resource, loaded(profile, values), [HERE + "P"]):
            assert issue.expression == "" or issue.expression.startswith(resource["resourceType"])


@settings(deadline=None, database=None, derandomize=True, max_examples=1_500)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_resource_of_any_shape_that_r4_allows_fails_no_check(seed: int) -> None:
    chance = random.Random(seed)
    elements, right, wrong, _ = KINDS[chance.choice(list(KINDS))]
    entry = {"resource": {**chance.choice((right, wrong)), "meta": {"profile": [HERE + "P"]}}}
    bundle = broken({"resourceType": "Bundle", "type": "collection", "entry": [entry]}, chance, ("resourceType",))

    names_profiles(bundle)
    if not check(bundle, entries=True):
        definitions = loaded(a_profile("P", right["resourceType"], *elements), a_value_set("few", SYSTEM, "a", "b"))
        told = conformance(bundle, definitions)

        # A definition that is right is never blamed.
        assert [one for one in told if "cannot be used" in one.diagnostics] == []
