"""Blood fats and insulin: LDL by Friedewald, HOMA-IR."""

from __future__ import annotations

import math

from clinsim.hospital.calculators.declaration import Answer, Bands, calculator, meaning
from clinsim.hospital.calculators.measures import Cholesterol, Glucose, Insulin, Triglycerides

LDL_BANDS: Bands = ((99.999, "optimal"), (129.999, "near optimal"), (159.999, "borderline high"), (189.999, "high"), (math.inf, "very high"))
"""mg/dL. Source: NCEP ATP III, JAMA 2001;285:2486."""
FRIEDEWALD_LIMIT = 400.0
"""mg/dL of triglycerides; above, the formula fails. Source: Friedewald 1972."""


@calculator("LDL cholesterol", unit="mg/dL", citation="Friedewald, Clin Chem 1972;18:499")
def ldl(total_cholesterol: Cholesterol, hdl: Cholesterol, triglycerides: Triglycerides) -> Answer:
    """Total - HDL - triglycerides / 5.

    Args:
        total_cholesterol: Total cholesterol.
        hdl: HDL cholesterol.
        triglycerides: Fasting; above 400 mg/dL the result does not hold.
    """
    value = total_cholesterol - hdl - triglycerides / 5.0
    return Answer(value, "does not hold: triglycerides above 400 mg/dL" if triglycerides > FRIEDEWALD_LIMIT else meaning(value, LDL_BANDS))


@calculator("HOMA-IR", unit="1", citation="Matthews, Diabetologia 1985;28:412")
def homa_ir(glucose: Glucose, insulin: Insulin) -> float:
    """Glucose (mg/dL) x insulin / 405, both fasting.

    Args:
        glucose: Fasting glucose.
        insulin: Fasting insulin.
    """
    return glucose * insulin / 405.0
