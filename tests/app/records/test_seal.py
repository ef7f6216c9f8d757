"""The hub's seal under what it makes: checked by the command, without the hub."""

import base64
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jws
from joserfc.jwk import ECKey

from app.cli.seal import seal
from app.cli.verify_document import verify_document
from app.records.signatures.seal import OLD_LIST, RUN_OUT, UNUSABLE
from app.settings import settings as chosen
from tests.signers import Holder, a_signer, base64url, region, revoked, write_trust
from tests.time_authority import Authority, serving
from tests.world import World, a_patient, an_observation

pytestmark = pytest.mark.anyio


def with_seal(world: World, holder: Holder, **more: Any) -> Path:
    """Give the hub a key, and return the folder of whom it trusts."""
    home = world.hub.settings.home
    key, certificate = home / "seal.key", home / "seal.pem"
    key.write_bytes(holder.key_pem)
    key.chmod(0o600)
    certificate.write_bytes(holder.pem + region().below.pem)
    update = {"seal_key": key, "seal_certificate": certificate, **more}
    world.hub.settings = world.hub.settings.model_copy(update=update)
    write_trust(world.hub.settings.trust_folder, documents=region().root.pem)
    return world.hub.settings.trust_folder


def verified(data: bytes, folder: Path, trust: Path, *options: str) -> tuple[int, dict[str, Any]]:
    """Return the exit code of the command, and what it says of the one signature."""
    (folder / "document").write_bytes(data)
    answer: Result = CliRunner().invoke(
        verify_document, [str(folder / "document"), "--anchors", str(trust), *options], catch_exceptions=False
    )
    return answer.exit_code, json.loads(answer.stdout) if answer.stdout else {}


async def a_summary(world: World, **headers: str) -> bytes:
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]
    await world.post(hospital, an_observation(patient, valueQuantity={"value": 6.25, "unit": "%"}))
    answer = await world.http.get(f"/fhir/Patient/{patient}/$summary", headers=hospital | headers)
    assert answer.status_code == 200, answer.text
    return answer.content


async def test_a_summary_is_sealed_and_proven_elsewhere(world: World, tmp_path: Path) -> None:
    trust = with_seal(world, a_signer(region().below, "連携 hub"))

    made = await a_summary(world)

    code, found = verified(made, tmp_path, trust)
    assert (code, found["state"], found["signer"]) == (0, "valid", "連携 hub")
    assert json.loads(made)["signature"]["sigFormat"] == "application/jose"
    assert verified(made.replace(b"6.25", b"6.26"), tmp_path, trust)[0] == 3
    assert verified(made, tmp_path, tmp_path)[0] == 4
    assert verified(await a_summary(world, accept="application/fhir+xml"), tmp_path, trust)[0] == 0


