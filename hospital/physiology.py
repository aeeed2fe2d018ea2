"""The door to patients' bodies: a latent course on an absolute grid, and what becomes of it.

Severity, treatment and harm act on one course (`clinsim.hospital.course`, with the mathematics in `clinsim.hospital.flow`); signs are read off it
(`clinsim.hospital.signs`); death and disability follow from it (`clinsim.hospital.outcomes`).
"""

from clinsim.hospital.course import Course
from clinsim.hospital.flow import GRID_MINUTES
from clinsim.hospital.outcomes import Outcome, outcome, references

__all__ = ["GRID_MINUTES", "Course", "Outcome", "outcome", "references"]
