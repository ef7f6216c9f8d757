"""The folder of whom the hub trusts: certificates and revocation lists as files, in a folder for each purpose.

It is read anew when a file in it has changed; every process sees the same files.
"""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from cryptography import x509

from fhir.signatures.chain import Trust
from fhir.signatures.check import UNREADABLE

PURPOSES = {
    "documents": "authorities whose certificates sign documents, such as the roots of HPKI",
    "between": "authorities between those and the signers",
    "stamps": "authorities of time",
    "revoked": "revocation lists (CRL)",
}
"""The folders, and what is in each."""

MOST_BYTES = 20_000_000
"""Of one file; the revocation list of a large authority has some megabytes."""

logger = logging.getLogger(__name__)


def read_certificates(data: bytes) -> list[x509.Certificate]:
    """Return the certificates of a file, PEM or DER.

    Raises:
        ValueError: it holds none; another of `UNREADABLE`: one cannot be read.
    """
    if b"-----BEGIN" in data:
        return x509.load_pem_x509_certificates(data)
    return [x509.load_der_x509_certificate(data)]


def read_list(data: bytes) -> list[x509.CertificateRevocationList]:
    """Return the revocation list of a file, PEM or DER.

    Raises:
        ValueError: it is none; another of `UNREADABLE`: it cannot be read.
    """
    return [x509.load_pem_x509_crl(data) if b"-----BEGIN" in data else x509.load_der_x509_crl(data)]


def files(folder: Path, purpose: str) -> list[Path]:
    """Return the files of a purpose, by name; those that begin with a dot are not there yet."""
    place = folder / purpose
    if not place.is_dir():
        return []
    return sorted(one for one in place.iterdir() if one.is_file() and not one.name.startswith("."))


def reader_of(purpose: str) -> Callable[[bytes], list[Any]]:
    """Return what reads the files of a purpose."""
    return read_list if purpose == "revoked" else read_certificates


def _all(folder: Path, purpose: str) -> Iterator[Any]:
    for path in files(folder, purpose):
        try:
            if path.stat().st_size > MOST_BYTES:
                raise ValueError("it is too large")
            yield from reader_of(purpose)(path.read_bytes())
        except (OSError, *UNREADABLE) as error:
            # The others are trusted all the same.
            logger.error("%s is passed over: %s", path, error)


def read_trust(folder: Path) -> Trust:
    """Return whom a folder names; files that cannot be read are passed over and logged."""
    return Trust(
        anchors=tuple(_all(folder, "documents")),
        between=tuple(_all(folder, "between")),
        stamps=tuple(_all(folder, "stamps")),
        revoked=tuple(_all(folder, "revoked")),
    )


class KnownTrust:
    """The folder as one process knows it.

    Args:
        folder: It need not exist: then nobody is trusted.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._state: list[tuple[str, int, int]] | None = None
        self._trust = Trust()

    def current(self) -> Trust:
        """Return whom the hub trusts now; whom it trusted last, when the folder cannot be looked at."""
        try:
            state = list(self._files())
            if state != self._state:
                self._trust = read_trust(self._folder)
                self._state = state
        except OSError as error:
            # A file may go at this moment.
            logger.error("%s cannot be looked at: %s", self._folder, error)
        return self._trust

    def _files(self) -> Iterator[tuple[str, int, int]]:
        for purpose in PURPOSES:
            for path in files(self._folder, purpose):
                told = path.stat()
                yield str(path), told.st_mtime_ns, told.st_size
