"""A hidden patient's every field holds a canary; no door, interaction, type or role lets it out.

Hidden are two versions of a resource of every type, a document that is taken apart, and images. Every role of another
site asks every type by every interaction, and every route; every role of a person asks every page with a session; both
ask every DICOMweb service that reads. What is not asked: purposes of use other than treatment, and search parameters
beyond those of `_searches`; tests/property asks for these, and tests/app/imaging/test_canary.py for images.

A route, an interaction or a type that is not known here fails the test: whoever adds one adds how it is called.
"""

import asyncio
import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from urllib.parse import urlencode

import pytest

from app.access.caller import ROLES, Caller
from app.access.epoch import current
from app.access.identify import COOKIE
from app.access.sessions import csrf_token
from app.consent.decide import SEES_EVERYWHERE, Authority
from app.consent.visibility import EVERY_CATEGORY, EVERYTHING_VISIBLE
from app.imaging.route import DicomRoute
from app.records.commit import committed
from app.records.interactions import INTERACTIONS
from app.records.prepare import prepare
from app.records.request import FhirRequest
from app.records.route import FhirRoute
from app.records.writing import Writing
from fhir.store.categories import Category, category
from fhir.store.types import NUMBERS
from fhir.xml.to_xml import to_xml
from tests.asgi import Answer, call
from tests.canary import CANARY, a_canary, found_in
from tests.canary_images import (
    INSTANCE,
    OWN_SERIES,
    OWNER,
    PATIENT_ID,
    SERIES,
    SHARED_STUDY,
    STRANGER,
    STUDY,
    plant,
    searches,
    shown,
)
from tests.feed import a_change, a_message
from tests.media import a_hidden_disc
from tests.mhd import a_binary, a_submission
from tests.oauth import a_client, asked
from tests.portal import a_session
from tests.world import World

pytestmark = [pytest.mark.anyio, pytest.mark.uncounted]

PATIENT = f"Patient/{PATIENT_ID}"
DISC = 777
"""The number of a disc in the owner's quarantine."""
JSON, XML, FORM = "application/fhir+json", "application/fhir+xml", "application/x-www-form-urlencoded"
JSON_PATCH = "application/json-patch+json"
GRAPHQL = "application/graphql"

DOCUMENTS = ("Bundle", "DocumentReference", "Composition", "Binary", "DiagnosticReport")

Request = tuple[str, str, bytes, str]
"""Method, address, body, media type."""


def id_of(type_name: str) -> str:
    return f"{OWNER}-hidden" if type_name == "Patient" else f"{OWNER}-{type_name.lower()}"


def _document() -> bytes:
    entries = [("c", "Composition"), ("p", "Patient"), ("o", "Observation")]
    made = [
        {"fullUrl": f"urn:uuid:00000000-0000-4000-8000-00000000000{n}", "resource": a_canary(kind, PATIENT)}
        for n, (_, kind) in enumerate(entries)
    ]
    text = json.dumps(
        {
            "resourceType": "Bundle",
            "type": "document",
            "timestamp": "2024-05-01T10:00:00+09:00",
            "identifier": {"system": "urn:oid:1.2.3", "value": CANARY},
            "entry": made,
        }
    )
    return text.replace(PATIENT, made[1]["fullUrl"]).encode()


def _bundle(kind: str, *entries: dict[str, Any]) -> bytes:
    return json.dumps({"resourceType": "Bundle", "type": kind, "entry": entries}).encode()


def _entry(method: str, url: str, resource: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"request": {"method": method, "url": url}} | ({"resource": resource} if resource else {})


# What a stranger may send: the canary itself is not in it.
def _innocent(type_name: str, **fields: Any) -> dict[str, Any]:
    return {"resourceType": type_name, "id": id_of(type_name), **fields}


def _deletion(type_name: str) -> dict[str, Any]:
    """Return a FHIRPath Patch that takes the language out."""
    parts = [{"name": "type", "valueCode": "delete"}, {"name": "path", "valueString": f"{type_name}.language"}]
    return {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}]}


def _searches(type_name: str) -> list[str]:
    return [
        *("", "?_count=0", "?_summary=count", f"?_id={id_of(type_name)}", "?_sort=-_lastUpdated&_count=1"),
        *("?_summary=true", "?_summary=text", "?_elements=id", "?_lastUpdated=ge2020"),
        f"?_revinclude=Observation:patient&_id={id_of(type_name)}",
        "?_format=xml",
        # Of an auditor: a question to the log (ITI-81).
        *(("?date=ge2020&date=lt2100&_count=1000",) if type_name == "AuditEvent" else ()),
    ]


_META = json.dumps(
    {"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": {"tag": [{"code": "a"}]}}]}
).encode()

_TERMINOLOGY = {
    "type/$expand": "url=http://example.org/vs",
    "type/id/$expand": "",
    "type/$validate-code": "url=http://example.org/vs&system=http://example.org&code=a",
    "type/id/$validate-code": "system=http://example.org&code=a",
    "type/$lookup": "system=http://example.org&code=a",
    "type/$subsumes": "system=http://example.org&codeA=a&codeB=b",
    "type/id/$subsumes": "codeA=a&codeB=b",
    "type/$translate": "system=http://example.org&code=a",
    "type/id/$translate": "code=a",
}
"""The operations of terminology, and what they are asked."""


def _replacing(kind: str, id_: str) -> dict[str, Any]:
    """Return a Bundle that provides a document in place of another one."""
    return a_submission(PATIENT_ID, relatesTo=[{"code": "replaces", "target": {"reference": f"{kind}/{id_}"}}])


def _of_terminology(method: str, form: str, query: str, kind: str, id_: str) -> list[Request]:
    """Return how an operation of terminology is asked; of other types it is no address, which one of them shows."""
    if kind not in ("ValueSet", "CodeSystem", "ConceptMap", "Patient"):
        return []
    address = f"/fhir/{form.format(kind=kind, id_=id_)}"
    return [(method, address, b"", JSON if method == "POST" else ""), (method, f"{address}?{query}", b"", "")]


_GENERATED = tuple(
    {"resourceType": "Parameters", "parameter": [{"name": "document", "resource": one}]}
    for one in (a_binary(), a_binary(b"x", "text/xml"))
)
"""Documents of which a stranger lets the hub make metadata."""

