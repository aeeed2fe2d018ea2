"""What a finding in an image asks for: Fleischner (lung nodules), BI-RADS (breast), TI-RADS (thyroid)."""

from __future__ import annotations

import math
from typing import Literal

from clinsim.hospital.calculators.declaration import Answer, Bands, calculator, meaning
from clinsim.hospital.calculators.measures import Age, Length
from clinsim.hospital.calculators.quantity import InputError

Nodule = Literal["solid", "ground glass", "part solid"]
Number = Literal["single", "multiple"]
Risk = Literal["low", "high"]
Category = Literal["0", "1", "2", "3", "4A", "4B", "4C", "5", "6"]
Composition = Literal["cystic", "spongiform", "mixed", "solid"]
Echo = Literal["anechoic", "hyperechoic or isoechoic", "hypoechoic", "very hypoechoic"]
Margin = Literal["smooth", "ill-defined", "lobulated or irregular", "extrathyroidal extension"]

SOLID: dict[tuple[Number, Risk], Bands] = {
    ("single", "low"): (
        (5, "no follow-up"),
        (8, "CT at 6 to 12 months, then consider CT at 18 to 24 months"),
        (math.inf, "CT at 3 months, PET-CT or biopsy"),
    ),
    ("single", "high"): (
        (5, "CT at 12 months is optional"),
        (8, "CT at 6 to 12 months, then CT at 18 to 24 months"),
        (math.inf, "CT at 3 months, PET-CT or biopsy"),
    ),
    ("multiple", "low"): ((5, "no follow-up"), (math.inf, "CT at 3 to 6 months, then consider CT at 18 to 24 months")),
    ("multiple", "high"): ((5, "CT at 12 months is optional"), (math.inf, "CT at 3 to 6 months, then CT at 18 to 24 months")),
}
"""By rounded mean diameter, mm. Source: MacMahon, Radiology 2017;284:228, table 1."""
SUBSOLID: dict[tuple[Number, Nodule], Bands] = {
    ("single", "ground glass"): ((5, "no follow-up"), (math.inf, "CT at 6 to 12 months, then every 2 years until 5 years")),
    ("single", "part solid"): ((5, "no follow-up"), (math.inf, "CT at 3 to 6 months, then every year for 5 years")),
    ("multiple", "ground glass"): (
        (5, "CT at 3 to 6 months, then at 2 and 4 years"),
        (math.inf, "CT at 3 to 6 months, then by the most suspicious nodule"),
    ),
    ("multiple", "part solid"): (
        (5, "CT at 3 to 6 months, then at 2 and 4 years"),
        (math.inf, "CT at 3 to 6 months, then by the most suspicious nodule"),
    ),
}
"""By rounded mean diameter, mm. Source: MacMahon, Radiology 2017;284:228, table 1."""
SUSPICIOUS_SOLID = 6
"""mm of the solid part from which a part-solid nodule is suspicious. Source: MacMahon 2017."""

BI_RADS: dict[Category, tuple[float, float, str]] = {
    "0": (0, 100, "incomplete: more images or old ones"),
    "1": (0, 0, "negative: routine screening"),
    "2": (0, 0, "benign: routine screening"),
    "3": (0, 2, "probably benign: control in 6 months"),
    "4A": (2, 10, "low suspicion: biopsy"),
    "4B": (10, 50, "moderate suspicion: biopsy"),
    "4C": (50, 95, "high suspicion: biopsy"),
    "5": (95, 100, "highly suggestive of malignancy: biopsy"),
    "6": (100, 100, "proven malignancy: treatment"),
}
"""Chance of malignancy from and to (%), and what follows. Source: ACR BI-RADS atlas, 5th edition, 2013."""

