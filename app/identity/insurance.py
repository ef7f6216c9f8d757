"""被保険者番号: insurer, symbol, number and branch, from one identifier of JP-CLINS or from four of JP Core.

R1012 and R1013 of JP-CLINS: `00012345:あいう:１８７:05`; the branch may be empty.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from fhir.spec.identifier_systems import MEMBER_ID, forms

_CORE = "http://jpfhir.jp/fhir/core/mhlw/IdSystem/"
_PARTS = ("InsurerNumber", "InsuredPersonSymbol", "InsuredPersonNumber", "InsuredPersonSubnumber")

OF_THE_ELDERLY = "39"
"""How the numbers of insurers of 後期高齢者医療 begin (法別番号); they insure each person singly."""


@dataclass(frozen=True, slots=True)
class Insurance:
    """An insured person's number."""

    insurer: str
    """Eight digits."""
    symbol: str
    number: str
    branch: str
    """Two digits, or empty: then a household may share the number."""

    @property
    def household(self) -> str:
        """What a household shares."""
        return f"{self.insurer}:{self.symbol}:{self.number}"

    @property
    def single(self) -> bool:
        """Whether the number is one person's alone."""
        return bool(self.branch) or self.insurer.startswith(OF_THE_ELDERLY)


def _folded(text: str) -> str:
    return re.sub(r"[\s・‐−ー-]", "", unicodedata.normalize("NFKC", text)).upper()


def _made(insurer: str, symbol: str, number: str, branch: str) -> Insurance | None:
    insurer, number, branch = _folded(insurer), _folded(number), _folded(branch)
    if not insurer.isdigit() or not 6 <= len(insurer) <= 8 or not number or not number.strip("0"):
        return None
    known = branch.isdigit() and len(branch) <= 2 and branch.strip("0")
    return Insurance(insurer.zfill(8), _folded(symbol), number.lstrip("0"), branch.zfill(2) if known else "")


def insurances(identifiers: Iterable[Mapping[str, Any]]) -> tuple[Insurance, ...]:
    """Return the insured person's numbers among the identifiers of a Patient; what is not of the form is left out."""
    found: list[Insurance | None] = []
    parts: dict[str, str] = {}
    for one in identifiers:
        system, value = one.get("system"), one.get("value")
        if not isinstance(system, str) or not isinstance(value, str):
            continue
        name = forms(system)[0]
        if name == MEMBER_ID:
            split = unicodedata.normalize("NFKC", value).split(":")
            found += [_made(*split)] if len(split) == 4 else []
        elif name.startswith(_CORE) and name.removeprefix(_CORE) in _PARTS:
            parts[name.removeprefix(_CORE)] = value
    if parts.keys() >= {"InsurerNumber", "InsuredPersonNumber"}:
        found.append(_made(*[parts.get(part, "") for part in _PARTS]))
    return tuple(dict.fromkeys(one for one in found if one is not None))