_MATCHED = (
    {"resourceType": "Patient", "name": [{"family": "山田", "given": ["太郎"]}], "birthDate": "1960-01-02"},
    {"resourceType": "Patient", "identifier": [{"system": "urn:oid:1.2.3", "value": "1"}]},
)
"""Whom a stranger describes."""

FORMS: dict[tuple[str, str], Callable[[str, str], list[Request]]] = {
    ("GET", "type"): lambda kind, _: [("GET", f"/fhir/{kind}{query}", b"", "") for query in _searches(kind)],
    ("POST", "type"): lambda kind, _: [("POST", f"/fhir/{kind}", json.dumps(_innocent(kind)).encode(), JSON)],
    ("POST", "type/_search"): lambda kind, id_: [("POST", f"/fhir/{kind}/_search", f"_id={id_}".encode(), FORM)],
    ("GET", ""): lambda kind, id_: [
        ("GET", f"/fhir?_type={kind}{query}", b"", "") for query in ("", f"&_id={id_}", "&_summary=true")
    ],
    ("POST", "_search"): lambda kind, id_: [("POST", "/fhir/_search", f"_type={kind}&_id={id_}".encode(), FORM)],
    ("GET", "type/id/member"): lambda kind, id_: [
        ("GET", f"/fhir/{PATIENT}/{kind}", b"", ""),
        ("GET", f"/fhir/{kind}/{id_}/Observation", b"", ""),
    ],
    ("POST", "type/id/member/_search"): lambda kind, _: [("POST", f"/fhir/{PATIENT}/{kind}/_search", b"", FORM)],
    ("GET", "type/id/*"): lambda kind, id_: [("GET", f"/fhir/{kind}/{id_}/*", b"", "")],
    ("POST", "type/id/*/_search"): lambda kind, id_: [("POST", f"/fhir/{kind}/{id_}/*/_search", b"", FORM)],
    ("GET", "type/id"): lambda kind, id_: [
        *((method, f"/fhir/{kind}/{id_}", b"", "") for method in ("GET", "HEAD")),
        ("GET", f"/fhir/{kind}/{id_}?_format=xml", b"", ""),
    ],
    ("PUT", "type/id"): lambda kind, id_: [("PUT", f"/fhir/{kind}/{id_}", json.dumps(_innocent(kind)).encode(), JSON)],
    ("GET", "type/id/$explain"): lambda kind, id_: [
        ("GET", f"/fhir/{kind}/{id_}/$explain?organization={STRANGER}", b"", "")
    ],
    ("POST", "type/id/$explain"): lambda kind, id_: [
        ("POST", f"/fhir/{kind}/{id_}/$explain?organization={STRANGER}", b"", JSON)
    ],
    ("GET", "type/id/$status"): lambda kind, id_: [("GET", f"/fhir/{kind}/{id_}/$status", b"", "")],
    ("PATCH", "type/id"): lambda kind, id_: [
        ("PATCH", f"/fhir/{kind}/{id_}", b'[{"op":"test","path":"/language","value":"ja"}]', JSON_PATCH),
        ("PATCH", f"/fhir/{kind}/{id_}", b'[{"op":"copy","from":"/id","path":"/id"}]', JSON_PATCH),
        ("PATCH", f"/fhir/{kind}/{id_}", json.dumps(_deletion(kind)).encode(), JSON),
    ],
    ("DELETE", "type/id"): lambda kind, id_: [("DELETE", f"/fhir/{kind}/{id_}", b"", "")],
    ("PUT", "type"): lambda kind, id_: [("PUT", f"/fhir/{kind}?_id={id_}", json.dumps(_innocent(kind)).encode(), JSON)],
    ("PATCH", "type"): lambda kind, id_: [
        ("PATCH", f"/fhir/{kind}?_id={id_}", b'[{"op":"test","path":"/language","value":"ja"}]', JSON_PATCH),
    ],
    ("DELETE", "type"): lambda kind, id_: [("DELETE", f"/fhir/{kind}?_id={id_}", b"", "")],
    ("GET", "type/_history"): lambda kind, _: [
        ("GET", f"/fhir/{kind}/_history{query}", b"", "") for query in ("", "?_since=2020", "?_at=gt2020")
    ],
    ("GET", "_history"): lambda kind, _: [("GET", "/fhir/_history?_count=1000", b"", "")] if kind == "Patient" else [],
    ("GET", "type/id/_history"): lambda kind, id_: [
        ("GET", f"/fhir/{kind}/{id_}/_history{query}", b"", "") for query in ("", "?_format=xml")
    ],
    ("GET", "type/id/_history/version"): lambda kind, id_: [
        ("GET", f"/fhir/{kind}/{id_}/_history/{version}", b"", "") for version in (1, 2)
    ],
    ("GET", "type/id/$original"): lambda kind, id_: [("GET", f"/fhir/{kind}/{id_}/$original", b"", "")],
    ("GET", "type/id/_history/version/$original"): lambda kind, id_: [
        ("GET", f"/fhir/{kind}/{id_}/_history/1/$original", b"", "")
    ],
    ("GET", "type/id/$manifest"): lambda kind, id_: [
        ("GET", f"/fhir/{kind}/{id_}/$manifest{query}", b"", "")
        for query in ("", "?form=kos")
        if kind == "ImagingStudy" or (not query and kind == "Patient")
    ],
    ("POST", "type/id/$manifest"): lambda kind, id_: [
        ("POST", f"/fhir/{kind}/{id_}/$manifest{query}", b"", JSON)
        for query in ("", "?persist=snapshot", "?persist=on-demand")
        if kind == "ImagingStudy"
    ],
    # It tells of what is sent alone.
    ("POST", "type/$convert-manifest"): lambda kind, _: [
        ("POST", f"/fhir/{kind}/$convert-manifest", json.dumps(_innocent(kind)).encode(), JSON)
        for _ in range(kind == "ImagingStudy")
    ],
    ("GET", "type/id/$signatures"): lambda kind, id_: [("GET", f"/fhir/{kind}/{id_}/$signatures", b"", "")],
    ("GET", "type/id/$summary"): lambda kind, id_: [
        ("GET", f"/fhir/{kind}/{id_}/$summary{query}", b"", "")
        for query in ("", "?_language=en", "?_format=xml")
        if not query or kind == "Patient"
    ],
    # Of other types these are no addresses, which one of them shows.
    ("GET", "type/$summary"): lambda kind, id_: [
        ("GET", f"/fhir/{kind}/$summary?identifier={value}", b"", "")
        for value in ("text", f"urn:oid:1.2.3|{id_}")
        if kind in ("Patient", "Observation")
    ],
    ("POST", "type/$summary"): lambda kind, id_: [
        ("POST", f"/fhir/{kind}/$summary?identifier=urn:oid:1.2.3|{id_}", b"", JSON) for _ in range(kind == "Patient")
    ],
    ("POST", "type/id/$summary"): lambda kind, id_: [
        ("POST", f"/fhir/{kind}/{id_}/$summary{query}", b"", JSON)
        for query in ("", "?persist=snapshot", "?persist=on-demand")
        if not query or kind == "Patient"
    ],
    ("POST", "type/$validate"): lambda kind, _: [
        ("POST", f"/fhir/{kind}/$validate", json.dumps(_innocent(kind)).encode(), JSON)
    ],
    ("GET", "type/id/$validate"): lambda kind, id_: [
        ("GET", f"/fhir/{kind}/{id_}/$validate{query}", b"", "") for query in ("", "?profile=http://example.org/none")
    ],
    ("POST", "type/id/$validate"): lambda kind, id_: [
        ("POST", f"/fhir/{kind}/{id_}/$validate", b"", JSON),
        *(
            ("POST", f"/fhir/{kind}/{id_}/$validate?mode={mode}", json.dumps(_innocent(kind)).encode(), JSON)
            for mode in ("update", "delete")
        ),
    ],
    ("GET", "type/id/$everything"): lambda kind, id_: [
        ("GET", f"/fhir/{kind}/{id_}/$everything{query}", b"", "") for query in ("", "?_count=1", "?start=2020")
    ],
    ("POST", "type/id/$everything"): lambda kind, id_: [("POST", f"/fhir/{kind}/{id_}/$everything", b"", JSON)],
    # tests/app/records/test_export.py reads what an export of a stranger holds.
    ("GET", "$export"): lambda kind, _: [("GET", f"/fhir/$export?_type={kind}", b"", "")],
    ("POST", "$export"): lambda kind, _: [("POST", "/fhir/$export", b"", JSON)] if kind == "Patient" else [],
    ("GET", "type/$export"): lambda kind, _: [("GET", f"/fhir/{kind}/$export", b"", "")],
    ("POST", "type/$export"): lambda kind, _: [("POST", f"/fhir/{kind}/$export", b"", JSON)],
    ("GET", "type/id/$export"): lambda kind, id_: [("GET", f"/fhir/{kind}/{id_}/$export", b"", "")],
    ("POST", "type/id/$export"): lambda kind, id_: [("POST", f"/fhir/{kind}/{id_}/$export", b"", JSON)],
    ("GET", "$export-status/id"): lambda _, id_: [("GET", f"/fhir/$export-status/{id_}", b"", "")],
    ("DELETE", "$export-status/id"): lambda _, id_: [("DELETE", f"/fhir/$export-status/{id_}", b"", "")],
    ("GET", "$export-file/id/number"): lambda _, id_: [("GET", f"/fhir/$export-file/{id_}/0", b"", "")],
    # tests/app/records/test_later.py reads what a stranger is answered later.
    ("GET", "$async-status/id"): lambda _, id_: [("GET", f"/fhir/$async-status/{id_}", b"", "")],
    ("DELETE", "$async-status/id"): lambda _, id_: [("DELETE", f"/fhir/$async-status/{id_}", b"", "")],
    # tests/app/records/test_import.py imports; whoever is no operator is refused whatever it names.
    ("POST", "$import"): lambda kind, _: [("POST", "/fhir/$import", b"{}", JSON)] if kind == "Patient" else [],
    ("GET", "$import-status/id"): lambda _, id_: [("GET", f"/fhir/$import-status/{id_}", b"", "")],
    ("DELETE", "$import-status/id"): lambda _, id_: [("DELETE", f"/fhir/$import-status/{id_}", b"", "")],
    ("GET", "$import-file/id/number"): lambda _, id_: [("GET", f"/fhir/$import-file/{id_}/0", b"", "")],
    ("POST", "$convert"): lambda kind, _: [("POST", "/fhir/$convert", json.dumps(_innocent(kind)).encode(), JSON)],
    ("GET", "$diff"): lambda kind, id_: [("GET", f"/fhir/$diff?from={kind}/{id_}/_history/1&to={kind}/{id_}", b"", "")],
    ("POST", "$diff"): lambda kind, _: [("POST", "/fhir/$diff", b"", JSON)] if kind == "Patient" else [],
    ("GET", "type/id/$diff"): lambda kind, id_: [("GET", f"/fhir/{kind}/{id_}/$diff?fromVersion=1", b"", "")],
    ("POST", "type/id/$diff"): lambda kind, id_: [("POST", f"/fhir/{kind}/{id_}/$diff", b"", JSON)],
    ("GET", "$graphql"): lambda kind, _: [
        ("GET", f"/fhir/$graphql?{urlencode({'query': query})}", b"", "")
        for query in (f"{{{kind}List{{id}}}}", f"{{{kind}Connection{{count first edges{{resource{{id}}}}}}}}")
    ],
    ("POST", "$graphql"): lambda kind, id_: [
        ("POST", "/fhir/$graphql", f'{{{kind}(id:"{id_}"){{id text{{div}} meta{{tag{{code}}}}}}}}'.encode(), GRAPHQL)
    ],
    ("GET", "type/id/$graphql"): lambda kind, id_: [
        ("GET", f"/fhir/{kind}/{id_}/$graphql?query={{id,meta{{security{{code}}}}}}", b"", "")
    ],
    ("POST", "type/id/$graphql"): lambda kind, id_: [
        ("POST", f"/fhir/{kind}/{id_}/$graphql", b"{ ObservationList(_reference: subject) { id } }", GRAPHQL)
    ],
    ("GET", "type/id/$document"): lambda kind, id_: [("GET", f"/fhir/{kind}/{id_}/$document", b"", "")],
    ("POST", "type/id/$document"): lambda kind, id_: [
        ("POST", f"/fhir/{kind}/{id_}/$document?persist=true", b"", JSON)
    ],
    ("GET", "type/$document"): lambda kind, id_: [
        ("GET", f"/fhir/{kind}/$document?id={kind}/{id_}", b"", "")
        for _ in range(kind in ("Composition", "Observation"))
    ],
    ("POST", "type/$document"): lambda kind, id_: [
        ("POST", f"/fhir/{kind}/$document?id={id_}&persist=true", b"", JSON) for _ in range(kind == "Composition")
    ],
    ("GET", "type/$lastn"): lambda kind, _: [("GET", f"/fhir/{kind}/$lastn?patient={OWNER}-hidden", b"", "")],
    ("POST", "type/$lastn"): lambda kind, _: [("POST", f"/fhir/{kind}/$lastn?patient={OWNER}-hidden", b"", JSON)],
    ("POST", "type/$match"): lambda kind, _: [
        ("POST", f"/fhir/{kind}/$match", json.dumps(body).encode(), JSON) for body in _MATCHED
    ],
    ("GET", "type/$ihe-pix"): lambda kind, id_: [
        ("GET", f"/fhir/{kind}/$ihe-pix?sourceIdentifier=http://127.0.0.1:8080/fhir|{kind}/{id_}", b"", ""),
        ("GET", f"/fhir/{kind}/$ihe-pix?sourceIdentifier=urn:oid:1.2.3|{id_}&targetSystem=urn:oid:1.2.3", b"", ""),
    ],
    ("POST", "type/$generate-metadata"): lambda kind, _: [
        ("POST", f"/fhir/{kind}/$generate-metadata", json.dumps(body).encode(), JSON) for body in _GENERATED
    ],
    ("POST", "type/$ihe-pix"): lambda kind, _: [("POST", f"/fhir/{kind}/$ihe-pix", b"", JSON)],
    ("POST", "$process-message"): lambda kind, id_: [
        ("POST", "/fhir/$process-message", json.dumps(a_message(change)).encode(), JSON)
        for change in (a_change("PUT", f"{kind}/{id_}", _innocent(kind)), a_change("DELETE", f"{kind}/{id_}"))
    ],
    # What still exists is not removed: tests/app/records/test_expunge.py removes what was deleted.
    ("POST", "type/id/$expunge"): lambda kind, id_: [
        ("POST", f"/fhir/{kind}/{id_}/$expunge?expungeDeletedResources=true", b"", JSON)
    ],
    ("GET", "$meta"): lambda kind, _: [("GET", "/fhir/$meta", b"", "")] if kind == "Patient" else [],
    ("GET", "type/$meta"): lambda kind, _: [("GET", f"/fhir/{kind}/$meta", b"", "")],
    ("GET", "type/id/$meta"): lambda kind, id_: [("GET", f"/fhir/{kind}/{id_}/$meta", b"", "")],
    ("GET", "type/id/_history/version/$meta"): lambda kind, id_: [
        ("GET", f"/fhir/{kind}/{id_}/_history/1/$meta", b"", "")
    ],
    **{
        (method, form): partial(_of_terminology, method, form.replace("type", "{kind}").replace("/id", "/{id_}"), query)
        for method in ("GET", "POST")
        for form, query in _TERMINOLOGY.items()
    },
    ("POST", "type/id/$meta-add"): lambda kind, id_: [("POST", f"/fhir/{kind}/{id_}/$meta-add", _META, JSON)],
    ("POST", "type/id/$meta-delete"): lambda kind, id_: [("POST", f"/fhir/{kind}/{id_}/$meta-delete", _META, JSON)],
    ("POST", ""): lambda kind, id_: [
        ("POST", "/fhir", _bundle("batch", _entry("GET", f"{kind}/{id_}"), _entry("GET", kind)), JSON),
        (
            "POST",
            "/fhir?_format=xml",
            to_xml(_bundle("batch", _entry("GET", f"{kind}/{id_}"), _entry("GET", kind))),
            XML,
        ),
        ("POST", "/fhir", _bundle("transaction", _entry("PUT", f"{kind}/{id_}", _innocent(kind))), JSON),
        *(
            ("POST", "/fhir", json.dumps(_replacing(kind, id_)).encode(), JSON)
            for _ in range(kind == "DocumentReference")
        ),
        ("POST", "/fhir", _bundle("transaction", _entry("DELETE", f"{kind}/{id_}")), JSON),
        ("POST", "/fhir", _bundle("transaction", _entry("PATCH", f"{kind}/{id_}", _deletion(kind))), JSON),
        ("POST", "/fhir", _bundle("batch", _entry("PATCH", f"{kind}/{id_}", _deletion(kind))), JSON),
    ],
}
"""How each interaction is called, by its key in INTERACTIONS."""

