"""What visual tools read from pictures besides the measures of a region: a part of it, the size of what was found, grain, change."""

from __future__ import annotations

from dataclasses import dataclass
from math import log10, sqrt

import numpy as np

from clinsim.errors import ToolError
from clinsim.hospital.images.canvas import Canvas, Mask
from clinsim.hospital.images.phantom import Phantom, measure
from clinsim.hospital.images.shapes import Array, Box
from clinsim.imaging_file import Imaging


@dataclass(frozen=True, slots=True)
class Extent:
    """Size of a marked area: long and short axis in mm, area in mm2, middle in mm from the picture's, mean inside and around it."""

    long_mm: float
    short_mm: float
    area_mm2: float
    x_mm: float
    y_mm: float
    mean_inside: float
    mean_around: float

    @property
    def mean_diameter_mm(self) -> float:
        """Mean of long and short axis, as nodules are reported (Fleischner 2017)."""
        return (self.long_mm + self.short_mm) / 2.0


@dataclass(frozen=True, slots=True)
class Grain:
    """Statistics of a picture: mean, standard deviation, 1st and 99th percentile, noise, and signal over noise in decibels."""

    mean: float
    sd: float
    low: float
    high: float
    noise: float
    signal_to_noise_db: float


@dataclass(frozen=True, slots=True)
class Change:
    """A measure in two studies of the same place: earlier and later value, in the measure's unit."""

    region: str
    window: str
    measure: str
    before: float
    after: float

    @property
    def difference(self) -> float:
        """Later less earlier value."""
        return self.after - self.before


def crop(phantom: Phantom, part: Box | str) -> Array:
    """Pixels of a region of the picture, or of a box in mm.

    Raises:
        ToolError: The picture has no such region; the message names those it has.
    """
    if isinstance(part, str):
        if part not in phantom.regions:
            raise ToolError(f"{phantom.spec.code} {phantom.view} has no region {part!r}; allowed {', '.join(phantom.regions)}")
        part = phantom.regions[part]
    place, _, _ = Canvas(phantom.pixels, phantom.spacing_mm).patch(part.bounds, 0.0)
    return phantom.pixels[place].copy()


def extent_of(phantom: Phantom, mask: Mask) -> Extent:
    """Size of a marked area and its contrast: axes of the ellipse that has the same moments.

    Args:
        phantom: The picture.
        mask: The area, for example `phantom.masks["nodule"]`; it must not be empty.
    """
    rows, cols = np.nonzero(mask)
    step = phantom.spacing_mm
    spread = np.cov(np.stack([cols, rows]).astype(np.float64)) if rows.size > 1 else np.zeros((2, 2))
    # a pixel is a square: its own second moment is 1/12
    axes = np.sqrt(np.maximum(np.linalg.eigvalsh(spread + np.eye(2) / 12.0), 0.0)) * 4.0 * step
    height, width = mask.shape
    around = _around(mask)
    outside = phantom.pixels[around].mean() if around.any() else phantom.pixels.mean()
    return Extent(
        float(axes[1]), float(axes[0]), float(rows.size * step**2),
        float((cols.mean() - (width - 1) / 2) * step), float((rows.mean() - (height - 1) / 2) * step),
        float(phantom.pixels[mask].mean()), float(outside),
    )  # fmt: skip


def _around(mask: Mask) -> Mask:
    """Pixels within three of the mask, outside it."""
    wide = mask
    for _ in range(3):
        padded = np.pad(wide, 1)
        wide = padded[1:-1, 1:-1] | padded[:-2, 1:-1] | padded[2:, 1:-1] | padded[1:-1, :-2] | padded[1:-1, 2:]
    return np.asarray(wide & ~mask)


def grain_of(phantom: Phantom) -> Grain:
    """Statistics of a picture; noise is estimated from differences of neighbouring pixels (median, so that edges do not count)."""
    pixels = phantom.pixels
    steps = np.abs(np.diff(pixels, axis=1))
    # a median absolute difference of two normal errors is 0.6745 x sqrt(2) standard deviations
    noise = float(np.median(steps)) / (0.6745 * sqrt(2.0))
    low, high = np.percentile(pixels, (1.0, 99.0))
    signal = float(high - low)
    return Grain(float(pixels.mean()), float(pixels.std()), float(low), float(high), noise, 20.0 * log10(signal / max(noise, 1e-9)))


def compare(current: Phantom, prior: Phantom, imaging: Imaging | None = None) -> tuple[Change, ...]:
    """All measures that two pictures of the same kind and view share, earlier and later.

    Raises:
        ToolError: They are not of the same kind and view.
    """
    if (current.spec.code, current.view) != (prior.spec.code, prior.view):
        raise ToolError(f"{current.spec.code} {current.view} cannot be compared with {prior.spec.code} {prior.view}")
    places = dict.fromkeys((item.region, item.window) for item in current.gauges)
    found = []
    for region, window in places:
        before, after = measure(prior, region, window, imaging), measure(current, region, window, imaging)
        found += [Change(region, window, name, before[name], value) for name, value in after.items() if name in before]
    return tuple(found)
