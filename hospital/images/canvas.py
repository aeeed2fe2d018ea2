"""A picture in millimetres: shapes with soft edges are painted on it, and strips of it are read.

The origin is the middle of the picture, x grows to the right of the picture and y downwards. The patient's right side is on the left of
the picture, as readers see it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
TILE, LARGEST = 512, 320
"""Edge of the shared noise tiles in pixels, after which they repeat, and of the largest picture that reads them from a keyed offset."""
RAMP_FROM, RAMP_WIDTH = 0.3, 0.4
"""Contrast below 0.3 of full counts as none and above 0.7 as full, so that noise and ribs do not add up over a strip."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in mm with upright edges; also the strip along which a length is read."""

    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom in mm."""
        return self.x0, self.y0, self.x1, self.y1

    def inside(self, x: Array, y: Array) -> Array:
        """Distance to the edge in mm, positive inside."""
        return np.minimum(np.minimum(x - self.x0, self.x1 - x), np.minimum(y - self.y0, self.y1 - y))


@dataclass(frozen=True, slots=True)
class Ellipse:
    """An ellipse: middle, half axes in mm, and turn in radians."""

    x: float
    y: float
    rx: float
    ry: float
    turn: float = 0.0

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom in mm."""
        c, s = np.cos(self.turn), np.sin(self.turn)
        w, h = float(np.hypot(self.rx * c, self.ry * s)), float(np.hypot(self.rx * s, self.ry * c))
        return self.x - w, self.y - h, self.x + w, self.y + h

    def inside(self, x: Array, y: Array) -> Array:
        """Distance to the edge in mm (to first order), positive inside."""
        c, s = np.cos(self.turn), np.sin(self.turn)
        u, v = (x - self.x) * c + (y - self.y) * s, (y - self.y) * c - (x - self.x) * s
        rx, ry = max(self.rx, 1e-3), max(self.ry, 1e-3)
        square = (u / rx) ** 2 + (v / ry) ** 2
        slope = np.sqrt((u / rx**2) ** 2 + (v / ry**2) ** 2) + 1e-9
        near = np.sqrt(square)
        return np.asarray((1.0 - near) * near / slope, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Line:
    """A line with round ends: two points and its width in mm."""

    x0: float
    y0: float
    x1: float
    y1: float
    width: float

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom in mm."""
        r = self.width / 2.0
        return min(self.x0, self.x1) - r, min(self.y0, self.y1) - r, max(self.x0, self.x1) + r, max(self.y0, self.y1) + r

    def inside(self, x: Array, y: Array) -> Array:
        """Distance to the edge in mm, positive inside."""
        dx, dy = self.x1 - self.x0, self.y1 - self.y0
        along = np.clip(((x - self.x0) * dx + (y - self.y0) * dy) / max(dx * dx + dy * dy, 1e-9), 0.0, 1.0)
        return self.width / 2.0 - np.hypot(x - self.x0 - along * dx, y - self.y0 - along * dy)


@dataclass(frozen=True, slots=True)
class Between:
    """What lies inside one shape and outside another: a rim, a crescent."""

    outer: Shape
    inner: Shape

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom in mm."""
        return self.outer.bounds

    def inside(self, x: Array, y: Array) -> Array:
        """Distance to the edge in mm, positive inside."""
        return np.minimum(self.outer.inside(x, y), -self.inner.inside(x, y))


@dataclass(frozen=True, slots=True)
class Both:
    """What lies inside both shapes."""

    one: Shape
    other: Shape

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom in mm."""
        return self.one.bounds

    def inside(self, x: Array, y: Array) -> Array:
        """Distance to the edge in mm, positive inside."""
        return np.minimum(self.one.inside(x, y), self.other.inside(x, y))


class Shape(Protocol):
    """Something with an edge: where it can be, and the distance to its edge."""

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom in mm."""
        ...

    def inside(self, x: Array, y: Array) -> Array:
        """Distance to the edge in mm, positive inside."""
        ...


@dataclass(slots=True)
class Canvas:
    """A picture under work: values, mm per pixel, which pixels the last strokes changed, and the keyed offset into the tiles."""

    pixels: Array
    spacing: float
    offset: int = 0
    touched: list[tuple[tuple[slice, slice], Mask]] = field(default_factory=list)

    @classmethod
    def blank(cls, width_mm: float, height_mm: float, spacing: float, value: float, offset: int = 0) -> Canvas:
        """A picture of one value."""
        return cls(np.full((round(height_mm / spacing), round(width_mm / spacing)), value), spacing, offset)

    def axes(self) -> tuple[Array, Array]:
        """Millimetres of columns (one row) and of rows (one column)."""
        height, width = self.pixels.shape
        xs, ys = _axis(width, self.spacing), _axis(height, self.spacing)
        return xs[None, :], ys[:, None]

    def patch(self, bounds: tuple[float, float, float, float], margin: float = 1.0) -> tuple[tuple[slice, slice], Array, Array]:
        """Pixels within bounds and `margin` pixels around them: their place, and millimetres of columns and rows."""
        height, width = self.pixels.shape
        cols = _range(bounds[0], bounds[2], width, self.spacing, margin)
        rows = _range(bounds[1], bounds[3], height, self.spacing, margin)
        x, y = self.axes()
        return (rows, cols), x[:, cols], y[rows]

    def cover(self, shape: Shape) -> tuple[tuple[slice, slice], Array]:
        """How far each pixel of the patch around a shape lies in it, 0 to 1."""
        place, x, y = self.patch(shape.bounds)
        return place, np.clip(shape.inside(x, y) / self.spacing + 0.5, 0.0, 1.0)

    def set(self, shape: Shape, value: float) -> None:
        """Paint a shape with a value, over what is there."""
        place, alpha = self.cover(shape)
        self.pixels[place] += alpha * (value - self.pixels[place])
        self.touched.append((place, alpha > 0.5))

    def add(self, shape: Shape, value: float) -> None:
        """Add a value inside a shape: what lies one behind the other on a radiograph adds up."""
        place, alpha = self.cover(shape)
        self.pixels[place] += alpha * value
        self.touched.append((place, alpha > 0.5))

    def mix(self, place: tuple[slice, slice], alpha: Array, value: float) -> None:
        """Paint with a coverage of one's own making."""
        self.pixels[place] += alpha * (value - self.pixels[place])
        self.touched.append((place, alpha > 0.5))

    def strokes(self) -> Mask:
        """Pixels touched since the last call."""
        mask = np.zeros(self.pixels.shape, dtype=np.bool_)
        for place, changed in self.touched:
            mask[place] |= changed
        self.touched.clear()
        return mask

    def texture(self, name: str, place: tuple[slice, slice], shift: int = 0) -> Array:
        """A part of a shared texture, at this picture's offset."""
        start = (self.offset + 7919 * shift) % (TILE * TILE)
        down, right = start // TILE + place[0].start, start % TILE + place[1].start
        down, right = down % TILE, right % TILE
        return textures()[name][down : down + place[0].stop - place[0].start, right : right + place[1].stop - place[1].start]


def length(
    canvas: Canvas, strip: Box, along: str, ground: float, figure: float, *, first_on: bool = False, linear: bool = False, around: float | None = None
) -> float:
    """Millimetres of a strip that look like `figure` rather than `ground`, averaged over the strip's breadth.

    Args:
        canvas: The picture.
        strip: Where to read.
        along: `x` or `y`: the direction of the length.
        ground: Value of what surrounds the structure.
        figure: Value of the structure.
        linear: Take contrast as it is, for structures thinner than a pixel on an even ground.
        around: Count only the unbroken run through this point of the strip (mm).
        first_on: Everything behind the structure's first edge counts, whatever it looks like.
    """
    height, width = canvas.pixels.shape
    sideways = along == "x"
    cols = _range(strip.x0, strip.x1, width, canvas.spacing, 0.5 if sideways else 0.0)
    rows = _range(strip.y0, strip.y1, height, canvas.spacing, 0.0 if sideways else 0.5)
    contrast = (canvas.pixels[rows, cols] - ground) / (figure - ground)
    share = np.clip(contrast, -0.5, 1.5) if linear else ramp(contrast)
    profile = share.mean(axis=0 if sideways else 1)
    if first_on:
        profile = np.maximum.accumulate(profile)
    if around is not None:
        profile = _run(profile, (_axis(width if sideways else height, canvas.spacing)[cols if sideways else rows] < around).sum())
    ends = (cols, strip.x0, strip.x1, width) if sideways else (rows, strip.y0, strip.y1, height)
    return float(profile @ _weights(*ends, canvas.spacing))


def _run(profile: Array, at: int) -> Array:
    """The profile without what lies beyond a gap on either side of a place."""
    empty = profile <= 0.02
    before = np.maximum.accumulate(empty[:at][::-1])[::-1]
    behind = np.maximum.accumulate(empty[at:])
    return np.where(np.concatenate([before, behind]), 0.0, profile)


def ramp(contrast: Array) -> Array:
    """Contrast as coverage: none below `RAMP_FROM`, full from `RAMP_FROM + RAMP_WIDTH` on."""
    return np.clip((contrast - RAMP_FROM) / RAMP_WIDTH, 0.0, 1.0)


@lru_cache(maxsize=64)
def _axis(count: int, spacing: float) -> Array:
    return np.asarray((np.arange(count) - (count - 1) / 2.0) * spacing, dtype=np.float64)


def _range(low: float, high: float, count: int, spacing: float, margin: float) -> slice:
    middle = (count - 1) / 2.0
    first = math.ceil(low / spacing + middle - margin)
    last = math.floor(high / spacing + middle + margin)
    return slice(min(max(0, first), count), max(0, min(count, last + 1)))


def _weights(part: slice, low: float, high: float, count: int, spacing: float) -> Array:
    """Millimetres of each pixel that lie between two ends."""
    centres = _axis(count, spacing)[part]
    return np.asarray(np.clip(np.minimum(high, centres + spacing / 2) - np.maximum(low, centres - spacing / 2), 0.0, spacing), dtype=np.float64)


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
