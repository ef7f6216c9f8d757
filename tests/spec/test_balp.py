"""Rendered AuditEvents against the published Basic Audit Log Patterns package, and against R4B models.

https://profiles.ihe.net/ITI/BALP/1.1.4/
"""

import functools
import json
import os
import pathlib
import tarfile

import pytest

from app.audit.balp import Observer, audit_event
from app.audit.patterns import BALP, PATTERNS
from app.audit.record import ERASED, Event

DATA = pathlib.Path(
    os.environ.get("RENKEI_SPEC_DATA") or pathlib.Path(__file__).resolve().parents[2] / "../shared/data"
)
PACKAGE = DATA / "ihe/ihe.iti.balp.tgz"

pytestmark = pytest.mark.skipif(not PACKAGE.exists(), reason="the BALP package is not here")

_DEFINITIONS = ("package/StructureDefinition-", "package/ValueSet-", "package/CodeSystem-")

HUB = Observer("Device/hub", "https://hub.example.jp/fhir", "佐久医療圏")
EVENT = Event(
    recorded=1_795_341_600_000_001,
    action="R",
    interaction="read",
    user="Practitioner/7",
    user_name="山田 太郎",
    client="portal",
    organisation="Organization/1310000001",
    role="physician",
    purpose="TREAT",
    network="192.0.2.7",
    request_id="76d148b6-586d-11ec-bf63-0242ac130002",
    method="GET",
    path="/fhir/Observation",
    query="code=1234-5",
    entities=("Observation/1/_history/2",),
    custodian="Organization/1310000002",
)
PATIENT = "Patient/4711"

# Every profile the hub claims: interaction, action, profile without a patient, profile with one.
CLAIMS = [
    ("read", "R", "IHE.BasicAudit.Read", "IHE.BasicAudit.PatientRead"),
    ("vread", "R", "IHE.BasicAudit.Read", "IHE.BasicAudit.PatientRead"),
    ("create", "C", "IHE.BasicAudit.Create", "IHE.BasicAudit.PatientCreate"),
    ("update", "U", "IHE.BasicAudit.Update", "IHE.BasicAudit.PatientUpdate"),
    ("patch", "U", "IHE.BasicAudit.Update", "IHE.BasicAudit.PatientUpdate"),
    ("delete", "D", "IHE.BasicAudit.Delete", "IHE.BasicAudit.PatientDelete"),
    ("search-type", "E", "IHE.BasicAudit.Query", "IHE.BasicAudit.PatientQuery"),
    ("search-system", "E", "IHE.BasicAudit.Query", "IHE.BasicAudit.PatientQuery"),
    ("token", "E", "IHE.IUA.71", None),
    ("export", "R", None, "IHE.BasicAudit.PrivacyDisclosure.Source"),
    ("consent-decision", "E", None, "IHE.BasicAudit.AuthZconsent"),
]


@functools.cache
def package():
    with tarfile.open(PACKAGE) as archive:
        return {
            member.name: json.load(archive.extractfile(member))
            for member in archive
            if member.name.endswith(".json") and not member.name.startswith(("package/other", "package/openapi"))
        }


@functools.cache
def profile(url):
    found = package()[f"package/StructureDefinition-{url.removeprefix(BALP)}.json"]
    return {element["id"]: element for element in found["snapshot"]["element"]}


@functools.cache
def value_set(url):
    """Return the codes of a value set of the package, or nothing for one that is defined elsewhere."""
    found = package().get(f"package/ValueSet-{url.rpartition('/')[2]}.json")
    if found is None:
        return None
    return {
        (include["system"], concept["code"])
        for include in found["compose"]["include"]
        for concept in include.get("concept") or code_system(include["system"])
    }


def code_system(url):
    return package()[f"package/CodeSystem-{url.rpartition('/')[2]}.json"]["concept"]


def problems(resource):
    """Return what a resource lacks of the profile it names: cardinality, patterns, bindings, slices."""
    (url,) = resource["meta"]["profile"]
    return list(below(profile(url), "AuditEvent", resource))


def below(elements, parent, node):
    """Check the children of one element."""
    names = [path for path in elements if path.startswith(parent + ".") and "." not in path[len(parent) + 1 :]]
    known = {path[len(parent) + 1 :].partition(":")[0] for path in names}
    if known:
        yield from (f"{parent}.{name}: unknown" for name in node if name not in known | {"resourceType"})
    for path in (one for one in names if ":" not in one[len(parent) + 1 :]):
        value = node.get(path[len(parent) + 1 :])
        values = value if isinstance(value, list) else [] if value is None else [value]
        slices = [one for one in names if one.startswith(path + ":")]
        yield from counted(elements[path], values)
        for one in values:
            yield from described(elements, path, one)
            mine = [part for part in slices if belongs(elements, elements[path], part, one)]
            if slices and not mine and elements[path]["slicing"]["rules"] == "closed":
                yield f"{path}: an entry of no part in a closed list"
        for part in slices:
            members = [one for one in values if belongs(elements, elements[path], part, one)]
            yield from counted(elements[part], members)
            for one in members:
                yield from described(elements, part, one)


def counted(element, values):
    most = element["max"]
    if len(values) < element["min"] or (most != "*" and len(values) > int(most)):
        yield f"{element['id']}: {len(values)} times, not {element['min']}..{most}"


def described(elements, path, value):
    if not matches(elements[path], value):
        yield f"{path}: not as fixed or bound"
    if isinstance(value, dict):
        yield from below(elements, path, value)


