"""The application: every door of the hub under one address."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cached_property

from fastapi import FastAPI
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from app.access.cors import is_from_elsewhere, preflight, shown
from app.access.node import node_authentication
from app.access.oauth.routes import router as oauth
from app.access.proxy import believed
from app.access.throttle import DOORS, throttled
from app.audit.inbound.feed import BASE, FeedRoute
from app.audit.published import routes as audit_log
from app.audit.running import record_start, record_stop
from app.exchange.ssmix2.door import PATH as SSMIX2_FILES
from app.exchange.ssmix2.door import Ssmix2Route
from app.imaging.route import DicomRoute
from app.lifecycle import collect_seldom, open_hub, start_tasks, warn_of_folding, warn_of_reindexing
from app.observe.health import router as observe
from app.portal.gate import nowhere
from app.portal.routes import routes as portal
from app.records.route import FhirRoute
from app.settings import Settings, settings

_FHIR = FhirRoute()


class _Hub(FastAPI):
    """FastAPI, with the FHIR door before its layers: these cost a read an eighth of its speed and do nothing for it."""

    trusted_proxies = ""
    viewer = ""
    """The origin of the full viewer."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.behind(scope, receive, send)

    @cached_property
    def behind(self) -> ASGIApp:
        """The application behind the check of who may say who calls."""
        return believed(self._enter, self.trusted_proxies)

    async def _enter(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and is_from_elsewhere(scope):
            if await preflight(scope, send, self.viewer):
                return
            send = shown(scope, send, self.viewer)
        if _FHIR.matches(scope)[0] is Match.FULL:
            scope["app"] = self
            await _FHIR.handle(scope, receive, send)
            return
        if scope["type"] == "http" and scope["path"] in DOORS:
            scope["app"] = self
            if await throttled(scope, receive, send):
                return
        await super().__call__(scope, receive, send)


def create_app(chosen: Settings | None = None, *, alone: bool = False) -> FastAPI:
    """Return the ASGI application.

    Args:
        chosen: The settings; those of the environment when None.
        alone: Whether the process is the hub's own; its start, its stop and settings that changed are then on record.
    """
    used = chosen or settings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.hub = await open_hub(used)
        await warn_of_folding(app.state.hub)
        await warn_of_reindexing(app.state.hub)
        start_tasks(app.state.hub)
        if alone:
            collect_seldom()
            await record_start(app.state.hub)
        yield
        if alone:
            await record_stop(app.state.hub)
        await app.state.hub.close()

    app = _Hub(title="Renkei", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.trusted_proxies = used.trusted_proxies
    app.viewer = used.ohif_address
    app.router.routes.insert(0, _FHIR)
    app.router.routes.insert(1, DicomRoute())
    app.include_router(oauth)
    app.include_router(observe)
    app.router.routes.append(Route("/node-authentication", node_authentication, methods=["POST"]))
    app.router.routes.extend(audit_log)
    app.router.routes.append(Route(f"{BASE}/{{place:path}}", FeedRoute()))
    app.router.routes.append(Route(BASE, FeedRoute()))
    app.router.routes.append(Route(SSMIX2_FILES, Ssmix2Route(), methods=["POST"]))
    app.router.routes.extend(portal)
    app.add_exception_handler(404, nowhere)
    app.add_exception_handler(405, nowhere)
    return app


def served() -> FastAPI:
    """Return the application as a server of its own runs it."""
    return create_app(alone=True)
