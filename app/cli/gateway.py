"""`renkei gateway`: what runs at a site, without the hub's database or settings."""

import asyncio
import fcntl
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import click

from app.exchange.ssmix2.gateway.carrying import Progress
from app.exchange.ssmix2.gateway.dead import DeadLetters
from app.exchange.ssmix2.gateway.hub_line import HubLine, LineDown, NotLetIn
from app.exchange.ssmix2.gateway.journal import Journal
from app.exchange.ssmix2.gateway.line import Line
from app.exchange.ssmix2.gateway.run import Gateway, Wanted
from app.imaging.folder.line import StowLine
from app.imaging.folder.run import FolderGateway
from app.imaging.folder.run import Wanted as FolderWanted

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
TELL_SECONDS = 1.0


@click.group()
def gateway() -> None:
    """Carry what a site's own systems write to the hub."""


@contextmanager
def _alone(state: Path) -> Iterator[None]:
    """Let no second gateway work with the same journal."""
    descriptor = os.open(state / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise click.ClickException(f"Another gateway works with {state}") from error
        yield
    finally:
        os.close(descriptor)


class _Telling:
    """Says on standard error how far the gateway is, at most once a second."""

    def __init__(self) -> None:
        self._last, self._since, self._counted = 0.0, time.monotonic(), 0

    def __call__(self, progress: Progress, *, at_once: bool = False) -> None:
        now = time.monotonic()
        if now - self._last < TELL_SECONDS and not at_once:
            return
        count = progress.done + progress.unchanged + progress.refused
        speed = (count - self._counted) / max(now - self._since, 0.001)
        self._last = self._since = now
        self._counted = count
        line = f"; the line is down: {progress.down[:100]}" if progress.down else ""
        left = max(progress.patients - progress.patients_begun, 0)
        text = f"{count} files, {speed:.0f}/s; {left} patients left; {progress.refused} refused{line}"
        click.echo(f"\r{text}\033[K" if sys.stderr.isatty() else text, err=True, nl=not sys.stderr.isatty())


def _status(journal: Journal, dead: DeadLetters) -> None:
    sent, refused = journal.counts()
    notes = journal.notes()
    click.echo(f"sent\t{sent}\nrefused\t{refused}")
    for name, label in (("walk_begun", "walk begun"), ("walk_ended", "walk ended")):
        at = notes.get(name, "")
        told = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(int(at))) if at else "-"
        click.echo(f"{label}\t{told}")
    click.echo(f"line\t{'down ' + notes['line_down'] if notes.get('line_down') else 'up'}")
    for path, reason in json.loads(notes.get("unread", "{}")).items():
        click.echo(f"unread\t{path}\t\t{reason}")
    for path, findings in dead.reasons():
        for one in findings:
            where = f"{one['segment']}-{one['index']}" + (f", field {one['field']}" if one["field"] else "")
            click.echo(f"dead\t{path}\t{where if one['segment'] else ''}\t{one['text']}")


class _AtWork(Protocol):
    """A gateway."""

    progress: Progress

    def stop(self) -> None:
        """Stop after the batch at work."""
        ...

    async def run(self) -> None:
        """Send what is to be sent."""
        ...


async def _work(make: Callable[[Callable[[Progress], None]], _AtWork], line: HubLine) -> Progress:
    telling = _Telling()
    made = make(telling)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, made.stop)
    try:
        await made.run()
    finally:
        await line.close()
        telling(made.progress, at_once=True)
    return made.progress