AUTHORIZE = urlencode(asked())

ROUTES: dict[tuple[str, str], list[Request]] = {
    ("POST", "/oauth/token"): [("POST", "/oauth/token", b"grant_type=client_credentials", FORM)],
    ("GET", "/.well-known/smart-configuration"): [("GET", "/.well-known/smart-configuration", b"", "")],
    ("GET", "/fhir/.well-known/smart-configuration"): [("GET", "/fhir/.well-known/smart-configuration", b"", "")],
    **{
        ("GET", f"/.well-known/{name}"): [("GET", f"/.well-known/{name}", b"", "")]
        for name in ("oauth-authorization-server", "openid-configuration")
    },
    ("GET", "/oauth/jwks"): [("GET", "/oauth/jwks", b"", "")],
    **{
        ("POST", f"/oauth/{name}"): [("POST", f"/oauth/{name}", b"token=x&client_id=app", FORM)]
        for name in ("introspect", "revoke")
    },
    ("POST", "/oauth/launch"): [("POST", "/oauth/launch", f"client_id=app&patient={OWNER}-hidden".encode(), FORM)],
    ("POST", "/exchange/ssmix2/files"): [("POST", "/exchange/ssmix2/files", b"{}", "application/x-ndjson")],
    ("GET", "/health"): [("GET", "/health", b"", "")],
    ("GET", "/metrics"): [("GET", "/metrics", b"", "")],
    ("GET", "/static"): [("GET", "/static/nothing", b"", ""), ("GET", "/static/../settings.py", b"", "")],
    ("GET", "/"): [("GET", f"/?next=/patients/{OWNER}-hidden", b"", "")],
    ("POST", "/sign-in"): [("POST", "/sign-in", b"name=nobody&password=x", FORM)],
    ("GET", "/sign-in/second"): [("GET", f"/sign-in/second?next=/patients/{OWNER}-hidden", b"", "")],
    ("POST", "/sign-in/second"): [("POST", "/sign-in/second", b"code=1", FORM)],
    ("POST", "/sign-in/passkey"): [("POST", "/sign-in/passkey", b"credential=1", FORM)],
    ("GET", "/account"): [("GET", "/account", b"", "")],
    ("POST", "/account/sessions"): [("POST", "/account/sessions", b"id=00", FORM)],
    ("GET", "/account/factors"): [("GET", "/account/factors", b"", "")],
    ("POST", "/account/factors"): [("POST", "/account/factors", b"act=remove&key=1", FORM)],
    ("POST", "/account/recovery-codes"): [("POST", "/account/recovery-codes", b"", FORM)],
    ("GET", "/accounts"): [("GET", f"/accounts{query}", b"", "") for query in ("", f"?site={OWNER}")],
    ("GET", "/accounts.csv"): [("GET", f"/accounts.csv?site={OWNER}", b"", "")],
    ("GET", "/accounts/{name}"): [("GET", f"/accounts/person-doctor-{OWNER}", b"", "")],
    ("POST", "/accounts/{name}"): [("POST", f"/accounts/person-doctor-{OWNER}", b"act=leave&why=a", FORM)],
    ("POST", "/requests"): [("POST", "/requests", f"name=a&title=a&organisation={OWNER}&why=a".encode(), FORM)],
    ("GET", "/requests/new"): [("GET", "/requests/new", b"", "")],
    ("GET", "/requests/{key}"): [("GET", "/requests/1", b"", "")],
    ("POST", "/requests/{key}"): [("POST", "/requests/1", b"act=grant&why=a", FORM)],
    ("GET", "/organisations"): [("GET", "/organisations", b"", "")],
    ("POST", "/organisations"): [("POST", "/organisations", b"title=a&slug=aaa&kind=clinic", FORM)],
    ("GET", "/roles"): [("GET", "/roles", b"", "")],
    ("GET", "/session"): [("GET", "/session", b"", "")],
    ("GET", "/unlock"): [("GET", f"/unlock?next=/patients/{OWNER}-hidden", b"", "")],
    ("POST", "/unlock"): [("POST", "/unlock", b"password=x", FORM)],
    ("GET", "/password"): [("GET", "/password", b"", "")],
    ("POST", "/password"): [("POST", "/password", b"", FORM)],
    ("GET", "/patients"): [("GET", f"/patients?q={text}", b"", "") for text in ("", "text", "2024-05-01", "1")],
    ("GET", "/patients/{id}"): [
        ("GET", f"/patients/{OWNER}-hidden{how}", b"", "")
        for how in ("", "?view=results", "?view=results&series=loinc:4548-4")
    ],
    ("GET", "/patients/{id}/doses"): [("GET", f"/patients/{OWNER}-hidden/doses", b"", "")],
    ("GET", "/patients/{id}/doses.csv"): [("GET", f"/patients/{OWNER}-hidden/doses.csv", b"", "")],
    # tests/app/imaging/reports/test_canary.py asks for what hidden instances say that are no images.
    **{
        ("GET", f"/studies/{{study}}{rest}"): [("GET", f"/studies/{STUDY}{rest}".format(instance=INSTANCE), b"", "")]
        for rest in ("", "/doses.csv", "/objects/{instance}", "/objects/{instance}/content/0")
    },
    **{
        ("GET", f"/studies/{{study}}/objects/{{instance}}/content/0/{place}/{{{name}:int}}"): [
            ("GET", f"/studies/{STUDY}/objects/{INSTANCE}/content/0/{place}/0", b"", "")
        ]
        for place, name in (("pictures", "picture"), ("files", "file"))
    },
    ("GET", "/patients/{id}/summary"): [
        ("GET", f"/patients/{OWNER}-hidden/summary{query}", b"", "") for query in ("", "?lang=en")
    ],
    ("GET", "/patients/{id}/summary.pdf"): [("GET", f"/patients/{OWNER}-hidden/summary.pdf", b"", "")],
    ("GET", "/documents/{type}/{id}"): [
        ("GET", f"/documents/{kind}/{OWNER}-{kind.lower()}", b"", "") for kind in DOCUMENTS
    ],
    ("GET", "/documents/Bundle/{id}"): [("GET", f"/documents/Bundle/{OWNER}-bundle", b"", "")],
    ("GET", "/documents/Bundle/{id}/versions/{number:int}"): [
        ("GET", f"/documents/Bundle/{OWNER}-bundle/versions/1", b"", "")
    ],
    ("GET", "/documents/Bundle/{id}/versions/{number:int}/original"): [
        ("GET", f"/documents/Bundle/{OWNER}-bundle/versions/1/original", b"", "")
    ],
    ("GET", "/documents/{type}/{id}/content/{number:int}"): [
        ("GET", f"/documents/{kind}/{OWNER}-{kind.lower()}/content/0{how}", b"", "")
        for kind in DOCUMENTS
        for how in ("", "?save")
    ],
    ("GET", "/documents/{type}/{id}/content/{number:int}/pictures/{picture:int}"): [
        ("GET", f"/documents/{kind}/{OWNER}-{kind.lower()}/content/0/pictures/0", b"", "") for kind in DOCUMENTS
    ],
    ("GET", "/documents/{type}/{id}/content/{number:int}/files/{file:int}"): [
        ("GET", f"/documents/{kind}/{OWNER}-{kind.lower()}/content/0/files/0", b"", "") for kind in DOCUMENTS
    ],
    ("GET", "/IHEInvokeImageDisplay"): [
        # What is asked comes back in the way to the sign-in: it holds no canary itself.
        ("GET", f"/IHEInvokeImageDisplay?{asked}", b"", "")
        for asked in (f"requestType=STUDY&studyUID={STUDY}", f"requestType=STUDY&studyUID={SHARED_STUDY}", "token=x")
    ],
    ("POST", "/images/links"): [
        ("POST", "/images/links", f"user=a&requestType=STUDY&studyUID={STUDY}".encode(), FORM),
        ("POST", "/images/links", f"user=a&requestType=PATIENT&patientID={CANARY}".encode(), FORM),
    ],
    ("GET", "/images/{study}"): [
        ("GET", f"/images/{study}{how}", b"", "")
        for study in (STUDY, SHARED_STUDY)
        for how in ("", "?keys", "?lang=en")
    ],
    ("GET", "/images/{study}/contents"): [
        ("GET", f"/images/{study}/contents", b"", "") for study in (STUDY, SHARED_STUDY)
    ],
    ("GET", "/images/{study}/pictures"): [
        ("GET", f"/images/{study}/pictures{how}", b"", "")
        for study, series in ((STUDY, SERIES), (SHARED_STUDY, OWN_SERIES))
        for how in ("", f"?series={series}", "?number=1&window=bone")
    ],
    ("GET", "/break-glass"): [("GET", f"/break-glass?patient={OWNER}-hidden", b"", "")],
    ("POST", "/break-glass"): [
        ("POST", "/break-glass", f"patient={OWNER}-hidden&code=other&reason=because&password=x".encode(), FORM)
    ],
    ("POST", "/break-glass/end"): [("POST", "/break-glass/end", b"case=1", FORM)],
    ("GET", "/break-glass/cases"): [("GET", f"/break-glass/cases{query}", b"", "") for query in ("", "?format=csv")],
    ("GET", "/break-glass/cases/{number}"): [("GET", "/break-glass/cases/1", b"", "")],
    ("POST", "/break-glass/cases/{number}"): [("POST", "/break-glass/cases/1", b"site=1&act=ask&remark=a", FORM)],
    ("GET", "/explain"): [
        ("GET", f"/explain?record={kind}/{OWNER}-{kind.lower()}&organisation={STRANGER}", b"", "")
        for kind in ("Observation", "Consent")
    ],
    ("GET", "/consents"): [
        ("GET", f"/consents{query}", b"", "") for query in ("", "?q=text", f"?patient={OWNER}-hidden")
    ],
    ("POST", "/consents"): [
        ("POST", "/consents", f"patient={OWNER}-hidden&effect=permit".encode(), FORM),
        ("POST", "/consents", f"patient={OWNER}-hidden&withdraw={OWNER}-consent".encode(), FORM),
    ],
    ("GET", "/identity"): [
        ("GET", f"/identity{query}", b"", "")
        for query in ("", "?later=1", f"?one={OWNER}-hidden&other={OWNER}-hidden", f"?one={OWNER}-hidden&other=x")
    ],
    ("POST", "/identity"): [
        ("POST", "/identity", f"one={OWNER}-hidden&other={OWNER}-hidden&act=link&reason=x".encode(), FORM)
    ],
    ("GET", "/media"): [("GET", "/media", b"", "")],
    ("POST", "/media"): [("POST", "/media", b"", 'multipart/form-data; boundary="x"')],
    ("GET", "/media/{number}"): [
        ("GET", f"/media/{number}{query}", b"", "") for number in (DISC, DISC + 1) for query in ("", "?format=csv")
    ],
    ("GET", "/media/{number}/patients/{patient}"): [
        ("GET", f"/media/{number}/patients/1{query}", b"", "")
        for number in (DISC, DISC + 1)
        for query in ("", "?q=1951-02-03")
    ],
    ("POST", "/media/{number}/patients/{patient}"): [
        ("POST", f"/media/{number}/patients/1", f"act={act}&patient={OWNER}-hidden".encode(), FORM)
        for number in (DISC, DISC + 1)
        for act in ("patient", "new", "rejected")
    ],
    ("GET", "/images.zip"): [
        ("GET", f"/images.zip?study={STUDY}&study={SHARED_STUDY}{patient}", b"", "")
        for patient in ("", f"&patient={OWNER}-hidden")
    ],
    ("GET", "/rights-requests"): [
        ("GET", f"/rights-requests{query}", b"", "") for query in ("", "?every=1&format=csv")
    ],
    ("POST", "/rights-requests"): [
        (
            *("POST", "/rights-requests"),
            f"kind=disclosure&requester=a&relation=self&received=2026-01-01&text=a&patient={OWNER}-hidden".encode(),
            FORM,
        )
    ],
    ("GET", "/rights-requests/{number}"): [("GET", "/rights-requests/1", b"", "")],
    ("POST", "/rights-requests/{number}"): [("POST", "/rights-requests/1", b"act=note&turn=1&text=a", FORM)],
    ("GET", "/entries"): [("GET", f"/entries{query}", b"", "") for query in ("", "?every=1")],
    ("POST", "/entries"): [("POST", "/entries", b"entry=1&act=approve", FORM)],
    ("GET", "/oauth/authorize"): [
        ("GET", f"/oauth/authorize?{AUTHORIZE}{more}", b"", "") for more in ("", "&find=text")
    ],
    ("POST", "/oauth/authorize"): [
        ("POST", f"/oauth/authorize?{AUTHORIZE}", f"decision=allow&patient={OWNER}-hidden".encode(), FORM)
    ],
    ("GET", "/apps/{client}/open"): [("GET", f"/apps/app/open?patient={OWNER}-hidden", b"", "")],
    ("GET", "/audit"): [("GET", f"/audit{query}", b"", "") for query in ("", f"?patient={PATIENT}", "?source=others")],
    ("GET", "/audit/reviews"): [("GET", f"/audit/reviews{query}", b"", "") for query in ("", "?format=csv")],
    ("POST", "/audit/reviews"): [("POST", "/audit/reviews", b"title=a&every=weekly", FORM)],
    ("GET", "/audit/reviews/{number}"): [("GET", "/audit/reviews/1", b"", "")],
    ("POST", "/audit/reviews/{number}"): [("POST", "/audit/reviews/1", b"act=sign&since=0&until=1&remark=a", FORM)],
    ("GET", "/audit/flags"): [
        ("GET", f"/audit/flags{query}", b"", "") for query in ("", "?state=all&format=csv", f"?patient={OWNER}-hidden")
    ],
    ("POST", "/audit/flags"): [("POST", "/audit/flags", b"flag=1&remark=a", FORM)],
    ("GET", "/audit/flags/{number}"): [("GET", "/audit/flags/1", b"", "")],
    ("GET", "/audit/state"): [("GET", "/audit/state", b"", "")],
    ("GET", "/own-log"): [("GET", f"/own-log{query}", b"", "") for query in ("", "?q=text", "?format=zip")],
    ("GET", "/own-log/{id}"): [
        ("GET", f"/own-log/{OWNER}-hidden{query}", b"", "") for query in ("", "?proofs=1", "?format=zip")
    ],
    ("POST", "/own-log/{id}"): [("POST", f"/own-log/{OWNER}-hidden", b"account=a&act=link", FORM)],
    ("GET", "/watched"): [
        ("GET", f"/watched{query}", b"", "") for query in ("", "?q=text", f"?patient={OWNER}-hidden")
    ],
    ("POST", "/watched"): [("POST", "/watched", f"patient={OWNER}-hidden&why=a".encode(), FORM)],
    ("GET", "/audit/log/checkpoint"): [("GET", "/audit/log/checkpoint", b"", "")],
    ("GET", "/audit/log/tile/{tile:path}"): [("GET", "/audit/log/tile/0/000.p/1", b"", "")],
    **{
        ("GET", f"/audit/log/{word}/{{{name}}}"): [("GET", f"/audit/log/{word}/{number}", b"", "") for number in (0, 1)]
        for word, name in (("record", "index"), ("inclusion", "index"), ("consistency", "size"))
    },
    ("GET", "/third-party"): [
        ("GET", f"/third-party{query}", b"", "") for query in ("", "?format=csv", f"?patient={PATIENT}&site={OWNER}")
    ],
    ("GET", "/flags/{type}/{id}"): [
        ("GET", f"/flags/{kind}/{OWNER}-{kind.lower()}", b"", "") for kind in (*DOCUMENTS, "Observation")
    ],
    ("POST", "/printed"): [
        ("POST", "/printed", urlencode({"page": f"/patients/{OWNER}-hidden"}).encode(), FORM),
        ("POST", "/printed", urlencode({"page": f"/documents/Bundle/{OWNER}-bundle"}).encode(), FORM),
    ],
    # tests/app/audit/test_inbound.py shows who sends, and that auditors alone are shown what was sent.
    ("GET", "/atna/fhir"): [("POST", "/atna/fhir", _bundle("batch"), JSON), ("GET", "/atna/fhir", b"", "")],
    ("GET", "/atna/fhir/{place:path}"): [
        ("POST", "/atna/fhir/AuditEvent", json.dumps(_innocent("AuditEvent")).encode(), JSON),
        ("GET", f"/atna/fhir/AuditEvent/{OWNER}-auditevent", b"", ""),
    ],
    ("POST", "/flags/{type}/{id}"): [("POST", f"/flags/Observation/{OWNER}-observation", b"flag=UNDELIVERED", FORM)],
    # The last of all: they lock the session, and end it.
    ("POST", "/lock"): [("POST", "/lock", f"next=/patients/{OWNER}-hidden".encode(), FORM)],
    ("POST", "/sign-out"): [("POST", "/sign-out", b"", FORM)],
    ("POST", "/node-authentication"): [("POST", "/node-authentication", b"", "")],
    ("GET", "/sign-in/outside"): [("GET", "/sign-in/outside?next=/patients", b"", "")],
    ("GET", "/sign-in/outside/back"): [("GET", "/sign-in/outside/back?code=a&state=b", b"", "")],
    ("POST", "/sign-in/outside/logout"): [("POST", "/sign-in/outside/logout", b"logout_token=a.b.c", FORM)],
}
"""How each route that is neither FHIR nor DICOMweb is called."""

