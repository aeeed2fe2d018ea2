"""Draws docs/phantoms.png: one picture of each kind of study, with findings, as a contact sheet.

.venv/bin/python docs/phantoms.py
"""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from clinsim.hospital.images import Lesion, Spec, draw, windowed

PATH = Path(__file__).resolve().parent / "phantoms.png"
SHEET: tuple[tuple[str, str, str, str, str, tuple[tuple[str, str, float | None], ...]], ...] = (
    ("XR_CHEST", "frontal", "lung", "", "nothing", ()),
    ("XR_CHEST", "frontal", "lung", "", "consolidation, effusion", (("consolidation", "right_upper", 0.5), ("pleural_effusion", "left_lower", 45.0))),
    ("XR_CHEST", "frontal", "lung", "", "pneumothorax", (("pneumothorax", "left_upper", 22.0),)),
    ("XR_CHEST", "lateral", "lung", "", "effusion, from the side", (("pleural_effusion", "left_lower", 45.0),)),
    ("XR_CHEST", "frontal", "lung", "", "free air, nodule", (("free_air", "subphrenic", 9.0), ("nodule", "right_lower", 20.0))),
    ("XR_LIMB", "frontal", "bone", "", "fracture, joint fluid", (("fracture", "bone", 4.0), ("joint_effusion", "joint", 22.0))),
    ("CT_HEAD", "ganglia", "brain", "", "nothing", ()),
    ("CT_HEAD", "ganglia", "brain", "", "haemorrhage", (("haemorrhage", "right_hemisphere", 65.0),)),
    ("CT_HEAD", "ganglia", "brain", "", "extra-axial", (("haemorrhage", "extra_axial", 66.0),)),
    ("CT_HEAD", "ganglia", "stroke", "", "early ischaemia", (("hypodensity", "left_hemisphere", 0.5),)),
    ("CTA_HEAD", "frontal", "vessels", "", "occlusion", (("vessel_occlusion", "left_hemisphere", 9.0),)),
    ("MRI_HEAD", "diffusion", "diffusion", "", "restricted diffusion", (("restricted_diffusion", "left_hemisphere", 0.5),)),
    ("CT_PULMONARY", "trunk", "vessels", "standard", "filling defect", (("filling_defect", "pulmonary_arteries", 9.0),)),
    ("CT_PULMONARY", "trunk", "lung", "standard", "pneumothorax", (("pneumothorax", "left_upper", 24.0), ("nodule", "right_upper", 14.0))),
    ("CT_PULMONARY", "chambers", "soft_tissue", "standard", "effusion, wide right heart",
     (("pleural_effusion", "left_lower", 35.0), ("rv_strain", "heart", 1.4))),
    ("CT_ABDOMEN", "organs", "soft_tissue", "standard", "aneurysm, free air", (("aneurysm", "aorta", 56.0), ("free_air", "peritoneum", 12.0))),
    ("CT_ABDOMEN", "bowel", "soft_tissue", "standard", "bowel, appendix",
     (("bowel_obstruction", "bowel", 46.0), ("appendicitis", "right_lower_quadrant", 14.0))),
    ("CT_ABDOMEN", "bowel", "bone", "plain", "stone in a ureter", (("ureteric_stone", "left_ureter", 900.0),)),
    ("US_ABDOMEN", "gallbladder", "grey", "", "stone, thick wall", (("gallstones", "gallbladder", 25.0), ("cholecystitis", "gallbladder", 7.0))),
    ("US_ABDOMEN", "aorta", "grey", "", "aneurysm", (("aneurysm", "aorta", 52.0),)),
    ("US_ABDOMEN", "peritoneum", "grey", "", "free fluid", (("free_fluid", "peritoneum", 14.0),)),
    ("US_ABDOMEN", "right_lower_quadrant", "grey", "", "appendix", (("appendicitis", "right_lower_quadrant", 13.0),)),
    ("US_RENAL", "left_kidney", "grey", "", "hydronephrosis", (("hydronephrosis", "left_kidney", 24.0),)),
    ("MRI_HEAD", "susceptibility", "susceptibility", "", "old and new blood", (("haemorrhage", "left_hemisphere", 5.0),)),
)  # fmt: skip
"""Kind of study, view, window, protocol, label, findings with region and size."""
COLUMNS = 6


def draw_sheet() -> Path:
    """Write the contact sheet."""
    rows = -(-len(SHEET) // COLUMNS)
    with mpl.rc_context({"font.size": 6}):
        figure = Figure(figsize=(COLUMNS * 1.5, rows * 1.68), facecolor="black", layout="constrained")
        for axes, cell in zip(np.ravel(figure.subplots(rows, COLUMNS)), SHEET, strict=False):
            _cell(axes, *cell)
        figure.savefig(PATH, dpi=84, metadata={"Software": None})
    return PATH


def _cell(axes: Axes, code: str, view: str, window: str, protocol: str, label: str, found: tuple[tuple[str, str, float | None], ...]) -> None:
    spec = Spec(code, tuple(Lesion(*item) for item in found), protocol, f"sheet.{code}", label)
    axes.imshow(windowed(draw(spec, view), window), cmap="gray", vmin=0, vmax=255)
    axes.set_title(f"{code} {window}\n{label}", color="white", pad=2)
    axes.axis("off")


if __name__ == "__main__":
    draw_sheet()