COMPOSITION: dict[Composition, int] = {"cystic": 0, "spongiform": 0, "mixed": 1, "solid": 2}
ECHO: dict[Echo, int] = {"anechoic": 0, "hyperechoic or isoechoic": 1, "hypoechoic": 2, "very hypoechoic": 3}
MARGIN: dict[Margin, int] = {"smooth": 0, "ill-defined": 0, "lobulated or irregular": 2, "extrathyroidal extension": 3}
# Source of the three: Tessler, J Am Coll Radiol 2017;14:587.
TI_RADS: Bands = ((1, "TR1"), (2, "TR2"), (3, "TR3"), (6, "TR4"), (math.inf, "TR5"))
NEEDLE: dict[str, tuple[float, float]] = {"TR3": (25, 15), "TR4": (15, 10), "TR5": (10, 5)}
"""Diameter, mm, from which to take a sample, and from which to follow up. Source: Tessler 2017."""


@calculator("Fleischner 2017", unit="recommendation", citation="MacMahon, Radiology 2017;284:228")
def fleischner(
    age: Age,
    diameter: Length,
    kind: Nodule = "solid",
    number: Number = "single",
    risk: Risk = "low",
    solid_part: Length | None = None,
    cancer_or_immunosuppression: bool = False,
) -> Answer:
    """Follow-up of a lung nodule found by chance, from 35 years on, without cancer or immunosuppression.

    Args:
        age: 35 years or more.
        diameter: Mean of long and short axis; rounded to whole mm.
        kind: Kind of nodule; solid unless said.
        number: One or several; of several the largest is measured.
        risk: Of the patient; matters for solid nodules.
        solid_part: Of a part-solid nodule; not given: read as under 6 mm.
        cancer_or_immunosuppression: The rule does not hold then.
    """
    if age < 35 or cancer_or_immunosuppression:
        raise InputError("fleischner: the rule holds from 35 years on, without cancer and immunosuppression")
    size = float(math.floor(diameter + 0.5))
    advice = meaning(size, SOLID[number, risk] if kind == "solid" else SUBSOLID[number, kind])
    suspicious = kind == "part solid" and solid_part is not None and math.floor(solid_part + 0.5) >= SUSPICIOUS_SOLID
    return Answer(advice, "solid part suspicious: PET-CT, biopsy or resection" if suspicious else "", {"diameter_mm": size})


@calculator("BI-RADS", unit="category", citation="ACR BI-RADS atlas, 5th edition, 2013")
def bi_rads(category: Category) -> Answer:
    """What a category says: chance of malignancy, and what follows.

    Args:
        category: Category of the report.
    """
    low, high, text = BI_RADS[category]
    return Answer(category, text, {"malignant_from_percent": low, "malignant_to_percent": high})


@calculator("ACR TI-RADS", unit="points", citation="Tessler, J Am Coll Radiol 2017;14:587")
def ti_rads(
    composition: Composition,
    echo: Echo,
    diameter: Length,
    taller_than_wide: bool = False,
    margin: Margin = "smooth",
    macrocalcification: bool = False,
    rim_calcification: bool = False,
    punctate_foci: bool = False,
) -> Answer:
    """Suspicion of a thyroid nodule, and from which size to take a sample.

    Args:
        composition: A spongiform nodule scores nothing else.
        echo: Echogenicity.
        diameter: Largest diameter.
        taller_than_wide: Shape.
        margin: Margin; smooth unless said.
        macrocalcification: 1 point; foci add up.
        rim_calcification: 2 points.
        punctate_foci: 3 points.
    """
    points: dict[str, float] = {
        "composition": COMPOSITION[composition],
        "echo": ECHO[echo],
        "shape": 3 * taller_than_wide,
        "margin": MARGIN[margin],
        "foci": macrocalcification + 2 * rim_calcification + 3 * punctate_foci,
    }
    if composition == "spongiform":
        points = dict.fromkeys(points, 0)
    value = sum(points.values())
    level = meaning(value, TI_RADS)
    sample, follow = NEEDLE.get(level, (math.inf, math.inf))
    advice = "sample by needle" if diameter >= sample else ("follow up" if diameter >= follow else "nothing further")
    return Answer(value, f"{level}: {advice}", points)
