"""How a refusal names values and what is allowed: printable, short, nearest first."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from functools import lru_cache

ROOM_FOR_NAMES = 200
"""Characters of a refusal that may be spent on naming what is allowed."""


def shown(value: str) -> str:
    """A value as it may stand in a refusal: printable and short."""
    printable = "".join(sign if sign.isprintable() else "?" for sign in value[:41])
    return repr(printable if len(printable) <= 40 else printable[:39] + "…")


def named(allowed: Iterable[str], wanted: str = "") -> str:
    """As many of the allowed names as fit, nearest to `wanted` first when they do not all fit."""
    names = list(allowed)
    if not names:
        return "none"
    text = ", ".join(names)
    if len(text) <= ROOM_FOR_NAMES:
        return text
    near = _nearest(tuple(names), wanted[:60])
    ordered = [*near, *(name for name in names if name not in near)]
    kept: list[str] = []
    while len(", ".join([*kept, ordered[len(kept)]])) <= ROOM_FOR_NAMES - 20:
        kept.append(ordered[len(kept)])
    return f"{', '.join(kept)} and {len(names) - len(kept)} more"


@lru_cache(maxsize=1024)
def _nearest(names: tuple[str, ...], wanted: str) -> tuple[str, ...]:
    return tuple(get_close_matches(wanted, names, n=5, cutoff=0.3))
