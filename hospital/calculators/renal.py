"""Kidney function from creatinine: creatinine clearance (Cockcroft-Gault) and estimated filtration rate (CKD-EPI 2021).

Both need a creatinine that stands still: in acute kidney injury they answer for a kidney that is no longer there.
"""

from __future__ import annotations

from typing import Literal

Sex = Literal["F", "M"]

COCKCROFT_GAULT_FEMALE = 0.85
"""Factor for women. Source: Cockcroft and Gault, Nephron 1976;16:31."""
KAPPA: dict[Sex, float] = {"F": 0.7, "M": 0.9}
"""mg/dL. Source: Inker, NEJM 2021;385:1737."""
ALPHA: dict[Sex, float] = {"F": -0.241, "M": -0.302}
"""Source: Inker, NEJM 2021;385:1737."""
CKD_EPI_FEMALE: dict[Sex, float] = {"F": 1.012, "M": 1.0}
"""Source: Inker, NEJM 2021;385:1737."""


def creatinine_clearance(age: float, weight_kg: float, creatinine_mg_dl: float, sex: Sex) -> float:
    """Creatinine clearance by Cockcroft and Gault, mL/min.

    Args:
        age: Years.
        weight_kg: Actual body weight, kg.
        creatinine_mg_dl: Serum creatinine, mg/dL.
        sex: F or M.

    Raises:
        ValueError: An argument is not positive, or the sex is neither F nor M.

    Source: Cockcroft and Gault, Nephron 1976;16:31.
    """
    _positive(age=age, weight_kg=weight_kg, creatinine_mg_dl=creatinine_mg_dl)
    factor = COCKCROFT_GAULT_FEMALE if _known(sex) == "F" else 1.0
    return max(0.0, 140.0 - age) * weight_kg / (72.0 * creatinine_mg_dl) * factor


def egfr_ckd_epi_2021(age: float, creatinine_mg_dl: float, sex: Sex) -> float:
    """Estimated glomerular filtration rate by CKD-EPI 2021 (creatinine, without race), mL/min/1.73 m2.

    Args:
        age: Years, adults.
        creatinine_mg_dl: Serum creatinine, mg/dL.
        sex: F or M.

    Raises:
        ValueError: An argument is not positive, or the sex is neither F nor M.

    Source: Inker, NEJM 2021;385:1737.
    """
    _positive(age=age, creatinine_mg_dl=creatinine_mg_dl)
    ratio = creatinine_mg_dl / KAPPA[_known(sex)]
    low, high = min(ratio, 1.0) ** ALPHA[sex], max(ratio, 1.0) ** -1.2
    value: float = 142.0 * low * high * 0.9938**age * CKD_EPI_FEMALE[sex]
    return value


def creatinine_at_egfr(egfr: float, age: float, sex: Sex) -> float:
    """Creatinine (mg/dL) at which CKD-EPI 2021 gives this filtration rate: the formula above, solved for creatinine.

    Args:
        egfr: Filtration rate, mL/min/1.73 m2.
        age: Years, adults.
        sex: F or M.

    Raises:
        ValueError: An argument is not positive, or the sex is neither F nor M.

    Source: Inker, NEJM 2021;385:1737.
    """
    _positive(egfr=egfr, age=age)
    ratio = egfr / (142.0 * 0.9938**age * CKD_EPI_FEMALE[_known(sex)])
    return float(KAPPA[sex] * (ratio ** (1.0 / ALPHA[sex]) if ratio > 1.0 else ratio ** (-1.0 / 1.2)))


def _known(sex: Sex) -> Sex:
    if sex not in KAPPA:
        raise ValueError(f"sex {sex!r}; allowed F, M")
    return sex


def _positive(**values: float) -> None:
    for name, value in values.items():
        if not value > 0.0:
            raise ValueError(f"{name} = {value!r} must be above 0")
