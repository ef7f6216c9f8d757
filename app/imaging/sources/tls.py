"""TLS to a source, as it was registered: whose certificates are trusted, which one the hub shows, and why it fails.

https://dicom.nema.org/medical/dicom/current/output/chtml/part15/sect_B.12.html
"""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, cast

from app.imaging.sources.failures import SourceFailed
from app.imaging.sources.source import ImagingSource
from app.imaging.sources.words import Said

_OF_OURS = ("CERTIFICATE", "UNKNOWN_CA", "DECRYPT_ERROR")
"""What is in an alert of the other side that is about the certificate of this one (RFC 8446 6.2)."""


class _Socket(ssl.SSLSocket):
    """A socket whose context remembers what failed: who speaks over it is often only told that it ended."""

    def do_handshake(self, block: bool = False) -> None:
        with cast("Tls", self.context).noting():
            super().do_handshake(block)

    def read(self, len: int = 1024, buffer: Any = None) -> Any:
        # TLS 1.3: that the certificate of this side is not taken is told after the handshake.
        with cast("Tls", self.context).noting():
            return super().read(len, buffer)

    def send(self, data: Any, flags: int = 0) -> int:
        try:
            return super().send(data, flags)
        except (ConnectionError, ssl.SSLEOFError):
            # The other side has gone; what it said of that before is still to be read, and noted.
            with suppress(OSError):
                self.read(1)
            raise


class _Object(ssl.SSLObject):
    """The same where another library reads and writes the bytes."""

    def do_handshake(self) -> None:
        with cast("Tls", self.context).noting():
            super().do_handshake()

    def read(self, len: int = 1024, buffer: Any = None) -> Any:
        with cast("Tls", self.context).noting():
            return super().read(len, buffer)


class Tls(ssl.SSLContext):
    """How a source is connected to, or connects to the hub."""

    sslsocket_class = _Socket
    sslobject_class = _Object
    failure: ssl.SSLError | None = None
    """What a connection failed with last."""

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Remember what fails."""
        try:
            yield
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError, ssl.SSLZeroReturnError):
            raise
        except ssl.SSLError as error:
            self.failure = error
            raise


def tls_of(source: ImagingSource) -> Tls:
    """Return how a source is connected to by TLS.

    Raises:
        SourceFailed: a file cannot be read.
    """
    return _made(source, ssl.PROTOCOL_TLS_CLIENT)


def tls_for(source: ImagingSource) -> Tls | None:
    """Return how a source sends by TLS what a C-MOVE asks for; None when no certificate was registered for that.

    Raises:
        SourceFailed: a file cannot be read.
    """
    if not source.certificate:
        return None
    context = _made(source, ssl.PROTOCOL_TLS_SERVER)
    if source.authority:
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _made(source: ImagingSource, protocol: int) -> Tls:
    context = Tls(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        if source.authority:
            context.load_verify_locations(source.authority)
        else:
            context.load_default_certs()
        if source.certificate:
            context.load_cert_chain(source.certificate, source.private_key)
    except (OSError, ssl.SSLError) as error:
        raise SourceFailed.because(source.name, "certificates") from error
    return context


def unreachable(error: BaseException) -> Said:
    """Return why a source cannot be asked."""
    for one in _causes(error):
        if isinstance(one, ssl.SSLCertVerificationError):
            # What follows names the address.
            return Said("untrusted", str(one.verify_message).partition(", certificate is not valid")[0])
        if isinstance(one, ssl.SSLError):
            reason = str(one.reason or type(one).__name__)
            ours = "ALERT" in reason and any(word in reason for word in _OF_OURS)
            return Said("untaken" if ours else "tls", reason.lower().replace("_", " "))
    return Said("unreachable", type(error).__name__)


def _causes(error: BaseException) -> Iterator[BaseException]:
    one: BaseException | None = error
    while one is not None:
        yield one
        one = one.__cause__ or one.__context__
