"""Which interaction a method and a path mean; a new interaction is a file and a line here.

https://hl7.org/fhir/R4/http.html#summary
"""

import re
from collections.abc import Awaitable, Callable
from typing import Literal, NamedTuple

from app.exchange.mhd.generate import generate_metadata
from app.exchange.pdqm.match import match
from app.exchange.pixm.ihe_pix import ihe_pix
from app.exchange.pmir.process_message import process_message
from app.imaging.mado.convert import convert_manifest
from app.imaging.mado.manifest import manifest
from app.records.audit_event import is_asked, iti_81, iti_81_by_post, read_event
from app.records.bulk_import.kickoff import import_
from app.records.bulk_import.status import import_cancel, import_file, import_status
from app.records.bundle import bundle
from app.records.composition_document import composition_document
from app.records.convert import convert
from app.records.create import create
from app.records.delete import conditional_delete, delete
from app.records.diff import diff, diff_of_two
from app.records.everything import everything
from app.records.explain import explain
from app.records.export.file import export_file
from app.records.export.kickoff import export
from app.records.export.status import export_cancel, export_status
from app.records.expunge import expunge
from app.records.graphql.graphql import graphql
from app.records.history import history, history_system, history_type
from app.records.lastn import lastn
from app.records.later.status import async_cancel, async_status
from app.records.meta import meta, meta_in_use
from app.records.meta_add import meta_add
from app.records.meta_delete import meta_delete
from app.records.options import options
from app.records.original import original
from app.records.patch import FORMATS, conditional_patch, patch
from app.records.read import read
from app.records.record import known_type
from app.records.request import FhirRequest
from app.records.response import FhirResponse
from app.records.search import search, search_by_post
from app.records.search_parameter_status import search_parameter_status
from app.records.signatures.operation import signatures
from app.records.summary.summary import summary
from app.records.terminology.expand import expand
from app.records.terminology.lookup import lookup
from app.records.terminology.subsumes import subsumes
from app.records.terminology.translate import translate
from app.records.terminology.validate_code import validate_code
from app.records.update import conditional_update, update
from app.records.validate import validate
from app.records.vread import vread
from fhir.errors import MethodNotAllowed, NotFound
from fhir.store.types import NUMBERS


class Interaction(NamedTuple):
    """An interaction: its name in the CapabilityStatement, the audit action, and what answers it."""

    code: str
    action: str
    answer: Callable[[FhirRequest], Awaitable[FhirResponse]]
    later: Literal["", "read", "write"] = ""
    """Whether it may be answered later (`Prefer: respond-async`), and what it then is."""


_READ = Interaction("read", "R", read)
_SEARCH = Interaction("search-type", "E", search, "read")
_POST_SEARCH = Interaction("search-type", "E", search_by_post, "read")
_SEARCH_ALL = Interaction("search-system", "E", search, "read")
_POST_SEARCH_ALL = Interaction("search-system", "E", search_by_post, "read")
_VREAD = Interaction("vread", "R", vread)
_HISTORY = Interaction("history-instance", "R", history, "read")
_HISTORY_TYPE = Interaction("history-type", "R", history_type, "read")
_HISTORY_SYSTEM = Interaction("history-system", "R", history_system, "read")
_ORIGINAL = Interaction("operation", "R", original)
_EVERYTHING = Interaction("operation", "E", everything, "read")
_DIFF = Interaction("operation", "R", diff, "read")
_DIFF_OF_TWO = Interaction("operation", "R", diff_of_two, "read")
_DOCUMENT = Interaction("operation", "E", composition_document, "read")
_LASTN = Interaction("operation", "E", lastn, "read")
_EXPLAIN = Interaction("operation", "R", explain)
_EXPORT = Interaction("operation", "E", export)
_GRAPHQL = Interaction("operation", "E", graphql)
_IHE_PIX = Interaction("operation", "E", ihe_pix)
_META = Interaction("operation", "R", meta)
_META_IN_USE = Interaction("operation", "E", meta_in_use, "read")
_SUMMARY = Interaction("operation", "E", summary, "read")
_MANIFEST = Interaction("operation", "E", manifest, "read")
_VALIDATE = Interaction("operation", "E", validate, "read")
_EXPAND = Interaction("operation", "E", expand, "read")
_LOOKUP = Interaction("operation", "E", lookup, "read")
_SUBSUMES = Interaction("operation", "E", subsumes, "read")
_TRANSLATE = Interaction("operation", "E", translate, "read")
_VALIDATE_CODE = Interaction("operation", "E", validate_code, "read")

