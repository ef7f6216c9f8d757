"""The FHIR door in the OpenAPI document: a path for each form of `INTERACTIONS`, an operation for each method.

https://spec.openapis.org/oas/v3.1.0#paths-object, https://hl7.org/fhir/R4/http.html
"""

from typing import Any

from app.openapi.answers import answer, fhir_content, refusals
from app.openapi.search import CONTROLS, any_parameter, parameters_of, query_parameter
from app.records.capabilities import interactions_of, operations_of
from app.records.interactions import INTERACTIONS
from app.records.operations import Parameter, described, named_in
from app.records.patch import FORMATS
from fhir.search.compartment import types
from fhir.search.in_force import R4, InForce
from fhir.spec.search_parameters import COMPARTMENTS
from fhir.store.types import NUMBERS

_ID = {"type": "string", "pattern": "^[A-Za-z0-9.-]{1,64}$"}
_JSON_TYPES = {"boolean": "boolean", "integer": "integer", "positiveInt": "integer"}

TEXTS = {
    "read": "Answer the current version of a resource.",
    "vread": "Answer one version of a resource.",
    "history-instance": "Answer the versions of a resource, the newest first.",
    "history-type": "Answer the versions of the resources of a type, the newest first.",
    "history-system": "Answer the versions of all resources, the newest first.",
    "create": "Store a new resource; the server gives the id.",
    "update": "Store the next version of a resource.",
    "patch": "Change a resource as a patch document says.",
    "delete": "Delete a resource; its versions stay.",
    "search-type": "Answer the resources of a type that fulfil the query.",
    "search-system": "Answer the resources of several types that fulfil the query.",
    "transaction": "Carry out a batch or a transaction.",
}
"""By the code of an interaction, what it does."""

CONDITIONAL_TEXTS = {
    "update": "Store the next version of the resource that the query means, or a new one when it means none.",
    "patch": "Change the one resource that the query means as a patch document says.",
    "delete": "Delete what the query means.",
}
"""The same where the address names no id."""

_HEADERS = {
    "If-Match": 'The version that must be the current one: `W/"3"`.',
    "If-None-Exist": "A search: when it finds one resource, none is created.",
    "If-None-Match": "Answer 304 when this is the version.",
    "Prefer": "`return=minimal|representation|OperationOutcome`, `handling=strict|lenient`, `respond-async`.",
}
_HEADERS_OF = {
    "read": ("If-None-Match",),
    "vread": ("If-None-Match",),
    "create": ("If-None-Exist", "Prefer"),
    "update": ("If-Match", "Prefer"),
    "patch": ("If-Match", "Prefer"),
    "delete": ("If-Match",),
}


def _path(form: str, type_name: str) -> str:
    words = {"type": type_name or "{type}", "id": "{id}", "version": "{version}", "number": "{number}"}
    words["member"] = "{member}"
    return "/".join(["/fhir", *(words.get(word, word) for word in form.split("/") if word)])


def _in_path(form: str, type_name: str) -> list[dict[str, Any]]:
    """Return the parameters in the path of a form."""
    members = [name for name in types(type_name) if name] if type_name in COMPARTMENTS else sorted(NUMBERS)
    schemas: dict[str, dict[str, Any]] = {
        "id": _ID,
        "version": {"type": "string", "pattern": "^[0-9]{1,9}$"},
        "number": {"type": "integer", "minimum": 0},
        "member": {"type": "string", "enum": sorted(members)},
    }
    if not type_name:
        schemas["type"] = {"type": "string", "enum": _types_of(form)}
    return [
        {"name": word, "in": "path", "required": True, "schema": schemas[word]}
        for word in dict.fromkeys(form.split("/"))
        if word in schemas
    ]


def _types_of(form: str) -> list[str]:
    """Return the types that an address of a form may name."""
    if "/member" in form or "/*" in form:
        return sorted(COMPARTMENTS)
    return sorted(described(named_in(form)).types or NUMBERS)


def _asked(parameter: Parameter) -> dict[str, Any]:
    return query_parameter(parameter.name, {"type": _JSON_TYPES.get(parameter.type, "string")}, parameter.text)


def _in_query(method: str, form: str, code: str, type_name: str, known: InForce) -> list[dict[str, Any]]:
    """Return the parameters in the query."""
    if code == "operation":
        return [_asked(one) for one in described(named_in(form)).parameters if method == "GET" or one.type != "Meta"]
    if code.startswith("search") and method == "GET":
        named = type_name if form == "type" else ""
        found = parameters_of(named, known) if named else [any_parameter(), *parameters_of("")]
        return [one for one in found if one["name"] != "_type" or code == "search-system"]
    if code.startswith("history"):
        dates = {"_since": "Only versions made then or later.", "_at": "Only versions that were current at that time."}
        count = query_parameter("_count", *CONTROLS["_count"])
        return [count, *(query_parameter(name, {"type": "string"}, text) for name, text in dates.items())]
    if form == "type" and code in ("update", "patch", "delete"):
        return [any_parameter()]
    return []


