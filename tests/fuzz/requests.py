"""What the fuzz sends: request number `n` of a seed is the same for ever, whatever was sent before it."""

from collections.abc import Callable

from app.records.interactions import INTERACTIONS
from tests.fuzz import bodies, images
from tests.fuzz.dice import Dice
from tests.fuzz.queries import IDS, a_type, query
from tests.fuzz.sent import Sent

JSON, XML, FORM = "application/fhir+json", "application/fhir+xml", "application/x-www-form-urlencoded"
PATCHES = ("application/json-patch+json", JSON, "application/xml-patch+xml", "application/merge-patch+json", XML)
_KINDS = (
    *(JSON, XML, "application/json", "text/plain", "", "application/fhir+json; charset=utf-16", "multipart/form-data"),
    *("application/fhir+json; fhirVersion=4.3", "application/fhir+ndjson", "*/*", "a/b;c", ";", "text/turtle"),
)
_PREFERS = (
    *("return=minimal", "return=representation", "return=OperationOutcome", "handling=strict", "handling=lenient"),
    *("respond-async", "return=nothing", "return", ", ,", "handling=lenient,return=minimal", "wait=10"),
)
_ACCEPTS = (
    *("*/*", JSON, XML, "application/json;q=0.5, application/fhir+xml", "text/html", "image/*", "a", ";;", "*/*;q=9"),
    *("application/fhir+json; fhirVersion=5.0", "application/json;q=0", "", ",", "application/fhir+ndjson"),
)


_TAME = (
    *((b"Prefer", one.encode()) for one in _PREFERS[:5]),
    *((b"Accept", one.encode()) for one in _ACCEPTS[:4]),
    *((b"If-Match", b'W/"1"'), (b"If-None-Match", b'W/"1"'), (b"If-Modified-Since", b"Thu, 01 Jan 1970 00:00:00 GMT")),
    *((b"Accept-Encoding", b"gzip"), (b"If-None-Exist", b"identifier=http://example.org|1"), (b"Range", b"bytes=0-99")),
)


def _headers(dice: Dice, sent: Sent) -> Sent:
    """Add headers that a client may send: right, wrong or odd."""
    if dice.tame:
        sent.headers += [dice.choice(_TAME) for _ in range(dice.one(0, 0, 1, 1, 2))]
        return sent
    odd = dice.text().encode().translate(None, b"\x01\x7f")
    choices = (
        *((b"Prefer", one.encode()) for one in _PREFERS),
        *((b"Accept", one.encode()) for one in _ACCEPTS),
        *(
            (b"If-Match", one)
            for one in (b'W/"1"', b'"1"', b"*", b"1", b'W/"0"', b'W/"' + b"9" * 40 + b'"', b"W/", odd)
        ),
        *((b"If-None-Match", one) for one in (b'W/"1"', b"*", b'"a", W/"1"', odd)),
        *((b"If-Modified-Since", one) for one in (b"Thu, 01 Jan 1970 00:00:00 GMT", b"Fri, 31 Dec 9999 23:59:59 GMT")),
        *(
            (b"If-Modified-Since", one)
            for one in (b"Thu, 99 Foo 2024 99:99:99 GMT", b"Mon, 1 Jan 0001 00:00:00 +9999", odd)
        ),
        (b"If-None-Exist", query(dice, a_type(dice)).encode()),
        *((b"Range", one) for one in (b"bytes=0-0", b"bytes=-1", b"bytes=9-1", b"bytes=0-1,2-3", b"lines=1", odd)),
        *((b"Accept-Encoding", one) for one in (b"gzip", b"gzip;q=0", b"br, gzip;q=0.5", b"*", odd)),
        *((b"Accept-Charset", one) for one in (b"utf-16", odd)),
        *((b"X-Request-Id", one) for one in (b"a" * 3000, odd)),
        *((b"Cookie", one) for one in (b"renkei_session=a", b"renkei_session", b"=;=;", odd)),
        *((b"Accept-Language", one) for one in (b"ja", b"en;q=x", odd)),
        *((b"X-Forwarded-For", one) for one in (b"203.0.113.9", odd)),
    )
    sent.headers += [dice.choice(choices) for _ in range(dice.one(0, 0, 1, 1, 2, 3))]
    return sent


