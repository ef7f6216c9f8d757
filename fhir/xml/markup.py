"""A narrative that has to be written anew, because its namespaces were declared outside of it."""

from xml.sax.saxutils import escape, quoteattr

from fhir.xml.shape import XHTML

_XML = "http://www.w3.org/XML/1998/namespace"


class Markup:
    """The XHTML that is being read.

    Attributes:
        open: How many of its elements are open.
    """

    def __init__(self) -> None:
        self.open = 0
        self._parts: list[str] = []
        self._foreign = False

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        """Take an element's start."""
        local = self._local(name, XHTML)
        self._parts.append(f"<{local}" if self.open else f'<{local} xmlns="{XHTML}"')
        for key, text in attributes.items():
            prefix = "xml:" if key.startswith(f"{_XML} ") else ""
            self._parts.append(f" {prefix}{self._local(key, _XML if prefix else '')}={quoteattr(text)}")
        self._parts.append(">")
        self.open += 1

    def text(self, text: str) -> None:
        """Take text between tags."""
        self._parts.append(escape(text))

    def end(self, name: str) -> None:
        """Take an element's end."""
        self.open -= 1
        self._parts.append(f"</{name.rpartition(' ')[2]}>")

    def written(self) -> str | None:
        """Return the whole, in XHTML's namespace; None if another one is in it."""
        return None if self._foreign else "".join(self._parts)

    def _local(self, name: str, wanted: str) -> str:
        space, _, local = name.rpartition(" ")
        self._foreign |= space != wanted
        return local
