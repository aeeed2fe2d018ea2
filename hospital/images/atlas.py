"""Which plan draws which view of a kind of study, and in which view a region is seen."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from clinsim.hospital.images import abdomen_ct, chest_ct, chest_film, chest_side, head, limb, ultrasound
from clinsim.hospital.images.plan import Body, Plan

_SECTORS: Mapping[str, Callable[[Body], Plan]] = {
    "gallbladder": ultrasound.gallbladder,
    "liver": ultrasound.liver,
    "pancreas": ultrasound.pancreas,
    "right_lower_quadrant": ultrasound.appendix,
    "peritoneum": ultrasound.peritoneum,
    "aorta": ultrasound.aorta,
}

PLANS: Mapping[tuple[str, str], Callable[[Body], Plan]] = {
    ("XR_CHEST", "frontal"): chest_film.frontal,
    ("XR_CHEST", "lateral"): chest_side.lateral,
    ("CT_HEAD", "ganglia"): head.upper_ct,
    ("CT_HEAD", "fossa"): head.lower_ct,
    ("CTA_HEAD", "frontal"): head.angiogram,
    ("CT_PULMONARY", "trunk"): chest_ct.upper,
    ("CT_PULMONARY", "chambers"): chest_ct.lower,
    ("CT_ABDOMEN", "organs"): abdomen_ct.upper,
    ("CT_ABDOMEN", "bowel"): abdomen_ct.lower,
    ("XR_LIMB", "frontal"): limb.ankle,
    **{("US_ABDOMEN", name): plan for name, plan in _SECTORS.items()},
    ("US_ABDOMEN", "right_kidney"): ultrasound.KidneyView("right_kidney", stones=False),
    ("US_ABDOMEN", "left_kidney"): ultrasound.KidneyView("left_kidney", stones=False),
    ("US_RENAL", "right_kidney"): ultrasound.KidneyView("right_kidney", stones=True),
    ("US_RENAL", "left_kidney"): ultrasound.KidneyView("left_kidney", stones=True),
    ("US_RENAL", "right_ureter"): ultrasound.UreterView("right_ureter"),
    ("US_RENAL", "left_ureter"): ultrasound.UreterView("left_ureter"),
    ("US_RENAL", "bladder"): ultrasound.bladder,
    ("MRI_HEAD", "diffusion"): head.diffusion_upper,
    ("MRI_HEAD", "diffusion_fossa"): head.diffusion_lower,
    ("MRI_HEAD", "flair"): head.flair,
    ("MRI_HEAD", "susceptibility"): head.susceptibility_upper,
    ("MRI_HEAD", "susceptibility_fossa"): head.susceptibility_lower,
}
"""Plans by kind of study and view, the usual view first."""

VIEWS: Mapping[tuple[str, str, str], str] = {
    ("CT_HEAD", "posterior_fossa", ""): "fossa",
    **{("CT_PULMONARY", region, ""): "chambers" for region in ("right_lower", "left_lower", "both_lower", "heart")},
    **{("CT_ABDOMEN", region, ""): "bowel" for region in ("bowel", "right_ureter", "left_ureter", "right_lower_quadrant")},
    ("MRI_HEAD", "posterior_fossa", "diffusion"): "diffusion_fossa",
    ("MRI_HEAD", "posterior_fossa", "susceptibility"): "susceptibility_fossa",
    **{
        ("MRI_HEAD", region, "susceptibility"): "susceptibility"
        for region in ("right_hemisphere", "left_hemisphere", "basal_ganglia", "subarachnoid", "extra_axial")
    },
}
"""View by kind of study, region and window (empty: any), where it is not the usual view."""
