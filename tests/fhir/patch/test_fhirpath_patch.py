"""FHIRPath Patch: where paths lead, what each operation does there, and how values become elements."""

import json
from typing import Any

import pytest

from fhir.errors import FhirError, Unprocessable
from fhir.patch.exact import MalformedPatch, TooCostly
from fhir.patch.fhirpath_patch import read
from fhir.resource import InvalidJson

PATIENT = {
    "resourceType": "Patient",
    "id": "1",
    "extension": [{"url": "urn:a", "valueString": "x"}, {"url": "urn:b", "valueInteger": 3}],
    "contained": [{"resourceType": "Organization", "id": "o", "name": "連携病院"}],
    "active": True,
    "name": [
        {"use": "official", "family": "山田", "given": ["太郎", "次郎"]},
        {"use": "usual", "given": ["タロウ", None], "_given": [None, {"id": "g"}]},
    ],
    "birthDate": "1960-01-02",
    "_birthDate": {"extension": [{"url": "urn:t", "valueDateTime": "1960-01-02T03:04:05+09:00"}]},
    "deceasedBoolean": False,
    "multipleBirthInteger": 2,
    "contact": [{"name": {"text": "母"}}, {"name": {"text": "父"}, "gender": "male"}],
}  # fmt: skip


def operation(kind: str, path: str, *, value: Any = None, **parts: Any) -> dict[str, Any]:
    """Return an operation; `value` is the rest of the part that holds it."""
    made = [{"name": "type", "valueCode": kind}, {"name": "path", "valueString": path}]
    for name, stated in parts.items():
        made.append({"name": name, ("valueString" if isinstance(stated, str) else "valueInteger"): stated})
    if value is not None:
        made.append({"name": "value", **value})
    return {"name": "operation", "part": made}


def patched(*operations: dict[str, Any], of: dict[str, Any] = PATIENT) -> dict[str, Any]:
    document = {"resourceType": "Parameters", "parameter": list(operations)}
    found: dict[str, Any] = json.loads(read(json.dumps(document).encode())(json.dumps(of).encode()))
    return found


def without(path: str) -> set[str]:
    """Return what a deletion takes away, as the paths of the values that are gone."""
    before, after = set(_flat(PATIENT, "")), set(_flat(patched(operation("delete", path)), ""))
    assert not after - before or "[" in str(after - before)
    return before - after


def _flat(node: Any, path: str) -> list[str]:
    if isinstance(node, dict):
        return [one for name, value in node.items() for one in _flat(value, f"{path}.{name}")]
    if isinstance(node, list):
        return [one for number, value in enumerate(node) for one in _flat(value, f"{path}[{number}]")]
    return [f"{path}={node}"]


@pytest.mark.parametrize(
    ("path", "gone"),
    [
        ("Patient.active", {".active=True"}),
        ("active", {".active=True"}),
        ("Resource.active", {".active=True"}),
        ("Patient.`active`", {".active=True"}),
        ("Patient.deceased", {".deceasedBoolean=False"}),
        ("Patient.deceasedBoolean", {".deceasedBoolean=False"}),
        ("Patient.multipleBirth.ofType(integer)", {".multipleBirthInteger=2"}),
        ("Patient.multipleBirth.as(FHIR.integer)", {".multipleBirthInteger=2"}),
        ("Patient.multipleBirth.ofType(boolean)", set()),
        ("Patient.photo", set()),
        ("Patient.photo[0].url", set()),
        ("Patient.name[7]", set()),
        ("Group.active", set()),
        ("Patient.contact[1].gender", {".contact[1].gender=male"}),
        ("Patient.contact.where(name.text = '父').gender", {".contact[1].gender=male"}),
        ("Patient.contact.where(gender.exists()).gender", {".contact[1].gender=male"}),
        ("Patient.contact.where(gender.exists().not()).gender", set()),
        ("Patient.contact.where(gender.empty().not() and name.text != '母').gender", {".contact[1].gender=male"}),
        ("Patient.contact.where(name.exists(text = '父')).gender", {".contact[1].gender=male"}),
        ("contact.where((gender = 'male' or gender = 'x') and name.exists()).gender", {".contact[1].gender=male"}),
        ("Patient.contact.last().gender", {".contact[1].gender=male"}),
        ("Patient.where(active).contact[1].gender", {".contact[1].gender=male"}),
        ("Patient.where(active = true and multipleBirth > 1 and multipleBirth <= 2.0).active", {".active=True"}),
        ("Patient.where(deceased.not()).active", {".active=True"}),
        ("Patient.where(birthDate = @1960-01-02).active", {".active=True"}),
        ("Patient.where(birthDate = 'x' or active = 'true' or multipleBirth = '2').active", set()),
        ("Patient.name.where(use='official').given.first()", {".name[0].given[0]=太郎", ".name[0].given[1]=次郎"}),
        ("Patient.name.where(use = 'official').given.where($this = '次郎')", {".name[0].given[1]=次郎"}),
        ("Patient.extension('urn:b')", {".extension[1].url=urn:b", ".extension[1].valueInteger=3"}),
        ("Patient.extension.where(url = 'urn:b' and value = 3).value", {".extension[1].valueInteger=3"}),
        ("Patient.birthDate.extension('urn:t')", {
            "._birthDate.extension[0].url=urn:t",
            "._birthDate.extension[0].valueDateTime=1960-01-02T03:04:05+09:00",
        }),
        ("Patient.contained.where(id = 'o').name", {".contained[0].name=連携病院"}),
        ("Patient.contained.ofType(Organization).name", {".contained[0].name=連携病院"}),
        ("Patient.contained.where(gender = 'male').name", set()),
    ],
)  # fmt: skip
def test_a_path_leads_to_one_element_or_none(path: str, gone: set[str]) -> None:
    assert without(path) == gone