INTERACTIONS: dict[tuple[str, str], Interaction] = {
    ("POST", ""): Interaction("transaction", "C", bundle, "write"),
    ("GET", ""): _SEARCH_ALL,
    ("POST", "_search"): _POST_SEARCH_ALL,
    ("GET", "type"): _SEARCH,
    ("POST", "type"): Interaction("create", "C", create),
    ("POST", "type/_search"): _POST_SEARCH,
    ("GET", "type/id"): _READ,
    ("PUT", "type/id"): Interaction("update", "U", update),
    ("PATCH", "type/id"): Interaction("patch", "U", patch),
    ("DELETE", "type/id"): Interaction("delete", "D", delete),
    ("PUT", "type"): Interaction("update", "U", conditional_update),
    ("PATCH", "type"): Interaction("patch", "U", conditional_patch),
    ("DELETE", "type"): Interaction("delete", "D", conditional_delete, "write"),
    ("GET", "type/id/_history"): _HISTORY,
    ("GET", "type/_history"): _HISTORY_TYPE,
    ("GET", "_history"): _HISTORY_SYSTEM,
    ("GET", "type/id/_history/version"): _VREAD,
    ("GET", "type/id/$original"): _ORIGINAL,
    ("GET", "type/id/_history/version/$original"): _ORIGINAL,
    ("GET", "type/id/member"): _SEARCH,
    ("POST", "type/id/member/_search"): _POST_SEARCH,
    ("GET", "type/id/*"): _SEARCH_ALL,
    ("POST", "type/id/*/_search"): _POST_SEARCH_ALL,
    ("GET", "type/id/$summary"): _SUMMARY,
    ("POST", "type/id/$summary"): _SUMMARY,
    ("GET", "type/id/$manifest"): _MANIFEST,
    ("POST", "type/id/$manifest"): _MANIFEST,
    ("POST", "type/$convert-manifest"): Interaction("operation", "E", convert_manifest),
    ("GET", "type/id/$signatures"): Interaction("operation", "R", signatures),
    ("GET", "type/$summary"): _SUMMARY,
    ("POST", "type/$summary"): _SUMMARY,
    ("POST", "type/$validate"): _VALIDATE,
    ("GET", "type/id/$validate"): _VALIDATE,
    ("POST", "type/id/$validate"): _VALIDATE,
    ("GET", "type/id/$everything"): _EVERYTHING,
    ("POST", "type/id/$everything"): _EVERYTHING,
    ("GET", "type/id/$explain"): _EXPLAIN,
    ("POST", "type/id/$explain"): _EXPLAIN,
    ("GET", "$export"): _EXPORT,
    ("POST", "$export"): _EXPORT,
    ("GET", "type/$export"): _EXPORT,
    ("POST", "type/$export"): _EXPORT,
    ("GET", "type/id/$export"): _EXPORT,
    ("POST", "type/id/$export"): _EXPORT,
    ("GET", "$export-status/id"): Interaction("operation", "R", export_status),
    ("DELETE", "$export-status/id"): Interaction("operation", "D", export_cancel),
    ("GET", "$export-file/id/number"): Interaction("operation", "R", export_file),
    ("GET", "$async-status/id"): Interaction("operation", "R", async_status),
    ("DELETE", "$async-status/id"): Interaction("operation", "D", async_cancel),
    ("POST", "$import"): Interaction("operation", "E", import_),
    ("GET", "$import-status/id"): Interaction("operation", "R", import_status),
    ("DELETE", "$import-status/id"): Interaction("operation", "D", import_cancel),
    ("GET", "$import-file/id/number"): Interaction("operation", "R", import_file),
    ("POST", "$convert"): Interaction("operation", "E", convert),
    ("GET", "$diff"): _DIFF_OF_TWO,
    ("POST", "$diff"): _DIFF_OF_TWO,
    ("GET", "type/id/$diff"): _DIFF,
    ("POST", "type/id/$diff"): _DIFF,
    ("GET", "$graphql"): _GRAPHQL,
    ("POST", "$graphql"): _GRAPHQL,
    ("GET", "type/id/$graphql"): _GRAPHQL,
    ("POST", "type/id/$graphql"): _GRAPHQL,
    ("GET", "type/id/$document"): _DOCUMENT,
    ("POST", "type/id/$document"): _DOCUMENT,
    ("GET", "type/$document"): _DOCUMENT,
    ("POST", "type/$document"): _DOCUMENT,
    ("GET", "type/$lastn"): _LASTN,
    ("POST", "type/$lastn"): _LASTN,
    ("POST", "type/$generate-metadata"): Interaction("operation", "C", generate_metadata),
    ("POST", "type/$match"): Interaction("operation", "E", match),
    ("GET", "type/$ihe-pix"): _IHE_PIX,
    ("POST", "type/$ihe-pix"): _IHE_PIX,
    ("POST", "$process-message"): Interaction("transaction", "C", process_message),
    ("POST", "type/id/$expunge"): Interaction("operation", "D", expunge),
    ("GET", "$meta"): _META_IN_USE,
    ("GET", "type/$meta"): _META_IN_USE,
    ("GET", "type/id/$meta"): _META,
    ("GET", "type/id/_history/version/$meta"): _META,
    ("GET", "type/$expand"): _EXPAND,
    ("POST", "type/$expand"): _EXPAND,
    ("GET", "type/id/$expand"): _EXPAND,
    ("POST", "type/id/$expand"): _EXPAND,
    ("GET", "type/$validate-code"): _VALIDATE_CODE,
    ("POST", "type/$validate-code"): _VALIDATE_CODE,
    ("GET", "type/id/$validate-code"): _VALIDATE_CODE,
    ("POST", "type/id/$validate-code"): _VALIDATE_CODE,
    ("GET", "type/$lookup"): _LOOKUP,
    ("POST", "type/$lookup"): _LOOKUP,
    ("GET", "type/$subsumes"): _SUBSUMES,
    ("POST", "type/$subsumes"): _SUBSUMES,
    ("GET", "type/id/$subsumes"): _SUBSUMES,
    ("POST", "type/id/$subsumes"): _SUBSUMES,
    ("GET", "type/$translate"): _TRANSLATE,
    ("POST", "type/$translate"): _TRANSLATE,
    ("GET", "type/id/$translate"): _TRANSLATE,
    ("POST", "type/id/$translate"): _TRANSLATE,
    ("GET", "type/id/$status"): Interaction("operation", "R", search_parameter_status),
    ("POST", "type/id/$meta-add"): Interaction("operation", "U", meta_add),
    ("POST", "type/id/$meta-delete"): Interaction("operation", "U", meta_delete),
}
"""By method and the form of the path below `/fhir`."""