def _in_header(code: str, form: str) -> list[dict[str, Any]]:
    names = _HEADERS_OF.get(code, ())
    if "$export" in form.split("/"):
        names = ("Prefer",)
    return [
        {"name": name, "in": "header", "description": _HEADERS[name], "schema": {"type": "string"}} for name in names
    ]


def _body(method: str, form: str, code: str) -> dict[str, Any] | None:
    """Return what a request carries; None for nothing."""
    if code in ("create", "update"):
        return {"required": True, "content": fhir_content("Resource")}
    if code == "transaction":
        return {"required": True, "content": fhir_content("Bundle")}
    if code == "patch":
        return {"required": True, "content": {kind: {"schema": {}} for kind in FORMATS}}
    if code.startswith("search") and method == "POST":
        form_schema = {"type": "object", "additionalProperties": {"type": "string"}}
        return {"required": False, "content": {"application/x-www-form-urlencoded": {"schema": form_schema}}}
    if code == "operation" and method == "POST" and (carried := described(named_in(form)).body):
        return {"required": False, "content": fhir_content(carried)}
    return None


def _answers(method: str, form: str, code: str) -> dict[str, Any]:
    """Return the answers by their statuses."""
    whole = ("ETag", "Last-Modified")
    if code in ("read", "vread"):
        found = {"200": answer("The resource.", headers=whole), "304": answer("The caller has it already.", "")}
        return found | refusals(more=("410",))
    if code == "create":
        found = {"200": answer("It was there already.", headers=(*whole, "Location"))}
        return found | {"201": answer("Created.", headers=(*whole, "Location"))} | refusals(writes=True)
    if code in ("update", "patch"):
        found = {"200": answer("The new version.", headers=(*whole, "Location"))}
        found |= {"201": answer("Created.", headers=(*whole, "Location"))} if code == "update" else {}
        return found | refusals(writes=True, more=("410",))
    if code == "delete":
        return {"204": answer("Deleted.", "", ("ETag",))} | refusals(writes=True)
    if code == "operation":
        return _of_operation(method, form)
    return {"200": answer("A Bundle.", "Bundle")} | refusals(writes=method == "POST")


def _of_operation(method: str, form: str) -> dict[str, Any]:
    name = named_in(form)
    more = ("410", "429") if name == "export" else ("410", "413")
    found = refusals(writes=method != "GET", more=more)
    if name in ("export", "export-status"):
        told = answer("It has begun, or is under way.", "OperationOutcome", ("Content-Location",))
        found["202"] = told
    if name != "export":
        found["200"] = {"description": "Done.", "content": {"*/*": {"schema": {}}}}
    if name == "document":
        found["201"] = answer("The document, stored.", "Bundle", ("ETag", "Location"))
    return dict(sorted(found.items()))


def about(form: str, code: str) -> str:
    """Return what an interaction does at an address of a form."""
    if code == "operation":
        return described(named_in(form)).text
    return CONDITIONAL_TEXTS.get(code, TEXTS[code]) if form == "type" else TEXTS[code]


def operation(method: str, form: str, type_name: str = "", known: InForce = R4) -> dict[str, Any]:
    """Return an operation of the document: what `method` does at an address of a form, of one type or of any."""
    code = INTERACTIONS[method, form].code
    name = named_in(form)
    told: dict[str, Any] = {
        "operationId": "-".join([method.lower(), *(word.strip("$_*") or "all" for word in form.split("/") if word)]),
        "tags": [f"${name}" if name else "FHIR"],
        "summary": f"${name}" if name else code,
        "description": about(form, code),
        "parameters": [*_in_query(method, form, code, type_name, known), *_in_header(code, form)],
        "responses": _answers(method, form, code),
        "security": [{"token": []}],
    }
    body = _body(method, form, code)
    return told | ({"requestBody": body} if body else {})


def is_of(form: str, code: str, type_name: str) -> bool:
    """Return whether an address of a form means anything for a type."""
    if not form.startswith("type"):
        return False
    if "/member" in form or "/*" in form:
        return type_name in COMPARTMENTS
    name = named_in(form)
    return name in operations_of(type_name) if name else code in interactions_of(type_name)


def fhir_paths(type_name: str = "", known: InForce = R4) -> dict[str, Any]:
    """Return the paths of the FHIR door: those of one type, or, without one, all of them with a `{type}`."""
    paths: dict[str, Any] = {}
    for (method, form), interaction in INTERACTIONS.items():
        if type_name and not is_of(form, interaction.code, type_name):
            continue
        place = paths.setdefault(_path(form, type_name), {"parameters": _in_path(form, type_name)})
        place[method.lower()] = operation(method, form, type_name, known)
    return paths