IMAGES: list[Request] = [("GET", address, b"", "") for address in (*shown(), *searches()) if "?" not in address]
"""How each DICOMweb service that reads is called; storing is a test's of tests/app/imaging/test_canary.py."""


def _routes(world: World) -> set[tuple[str, str]]:
    """Return the method and path of every route but the FHIR one and DICOMweb's, whose test is tests/app/imaging."""
    found = set()
    for route in _flat(world.app.router.routes):
        if not isinstance(route, FhirRoute | DicomRoute):
            methods = getattr(route, "methods", None) or {"GET"}
            found |= {(method, getattr(route, "path", repr(route))) for method in methods - {"HEAD"}}
    return found


def _flat(routes: Any) -> Iterator[Any]:
    for route in routes:
        inner = getattr(route, "routes", None) or getattr(getattr(route, "original_router", None), "routes", None)
        if inner:
            yield from _flat(inner)
        else:
            yield route


class _OfTheHub(FhirRequest):
    """Nobody may write an AuditEvent; the hub itself may write and see everything."""

    def decide(self, caller: Caller) -> None:
        super().decide(caller)
        self.visibility = EVERYTHING_VISIBLE
        self._authority = Authority(1, OWNER, EVERY_CATEGORY, False, False)


async def _hide(world: World) -> None:
    """Write a resource of every type about one patient of the owner, in two versions, and a document."""
    now = await current(world.hub.database.reader)
    # Only the secretariat writes a SearchParameter.
    by = Caller(1, OWNER, OWNER, f"Organization/{OWNER}", "secretariat", "TREAT", "owner", epoch=now)
    scope = {"method": "POST", "path": "/fhir", "query_string": b"", "headers": []}
    request = _OfTheHub(world.hub, scope, None, by)  # type: ignore[arg-type]
    for _ in range(2):

        async def work(writing: Writing) -> None:
            for kind in sorted(NUMBERS, key=lambda name: name != "Patient"):
                # An active SearchParameter would be meant for everybody.
                draft = {"status": "draft"} if kind == "SearchParameter" else {}
                made = a_canary(kind, PATIENT) | {"id": id_of(kind), **draft}
                body = json.dumps(made).encode()
                assert found_in(body)
                await writing.update(prepare(body, request.authority), id_of(kind))

        await committed(request, work)


