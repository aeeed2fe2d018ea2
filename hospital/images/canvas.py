"""A picture in millimetres: shapes with soft edges are painted on it, and strips of it are read.

The origin is the middle of the picture, x grows to the right of the picture and y downwards. The patient's right side is on the left of
the picture, as readers see it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from clinsim.hospital.images.shapes import Array, Box, Shape, clip
from clinsim.hospital.images.textures import TILE, textures

Mask = NDArray[np.bool_]
RAMP_FROM, RAMP_WIDTH = 0.3, 0.4
"""Contrast below 0.3 of full counts as none and above 0.7 as full, so that noise and ribs do not add up over a strip."""


@dataclass(slots=True)
class Canvas:
    """A picture under work, or a part of one: values, mm per pixel, which pixels the last strokes changed, keyed offset into the tiles.

    `corner` is the row and column of the whole picture at which the part begins, `whole` the rows and columns of the whole picture. Without `marks`
    nothing is kept of what is touched: a look needs no masks.
    """

    pixels: Array
    spacing: float
    offset: int = 0
    corner: tuple[int, int] = (0, 0)
    whole: tuple[int, int] = (0, 0)
    touched: list[tuple[tuple[slice, slice], Mask]] = field(default_factory=list)
    marks: bool = True

    def __post_init__(self) -> None:
        """What is no part is whole."""
        if self.whole == (0, 0):
            self.whole = (self.pixels.shape[0], self.pixels.shape[1])

    @classmethod
    def blank(cls, size_mm: tuple[float, float], spacing: float, value: float, offset: int = 0, part: Box | None = None) -> Canvas:
        """A picture of one value (width and height in mm), or only that part of it."""
        whole = (round(size_mm[1] / spacing), round(size_mm[0] / spacing))
        if part is None:
            return cls(np.full(whole, value), spacing, offset)
        cols, rows = _range(part.x0, part.x1, whole[1], spacing, 1.0), _range(part.y0, part.y1, whole[0], spacing, 1.0)
        return cls(np.full((rows.stop - rows.start, cols.stop - cols.start), value), spacing, offset, (rows.start, cols.start), whole)

    def everything(self) -> tuple[slice, slice]:
        """The place of all pixels."""
        return slice(0, self.pixels.shape[0]), slice(0, self.pixels.shape[1])

    def axes(self) -> tuple[Array, Array]:
        """Millimetres of columns (one row) and of rows (one column)."""
        (top, left), (height, width) = self.corner, self.pixels.shape
        xs, ys = _axis(self.whole[1], self.spacing), _axis(self.whole[0], self.spacing)
        return xs[None, left : left + width], ys[top : top + height, None]

    def patch(self, bounds: tuple[float, float, float, float], margin: float = 1.0) -> tuple[tuple[slice, slice], Array, Array]:
        """Pixels within bounds and `margin` pixels around them: their place, and millimetres of columns and rows."""
        cols = self.columns(bounds[0], bounds[2], margin)
        rows = self.rows(bounds[1], bounds[3], margin)
        x, y = self.axes()
        return (rows, cols), x[:, cols], y[rows]

    def columns(self, low: float, high: float, margin: float) -> slice:
        """Columns between two places in mm and `margin` pixels around them."""
        return _shifted(_range(low, high, self.whole[1], self.spacing, margin), self.corner[1], self.pixels.shape[1])

    def rows(self, low: float, high: float, margin: float) -> slice:
        """Rows between two places in mm and `margin` pixels around them."""
        return _shifted(_range(low, high, self.whole[0], self.spacing, margin), self.corner[0], self.pixels.shape[0])

    def cover(self, shape: Shape) -> tuple[tuple[slice, slice], Array]:
        """How far each pixel of the patch around a shape lies in it, 0 to 1."""
        place, x, y = self.patch(shape.bounds)
        most = min(1.0, max(0.0, shape.thickness / self.spacing))
        return place, clip(shape.inside(x, y) / self.spacing + 0.5, 0.0, most)

    def set(self, shape: Shape, value: float) -> None:
        """Paint a shape with a value, over what is there."""
        if self.reaches(shape.bounds):
            place, alpha = self.cover(shape)
            self.mix(place, alpha, value)

    def add(self, shape: Shape, value: float) -> None:
        """Add a value inside a shape: what lies one behind the other on a radiograph adds up."""
        if self.reaches(shape.bounds):
            place, alpha = self.cover(shape)
            self.pixels[place] += alpha * value
            self._touch(place, alpha)

    def reaches(self, bounds: tuple[float, float, float, float]) -> bool:
        """Whether a place touches this part of the picture; most of the anatomy does not touch a small part."""
        (top, left), (height, width) = self.corner, self.pixels.shape
        x, y = self.whole[1] / 2.0, self.whole[0] / 2.0
        x0, y0, x1, y1 = (value / self.spacing for value in bounds)
        return x1 + x + 2.0 > left and x0 + x - 2.0 < left + width and y1 + y + 2.0 > top and y0 + y - 2.0 < top + height

    def mix(self, place: tuple[slice, slice], alpha: Array, value: float) -> None:
        """Paint with a coverage of one's own making."""
        self.pixels[place] += alpha * (value - self.pixels[place])
        self._touch(place, alpha)

    def _touch(self, place: tuple[slice, slice], alpha: Array) -> None:
        """Keep what is at least half covered, or, of what is thinner than a pixel, half of its most."""
        if self.marks:
            self.touched.append((place, alpha > min(0.5, 0.5 * float(alpha.max(initial=0.0)))))

    def mark(self, shape: Shape) -> None:
        """Count a shape as touched without painting it."""
        if self.marks:
            place, alpha = self.cover(shape)
            self.touched.append((place, alpha > 0.1))

    def strokes(self) -> Mask:
        """Pixels touched since the last call."""
        mask = np.zeros(self.pixels.shape if self.marks else (0, 0), dtype=np.bool_)
        for place, changed in self.touched:
            mask[place] |= changed
        self.touched.clear()
        return mask

    def texture(self, name: str, place: tuple[slice, slice], shift: int = 0) -> Array:
        """A part of a shared texture, at this picture's offset."""
        rows, cols = place
        top, left = self.corner
        return self._tile(name, (slice(rows.start + top, rows.stop + top), slice(cols.start + left, cols.stop + left)), shift)

    def _tile(self, name: str, place: tuple[slice, slice], shift: int) -> Array:
        start = (self.offset + 7919 * shift) % (TILE * TILE)
        down, right = (start // TILE + place[0].start) % TILE, (start % TILE + place[1].start) % TILE
        return textures()[name][down : down + place[0].stop - place[0].start, right : right + place[1].stop - place[1].start]

    def site(self, box: Box) -> Site:
        """A box of the whole picture, also where this is a part that cuts it."""
        height, width = self.whole
        rows, cols = _range(box.y0, box.y1, height, self.spacing, 0.0), _range(box.x0, box.x1, width, self.spacing, 0.0)
        return Site(self, (rows, cols), _axis(width, self.spacing)[None, cols], _axis(height, self.spacing)[rows, None])


@dataclass(frozen=True, slots=True)
class Site:
    """A box of a whole picture: its rows and columns, their millimetres; what is painted on it reaches the part that is there."""

    canvas: Canvas
    place: tuple[slice, slice]
    x: Array
    y: Array

    def texture(self, name: str, shift: int) -> Array:
        """A shared texture over the whole box."""
        return self.canvas._tile(name, self.place, shift)

    def mix(self, alpha: Array, value: float) -> None:
        """Paint with a coverage of the whole box."""
        (top, left), (height, width) = self.canvas.corner, self.canvas.pixels.shape
        rows, cols = self.place
        here = _shifted(rows, top, height), _shifted(cols, left, width)
        down, right = here[0].start + top - rows.start, here[1].start + left - cols.start
        alpha = alpha[down : down + here[0].stop - here[0].start, right : right + here[1].stop - here[1].start]
        self.canvas.mix(here, alpha, value)


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
    sideways = along == "x"
    cols = canvas.columns(strip.x0, strip.x1, 0.5 if sideways else 0.0)
    rows = canvas.rows(strip.y0, strip.y1, 0.0 if sideways else 0.5)
    x, y = canvas.axes()
    places = x[0, cols] if sideways else y[rows, 0]
    contrast = (canvas.pixels[rows, cols] - ground) / (figure - ground)
    share = clip(contrast, -0.5, 1.5) if linear else ramp(contrast)
    profile = share.mean(axis=0 if sideways else 1)
    if first_on:
        profile = np.maximum.accumulate(profile)
    if around is not None:
        profile = _run(profile, int((places < around).sum()))
    low, high = (strip.x0, strip.x1) if sideways else (strip.y0, strip.y1)
    return float(profile @ _weights(places, low, high, canvas.spacing))


def _run(profile: Array, at: int) -> Array:
    """The profile without what lies beyond a gap on either side of a place."""
    empty = profile <= 0.02
    before = np.maximum.accumulate(empty[:at][::-1])[::-1]
    behind = np.maximum.accumulate(empty[at:])
    return np.where(np.concatenate([before, behind]), 0.0, profile)


def ramp(contrast: Array) -> Array:
    """Contrast as coverage: none below `RAMP_FROM`, full from `RAMP_FROM + RAMP_WIDTH` on."""
    return clip((contrast - RAMP_FROM) / RAMP_WIDTH, 0.0, 1.0)


@lru_cache(maxsize=64)
def _axis(count: int, spacing: float) -> Array:
    return np.asarray((np.arange(count) - (count - 1) / 2.0) * spacing, dtype=np.float64)


def _range(low: float, high: float, count: int, spacing: float, margin: float) -> slice:
    middle = (count - 1) / 2.0
    first = math.ceil(low / spacing + middle - margin)
    last = math.floor(high / spacing + middle + margin)
    return slice(min(max(0, first), count), max(0, min(count, last + 1)))


def _shifted(part: slice, start: int, count: int) -> slice:
    """A range of the whole picture in the numbers of a part."""
    first = min(max(0, part.start - start), count)
    return slice(first, max(first, min(count, part.stop - start)))


def _weights(places: Array, low: float, high: float, spacing: float) -> Array:
    """Millimetres of each pixel that lie between two ends."""
    return np.asarray(clip(np.minimum(high, places + spacing / 2) - np.maximum(low, places - spacing / 2), 0.0, spacing), dtype=np.float64)
