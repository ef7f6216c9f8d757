"""Bodies: valid resources of every type, spoilt in their trees or octets; patches, Parameters, Bundles."""

import base64
import gzip
import json
import zlib
from functools import cache
from typing import Any

from fhir.xml.to_xml import NotWritable, to_xml
from tests.canary import CANARY, IN_BASE64, a_canary
from tests.fuzz.dice import Dice
from tests.fuzz.queries import IDS, TYPES, a_type, query

PATIENT = "Patient/clinic-c-p"
_OTHERS = ("Bundle", "Parameters")


@cache
def _valid(type_name: str) -> str:
    """Return a valid resource of a type about the callers' own Patient, without the canary that hidden ones hold."""
    text = json.dumps(a_canary(type_name, PATIENT), ensure_ascii=False)
    return text.replace(CANARY, "Meise").replace(CANARY.upper(), "MEISE").replace(IN_BASE64, "TWVpc2U=")


def resource(dice: Dice, type_name: str = "") -> dict[str, Any]:
    """Return a valid resource."""
    chosen = type_name if type_name in TYPES else dice.one("Patient", "Observation", "Condition", dice.choice(TYPES))
    made: dict[str, Any] = json.loads(_valid(chosen))
    return made


def _places(node: Any, depth: int = 0) -> list[tuple[Any, Any]]:
    """Return every container with each of its keys or indices."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    found = [(node, key) for key, _ in items]
    return found + [place for container, key in found if depth < 8 for place in _places(container[key], depth + 1)]


def nested(levels: int) -> Any:
    made: Any = {"url": "http://example.org/a", "valueString": "a"}
    for _ in range(levels):
        made = {"url": "http://example.org/a", "extension": [made]}
    return made


def spoilt(dice: Dice, tree: dict[str, Any]) -> dict[str, Any]:
    """Return a tree with some places changed."""
    for _ in range(dice.one(1, 1, 2, 5)):
        places = _places(tree)
        if not places:
            return tree
        container, key = dice.choice(places)
        way = dice.randrange(9)
        if way == 0 and isinstance(container, dict):
            del container[key]
        elif way == 1:
            container[key] = dice.scalar()
        elif way == 2:
            container[key] = [container[key]] if dice.maybe(0.5) else {"value": container[key]}
        elif way == 3:
            container[key] = dice.one([], {}, [[]], [None], [{}], {"": ""}, [None, "a"])
        elif way == 4 and isinstance(container, dict):
            container[dice.one("_" + str(key), "extension", "modifierExtension", "contained", dice.text())] = dice.one(
                {"extension": [nested(1)]}, [nested(dice.one(1, 20, 70))], [resource(dice)], dice.scalar(), {"id": 1}
            )
        elif way == 5 and isinstance(container, dict):
            container["reference"] = dice.one("#a", "#", "Patient/", f"{a_type(dice)}/{dice.choice(IDS)}", dice.text())
        elif way == 6:
            container[key] = dice.one(dice.date, dice.number, dice.text)()
        elif way == 7 and isinstance(container, dict):
            container[str(key)[:-1] + dice.one("X", "")] = container[key]
        else:
            tree["id"] = dice.one(*IDS, dice.text())
    return tree


def written(dice: Dice, tree: Any) -> bytes:
    """Return a tree as JSON; once in a while numbers as no writer would write them."""
    text = json.dumps(tree, ensure_ascii=dice.maybe(0.5))
    if dice.maybe(0.05):
        text = text.replace("1.5", dice.number(), 1)
    return text.encode("utf-8", "surrogatepass")


def broken(dice: Dice, octets: bytes) -> bytes:
    """Return octets of which some were changed."""
    way = dice.randrange(9)
    place = dice.randrange(len(octets) + 1)
    if way == 0:
        return octets[:place]
    if way == 1:
        return (
            octets[:place]
            + dice.one(b"\0", b"\xff", b"\xed\xa0\x80", b"\\ud800", b'"', b"{", b"}", b"]", b"<", b"&")
            + octets[place:]
        )
    if way == 2:
        return dice.one(b"\xef\xbb\xbf", b"\xff\xfe", b" ", b"\n\n", b"//\n") + octets
    if way == 3:
        return octets + dice.one(b"\0", b"}", b" {}", octets)
    if way == 4:
        return dice.one(
            b"", b"null", b"[]", b"{}", b'""', b"1", b"{", b'{"a":' * 3000, b"[" * 10_000, b'{"resourceType":1}'
        )
    if way == 5:
        return octets.decode("utf-8", "replace").encode(dice.one("utf-16", "utf-32", "shift_jis", "latin-1"), "replace")
    if way == 6:
        return octets.replace(b'"resourceType"', b'"resourceType":"Patient","resourceType"', 1)
    spoiled = bytearray(octets)
    for _ in range(dice.one(1, 3, 20)):
        if spoiled:
            spoiled[dice.randrange(len(spoiled))] = dice.randrange(256)
    return bytes(spoiled)


def entry(dice: Dice) -> dict[str, Any]:
    """Return an entry of a batch or a transaction."""
    type_name, method = (
        a_type(dice),
        dice.one("GET", "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "get", "", "OPTIONS"),
    )
    place = dice.one(
        type_name, f"{type_name}/{dice.choice(IDS)}", f"{type_name}?{query(dice, type_name)}", "", "/", dice.text()
    )
    made: dict[str, Any] = {"request": {"method": method, "url": place}}
    if method in ("POST", "PUT") or dice.maybe(0.1):
        made["resource"] = resource(dice, type_name)
    if method == "PATCH":
        made["resource"] = dice.one(fhirpath_patch(dice, type_name), _binary_patch(dice))
    if dice.maybe(0.5):
        made["fullUrl"] = dice.one(
            "urn:uuid:c757873d-ec9a-4326-a141-556f43239520", f"http://example.org/{place}", dice.text()
        )
    if dice.maybe(0.2):
        made["request"][dice.one("ifMatch", "ifNoneExist", "ifNoneMatch", "ifModifiedSince")] = dice.one(
            'W/"1"', "a", dice.date(), query(dice, type_name)
        )
    return made


def bundle(dice: Dice) -> dict[str, Any]:
    entries = [entry(dice) for _ in range(dice.one(0, 1, 2, 3, 5))]
    return {
        "resourceType": "Bundle",
        "type": dice.one("batch", "transaction", "transaction", "document", "collection", "searchset", ""),
        "entry": entries,
    }


def pointer(dice: Dice) -> str:
    return dice.one(
        "/id",
        "/name/0/family",
        "/name/-",
        "/meta/tag/0",
        "",
        "/",
        "//",
        "/a~2",
        "/name/99999999999999999999",
        "/name/01",
        dice.text(),
    )


def json_patch(dice: Dice) -> bytes:
    changes = []
    for _ in range(dice.one(0, 1, 1, 2, 4)):
        change: dict[str, Any] = {
            "op": dice.one("add", "remove", "replace", "move", "copy", "test", "append", 1),
            "path": pointer(dice),
        }
        change |= {"value": dice.scalar()} if dice.maybe(0.6) else {}
        change |= {"from": pointer(dice)} if dice.maybe(0.4) else {}
        changes.append(change)
    return written(dice, changes)


def fhirpath_patch(dice: Dice, type_name: str) -> dict[str, Any]:
    path = dice.one(
        f"{type_name}.id",
        "Patient.name",
        "Patient.name[0].given",
        "Patient.name.where(use='official')",
        f"{type_name}.",
        "%a",
        "(" * 200,
        dice.text(),
    )
    parts = [
        {"name": "type", "valueCode": dice.one("add", "insert", "delete", "replace", "move", "none")},
        {"name": "path", "valueString": path},
    ]
    parts += dice.one([], [{"name": "name", "valueString": dice.one("gender", "birthDate", dice.text())}])
    parts += dice.one([], [{"name": "value", dice.one("valueString", "valueCode", "valueInteger"): dice.scalar()}])
    parts += dice.one(
        [], [{"name": dice.one("index", "source", "destination"), "valueInteger": dice.one(0, 1, -1, 10**12, "1")}]
    )
    return {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}]}


def xml_patch(dice: Dice) -> bytes:
    select = dice.one(
        "/f:Patient/f:gender/@value",
        "f:Patient/f:name[1]",
        "//*",
        "/f:Patient/text()",
        "count(//*)",
        "/f:Patient/f:name[position()=1]",
        "document('a')",
        dice.text(),
    )
    told = dice.one("", "female", '<f:active value="true"/>', "<a>", "&#0;", "&lol;")
    kind = dice.one("add", "replace", "remove", "swap")
    safe = select.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    head = dice.one("", "", '<!DOCTYPE diff [<!ENTITY lol "lol">]>')
    kind_of = dice.one("@a", "namespace::f", "")
    change = f'<{kind} sel="{safe}" type="{kind_of}">{told}</{kind}>'
    return f'{head}<diff xmlns:f="http://hl7.org/fhir">{change}</diff>'.encode()


def _binary_patch(dice: Dice) -> dict[str, Any]:
    data = base64.b64encode(json_patch(dice)).decode()
    return {
        "resourceType": "Binary",
        "contentType": dice.one("application/json-patch+json", "text/plain", "application/xml-patch+xml"),
        "data": dice.one(data, data[:-1], "!"),
    }


NAMES = (
    *(
        "resource",
        "mode",
        "profile",
        "meta",
        "_since",
        "_type",
        "_count",
        "start",
        "end",
        "patient",
        "subject",
        "max",
        "code",
    ),
    *("_typeFilter", "_elements", "_outputFormat", "fromVersion", "from", "to", "includeMeta", "persist", "graph"),
    *(
        "expungeDeletedResources",
        "expungePreviousVersions",
        "category",
        "url",
        "system",
        "valueSet",
        "identifier",
        "count",
    ),
)
"""Names of the parameters of operations."""


def parameters(dice: Dice) -> dict[str, Any]:
    """Return a Parameters resource."""
    found: list[dict[str, Any]] = []
    for _ in range(dice.one(0, 1, 1, 2, 3)):
        kind = dice.one(
            "valueString",
            "valueCode",
            "valueInteger",
            "valueDate",
            "valueBoolean",
            "valueCoding",
            "valueMeta",
            "valueUri",
            "resource",
            "part",
            "valueReference",
        )
        content: Any = dice.one(
            dice.scalar(),
            dice.date(),
            f"Patient/{dice.choice(IDS)}",
            {"code": "a"},
            {"tag": [{"code": "a"}]},
            {"reference": PATIENT},
        )
        if kind == "resource":
            content = resource(dice)
        found.append({"name": dice.choice(NAMES) if dice.maybe(0.9) else dice.text(), kind: content})
    return {"resourceType": "Parameters", "parameter": found}


def in_xml(dice: Dice, octets: bytes) -> bytes:
    """Return JSON as XML, perhaps spoilt."""
    try:
        made = to_xml(octets)
    except (NotWritable, ValueError, TypeError, AttributeError, KeyError):
        # What was spoilt too far is no resource any more; something else is sent.
        made = b'<Patient xmlns="http://hl7.org/fhir"><gender value="male"/></Patient>'
    if dice.maybe(0.4):
        extra = (
            b'<!DOCTYPE a [<!ENTITY b "c">]>',
            b"<?xml version='1.0' encoding='shift_jis'?>",
            b"<!-- a -->",
            b"<?php ?>",
            b"<a>" * 3000,
        )
        made = dice.choice(extra) + made
    return made


def packed(dice: Dice, octets: bytes) -> bytes:
    """Return octets packed, perhaps not as their header says."""
    return dice.one(
        gzip.compress(octets, 1, mtime=0),
        gzip.compress(octets, 1, mtime=0)[:-4],
        zlib.compress(octets),
        octets,
        gzip.compress(octets, 1, mtime=0) * 2,
    )