async def _hide_more(world: World) -> None:
    """Store a document and images of the patient through the owner's own doors."""
    filed = await call(world.app, "POST", "/fhir/Bundle", await world.client(OWNER), _document(), JSON)
    assert filed.status == 201, filed.body
    await plant(world)
    await a_hidden_disc(world, DISC)
    await a_client(world, launch_url="https://app.example/launch")


def _office_sees(role: str, kind: str) -> bool:
    mask = SEES_EVERYWHERE.get(role, 0)  # type: ignore[call-overload]
    return bool(mask >> int(category({"resourceType": kind})) & 1)


async def test_every_interaction_and_route_is_known_here(world: World) -> None:
    assert set(FORMS) == set(INTERACTIONS)
    assert set(ROUTES) == _routes(world)


async def test_the_owner_sees_the_canary_everywhere(world: World) -> None:
    await _hide(world)
    owner = await world.client(OWNER)
    await _hide_more(world)

    silent = []
    for kind in NUMBERS:
        for form in (
            *(("GET", "type"), ("GET", "type/id"), ("GET", "type/_history")),
            *(("GET", "type/id/_history"), ("GET", "type/id/$original")),
        ):
            answers = [await call(world.app, m, a, owner) for m, a, _, _ in FORMS[form](kind, id_of(kind))]
            in_xml = [answer for answer in answers if b"<?xml" in answer.body]
            # Wherever a form is asked for in XML too, the canary must be seen in it.
            if not any(found_in(answer.octets) for answer in answers if answer not in in_xml):
                silent.append((kind, form))
            elif in_xml and not any(found_in(answer.octets) for answer in in_xml):
                silent.append((kind, (*form, "in XML")))

    # Audit events are the auditors'; a history's and a search's page of them is empty for a hospital.
    assert {kind for kind, _ in silent} == {"AuditEvent"}


