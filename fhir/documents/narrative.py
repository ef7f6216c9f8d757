"""The narrative of a section: its lines as a table that a person can read, in Japanese or in English.

https://hl7.org/fhir/R4/narrative.html
"""

from collections.abc import Mapping, Sequence
from html import escape

from fhir.documents.rows import Row
from fhir.documents.words import Language

HEADINGS: Mapping[Language, tuple[str, str, str, str]] = {
    "ja": ("名称", "内容", "日付", "情報源"),
    "en": ("Name", "Details", "Date", "Source"),
}
EMPTY: Mapping[tuple[str, Language], str] = {
    (
        "unavailable",
        "ja",
    ): "ここに示せる情報はありません。「該当なし」と確認されたことを意味するものではありません。",
    ("unavailable", "en"): "No information is available here. This does not mean that there is none.",
    ("nilknown", "ja"): "該当するものはないと記録されています。",
    ("nilknown", "en"): "It is on record that there is none.",
}
"""What is said of a section without entries, by the code of its emptyReason."""

_MORE: Mapping[Language, str] = {
    "ja": "新しいものから{count}件までを示しています。これより古いものは含まれていません。",
    "en": "These are the newest {count}. Older ones are not included.",
}


def left_out(count: int, language: Language) -> str:
    """Return the sentence that says that only the newest `count` are there."""
    return _MORE[language].format(count=count)


def table(rows: Sequence[Row], language: Language, note: str = "") -> str:
    """Return the div of a section: a table of its lines, and a note below it.

    Args:
        rows: The lines, in their order.
        language: Of the headings.
        note: A sentence, empty for none.
    """
    heading = "".join(f"<th>{escape(text)}</th>" for text in HEADINGS[language])
    lines = "".join(f"<tr>{_cells(row)}</tr>" for row in rows)
    below = f"<p>{escape(note)}</p>" if note else ""
    return div(f"<table><thead><tr>{heading}</tr></thead><tbody>{lines}</tbody></table>{below}", language)


def paragraph(text: str, language: Language) -> str:
    """Return the div of one sentence."""
    return div(f"<p>{escape(text)}</p>", language)


def div(content: str, language: Language) -> str:
    """Return `content`, which is XHTML, as the div of a Narrative."""
    return f'<div xmlns="http://www.w3.org/1999/xhtml" lang="{language}" xml:lang="{language}">{content}</div>'


def _cells(row: Row) -> str:
    return "".join(f"<td>{escape(_printable(text))}</td>" for text in (row.name, row.details, row.date, row.source))


def _printable(text: str) -> str:
    """Return a text without the characters that XML does not know."""
    return "".join(one for one in text if one in "\t\n" or (one >= " " and one not in "\ufffe\uffff"))
