"""The hub that is fuzzed: what its callers have, and what is hidden from them in a patient full of canaries."""

import re
from dataclasses import dataclass

import httpx

from fhir.store.types import NUMBERS
from tests.app.imaging.images import CT, a_body, a_file
from tests.canary import a_canary
from tests.canary_images import OWNER, PATIENT_ID, hidden_images
from tests.fuzz.sent import Header
from tests.hub_process import HubProcess
from tests.portal import PASSWORD, SAME_SITE
from tests.world import a_patient, an_observation

MULTIPART = {"content-type": 'multipart/related; type="application/dicom"; boundary=b0undary'}
EXTRA = {"RENKEI_TOKEN_SECONDS": "86400", "RENKEI_AUDIT_WAIT_SECONDS": "60"}
"""Settings of the hub: its tokens outlive the fuzz, and a machine that has other work is no failure."""


@dataclass
class Region:
    """A running hub with something to find and something to hide."""

    hub: HubProcess
    proofs: dict[str, Header]
    """By the name of a caller, the header that says who it is."""


def _put(http: httpx.Client, resource: dict[str, object]) -> None:
    answer = http.put(f"/fhir/{resource['resourceType']}/{resource['id']}", json=resource)
    assert answer.status_code in (200, 201), (resource["resourceType"], answer.text)


def _hide(http: httpx.Client) -> int:
    """Write a resource of every type that a site may write, with canaries; return how many."""
    written = 0
    _put(http, a_canary("Patient", f"Patient/{PATIENT_ID}") | {"id": PATIENT_ID})
    for kind in sorted(NUMBERS):
        if kind in ("Patient", "AuditEvent"):
            continue
        made = a_canary(kind, f"Patient/{PATIENT_ID}") | {"id": f"{OWNER}-{kind.lower()}"}
        written += http.put(f"/fhir/{kind}/{made['id']}", json=made).status_code in (200, 201)
    stored = http.post("/dicomweb/studies", headers=MULTIPART, content=a_body(*hidden_images()))
    assert stored.status_code == 200, stored.text
    return written


def _stock(http: httpx.Client, site: str) -> None:
    """Write what the callers of a site may find, change and spoil."""
    _put(http, a_patient(id=f"{site}-p"))
    _put(http, an_observation(f"{site}-p", id=f"{site}-observation"))
    entry = [{"item": {"reference": f"Patient/{site}-p"}}]
    _put(http, {"resourceType": "List", "id": f"{site}-list", "status": "current", "mode": "working", "entry": entry})
    stored = http.post("/dicomweb/studies", headers=MULTIPART, content=a_body(a_file(CT)))
    assert stored.status_code == 200, stored.text


def _doctor(hub: HubProcess) -> Header:
    """Return the cookie of a doctor of a clinic who has signed in."""
    first = hub.add_user("fuzz-doctor", "clinic-c", "doctor")
    with httpx.Client(base_url=hub.address, headers=SAME_SITE) as browser:
        browser.post("/sign-in", data={"name": "fuzz-doctor", "password": first})
        found = re.search(r'name="csrf" value="([0-9a-f]{64})"', browser.get("/password").text)
        assert found is not None
        form = {"csrf": found[1], "present": first, "password": PASSWORD, "again": PASSWORD}
        assert browser.post("/password", data=form).status_code == 303
        return b"Cookie", "; ".join(f"{name}={value}" for name, value in browser.cookies.items()).encode()


def planted(hub: HubProcess) -> Region:
    """Fill a hub and return it with the proofs of its callers."""
    hub.renkei("client", "add", "system-secretariat", "--organisation", "secretariat", "--role", "secretariat")
    sites = ("clinic-c", "clinic-d", "secretariat")
    tokens = {site: hub.token(f"system-{site}") for site in (OWNER, *sites)}
    with httpx.Client(base_url=hub.address, headers=tokens[OWNER], timeout=60) as http:
        assert _hide(http) > len(NUMBERS) - 10
    for site in sites[:2]:
        with httpx.Client(base_url=hub.address, headers=tokens[site], timeout=60) as http:
            _stock(http, site)
    proofs = {site: (b"Authorization", tokens[site]["Authorization"].encode()) for site in (OWNER, *sites)}
    return Region(hub, {**proofs, "nobody": (b"Authorization", b"Bearer none"), "doctor": _doctor(hub)})
