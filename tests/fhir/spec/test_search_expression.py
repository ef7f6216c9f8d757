import pytest

from fhir.spec.search_expression import parse


@pytest.mark.parametrize(
    ("expression", "branches"),
    [
        ("Patient.name", ((("child", "Patient"), ("child", "name")),)),
        (
            "Patient.name | Person.name",
            ((("child", "Patient"), ("child", "name")), (("child", "Person"), ("child", "name"))),
        ),
        ("(Goal.start as date)", ((("child", "Goal"), ("child", "start"), ("as", "date")),)),
        ("Condition.onset.as(Age)", ((("child", "Condition"), ("child", "onset"), ("as", "Age")),)),
        ("Condition.onset.ofType(Age)", ((("child", "Condition"), ("child", "onset"), ("as", "Age")),)),
        (
            "(Observation.value as CodeableConcept).text",
            ((("child", "Observation"), ("child", "value"), ("as", "CodeableConcept"), ("child", "text")),),
        ),
        (
            "(A.b | C.d).e",
            (
                (("child", "A"), ("child", "b"), ("child", "e")),
                (("child", "C"), ("child", "d"), ("child", "e")),
            ),
        ),
        (
            "Patient.telecom.where(system='email')",
            ((("child", "Patient"), ("child", "telecom"), ("where", "system", "email")),),
        ),
        (
            "Task.for.where(resolve() is Patient)",
            ((("child", "Task"), ("child", "for"), ("resolves", "Patient")),),
        ),
        (
            "Bundle.entry[0].resource",
            ((("child", "Bundle"), ("child", "entry"), ("index", "0"), ("child", "resource")),),
        ),
        (
            "Patient.extension('http://example.org/a').value",
            ((("child", "Patient"), ("extension", "http://example.org/a"), ("child", "value")),),
        ),
        (
            "Patient.deceased.exists() and Patient.deceased != false",
            ((("child", "Patient"), ("child", "deceased"), ("true",)),),
        ),
        ("%resource.referenceSeq", ((("child", "%resource"), ("child", "referenceSeq")),)),
    ],
)
def test_an_expression_is_read_into_branches_of_steps(expression, branches):
    assert parse(expression) == branches


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "Patient.",
        "Patient name",
        "Patient.name.first()",
        "Patient.name.where(use='usual'",
        "Patient.name.where(use=usual)",
        "Patient.deceased.exists()",
        "Patient.deceased.exists() and Person.deceased != false",
        "Patient.name[0",
        "Patient.name[]",
        "Patient.name + 1",
        "Patient.link.where(resolve() = Patient)",
    ],
)
def test_what_is_outside_the_subset_is_refused_with_its_text(expression):
    with pytest.raises(ValueError, match="outside the FHIRPath subset") as refusal:
        parse(expression)

    assert expression in str(refusal.value)


def test_a_condition_may_look_deeper_and_several_may_hold() -> None:
    (branch,) = parse("Patient.name.where(extension('urn:a').value.as(code)='SYL' and use='usual').text")

    inner = (("extension", "urn:a"), ("child", "value"), ("as", "code"))
    assert branch[2:] == (("test", inner, "SYL"), ("where", "use", "usual"), ("child", "text"))


def test_what_is_not_understood_is_named() -> None:
    with pytest.raises(ValueError, match=r"^'first' is outside .*: Patient\.name\.first\(\)$"):
        parse("Patient.name.first()")
