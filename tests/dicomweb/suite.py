"""The checks and their run: each is a function with a name, an answer is that it holds, or what was seen instead."""

import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass

from tests.dicomweb.sample import Sample
from tests.dicomweb.server import Server

Check = Callable[[Server, Sample], None]


@dataclass(frozen=True)
class Result:
    """What became of one check."""

    service: str
    name: str
    holds: bool
    seen: str
    """Empty when it holds."""
    milliseconds: int

    def as_dict(self) -> dict[str, object]:
        """Return it for JSON."""
        return asdict(self)


CHECKS: list[tuple[str, str, Check]] = []
"""Service, name and function, in the order in which they run."""


def check(service: str) -> Callable[[Check], Check]:
    """Register a check; its name is that of the function, read as a sentence."""

    def register(function: Check) -> Check:
        CHECKS.append((service, function.__name__.replace("_", " "), function))
        return function

    return register


def run(url: str, headers: Mapping[str, str], told: Callable[[Result], None] = lambda _: None) -> list[Result]:
    """Return the results of all checks on a server.

    Args:
        url: The root of its DICOMweb service.
        headers: Sent with every request.
        told: Is called with each result as it is there.
    """
    # The modules register their checks; what deletes comes last.
    from tests.dicomweb import negotiation, qido, rendered, retrieve, stow, whole  # noqa: F401

    server, sample = Server(url, headers), Sample()
    with closing(server):
        return _run(server, sample, told)


def _run(server: Server, sample: Sample, told: Callable[[Result], None]) -> list[Result]:
    results = []
    for service, name, function in sorted(CHECKS, key=lambda one: ORDER.index(one[0])):
        begun = time.monotonic()
        try:
            function(server, sample)
            seen = ""
        except AssertionError as error:
            seen = str(error) or "it does not hold"
        except Exception as error:
            seen = f"{type(error).__name__}: {str(error)[:80]}"
        results.append(Result(service, name, not seen, seen, round((time.monotonic() - begun) * 1000)))
        told(results[-1])
    return results


ORDER = ("stow", "qido", "wado", "negotiation", "rendered", "whole")
