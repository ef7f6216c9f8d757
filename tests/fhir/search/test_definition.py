"""SearchParameter resources compiled; what is refused is in tests/app/records/test_search_parameters.py."""

from dataclasses import replace

import pytest

from fhir.errors import Unprocessable
from fhir.search.definition import compiled, same
from fhir.search.extract import extract, extract_own
from fhir.search.in_force import R4, in_force
from fhir.spec.corrections import WRITERS
from fhir.spec.search_parameters import COMPARTMENTS, FIRST_OWN, Rules, SearchParameter, parameters
from fhir.store.types import NUMBERS
from tests.search_parameters import a_search_parameter

NOT_UNDERSTOOD = {
    *(("DeviceDefinition", "classification"), ("InsurancePlan", "name")),
    *((type_name, f"{code}.{part}") for type_name, code in WRITERS.items() for part in ("family", "given")),
}
"""Those whose expression names an element that R4 does not have, or is not in the table, or follows a reference."""


def _compiled(base: str, type_: str, expression: str, **fields: object) -> SearchParameter:
    (found,) = compiled(a_search_parameter("own", base, type_, expression, **fields))
    return found


@pytest.mark.parametrize(
    ("base", "type_", "expression", "paths"),
    [
        ("Patient", "token", "Patient.extension('urn:a').value.as(code)", ["extension ?url=urn:a valueCode :code"]),
        ("List", "token", "(extension('urn:a').value as Coding)", ["extension ?url=urn:a valueCoding :Coding"]),
        ("Patient", "date", "Patient.birthDate.extension('urn:t').value.as(dateTime)",
         ["_birthDate extension ?url=urn:t valueDateTime :dateTime"]),
        ("Patient", "string", "name.where(use='usual' and period.start='2024').text",
         ["name ?use=usual ?period\x1fstart\x1f=2024 text :string"]),
        ("Observation", "quantity", "Observation.component.value", ["component valueQuantity :Quantity",
                                                                     "component valueRange :Range"]),
        ("Observation", "reference", "Observation.subject.where(resolve() is Group)", ["subject ->Group :Reference"]),
    ],
)  # fmt: skip
def test_an_expression_becomes_paths(base: str, type_: str, expression: str, paths: list[str]) -> None:
    assert list(_compiled(base, type_, expression).paths) == paths


def test_r4_published_the_same_reads_the_same() -> None:
    """Every parameter of R4 whose expression is of one type compiles to what the tables hold."""
    different = []
    for base in NUMBERS:
        for one in parameters(base).values():
            usable = one.type in ("token", "string", "date", "number", "quantity", "uri", "reference")
            if not usable or not one.paths or one.code.startswith("_") or one.code in ("patient", "near"):
                continue
            try:
                (found,) = compiled(a_search_parameter(one.code, base, one.type, one.expression))
            except Unprocessable:
                different.append((base, one.code))
                continue
            # Of a choice only what gives index rows is read.
            if not set(found.paths) <= set(one.paths):
                different.append((base, one.code))

    assert set(different) == NOT_UNDERSTOOD


def test_what_it_allows_is_kept() -> None:
    plain = _compiled("Patient", "token", "Patient.gender")
    ruled = _compiled("Patient", "token", "Patient.gender", modifier=["not", "ofType"], multipleOr=False)

    assert plain.rules == Rules()
    assert ruled.rules == Rules(modifiers=frozenset({"not", "of-type"}), several_values=False)
    assert same(plain, ruled)
    assert not same(plain, _compiled("Patient", "token", "Patient.active"))


def test_each_type_of_base_is_compiled_for_itself() -> None:
    both = a_search_parameter("why", ["Encounter", "Procedure"], "token", "Encounter.type | Procedure.code")

    assert [(one.base, one.paths) for one in compiled(both)] == [
        ("Encounter", ("type :CodeableConcept",)),
        ("Procedure", ("code :CodeableConcept",)),
    ]


@pytest.mark.parametrize("expression", ["Patient.name.repeat(given)", "Patient.name[", "Patient.name.where(use)", "'"])
def test_a_refusal_says_where(expression: str) -> None:
    with pytest.raises(Unprocessable) as refused:
        _compiled("Patient", "string", expression)

    assert refused.value.issues[0].expression == "SearchParameter.expression"  # type: ignore[attr-defined]
    assert expression in refused.value.diagnostics


def test_rows_of_own_parameters_are_beside_those_of_r4() -> None:
    own = replace(_compiled("Patient", "token", "Patient.gender"), id=FIRST_OWN)
    known = in_force(1, [own], {})
    patient = {"resourceType": "Patient", "gender": "male", "active": True}

    with_own, alone = extract(patient, known=known), extract_own(patient, known=known)

    assert alone.parameters == {FIRST_OWN}
    assert set(with_own.token) == {*extract(patient).token, *alone.token}
    assert extract_own({"resourceType": "Group"}, known=known).parameters == set()


def test_what_is_being_indexed_gives_rows_and_is_not_asked() -> None:
    own = replace(_compiled("Patient", "token", "Patient.gender"), id=FIRST_OWN)
    known = in_force(1, [], {own: 40})

    assert "own" not in known.of("Patient")
    assert extract_own({"resourceType": "Patient", "gender": "male"}, known=known).parameters == {FIRST_OWN}
    assert R4.of("Patient") is parameters("Patient")
    assert "own" not in {code for codes in COMPARTMENTS["Patient"].values() for code in codes}
