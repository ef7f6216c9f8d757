"""Where a source's host leads: looked at, and what was looked at is what is connected to.

A name can be made to lead inwards after it was registered; then it leads nowhere.
https://cheatsheetseries.owasp.org/cheatsheets/Server_Side_Request_Forgery_Prevention_Cheat_Sheet.html
"""

from ipaddress import ip_network

from app.comma import parts
from app.imaging.sources.failures import SourceFailed
from app.looked_up import addresses_of, in_the_world, leads_to

LOOKED_AT_SECONDS = 60.0
"""For so long an address that was looked at is connected to."""


def may_be(address: str, networks: str) -> bool:
    """Return whether a source may be at an IP address.

    Args:
        address: The address that its host leads to.
        networks: The networks it was registered with; when there are none, it is in the world's.
    """
    found = leads_to(address)
    reserved = found.is_reserved and not found.is_loopback
    if found.is_link_local or found.is_multicast or found.is_unspecified or reserved:
        # The addresses of a cloud's own description among them, whatever is registered.
        return False
    named = [ip_network(one) for one in parts(networks)]
    return any(found in one for one in named) if named else in_the_world(found)


async def resolved(name: str, host: str, port: int, networks: str) -> str:
    """Return an IP address of a source's host; all that it leads to must be where the source may be.

    Raises:
        SourceFailed: it leads nowhere, or elsewhere.
    """
    addresses = await addresses_of(host, port)
    if not addresses:
        raise SourceFailed.because(name, "nowhere")
    if not all(may_be(one, networks) for one in addresses):
        raise SourceFailed.because(name, "elsewhere")
    return addresses[0]
