"""Keyed randomness: each draw is a function of (seed, process, entity, index), so that no draw moves another.

Two policies on one seed meet the same patients, arrivals and luck; changing one resource leaves everything upstream bit-identical.
"""

from __future__ import annotations

import math
from functools import lru_cache
from hashlib import blake2b
from statistics import NormalDist
from struct import unpack

_NORMAL = NormalDist()
_UNIT = 2.0**-53


class Streams:
    """The keyed streams of one seed."""

    __slots__ = ("_prefix", "seed")

    def __init__(self, seed: int) -> None:
        """Streams of `seed` (any integer)."""
        self.seed = seed
        self._prefix = f"{seed}|"

    def reseed(self, luck: int) -> None:
        """From here on, draw as another seed would: one that follows from this seed and `luck` (any integer)."""
        key = f"{self._prefix}luck|{luck}".encode()
        self.seed = int.from_bytes(blake2b(key, digest_size=7).digest(), "little")
        self._prefix = f"{self.seed}|"

    def uniform(self, process: str, entity: str, index: int = 0) -> float:
        """A uniform number in (0, 1), the same for the same key."""
        key = f"{self._prefix}{process}|{entity}|{index}".encode()
        bits = int.from_bytes(blake2b(key, digest_size=8).digest(), "little") >> 11
        return (bits + 0.5) * _UNIT

    def normal(self, process: str, entity: str, index: int = 0) -> float:
        """A standard normal number for the key."""
        return _NORMAL.inv_cdf(self.uniform(process, entity, index))

    def normals(self, process: str, entity: str, index: int, count: int) -> tuple[float, ...]:
        """Up to eight independent standard normal numbers for the key, at the price of one hash."""
        key = f"{self._prefix}{process}|{entity}|{index}".encode()
        quantile = _NORMAL.inv_cdf
        return tuple([quantile(((word >> 11) + 0.5) * _UNIT) for word in unpack(f"<{count}Q", blake2b(key, digest_size=8 * count).digest())])

    def exponential(self, mean: float, process: str, entity: str, index: int = 0) -> float:
        """An exponential number with the given mean for the key."""
        return -mean * math.log(self.uniform(process, entity, index))

    def between(self, low: float, high: float, process: str, entity: str, index: int = 0) -> float:
        """A uniform number in [low, high) for the key."""
        return low + (high - low) * self.uniform(process, entity, index)

    def pick(self, weights: tuple[tuple[str, float], ...], process: str, entity: str, index: int = 0) -> str:
        """One of the weighted names for the key."""
        return pick(weights, self.uniform(process, entity, index))


def pick(weights: tuple[tuple[str, float], ...], u: float) -> str:
    """The name at quantile `u` of the weighted names."""
    left = u * math.fsum(weight for _, weight in weights)
    for name, weight in weights:
        left -= weight
        if left < 0.0:
            return name
    return weights[-1][0]


@lru_cache(maxsize=4096)
def normal_quantile(u: float) -> float:
    """The standard normal quantile of `u`."""
    return _NORMAL.inv_cdf(u)
