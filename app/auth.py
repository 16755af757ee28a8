"""Who may call: the token first, then the address; decided before a body is read."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Sequence

from app.client_address import Address, Network, client_address
from app.refusal import Refused

Headers = Iterable[tuple[bytes, bytes]]


class Access:
    """The rules of one service; ``ip`` has precedence over ``ip_pattern``. Pure."""

    def __init__(
        self,
        *,
        token: str,
        ip: Address | None = None,
        ip_pattern: re.Pattern[str] | None = None,
        trusted_proxies: Sequence[Network] = (),
    ) -> None:
        if not token:
            raise ValueError("an empty token would let everybody in")
        self._token = token.encode()
        self._ip = ip
        self._ip_pattern = ip_pattern
        self._trusted_proxies = tuple(trusted_proxies)

    def refusal(self, headers: Headers, *, peer: str | None) -> Refused | None:
        """Why a request is not let in, None when it is. ``peer`` is the socket's other end."""
        given = [value for name, value in headers if name == b"authorization"]
        if not self._is_token(given):
            return Refused(
                "invalid token",
                "expected the header Authorization: Bearer <API_TOKEN>",
                status=401,
                headers={"WWW-Authenticate": "Bearer"},
            )
        if self._ip is None and self._ip_pattern is None:
            return None
        address = self._address(headers, peer)
        if self._is_allowed(address):
            return None
        return Refused(
            f"invalid ip: {'unknown' if address is None else address}",
            "this address may not call the API; API_IP or API_IP_REGEX names those that may",
            status=401,
        )

    def caller(self, headers: Headers, *, peer: str | None) -> str:
        """Whom a log names: the same address that the rules look at."""
        if not self._trusted_proxies:
            return peer or "unknown"
        return str(self._address(headers, peer) or "unknown")

    def _is_token(self, given: Sequence[bytes]) -> bool:
        """Takes equally long for every wrong token of a length."""
        if len(given) != 1:
            return False
        scheme, _, credentials = given[0].partition(b" ")
        return scheme.lower() == b"bearer" and hmac.compare_digest(
            credentials.strip(b" \t"), self._token
        )

    def _address(self, headers: Headers, peer: str | None) -> Address | None:
        forwarded = [value for name, value in headers if name == b"x-forwarded-for"]
        real = [value for name, value in headers if name == b"x-real-ip"]
        return client_address(
            peer,
            forwarded_for=[value.decode("latin-1") for value in forwarded],
            real_ip=real[-1].decode("latin-1") if real else None,
            trusted_proxies=self._trusted_proxies,
        )

    def _is_allowed(self, address: Address | None) -> bool:
        if address is None:
            return False
        if self._ip is not None:
            return address == self._ip
        return self._ip_pattern is None or bool(self._ip_pattern.search(str(address)))
