"""What reading a store costs without a hub: read and decoded; parsed; understood as resources."""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from app.exchange.hl7v2.message import parse
from app.exchange.hl7v2.to_fhir.source import Source
from app.exchange.ssmix2.understand import Understood, understand

SOURCE = Source("hospital", "0110000001")


def _paths(root: str) -> Iterator[str]:
    for folder, _, names in os.walk(root):
        for name in names:
            yield f"{folder}/{name}"


def _read(path: str) -> bytes:
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - the plainest way there is
        return file.read()


def rate(root: Path, work: Callable[[str, bytes], object]) -> float:
    """Return files a second of processor time that are read from the page cache and worked on."""
    began, count = time.process_time(), 0
    for path in _paths(str(root)):
        work(path, _read(path))
        count += 1
    return count / (time.process_time() - began)


def rates(root: Path) -> dict[str, float]:
    """Return the rates of reading alone."""
    start = len(str(root)) + 1
    # Once for the page cache.
    rate(root, lambda _, body: body)
    return {
        "read and decoded": rate(root, lambda _, body: body.decode("iso2022_jp")),
        "read, decoded and parsed": rate(root, lambda _, body: parse(body)),
        "read, decoded, parsed and mapped": rate(root, lambda path, body: understand(path[start:], body, SOURCE)),
    }


def expected(root: Path) -> Counter[str]:
    """Return how many resources of each type a store holds, by their identifiers."""
    start, keys = len(str(root)) + 1, set[tuple[str, str, str]]()
    for path in _paths(str(root)):
        found = understand(path[start:], _read(path), SOURCE)
        if isinstance(found, Understood):
            keys |= {(one.key.type, one.key.system, one.key.value) for one in (found.patient, *found.pieces)}
    return Counter(type_name for type_name, _, _ in keys)