_OF_SOME_TYPES = {
    **dict.fromkeys(("type/$match", "type/$ihe-pix", "type/id/$everything"), ("Patient", "Observation")),
    **dict.fromkeys(("type/$export", "type/id/$export"), ("Patient", "Group", "Observation")),
    "type/$lastn": ("Observation", "Patient"),
    "type/id/$document": ("Composition", "Bundle", "Patient"),
    "type/$generate-metadata": ("DocumentReference", "Binary", "Patient"),
    **dict.fromkeys(("$async-status/id", "$export-status/id", "$import-status/id"), ("Patient",)),
    **dict.fromkeys(("$export-file/id/number", "$import-file/id/number"), ("Patient",)),
}
"""What is no address of other types, which one of those here shows, and what names no type at all."""


def _asked_by(role: str) -> Iterator[Request]:
    """Yield what a role asks: every type by every interaction, every route, every DICOMweb service."""
    for kind in NUMBERS:
        # The test of the office says what the secretariat sees of every site.
        if not _office_sees(role, kind):
            for (_, form), requests in FORMS.items():
                if kind in _OF_SOME_TYPES.get(form, NUMBERS):
                    yield from requests(kind, id_of(kind))
    yield from _of_routes("")
    yield from IMAGES


async def test_no_answer_to_a_stranger_holds_the_canary(world: World) -> None:
    await _hide(world)
    await _hide_more(world)
    leaks: list[tuple[str, str, str, int]] = []

    async def ask(role: str, headers: dict[str, str]) -> None:
        for method, address, body, kind in _asked_by(role):
            answer = await call(world.app, method, address, headers, body, kind)
            assert answer.status < 500, (role, method, address, answer.body)
            if found_in(answer.octets):
                leaks.append((role, method, address, answer.status))

    # All roles at once: their audit records share a flush, which is most of what a request costs here.
    callers = [(role, await world.client(STRANGER, role=role)) for role in ROLES]
    await asyncio.gather(*(ask(*caller) for caller in callers))

    assert leaks == []


