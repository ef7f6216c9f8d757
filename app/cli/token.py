"""`renkei token`: a short-lived bearer token for a client whose key is on this machine."""

import json

import click
import httpx
from joserfc.jwk import ECKey

from app.access.enrol import client_key_path
from app.access.signing import ASSERTION_TYPE, client_assertion
from app.settings import settings


@click.command()
@click.argument("client")
def token(client: str) -> None:
    r"""Print a bearer token for CLIENT from the running hub.

    \b
    curl -H "Authorization: Bearer $(renkei token demo-hospital-a)" http://127.0.0.1:8080/fhir/Patient
    """
    chosen = settings()
    path = client_key_path(chosen, client)
    if not path.exists():
        raise click.ClickException(f"There is no key of {client} on this machine ({path})")
    address = f"{chosen.address}/oauth/token"
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": client_assertion(client, ECKey.import_key(json.loads(path.read_text())), address),
    }
    try:
        response = httpx.post(address, data=form, timeout=10)
    except httpx.HTTPError as error:
        raise click.ClickException(f"The hub at {chosen.address} does not answer: {error}") from error
    if response.status_code != 200:
        raise click.ClickException(f"The hub refused: {response.text}")
    click.echo(response.json()["access_token"])
