"""The proof from outside: what the clients were told against what the hub answers after a crash.

Findings are sentences; a hub that keeps its word gives none.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.e2e.ledger import STUDY, SYSTEM, Deed, Kept, Ledger
from tests.e2e.plan import told

AT_ONCE = 8
"""Requests at a time."""

WHOLE_STUDY = {"images": [200, 200], "counts": [2]}
"""What is seen of a study of two images: each can be had, and one ImagingStudy counts them."""

OR_LIST = 25
"""Identifiers that one search asks for."""

Tokens = Mapping[str, Mapping[str, str]]
Texts = dict[int, str | None]


@dataclass
class _Hub:
    """What the hub answers."""

    http: httpx.AsyncClient
    tokens: Tokens
    found: dict[tuple[str, str], list[dict[str, Any]]] = field(default_factory=dict)
    """By type and identifier, what searches find."""
    texts: dict[str, Texts] = field(default_factory=dict)
    """By `Type/id`, the text of each version in its history."""
    current: dict[str, dict[str, Any] | None] = field(default_factory=dict)
    """By `Type/id`, what a read answers; None when it was deleted."""

    async def get(self, site: str, url: str, **parameters: str) -> httpx.Response:
        return await self.http.get(f"/fhir/{url}", params=parameters, headers=self.tokens[site])

    async def search(self, site: str, type_name: str, markers: list[str]) -> None:
        values = ",".join(f"{SYSTEM}|{marker}" for marker in markers)
        answer = (await self.get(site, type_name, identifier=values, _count="1000")).raise_for_status()
        for entry in answer.json().get("entry", ()):
            identifier = entry["resource"]["identifier"]
            marker = (identifier[0] if isinstance(identifier, list) else identifier)["value"]
            self.found.setdefault((type_name, marker), []).append(entry["resource"])

    async def study(self, site: str, uid: str) -> None:
        """Find a study by DICOMweb and by its ImagingStudy, and fetch its images."""
        address = f"/dicomweb/studies/{uid}"
        listed = await self.http.get(f"{address}/instances", headers=self.tokens[site])
        instances = listed.json() if listed.status_code == 200 else []
        images = [
            await self.http.get(
                f"{address}/series/{one['0020000E']['Value'][0]}/instances/{one['00080018']['Value'][0]}",
                headers={**self.tokens[site], "accept": "application/dicom"},
            )
            for one in instances
        ]
        told = (await self.get(site, "ImagingStudy", identifier=f"urn:dicom:uid|urn:oid:{uid}")).json()
        counts = [entry["resource"]["numberOfInstances"] for entry in told.get("entry", ())]
        if instances or counts:
            self.found[STUDY, uid] = [{"images": [image.status_code for image in images], "counts": counts}]

    async def look(self, name: str, site: str) -> None:
        answer = await self.get(site, f"{name}/_history", _count="1000")
        entries = answer.json()["entry"] if answer.status_code == 200 else []
        numbers = [int(entry["response"]["etag"][3:-1]) for entry in entries]
        texts = [told(entry["resource"]) if "resource" in entry else None for entry in entries]
        self.texts[name] = dict(zip(numbers, texts, strict=True))
        answer = await self.get(site, name)
        self.current[name] = answer.json() if answer.status_code == 200 else None


async def _ask(hub: _Hub, ledger: Ledger, names: Iterable[str]) -> None:
    """Ask the hub for everything that the findings need."""
    wanted: dict[tuple[str, str], set[str]] = {}
    for deed in ledger.deeds:
        for type_name, marker in deed.births:
            wanted.setdefault((deed.site, type_name), set()).add(marker)
    for name in names:
        kept = ledger.kept[name]
        wanted.setdefault((kept.site, name.split("/")[0]), set()).add(kept.marker)
    asked = [hub.look(name, ledger.kept[name].site) for name in names]
    asked += [hub.study(site, uid) for (site, what), uids in wanted.items() if what == STUDY for uid in uids]
    for (site, type_name), markers in wanted.items():
        if type_name == STUDY:
            continue
        ordered = sorted(markers)
        asked += [
            hub.search(site, type_name, ordered[first : first + OR_LIST]) for first in range(0, len(ordered), OR_LIST)
        ]
    gate = asyncio.Semaphore(AT_ONCE)

    async def in_turn(one: Any) -> None:
        async with gate:
            await one

    async with asyncio.TaskGroup() as group:
        for one in asked:
            group.create_task(in_turn(one))


def _versions(name: str, kept: Kept, texts: Texts) -> list[str]:
    """Compare a resource's history with what was acknowledged of it."""
    found = []
    if sorted(texts) != list(range(1, len(texts) + 1)):
        found.append(f"{name} has the versions {sorted(texts)}")
    doubts = list(kept.doubts)
    for number, text in kept.versions.items():
        if number not in texts or texts[number] != text:
            found.append(f"lost: version {number} of {name}, acknowledged as {text}, is {texts.get(number, 'absent')}")
    for number in texts.keys() - kept.versions.keys():
        if texts[number] in doubts:
            doubts.remove(texts[number])
        else:
            found.append(f"twice: version {number} of {name} is {texts[number]}, which nobody sent or was done before")
    return found


