"""The data of a run: patients who consent, a large study, and many small ones, the same in both servers."""

import http.client
from collections.abc import Iterator
from pathlib import Path

import orjson

from app.imaging.patient import LOCAL_ISSUER
from benchmarks import region, setup
from benchmarks.bench import Tell
from benchmarks.imaging.caller import Caller
from benchmarks.imaging.made import PATIENTS, Small, body, small
from benchmarks.load import Failed

SYSTEM = f"{LOCAL_ISSUER}/{setup.HOSPITAL}"
A_TRANSACTION = 50
A_REQUEST = 200
"""Small studies in one STOW-RS request."""


def _transaction(ids: list[str]) -> bytes:
    """Return a transaction of Patients, each with a Consent that permits the clinic to see everything."""
    entries = []
    for number, id_ in enumerate(ids):
        place = f"urn:uuid:00000000-0000-4000-8000-{number:012d}"
        person = {
            "resourceType": "Patient",
            "identifier": [{"system": SYSTEM, "value": id_}],
            "birthDate": "1960-01-02",
        }
        entries.append({"fullUrl": place, "resource": person, "request": {"method": "POST", "url": "Patient"}})
        consent = region.consent(place, setup.CLINIC)
        entries.append({"resource": consent, "request": {"method": "POST", "url": "Consent"}})
    return orjson.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries})


def consenting(base: str, token: str, patients: int) -> None:
    """Make the patients of the studies in the hub, and their consents.

    Raises:
        Failed: a transaction was refused.
    """
    connection = http.client.HTTPConnection(base.removeprefix("http://"), timeout=600)
    ids = ["LARGE", *(Small(number).patient_id for number in range(min(patients, PATIENTS)))]
    for start in range(0, len(ids), A_TRANSACTION):
        some = ids[start : start + A_TRANSACTION]
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/fhir+json"}
        connection.request("POST", "/fhir", _transaction(some), headers)
        answer = connection.getresponse()
        said = answer.read()
        if answer.status != 200:
            raise Failed(f"{answer.status} for a transaction: {said[:500]!r}")


def _bodies(first: int, studies: int) -> Iterator[bytes]:
    for start in range(first, studies, A_REQUEST):
        yield body(list(small(range(start, min(start + A_REQUEST, studies)))))


def small_studies(caller: Caller, studies: int, note: Path, tell: Tell) -> None:
    """Store the small studies that a server has not got yet; how many it has stands in a file."""
    done = int(note.read_text()) if note.exists() else 0
    for made in _bodies(done, studies):
        caller.store([made])
        done = min(done + A_REQUEST, studies)
        note.write_text(str(done))
        if not done % 10_000:
            tell(f"  {done:,} studies")
