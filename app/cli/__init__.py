"""The command `renkei`: everything an operator does without a browser.

Exit codes: 0 done, 1 refused or failed with a message, 2 wrong usage, 3 a proof did not hold.
"""

import click

from app.cli.audit import audit
from app.cli.client import client
from app.cli.consent import consent
from app.cli.demo import demo, seed
from app.cli.migrate import migrate
from app.cli.organisation import organisation
from app.cli.reindex import reindex
from app.cli.serve import serve
from app.cli.token import token
from app.cli.user import user


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="renkei")
def main() -> None:
    """Renkei (連携): the hub of a regional health-information exchange.

    Settings are environment variables that begin with RENKEI_, or the file that RENKEI_ENV_FILE names; docs/settings.md
    lists them. `renkei demo` shows everything on made-up patients.
    """


for command in (serve, demo, seed, migrate, reindex, organisation, client, user, token, consent, audit):
    main.add_command(command)
