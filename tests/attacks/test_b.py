"""B1 to B8: whoever knows an address learns nothing by asking for it."""

import base64
import json
import re

import pytest

from app.records.row_ids import id_of
from tests.attacks.probe import (
    HIDDEN,
    OWNER,
    PATIENT,
    SAME_NUMBER,
    SECRET,
    STRANGER,
    Told,
    put,
    reference,
    secret,
    secrets,
    stock,
    tell,
    unchanged,
)
from tests.portal import signed_in
from tests.world import World, a_patient, an_observation

pytestmark = pytest.mark.anyio

NEVER = "hospital-a-never"
"""An id that nobody has had, as long as that of the secret one."""


def a_document(id_: str, patient: str, url: str, **fields: object) -> dict[str, object]:
    """Return a DocumentReference whose bytes are elsewhere."""
    content = [{"attachment": {"contentType": "text/plain", "url": url}}]
    document = {"resourceType": "DocumentReference", "id": id_, "status": "current", "content": content, **fields}
    return {**document, "subject": reference(f"Patient/{patient}")}


def a_binary(id_: str, document: str = "") -> dict[str, object]:
    """Return the bytes of a document, which it names by its id."""
    made = {"resourceType": "Binary", "id": id_, "contentType": "text/plain", "data": base64.b64encode(b"x").decode()}
    return {**made, "securityContext": reference(f"DocumentReference/{document}")} if document else made


async def test_b2_a_pointer_at_bytes_of_another_site_opens_nothing(world: World) -> None:
    owner, stranger = await stock(world), await world.client(STRANGER)
    await put(world, owner, secret(a_document("hospital-a-letter", PATIENT, "Binary/hospital-a-bytes")))
    await put(world, owner, a_binary("hospital-a-bytes", "hospital-a-letter"))
    await put(world, stranger, a_patient(id="clinic-c-own"))
    browser = await signed_in(world, STRANGER)

    told = []
    for number, bytes_ in enumerate(("hospital-a-bytes", "hospital-a-never")):
        mine = f"clinic-c-letter-{number}"
        await put(world, stranger, a_document(mine, "clinic-c-own", f"Binary/{bytes_}"))
        await put(world, stranger, a_binary(f"clinic-c-bytes-{number}", mine))
        opened = await browser.get(f"/documents/DocumentReference/{mine}/content/0")
        included = await tell(world, stranger, f"DocumentReference?_id={mine}&_include=*")
        read = await tell(world, stranger, f"Binary/{bytes_}")
        text = re.sub(r'"lastUpdated":"[^"]*"', "", included.text.replace(mine, "").replace(bytes_, ""))
        told.append((opened.status_code, text, read.status))

    assert told[0] == told[1]
    assert (told[0][0], told[0][2]) == (404, 404)


async def test_b2_who_walks_along_the_ids_finds_nothing(world: World) -> None:
    owner, stranger = await world.client(OWNER), await world.client(STRANGER)
    hidden = [(await world.post(owner, a_patient()))["id"] for _ in range(3)]
    own = (await world.post(stranger, a_patient()))["id"]
    row = int.from_bytes(base64.b32hexdecode(own.upper() + "==="))
    beside = [id_of(row + step) for step in (-2, -1, 1, 2, 1 << 21, -1 << 21)]

    told = {tuple((await tell(world, stranger, f"Patient/{id_}")).text.split(id_)) for id_ in (*hidden, *beside)}

    assert len(told) == 1
    assert await world.total(stranger, f"Patient?_id={','.join((*hidden, *beside, own))}") == 1


async def test_b3_no_history_holds_or_counts_what_is_hidden(world: World) -> None:
    await unchanged(
        world,
        [
            "_history?_count=100",
            "Observation/_history",
            "Observation/_history?_count=1",
            "Observation/_history?_since=2020",
            "Patient/_history?_summary=true",
        ],
    )
    stranger = await world.client(STRANGER)
    for address in (f"Observation/{SECRET}", f"Patient/{HIDDEN}"):
        for form in ("_history", "_history/1", "_history/2", "_history/1/$original", "_history/1/$meta"):
            assert (await tell(world, stranger, f"{address}/{form}")).status == 404


def _same(one: Told, other: Told, ids: tuple[str, str]) -> bool:
    return one.status == other.status and one.text.replace(ids[0], "ID") == other.text.replace(ids[1], "ID")


