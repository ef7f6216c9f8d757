"""`renkei migrate`: bring the database to this release."""

import click

from app.db.migrate import downgrade, upgrade
from app.settings import settings


@click.command()
@click.option("--down", "revision", metavar="REVISION", help="Take the database back to REVISION instead.")
def migrate(revision: str | None) -> None:
    """Bring the database's tables to this release; running it again changes nothing."""
    if revision is None:
        upgrade(settings())
        click.echo("The database is at this release")
    else:
        downgrade(settings(), revision)
        click.echo(f"The database is at {revision}")
