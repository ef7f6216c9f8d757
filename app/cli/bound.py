"""What commands say of clients that are known by their connection."""

from pathlib import Path
from ssl import PEM_cert_to_DER_cert

import click

from app.access.bound import Binding
from app.access.certificate import thumbprint


def thumbprint_of(certificate: Path) -> str:
    """Return the SHA-256 of a certificate in a file as base64url."""
    try:
        return thumbprint(PEM_cert_to_DER_cert(certificate.read_text()))
    except ValueError as error:
        raise click.ClickException(f"{certificate} is no certificate: {error}") from error


def known_by(binding: Binding) -> str:
    """Return what makes a connection a client's, in words parted by blanks."""
    return " ".join(one for one in (binding.network, binding.certificate, binding.subject) if one)
