"""From an address to the network it is in: what is kept of a visitor, and what guesses are counted by."""

from __future__ import annotations

import ipaddress

_KEPT_BITS = {4: 24, 6: 48}
"""A /24 is some 250 lines, a /48 what one customer of a provider is given (RFC 6177): neither tells who somebody is."""

UNKNOWN = "unknown"
"""Where no address came along, as over a socket of the machine."""


def shortened(address: str | None) -> str:
    """The network of an address, as "203.0.113.0/24" or "2001:db8:7::/48"."""
    try:
        ip = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return UNKNOWN
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    return str(ipaddress.ip_network(f"{ip}/{_KEPT_BITS[ip.version]}", strict=False))
