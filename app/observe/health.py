"""`/health` says whether the hub can answer; `/metrics` how it is doing (Prometheus text)."""

import asyncio
import hmac

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from app.audit.second import take_up
from app.audit.witnessing import warnings
from app.db import DatabaseUnavailable
from app.hub import Hub
from app.imaging.media import waiting
from app.imaging.sources.state import warnings as source_warnings
from app.observe import trusted_time
from app.records.reindex import is_due
from app.records.signatures import seal

router = APIRouter()

DUE = "An older release has indexed what is stored: renkei reindex is due"

LOOPBACK = {"127.0.0.1", "::1"}


def _same(one: str, other: str) -> bool:
    """Compare two secrets in a time that does not tell where they differ."""
    return hmac.compare_digest(one.encode(), other.encode())


@router.get("/health")
async def health(request: Request) -> JSONResponse:
    """Answer 200 while the database answers, 503 otherwise; with notes of what an operator should do."""
    hub: Hub = request.app.state.hub
    try:
        notes = [DUE] if await is_due(hub.database) else []
        notes += hub.notes
        notes += await warnings(hub) + take_up.warnings(hub)
        notes += await trusted_time.warnings(hub)
        notes += await source_warnings(hub)
        notes += await waiting.warnings(hub)
        notes += await asyncio.to_thread(seal.warnings, hub)
    except (DatabaseUnavailable, OSError):
        return JSONResponse({"status": "fail"}, 503)
    return JSONResponse({"status": "warn", "notes": notes} if notes else {"status": "pass"})


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """Answer the metrics to a loopback caller, or to one with the metrics token."""
    hub: Hub = request.app.state.hub
    stated = hub.settings.metrics_token
    host = request.client.host if request.client else ""
    allowed = _same(request.headers.get("authorization", ""), f"Bearer {stated}") if stated else host in LOOPBACK
    if not allowed:
        return Response(status_code=403)
    try:
        await trusted_time.show(hub)
        await waiting.show(hub)
    except (DatabaseUnavailable, OSError):
        # How the hub is doing is asked just then. Whether its clock is right nobody knows.
        trusted_time.SYNCHRONISED.set(0)
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