def test_a_primitive_goes_with_what_stands_beside_it() -> None:
    assert patched(operation("delete", "Patient.birthDate")).keys() == PATIENT.keys() - {"birthDate", "_birthDate"}


def test_what_stands_beside_primitives_moves_with_them() -> None:
    moved = patched(operation("move", "Patient.name[1].given", source=1, destination=0))
    inserted = patched(operation("insert", "Patient.name[1].given", index=0, value={"valueString": "ジロウ"}))
    deleted = patched(operation("delete", "Patient.name[1].given[0]"))

    assert moved["name"][1]["given"] == [None, "タロウ"]
    assert moved["name"][1]["_given"] == [PATIENT["name"][1]["_given"][1], None]  # type: ignore[index]
    assert inserted["name"][1]["given"] == ["ジロウ", "タロウ", None]
    assert inserted["name"][1]["_given"][:2] == [None, None]
    assert "given" not in deleted["name"][1]
    assert deleted["name"][1]["_given"] == [PATIENT["name"][1]["_given"][1]]  # type: ignore[index]


def test_what_is_left_empty_goes_too() -> None:
    assert patched(operation("delete", "Patient.contact[0].name.text"))["contact"] == PATIENT["contact"][1:]  # type: ignore[index]


def test_a_choice_is_replaced_by_another_type_in_its_place() -> None:
    found = patched(operation("replace", "Patient.deceased", value={"valueDateTime": "2024-05-01"}))

    assert found["deceasedDateTime"] == "2024-05-01"
    assert [name for name in found if "deceased" in name] == ["deceasedDateTime"]
    assert list(found).index("deceasedDateTime") == list(PATIENT).index("deceasedBoolean")


def test_a_primitive_is_replaced_with_its_extensions() -> None:
    beside = {"extension": [{"url": "urn:u", "valueCode": "z"}]}
    with_one = patched(operation("replace", "Patient.birthDate", value={"valueDate": "1961", "_valueDate": beside}))
    without_one = patched(operation("replace", "Patient.birthDate", value={"valueDate": "1961"}))
    only_one = patched(operation("replace", "Patient.birthDate", value={"_valueDate": beside}))

    assert (with_one["birthDate"], with_one["_birthDate"]) == ("1961", beside)
    assert (without_one["birthDate"], "_birthDate" in without_one) == ("1961", False)
    assert ("birthDate" in only_one, only_one["_birthDate"]) == (False, beside)


