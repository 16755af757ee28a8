"""Whose address counts: the peer's, or the one a trusted proxy vouches for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.client_address import client_address, parse_address, parse_network

PROXIES = [parse_network("10.0.0.0/8"), parse_network("::1"), parse_network("192.0.2.1")]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.7", "192.0.2.7"),
        (" 192.0.2.7 ", "192.0.2.7"),
        ("192.0.2.7:443", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("::ffff:c000:207", "192.0.2.7"),
        ("[::ffff:192.0.2.7]:443", "192.0.2.7"),
        ("2001:DB8:0:0::7", "2001:db8::7"),
        ("[2001:db8::7]", "2001:db8::7"),
        ("[2001:db8::7]:443", "2001:db8::7"),
        ('"[2001:db8::7]:443"', "2001:db8::7"),
        ("fe80::1%eth0", "fe80::1"),
    ],
)
def test_an_address_is_read_as_proxies_write_it(text: str, address: str) -> None:
    assert str(parse_address(text)) == address


@pytest.mark.parametrize(
    "text", ["", "unknown", "_hidden", "192.0.2", "192.0.2.300", "192.0.2.7:x", "[::1", "1 2", "\0"]
)
def test_anything_else_is_no_address(text: str) -> None:
    assert parse_address(text) is None


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("192.0.2.7", "192.0.2.7/32"),
        ("192.0.2.7/24", "192.0.2.0/24"),
        ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
        ("2001:db8::/32", "2001:db8::/32"),
    ],
)
def test_a_network_may_be_an_address(text: str, network: str) -> None:
    assert str(parse_network(text)) == network


@pytest.mark.parametrize(
    ("peer", "forwarded", "real_ip", "address"),
    [
        ("203.0.113.9", [], None, "203.0.113.9"),
        ("203.0.113.9", ["192.0.2.7"], "192.0.2.7", "203.0.113.9"),
        ("10.1.1.1", [], None, "10.1.1.1"),
        ("10.1.1.1", ["203.0.113.9"], None, "203.0.113.9"),
        ("::ffff:10.1.1.1", ["203.0.113.9"], None, "203.0.113.9"),
        ("10.1.1.1", ["198.51.100.1, 203.0.113.9"], None, "203.0.113.9"),
        ("10.1.1.1", ["198.51.100.1", "203.0.113.9"], None, "203.0.113.9"),
        ("10.1.1.1", ["203.0.113.9, 10.2.2.2"], None, "203.0.113.9"),
        ("10.1.1.1", ["203.0.113.9, 192.0.2.1, 10.2.2.2"], None, "203.0.113.9"),
        ("10.1.1.1", ["10.3.3.3, 10.2.2.2"], None, "10.3.3.3"),
        ("10.1.1.1", ["203.0.113.9:1234"], None, "203.0.113.9"),
        ("10.1.1.1", ["[2001:db8::7]:1234"], None, "2001:db8::7"),
        ("10.1.1.1", ["203.0.113.9, ,"], None, "203.0.113.9"),
        ("10.1.1.1", [], "203.0.113.9", "203.0.113.9"),
        ("10.1.1.1", [""], "203.0.113.9", "203.0.113.9"),
        ("10.1.1.1", ["203.0.113.9"], "198.51.100.1", "203.0.113.9"),
        ("10.1.1.1", ["203.0.113.9, garbage"], None, "None"),
        ("10.1.1.1", ["garbage, 203.0.113.9"], None, "203.0.113.9"),
        ("10.1.1.1", [], "garbage", "None"),
        (None, ["203.0.113.9"], None, "None"),
    ],
)
def test_the_right_most_hop_that_is_no_proxy_counts(
    peer: str | None, forwarded: list[str], real_ip: str | None, address: str
) -> None:
    found = client_address(peer, forwarded_for=forwarded, real_ip=real_ip, trusted_proxies=PROXIES)
    assert str(found) == address


@given(st.lists(st.text(max_size=30)), st.text(max_size=30))
def test_no_header_changes_who_an_untrusted_peer_is(forwarded: list[str], real_ip: str) -> None:
    found = client_address(
        "203.0.113.9", forwarded_for=forwarded, real_ip=real_ip, trusted_proxies=PROXIES
    )
    assert str(found) == "203.0.113.9"


@given(st.lists(st.text(max_size=30)))
def test_what_a_client_wrote_itself_is_never_reached(forwarded: list[str]) -> None:
    found = client_address(
        "10.1.1.1", forwarded_for=[*forwarded, "203.0.113.9"], real_ip=None, trusted_proxies=PROXIES
    )
    assert str(found) == "203.0.113.9"
