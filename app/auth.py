"""Who may call: the token first, then the address, then what the token may do."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from app.client_address import Address, Network, client_address
from app.refusal import Refused
from app.tokens import Right, Tokens

Headers = Iterable[tuple[bytes, bytes]]


class Access:
    """The rules of one service; ``ip`` has precedence over ``ip_pattern``. Pure."""

    def __init__(
        self,
        *,
        tokens: Tokens,
        ip: Address | None = None,
        ip_pattern: re.Pattern[str] | None = None,
        trusted_proxies: Sequence[Network] = (),
    ) -> None:
        self._tokens = tokens
        self._ip = ip
        self._ip_pattern = ip_pattern
        self._trusted_proxies = tuple(trusted_proxies)

    def refusal(
        self, headers: Headers, *, peer: str | None, needs: Right = Right.WRITE
    ) -> Refused | None:
        """Why a request is not let in, None when it is. ``peer`` is the socket's other end."""
        right = self._right(headers)
        if right is Right.NONE:
            return Refused(
                "invalid token",
                "expected the header Authorization: Bearer <API_TOKEN>",
                status=401,
                headers={"WWW-Authenticate": "Bearer"},
            )
        if refused := self._refusal_of_address(headers, peer):
            return refused
        if right < needs:
            return Refused(
                "read-only token",
                "this token may only read (API_READ_TOKEN); writing needs one of API_TOKEN",
                status=403,
            )
        return None

    def caller(self, headers: Headers, *, peer: str | None) -> str:
        """Whom a log names: the same address that the rules look at."""
        if not self._trusted_proxies:
            return peer or "unknown"
        return str(self._address(headers, peer) or "unknown")

    def _right(self, headers: Headers) -> Right:
        given = [value for name, value in headers if name == b"authorization"]
        if len(given) != 1:
            return Right.NONE
        scheme, _, credentials = given[0].partition(b" ")
        if scheme.lower() != b"bearer":
            return Right.NONE
        return self._tokens.right_of(credentials.strip(b" \t"))

    def _refusal_of_address(self, headers: Headers, peer: str | None) -> Refused | None:
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