@pytest.mark.parametrize(
    ("made", "name", "expected"),
    [
        (operation("add", "Patient", name="maritalStatus", value={"valueCodeableConcept": {"text": "既婚"}}),
         "maritalStatus", {"text": "既婚"}),
        (operation("add", "Patient", name="language", value={"valueCode": "ja"}), "language", "ja"),
        (operation("add", "Patient", name="photo", value={"valueAttachment": {"title": "x"}}),
         "photo", [{"title": "x"}]),
        (operation("add", "Patient", name="extension", value={"part": [
            {"name": "url", "valueUri": "urn:n"}, {"name": "value", "valueQuantity": {"value": 1}}]}),
         "extension", [*PATIENT["extension"], {"url": "urn:n", "valueQuantity": {"value": 1}}]),
        (operation("add", "Patient", name="text", value={"part": [
            {"name": "status", "valueCode": "generated"}, {"name": "div", "valueString": "<div/>"}]}),
         "text", {"status": "generated", "div": "<div/>"}),
        (operation("add", "Patient", name="contact", value={"part": [
            {"name": "telecom", "valueContactPoint": {"rank": 1}},
            {"name": "telecom", "valueContactPoint": {"rank": 2}},
            {"name": "name", "part": [{"name": "text", "valueString": "兄"}]}]}),
         "contact", [*PATIENT["contact"], {"telecom": [{"rank": 1}, {"rank": 2}], "name": {"text": "兄"}}]),
        (operation("add", "Patient", name="contained", value={"resource": {"resourceType": "Practitioner", "id": "p"}}),
         "contained", [*PATIENT["contained"], {"resourceType": "Practitioner", "id": "p"}]),
        (operation("add", "Patient.active", name="extension", value={"part": [
            {"name": "url", "valueUri": "urn:n"}, {"name": "value", "valueCode": "c"}]}),
         "_active", {"extension": [{"url": "urn:n", "valueCode": "c"}]}),
        (operation("insert", "Patient.photo", index=0, value={"valueAttachment": {"title": "x"}}),
         "photo", [{"title": "x"}]),
        (operation("insert", "contact", index=2, value={"part": [{"name": "gender", "valueCode": "male"}]}),
         "contact", [*PATIENT["contact"], {"gender": "male"}]),
    ],
)  # fmt: skip
def test_a_value_becomes_an_element_of_its_type(made: dict[str, Any], name: str, expected: Any) -> None:
    assert patched(made)[name] == expected


def test_backbones_that_share_a_definition_are_built() -> None:
    observation = {"resourceType": "Observation", "component": [{"code": {"text": "x"}}]}
    low = {"part": [{"name": "low", "valueQuantity": {"value": 1}}]}
    age = operation("add", "Observation", name="value", value={"valueQuantity": {"value": 4}})

    found = patched(operation("add", "Observation.component[0]", name="referenceRange", value=low), age, of=observation)

    assert found["component"][0]["referenceRange"] == [{"low": {"value": 1}}]
    assert found["valueQuantity"] == {"value": 4}


def test_later_operations_find_what_earlier_ones_made_and_the_patch_stays_as_it_was() -> None:
    contact = {"part": [{"name": "gender", "valueCode": "male"}]}
    document = {
        "resourceType": "Parameters",
        "parameter": [
            operation("add", "Patient", name="photo", value={"valueAttachment": {"title": "x"}}),
            operation("replace", "Patient.photo[0].title", value={"valueString": "y"}),
            operation("add", "Patient", name="contact", value=contact),
            operation("replace", "Patient.contact.last().gender", value={"valueCode": "other"}),
        ],
    }
    patch, body = read(json.dumps(document).encode()), json.dumps(PATIENT).encode()

    assert patch(body) == patch(body)
    assert json.loads(patch(body))["contact"][2] == {"gender": "other"}
    assert json.loads(patch(body))["photo"] == [{"title": "y"}]


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (operation("add", "Patient.photo", name="title", value={"valueString": "x"}), "0 elements"),
        (operation("add", "Patient.name", name="text", value={"valueString": "x"}), "2 elements"),
        (operation("add", "Patient", name="active", value={"valueBoolean": True}), "already"),
        (operation("add", "Patient", name="deceased", value={"valueDateTime": "2024"}), "already"),
        (operation("add", "Patient", name="unheard", value={"valueString": "x"}), "no element unheard"),
        (operation("add", "Patient", name="maritalStatus", value={"valueString": "x"}), "takes no string"),
        (operation("add", "Patient", name="contact", value={"valueHumanName": {"text": "x"}}), "takes no HumanName"),
        (operation("add", "Patient", name="multipleBirth", value={"valueString": "x"}), "takes no string"),
        (operation("add", "Patient", name="value", value={"part": [{"name": "x"}]}), "no element value"),
        (operation("add", "Patient", name="deceased", value={"part": [{"name": "x"}]}), "type of deceased"),
        (operation("add", "Patient", name="language", value={"part": [{"name": "x"}]}), "no value"),
        (operation("add", "Patient", name="contained", value={"valueString": "x"}), "takes no string"),
        (operation("add", "Patient", name="contained", value={"part": [{"name": "x"}]}), "as a resource"),
        (operation("add", "Patient", name="contact", value={"part": [
            {"name": "gender", "valueCode": "male"}, {"name": "gender", "valueCode": "male"}]}), "one gender"),
        (operation("insert", "Patient.contact", index=3, value={"part": [{"name": "gender", "valueCode": "male"}]}),
         "index 3"),
        (operation("insert", "Patient.birthDate", index=0, value={"valueDate": "2024"}), "not a list"),
        (operation("insert", "Patient.name.given", index=0, value={"valueString": "x"}), "2 elements"),
        (operation("insert", "Patient.unheard", index=0, value={"valueString": "x"}), "no element unheard"),
        (operation("insert", "Patient.deceased", index=0, value={"valueString": "x"}), "no element deceased"),
        (operation("move", "Patient.contact", source=2, destination=0), "source 2"),
        (operation("move", "Patient.contact", source=0, destination=-1), "destination -1"),
        (operation("delete", "Patient.name"), "2 elements"),
        (operation("delete", "Patient"), "stays"),
        (operation("delete", "Patient.name.unheard"), "no element unheard"),
        (operation("replace", "Patient", value={"valueString": "x"}), "stays"),
        (operation("replace", "Patient.photo", value={"valueAttachment": {"title": "x"}}), "0 elements"),
        (operation("replace", "Patient.active", value={"valueAttachment": {"title": "x"}}), "takes no Attachment"),
    ],
)  # fmt: skip
def test_an_operation_that_cannot_be_carried_out_is_named(made: dict[str, Any], told: str) -> None:
    with pytest.raises(Unprocessable) as refused:
        patched(operation("delete", "Patient.active[5]"), made)

    assert refused.value.diagnostics.startswith("Operation 1 (")
    assert told in refused.value.diagnostics


