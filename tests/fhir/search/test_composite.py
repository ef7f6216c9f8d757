from fhir.search.composite import part_numbers
from fhir.search.extract import extract
from fhir.search.hashing import hash64
from fhir.spec.search_parameters import parameters

OBSERVATION = parameters("Observation")
SEQUENCE = parameters("MolecularSequence")


def test_each_value_of_an_element_has_a_row_that_names_the_element():
    components = [
        {"code": {"coding": [{"system": "s", "code": "a"}]}, "valueQuantity": {"value": 1.5}},
        {"code": {"coding": [{"code": "b"}]}, "valueCodeableConcept": {"coding": [{"system": "s", "code": "c"}]}},
    ]
    code, quantity, concept = (
        OBSERVATION[f"component-{name}"].id for name in ("code", "value-quantity", "value-concept")
    )
    combo = [OBSERVATION[f"combo-{name}"].id for name in ("code", "value-quantity", "value-concept")]
    code, quantity, concept = map(min, zip((code, quantity, concept), combo, strict=True))

    index = extract({"resourceType": "Observation", "component": components})

    assert sorted(index.composite) == sorted(
        [
            (code, 1, hash64("a"), hash64("s"), 0, 0),
            (quantity, 1, 0, 0, 1.5, 1.5),
            (code, 2, hash64("b"), 0, 0, 0),
            (concept, 2, hash64("c"), hash64("s"), 0, 0),
        ]
    )


def test_what_the_resource_itself_says_has_no_rows_of_its_own():
    resource = {"resourceType": "Observation", "code": {"coding": [{"code": "a"}]}, "valueQuantity": {"value": 1}}

    assert extract(resource).composite == []


def test_a_part_may_be_said_once_for_all_elements():
    sequence = {
        "resourceType": "MolecularSequence",
        "referenceSeq": {"chromosome": {"coding": [{"code": "7"}]}, "windowStart": 10, "windowEnd": 20},
        "variant": [{"start": 11, "end": 12}, {"start": 13}],
    }

    rows = extract(sequence).composite

    by_element = {}
    for number, element, *_ in rows:
        by_element.setdefault(element, set()).add(number)
    chromosome = SEQUENCE["chromosome"].id
    start, end = SEQUENCE["variant-start"].id, SEQUENCE["variant-end"].id
    window = {chromosome, SEQUENCE["window-start"].id, SEQUENCE["window-end"].id}
    assert sorted(map(sorted, by_element.values())) == sorted(
        map(sorted, [{chromosome, start, end}, {chromosome, start}, window])
    )


def test_elements_of_another_form_have_no_rows():
    for component in (None, 1, "x", [None], [1], [{"code": 1, "valueQuantity": "5"}], {"code": {"coding": {}}}):
        assert extract({"resourceType": "Observation", "component": component}).composite == []


def test_the_numbers_of_a_types_parts_are_known():
    rows = extract({"resourceType": "Group", "characteristic": [{"code": {"coding": [{"code": "a"}]}}]}).composite

    assert {number for number, *_ in rows} <= set(part_numbers("Group"))
    assert part_numbers("Patient") == ()
