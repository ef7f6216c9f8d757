"""Every published example is written as XML and read back, equal to the text of each number; data: jp, fhir."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from fhir.xml.to_json import to_json
from fhir.xml.to_xml import to_xml
from tests.spec_data import SPEC_DATA

EXAMPLES = sorted([*(SPEC_DATA / "jp/examples").glob("*.json"), *(SPEC_DATA / "fhir/r4-examples").glob("*.json")])


class _Number(str):
    """A number's text, which is equal only to the same text."""

    __slots__ = ()


_EXACT = msgspec.json.Decoder(dict[str, Any], float_hook=_Number)


def decimals(tree: Any) -> int:
    if isinstance(tree, dict | list):
        return sum(decimals(one) for one in (tree.values() if isinstance(tree, dict) else tree))
    return int(isinstance(tree, _Number))


def test_all_published_examples_are_here() -> None:
    assert len(EXAMPLES) == 307
    assert sum(decimals(_EXACT.decode(path.read_bytes())) for path in EXAMPLES) > 100


@pytest.mark.parametrize("pretty", [False, True], ids=["dense", "pretty"])
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_comes_back_as_it_was(path: Path, pretty: bool) -> None:
    body = path.read_bytes()

    made = to_json(to_xml(body, pretty=pretty))

    assert _EXACT.decode(made.body) == _EXACT.decode(body)
