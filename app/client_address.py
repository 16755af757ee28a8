"""Who is calling: the socket's peer, or what a trusted proxy says of it; pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_WITH_PORT: Final = re.compile(r"(?:\[([^\]]*)\]|([0-9.]+))(?::[0-9]{1,5})?")
_MAPPED_PREFIX: Final = 96


def parse_address(text: str) -> Address | None:
    """An address as proxies write it, None for anything else.

    A port, brackets and an IPv6 zone are dropped; an IPv4 address in IPv6 clothes is IPv4.
    """
    text = text.strip().strip('"')
    if match := _WITH_PORT.fullmatch(text):
        text = match[1] or match[2] or ""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address


def parse_network(text: str) -> Network:
    """An address or CIDR network; host bits may be set. Raises ValueError."""
    network = ip_network(text, strict=False)
    if isinstance(network, IPv6Network) and network.prefixlen >= _MAPPED_PREFIX:
        mapped = network.network_address.ipv4_mapped
        if mapped is not None:
            return ip_network((mapped, network.prefixlen - _MAPPED_PREFIX))
    return network


def client_address(
    peer: str | None,
    *,
    forwarded_for: Sequence[str],
    real_ip: str | None,
    trusted_proxies: Sequence[Network],
) -> Address | None:
    """The caller's address; None when it cannot be known.

    ``forwarded_for``: every X-Forwarded-For header, in their order. Each proxy adds, at the end,
    whom it was called by: so the list is believed from the right for as long as the sayer is
    trusted. What a client wrote into it itself stands further left and is never reached.
    """
    address = parse_address(peer or "")
    if address is None or not _is_trusted(address, trusted_proxies):
        return address
    hops = [hop for header in forwarded_for for hop in header.split(",") if hop.strip()]
    for hop in reversed(hops):
        address = parse_address(hop)
        if address is None or not _is_trusted(address, trusted_proxies):
            return address
    if not hops and real_ip is not None:
        return parse_address(real_ip)
    return address


def _is_trusted(address: Address, proxies: Sequence[Network]) -> bool:
    return any(address.version == network.version and address in network for network in proxies)
