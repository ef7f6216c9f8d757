"""Where a report goes, and in which form: options that every report has."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from app.hub import Hub
from app.reports.forms.comma import comma_separated
from app.reports.forms.markdown import markdown
from app.reports.forms.page import page
from app.reports.forms.paper import NoFont, font_file, paper
from app.reports.sheet import Sheet

FORMS = ("md", "html", "csv", "pdf")

Command = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a report is wanted."""

    form: str
    table: str
    """Of CSV, which table; empty for the first."""
    output: Path | None
    """Where; None for the standard output."""

    def check(self, hub: Hub) -> None:
        """Check that it can be had, before anything is read.

        Raises:
            ClickException: the file is there already, or there is no font for a PDF.
        """
        if self.output is not None and self.output.exists():
            raise click.ClickException(f"{self.output} is there already")
        if self.form == "pdf":
            self._font(hub)

    def _font(self, hub: Hub) -> Path:
        try:
            return font_file(hub.settings.report_font)
        except NoFont as error:
            raise click.ClickException(str(error)) from error

    def _made(self, sheet: Sheet, hub: Hub) -> bytes:
        if self.form == "pdf":
            try:
                return paper(sheet, self._font(hub))
            except NoFont as error:
                raise click.ClickException(str(error)) from error
        if self.form == "csv":
            try:
                return comma_separated(sheet.table(self.table)).encode()
            except KeyError as error:
                names = ", ".join(one.name for one in sheet.tables)
                raise click.ClickException(f"This report has no table {self.table}; it has {names}") from error
        return (page(sheet) if self.form == "html" else markdown(sheet)).encode()

    def write(self, sheet: Sheet, hub: Hub) -> None:
        """Write a report, to a file that only its owner reads."""
        made = self._made(sheet, hub)
        if self.output is None:
            click.echo(made, nl=False)
            return
        self.output.touch(mode=0o600, exist_ok=False)
        self.output.write_bytes(made)


def written(command: Command) -> Command:
    """Add the options `--format`, `--table` and `--output`, which `Wanted` is made of."""
    for option in (
        click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="The file; it must not exist."),
        click.option("--table", default="", help="Of CSV: which table; without it the first."),
        click.option("--format", "form", type=click.Choice(FORMS), default="md", show_default=True, help="The form."),
    ):
        command = option(command)
    return command
