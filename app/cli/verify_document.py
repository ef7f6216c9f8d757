"""`renkei verify-document`: the signatures of a document, checked anywhere; needs no hub."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click
import orjson

from app.records.signatures.trust import read_trust
from app.settings import settings
from fhir.errors import FhirError
from fhir.resource import parse
from fhir.signatures.canonical import BYTES
from fhir.signatures.carried import own_verdicts
from fhir.signatures.chain import Trust
from fhir.signatures.check import check_content, check_document
from fhir.signatures.verdict import State, Verdict
from fhir.xml.to_json import to_json

EXITS = {State.VALID: 0, State.INVALID: 3, State.UNTRUSTED: 4, State.UNCHECKED: 5}


@click.command("verify-document")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--signature",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The signature, when it is not in FILE: a JWS, or XML.",
)
@click.option(
    "--anchors",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Whom to trust: a folder like that of RENKEI_TRUST, which it is unless said.",
)
@click.option(
    "--at",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]),
    help="When FILE was there for certain (UTC); without it, and without a time stamp, certificates must be good now.",
)
def verify_document(file: Path, signature: Path | None, anchors: Path | None, at: datetime | None) -> None:
    """Check the signatures of FILE: a FHIR Bundle (JSON or XML), a CDA or other XML, or anything with --signature.

    Exit code 0 when all are valid, 3 when one is not, 4 when one is nobody's who is trusted, 5 when one cannot be
    checked or there is none.
    """
    trust = read_trust(anchors or settings().trust_folder)
    now = datetime.now(UTC) if at is None else at.replace(tzinfo=UTC)
    data = file.read_bytes()
    found = _beside(signature.read_bytes(), data, trust, now) if signature else _inside(data, trust, now)
    for one in found:
        click.echo(orjson.dumps(one.as_dict(), option=orjson.OPT_INDENT_2).decode())
    if not found:
        click.echo("There is no signature", err=True)
    sys.exit(_exit(found))


def _exit(found: Sequence[Verdict]) -> int:
    order = (State.INVALID, State.UNCHECKED, State.UNTRUSTED, State.VALID)
    worst = min((one.state for one in found), key=order.index, default=State.UNCHECKED)
    return EXITS[worst]


def _beside(signature: bytes, data: bytes, trust: Trust, now: datetime) -> list[Verdict]:
    return [check_content(signature, [(BYTES, data)], trust, now)]


def _inside(data: bytes, trust: Trust, now: datetime) -> list[Verdict]:
    """Return the verdicts of a document: FHIR when it is that, else XML."""
    is_xml = data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")
    try:
        body = to_json(data).body if is_xml else data
        resource = parse(body)
    except FhirError as error:
        if not is_xml:
            raise click.ClickException(f"This is neither FHIR nor XML: {error.diagnostics}") from error
        return list(check_document(data, trust, now))
    if resource.get("resourceType") == "Bundle" and not resource.get("signature"):
        return []
    return own_verdicts(resource, body, data if is_xml else None, trust, now)
