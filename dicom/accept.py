"""Which representation a DICOMweb client will take: media type and transfer syntax.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_8.7.html
"""

from collections.abc import Sequence
from dataclasses import dataclass

from dicom.media_types import MediaType, parse

MULTIPART = "multipart/related"
ANY = "*"


class NotAcceptable(Exception):
    """Nothing the hub can give is among what the client takes (status 406)."""


@dataclass(frozen=True, slots=True)
class Representation:
    """One thing the hub can give for a resource."""

    media_type: str
    transfer_syntax: str = ""
    """The UID; empty where none applies, as for JSON."""
    multipart: bool = False
    """Whether it is given as parts of multipart/related."""


@dataclass(frozen=True, slots=True)
class _Range:
    """What one member of an Accept list takes."""

    media_type: str
    multipart: bool | None
    transfer_syntax: str
    quality: float
    order: int

    def takes(self, offer: Representation, default_transfer_syntax: str) -> bool:
        if self.multipart is not None and self.multipart != offer.multipart:
            return False
        if not _covers(self.media_type, offer.media_type):
            return False
        if not offer.transfer_syntax or self.transfer_syntax == ANY:
            return True
        return (self.transfer_syntax or default_transfer_syntax) in (offer.transfer_syntax, ANY)


def choose(accept: str, offers: Sequence[Representation], *, default_transfer_syntax: str = ANY) -> Representation:
    """Return the offer the client likes best; among equals the first.

    Args:
        accept: The Accept header, or the `accept` query parameter, which has the same form; empty takes all.
        offers: What can be given, the hub's favourite first.
        default_transfer_syntax: What a media type without the parameter asks for. The standard says
            Explicit VR Little Endian; `*` gives what is stored, as most servers do.

    Raises:
        NotAcceptable: No offer is taken.
    """
    ranges = [_range(media_type, order) for order, media_type in enumerate(parse(accept) or parse("*/*"))]
    best: tuple[tuple[float, int, int], Representation] | None = None
    for number, offer in enumerate(offers):
        taking = [one for one in ranges if one.takes(offer, default_transfer_syntax)]
        if not taking:
            continue
        # The most specific member decides (RFC 9110 12.5.1): `*/*;q=0.1` does not spoil a full name.
        judge = max(taking, key=_specificity)
        if judge.quality <= 0:
            continue
        rank = (judge.quality, -judge.order, -number)
        if best is None or rank > best[0]:
            best = rank, offer
    if best is None:
        raise NotAcceptable(accept)
    return best[1]


def _range(media_type: MediaType, order: int) -> _Range:
    quality = _quality(media_type.parameter("q", "1"))
    transfer_syntax = media_type.parameter("transfer-syntax")
    if media_type.name == MULTIPART:
        inner = media_type.parameter("type", "*/*").lower()
        return _Range(inner, True, transfer_syntax, quality, order)
    # Only wildcards leave open whether parts are wanted.
    multipart = None if media_type.name in ("*/*", "multipart/*") else False
    name = "*/*" if media_type.name == "multipart/*" else media_type.name
    return _Range(name, multipart, transfer_syntax, quality, order)


def _quality(text: str) -> float:
    try:
        return min(1.0, max(0.0, float(text)))
    except ValueError:
        return 1.0


def _covers(wanted: str, offered: str) -> bool:
    if wanted.endswith("/*"):
        return wanted == "*/*" or offered.startswith(wanted[:-1])
    # PS3.18 8.7.3.2: the JSON media type has gone by two names.
    return wanted == offered or (wanted, offered) == ("application/json", "application/dicom+json")


def _specificity(one: _Range) -> tuple[int, bool, bool]:
    wildcards = one.media_type.count("*")
    return -wildcards, one.multipart is not None, one.transfer_syntax not in ("", ANY)
