"""Where a host's name leads: all of its addresses, to be looked at before one of them is connected to.

https://cheatsheetseries.owasp.org/cheatsheets/Server_Side_Request_Forgery_Prevention_Cheat_Sheet.html
"""

import asyncio
import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

_NAT64 = ip_network("64:ff9b::/96")
_COMPATIBLE = ip_network("::/96")
_NOT_OF_THE_WORLD = (ip_network("64:ff9b:1::/48"), ip_network("fec0::/10"))
"""A site's own NAT64 (RFC 8215), in which the place of the address of version 4 is not fixed; site-local addresses."""


async def addresses_of(host: str, port: int) -> list[str]:
    """Return the IP addresses of a host, the first to be tried first; none when it leads nowhere."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return [str(one[4][0]).partition("%")[0] for one in found]


def unmapped(address: str) -> IPv4Address | IPv6Address:
    """Return an IP address; one of version 4 that is written as version 6 is what it means."""
    found = ip_address(address)
    return getattr(found, "ipv4_mapped", None) or found


def leads_to(address: str) -> IPv4Address | IPv6Address:
    """Return the IP address at which a connection to an address ends, where a gateway translates or unpacks it.

    That of version 4 within one of NAT64 (RFC 6052), 6to4 (RFC 3056), Teredo (RFC 4380), or written as version 6. It is
    asked of where the hub connects to, never of who connects to the hub: whoever likes can write such an address there.
    """
    found = unmapped(address)
    if not isinstance(found, IPv6Address):
        return found
    if found in _NAT64 or (found in _COMPATIBLE and int(found) > 1):
        return IPv4Address(int(found) & 0xFFFFFFFF)
    return found.sixtofour or (found.teredo[1] if found.teredo else found)


def in_the_world(found: IPv4Address | IPv6Address) -> bool:
    """Return whether an address is anybody's in the world: none of a network of the house, of a cloud or of nobody."""
    return found.is_global and not found.is_multicast and not any(found in one for one in _NOT_OF_THE_WORLD)