def _kind(dice: Dice, usual: str) -> list[tuple[bytes, bytes]]:
    kind = usual if dice.tame or dice.maybe(0.8) else dice.choice(_KINDS)
    return [(b"Content-Type", kind.encode())] if kind or dice.maybe(0.5) else []


def _search(dice: Dice) -> Sent:
    type_name = a_type(dice)
    asked = query(dice, type_name)
    way = dice.randrange(12)
    if way == 0:
        return Sent("POST", f"/fhir/{type_name}/_search", _kind(dice, FORM), asked.encode())
    if way == 1:
        return Sent("GET", f"/fhir?_type={type_name},{a_type(dice)}&{asked}")
    if way == 2:
        owner = dice.one("Patient", "Encounter", "Practitioner", "Device", "RelatedPerson", "Group")
        return Sent("GET", f"/fhir/{owner}/{dice.choice(IDS)}/{dice.one(type_name, '*')}?{asked}")
    return Sent("GET", f"/fhir/{type_name}?{asked}")


def _place(dice: Dice, form: str, type_name: str) -> str:
    """Return an address of a form of `INTERACTIONS`, mostly of the names that it wants."""
    words = []
    for word in form.split("/"):
        chosen = {
            "type": type_name,
            "id": dice.choice(IDS) if dice.maybe(0.95) else dice.escaped(dice.text()),
            "version": dice.one("1", "2", "0", "-1", "9" * 30, "a", "1.0"),
            "member": a_type(dice),
            "number": dice.one("0", "1", "-1", "9" * 20, "a"),
        }.get(word, word)
        words.append(chosen)
    return "/fhir/" + "/".join(words) + dice.one("", "", "", "", "/", "//")


