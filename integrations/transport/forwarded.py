"""Who really sent a request that came through proxies of ours. Pure; only the standard library.

``X-Forwarded-For`` grows to the right: each proxy adds the address that it was called from. What a stranger wrote
stands to the left of that, so the right-most address that is no proxy of ours is the one that our own proxies said.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

HEADER = "X-Forwarded-For"
_MOST = 50  # addresses that are looked at: nobody has more proxies
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def read_networks(text: str) -> tuple[Network, ...]:
    """Networks with commas between them, as "10.0.0.0/8, 2001:db8::7". Raises ValueError that says what is wrong."""
    return tuple(_network(part.strip()) for part in text.split(",") if part.strip())


def _network(text: str) -> Network:
    try:
        found = ipaddress.ip_network(text)
    except ValueError:
        raise ValueError(f"{text!r} is no address and no network") from None
    if found.prefixlen == 0:
        raise ValueError(f"{text!r} is everybody, and strangers would choose their own address")
    return found


def sender(peer: str, forwarded: str, trusted: Sequence[Network]) -> str:
    """The address of whoever sent the request: ``peer``, who called us, unless it is a proxy of ours; then whom that
    one, or the one before it, was called from. What cannot be read ends the search: nobody before it is believed."""
    found = peer
    for told in reversed(forwarded.split(",")[-_MOST:]):
        if not is_in(found, trusted):
            break
        address = _address(told)
        if not address:
            break
        found = address
    return found


def is_in(address: str, networks: Sequence[Network]) -> bool:
    plain = _address(address)
    return bool(plain) and any(ipaddress.ip_address(plain) in network for network in networks)


def _address(told: str) -> str:
    """Without a port, brackets and a zone; IPv4 in IPv6's clothes as IPv4. "" for what is no address."""
    text = told.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return str(mapped or found)
