"""`renkei backup`: take backups, prove them, bring them back."""

from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import click

from app.audit.log import AuditUnavailable
from app.backup.encryption import Identity, identities, new_identity
from app.backup.failures import BackupError, Damaged
from app.backup.restore import restore as bring_back
from app.backup.run import run as take
from app.backup.verify import verify_on_record
from app.cli.running import opened, synchronous
from app.settings import settings

P = ParamSpec("P")
T = TypeVar("T")

_FOLDER = click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_KEY = click.option("--key", type=_FILE, help="The hub's public key as `renkei audit key` printed it, kept elsewhere.")


class _NotWhole(click.ClickException):
    """A proof did not hold."""

    exit_code = 3


@click.group()
def backup() -> None:
    """Take encrypted backups of a running hub, verify them, restore them; see docs/backup.md."""


def _explained(command: Callable[P, T]) -> Callable[P, T]:
    """Turn what is wrong with a backup into a message: exit code 3 when it is damaged, 1 otherwise."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return command(*args, **kwargs)
        except Damaged as error:
            raise _NotWhole(str(error)) from error
        except (BackupError, AuditUnavailable, OSError) as error:
            raise click.ClickException(str(error)) from error

    return run


def _show(what: str, done: int) -> None:
    click.echo(f"\r{what} {done}{' ' * 20}", nl=False, err=True)


def _opened(identity: Path | None) -> Sequence[Identity]:
    return identities(identity) if identity else ()


def _trusted(key: Path | None) -> dict[str, Any]:
    return {"key": key.read_text(encoding="utf-8").strip() if key else None, "progress": _show}


def _compare(key: Path | None, stated: str) -> None:
    if key is None:
        click.echo(f"Signed by {stated}\nCompare this key with the one you were given, or use --key", err=True)


@backup.command()
@_FOLDER
@click.option(
    "--recipient",
    "recipients",
    multiple=True,
    required=True,
    metavar="age1…",
    help="A public key of whoever may restore; may be repeated.",
)
@_explained
@synchronous
async def run(folder: Path, recipients: tuple[str, ...]) -> None:
    """Add a backup of this instant to DIR while the hub works.

    Blobs that an earlier backup in DIR holds are not copied again. A run that was interrupted is simply run again.
    """
    async with opened() as hub:
        taken = await take(hub, folder, recipients, progress=_show)
    click.echo(
        f"\n{taken.rows} rows, {taken.blobs} blobs, audit log of {taken.audit.size} records\nSigned by {taken.key}",
        err=True,
    )
    click.echo(taken.folder)


@backup.command()
@_FOLDER
@click.option("--identity", type=_FILE, help="A private key: decrypt and read everything.")
@_KEY
@_explained
@synchronous
async def verify(folder: Path, identity: Path | None, key: Path | None) -> None:
    """Verify a backup, or the newest in DIR; exit code 3 and the reason when it is not what was written.

    Without an identity every file is compared with its digest. With one everything is decrypted, counted, hashed, and
    the audit log is proven.
    """
    found = await verify_on_record(settings(), folder, _opened(identity), **_trusted(key))
    click.echo("", err=True)
    _compare(key, found.header.key)
    how = "decrypted and read" if found.manifest else "compared with its digests; --identity reads it"
    click.echo(f"{found.folder.name} is whole: {how}")


@backup.command()
@_FOLDER
@click.option("--identity", type=_FILE, required=True, help="A private key that opens the backup.")
@_KEY
@_explained
@synchronous
async def restore(folder: Path, identity: Path, key: Path | None) -> None:
    """Restore a backup, or the newest in DIR, into the empty hub of the settings, on either database.

    The hub must not run. Nothing is restored unless all of it is.
    """
    done = await bring_back(settings(), folder, _opened(identity), **_trusted(key))
    click.echo("", err=True)
    _compare(key, done.header.key)
    click.echo(f"Restored the state of {done.header.taken}; what was acknowledged later is not in this backup")


@backup.command()
@click.argument("file", type=click.Path(path_type=Path))
@_explained
def identity(file: Path) -> None:
    """Write a new private key to FILE and print its public key; do it on another machine than the hub."""
    click.echo(new_identity(file))