def _search_agrees(hub: _Hub, name: str, kept: Kept) -> list[str]:
    """Compare what a search finds with what a read answers."""
    found = [one for one in hub.found.get((name.split("/")[0], kept.marker), ()) if f"/{one['id']}" in name]
    read = hub.current[name]
    if found == ([read] if read else []):
        return []
    return [f"disagree: {name} is read as {read} and found as {found}"]


def _whole(hub: _Hub, ledger: Ledger, deed: Deed) -> list[str]:
    """Tell whether a deed is there in whole or not at all, once, and as its answer said."""
    known = {(name.split("/")[0], ledger.kept[name].marker) for name, texts in hub.texts.items() if 1 in texts}
    parts = {f"{type_name} {marker}": (type_name, marker) in hub.found for type_name, marker in deed.births}
    for type_name, marker in deed.births:
        parts[f"{type_name} {marker}"] |= (type_name, marker) in known
    for name, text in deed.changes:
        parts[f"{name} {text}"] = text in hub.texts[name].values()
    there = sum(parts.values())
    found = []
    if 0 < there < len(parts):
        found.append(f"half: of {deed.request_id} ({deed.outcome}) there is {parts}")
    if there == 0 and deed.outcome == "done":
        found.append(f"lost: {deed.request_id}, which was acknowledged")
    if there and deed.outcome == "refused":
        found.append(f"{deed.request_id} was refused and is there")
    for type_name, marker in deed.births:
        seen = hub.found.get((type_name, marker), [])
        if len(seen) > 1:
            found.append(f"twice: {type_name} {marker}")
        if type_name == STUDY and seen not in ([], [WHOLE_STUDY]):
            found.append(f"half: study {marker} is {seen}")
    return found


async def findings(address: str, tokens: Tokens, ledger: Ledger, *, everything: bool = False) -> list[str]:
    """Return what the hub answers otherwise than it told the clients, and clear the ledger's doubts.

    Args:
        address: The hub's.
        tokens: Headers of each site.
        ledger: What the clients were told.
        everything: Whether to look at all that was ever acknowledged, not only at this round's.
    """
    changed = {name for deed in ledger.deeds for name, _ in deed.changes}
    born = {marker for deed in ledger.deeds for _, marker in deed.births}
    names = [name for name, kept in ledger.kept.items() if everything or name in changed or kept.marker in born]
    async with httpx.AsyncClient(base_url=address, timeout=60) as http:
        hub = _Hub(http, tokens)
        await _ask(hub, ledger, names)
    found = [*ledger.surprises]
    for deed in ledger.deeds:
        found += _whole(hub, ledger, deed)
    for name in names:
        kept = ledger.kept[name]
        found += _versions(name, kept, hub.texts[name]) + _search_agrees(hub, name, kept)
        kept.versions, kept.doubts = hub.texts[name], []
    return found
