"""Starts, stops and changed settings of the hub, as audit events.

DICOM PS3.16, CID 401: Application Start, Application Stop, Security Configuration.
"""

import hmac
import logging
from collections.abc import Mapping

from sqlalchemy import delete, select

from app.audit.log import AuditUnavailable
from app.audit.record import Event
from app.audit.running_tables import known_setting
from app.db import DatabaseUnavailable, WriteConnection
from app.hub import Hub
from app.settings import Settings

CLIENT = "renkei"

SECRET = frozenset({"database", "metrics_token", "oidc_client_secret", "audit_feed_token"})
"""Settings whose values are told nowhere, and kept as an HMAC only."""

TURN = 0x7365_7474
"""The key of the lock under which settings are compared: several processes start at once."""

_KNOWN = select(known_setting.c.name, known_setting.c.value)
_FORGET = delete(known_setting)

logger = logging.getLogger(__name__)


def _event(hub: Hub, interaction: str, words: str) -> Event:
    return Event(recorded=hub.clock(), action="E", interaction=interaction, client=CLIENT, description=words)


def as_kept(chosen: Settings, key: bytes) -> dict[str, str]:
    """Return every setting as it is remembered: its value as text, of a secret an HMAC under `key`."""
    found = {}
    for name in type(chosen).model_fields:
        text = str(getattr(chosen, name))
        found[name] = hmac.digest(key, f"{name}\0{text}".encode(), "sha256").hex() if name in SECRET else text
    return found


def changes(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Return what is set otherwise than before, one sentence each; nothing of a secret but that it changed."""
    names = [name for name in sorted({*before, *now}) if before.get(name) != now.get(name)]
    return [
        f"{name}: changed" if name in SECRET else f"{name}: {before.get(name, 'none')} → {now.get(name, 'none')}"
        for name in names
    ]


async def _compare(hub: Hub, connection: WriteConnection) -> list[Event]:
    """Return the event of settings that changed since the last start, and remember those of now."""
    await connection.lock(TURN)
    before = {str(name): str(value) for name, value in await connection.fetch(_KNOWN, {})}
    now = as_kept(hub.settings, hub.audit.keys.access_key(hub.audit.keys.current))
    changed = changes(before, now)
    if not changed:
        return []
    await connection.execute(_FORGET, {})
    await connection.insert(known_setting, list(now.items()))
    # The first start has nothing to compare with: the settings are as they are.
    return [_event(hub, "settings", "; ".join(changed)[:10_000])] if before else []


async def record_start(hub: Hub) -> None:
    """Put the start of this process on record, and what is set otherwise than at the last one.

    A hub whose log cannot be written starts all the same: it answers 503 until it can.
    """
    try:
        async with hub.database.write() as connection:
            events = [*await _compare(hub, connection), _event(hub, "start", f"The hub at {hub.settings.address}")]
            await hub.audit.stage(connection, events)
    except DatabaseUnavailable as error:
        logger.critical("The start cannot be recorded: %s", error)


async def record_stop(hub: Hub) -> None:
    """Put the end of this process on record."""
    try:
        await hub.audit.append([_event(hub, "stop", f"The hub at {hub.settings.address}")])
    except AuditUnavailable as error:
        logger.critical("The stop cannot be recorded: %s", error)
