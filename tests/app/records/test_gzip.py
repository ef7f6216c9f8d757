"""gzip both ways: bodies are unpacked no further than allowed, answers are packed for those who take it."""

import gzip
import json
import zlib

import pytest

from app.records.content import unpacked
from fhir.errors import InvalidValue, TooLarge
from tests.asgi import call
from tests.world import World, a_patient

pytestmark = pytest.mark.anyio

JSON = "application/fhir+json"


def test_what_was_packed_comes_out() -> None:
    assert unpacked(gzip.compress(b"x" * 200_000), 200_000) == b"x" * 200_000


@pytest.mark.parametrize(
    "body",
    [b"", b"plain", gzip.compress(b"x")[:-1], gzip.compress(b"x") * 2, gzip.compress(b"x") + b"y", zlib.compress(b"x")],
    ids=["nothing", "plain", "cut short", "two members", "a tail", "zlib"],
)
def test_what_is_not_one_gzip_body_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidValue):
        unpacked(body, 100)


def test_a_bomb_is_not_unpacked_whole() -> None:
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join([packer.compress(bytes(1_000_000)) for _ in range(200)]) + packer.flush()

    with pytest.raises(TooLarge):
        unpacked(bomb, 1_000)


async def test_a_packed_body_is_stored_as_what_was_in_it(world: World) -> None:
    hospital = await world.client("hospital-a")
    body = json.dumps(a_patient()).encode()
    headers = hospital | {"Content-Type": JSON, "Content-Encoding": "gzip"}

    written = await world.http.post("/fhir/Patient", headers=headers, content=gzip.compress(body))
    original = await world.http.get(f"{written.headers['location'].split('/_history')[0]}/$original", headers=hospital)

    assert written.status_code == 201, written.text
    assert original.content == body


@pytest.mark.parametrize(
    ("encoding", "body", "status"),
    [
        ("gzip", gzip.compress(bytes(1_000)), 413),
        ("gzip", b"plain", 400),
        ("br", b"plain", 415),
        ("gzip, gzip", b"plain", 415),
    ],
    ids=["too large", "plain", "another packing", "packed twice"],
)
async def test_a_packed_body_that_cannot_be_taken_is_refused(
    world: World, encoding: str, body: bytes, status: int
) -> None:
    world.hub.settings = world.hub.settings.model_copy(update={"resource_bytes": 500})
    headers = await world.client("hospital-a") | {"Content-Type": JSON, "Content-Encoding": encoding}

    refused = await world.http.post("/fhir/Patient", headers=headers, content=body)

    assert (refused.status_code, refused.json()["resourceType"]) == (status, "OperationOutcome")


@pytest.mark.parametrize("query", ["", "?_format=xml", "?_pretty=true"])
async def test_a_large_answer_is_packed_for_who_takes_it(world: World, query: str) -> None:
    hospital = await world.client("hospital-a")
    made = await world.post(hospital, a_patient(address=[{"text": "長い" * 500}]))
    address = f"/fhir/Patient/{made['id']}{query}"

    plain = await call(world.app, "GET", address, hospital)
    packed = await call(world.app, "GET", address, hospital | {"Accept-Encoding": "br, gzip;q=0.5"})
    refused = await call(world.app, "GET", address, hospital | {"Accept-Encoding": "gzip;q=0"})

    headers = dict(packed.headers)
    assert gzip.decompress(packed.body) == plain.body == refused.body
    assert (headers[b"content-encoding"], headers[b"content-length"]) == (b"gzip", str(len(packed.body)).encode())
    assert b"content-encoding" not in dict(plain.headers)


async def test_small_answers_and_originals_are_not_packed(world: World) -> None:
    hospital = await world.client("hospital-a") | {"Accept-Encoding": "gzip"}
    made = await world.post(hospital, a_patient(address=[{"text": "長い" * 500}]))

    small = await call(world.app, "GET", "/fhir/Patient?_count=0", hospital)
    original = await call(world.app, "GET", f"/fhir/Patient/{made['id']}/$original", hospital)

    # The digest of an original is that of its bytes as they are sent.
    assert [b"content-encoding" in dict(one.headers) for one in (small, original)] == [False, False]