async def test_another_library_proves_the_seal(world: World) -> None:
    holder = a_signer(region().below, "連携 hub")
    with_seal(world, holder)

    bundle = json.loads(await a_summary(world))

    signature = bundle.pop("signature")
    protected, _, value = base64.b64decode(signature["data"]).decode().split(".")
    rest = {name: part for name, part in bundle.items() if name not in ("id", "meta")}
    canonical = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    key = ECKey.import_key(
        holder.certificate.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    registry = jws.JWSRegistry(algorithms=["ES256"], strict_check_header=False)
    registry.max_header_length = 10_000
    proven = jws.deserialize_compact(f"{protected}.{base64url(canonical)}.{value}", key, registry=registry)
    assert proven.headers()["x5c"] == holder.x5c


async def test_without_a_key_nothing_is_sealed(world: World, tmp_path: Path) -> None:
    made = await a_summary(world)

    assert "signature" not in json.loads(made)
    assert verified(made, tmp_path, tmp_path) == (5, {})


async def test_a_seal_is_stamped_where_there_is_an_authority_of_time(world: World, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "tsa")
    authority.create()
    with serving(authority) as server:
        trust = with_seal(world, a_signer(region().below, kind="rsa"), seal_timestamp=server.address)
        write_trust(trust, stamps=authority.root.read_bytes())
        made = await a_summary(world)
    unstamped = await a_summary(world)

    code, found = verified(made, tmp_path, trust, "--at", "2100-01-01")
    # The certificate has long expired: the stamp says that the seal is older.
    assert (code, found["algorithm"], found["stamped"][:2]) == (0, "PS256", "20")
    # An authority that does not answer withholds no document.
    assert verified(unstamped, tmp_path, trust)[0] == 0
    assert verified(unstamped, tmp_path, trust, "--at", "2100-01-01")[0] == 4


async def test_a_sealed_document_that_is_kept_keeps_its_seal(world: World) -> None:
    with_seal(world, a_signer(region().below, "連携 hub"))
    hospital = await world.client("hospital-a")

    sent = await world.http.post(
        "/fhir/Bundle", headers=hospital | {"content-type": "application/fhir+json"}, content=await a_summary(world)
    )

    assert sent.status_code == 201, sent.text
    answer = await world.http.get(f"/fhir/Bundle/{sent.json()['id']}/$signatures", headers=hospital)
    (found,) = answer.json()["parameter"]
    assert found["part"][1] == {"name": "state", "valueCode": "valid"}


async def test_a_key_that_cannot_be_used_is_said(world: World) -> None:
    trust = with_seal(world, a_signer(region().below))
    key, certificate = trust.parent / "seal.key", trust.parent / "seal.pem"
    faults: dict[str, Callable[[], object]] = {
        "open to all": lambda: key.chmod(0o644),
        "another": lambda: (key.write_bytes(region().stranger.key_pem), key.chmod(0o600)),
        "garbage": lambda: key.write_bytes(b"-----BEGIN"),
        "gone": key.unlink,
        "no certificate": certificate.unlink,
    }
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]

    for name, fault in faults.items():
        fault()
        answer = await world.http.get(f"/fhir/Patient/{patient}/$summary", headers=hospital)
        assert (answer.status_code, answer.json()["issue"][0]["code"]) == (503, "transient"), name
        assert "seal" in answer.json()["issue"][0]["diagnostics"], name
        assert UNUSABLE in (await world.http.get("/health")).json()["notes"], name


async def test_what_has_run_out_is_told(world: World) -> None:
    write_trust(world.hub.settings.trust_folder, revoked=revoked(region().below))
    with_seal(world, a_signer(region().below))
    before = (await world.http.get("/health")).json()
    with_seal(world, a_signer(region().below, until=timedelta(days=-1)))
    clock = world.hub.clock
    world.hub.clock = lambda: clock() + 31 * 86_400_000_000

    after = (await world.http.get("/health")).json()

    assert before == {"status": "pass"}
    assert [one for one in after["notes"] if one in (RUN_OUT, OLD_LIST)] == [RUN_OUT, OLD_LIST]


@pytest.fixture
def _anew() -> Iterator[None]:
    """Settings are read from the environment of the test."""
    chosen.cache_clear()
    yield
    chosen.cache_clear()


@pytest.mark.usefixtures("_anew")
def test_a_file_is_sealed_by_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    holder = a_signer(region().below, "連携 hub")
    (tmp_path / "seal.key").write_bytes(holder.key_pem)
    (tmp_path / "seal.key").chmod(0o600)
    (tmp_path / "seal.pem").write_bytes(holder.pem + region().below.pem)
    write_trust(tmp_path / "trust", documents=region().root.pem)
    (tmp_path / "index.csv").write_bytes(b"a,b\n")
    for name, value in (("HOME", ""), ("SEAL_KEY", "seal.key"), ("SEAL_CERTIFICATE", "seal.pem")):
        monkeypatch.setenv(f"RENKEI_{name}", str(tmp_path / value))

    made = CliRunner().invoke(seal, [str(tmp_path / "index.csv")], catch_exceptions=False)
    signature = ("--signature", str(tmp_path / "index.csv.jws"))

    assert made.output == f"Wrote {tmp_path / 'index.csv.jws'}\n"
    assert verified(b"a,b\n", tmp_path, tmp_path / "trust", *signature)[0] == 0
    assert verified(b"a,c\n", tmp_path, tmp_path / "trust", *signature)[0] == 3