def _of_routes(secret: str) -> Iterator[Request]:
    """Yield the requests for all routes; forms hold the token of the session."""
    for requests in ROUTES.values():
        for method, address, body, kind in requests:
            token = f"&csrf={csrf_token(secret)}".encode() if secret and method == "POST" else b""
            yield method, address, body + token, kind


async def test_no_page_shows_a_stranger_the_canary(world: World) -> None:
    await _hide(world)
    await _hide_more(world)
    leaks, pages = [], 0

    for role in ROLES:
        if SEES_EVERYWHERE.get(role):
            continue
        secret = await a_session(world, STRANGER, role)
        # The sign-out is the last of the routes.
        for method, address, body, kind in [*IMAGES, *_of_routes(secret)]:
            answer = await call(world.app, method, address, {"Cookie": f"{COOKIE}={secret}"}, body, kind)
            assert answer.status < 500, (role, address, answer.body)
            pages += answer.status == 200 and "dicomweb" not in address
            if found_in(answer.octets):
                leaks.append((role, method, address))

    assert leaks == []
    assert pages > 3 * len(ROLES)


async def test_the_office_sees_what_its_work_needs_and_no_more(world: World) -> None:
    await _hide(world)
    office = await world.client("secretariat", role="secretariat")

    seen = [
        kind
        for kind in NUMBERS
        if found_in((await call(world.app, "GET", f"/fhir/{kind}/{id_of(kind)}", office)).octets)
    ]

    allowed = {Category.DIRECTORY, Category.IDENTITY, Category.CONSENT}
    assert seen == [kind for kind in NUMBERS if category({"resourceType": kind}) in allowed]


