"""Which table is which."""

import pytest

from fhir.terminology.masters.layout import Column, Layout
from fhir.terminology.masters.sorting import sort
from fhir.terminology.masters.table import Table, UnknownLayout
from tests.masters import a_table

LAYOUTS = {
    "two": Layout(Column("code", "コード", r"\d{3}", at=0), Column("name", "名称", at=1), named="two", width=2),
    "three": Layout(Column("code", "コード", r"\d{3}", at=0), Column("name", "名称", at=2), named="three", width=3),
}
TWO, THREE = ("001", "甲"), ("001", "x", "甲")


def sorted_out(*tables):
    unused = []
    return [(key, one.name, len(list(one.rows))) for key, one in sort(tables, LAYOUTS, unused)], unused


def test_a_table_of_any_name_is_known_by_its_layout():
    assert sorted_out(a_table("a.txt", THREE), a_table("b.txt", TWO, TWO)) == (
        [("three", "a.txt", 1), ("two", "b.txt", 2)],
        [],
    )


def test_beside_a_named_table_another_of_its_layout_is_not_used():
    assert sorted_out(a_table("changes.txt", TWO), a_table("TWO1.txt", TWO), a_table("x.txt", THREE)) == (
        [("two", "TWO1.txt", 1), ("three", "x.txt", 1)],
        ["changes.txt"],
    )


def test_a_table_that_is_none_of_them_is_named():
    assert sorted_out(a_table("two.txt", TWO), a_table("readme.txt", ("読んで",))) == (
        [("two", "two.txt", 1)],
        ["readme.txt"],
    )


def test_a_table_that_cannot_be_read_is_in_the_way_only_if_it_is_named():
    def broken():
        raise UnknownLayout("it is encrypted")
        yield

    assert sorted_out(a_table("two.txt", TWO), Table("readme.txt", "readme.txt", broken()))[1] == ["readme.txt"]
    with pytest.raises(UnknownLayout, match="it is encrypted"):
        sorted_out(a_table("two.txt", TWO), Table("three.txt", "three.txt", broken()))


def test_a_named_table_of_another_layout_is_refused():
    with pytest.raises(UnknownLayout, match=r"three\.txt, line 1: 3 columns are expected, there are 2"):
        sorted_out(a_table("two.txt", TWO), a_table("three.txt", TWO))


def test_tables_of_which_none_is_known_are_refused_with_the_reasons():
    with pytest.raises(UnknownLayout) as error:
        sorted_out(a_table("readme.txt", ("読んで",)))

    assert str(error.value).splitlines() == [
        "readme.txt, line 1: 2 columns are expected, there are 1",
        "readme.txt, line 1: 3 columns are expected, there are 1",
    ]
