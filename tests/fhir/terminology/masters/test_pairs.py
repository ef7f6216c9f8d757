"""Pairs of codes, and what a ConceptMap says of them."""

from fhir.terminology.masters.pairs import Pairs


def said(pairs, equivalence=""):
    found = Pairs()
    for source, target in pairs:
        found.add(source, target)
    return [(one["code"], [tuple(to.values()) for to in one["target"]]) for one in found.elements(equivalence)]


def test_the_equivalence_follows_from_how_many_go_together():
    assert said([("a", "1"), ("b", "2"), ("c", "2"), ("d", "3"), ("d", "4")]) == [
        ("a", [("1", "equivalent")]),
        ("b", [("2", "wider")]),
        ("c", [("2", "wider")]),
        ("d", [("3", "narrower"), ("4", "narrower")]),
    ]


def test_the_equivalence_may_be_said():
    assert said([("a", "1"), ("a", "2")], "wider") == [("a", [("1", "wider"), ("2", "wider")])]


def test_pairs_that_come_again_or_lack_a_side_are_none():
    assert said([("a", "1"), ("a", "1"), ("b", ""), ("", "2")]) == [("a", [("1", "equivalent")])]