def _to_hub(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say where files go, who sends them, and how."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


_OPTIONS = (
    click.option("--hub", default="", envvar="RENKEI_GATEWAY_HUB", metavar="URL", help="The hub's address."),
    click.option("--client-id", default="", envvar="RENKEI_GATEWAY_CLIENT", help="The gateway's client_id at the hub."),
    click.option("--key", envvar="RENKEI_GATEWAY_KEY", type=_FILE, help="Its private key (JWK)."),
    click.option(
        "--state",
        required=True,
        envvar="RENKEI_GATEWAY_STATE",
        type=click.Path(file_okay=False, path_type=Path),
        help="The gateway's own folder: its journal and the dead letters.",
    ),
    click.option("--once", is_flag=True, help="Walk through it once and end."),
    click.option("--every", default=3600.0, show_default=True, metavar="SECONDS", help="Between walks."),
    click.option(
        "--settle", default=2.0, show_default=True, metavar="SECONDS", help="A file untouched so long is whole."
    ),
    click.option("--authorities", type=_FILE, help="Certificates (PEM) that the hub's own is signed by."),
    click.option("--certificate", nargs=2, type=_FILE, help="The gateway's own certificate and its key (PEM)."),
    click.option("--status", is_flag=True, help="Say how far it is and what was refused, and end."),
    click.option("--rerun", is_flag=True, help="Send again what was refused."),
)
"""Of every gateway."""


def _carry(
    state: Path,
    told: Mapping[str, Any],
    line_of: Callable[..., HubLine],
    make: Callable[[Journal, DeadLetters, Any], Callable[[Callable[[Progress], None]], _AtWork]],
) -> None:
    """Run a gateway to its end, or say how far it is.

    Args:
        state: The gateway's own folder.
        told: The other options by their names.
        line_of: Makes its line of address, client and key.
        make: Makes what makes the gateway.
    """
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    journal, dead = Journal(state / "journal.sqlite3"), DeadLetters(state / "dead")
    if told["status"]:
        _status(journal, dead)
        return
    if not (told["hub"] and told["client_id"] and told["key"]):
        raise click.UsageError("--hub, --client-id and --key say where the files go, and who sends them")
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    with _alone(state):
        if told["rerun"]:
            journal.forget([one.path for one in journal.dead()])
        tls = {name: told[name] for name in ("authorities", "certificate")}
        line = line_of(told["hub"], told["client_id"], told["key"], **tls)
        try:
            progress = asyncio.run(_work(make(journal, dead, line), line))
        except (LineDown, NotLetIn) as error:
            raise click.ClickException(str(error)) from error
        finally:
            journal.close()
    for name in ("done", "unchanged", "refused"):
        click.echo(f"{name}\t{getattr(progress, name)}")
    if told["once"] and progress.refused:
        raise click.ClickException(f"Some files were refused; {state / 'dead'} says why")


@gateway.command("ssmix2")
@click.argument("root", metavar="DIR", type=_FOLDER)
@click.option("--transactions", type=_FOLDER, help="The transaction store, when the store has one.")
@_to_hub
def ssmix2(root: Path, transactions: Path | None, state: Path, **told: Any) -> None:
    """Send the SS-MIX2 store in DIR to the hub, then whatever changes in it.

    DIR is a standard or an extended store. SIGTERM stops after the batch at work; nothing is lost, nothing comes twice.
    """
    wanted = Wanted(root, transactions, told["once"], told["every"], told["settle"])
    _carry(state, told, Line, lambda journal, dead, line: lambda tell: Gateway(wanted, journal, dead, line, tell))


@gateway.command("folder")
@click.argument("root", metavar="DIR", type=_FOLDER)
@click.option(
    "--move",
    "moved_to",
    type=click.Path(file_okay=False, path_type=Path),
    help="Move there what was sent; without it, files stay, and the journal remembers them.",
)
@_to_hub
def folder(root: Path, moved_to: Path | None, state: Path, **told: Any) -> None:
    """Send the DICOM files in DIR and below it to the hub by STOW-RS, then whatever comes there.

    SIGTERM stops after the batch at work; nothing is lost, and what came twice is stored once.
    """
    wanted = FolderWanted(root, moved_to, told["once"], told["every"], told["settle"])
    if moved_to is not None and moved_to.resolve().is_relative_to(root.resolve()):
        raise click.UsageError("What was sent cannot be moved into the folder that is watched")
    _carry(
        *(state, told, StowLine),
        lambda journal, dead, line: lambda tell: FolderGateway(wanted, journal, dead, line, tell),
    )
