"""What can be said of an imaging source: all when it is registered, what is to be otherwise when it is changed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from app.imaging.sources.source import GET_BY, ImagingSource

F = TypeVar("F", bound=Callable[..., Any])

_PATH = click.Path(exists=True, dir_okay=False, resolve_path=True, path_type=Path)
_OWN = ImagingSource(0, "", "")
"""What holds where nothing is said."""

_OPTIONS: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    (("--wado",), {"metavar": "URL", "help": "Its WADO-RS: https://pacs.hospital-a.example/dicom-web."}),
    (("--qido",), {"metavar": "URL", "help": "Its QIDO-RS, by which the hub may index it."}),
    (
        ("--location", "locations"),
        {"multiple": True, "metavar": "UID", "help": "A Retrieve Location UID of manifests."},
    ),
    (("--ae-title",), {"help": "Its AE title."}),
    (("--host",), {"help": "Where its DIMSE is."}),
    (("--port",), {"type": int, "help": "The port of that."}),
    (("--called-as",), {"help": "The AE title by which the hub calls it."}),
    (("--get-by",), {"type": click.Choice(GET_BY), "help": "How images are fetched."}),
    (("--listen",), {"metavar": "HOST:PORT", "help": "For c-move: where the hub waits for images."}),
    (("--certificate",), {"type": _PATH, "help": "The client certificate that the hub shows it, PEM."}),
    (("--private-key",), {"type": _PATH, "help": "Its key."}),
    (
        ("--authority",),
        {"type": _PATH, "help": "The authority of the source's certificate; the system's without it."},
    ),
    (("--basic",), {"type": _PATH, "help": "A file with name:password for it."}),
    (("--bearer",), {"type": _PATH, "help": "A file with a token for it; it is read anew for each request."}),
    (
        ("--network", "networks"),
        {"multiple": True, "help": "A network its addresses lie in; without it the world's."},
    ),
    (("--cache",), {"help": "What is kept a while: none, thumbnails, days:N."}),
    (("--at-once",), {"type": int, "help": "The most requests at once."}),
    (("--seconds",), {"type": int, "help": "For one instance."}),
    (("--index-hours",), {"type": int, "help": "How often the hub indexes it; 0 for never."}),
)


def source_options(*, with_defaults: bool) -> Callable[[F], F]:
    """Return what gives a command the options, each telling what holds without it, or that nothing changes."""

    def given(command: F) -> F:
        for names, about in reversed(_OPTIONS):
            own = getattr(_OWN, names[0].removeprefix("--").replace("-", "_"), "")
            shown: dict[str, Any] = {"show_default": str(own)} if with_defaults and own else {}
            command = click.option(*names, **about, **shown)(command)
        return command

    return given


def source_fields(given: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of an `ImagingSource` that were said.

    Raises:
        click.ClickException: two contradict each other.
    """
    said = {name: value for name, value in given.items() if value not in (None, ())}
    basic, bearer = said.pop("basic", None), said.pop("bearer", None)
    if basic and bearer:
        raise click.ClickException("Either --basic or --bearer")
    if basic or bearer:
        said["credentials"] = f"basic:{basic}" if basic else f"bearer:{bearer}"
    for name, value in said.items():
        if isinstance(value, tuple):
            said[name] = ",".join(value)
        elif name in ("wado", "qido"):
            said[name] = value.rstrip("/")
        elif isinstance(value, Path):
            said[name] = str(value)
    return said
