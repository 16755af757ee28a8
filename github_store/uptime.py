"""Uptime as Kener writes it: a percentage as text."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal


def uptime_text(up: int, total: int) -> str:
    """``up`` of ``total`` minutes in per cent: ``-`` without minutes, ``0``, ``50``, ``99.9306``.

    Kener computes in IEEE doubles and rounds with JavaScript's ``toFixed``, which takes the
    double's exact value and rounds a tie up: 1 of 128 is ``0.7813`` where Python's own format
    says ``0.7812``. No decimals where the double is a multiple of ten.
    """
    if total == 0:
        return "-"
    percent = up / total * 100
    if percent % 10 == 0:
        return str(int(percent))
    return str(Decimal(percent).quantize(Decimal("0.0001"), rounding=ROUND_HALF_UP))
