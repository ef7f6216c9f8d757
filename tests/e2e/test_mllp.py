"""HL7 v2 with a hub as an operator runs it: clients as they come, a kill, a database that is away."""

import asyncio
import contextlib
import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from hl7.client import MLLPClient

from app.exchange.mllp.source import Binding
from app.settings import Settings
from tests import postgresql
from tests.certificates import Authority
from tests.e2e.crashing import _create_database
from tests.e2e.npm_packages import NODE, installed
from tests.hub_process import HubProcess, hub_process
from tests.mllp import a_message, add_binding, listening
from tests.ports import free_ports
from tests.world import running

SEND = Path(sys.executable).parent / "mllp_send"
CLIENT_SECONDS = 60


def a_patient_message(number: int, kind: str = "ADT^A28") -> str:
    return a_message("EVN||20260401120000", f"PID|||{number}||山田^太郎", kind=kind, id=f"M{number}")


def connected(port: int) -> MLLPClient:
    """Connect once the hub listens; it does so beside its other doors."""
    deadline = time.monotonic() + 20
    while True:
        try:
            client = MLLPClient("127.0.0.1", port)
        except ConnectionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            client.socket.settimeout(CLIENT_SECONDS)
            return client


def said(answer: bytes) -> str:
    """Return MSA-1 and MSA-2 of an answer; empty for none."""
    fields = next((line.split("|") for line in answer.decode().split("\r") if line.startswith("MSA")), ["", "", ""])
    return f"{fields[1]} {fields[2]}".strip()


def patients(hub: HubProcess) -> dict[str, str]:
    """Return the Patients of hospital-a by their numbers, each with its version."""
    found: dict[str, str] = {}
    address: str | None = f"{hub.address}/fhir/Patient?_count=500"
    headers = hub.token("system-hospital-a")
    while address is not None:
        bundle: dict[str, Any] = httpx.get(address, headers=headers).json()
        for one in bundle.get("entry", []):
            patient = one["resource"]
            number = patient["identifier"][0]["value"]
            assert number not in found
            found[number] = patient["meta"]["versionId"]
        address = next((link["url"] for link in bundle["link"] if link["relation"] == "next"), None)
    return found


def test_what_is_acknowledged_survives_a_kill_and_what_is_not_is_sent_again(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    with hub_process(tmp_path / "hub", RENKEI_MLLP_PORT=str(port)) as hub:
        hub.together(("mllp-source", "add", "ehr", "--client", "system-hospital-a", "--network", "127.0.0.1"))
        connected(port).close()
        sent = tmp_path / "messages.hl7"
        sent.write_text("".join(a_patient_message(number).replace("\r", "\n") for number in (1, 2)))
        command = [str(SEND), "--loose", "--file", str(sent), "--port", str(port), "127.0.0.1"]
        by_mllp_send = subprocess.run(command, capture_output=True, text=True, timeout=CLIENT_SECONDS)
        acknowledged, unsure = _kill_while_sending(hub, port)
        hub.start()
        with connected(port) as client:
            again = said(client.send_message(a_patient_message(unsure)))
        found = patients(hub)

    assert (by_mllp_send.returncode, by_mllp_send.stdout.count("MSA|AA|")) == (0, 2)
    assert again == f"AA M{unsure}"
    assert set(found) == {"1", "2", str(unsure), *map(str, acknowledged)}
    assert set(found.values()) == {"1"}


def _kill_while_sending(hub: HubProcess, port: int) -> tuple[list[int], int]:
    """Kill the hub while it is sent messages; return which it acknowledged, and the one that it did not."""
    acknowledged: list[int] = []
    killing = threading.Timer(0.5, hub.kill)
    with connected(port) as client:
        killing.start()
        for number in range(100, 5_000):
            answer = b""
            with contextlib.suppress(ConnectionError):
                answer = client.send_message(a_patient_message(number))
            if not answer:
                killing.join()
                return acknowledged, number
            assert said(answer) == f"AA M{number}"
            acknowledged.append(number)
    raise AssertionError("The hub was not killed")


@pytest.mark.anyio
async def test_node_hl7_client_sends_as_it_comes_with_its_certificate(settings: Settings, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.issue("hub")
    chosen = {"mllp_certificate": certificate, "mllp_key": key, "mllp_authority": authority.path}
    shown = [str(one) for one in (authority.path, *authority.issue("node"))]
    async with running(settings.model_copy(update=chosen)) as world, listening(world.hub) as listener:
        headers = await world.client("hospital-a")
        await add_binding(world, Binding("node", "hospital-a-system", subject="CN=node"))
        program = await asyncio.to_thread(lambda: str(installed() / "hl7.mjs"))
        process = await asyncio.create_subprocess_exec(
            *(str(NODE), program, str(listener.port), *shown), stdout=asyncio.subprocess.PIPE
        )
        async with asyncio.timeout(CLIENT_SECONDS):
            printed, _ = await process.communicate()
        (patient,) = (await world.http.get("/fhir/Patient", headers=headers)).json()["entry"]

    assert json.loads(printed) == [["AA", "NODE-1"], ["AA", "NODE-2"], ["AR", "NODE-3"]]
    assert (patient["resource"]["name"][0]["text"], patient["resource"]["meta"]["versionId"]) == ("鈴木", "2")


def test_a_message_that_comes_while_the_database_is_away_is_sent_again_and_done_once(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    with postgresql.running("") as server:
        asyncio.run(_create_database(server, "renkei"))
        with hub_process(tmp_path, f"{server.address}/renkei", RENKEI_MLLP_PORT=str(port)) as hub:
            hub.together(("mllp-source", "add", "ehr", "--client", "system-hospital-a", "--network", "127.0.0.1"))
            with connected(port) as client:
                before = said(client.send_message(a_patient_message(1)))
                server.kill(signal.SIGKILL)
                away = client.send_message(a_patient_message(2))
                server.start()
                deadline = time.monotonic() + 20
                while said(back := client.send_message(a_patient_message(2))) != "AA M2":
                    assert time.monotonic() < deadline, back
            found = patients(hub)

    assert before == "AA M1"
    assert (said(away), b"|207^" in away) == ("AE M2", True)
    assert found == {"1": "1", "2": "1"}
