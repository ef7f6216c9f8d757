"""`$original` gives back what the published JP examples were sent as, byte for byte."""

import base64
import hashlib
import json
import re

import pytest

from tests.spec_data import SPEC_DATA
from tests.world import World, a_patient

pytestmark = pytest.mark.anyio

EXAMPLES = sorted((SPEC_DATA / "jp/examples").glob("*.json"))
_REFERENCE = re.compile(rb'"reference"\s*:\s*"(?:urn:uuid:|Patient/)[^"]*"')


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
async def test_the_bytes_as_sent_come_back(world: World, path: object) -> None:
    octets = path.read_bytes()  # type: ignore[attr-defined]
    resource = json.loads(octets)
    hospital = await world.client("hospital-a") | {"Content-Type": "application/fhir+json"}
    patient = (await world.post(hospital, a_patient()))["id"]
    if resource["resourceType"] not in ("Bundle", "Patient"):
        # An example on its own refers to a patient that is elsewhere; here it is one of the hospital's.
        octets = _REFERENCE.sub(f'"reference" : "Patient/{patient}"'.encode(), octets)

    written = await world.http.post(f"/fhir/{resource['resourceType']}", headers=hospital, content=octets)
    if written.status_code == 422:
        pytest.skip(f"not R4: {written.json()['issue'][0]['diagnostics']}")
    assert written.status_code == 201, written.text
    original = await world.http.get(f"{written.headers['location'].split('/_history')[0]}/$original", headers=hospital)
    by_version = await world.http.get(f"{written.headers['location']}/$original", headers=hospital)

    assert written.status_code == 201, written.text
    assert original.content == by_version.content == octets
    digest = base64.b64encode(hashlib.sha256(octets).digest()).decode()
    assert original.headers["repr-digest"] == f"sha-256=:{digest}:"
    assert written.content != octets
