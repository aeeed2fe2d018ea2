"""Textures that all pictures share: noise tiles from one fixed seed, made once a process and read from a keyed offset."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from clinsim.hospital.images.shapes import Array

TILE, LARGEST = 512, 320
"""Edge of the shared noise tiles in pixels, after which they repeat, and of the largest picture that reads them from a keyed offset."""


@lru_cache(maxsize=1)
def textures() -> dict[str, Array]:
    """Shared tiles that repeat without a seam, each with mean 0 and standard deviation 1, from no structure to coarse."""
    white = np.random.Generator(np.random.PCG64(20250)).standard_normal((3, TILE, TILE))
    cloud, fine = (_smooth(white[i], width) for i, width in ((0, 7.0), (1, 2.6)))
    vessels = -np.abs(_smooth(white[1], 4.0))
    tiles = {"grain": white[0], "cloud": cloud, "fine": fine, "mottle": _smooth(white[2], 1.2), "vessels": _standard(vessels)}
    return {name: np.pad(tile, ((0, LARGEST), (0, LARGEST)), mode="wrap") for name, tile in tiles.items()}


def _smooth(white: Array, width: float) -> Array:
    """White noise after a Gaussian of that width in pixels, without a seam."""
    frequency = np.fft.fftfreq(TILE)
    decay = np.exp(-2.0 * (np.pi * width * frequency) ** 2)
    spectrum = np.fft.fft2(white) * decay[:, None] * decay[None, :]
    return _standard(np.real(np.fft.ifft2(spectrum)))


def _standard(tile: Array) -> Array:
    return np.asarray((tile - tile.mean()) / tile.std())
