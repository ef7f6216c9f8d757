"""Loads the demo region through the hub's own doors, as its sites' systems would.

Progress is yielded step by step; an interrupted load is begun anew on an empty hub.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import orjson
from fastapi import FastAPI
from joserfc.jwk import ECKey

from app.access.directory import find_organisation
from app.access.enrol import client_key_path, enrol_account, enrol_client, enrol_organisation
from app.access.signing import ASSERTION_TYPE, client_assertion
from app.consent.write import consent_resource
from app.demo.accounts import HEADS
from app.demo.consents import DefaultConsent
from app.demo.documents import documents
from app.demo.imaging import ImagingOrder, studies
from app.demo.records import directory, transactions
from app.demo.region import Region
from app.demo.stow import study_body
from app.hub import Hub
from app.records.inside import write_new_as
from fhir.store.labels import ACT_CODE, CONFIDENTIALITY

PASSWORD = "Renkei-demo-2026"  # noqa: S105 - of people who do not exist, on a hub that shows made-up patients
"""The password of every account of the demo."""

_KINDS = {"secretariat": "secretariat", "audit-office": "audit"}
_JSON = {"content-type": "application/fhir+json"}


class LoadRefused(Exception):
    """The hub refused a part of the demo: the generator and the hub disagree."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step that was done."""

    text: str
    done: int
    of: int


class _Site:
    """One site's system, signed in."""

    def __init__(self, http: httpx.AsyncClient, hub: Hub, slug: str) -> None:
        self._http = http
        self._hub = hub
        self._client = f"demo-{slug}"
        self._token = ""
        self._ends = 0

    async def _headers(self) -> dict[str, str]:
        if self._hub.clock() > self._ends:
            settings = self._hub.settings
            key = ECKey.import_key(orjson.loads(client_key_path(settings, self._client).read_bytes()))
            audience = f"{settings.address}/oauth/token"
            form = {
                "grant_type": "client_credentials",
                "client_assertion_type": ASSERTION_TYPE,
                "client_assertion": client_assertion(self._client, key, audience),
            }
            answer = (await self._http.post("/oauth/token", data=form)).json()
            self._token = answer["access_token"]
            self._ends = self._hub.clock() + (answer["expires_in"] - 30) * 1_000_000
        return {"authorization": f"Bearer {self._token}"}

    async def post(self, path: str, body: bytes, headers: dict[str, str]) -> Any:
        """Post and return the answer's JSON.

        Raises:
            LoadRefused: the hub refused.
        """
        response = await self._http.post(path, headers=await self._headers() | headers, content=body)
        if response.status_code not in (200, 201):
            raise LoadRefused(f"{path}: {response.status_code} {response.text[:2000]}")
        return response.json()

    async def find_patient(self, number: str) -> str:
        """Return the id of the site's Patient with a patient number."""
        response = await self._http.get(f"/fhir/Patient?identifier={number}", headers=await self._headers())
        return str(response.json()["entry"][0]["resource"]["id"])


@asynccontextmanager
async def running(app: FastAPI) -> AsyncIterator[tuple[Hub, httpx.AsyncClient]]:
    """Run the application without a socket."""
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", timeout=60) as http:
            yield app.state.hub, http


async def _enrol(hub: Hub, region: Region) -> None:
    for site in region.sites:
        kind = _KINDS.get(site.slug, site.kind)
        number = site.institution if site.kind != "office" else ""
        await enrol_organisation(hub, slug=site.slug, title=site.name, kind=kind, number=number)
    for client in region.clients:
        await enrol_client(
            hub, id=client.client_id, title=client.name, organisation=client.site, role="system", jwks=None
        )
    for account in region.accounts:
        await enrol_account(
            hub,
            name=account.user,
            title=account.name,
            organisation=account.site,
            role=account.role,
            password=PASSWORD,
            must_change=False,
            head=account.user in HEADS,
            listed=False,  # the region's directory has them already, with more than an account says
        )


