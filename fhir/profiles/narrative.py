"""Narrative: the XHTML a resource's text may hold, and nothing that could act in a browser.

https://hl7.org/fhir/R4/narrative.html#xhtml
"""

import re
from xml.parsers import expat

XHTML = "http://www.w3.org/1999/xhtml"
XML = "http://www.w3.org/XML/1998/namespace"

_ELEMENTS = """
a abbr acronym address area b bdo big blockquote br caption cite code col colgroup dd del dfn div dl dt
em h1 h2 h3 h4 h5 h6 hr i img ins kbd li map ol p pre q samp small span strong sub sup table tbody td
tfoot th thead tr tt ul var
"""
ELEMENTS = frozenset(_ELEMENTS.split())
"""HTML 4.0 chapters 7 to 11 and 15, without what these call deprecated; `a`; images."""

_ATTRIBUTES = """
abbr accesskey align alt axis bgcolor border cellpadding cellspacing char charoff charset cite class
clear colspan compact coords datetime dir frame headers height href hreflang hspace id ismap lang
longdesc name nohref noshade nowrap rel rev rowspan rules scope shape size span src start style summary
tabindex title type usemap valign value vspace width
"""
ATTRIBUTES = frozenset(_ATTRIBUTES.split())
"""What those elements may carry. No event attribute (`on…`) is among them."""

_LOCATIONS = frozenset({"cite", "href", "longdesc", "src", "usemap"})
_SCHEMES = frozenset({"", "http", "https", "mailto", "tel", "urn", "cid"})
_SCHEME = re.compile(r"([a-z][a-z0-9+.\-]*):", re.ASCII)
_IMAGE = re.compile(r"data:image/[a-z0-9.+\-]+[;,]", re.ASCII)
_IGNORED = re.compile(r"[\x00-\x20\x7f-\xa0]+")
_ACTIVE_STYLE = re.compile(
    r"expression\s*\(|javascript:|vbscript:|@import|behavior\s*:|-moz-binding|\\|/\*", re.IGNORECASE
)
"""What made a style act in some browser, and the escapes and comments that hid it."""


class _Refused(Exception):
    """Says why, in its only argument."""


def check_div(text: str) -> str | None:
    """Return what is wrong with a narrative's `div`, as an English sentence; None if nothing is.

    Well-formed XML without document type, entities and processing instructions; one `div` in the XHTML
    namespace; only formatting elements and attributes; only addresses that a browser does not execute; some
    content.
    """
    if not text.startswith("<div"):
        return "A narrative must begin with <div."
    # What begins with an element can have no document type behind it, so no entities are ever declared.
    parser = expat.ParserCreate(namespace_separator=" ")
    content: list[bool] = []
    parser.ProcessingInstructionHandler = _no_instruction
    parser.StartElementHandler = lambda name, attributes: _element(name, attributes, content)
    parser.CharacterDataHandler = lambda data: content.append(True) if not content and data.strip() else None
    try:
        parser.Parse(text, True)
    except _Refused as refused:
        return str(refused)
    except (expat.ExpatError, UnicodeEncodeError):
        return "A narrative must be well-formed XML; of the named entities it may use only those of XML itself."
    return None if content else "A narrative must have some text or an image."


def _no_instruction(*_: object) -> None:
    raise _Refused("A narrative must have no processing instructions.")


def _element(name: str, attributes: dict[str, str], content: list[bool]) -> None:
    space, _, local = name.rpartition(" ")
    if space != XHTML:
        raise _Refused(f"A narrative must be in the namespace {XHTML}.")
    if local not in ELEMENTS:
        raise _Refused("A narrative holds an element other than the formatting elements it may hold.")
    if local == "img":
        content.append(True)
    for attribute, value in attributes.items():
        _attribute(local, attribute, value)


def _attribute(element: str, name: str, value: str) -> None:
    if name not in ATTRIBUTES and name != f"{XML} lang":
        raise _Refused("A narrative holds an attribute other than those it may hold.")
    if name == "style" and _ACTIVE_STYLE.search(value):
        raise _Refused("A style in a narrative must not act.")
    if name in _LOCATIONS:
        # Browsers drop white space and control characters before they read the scheme.
        address = _IGNORED.sub("", value).lower()
        scheme = _SCHEME.match(address)
        if scheme and scheme[1] not in _SCHEMES and not (element == "img" and _IMAGE.match(address)):
            raise _Refused("An address in a narrative must not lead to a script.")
