"""A small region for tests: sites, clients, people, and requests in their names.

Plain functions; a test names only what matters to it.
"""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from fastapi import FastAPI

from app.access import directory
from app.access.tables import token
from app.access.tokens import digest
from app.db.sqlite import SqliteDatabase
from app.hub import Hub
from app.main import create_app
from app.settings import Settings

ADDRESS = "http://127.0.0.1:8080"
SITES = {"hospital-a": "hospital", "hospital-b": "hospital", "clinic-c": "clinic", "clinic-d": "clinic"}


@dataclass
class World:
    """A running hub with sites."""

    app: FastAPI
    hub: Hub
    http: httpx.AsyncClient

    async def client(self, site: str, *, role: str = "system", purpose: str = "TREAT") -> dict[str, str]:
        """Return the headers of a system of `site`, made when it is not there yet."""
        name = f"{site}-{role}"
        async with self.hub.database.write() as connection:
            organisation = await directory.find_organisation(connection, site)
            try:
                key = await directory.add_client(
                    connection, id=name, title=name, organisation_key=organisation.key, role=role, jwks='{"keys":[]}'
                )
            except directory.AlreadyThere:
                key = (await connection.fetch(directory._BY_NAME["client"], {"name": name}))[0][0]
            secret = secrets.token_urlsafe(16)
            ends = self.hub.clock() + 3600 * 1_000_000
            await connection.insert(token, [(digest(secret), key, purpose, "", ends)])
        return {"Authorization": f"Bearer {secret}"}

    async def post(self, caller: dict[str, str], resource: dict[str, Any]) -> dict[str, Any]:
        """Create a resource and return it as stored."""
        response = await self.http.post(f"/fhir/{resource['resourceType']}", headers=caller, json=resource)
        assert response.status_code == 201, response.text
        return dict(response.json())

    async def total(self, caller: dict[str, str], query: str) -> int:
        """Return the total of a search."""
        response = await self.http.get(f"/fhir/{query}", headers=caller)
        assert response.status_code == 200, response.text
        return int(response.json()["total"])


async def add_sites(hub: Hub) -> None:
    """Add the sites, a secretariat and an audit office."""
    kinds = {**SITES, "secretariat": "secretariat", "audit-office": "audit"}
    async with hub.database.write() as connection:
        for number, (slug, kind) in enumerate(kinds.items(), start=1):
            await directory.add_organisation(
                connection,
                slug=slug,
                title=slug,
                kind=kind,
                number=f"01100000{number:02d}" if kind in {"hospital", "clinic"} else "",
                resource_id=slug,
            )


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[World]:
    """Run a hub on a database that is migrated, with sites."""
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        if isinstance(app.state.hub.database, SqliteDatabase):
            # As on the PostgreSQL of these tests: the power is not cut here. tests/e2e has real processes for that.
            app.state.hub.database._writer.raw.execute("PRAGMA synchronous=OFF")
        await add_sites(app.state.hub)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url=ADDRESS) as http:
            yield World(app, app.state.hub, http)


def a_patient(**fields: Any) -> dict[str, Any]:
    """Return a Patient."""
    return {
        "resourceType": "Patient",
        "name": [{"family": "山田", "given": ["太郎"]}],
        "birthDate": "1960-01-02",
        "gender": "male",
        **fields,
    }


def an_observation(patient: str, **fields: Any) -> dict[str, Any]:
    """Return an Observation of a Patient given by id."""
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [
            {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}]}
        ],
        "code": {"coding": [{"system": "http://loinc.org", "code": "4548-4"}]},
        "subject": {"reference": f"Patient/{patient}"},
        "effectiveDateTime": "2024-05-01T10:00:00+09:00",
        "valueQuantity": {"value": 6.3, "unit": "%"},
        **fields,
    }


def a_consent(patient: str, receiver: str, **provision: Any) -> dict[str, Any]:
    """Return an active Consent that permits a site, given by its slug, to see all of a Patient's data."""
    return {
        "resourceType": "Consent",
        "status": "active",
        "scope": {
            "coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}]
        },
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "policyRule": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "OPTIN"}]},
        "patient": {"reference": f"Patient/{patient}"},
        "provision": {
            "type": "permit",
            "actor": [
                {
                    "role": {"coding": [{"code": "IRCP"}]},
                    "reference": {"reference": f"Organization/{receiver}"},
                }
            ],
            **provision,
        },
    }