async def test_b4_what_was_deleted_and_hidden_is_as_if_it_never_was(world: World) -> None:
    owner, stranger = await stock(world), await world.client(STRANGER)
    await secrets(world, owner)
    assert (await world.http.delete(f"/fhir/Observation/{SECRET}", headers=owner)).status_code < 300

    for form in ("", "/_history", "/_history/1", "/_history/2", "/$meta", "/$original", "?_summary=true"):
        gone, never = [await tell(world, stranger, f"Observation/{id_}{form}") for id_ in (SECRET, NEVER)]
        assert gone.status == 404, form
        assert _same(gone, never, (SECRET, NEVER)), form
    assert (await tell(world, owner, f"Observation/{SECRET}")).status == 410


@pytest.mark.parametrize(
    "header",
    [
        {"If-None-Match": 'W/"1"'},
        {"If-None-Match": "*"},
        {"If-None-Match": 'W/"2"'},
        {"If-Modified-Since": "Sat, 01 Jan 2050 00:00:00 GMT"},
        {"If-Modified-Since": "Sat, 01 Jan 2000 00:00:00 GMT"},
    ],
    ids=str,
)
async def test_b5_no_condition_of_a_read_tells_of_a_hidden_version(world: World, header: dict[str, str]) -> None:
    owner, stranger = await stock(world), await world.client(STRANGER)
    await secrets(world, owner)

    for form in ("", "/_history/1"):
        hidden, never = [await tell(world, stranger, f"Observation/{id_}{form}", **header) for id_ in (SECRET, NEVER)]
        assert hidden.status == 404
        assert _same(hidden, never, (SECRET, NEVER))
        assert [name for name, _ in hidden.headers] == [name for name, _ in never.headers]
        assert {"etag", "last-modified"}.isdisjoint(dict(hidden.headers))
    # The owner's own answer depends on it: the condition is looked at.
    assert (await tell(world, owner, f"Observation/{SECRET}", **{"If-None-Match": 'W/"1"'})).status == 304


def _conditional(patient: str, number: str, result: str) -> list[tuple[str, str, dict[str, str], object]]:
    """Return writes that name a Patient by its number or id, or a result by its id: method, address, headers, body."""
    found = f"identifier={SAME_NUMBER}|{number}"
    # A Patient that is written by an identifier states it.
    stated = [{"system": SAME_NUMBER, "value": number}, {"system": "urn:oid:1.2.3", "value": "9"}]
    mine = a_patient(identifier=stated)
    patch = [{"op": "test", "path": "/gender", "value": "male"}]
    patched = {"content-type": "application/json-patch+json"}
    meta = {"name": "meta", "valueMeta": {"tag": [{"code": "a"}]}}
    at_once = {"request": {"method": "PUT", "url": f"Patient?{found}"}, "resource": mine}
    pointing = an_observation("x", subject=reference(f"Patient?{found}"))
    made = {"request": {"method": "POST", "url": "Observation"}, "resource": pointing}
    return [
        ("DELETE", f"Patient?{found}", {}, None),
        ("PATCH", f"Patient?{found}", patched, patch),
        ("DELETE", f"Observation?_id={result}", {}, None),
        ("DELETE", f"Observation?patient={patient}", {}, None),
        ("PATCH", f"Observation/{result}", patched, patch),
        ("PUT", f"Observation/{result}", {}, an_observation("clinic-c-own", id=result)),
        ("PUT", f"Observation/{result}", {"if-match": 'W/"1"'}, an_observation("clinic-c-own", id=result)),
        ("POST", f"Observation/{result}/$meta-add", {}, {"resourceType": "Parameters", "parameter": [meta]}),
        ("POST", f"Observation/{result}/$validate?mode=delete", {}, None),
        ("POST", "Observation", {}, an_observation(patient)),
        ("POST", "Observation", {}, an_observation("clinic-c-own", hasMember=[reference(f"Observation/{result}")])),
        ("POST", "", {}, {"resourceType": "Bundle", "type": "transaction", "entry": [made]}),
        ("POST", "Patient", {"if-none-exist": found}, mine),
        ("PUT", f"Patient?{found}", {}, mine),
        ("POST", "", {}, {"resourceType": "Bundle", "type": "transaction", "entry": [at_once]}),
    ]


