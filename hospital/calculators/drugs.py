"""Equal doses: glucocorticoids, and opioids as morphine by mouth."""

from __future__ import annotations

import math
from typing import Literal

from clinsim.hospital.calculators.declaration import Answer, Bands, calculator, total
from clinsim.hospital.calculators.measures import Dose, PatchRate, SmallDose

Steroid = Literal[
    "betamethasone", "cortisone", "dexamethasone", "hydrocortisone", "methylprednisolone", "prednisolone", "prednisone", "triamcinolone"
]
STEROID_MG: dict[Steroid, float] = {
    "betamethasone": 0.75,
    "cortisone": 25.0,
    "dexamethasone": 0.75,
    "hydrocortisone": 20.0,
    "methylprednisolone": 4.0,
    "prednisolone": 5.0,
    "prednisone": 5.0,
    "triamcinolone": 4.0,
}
"""mg of equal glucocorticoid effect, by mouth or vein. Source: Schimmer, Goodman & Gilman, 13th edition, 2018, table 46-4."""
MORPHINE: dict[str, float] = {
    "codeine": 0.15,
    "fentanyl_buccal": 0.13,
    "fentanyl_patch": 2.4,
    "hydrocodone": 1.0,
    "hydromorphone": 5.0,
    "methadone": 4.7,
    "morphine": 1.0,
    "oxycodone": 1.5,
    "oxymorphone": 3.0,
    "tapentadol": 0.4,
    "tramadol": 0.2,
}
"""mg of morphine by mouth for 1 mg (buccal fentanyl: 1 µg; patch: 1 µg/h). Source: Dowell, MMWR Recomm Rep 2022;71(3):1; buccal: CDC 2016."""
MME_BANDS: Bands = (
    (49.999, "under 50 mg a day"),
    (89.999, "50 mg a day or more: weigh each step up"),
    (math.inf, "90 mg a day or more: avoid or justify"),
)
"""Source: Dowell, MMWR Recomm Rep 2016;65(1):1 and 2022;71(3):1."""


@calculator("Glucocorticoid conversion", unit="mg", citation="Schimmer, Goodman & Gilman, 13th edition, 2018, table 46-4")
def steroid_conversion(dose: Dose, drug: Steroid, target: Steroid) -> float:
    """Dose of another glucocorticoid with the same effect.

    Args:
        dose: Dose of the first drug.
        drug: The first drug.
        target: The other drug.
    """
    return dose * STEROID_MG[target] / STEROID_MG[drug]


@calculator("Morphine milligram equivalents", unit="mg/day", citation="Dowell, MMWR Recomm Rep 2022;71(3):1")
def morphine_equivalents(
    codeine: Dose = 0.0,
    fentanyl_buccal: SmallDose = 0.0,
    fentanyl_patch: PatchRate = 0.0,
    hydrocodone: Dose = 0.0,
    hydromorphone: Dose = 0.0,
    methadone: Dose = 0.0,
    morphine: Dose = 0.0,
    oxycodone: Dose = 0.0,
    oxymorphone: Dose = 0.0,
    tapentadol: Dose = 0.0,
    tramadol: Dose = 0.0,
) -> Answer:
    """Daily opioids as morphine by mouth; says nothing of switching, above all to methadone.

    Args:
        codeine: Total of a day.
        fentanyl_buccal: Total of a day.
        fentanyl_patch: Rate of all patches worn.
        hydrocodone: Total of a day.
        hydromorphone: Total of a day.
        methadone: Total of a day.
        morphine: Total of a day.
        oxycodone: Total of a day.
        oxymorphone: Total of a day.
        tapentadol: Total of a day.
        tramadol: Total of a day.
    """
    taken = {
        "codeine": codeine,
        "fentanyl_buccal": fentanyl_buccal,
        "fentanyl_patch": fentanyl_patch,
        "hydrocodone": hydrocodone,
        "hydromorphone": hydromorphone,
        "methadone": methadone,
        "morphine": morphine,
        "oxycodone": oxycodone,
        "oxymorphone": oxymorphone,
        "tapentadol": tapentadol,
        "tramadol": tramadol,
    }
    return total({name: MORPHINE[name] * dose for name, dose in taken.items() if dose}, MME_BANDS)
