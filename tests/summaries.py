"""Summaries made of trees, without a hub."""

from collections.abc import Sequence
from typing import Any

import orjson

from fhir.documents.choosing import LISTS, choose
from fhir.documents.facts import Held
from fhir.documents.sections import SECTIONS
from fhir.documents.summary import Made, Summary, summary
from fhir.documents.words import Language
from fhir.exact import read

HUB = {"resourceType": "Organization", "id": "hub", "name": "地域連携センター"}
ADDRESS = "https://hub.example/fhir/"


class Terms:
    """Names and translations that a test makes up."""

    def __init__(
        self, names: dict[str, str] | None = None, maps: dict[str, list[dict[str, str]]] | None = None
    ) -> None:
        self._names, self._maps = names or {}, maps or {}

    def called(self, system: str, code: str) -> str:  # noqa: ARG002 - codes alone will do here
        return self._names.get(code, "")

    def translations(self, system: str, code: str) -> list[dict[str, str]]:  # noqa: ARG002 - the same
        return self._maps.get(code, [])


def held(resource: dict[str, Any], *, labels: int = 0, source: str = "", stored: bool = True) -> Held:
    """Return a resource as the store would give it out."""
    body = orjson.dumps(resource) if stored else b""
    return Held(read(body) if stored else resource, body, labels, source)


def a_summary(
    patient: dict[str, Any],
    resources: Sequence[Held | dict[str, Any]],
    *,
    language: Language = "ja",
    terms: Terms | None = None,
    more: bool = False,
) -> Summary:
    """Return the summary of a patient's resources, in their order; others are what these refer to."""
    listed = [one if isinstance(one, Held) else held(one) for one in resources]
    asks = {ask for section in SECTIONS for ask in section.asks} | {LISTS}
    found = {ask: ([one for one in listed if one.resource["resourceType"] == ask.type], more) for ask in asks}
    how = Made(
        id="s1",
        now="2024-05-01T09:00:00+09:00",
        author=held(HUB, stored=False),
        language=language,
        terms=terms or Terms(),
        address=ADDRESS,
    )
    return summary(held(patient), choose(found), {one.link: one for one in listed}, how)


def bundle_of(made: Summary) -> dict[str, Any]:
    """Return the Bundle of a summary, decimals as floats."""
    found: dict[str, Any] = orjson.loads(made.body)
    return found
