"""Character sets of HL7 messages in Japan: bytes to text before anything is split, and back.

The bytes of ISO-2022-JP's double-byte characters contain the characters that take a message apart; so a message is
decoded as a whole and split afterwards. What MSH-18 declares is tried first, then what is met in practice.
HL7 2.5 section 2.15.9.18 and table 0211; SS-MIX2 standard store, character sets.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from app.exchange.hl7v2.folding import folded

MOST_REPLACED = 1_000
"""Characters that cannot be read, of which each is told; what comes after so many is read as ASCII, untold."""

UNREADABLE = "\N{REPLACEMENT CHARACTER}"
"""Stands where bytes were that no character set explains; those bytes are told apart in `Decoded.replaced`."""

_ISO_2022 = ("iso2022_jp", "iso2022_jp_ext", "iso2022_jp_3", "cp50221")
_UTF_8_NAMES = ("UNICODE UTF-8", "UTF-8", "UNICODE")
_PYTHON = {"UNICODE UTF-8": "utf-8", "UTF-8": "utf-8", "UNICODE": "utf-8", "8859/1": "latin-1", "ASCII": "ascii"}
_NO_CHARACTERS = frozenset("\uf8f0\uf8f1\uf8f2\uf8f3")
_ASCII = re.compile(rb"[\x00-\x7f]+")
_ESCAPE_SEQUENCE = re.compile(rb"\x1b(?:\$[@B]|\([BIJ]|\$\([A-Z]|&@\x1b\$B)")


@dataclass(frozen=True, slots=True)
class Replaced:
    """Bytes that no character set explains."""

    offset: int
    """Of the first byte, in the message as received."""
    bytes: bytes


@dataclass(frozen=True, slots=True)
class Decoded:
    """A message as text, and how it was read."""

    text: str
    charset: str
    """The codec that explained all bytes; the first one tried where none did.

    `cp50221` is ISO-2022-JP with the rows of CP932.
    """
    replaced: tuple[Replaced, ...] = ()


def declared(body: bytes) -> tuple[str, ...]:
    """Return the repetitions of MSH-18, without spaces at their ends; none where the message has no readable header."""
    if body[:3] != b"MSH" or len(body) < 8:
        return ()
    header = re.split(rb"[\r\n]", body, maxsplit=1)[0]
    fields = header.split(body[3:4], 18)
    value = fields[17] if len(fields) > 17 else b""
    return tuple(name.strip().decode("ascii", "replace").upper() for name in value.split(body[5:6]))


def decode(body: bytes) -> Decoded:
    """Return a message as text.

    Args:
        body: The message as received, without the bytes of a frame.

    Returns:
        The text under the first character set that explains every byte. Where none does, the unexplained bytes are
        replaced by U+FFFD each and told in `replaced`: a message is never refused for a character.
    """
    body_without_roman = body.replace(
        b"\x1b(J", b"\x1b(B"
    )  # JIS X 0201 would make a yen of the escape, an overline of the tilde
    candidates = _candidates(body)
    for name in candidates:
        try:
            return Decoded(
                _READERS[name](body_without_roman) if name in _READERS else body_without_roman.decode(name), name
            )
        except UnicodeDecodeError:
            continue
    text, replaced = _replacing(body_without_roman)
    return Decoded(text, candidates[0], replaced)


def encode(text: str, charset: str = "iso2022_jp") -> bytes:
    """Return a text's bytes; characters outside of the character set are written as `folded` says.

    Args:
        text: Of any characters.
        charset: As `Decoded.charset` names it. Of the family of ISO-2022-JP only JIS X 0208 is written, as MSH-18
            `~ISO IR87` allows.
    """
    if charset in _ISO_2022:
        return folded(text).encode("iso2022_jp")
    return text.encode(charset, "replace")


def _candidates(body: bytes) -> tuple[str, ...]:
    names = declared(body)
    if b"\x1b" in body:
        return (*_ISO_2022, "utf-8")
    if body.isascii():
        return ("ascii",)
    said = next((_PYTHON[name] for name in names if name in _PYTHON and name != "ASCII"), "utf-8")
    # UTF-8 explains itself: text of CP932 is practically never valid UTF-8, but the reverse is common.
    return tuple(dict.fromkeys((said, "utf-8", "cp932")))


def _decode_cp50221(body: bytes) -> str:
    """Return text of ISO-2022-JP whose double-byte characters may be of CP932's rows 13 and 89 to 119 too."""
    return "".join(_decode_run(mode, run) for mode, run, _ in _runs(body))


