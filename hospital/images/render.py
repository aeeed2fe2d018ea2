"""Pictures as bytes: a window over the values, eight bits of grey, PNG."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from clinsim.errors import ToolError
from clinsim.hospital.images.phantom import Phantom
from clinsim.hospital.images.shapes import Array


def windowed(phantom: Phantom, window: str = "") -> NDArray[np.uint8]:
    """Grey values 0 to 255 of a picture under a window (the first of its windows, if none is named).

    Raises:
        ToolError: The picture has no such window; the message names those it has.
    """
    name = window or next(iter(phantom.windows))
    if name not in phantom.windows:
        raise ToolError(f"{phantom.spec.code} has no window {window!r}; allowed {', '.join(phantom.windows)}")
    low, high = phantom.windows[name]
    return grey(phantom.pixels, low, high)


def grey(pixels: Array, low: float, high: float) -> NDArray[np.uint8]:
    """Values between `low` (black) and `high` (white) as 0 to 255."""
    return np.asarray(np.clip((pixels - low) / (high - low) * 255.0 + 0.5, 0.0, 255.0), dtype=np.uint8)


def png(picture: NDArray[np.uint8]) -> bytes:
    """A picture of grey values (rows, columns) as a PNG file.

    Source: PNG (Portable Network Graphics) Specification, third edition, W3C 2025.
    """
    height, width = picture.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), picture], axis=1).tobytes()
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows, 9)) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
