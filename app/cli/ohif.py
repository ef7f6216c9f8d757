"""`renkei ohif`: serve the full viewer at an origin of its own."""

from pathlib import Path
from urllib.parse import urlsplit

import click
import uvicorn

from app.portal.viewer.ohif import ohif_app
from app.settings import settings


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=Path("ohif"))
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=int, help="The port to listen on, when it is not that of RENKEI_OHIF_ADDRESS.")
def ohif(folder: Path, host: str, port: int | None) -> None:
    """Serve OHIF from FOLDER, where `make ohif` has put it, until the process is ended."""
    chosen = settings()
    if not chosen.ohif_address:
        raise click.ClickException("RENKEI_OHIF_ADDRESS says at which address people open it")
    parts = urlsplit(chosen.ohif_address)
    try:
        app = ohif_app(folder, chosen.address)
    except FileNotFoundError as error:
        raise click.ClickException(f"{folder}: OHIF is not there; `make ohif` fetches it") from error
    listens = port or parts.port or (443 if parts.scheme == "https" else 80)
    uvicorn.run(app, host=host, port=listens, access_log=False, server_header=False, log_level="warning")