def _interaction(dice: Dice) -> Sent:
    """Return a request for anything that is registered, by the method that it wants or by another one."""
    method, form = dice.choice(list(INTERACTIONS))
    type_name = a_type(dice)
    target = _place(dice, form, type_name)
    if dice.maybe(0.3 if dice.tame else 0.8):
        value = dice.one(dice.text(), dice.date(), dice.number(), "1", "true", "Patient/1")
        named = f"{dice.choice(bodies.NAMES)}={dice.escaped(value)}"
        target += "?" + dice.one(named, query(dice, type_name))
    if dice.maybe(0.05):
        method = dice.one("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "PURGE")
    sent = Sent(method, target)
    if method in ("POST", "PUT", "PATCH"):
        usual = dice.choice(PATCHES) if method == "PATCH" else FORM if form.endswith("_search") else JSON
        sent.headers = _kind(dice, usual)
        sent.body = bodies.written(dice, dice.one(bodies.parameters(dice), bodies.resource(dice, type_name)))
    return sent


def _write(dice: Dice) -> Sent:
    type_name = a_type(dice)
    tree = bodies.resource(dice, type_name)
    if not dice.tame or dice.maybe(0.2):
        tree = bodies.spoilt(dice, tree)
    id_ = (
        tree.get("id") if isinstance(tree.get("id"), str) and tree["id"].isascii() else "clinic-c-" + type_name.lower()
    )
    octets = bodies.written(dice, tree)
    method, place = dice.weighted(
        [
            (4, ("POST", type_name)),
            (3, ("PUT", f"{type_name}/{dice.escaped(str(id_))}")),
            (1, ("PUT", f"{type_name}?{query(dice, type_name)}")),
            (1, ("POST", f"{type_name}/$validate")),
        ]
    )
    if method == "PUT" and "?" not in place and dice.maybe(0.8):
        octets = bodies.written(dice, tree | {"id": id_})
    kind = JSON
    if dice.maybe(0.2):
        octets, kind = bodies.in_xml(dice, octets), XML
    if not dice.tame and dice.maybe(0.4):
        octets = bodies.broken(dice, octets)
    sent = Sent(method, f"/fhir/{place}", _kind(dice, kind), octets)
    if dice.maybe(0.08):
        sent.body = bodies.packed(dice, octets)
        sent.headers.append((b"Content-Encoding", dice.one(b"gzip", b"gzip", b"x-gzip", b"br", b"gzip, gzip", b"")))
    return sent


def _patch(dice: Dice) -> Sent:
    type_name = dice.one("Patient", "Patient", "Observation", a_type(dice))
    kind, body = dice.one(
        (PATCHES[0], bodies.json_patch(dice)),
        (JSON, bodies.written(dice, bodies.fhirpath_patch(dice, type_name))),
        ("application/xml-patch+xml", bodies.xml_patch(dice)),
    )
    if dice.maybe(0.2):
        body = bodies.broken(dice, body)
    place = dice.one("Patient/clinic-c-p", f"{type_name}/{dice.choice(IDS)}", f"{type_name}?{query(dice, type_name)}")
    return Sent("PATCH", f"/fhir/{place}", _kind(dice, kind), body)


def _bundle(dice: Dice) -> Sent:
    tree = bodies.bundle(dice)
    if dice.maybe(0.3):
        tree = bodies.spoilt(dice, tree)
    body = bodies.written(dice, tree)
    if dice.maybe(0.1):
        body = bodies.broken(dice, body)
    return Sent("POST", dice.one("/fhir", "/fhir", "/fhir/", "/fhir/Bundle"), _kind(dice, JSON), body)


def _other(dice: Dice) -> Sent:
    """Return a request for a door that is neither FHIR nor DICOMweb."""
    odd = dice.escaped(dice.text())
    method, target = dice.one(
        ("GET", f"/patients?q={odd}"),
        ("GET", f"/patients/{odd}"),
        ("GET", f"/documents/{a_type(dice)}/{odd}/content/{dice.one('0', '-1', '9' * 30)}"),
        ("GET", f"/audit?patient={odd}&from={odd}"),
        ("GET", f"/?next={odd}&lang={odd}"),
        ("GET", f"/static/{odd}"),
        ("GET", f"/{odd}"),
        ("GET", "/fhir/metadata?_format=" + odd),
        ("GET", "/metrics"),
        ("GET", "/.well-known/smart-configuration"),
        ("POST", "/sign-out"),
        ("POST", "/consents"),
        ("POST", "/oauth/token"),
        ("OPTIONS", dice.one("/fhir/Patient", "*", "/", "/dicomweb/studies", "/oauth/token")),
    )
    sent = Sent(method, target)
    if method == "POST":
        fields = {"grant_type": "client_credentials", "client_assertion": dice.one("a.b.c", "e30.e30.", dice.text())}
        fields["client_assertion_type"] = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        body = "&".join(f"{key}={dice.escaped(text)}" for key, text in fields.items()).encode()
        sent.body = body if dice.maybe(0.7) else bodies.broken(dice, body)
        sent.headers = _kind(dice, FORM)
    return sent


DOORS: list[tuple[int, Callable[[Dice], Sent]]] = [
    (36, _search),
    (20, _interaction),
    (16, _write),
    (7, _patch),
    (6, _bundle),
    (8, images.asked),
    (2, images.stored),
    (5, _other),
]
"""What is sent, and how often among a hundred."""

CALLERS = [(60, "clinic-c"), (30, "clinic-d"), (4, "secretariat"), (2, ""), (1, "nobody"), (3, "doctor")]
"""In whose name: two clinics, the office, nobody, a token that was never issued, a person's cookie."""


def made(seed: int, number: int) -> Sent:
    """Return request `number` of a seed."""
    dice = Dice(f"{seed}:{number}")
    sent = _headers(dice, dice.weighted(DOORS)(dice))
    sent.caller = dice.weighted(CALLERS)
    return sent
