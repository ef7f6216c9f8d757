import pytest

from fhir.search.accessor import Node, accessor, plant


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("status :code", ["final"]),
        ("code coding code :code", ["a", "b"]),
        ("component code :CodeableConcept", [{"text": "x"}, {"text": "y"}]),
        ("component #0 code text :string", ["x"]),
        ("component #1 code text :string", ["y"]),
        ("component #2 code text :string", []),
        ("code #0 coding code :code", ["a", "b"]),
        ("code #1 coding code :code", []),
        ("telecom ?system=email value :string", ["a@example.jp"]),
        ("subject ->Patient :Reference", [{"reference": "Patient/1"}]),
        ("subject ->Group :Reference", []),
        ("extension ?url=http://example.org/a valueString :string", ["ア"]),
        ("!goneBoolean,goneDateTime :boolean", [False]),
        ("!aliveBoolean,aliveDateTime :boolean", [True]),
        ("!notBoolean,nothing :boolean", [False]),
        ("status nothing :code", []),
        ("nothing :code", []),
        ("name ?extension\x1f?url=urn:kind\x1fvalueCode\x1f=SYL text :string", ["ヤマダ"]),
        ("name ?extension\x1f?url=urn:kind\x1fvalueCode\x1f=IDE text :string", []),
        ("_birthDate extension ?url=urn:time valueDateTime :dateTime", ["2024-05-01T10:00:00Z"]),
    ],
)
def test_a_path_leads_to_the_elements_its_expression_means(path, values):
    resource = {
        "status": "final",
        "code": {"coding": [{"code": "a"}, {"display": "-"}, {"code": "b"}]},
        "component": [{"code": {"text": "x"}}, {"code": {"text": "y"}}],
        "telecom": [{"system": "phone", "value": "1"}, {"system": "email", "value": "a@example.jp"}, "?"],
        "subject": {"reference": "Patient/1"},
        "extension": [{"url": "http://example.org/a", "valueString": "ア"}, {"url": "http://example.org/b"}],
        "aliveDateTime": "2024",
        "name": [
            {"text": "山田"},
            {
                "text": "ヤマダ",
                "extension": [{"url": "urn:kind", "valueCode": "SYL"}, {"url": "urn:x", "valueCode": "IDE"}],
            },
            {
                "text": "-",
                "extension": [{"url": "urn:kind", "valueCode": ["SY"]}, {"url": "urn:kind", "valueCode": {}}],
            },
        ],
        "_birthDate": {"extension": [{"url": "urn:time", "valueDateTime": "2024-05-01T10:00:00Z"}]},
        "notBoolean": False,
    }

    assert accessor(path)(resource) == values


def test_alternatives_are_walked_together_in_the_order_of_the_resource():
    both = accessor("valueDateTime :dateTime", "component valueDateTime :dateTime")

    assert both({"component": [{"valueDateTime": "b"}, {}], "valueDateTime": "a"}) == ["b", "a"]


def test_a_composite_s_context_is_the_element_itself():
    assert accessor(":Observation")({"id": "1"}) == [{"id": "1"}]


def test_paths_with_the_same_beginning_share_it():
    root = Node()
    for path in ("code coding :Coding", "code text :string", "code coding code :code"):
        plant(root, path, print)

    assert list(root.children) == ["code"]
    assert list(root.children["code"].children) == ["coding", "text"]


def test_a_path_that_begins_again_at_the_resource_is_not_of_one_element():
    with pytest.raises(ValueError, match="%resource"):
        accessor("%resource referenceSeq :BackboneElement")