def belongs(elements, sliced, part, value):
    """Tell whether a value is of a part, by the slicing's discriminators."""
    for discriminator in sliced["slicing"]["discriminator"]:
        at = discriminator["path"]
        element = elements[part if at == "$this" else f"{part}.{at}"]
        chosen = value if at == "$this" else value.get(at)
        if chosen is None or not matches(element, chosen):
            return False
    return True


def matches(element, value):
    """Tell whether a value has what an element fixes and is of the value set it is bound to."""
    for key, wanted in element.items():
        if key.startswith(("pattern", "fixed")) and not contains(value, wanted):
            return False
    binding = element.get("binding", {})
    if binding.get("strength") != "required":
        return True
    codes = value_set(binding["valueSet"].partition("|")[0])
    if codes is None or not isinstance(value, dict):
        return True
    return any((one.get("system"), one.get("code")) in codes for one in value.get("coding", [value]))


def contains(value, wanted):
    if isinstance(wanted, dict):
        return isinstance(value, dict) and all(contains(value.get(key), one) for key, one in wanted.items())
    if isinstance(wanted, list):
        return isinstance(value, list) and all(any(contains(one, each) for one in value) for each in wanted)
    return value == wanted


def an_event(interaction, action, patient):
    entities = ("Consent/1",) if interaction == "consent-decision" else EVENT.entities
    return EVENT._replace(interaction=interaction, action=action, patient=patient, entities=entities)


CLAIMED = [
    pytest.param(an_event(interaction, action, patient), wanted, id=f"{interaction} {wanted}")
    for interaction, action, *profiles in CLAIMS
    for patient, wanted in zip((None, PATIENT), profiles, strict=True)
    if wanted
]


@pytest.mark.parametrize(("event", "wanted"), CLAIMED)
def test_an_event_meets_the_profile_it_names(event, wanted):
    resource = audit_event(event, id="1", observer=HUB)

    assert resource["meta"]["profile"] == [BALP + wanted]
    assert problems(resource) == []


@pytest.mark.parametrize(("event", "wanted"), CLAIMED)
@pytest.mark.parametrize("lost", ["user", "organisation", "custodian", "request_id", "role", "user_name"])
def test_an_event_that_lacks_something_names_only_a_profile_it_still_meets(event, wanted, lost):
    resource = audit_event(event._replace(**{lost: None}), id="1", observer=HUB)

    assert "meta" not in resource or problems(resource) == []


@pytest.mark.parametrize(("event", "wanted"), CLAIMED)
@pytest.mark.parametrize(
    "change",
    [{"client": None}, {"network": None}, {"action": "X"}],
    ids=["no client", "no address", "another action"],
)
def test_an_event_that_lacks_what_every_profile_asks_for_names_none(event, wanted, change):
    assert "meta" not in audit_event(event._replace(**change), id="1", observer=HUB)


@pytest.mark.parametrize("interaction", ["read", "create", "update", "delete"])
def test_an_event_of_no_entity_names_no_profile(interaction):
    event = an_event(interaction, PATTERNS[interaction].action, PATIENT)._replace(entities=())

    assert "meta" not in audit_event(event, id="1", observer=HUB)


def test_a_failed_read_names_no_profile():
    resource = audit_event(EVENT._replace(outcome="4", outcome_desc="unknown"), id="1", observer=HUB)

    assert "meta" not in resource
    assert (resource["outcome"], resource["outcomeDesc"]) == ("4", "unknown")


def test_a_denying_decision_keeps_its_profile():
    event = an_event("consent-decision", "E", PATIENT)._replace(outcome="8", outcome_desc="no consent")

    resource = audit_event(event, id="1", observer=HUB)

    assert resource["meta"]["profile"] == [BALP + "IHE.BasicAudit.AuthZconsent"]
    assert problems(resource) == []
    # The profile's own invariant val-audit-source.
    (authorizer,) = (one for one in resource["agent"] if one["type"]["coding"][0]["code"] == "authserver")
    assert authorizer["who"] == resource["source"]["observer"]


@pytest.mark.parametrize("interaction", [*PATTERNS, "something-new"])
@pytest.mark.parametrize("patient", [None, PATIENT], ids=["", "patient"])
def test_every_rendering_is_an_audit_event_of_the_model(interaction, patient):
    from fhir.resources.R4B.auditevent import AuditEvent

    action = PATTERNS[interaction].action if interaction in PATTERNS else "E"
    full = EVENT._replace(interaction=interaction, action=action, patient=patient, patient_key=1)
    bare = Event(recorded=0, action=action, interaction=interaction, patient=patient)
    erased = Event(
        recorded=0,
        action=action,
        interaction=interaction,
        erased=True,
        **dict.fromkeys(("patient", "user", "client", "organisation", "custodian"), ERASED + "x"),
    )

    for event in (full, bare, erased):
        AuditEvent.model_validate(audit_event(event, id="1", observer=HUB))


def examples():
    if not PACKAGE.exists():
        return []
    return [
        pytest.param(resource, id=resource["id"])
        for name, resource in package().items()
        if name.startswith("package/example/AuditEvent")
        and resource["meta"]["profile"][0] in {BALP + one for claim in CLAIMS for one in claim[2:] if one}
    ]


@pytest.mark.parametrize("example", examples())
def test_the_check_accepts_the_published_examples(example):
    assert problems(example) == []


@pytest.mark.parametrize("example", examples())
def test_the_check_refuses_the_published_examples_without_their_agents_or_entities(example):
    for name in ("agent", "entity"):
        assert problems({**example, name: example[name][1:]}) != []
    assert problems({**example, "subtype": [{"code": "other"}]}) != []
    assert problems({**example, "nonsense": 1}) != []
