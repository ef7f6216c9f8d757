"""`renkei serve`: run the hub."""

import signal
import sys

import click
import uvicorn

from app.access.tls import TlsProtocol, tls_context
from app.settings import settings


def run_server() -> None:
    """Run the server until it is told to stop; there is no access log, since addresses may name patients."""
    chosen = settings()
    # uvicorn ends in order and then raises the signal again: the process would seem to have been killed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    uvicorn.run(
        "app.main:served",
        factory=True,
        host=chosen.host,
        port=chosen.port,
        workers=chosen.workers,
        loop="uvloop",
        http=TlsProtocol if chosen.tls_certificate else "httptools",
        ssl_certfile=chosen.tls_certificate,
        ssl_keyfile=chosen.tls_key,
        ssl_context_factory=tls_context if chosen.tls_certificate else None,
        access_log=False,
        server_header=False,
        # The application does it itself: it must know who sent a request before that is replaced (app.access.proxy).
        proxy_headers=False,
        timeout_keep_alive=60,
        timeout_graceful_shutdown=30,
    )


@click.command()
def serve() -> None:
    """Run the hub until SIGTERM or Ctrl-C.

    It listens on RENKEI_HOST and RENKEI_PORT with RENKEI_WORKERS processes. The database must be migrated.
    """
    run_server()
