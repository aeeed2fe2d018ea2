"""Phantom images: drawn from keys with known masks, windowed, measured from their pixels, compared. Simulation only."""

from clinsim.hospital.images.phantom import Lesion, Phantom, Spec, draw, look, measure, quality_of, view_of, views
from clinsim.hospital.images.reading import compare, crop, extent_of, grain_of
from clinsim.hospital.images.render import png, windowed

__all__ = [
    "Lesion", "Phantom", "Spec", "compare", "crop", "draw", "extent_of", "grain_of", "look", "measure", "png", "quality_of", "view_of",
    "views", "windowed",
]  # fmt: skip
