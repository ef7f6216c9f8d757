"""Handing events on by syslog over TLS. RFC 5425.

A message that was written into a connection may still be lost with it, and syslog has no answer. So a batch has a
connection of its own, which we end as TLS says; it counts as delivered only when the receiver, having read all up to
our end, ends it too. Anything else is a failure, and the batch is sent again: a message may come twice, never not.
"""

import select
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.audit.inbound.frames import framed

CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Receiver:
    """An Audit Record Repository that takes syslog.

    Attributes:
        host: Its name, which its certificate must bear.
        port: Its port.
        authority: Whom its certificate must be from, PEM; None: those that the machine trusts.
        certificate: What the hub shows of itself, PEM; None: nothing.
        key: Its private key.
    """

    host: str
    port: int
    authority: Path | None = None
    certificate: Path | None = None
    key: Path | None = None


def context(authority: Path | None, certificate: Path | None, key: Path | None) -> ssl.SSLContext:
    """Return how the hub connects: TLS 1.2 at least, the other's certificate proven, its own shown.

    Raises:
        OSError: a file is not there, or is not what it should be.
    """
    made = ssl.create_default_context(cafile=str(authority) if authority else None)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    if certificate is not None:
        made.load_cert_chain(str(certificate), str(key) if key else None)
    return made


def deliver(receiver: Receiver, messages: Sequence[bytes]) -> None:
    """Send messages, and return when the receiver has read them all. Blocks: for a thread.

    Raises:
        OSError: it is not known that it has.
    """
    made = context(receiver.authority, receiver.certificate, receiver.key)
    with (
        socket.create_connection((receiver.host, receiver.port), CONNECT_SECONDS) as plain,
        made.wrap_socket(plain, server_hostname=receiver.host) as secured,
    ):
        secured.settimeout(ANSWER_SECONDS)
        secured.sendall(b"".join([framed(one) for one in messages]))
        _check_open(secured)
        _end(secured)


def _check_open(secured: ssl.SSLSocket) -> None:
    """Refuse a receiver that has ended the connection before we did: it may not have read what was just written.

    Raises:
        OSError: it has.
    """
    secured.setblocking(False)
    try:
        while select.select([secured], [], [], 0)[0]:
            if not secured.recv(4096):
                raise OSError("the receiver ended the connection first")
    except ssl.SSLWantReadError:
        # TLS 1.3 sends tickets, which are no data.
        return
    finally:
        secured.settimeout(ANSWER_SECONDS)


def _end(secured: ssl.SSLSocket) -> None:
    """End the connection, and wait until the receiver does.

    A receiver may answer with TLS's own end or end the connection below it: either comes after it has read ours. One
    that was stopped with something unread ends it by a reset, which is an error.

    Raises:
        OSError: it does not, or breaks it off.
    """
    try:
        secured.unwrap()
    except ssl.SSLEOFError:
        return
    except ssl.SSLError as error:
        # OpenSSL calls an end without TLS's own one an end in violation of protocol, under several names.
        if "EOF" not in str(error).upper():
            raise
    except OSError as error:
        if error.errno not in (0, None):
            raise
