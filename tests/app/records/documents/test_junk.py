"""Documents with junk anywhere in them: refused or stored, and never a failure of the hub's own."""

import copy
import random
from collections.abc import Iterator
from typing import Any

import pytest

from tests.documents import NUMBER, PSYCHIATRY, a_disease, a_document, a_person, a_result
from tests.world import World

pytestmark = pytest.mark.anyio

MEMBER = {"system": "http://jpfhir.jp/fhir/clins/Idsystem/JP_Insurance_memberID", "value": "00012345:あ:１:05"}
JUNK = (None, 1, "x", [], {}, [None], [{}], [[]], {"a": 1}, True, [{"system": 1}], {"reference": 1}, {"identifier": 1})


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    found = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for name, value in found:
        yield (*path, name)
        yield from places(value, (*path, name))


def spoilt(document: dict[str, Any], path: tuple[Any, ...], junk: Any) -> dict[str, Any]:
    made = node = copy.deepcopy(document)
    for name in path[:-1]:
        node = node[name]
    node[path[-1]] = junk
    return made


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
async def test_junk_anywhere_in_a_document_is_no_failure(world: World) -> None:
    hospital = await world.client("hospital-a")
    document = a_document(
        a_disease("胃潰瘍", "1", subject={"identifier": MEMBER}),
        a_result("4548-4", "6.3", "2"),
        version="1",
        patient=a_person(identifier=[NUMBER, MEMBER]),
        confidentiality="N",
        meta={"security": [PSYCHIATRY], "tag": [{"system": "urn:x", "code": "a"}]},
        event=[{"code": [{"text": "発行"}]}],
    ) | {"meta": {"security": [PSYCHIATRY], "profile": ["http://example.org/p|1"]}}
    dice = random.Random(4)
    every = list(places(document))

    statuses = []
    for number in range(200):
        body = spoilt(document, dice.choice(every), dice.choice(JUNK))
        door = ("/fhir", "/fhir/Bundle")[number % 2]
        statuses.append((await world.http.post(door, headers=hospital, json=body)).status_code)

    assert set(statuses) <= {200, 201, 400, 409, 422}
    assert {201, 400, 422} <= set(statuses)
