"""What can be measured, as pairs: a structure of a given size is painted, and its size is read back from the pixels.

A reader puts the cursor where the structure would be, whether or not it is there; the gauge knows that place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from clinsim.hospital.images.canvas import Canvas, length, ramp
from clinsim.hospital.images.shapes import Array, Box, Ellipse, Line, Shape

Paint = Callable[[Canvas, float], None]
Read = Callable[[Canvas], float]
MARKINGS = 0.12
"""Share of a lung field that vessels fill at most; opaque area beyond it is drawn as a cloud."""


@dataclass(frozen=True, slots=True)
class Gauge:
    """A measure of a region in a window: how its structure is painted, how it is read, and the box in which both happen."""

    region: str
    window: str
    measure: str
    site: Box
    paint: Paint
    read: Read

    def at(self, region: str, window: str, measure: str) -> Gauge:
        """The same gauge under the name of a region, window and measure."""
        return Gauge(region, window, measure, self.site, self.paint, self.read)


def gauge(site: Box, paint: Paint, read: Read) -> Gauge:
    """A gauge that still lacks its name."""
    return Gauge("", "", "", site, paint, read)


def extent(strip: Box, along: str, ground: float, figure: float, shapes: Callable[[float], Sequence[Shape]], *, linear: bool = False) -> Gauge:
    """A structure whose length along a strip is the value; it is painted with `figure`; `linear` for the finest."""

    def paint(canvas: Canvas, value: float) -> None:
        for shape in shapes(value):
            canvas.set(shape, figure)

    return gauge(strip, paint, lambda canvas: length(canvas, strip, along, ground, figure, linear=linear))


def diameter(x: float, y: float, reach: float, ground: float, figure: float) -> Gauge:
    """A disc whose diameter is the value, read as that of a circle of equal area."""
    site = Box(x - reach, y - reach, x + reach, y + reach)

    def read(canvas: Canvas) -> float:
        place, _, _ = canvas.patch(site.bounds, 0.0)
        area = float(ramp((canvas.pixels[place] - ground) / (figure - ground)).sum()) * canvas.spacing**2
        return 2.0 * float(np.sqrt(area / np.pi))

    return gauge(site, lambda canvas, value: canvas.set(Ellipse(x, y, value / 2, value / 2), figure), read)


def share(site: Box, ground: float, figure: float, texture: str, shift: int, faint: float | None = None) -> Gauge:
    """A share of a box that is filled: the pixels where a texture is highest; with `faint`, vessels of that value first, then a cloud."""
    seen = figure if faint is None else faint

    def paint(canvas: Canvas, value: float) -> None:
        if not canvas.reaches(site.bounds):
            return
        box = canvas.site(site)
        x, y = box.x, box.y
        off = ((x - (site.x0 + site.x1) / 2) / (site.x1 - site.x0) * 2) ** 2 + ((y - (site.y0 + site.y1) / 2) / (site.y1 - site.y0) * 2) ** 2
        vessels = value if faint is None else min(value, MARKINGS)
        alpha = highest(box.texture(texture, shift), vessels)
        box.mix(alpha, seen)
        if value > vessels:
            box.mix(highest(0.6 * box.texture("fine", shift) - 4.0 * off - 99.0 * alpha, value - vessels), figure)

    def read(canvas: Canvas) -> float:
        place, _, _ = canvas.patch(site.bounds, 0.0)
        return float(ramp((canvas.pixels[place] - ground) / (seen - ground)).mean())

    return gauge(site, paint, read)


def area(x: float, y: float, reach: float, ground: float, figure: float, shift: int) -> Gauge:
    """A ragged patch whose area in cm2 is the value."""
    site = Box(x - reach, y - reach, x + reach, y + reach)

    def paint(canvas: Canvas, value: float) -> None:
        if not canvas.reaches(site.bounds):
            return
        box = canvas.site(site)
        rough = box.texture("cloud", shift) * 0.35 - ((box.x - x) ** 2 + (box.y - y) ** 2) / (reach * 0.5) ** 2
        box.mix(highest(rough, min(1.0, value * 100.0 / (rough.size * canvas.spacing**2))), figure)

    def read(canvas: Canvas) -> float:
        place, _, _ = canvas.patch(site.bounds, 0.0)
        return float(ramp((canvas.pixels[place] - ground) / (figure - ground)).sum()) * canvas.spacing**2 / 100.0

    return gauge(site, paint, read)


def highest(field: Array, portion: float) -> Array:
    """Coverage that is full where a field is among its highest, such that the covered share is `portion`."""
    if portion <= 0.0:
        return np.zeros_like(field)
    whole = portion * field.size
    count = min(field.size, int(whole) + 1)
    order = np.partition(field.ravel(), field.size - count)
    edge = order[field.size - count]
    return np.where(field > edge, 1.0, np.where(field == edge, whole - int(whole) if count <= whole + 1 else 1.0, 0.0))


def level(shape: Shape) -> Gauge:
    """A patch whose mean value is the value, read inside its edge."""
    return gauge(Box(*shape.bounds), lambda canvas, value: canvas.set(shape, value), lambda canvas: mean_in(canvas, shape, 1.0))


def mean_in(canvas: Canvas, shape: Shape, depth: float) -> float:
    """Mean of the pixels that lie at least `depth` pixels inside a shape (of its deepest one, if it is that thin)."""
    place, x, y = canvas.patch(shape.bounds)
    inside = shape.inside(x, y) / canvas.spacing
    deep = inside >= min(depth, float(inside.max()))
    return float(canvas.pixels[place][deep].mean())


def lines(strip: Box, along: str, ground: float, figure: float, thick: float = 2.2) -> Gauge:
    """Fine lines across a strip, so many a centimetre; read as the covered length over the thickness of one."""
    low, high = (strip.x0, strip.x1) if along == "x" else (strip.y0, strip.y1)
    cm = (high - low) / 10.0

    def paint(canvas: Canvas, value: float) -> None:
        number = value * cm
        whole = int(np.ceil(number))
        for i in range(whole):
            at = low + (high - low) * (i + 0.5) / whole
            width = thick * min(1.0, number - i)
            canvas.set(_across(strip, along, at, width), figure)

    return gauge(strip, paint, lambda canvas: length(canvas, strip, along, ground, figure, linear=True) / thick / cm)


def _across(strip: Box, along: str, at: float, width: float) -> Box:
    if along == "x":
        return Box(at - width / 2, strip.y0, at + width / 2, strip.y1)
    return Box(strip.x0, at - width / 2, strip.x1, at + width / 2)


def ratio(top: Gauge, bottom_mm: float, bottom: Gauge) -> Gauge:
    """Two lengths, of which the lower is given and the upper is the value times it; read as their ratio."""
    site = Box(*(pick(a, b) for pick, a, b in zip((min, min, max, max), top.site.bounds, bottom.site.bounds, strict=True)))

    def paint(canvas: Canvas, value: float) -> None:
        bottom.paint(canvas, bottom_mm)
        top.paint(canvas, value * bottom_mm)

    return gauge(site, paint, lambda canvas: top.read(canvas) / max(1e-6, bottom.read(canvas)))


def tube(x0: float, y0: float, x1: float, y1: float) -> Callable[[float], Sequence[Shape]]:
    """A tube along a line whose width is the value."""
    return lambda value: (Line(x0, y0, x1, y1, value),)
