"""Each kind of rule of a profile: kept by one resource, broken by another."""

from typing import Any

import pytest

from tests.profiles import HERE, a_profile, a_value_set, an_element, found, loaded, told

SYSTEM = "http://example.org/codes"


def a_patient(**fields: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "gender": "female", **fields}


def an_observation(**fields: Any) -> dict[str, Any]:
    return {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, **fields}


def coded(*codes: str, system: str = SYSTEM) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code} for code in codes]}


def slices(base: str, by: list[tuple[str, str]], rules: str = "open", **facts: Any) -> tuple[str, dict[str, Any]]:
    cut = {"discriminator": [{"type": kind, "path": path} for kind, path in by], "rules": rules, **facts}
    return base, {"slicing": cut}


KINDS: dict[str, tuple[list[tuple[str, dict[str, Any]]], dict[str, Any], dict[str, Any], tuple[str, str, str]]] = {
    "at least": (
        [("Patient.birthDate", {"min": 1, "max": "1"})],
        a_patient(birthDate="1960"),
        a_patient(),
        ("error", "required", "Patient.birthDate"),
    ),
    "at most": (
        [("Patient.name", {"min": 0, "max": "1", "base": {"max": "*"}})],
        a_patient(name=[{"text": "a"}]),
        a_patient(name=[{"text": "a"}, {"text": "b"}]),
        ("error", "structure", "Patient.name"),
    ),
    "forbidden": (
        [("Patient.photo", {"min": 0, "max": "0", "base": {"max": "*"}})],
        a_patient(),
        a_patient(photo=[{"title": "x"}]),
        ("error", "structure", "Patient.photo"),
    ),
    "at least, inside": (
        [("Patient.contact", {}), ("Patient.contact.name", {"min": 1})],
        a_patient(contact=[{"name": {"text": "x"}}]),
        a_patient(contact=[{"name": {"text": "x"}}, {"gender": "male", "telecom": [{"system": "sms"}]}]),
        ("error", "required", "Patient.contact[1].name"),
    ),
    "an extension counts as the value": (
        [("Patient.birthDate", {"min": 1})],
        a_patient(_birthDate={"extension": [{"url": "http://example.org/absent", "valueCode": "unknown"}]}),
        a_patient(),
        ("error", "required", "Patient.birthDate"),
    ),
    "choice narrowed": (
        [("Observation.value[x]", {"type": [{"code": "Quantity"}, {"code": "string"}]})],
        an_observation(valueQuantity={"value": 1}),
        an_observation(valueBoolean=True),
        ("error", "structure", "Observation.valueBoolean"),
    ),
    "target of a reference": (
        [
            (
                "Observation.subject",
                {"type": [{"code": "Reference", "targetProfile": ["http://hl7.org/fhir/StructureDefinition/Patient"]}]},
            )
        ],
        an_observation(subject={"reference": "Patient/1"}),
        an_observation(subject={"reference": "Group/1"}),
        ("error", "value", "Observation.subject.reference"),
    ),
    "target of a local reference": (
        [
            (
                "Observation.subject",
                {"type": [{"code": "Reference", "targetProfile": ["http://hl7.org/fhir/StructureDefinition/Patient"]}]},
            )
        ],
        an_observation(subject={"reference": "#p"}, contained=[{"resourceType": "Patient", "id": "p"}]),
        an_observation(subject={"reference": "#g"}, contained=[{"resourceType": "Group", "id": "g"}]),
        ("error", "value", "Observation.subject.reference"),
    ),
    "fixed": (
        [("Observation.code", {}), ("Observation.code.text", {"fixedString": "x"})],
        an_observation(),
        an_observation(code={"text": "y"}),
        ("error", "value", "Observation.code.text"),
    ),
    "fixed number": (
        [("Observation.value[x]", {}), ("Observation.value[x].value", {"fixedDecimal": 6.3})],
        an_observation(valueQuantity={"value": 6.30}),
        an_observation(valueQuantity={"value": 6.31}),
        ("error", "value", "Observation.valueQuantity.value"),
    ),
    "pattern": (
        [("Observation.code", {"patternCodeableConcept": coded("a")})],
        an_observation(code=coded("b", "a")),
        an_observation(code=coded("b")),
        ("error", "value", "Observation.code"),
    ),
    "least value": (
        [("Observation.value[x]", {"minValueInteger": 3})],
        an_observation(valueInteger=3),
        an_observation(valueInteger=2),
        ("error", "value", "Observation.valueInteger"),
    ),
    "greatest value": (
        [("Patient.birthDate", {"maxValueDate": "2020-01-31"})],
        a_patient(birthDate="2020-01"),
        a_patient(birthDate="2020-02"),
        ("error", "value", "Patient.birthDate"),
    ),
    "greatest quantity": (
        [("Observation.value[x]", {"maxValueQuantity": {"value": 10, "system": SYSTEM, "code": "g"}})],
        an_observation(valueQuantity={"value": 11, "system": SYSTEM, "code": "mg"}),
        an_observation(valueQuantity={"value": 10.1, "system": SYSTEM, "code": "g"}),
        ("error", "value", "Observation.valueQuantity"),
    ),
    "length": (
        [("Observation.value[x]", {"maxLength": 3})],
        an_observation(valueString="abc"),
        an_observation(valueString="abcd"),
        ("error", "too-long", "Observation.valueString"),
    ),
    "required binding": (
        [("Observation.code", {"binding": {"strength": "required", "valueSet": HERE + "few"}})],
        an_observation(code=coded("other", "a")),
        an_observation(code=coded("other")),
        ("error", "code-invalid", "Observation.code"),
    ),
    "required binding, without a code": (
        [("Observation.code", {"binding": {"strength": "required", "valueSet": HERE + "few|1.0"}})],
        an_observation(code=coded("b")),
        an_observation(),
        ("error", "code-invalid", "Observation.code"),
    ),
    "required binding, to a value set of R4": (
        [
            (
                "Observation.value[x]",
                {
                    "binding": {
                        "strength": "required",
                        "valueSet": "http://hl7.org/fhir/ValueSet/administrative-gender|4.0.1",
                    }
                },
            )
        ],
        an_observation(valueCodeableConcept=coded("female", system="http://hl7.org/fhir/administrative-gender")),
        an_observation(valueCodeableConcept=coded("f", system="http://hl7.org/fhir/administrative-gender")),
        ("error", "code-invalid", "Observation.valueCodeableConcept"),
    ),
    "extensible binding": (
        [("Observation.code", {"binding": {"strength": "extensible", "valueSet": HERE + "few"}})],
        an_observation(),
        an_observation(code=coded("c")),
        ("warning", "code-invalid", "Observation.code"),
    ),
    "invariant": (
        [
            (
                "Patient.name",
                {
                    "constraint": [
                        {
                            "key": "x-1",
                            "severity": "error",
                            "human": "Both",
                            "expression": "family.exists() and given.exists()",
                        }
                    ]
                },
            )
        ],
        a_patient(name=[{"family": "a", "given": ["b"]}]),
        a_patient(name=[{"family": "a", "given": ["b"]}, {"family": "a"}]),
        ("error", "invariant", "Patient.name[1]"),
    ),
    "invariant of severity warning, about the resource": (
        [
            (
                "Observation.code",
                {
                    "constraint": [
                        {"key": "x-2", "severity": "warning", "human": "One", "expression": "%resource.value.exists()"}
                    ]
                },
            )
        ],
        an_observation(valueString="x"),
        an_observation(),
        ("warning", "invariant", "Observation.code"),
    ),
    "invariant that cannot be evaluated": (
        [
            (
                "Observation.code",
                {"constraint": [{"key": "x-3", "severity": "error", "human": "?", "expression": "noSuch(1)"}]},
            )
        ],
        a_patient(),
        an_observation(),
        ("warning", "not-supported", "Observation.code"),
    ),
    "slice by value": (
        [
            slices("Patient.identifier", [("value", "system")]),
            ("Patient.identifier:main", {"min": 1, "max": "1"}),
            ("Patient.identifier:main.system", {"fixedUri": SYSTEM}),
            ("Patient.identifier:main.value", {"min": 1}),
        ],
        a_patient(identifier=[{"value": "1"}, {"system": SYSTEM, "value": "2"}]),
        a_patient(identifier=[{"value": "1"}, {"system": SYSTEM}]),
        ("error", "required", "Patient.identifier[1].value"),
    ),
    "slice that is missing": (
        [
            slices("Patient.identifier", [("value", "system"), ("value", "use")]),
            ("Patient.identifier:main", {"min": 1, "max": "1"}),
            ("Patient.identifier:main.system", {"fixedUri": SYSTEM}),
            ("Patient.identifier:main.use", {"fixedCode": "usual"}),
        ],
        a_patient(identifier=[{"system": SYSTEM, "use": "usual"}]),
        a_patient(identifier=[{"system": SYSTEM, "use": "old"}]),
        ("error", "required", "Patient.identifier"),
    ),
    "slice there too often": (
        [
            slices("Observation.category", [("pattern", "$this")]),
            ("Observation.category:lab", {"min": 0, "max": "1", "patternCodeableConcept": coded("lab")}),
        ],
        an_observation(category=[coded("lab"), coded("x")]),
        an_observation(category=[coded("lab"), coded("x", "lab")]),
        ("error", "structure", "Observation.category"),
    ),
    "slice by a value deep inside": (
        [
            slices("Observation.component", [("value", "code")]),
            ("Observation.component:a", {"min": 1}),
            ("Observation.component:a.code", {"min": 1}),
            ("Observation.component:a.code.coding", {"min": 1}),
            ("Observation.component:a.code.coding.code", {"min": 1, "fixedCode": "a"}),
        ],
        an_observation(component=[{"code": coded("b")}, {"code": coded("a")}]),
        an_observation(component=[{"code": coded("b")}]),
        ("error", "required", "Observation.component"),
    ),
    "slice by a value set": (
        [
            slices("Observation.category", [("value", "$this")]),
            (
                "Observation.category:few",
                {"min": 1, "binding": {"strength": "required", "valueSet": HERE + "few"}},
            ),
        ],
        an_observation(category=[coded("a")]),
        an_observation(category=[coded("z")]),
        ("error", "required", "Observation.category"),
    ),
    "slice by type": (
        [
            slices("Observation.value[x]", [("type", "$this")], rules="closed"),
            ("Observation.value[x]:valueQuantity", {"type": [{"code": "Quantity"}]}),
            ("Observation.value[x]:valueQuantity.unit", {"min": 1}),
        ],
        an_observation(valueQuantity={"value": 1, "unit": "mg"}),
        an_observation(valueQuantity={"value": 1}),
        ("error", "required", "Observation.valueQuantity.unit"),
    ),
    "slice by existence": (
        [
            slices("Patient.contact", [("exists", "name")]),
            ("Patient.contact:named", {}),
            ("Patient.contact:named.name", {"min": 1}),
            ("Patient.contact:named.telecom", {"min": 1}),
            ("Patient.contact:unnamed", {}),
            ("Patient.contact:unnamed.name", {"max": "0", "base": {"max": "1"}}),
        ],
        a_patient(contact=[{"telecom": [{"system": "sms"}]}]),
        a_patient(contact=[{"name": {"text": "x"}}]),
        ("error", "required", "Patient.contact[0].telecom"),
    ),
    "closed": (
        [
            slices("Patient.identifier", [("value", "system")], rules="closed"),
            ("Patient.identifier:main", {}),
            ("Patient.identifier:main.system", {"fixedUri": SYSTEM}),
        ],
        a_patient(identifier=[{"system": SYSTEM}]),
        a_patient(identifier=[{"system": SYSTEM}, {"system": "urn:x"}]),
        ("error", "structure", "Patient.identifier[1]"),
    ),
    "open at the end": (
        [
            slices("Patient.identifier", [("value", "system")], rules="openAtEnd"),
            ("Patient.identifier:main", {}),
            ("Patient.identifier:main.system", {"fixedUri": SYSTEM}),
        ],
        a_patient(identifier=[{"system": SYSTEM}, {"system": "urn:x"}]),
        a_patient(identifier=[{"system": "urn:x"}, {"system": SYSTEM}]),
        ("error", "structure", "Patient.identifier[1]"),
    ),
    "ordered": (
        [
            slices("Patient.identifier", [("value", "system")], ordered=True),
            ("Patient.identifier:a", {}),
            ("Patient.identifier:a.system", {"fixedUri": "urn:a"}),
            ("Patient.identifier:b", {}),
            ("Patient.identifier:b.system", {"fixedUri": "urn:b"}),
        ],
        a_patient(identifier=[{"system": "urn:a"}, {"system": "urn:x"}, {"system": "urn:b"}]),
        a_patient(identifier=[{"system": "urn:b"}, {"system": "urn:a"}]),
        ("error", "structure", "Patient.identifier[1]"),
    ),
    "sliced again": (
        [
            slices("Patient.identifier", [("value", "system")]),
            (
                "Patient.identifier:a",
                {"slicing": {"discriminator": [{"type": "value", "path": "use"}], "rules": "open"}},
            ),
            ("Patient.identifier:a.system", {"fixedUri": "urn:a"}),
            ("Patient.identifier:a/old", {"max": "1"}),
            ("Patient.identifier:a/old.use", {"fixedCode": "old"}),
        ],
        a_patient(identifier=[{"system": "urn:a", "use": "old"}, {"system": "urn:b", "use": "old"}]),
        a_patient(identifier=[{"system": "urn:a", "use": "old"}, {"system": "urn:a", "use": "old"}]),
        ("error", "structure", "Patient.identifier"),
    ),
    "what a content reference leads to": (
        [
            ("Observation.referenceRange", {}),
            ("Observation.referenceRange.text", {"min": 1}),
            ("Observation.component", {}),
            ("Observation.component.referenceRange", {"contentReference": "#Observation.referenceRange"}),
        ],
        an_observation(component=[{"code": {"text": "x"}, "referenceRange": [{"text": "y"}]}]),
        an_observation(component=[{"code": {"text": "x"}, "referenceRange": [{"low": {"value": 1}}]}]),
        ("error", "required", "Observation.component[0].referenceRange[0].text"),
    ),
    "another type": (
        [],
        a_patient(),
        an_observation(),
        ("error", "structure", "Observation"),
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_rule_is_kept_by_one_resource_and_broken_by_another(kind: str) -> None:
    elements, right, wrong, expected = KINDS[kind]
    profile = a_profile("P", right["resourceType"] if "cannot" not in kind else "Observation", *elements)
    few = a_value_set("few", SYSTEM, "a", "b")

    kept, broken = found(right, profile, few), found(wrong, profile, few)

    if "cannot" not in kind:
        assert [one for one in told(kept) if one[0] != "information"] == []
    assert told(broken) == [expected]


def test_a_value_is_checked_by_the_profile_of_its_type() -> None:
    whole = a_profile(
        "P", "Patient", ("Patient.identifier", {"type": [{"code": "Identifier", "profile": [HERE + "I"]}]})
    )
    part = a_profile("I", "Identifier", ("Identifier.value", {"min": 1}), kind="complex-type")

    issues = found(a_patient(identifier=[{"value": "1"}, {"system": "urn:x"}]), whole, part)

    assert told(issues) == [("error", "required", "Patient.identifier[1].value")]


def test_of_several_profiles_of_a_type_one_is_enough() -> None:
    either = {"type": [{"code": "Identifier", "profile": [HERE + "I", HERE + "J"]}]}
    whole = a_profile("P", "Patient", ("Patient.identifier", either))
    by_value = a_profile("I", "Identifier", ("Identifier.value", {"min": 1}), kind="complex-type")
    by_use = a_profile("J", "Identifier", ("Identifier.use", {"min": 1}), kind="complex-type")

    issues = found(a_patient(identifier=[{"value": "1"}, {"use": "old"}, {"system": "urn:x"}]), whole, by_value, by_use)

    assert told(issues) == [("error", "value", "Patient.identifier[2]")]


def test_a_profile_of_a_type_that_is_not_loaded_is_said() -> None:
    whole = a_profile(
        "P", "Patient", ("Patient.identifier", {"type": [{"code": "Identifier", "profile": [HERE + "I"]}]})
    )

    issues = found(a_patient(identifier=[{"value": "1"}]), whole)

    assert told(issues) == [("information", "not-found", "Patient.identifier[0]")]


def test_entries_are_sliced_by_the_profile_of_their_resource() -> None:
    bundle = a_profile(
        "B",
        "Bundle",
        slices("Bundle.entry", [("profile", "resource")]),
        ("Bundle.entry:lab", {"min": 1, "max": "1"}),
        ("Bundle.entry:lab.resource", {"type": [{"code": "Observation", "profile": [HERE + "O"]}]}),
    )
    lab = a_profile("O", "Observation", ("Observation.value[x]", {"min": 1}))
    entries = [{"resource": an_observation()}, {"resource": an_observation(valueString="x")}]
    whole = {"resourceType": "Bundle", "type": "collection", "entry": entries}

    assert told(found(whole, bundle, lab)) == []
    assert told(found({**whole, "entry": entries[:1]}, bundle, lab)) == [("error", "required", "Bundle.entry")]


def test_references_are_sliced_by_the_profile_of_their_target_in_the_bundle() -> None:
    composition = a_profile(
        "C",
        "Composition",
        ("Composition.section", {}),
        slices("Composition.section.entry", [("profile", "resolve()")]),
        (
            "Composition.section.entry:lab",
            {"min": 1, "type": [{"code": "Reference", "targetProfile": [HERE + "O"]}]},
        ),
    )
    lab = a_profile("O", "Observation", ("Observation.value[x]", {"min": 1}))
    paper = {
        "resourceType": "Composition",
        "meta": {"profile": [HERE + "C"]},
        "section": [{"entry": [{"reference": "urn:uuid:0000"}]}],
    }
    target = {"fullUrl": "urn:uuid:0000", "resource": an_observation(valueString="x")}
    whole = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": paper}, target]}
    without = {**whole, "entry": [{"resource": paper}, {**target, "resource": an_observation()}]}
    bundle = a_profile("B", "Bundle")

    assert told(found(whole, bundle, composition, lab)) == []
    assert told(found(without, bundle, composition, lab)) == [
        ("error", "required", "Bundle.entry[0].resource.section[0].entry")
    ]


def test_profiles_that_lead_to_each_other_come_to_an_end() -> None:
    entry = ("Bundle.entry", {})
    resource = ("Bundle.entry.resource", {"type": [{"code": "Bundle", "profile": [HERE + "B"]}]})
    bundle = a_profile("B", "Bundle", entry, resource, ("Bundle.timestamp", {"min": 1}))
    inner = {"resourceType": "Bundle", "type": "collection"}

    issues = found(
        {"resourceType": "Bundle", "type": "collection", "timestamp": "x", "entry": [{"resource": inner}]}, bundle
    )

    assert told(issues) == [("error", "required", "Bundle.entry[0].resource.timestamp")]


def test_without_a_snapshot_the_differential_and_its_base_are_followed() -> None:
    base = a_profile(
        "Base",
        "Patient",
        ("Patient.birthDate", {"min": 1}),
        slices("Patient.identifier", [("value", "system")]),
        ("Patient.identifier:main", {"max": "1"}),
        ("Patient.identifier:main.system", {"fixedUri": SYSTEM}),
    )
    differential = {"element": [an_element("Patient", {}), an_element("Patient.name", {"min": 1})]}
    narrower = a_profile("P", "Patient", baseDefinition=HERE + "Base", differential=differential)
    del narrower["snapshot"]

    assert told(found(a_patient(), narrower, base)) == [
        ("error", "required", "Patient.birthDate"),
        ("error", "required", "Patient.name"),
    ]
    assert told(found(a_patient(), narrower)) == [("warning", "not-supported", "Patient")]


@pytest.mark.parametrize(
    "broken",
    [
        {"kind": "logical"},
        {"snapshot": {"element": []}},
        {"snapshot": {"element": [{}]}},
        {"snapshot": 1},
    ],
    ids=["a logical model", "no elements", "an element without a path", "no snapshot at all"],
)
def test_a_definition_that_cannot_be_used_is_said_and_is_no_fault_of_the_resource(broken: dict[str, Any]) -> None:
    issues = found(a_patient(), {**a_profile("P", "Patient"), **broken})

    assert told(issues) == [("warning", "not-supported", "Patient")]


def test_a_profile_that_is_not_loaded_is_said_where_it_is_named() -> None:
    named = a_patient(meta={"profile": ["http://hl7.org/fhir/StructureDefinition/Patient", HERE + "Q", HERE + "P|2.0"]})

    issues = found(named, a_profile("P", "Patient"))

    assert told(issues) == [
        ("warning", "not-found", "Patient.meta.profile[1]"),
        ("warning", "not-found", "Patient.meta.profile[2]"),
    ]


def test_the_newest_version_stands_for_a_profile_without_one() -> None:
    old = a_profile("P", "Patient", ("Patient.name", {"min": 1}), version="1.9")
    new = a_profile("P", "Patient", ("Patient.birthDate", {"min": 1}), version="1.10")

    assert told(found(a_patient(), new, old)) == [("error", "required", "Patient.birthDate")]
    assert loaded(old, new).known("StructureDefinition", HERE + "P|1.9") is not None


def test_what_is_evaluated_is_not_printed(capsys: pytest.CaptureFixture[str]) -> None:
    traced = {"key": "x-1", "severity": "error", "human": "?", "expression": "name.trace('names').exists()"}
    profile = a_profile("P", "Patient")
    profile["snapshot"]["element"][0]["constraint"] = [traced]

    issues = found(a_patient(name=[{"text": "秘密"}]), profile)

    assert told(issues) == []
    assert capsys.readouterr() == ("", "")
