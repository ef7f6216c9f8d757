"""`renkei seal`: the hub's seal under a file."""

import asyncio
from pathlib import Path

import click

from app.clock import now
from app.records.signatures.seal import NoSeal, seal_content
from app.records.signatures.trust import read_trust
from app.settings import settings


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def seal(file: Path) -> None:
    """Sign FILE with the hub's seal: FILE.jws is written beside it, for `renkei verify-document`."""
    told = settings()
    try:
        jws = asyncio.run(seal_content(told, read_trust(told.trust_folder), file.read_bytes(), now()))
    except NoSeal as error:
        raise click.ClickException(error.diagnostics) from error
    beside = file.with_name(f"{file.name}.jws")
    beside.write_bytes(jws)
    click.echo(f"Wrote {beside}")
