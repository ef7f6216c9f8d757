"""The narrative of a CDA section as HTML of ours: a few elements, no attribute of theirs, no address but the hub's own.

CDA R2, 4.3.5 "Section Narrative Block". An element that is not known gives its text.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from markupsafe import Markup, escape

from app.portal.attachments.markup import V3, words

DEEPEST = 40
"""Levels of markup that are kept; what is deeper gives its text."""

MOST_CELLS = 100
"""The most rows and columns that a cell spans."""

_ELEMENTS = {
    "paragraph": "p",
    "caption": "p",
    "sub": "sub",
    "sup": "sup",
    "table": "table",
    "thead": "thead",
    "tbody": "tbody",
    "tfoot": "tfoot",
    "tr": "tr",
    "td": "td",
    "th": "th",
    "item": "li",
    "footnote": "small",
    "content": "span",
}
_STYLES = {"bold": "strong", "italics": "em", "emphasis": "em", "underline": "u"}
_REVISED = {"delete": "del", "insert": "ins"}
_TABLE = frozenset({"table", "thead", "tbody", "tfoot", "tr"})
"""What holds no text of its own: a browser would put it elsewhere."""


class Narrator:
    """Renders narratives of one document.

    Args:
        pictures: The number of each embedded file by its ID.
        types: The media type of each.
        address: Where pictures are answered, without their number and the slash before it.
    """

    def __init__(self, pictures: Mapping[str, int], types: Sequence[str], address: str) -> None:
        self._pictures, self._types, self._address = pictures, types, address

    def render(self, text: Any) -> Markup:
        """Return the narrative in a `text` element."""
        return Markup().join(self._inside(text, 0))

    def _inside(self, element: Any, depth: int) -> Iterator[Markup]:
        local = str(element.tag).removeprefix(V3)
        if element.text and local not in _TABLE:
            yield escape(element.text)
        for child in element:
            yield from self._child(child, depth + 1)
            if child.tail and local not in _TABLE:
                yield escape(child.tail)

    def _child(self, element: Any, depth: int) -> Iterator[Markup]:
        local = str(element.tag).removeprefix(V3)
        if local == "br":
            yield Markup("<br>")
        elif local == "renderMultiMedia":
            yield from self._media(element)
        elif depth > DEEPEST or (local not in _ELEMENTS and local != "list"):
            yield escape("".join(element.itertext()))
            yield from self._link(element, local)
        else:
            opened, closed = self._tags(element, local)
            yield opened
            yield from self._inside(element, depth)
            yield closed

    def _link(self, element: Any, local: str) -> Iterator[Markup]:
        """Yield where a link leads, to be read and not to be followed."""
        href = element.get("href", "") if local == "linkHtml" else ""
        if href and not href.startswith("#"):
            yield escape(f" <{href[:500]}>")

    def _tags(self, element: Any, local: str) -> tuple[Markup, Markup]:
        if local == "list":
            name = "ol" if element.get("listType") == "ordered" else "ul"
        elif local == "content":
            styles = [_STYLES.get(one.lower(), "") for one in (element.get("styleCode") or "").split()]
            name = _REVISED.get(element.get("revised") or "") or next(filter(None, styles), "span")
        else:
            name = _ELEMENTS[local]
        spans = ""
        if name in ("td", "th"):
            spans = "".join(
                f' {span}="{min(int(number), MOST_CELLS)}"'
                for span in ("rowspan", "colspan")
                if (number := element.get(span) or "").isascii() and number.isdigit() and len(number) < 6
            )
        # Names and spans are ours: nothing that the document says is in them but numbers.
        return Markup(f"<{name}{spans}>"), Markup(f"</{name}>")  # noqa: S704

    def _media(self, element: Any) -> Iterator[Markup]:
        for id_ in (element.get("referencedObject") or "").split()[:20]:
            number = self._pictures.get(id_)
            if number is None or not self._types[number].startswith("image/"):
                yield escape(f"[{id_[:50]}]")
            else:
                yield Markup('<img class="picture" src="{}/{}" alt="{}">').format(self._address, number, id_)
        caption = element.find(f"{V3}caption")
        if caption is not None:
            yield escape(words(caption))