OF_THE_LOG: dict[tuple[str, str], Interaction] = {
    ("GET", "type"): Interaction("search-type", "R", iti_81),
    ("POST", "type/_search"): Interaction("search-type", "R", iti_81_by_post),
    ("GET", "type/id"): Interaction("read", "R", read_event),
}
"""What an auditor asks of AuditEvents; for everybody else they are resources like others."""


def _methods() -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for method, form in INTERACTIONS:
        found.setdefault(form, []).append(method)
        # A request without consequences has none by HEAD; the kick-off of an export has.
        if method == "GET" and not form.endswith("$export"):
            found[form].append("HEAD")
    return {form: (*methods, "OPTIONS") for form, methods in found.items()}


METHODS = _methods()
"""By the form of a path, the methods that it takes."""

OPEN = ("metadata", "openapi.json", "api")
"""Addresses that tell of the hub itself, to anybody: the door answers there before it asks who calls."""

METHODS |= dict.fromkeys(OPEN, ("GET", "HEAD", "OPTIONS"))

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")


def _form(request: FhirRequest) -> str:
    """Return the form of the request's path, and set the request's type, id and version."""
    segments = request.path[6:].rstrip("/").split("/")
    if segments == [""]:
        return ""
    if segments[0] in OPEN:
        return "/".join(segments)
    if segments[0][:1] == "_":
        # What is about all types has no type before it.
        return "/".join(segments)
    if segments[0][:1] == "$":
        _, request.id, request.version, *_ = (*segments, "", "")
        return "/".join([segments[0], "id", "number", *segments[3:]][: len(segments)])
    request.type = segments[0]
    words = ["type"]
    if len(segments) > 1:
        second = segments[1]
        words.append(second if second[:1] in ("_", "$") else "id")
        request.id = "" if second[:1] in ("_", "$") else second
    words += segments[2:]
    if len(segments) > 2 and words[1] == "id" and (segments[2] == "*" or segments[2] in NUMBERS):
        request.member = segments[2]
        words[2] = "*" if segments[2] == "*" else "member"
    if len(segments) > 3 and segments[2] == "_history":
        request.version = segments[3]
        words[3] = "version"
    return "/".join(words)


def find(request: FhirRequest) -> Interaction:
    """Return the interaction a request means.

    Raises:
        NotFound: the address means none.
        MethodNotAllowed: it does, for another method.
    """
    form = _form(request)
    if form not in METHODS:
        raise NotFound(f"{request.path} is not an address of this server")
    if request.method == "OPTIONS":
        return Interaction("options", "R", options(METHODS[form], tuple(FORMATS)))
    if request.method not in METHODS[form]:
        if request.type:
            known_type(request.type)
        raise MethodNotAllowed(f"{request.method[:20]} is not supported here", allowed=METHODS[form])
    if form in OPEN:
        raise NotFound(f"{request.path} is answered at its own address only")
    found = INTERACTIONS["GET" if request.method == "HEAD" else request.method, form]
    if request.id and not _ID.fullmatch(request.id):
        raise NotFound("This is not the id of a resource")
    if is_asked(request):
        return OF_THE_LOG.get(("GET" if request.method == "HEAD" else request.method, form), found)
    return found