@pytest.mark.parametrize(
    "path",
    [
        *("", "Patient.", ".name", "Patient name", "Patient.name[", "Patient.name[-1]", "Patient.name[x]"),
        *("Patient.name.where()", "Patient.name.where(use = 'x'", "Patient.name.where(use = )"),
        *("Patient.name.where(use ~ 'x')", "Patient[1.5]"),
        *("Patient.name | Patient.contact", "Patient.descendants()", "Patient.name.first(1)", "%resource.name", "'x'"),
        *("Patient.name.where(use < 'x')", "Patient.name.where(use = given)", "Patient.name.extension(url)"),
        *("Patient.name.exists()", "Patient.name.where(use = 'x\\')"),
        *("Patient.name#", "Patient.name.where(" + "(" * 40 + "use", "a." * 600 + "a"),
        *("(Patient.name)", "Patient.name.where(1 = use)", "Patient.name.where(use and)", "Patient.name as X", "1"),
    ],
)  # fmt: skip
def test_a_path_that_is_not_understood_is_malformed(path: str) -> None:
    with pytest.raises(MalformedPatch) as refused:
        patched(operation("delete", path or " "))

    assert refused.value.expression == "Parameters.parameter[0]"


@pytest.mark.parametrize(
    "document",
    [
        {"resourceType": "Patient"},
        {"resourceType": "Parameters", "parameter": [{"name": "other"}]},
        {"resourceType": "Parameters", "parameter": [{"name": "operation"}]},
        {"resourceType": "Parameters", "parameter": [operation("forget", "Patient.active")]},
        {"resourceType": "Parameters", "parameter": [operation("move", "Patient.name", source=1)]},
        {"resourceType": "Parameters", "parameter": [operation("move", "Patient.name[0]", source=1, destination=0)]},
        {"resourceType": "Parameters", "parameter": [operation("move", "Patient.name", source="1", destination=0)]},
        {"resourceType": "Parameters", "parameter": [operation("delete", "Patient.active", unheard="x")]},
        {"resourceType": "Parameters", "parameter": [operation("delete", "Patient.active", type="x")]},
        {"resourceType": "Parameters", "parameter": "x"},
    ],
)
def test_what_is_no_patch_is_malformed(document: dict[str, Any]) -> None:
    with pytest.raises(FhirError) as refused:
        read(json.dumps(document).encode())

    assert isinstance(refused.value, MalformedPatch | InvalidJson)
    assert refused.value.expression


def test_long_paths_are_not_looked_for_in_large_resources() -> None:
    photo = [{"title": "x" * 100}] * 10_000
    long = "Patient.photo.where(" + " or ".join(["title = 'y'"] * 60) + ")"

    assert patched(operation("delete", "Patient.active"), of={**PATIENT, "photo": photo})["photo"] == photo
    with pytest.raises(TooCostly):
        patched(*[operation("delete", long)] * 8, of={**PATIENT, "photo": photo})


def test_a_patch_has_so_many_operations_at_most() -> None:
    document = {"resourceType": "Parameters", "parameter": [operation("delete", "Patient.active")] * 1_001}

    with pytest.raises(TooCostly):
        read(json.dumps(document).encode())
