"""Sight: the request and its record share what the caller may see, and hold each other by nothing else."""

import gc
import weakref
from typing import Any

import pytest

from app.records.request import FhirRequest
from tests.world import World, a_patient

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("body", [a_patient(), {**a_patient(), "colour": "red"}], ids=["stored", "refused"])
async def test_a_request_is_gone_with_its_answer(
    world: World, body: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = await world.client("hospital-a")
    made: list[weakref.ref[FhirRequest]] = []
    begin = FhirRequest.__init__

    def noted(self: FhirRequest, *args: Any, **kwargs: Any) -> None:
        begin(self, *args, **kwargs)
        made.append(weakref.ref(self))

    monkeypatch.setattr(FhirRequest, "__init__", noted)
    gc.collect()
    gc.disable()
    try:
        await world.http.post("/fhir/Patient", headers=caller, json=body)
        await world.http.get("/fhir/Patient", headers=caller)
        left = [one() for one in made]
    finally:
        gc.enable()

    assert left == [None, None]
