"""What the clients of a load do, and how often: the hub's writes of every kind, and reads between them."""

import asyncio
from typing import Any

import httpx
from pydicom.uid import generate_uid

from tests.app.imaging.images import CT, a_body, a_file
from tests.e2e.ledger import STUDY, SYSTEM, Deed
from tests.e2e.load import Client, Operation
from tests.world import a_consent

RECEIVER = "clinic-c"


def identified(resource_type: str, marker: str, text: str, **fields: Any) -> dict[str, Any]:
    """Return a resource that is found by its marker and tells its text."""
    narrative = {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{text}</div>'}
    identifier = [{"system": SYSTEM, "value": marker}]
    return {"resourceType": resource_type, "text": narrative, "identifier": identifier, **fields}


def told(resource: dict[str, Any]) -> str:
    """Return the text of a resource that `identified` made."""
    div: str = resource["text"]["div"]
    return div.partition(">")[2].removesuffix("</div>")


def a_patient(marker: str, text: str) -> dict[str, Any]:
    name = [{"family": "負荷", "given": [text]}]
    return identified("Patient", marker, text, name=name, birthDate="1950-06-07", gender="female")


def an_observation(marker: str, text: str, patient: str) -> dict[str, Any]:
    code = {"coding": [{"system": "http://loinc.org", "code": "4548-4"}]}
    about = {"subject": {"reference": patient}, "effectiveDateTime": "2024-05-01T10:00:00+09:00"}
    return identified("Observation", marker, text, status="final", code=code, valueString=text, **about)


def a_document(marker: str, text: str) -> dict[str, Any]:
    """Return a document of a patient who is new to the site."""
    about = {"subject": {"reference": "urn:uuid:00000000-0000-4000-8000-000000000001"}}
    coded = {"coding": [{"system": "http://loinc.org", "code": "57133-1"}]}
    composition = identified("Composition", marker, text, status="final", type=coded, date="2024-05-01", title=text)
    composition |= {"identifier": composition["identifier"][0], "author": [{"display": text}], **about}
    condition = identified("Condition", marker, text, code={"text": text}, **about)
    entries = [composition, a_patient(marker, text), condition]
    return {
        "resourceType": "Bundle",
        "type": "document",
        "identifier": {"system": SYSTEM, "value": marker},
        "timestamp": "2024-05-01T10:00:00+09:00",
        "entry": [
            {"fullUrl": f"urn:uuid:00000000-0000-4000-8000-00000000000{number}", "resource": resource}
            for number, resource in enumerate(entries)
        ],
    }


def _written(location: str) -> tuple[str, int]:
    """Return `Type/id` and the version that a Location names."""
    type_name, id_, _, version = location.split("/fhir/")[1].split("/")
    return f"{type_name}/{id_}", int(version)


async def _create(client: Client, body: dict[str, Any], text: str) -> str | None:
    deed = client.deed((body["resourceType"], body["identifier"][0]["value"]))
    answer = await client.ask("POST", body["resourceType"], json=body, x_request_id=deed.request_id)
    if not client.expected(answer, 201):
        return None
    name, _ = _written(answer.headers["location"])
    client.ledger.done(deed, {})
    client.ledger.born(deed, name, 0, text)
    return name


async def share(client: Client) -> None:
    """Make what `contend` changes."""
    await create_patient(client)
    await create_observation(client)
    (name,) = client.observations
    client.ledger.shared[client.site] = name
    client.observations.clear()


async def create_patient(client: Client) -> None:
    marker = client.marker()
    name = await _create(client, a_patient(marker, marker), marker)
    if name:
        client.patients.append(name)


async def create_observation(client: Client) -> None:
    if not client.patients:
        return await create_patient(client)
    marker, patient = client.marker(), client.random.choice(client.patients)
    name = await _create(client, an_observation(marker, marker, patient), marker)
    if name:
        client.observations[name] = patient
    return None


async def _put(client: Client, name: str, body: dict[str, Any], text: str, **headers: str) -> httpx.Response:
    deed = client.deed(changes=[(name, text)])
    body["id"] = name.split("/")[1]
    answer = await client.ask("PUT", name, json=body, x_request_id=deed.request_id, **headers)
    if answer.status_code == 200:
        client.ledger.done(deed, {name: _written(answer.headers["location"])[1]})
    elif answer.status_code in (409, 412):
        client.ledger.refused(deed)
    return answer


async def update(client: Client) -> None:
    if not client.observations:
        return await create_observation(client)
    name, text = client.random.choice(list(client.observations)), client.marker()
    marker = client.ledger.kept[name].marker
    answer = await _put(client, name, an_observation(marker, text, client.observations[name]), text)
    client.expected(answer, 200)
    return None


async def update_patient(client: Client) -> None:
    if not client.patients:
        return await create_patient(client)
    name, text = client.random.choice(client.patients), client.marker()
    if client.ledger.kept[name].doubts:
        return None
    client.expected(await _put(client, name, a_patient(client.ledger.kept[name].marker, text), text), 200)
    return None


async def contend(client: Client) -> None:
    """Change what all clients of the site change: of those who saw one version, one wins."""
    name = client.ledger.shared[client.site]
    seen = await client.look(name)
    if client.expected(seen, 200):
        body, text = seen.json(), client.marker()
        body = an_observation(client.ledger.kept[name].marker, text, body["subject"]["reference"])
        answer = await _put(client, name, body, text, if_match=seen.headers["etag"])
        client.expected(answer, 200, 409, 412)


async def delete(client: Client) -> None:
    if not client.observations:
        return await create_observation(client)
    name = client.random.choice(list(client.observations))
    deed = client.deed(changes=[(name, None)])
    del client.observations[name]
    answer = await client.ask("DELETE", name, x_request_id=deed.request_id)
    if client.expected(answer, 204):
        client.ledger.done(deed, {name: int(answer.headers["etag"][3:-1])})
    return None


def _transaction(client: Client, deed: Deed, old: list[str]) -> dict[str, Any]:
    """Return the transaction of a deed: a new patient with two observations, and changes of old ones."""
    link = "urn:uuid:00000000-0000-4000-8000-000000000001"
    new = [a_patient(deed.births[0][1], deed.births[0][1])]
    new += [an_observation(marker, marker, link) for _, marker in deed.births[1:]]
    entries: list[dict[str, Any]] = [
        {"resource": resource, "request": {"method": "POST", "url": resource["resourceType"]}} for resource in new
    ]
    entries[0]["fullUrl"] = link
    for name, (_, text) in zip(old, deed.changes, strict=True):
        if text is None:
            entries.append({"request": {"method": "DELETE", "url": name}})
        else:
            body = an_observation(client.ledger.kept[name].marker, text, client.observations[name])
            body["id"] = name.split("/")[1]
            entries.append({"resource": body, "request": {"method": "PUT", "url": name}})
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


async def transaction(client: Client) -> None:
    marker = client.marker()
    births = [("Patient", marker), ("Observation", f"{marker}-a"), ("Observation", f"{marker}-b")]
    old = client.random.sample(list(client.observations), min(2, len(client.observations)))
    deed = client.deed(*births, changes=list(zip(old, [f"{marker}-c", None], strict=False)))
    body = _transaction(client, deed, old)
    if len(old) == 2:
        del client.observations[old[1]]
    answer = await client.ask("POST", "", json=body, x_request_id=deed.request_id)
    if not client.expected(answer, 200):
        return
    made = [_written(entry["response"]["location"]) for entry in answer.json()["entry"]]
    client.ledger.done(deed, dict(made))
    for number, (name, _) in enumerate(made[: len(births)]):
        client.ledger.born(deed, name, number, births[number][1])
    client.patients.append(made[0][0])
    client.observations |= {name: made[0][0] for name, _ in made[1 : len(births)]}


async def document(client: Client) -> None:
    marker = client.marker()
    deed = client.deed(*((name, marker) for name in ("Bundle", "Composition", "Patient", "Condition")))
    answer = await client.ask("POST", "Bundle", json=a_document(marker, marker), x_request_id=deed.request_id)
    if client.expected(answer, 201):
        client.ledger.done(deed, {})


def _study(uid: str) -> bytes:
    """Return a STOW-RS request of a study of two images, of a patient who is new to the site."""
    values = {"StudyInstanceUID": uid, "SeriesInstanceUID": generate_uid(entropy_srcs=[uid]), "PatientID": uid[-16:]}
    images = [a_file(CT, **values, SOPInstanceUID=generate_uid(entropy_srcs=[uid, f"{n}"])) for n in range(2)]
    return a_body(*images)


async def stow(client: Client) -> None:
    uid = str(generate_uid(entropy_srcs=[client.marker()]))
    deed = client.deed((STUDY, uid))
    body = await asyncio.to_thread(_study, uid)
    kind = 'multipart/related; type="application/dicom"; boundary=b0undary'
    answer = await client.ask(
        "POST", "/dicomweb/studies", content=body, content_type=kind, x_request_id=deed.request_id
    )
    if client.expected(answer, 200):
        client.ledger.done(deed, {})


async def consent(client: Client) -> None:
    """Permit the receiver to see a patient; where that is done, withdraw it or give it again."""
    if not client.patients:
        return await create_patient(client)
    patient, text = client.random.choice(client.patients), client.marker()
    if patient not in client.consents:
        body = identified("Consent", text, text) | a_consent(patient.split("/")[1], RECEIVER)
        name = await _create(client, body, text)
        if name:
            client.consents[patient] = (name, "active")
        return None
    name, status = client.consents[patient]
    status = "inactive" if status == "active" else "active"
    body = identified("Consent", client.ledger.kept[name].marker, text)
    body |= a_consent(patient.split("/")[1], RECEIVER) | {"status": status}
    if client.expected(await _put(client, name, body, text), 200):
        client.consents[patient] = (name, status)
    return None


async def disclose(client: Client) -> None:
    """Let the receiver read a patient: it sees what was acknowledged to be permitted, and nothing else."""
    if not client.consents:
        return await consent(client)
    patient, (_, status) = client.random.choice(list(client.consents.items()))
    answer = await client.look(patient, site=RECEIVER)
    client.expected(answer, 200 if status == "active" else 404)
    return None


async def read(client: Client) -> None:
    if client.observations:
        client.expected(await client.look(client.random.choice(list(client.observations))), 200)


async def search(client: Client) -> None:
    """Search a patient's observations: all that were acknowledged are found."""
    if not client.observations:
        return
    patient = client.random.choice(list(client.observations.values()))
    answer = await client.look(f"Observation?subject={patient}&_count=1000", named=False)
    if client.expected(answer, 200):
        found = {f"Observation/{entry['resource']['id']}" for entry in answer.json().get("entry", ())}
        wanted = {name for name, of in client.observations.items() if of == patient}
        if not wanted <= found:
            client.ledger.surprises.append(f"A search missed {sorted(wanted - found)}")


PLAN: list[tuple[int, Operation]] = [
    (3, create_patient),
    (6, create_observation),
    (6, update),
    (2, update_patient),
    (2, contend),
    (2, delete),
    (4, transaction),
    (1, document),
    (1, stow),
    (3, consent),
    (6, disclose),
    (2, read),
    (2, search),
]
"""Operations and how often they are chosen."""
