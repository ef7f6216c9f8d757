"""`renkei report system`, `accounts`, `rights`, `mds`: documents filled from the running configuration."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import click

from app.cli.recorded import record
from app.cli.report.written import Wanted, written
from app.cli.running import opened, synchronous
from app.hub import Hub
from app.reports.accounts import accounts as of_accounts
from app.reports.mds import mds as of_mds
from app.reports.rights import rights as of_rights
from app.reports.sheet import Sheet
from app.reports.system import system as of_system


async def _write(make: Callable[[Hub], Awaitable[Sheet]], wanted: Wanted) -> None:
    async with opened() as hub:
        wanted.check(hub)
        sheet = await make(hub)
        await record(hub, "admin", f"Report written: {sheet.title}")
        wanted.write(sheet, hub)


@click.command()
@written
@synchronous
async def system(form: str, table: str, output: Path | None) -> None:
    """List the parts of the system: versions, places, settings (システム構成一覧)."""
    await _write(of_system, Wanted(form, table, output))


@click.command()
@written
@synchronous
async def accounts(form: str, table: str, output: Path | None) -> None:
    """List the accounts of people and the clients of systems (アカウント一覧)."""
    await _write(of_accounts, Wanted(form, table, output))


@click.command()
@written
@synchronous
async def rights(form: str, table: str, output: Path | None) -> None:
    """List what each role sees, writes and opens (権限一覧)."""
    await _write(of_rights, Wanted(form, table, output))


@click.command()
@written
@synchronous
async def mds(form: str, table: str, output: Path | None) -> None:
    """Draft the MDS/SDS sheet (医療情報セキュリティ開示書), as far as the configuration answers it."""
    await _write(of_mds, Wanted(form, table, output))