def _staff(region: Region, slug: str) -> bytes:
    """Return the transaction of a site's staff; its Organization is there since it was enrolled."""
    bundle = directory(region, slug)
    place = bundle["entry"][0]["fullUrl"]
    entries = bundle["entry"][1:]
    for entry in entries:
        entry["request"].pop("ifNoneExist", None)
    return orjson.dumps({**bundle, "entry": entries}).replace(place.encode(), f"Organization/{slug}".encode())


def _provision(consent: DefaultConsent) -> dict[str, Any]:
    """Return the limits of a person's answer beyond who may see."""
    provision: dict[str, Any] = {
        "period": {"start": consent.since.isoformat()},
        "actor": [
            {"role": {"coding": [{"code": "CST"}]}, "reference": {"reference": f"Organization/{slug}"}}
            for slug in consent.disclosing
        ],
    }
    if consent.released_labels:
        normal = {"system": CONFIDENTIALITY, "code": "N"}
        labels = [{"system": ACT_CODE, "code": code} for code in consent.released_labels]
        provision["securityLabel"] = [normal, *labels]
    if consent.excluded_types:
        system = "http://hl7.org/fhir/resource-types"
        kinds = [{"system": system, "code": name} for name in consent.excluded_types]
        provision["provision"] = [{"type": "deny", "class": kinds}]
    return provision


async def _consent(hub: Hub, region: Region, consent: DefaultConsent, site: _Site) -> None:
    patient = region.person(consent.person).at(consent.desk)
    if patient is None or consent.pattern == "none":
        return
    organisation = await find_organisation(hub.database.reader, consent.desk)
    given = datetime.combine(consent.since, datetime.min.time(), UTC)
    resource = consent_resource(
        await site.find_patient(patient.number),
        organisation.reference,
        (),
        permit=True,
        now=int(given.timestamp() * 1_000_000),
        provision=_provision(consent),
    )
    resource["provision"]["actor"] += [
        {"role": {"coding": [{"code": "IRCP"}]}, "reference": {"reference": f"Organization/{slug}"}}
        for slug in consent.receiving
    ]
    if consent.withdrawn:
        resource["status"] = "inactive"
    await write_new_as(hub, organisation, orjson.dumps(resource))


async def _image(site: _Site, order: ImagingOrder) -> None:
    content_type, body = study_body(order)
    await site.post("/dicomweb/studies", body, {"content-type": content_type, "accept": "application/dicom+json"})


async def load(app: FastAPI, region: Region) -> AsyncIterator[Step]:
    """Load `region` into an empty hub and yield each step as it is done.

    Raises:
        AlreadyThere: the hub is not empty.
        LoadRefused: the hub refused a part.
    """
    async with running(app) as (hub, http):
        await _enrol(hub, region)
        yield Step("sites, systems and people", 1, 1)
        sites = {client.site: _Site(http, hub, client.site) for client in region.clients}
        for slug, site in sites.items():
            await site.post("/fhir", _staff(region, slug), _JSON)
        patients = [(slug, bundle) for slug in sites for bundle in transactions(region, slug)]
        for number, (slug, bundle) in enumerate(patients, start=1):
            await sites[slug].post("/fhir", orjson.dumps(bundle), _JSON)
            yield Step("patients and their records", number, len(patients))
        papers = [(slug, paper) for slug in sites for _, paper in documents(region, slug)]
        for number, (slug, paper) in enumerate(papers, start=1):
            await sites[slug].post("/fhir/Bundle", orjson.dumps(paper), _JSON)
            yield Step("documents", number, len(papers))
        orders = [(slug, order) for slug in sites for order in studies(region, slug)]
        for number, (slug, order) in enumerate(orders, start=1):
            await _image(sites[slug], order)
            yield Step("imaging studies", number, len(orders))
        for number, consent in enumerate(region.consents, start=1):
            await _consent(hub, region, consent, sites[consent.desk])
            yield Step("consents", number, len(region.consents))
