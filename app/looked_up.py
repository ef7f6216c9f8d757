"""Where a host's name leads: all of its addresses, to be looked at before one of them is connected to.

https://cheatsheetseries.owasp.org/cheatsheets/Server_Side_Request_Forgery_Prevention_Cheat_Sheet.html
"""

import asyncio
import socket
from ipaddress import IPv4Address, IPv6Address, ip_address


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
