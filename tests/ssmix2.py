"""Files of a made SS-MIX2 store, and how tests send them to the hub."""

import json
from base64 import b64encode
from typing import Any

from app.exchange.ssmix2.kinds import Flag
from app.exchange.ssmix2.path import NO_DATE, NO_ORDER, Name, path_of
from benchmarks.ssmix2.messages import About, message
from tests.world import World

DOOR = "/exchange/ssmix2/files"


def a_file(
    kind: str = "ADT-00",
    *,
    number: str = "0000000101",
    day: str = "20200401",
    order: str = "",
    occurred: str = "20200401090000000",
    flag: int = 1,
    salt: int = 1,
    department: str = "01",
) -> tuple[str, bytes]:
    """Return the path and the bytes of a made file."""
    whole = kind in ("ADT-00", "ADT-61", "PPR-01")
    order = order or (NO_ORDER if kind.startswith(("ADT", "PPR")) else "000000000000123")
    name = Name(number, NO_DATE if whole else day, kind, order, occurred, department, Flag(flag))
    return path_of(name), message(About(kind, 7, number, day, occurred, order, salt))


def with_flag(file: tuple[str, bytes], flag: int, body: bytes | None = None) -> tuple[str, bytes]:
    """Return a file renamed: with another condition flag."""
    return f"{file[0][:-1]}{flag}", file[1] if body is None else body


def batch(*files: tuple[str, bytes | dict[str, bytes]]) -> bytes:
    """Return files as the door takes them."""
    lines: list[dict[str, Any]] = []
    for path, body in files:
        if isinstance(body, bytes):
            lines.append({"path": path, "body": b64encode(body).decode()})
        else:
            lines.append({"path": path, "parts": {name: b64encode(one).decode() for name, one in body.items()}})
    return b"\n".join(json.dumps(line).encode() for line in lines)


async def send(world: World, caller: dict[str, str], *files: tuple[str, bytes | dict[str, bytes]]) -> list[str]:
    """Send files and return what became of each: its state."""
    return [one["state"] for one in await told(world, caller, *files)]


async def told(
    world: World, caller: dict[str, str], *files: tuple[str, bytes | dict[str, bytes]]
) -> list[dict[str, Any]]:
    """Send files and return what the hub says of each."""
    headers = {**caller, "content-type": "application/x-ndjson"}
    response = await world.http.post(DOOR, headers=headers, content=batch(*files))
    assert response.status_code == 200, response.text
    return list(response.json()["files"])


async def found(world: World, caller: dict[str, str], query: str) -> list[dict[str, Any]]:
    """Return the resources that a search finds."""
    response = await world.http.get(f"/fhir/{query}", headers=caller)
    assert response.status_code == 200, response.text
    return [one["resource"] for one in response.json().get("entry", [])]
