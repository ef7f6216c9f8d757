"""The command `renkei`: everything an operator does without a browser.

Exit codes: 0 done, 1 refused or failed with a message, 2 wrong usage, 3 a proof did not hold; `verify-document` has two
more.
"""

from importlib import import_module

import click
from pydantic import ValidationError

from app.settings import SettingsMissing

COMMANDS = (
    *("serve", "ohif", "demo", "seed", "migrate", "reindex", "organisation", "client", "user", "token"),
    *("certificate", "import", "consent", "identity", "package", "terminology", "search-parameter", "audit"),
    *("backup", "blobs", "witness", "report", "retention", "gateway", "export", "mllp-source", "dicom-node"),
    *("imaging-source", "trust", "seal", "verify-document", "media", "manifest", "imaging-reports"),
)
"""Every command; each is in the module of its name."""

_ELSEWHERE = {"seed": "demo", "import": "import_"}


class Commands(click.Group):
    """Imports a command when it is used, so that each starts fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, or None when there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        module = import_module(f"app.cli.{_ELSEWHERE.get(name, name)}")
        command: click.Command = getattr(module, "import_" if name == "import" else name)
        return command

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; settings that cannot be used become a message."""
        try:
            return super().invoke(ctx)
        except SettingsMissing as error:
            raise click.ClickException(str(error)) from error
        except ValidationError as error:
            # Without the values: one of them may be a password.
            wrong = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
            raise click.ClickException("These settings cannot be used. " + "; ".join(wrong)) from error


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="renkei")
def main() -> None:
    """Renkei (連携): the hub of a regional health-information exchange.

    Settings are environment variables that begin with RENKEI_, or the file that RENKEI_ENV_FILE names; docs/settings.md
    lists them. `renkei demo` shows everything on made-up patients.
    """
