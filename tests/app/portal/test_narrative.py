import pytest

from app.portal.narrative import Block, Cell, blocks


def test_a_table_keeps_its_rows_and_headings() -> None:
    told = blocks(
        "<div><p>検査</p><table><thead><tr><th>項目</th><th>値</th></tr></thead>"
        "<tbody><tr><td>HbA1c</td><td>6.30 %</td></tr></tbody></table>以上<br/>です</div>"
    )

    assert told == [
        Block("検査"),
        Block(rows=((Cell("項目", True), Cell("値", True)), (Cell("HbA1c", False), Cell("6.30 %", False)))),
        Block("以上\nです"),
    ]


def test_a_table_in_a_table_is_text_of_the_cell_around_it() -> None:
    told = blocks("<table><tr><td>外<table><tr><td>内</td><td>側</td></tr></table></td></tr></table>")

    assert told == [Block(rows=((Cell("外内\n側", False),),))]


@pytest.mark.parametrize(
    "div",
    [
        "",
        "<table>",
        "</table></td><tr><td>a",
        "<table><td>a<td>b</table>",
        "<" * 500,
        "<table>" * 300 + "x",
        "<table><tr>" + "<td>x" * 300,
        "<!--<script>-->&amp;&#0;&bogus;",
    ],
)
def test_whatever_a_narrative_is_made_of_it_is_read(div: str) -> None:
    assert all(len(row) <= 40 for block in blocks(div) for row in block.rows)


def test_what_a_browser_would_not_show_is_not_said() -> None:
    assert blocks("<p>a<style>b</style><script>c</script></p>") == [Block("a")]