async def test_b6_a_write_does_with_the_hidden_what_it_does_with_nothing(world: World) -> None:
    owner, stranger = await stock(world), await world.client(STRANGER)
    await secrets(world, owner)
    await put(world, stranger, a_patient(id="clinic-c-own"))
    kept = [(await tell(world, owner, one)).text for one in (f"Patient/{HIDDEN}", f"Observation/{SECRET}")]

    told = []
    for patient, number, result in ((HIDDEN, "01130012", SECRET), ("hospital-a-nobody", "01130099", NEVER)):
        answers = []
        for method, address, headers, body in _conditional(patient, number, result):
            sent = b"" if body is None else json.dumps(body).encode()
            kind = {"content-type": "application/fhir+json"} if body is not None else {}
            asked = {**stranger, **kind, **headers}
            answer = await world.http.request(method, f"/fhir/{address}", headers=asked, content=sent)
            text = answer.text
            for value, name in ((patient, "PATIENT"), (number, "NUMBER"), (result, "RESULT")):
                text = text.replace(value, name)
            text = re.sub(r'"(lastUpdated|lastModified)":"[^"]*"', "", re.sub(r"[0-9a-v]{13}", "ID", text))
            answers.append((method, address.partition("?")[0].replace(result, "RESULT"), answer.status_code, text))
            if answer.status_code in (200, 201):
                # What it has made is taken away: the next is to find as much as this one.
                await world.http.delete("/fhir/Patient?identifier=urn:oid:1.2.3|9", headers=stranger)
        told.append(answers)

    assert told[0] == told[1]
    assert {status for _, _, status, _ in told[0]} == {200, 201, 404, 412, 422}
    assert [(await tell(world, owner, one)).text for one in (f"Patient/{HIDDEN}", f"Observation/{SECRET}")] == kept


async def test_b7_a_hidden_resource_costs_the_statements_of_one_that_never_was(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, stranger = await stock(world), await world.client(STRANGER)
    await secrets(world, owner)
    reader, asked = type(world.hub.database.reader), []
    real = reader.fetch

    async def counted(self: object, statement: object, values: object) -> object:
        asked.append(statement)
        return await real(self, statement, values)  # type: ignore[arg-type]

    monkeypatch.setattr(reader, "fetch", counted)
    forms = ("{}", "{}/_history", "{}/_history/1", "{}/$meta", "?_id={}", "?_id={}&_include=*", "?patient._id={}")
    for form in forms:
        costs, told = [], []
        for id_ in (SECRET, NEVER):
            address = f"Observation{'' if form[0] == '?' else '/'}{form.format(id_)}"
            await tell(world, stranger, address)  # What is asked for the first time may be compiled.
            asked.clear()
            told.append(await tell(world, stranger, address))
            costs.append(len(asked))
        assert costs[0] == costs[1] > 0, form
        assert _same(*told, (SECRET, NEVER)), form


async def test_b8_what_replaced_a_document_opens_neither_it_nor_its_bytes(world: World) -> None:
    owner, stranger = await stock(world), await world.client(STRANGER)
    old = secret(a_document("hospital-a-old", PATIENT, "Binary/hospital-a-bytes"))
    await put(world, owner, old)
    await put(world, owner, a_binary("hospital-a-bytes", "hospital-a-old"))
    relates = [{"code": "replaces", "target": reference("DocumentReference/hospital-a-old")}]
    await put(world, owner, a_document("hospital-a-new", PATIENT, "urn:uuid:0", relatesTo=relates))
    asked = ("DocumentReference?_include=*", "DocumentReference?relatesto=DocumentReference/hospital-a-old&_include=*")
    before = [await tell(world, stranger, one) for one in asked]

    for status in ("superseded", "entered-in-error"):
        await put(world, owner, {**old, "status": status})
        for address in ("DocumentReference/hospital-a-old", "Binary/hospital-a-bytes"):
            told = [await tell(world, stranger, f"{address}{form}") for form in ("", "/_history", "/_history/1")]
            assert [one.status for one in told] == [404, 404, 404], address
        assert [await tell(world, stranger, one) for one in asked] == before
    assert "hospital-a-bytes" not in before[0].text


async def test_b1_bytes_are_seen_by_whom_their_document_is(world: World) -> None:
    async def letter(world: World, owner: dict[str, str]) -> None:
        await put(world, owner, secret(a_document("hospital-a-letter", PATIENT, "Binary/hospital-a-bytes")))
        await put(world, owner, a_binary("hospital-a-bytes", "hospital-a-letter"))

    asked = [f"Binary/hospital-a-bytes{form}" for form in ("", "/_history", "/_history/1", "/$original")]
    owner, stranger = await stock(world), await world.client(STRANGER)
    before = [await tell(world, stranger, one) for one in asked]
    await letter(world, owner)

    assert [await tell(world, stranger, one) for one in asked] == before
    assert [(await tell(world, owner, one)).status for one in asked] == [200] * 4
    assert await world.total(stranger, "Binary") == 0
