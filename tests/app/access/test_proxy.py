"""Who may say who calls: headers of proxies reach the application from trusted ones only."""

from typing import Any

import pytest

from app.access.proxy import believed

pytestmark = pytest.mark.anyio

CLAIMS = [(b"x-renkei-client-certificate", b"pem"), (b"x-renkei-refused-certificate", b"NONE"), (b"accept", b"*/*")]


async def _reached(client: tuple[str, int] | None, trusted: str = "127.0.0.1,10.0.0.0/8") -> dict[str, Any]:
    seen: dict[str, Any] = {}

    async def application(scope: Any, receive: Any, send: Any) -> None:
        seen.update(scope)

    headers = [*CLAIMS, (b"x-forwarded-for", b"203.0.113.9"), (b"x-forwarded-proto", b"https")]
    scope = {"type": "http", "client": client, "scheme": "http", "headers": headers}
    await believed(application, trusted)(scope, None, None)  # type: ignore[arg-type]
    return seen


@pytest.mark.parametrize("client", ["127.0.0.1", "10.1.2.3"], ids=["an address", "a network"])
async def test_a_trusted_proxy_is_believed(client: str) -> None:
    reached = await _reached((client, 1))

    assert (reached["client"][0], reached["scheme"]) == ("203.0.113.9", "https")
    assert [pair for pair in reached["headers"] if pair in CLAIMS] == CLAIMS


@pytest.mark.parametrize("client", [("203.0.113.7", 1), None], ids=["another", "nobody can say who"])
async def test_anybody_else_claims_nothing(client: tuple[str, int] | None) -> None:
    reached = await _reached(client)

    assert (reached["client"], reached["scheme"]) == (client, "http")
    assert [pair for pair in reached["headers"] if pair in CLAIMS] == CLAIMS[2:]


async def test_a_proxy_that_forwards_its_own_address_is_not_taken_for_two() -> None:
    reached = await _reached(("127.0.0.1", 1), trusted="127.0.0.1")

    assert reached["client"][0] == "203.0.113.9"
