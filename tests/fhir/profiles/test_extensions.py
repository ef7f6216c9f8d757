"""Extensions: known or not, in their place or not, as their definition says or not."""

from typing import Any

import pytest

from tests.profiles import HERE, a_profile, found, told


def an_extension(context: str = "Patient", *, modifier: bool = False) -> dict[str, Any]:
    made = a_profile(
        "E",
        "Extension",
        ("Extension.url", {"fixedUri": HERE + "E", "min": 1}),
        ("Extension.value[x]", {"min": 1, "type": [{"code": "string"}]}),
        context=[{"type": "element", "expression": context}],
    )
    made["snapshot"]["element"][0]["isModifier"] = modifier
    return made


RIGHT = {"url": HERE + "E", "valueString": "x"}
PATIENT = a_profile("P", "Patient")


@pytest.mark.parametrize(
    ("extension", "fields", "expected"),
    [
        (an_extension(), {"extension": [RIGHT]}, []),
        (an_extension("HumanName"), {"name": [{"extension": [RIGHT]}]}, []),
        (an_extension("Patient.name"), {"name": [{"extension": [RIGHT]}]}, []),
        (an_extension("Element"), {"_birthDate": {"extension": [RIGHT]}}, []),
        (an_extension("date"), {"_birthDate": {"extension": [RIGHT]}}, []),
        (an_extension("DomainResource"), {"extension": [RIGHT]}, []),
        (
            an_extension("Patient.contact"),
            {"contact": [{"name": {"text": "x"}, "extension": [RIGHT]}], "extension": [RIGHT]},
            [("error", "extension", "Patient.extension[0]")],
        ),
        (
            an_extension("Address"),
            {"name": [{"extension": [RIGHT]}]},
            [("error", "extension", "Patient.name[0].extension[0]")],
        ),
        (
            an_extension(),
            {"extension": [RIGHT, {"url": HERE + "E", "valueInteger": 1}]},
            [("error", "structure", "Patient.extension[1].valueInteger")],
        ),
        (an_extension(modifier=True), {"extension": [RIGHT]}, [("error", "extension", "Patient.extension[0]")]),
        (an_extension(modifier=True), {"modifierExtension": [RIGHT]}, []),
        (
            an_extension(),
            {"extension": [{"url": "urn:x", "valueString": "x"}]},
            [("information", "extension", "Patient.extension[0]")],
        ),
        (
            an_extension(),
            {"modifierExtension": [{"url": "urn:x", "valueString": "x"}]},
            [("warning", "extension", "Patient.modifierExtension[0]")],
        ),
        (
            an_extension(),
            {"extension": [{"url": HERE + "P", "valueString": "x"}]},
            [("error", "extension", "Patient.extension[0]")],
        ),
    ],
    ids=[
        *("known", "for a data type", "for an element", "anywhere", "on a primitive's type", "for any resource"),
        *("elsewhere", "for another data type", "against its definition", "as no modifier", "as a modifier"),
        *("unknown", "unknown modifier", "no extension at all"),
    ],
)
def test_an_extension(extension: dict[str, Any], fields: dict[str, Any], expected: list[tuple[str, str, str]]) -> None:
    issues = found({"resourceType": "Patient", **fields}, PATIENT, extension)

    assert told(issues) == expected


def test_a_profile_demands_an_extension() -> None:
    cut = {"discriminator": [{"type": "value", "path": "url"}], "rules": "open"}
    profile = a_profile(
        "P",
        "Patient",
        ("Patient.extension", {"slicing": cut}),
        ("Patient.extension:e", {"min": 1, "type": [{"code": "Extension", "profile": [HERE + "E"]}]}),
    )

    assert told(found({"resourceType": "Patient", "extension": [RIGHT]}, profile, an_extension())) == []
    assert told(found({"resourceType": "Patient", "gender": "male"}, profile)) == [
        ("error", "required", "Patient.extension")
    ]