def _runs(body: bytes) -> Iterator[tuple[bytes, bytes, int]]:
    """Yield what lies between escape sequences: the sequence before it, the bytes, and where they begin."""
    mode, begins = b"\x1b(B", 0
    for mark in _ESCAPE_SEQUENCE.finditer(body):
        if begins < mark.start():
            yield mode, body[begins : mark.start()], begins
        mode, begins = mark.group(), mark.end()
    if begins < len(body):
        yield mode, body[begins:], begins


def _decode_run(mode: bytes, run: bytes) -> str:
    if mode in {b"\x1b$B", b"\x1b$@", b"\x1b&@\x1b$B"}:
        return _cp932(b"".join(_shifted(run[at : at + 2]) for at in range(0, len(run), 2)))
    if mode == b"\x1b(I":
        return _cp932(bytes(byte | 0x80 if byte > 0x20 else byte for byte in run))
    if mode == b"\x1b(B":
        return _cp932(run)
    return (mode + run + b"\x1b(B").decode("iso2022_jp_ext")


def _cp932(run: bytes) -> str:
    """Return text of CP932, whose codec makes characters of private use of bytes that begin none."""
    text = run.decode("cp932")
    if any(each in _NO_CHARACTERS for each in text):
        raise UnicodeDecodeError("cp932", run, 0, 1, "no character begins so")
    return text


def _shifted(pair: bytes) -> bytes:
    """Return a character of JIS X 0208's code space as Shift_JIS writes it; a control character as it is."""
    if len(pair) < 2 or pair[0] < 0x21 or pair[1] < 0x21:
        return pair
    if max(pair) > 0x7E:
        raise UnicodeDecodeError("cp50221", pair, 0, 2, "no character of JIS X 0208")
    row, cell = pair[0] - 0x21, pair[1] - 0x21
    lead = row // 2 + (0x81 if row < 0x3E else 0xC1)
    trail = cell + 0x9F if row % 2 else cell + 0x40 + (cell >= 0x3F)
    return bytes((lead, trail))


def _utf_8(body: bytes) -> str:
    return body.decode("utf-8-sig")


_READERS = {"cp50221": _decode_cp50221, "cp932": _cp932, "utf-8": _utf_8}
"""How those are read whose codec is not enough."""


def _replacing(body: bytes) -> tuple[str, tuple[Replaced, ...]]:
    parts: list[str] = []
    replaced: list[Replaced] = []
    double = {b"\x1b$B", b"\x1b$@", b"\x1b&@\x1b$B"}
    for mode, run, begins in _runs(body):
        at = 0
        while at < len(run):
            if len(replaced) >= MOST_REPLACED:
                # What is double-byte holds the characters that take a message apart: it is left out.
                parts.append(run[at:].decode("ascii", "replace") if mode == b"\x1b(B" else UNREADABLE)
                break
            plain = _ASCII.match(run, at) if mode == b"\x1b(B" else None
            if plain is not None:
                parts.append(plain.group().decode("ascii"))
                at = plain.end()
                continue
            width = 2 if mode in double and run[at] >= 0x21 else _width(run, at)
            piece = run[at : at + width]
            try:
                parts.append(_decode_run(mode, piece))
            except UnicodeDecodeError:
                parts.append(UNREADABLE)
                replaced.append(Replaced(begins + at, piece))
            at += width
    return "".join(parts), tuple(replaced)


def _width(run: bytes, at: int) -> int:
    """Return how many bytes the next character of CP932 has."""
    lead = 0x81 <= run[at] <= 0x9F or 0xE0 <= run[at] <= 0xFC
    if not lead or at + 1 >= len(run):
        return 1
    return 2 if 0x40 <= run[at + 1] <= 0xFC and run[at + 1] != 0x7F else 1