async def _answers_later(world: World, headers: dict[str, str]) -> list[tuple[str, str, Answer]]:
    """Return what a system is answered later to everything that may be."""
    found = []
    for kind in ("Patient", "Observation", *DOCUMENTS):
        for key, interaction in INTERACTIONS.items():
            for method, address, body, media in FORMS[key](kind, id_of(kind)) if interaction.later else []:
                begun = await call(world.app, method, address, headers | {"Prefer": "respond-async"}, body, media)
                location = dict(begun.headers).get(b"content-location")
                if location is None:
                    found.append((method, address, begun))
                    continue
                status = location.decode().removeprefix(world.hub.settings.address)
                answer = await call(world.app, "GET", status, headers)
                while answer.status == 202:
                    await asyncio.sleep(0.01)
                    answer = await call(world.app, "GET", status, headers)
                assert (await call(world.app, "DELETE", status, headers)).status == 202
                found.append((method, address, answer))
    return found


async def test_no_answer_that_comes_later_shows_a_stranger_the_canary(world: World) -> None:
    await _hide(world)
    await _hide_more(world)

    to_stranger = await _answers_later(world, await world.client(STRANGER))
    to_owner = await _answers_later(world, await world.client(OWNER))

    assert [(method, address) for method, address, answer in to_stranger if found_in(answer.octets)] == []
    assert all(answer.status < 500 for _, _, answer in to_stranger)
    assert len([1 for _, _, answer in to_owner if found_in(answer.octets)]) > 50
