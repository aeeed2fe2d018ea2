"""Gaps and corrections of blood chemistry: anion gap, delta gap, expected PaCO2, A-a gradient, osmolality, calcium, sodium."""

from __future__ import annotations

import math
from typing import Literal

from clinsim.hospital.calculators.declaration import Answer, Bands, calculator, meaning
from clinsim.hospital.calculators.measures import (
    Age,
    Albumin,
    Bicarbonate,
    Calcium,
    Chloride,
    Ethanol,
    GasPressure,
    Glucose,
    OxygenFraction,
    Sodium,
    Urea,
)
from clinsim.hospital.calculators.quantity import InputError

NORMAL_GAP, NORMAL_BICARBONATE, NORMAL_ALBUMIN = 12.0, 24.0, 4.0
"""mmol/L, mmol/L, g/dL. Source: Kraut, Clin J Am Soc Nephrol 2007;2:162."""
GAP_PER_ALBUMIN = 2.5
"""mmol/L of gap that each g/dL of albumin makes. Source: Figge, Crit Care Med 1998;26:1807."""
AIR_PRESSURE, WATER_VAPOUR, RESPIRATORY_QUOTIENT = 760.0, 47.0, 0.8
"""mmHg at sea level, mmHg at 37 °C, and CO2 made per O2 used. Source: West, Respiratory Physiology, 9th edition, 2012."""
SODIUM_PER_GLUCOSE: dict[str, float] = {"Hillier": 0.024, "Katz": 0.016}
"""mmol/L per mg/dL above 100. Source: Hillier, Am J Med 1999;106:399; Katz, N Engl J Med 1973;289:843."""
GAP_BANDS: Bands = ((7.999, "low"), (12, "normal"), (math.inf, "high"))
RATIO_BANDS: Bands = (
    (0.4, "hyperchloraemic acidosis with a normal gap"),
    (0.999, "high gap and hyperchloraemic acidosis together"),
    (2.0, "pure acidosis with a high gap"),
    (math.inf, "high gap with metabolic alkalosis, or bicarbonate high from long ago"),
)
"""Source: Wrenn, Ann Emerg Med 1990;19:1310."""
OSMOLALITY_BANDS: Bands = ((274.999, "low"), (295, "normal"), (math.inf, "high"))


def _gap(sodium: float, chloride: float, bicarbonate: float, albumin: float = NORMAL_ALBUMIN) -> float:
    return sodium - chloride - bicarbonate + GAP_PER_ALBUMIN * (NORMAL_ALBUMIN - albumin)


def _ratio(gap: float, bicarbonate: float) -> Answer:
    lost = NORMAL_BICARBONATE - bicarbonate
    if lost == 0:
        raise InputError("bicarbonate = 24 mmol/L: nothing is lost, so there is no ratio")
    value = (gap - NORMAL_GAP) / lost
    return Answer(value, meaning(value, RATIO_BANDS), {"gap": gap, "delta_gap": gap - NORMAL_GAP, "bicarbonate_lost": lost})


@calculator("Anion gap", unit="mmol/L", citation="Emmett, Medicine 1977;56:38")
def anion_gap(sodium: Sodium, chloride: Chloride, bicarbonate: Bicarbonate) -> Answer:
    """Sodium less chloride less bicarbonate; 8 to 12 is normal.

    Args:
        sodium: Serum sodium.
        chloride: Serum chloride.
        bicarbonate: Serum bicarbonate.
    """
    value = _gap(sodium, chloride, bicarbonate)
    return Answer(value, meaning(value, GAP_BANDS))


@calculator("Anion gap corrected for albumin", unit="mmol/L", citation="Figge, Crit Care Med 1998;26:1807")
def anion_gap_corrected(sodium: Sodium, chloride: Chloride, bicarbonate: Bicarbonate, albumin: Albumin) -> Answer:
    """Anion gap + 2.5 (4 - albumin in g/dL).

    Args:
        sodium: Serum sodium.
        chloride: Serum chloride.
        bicarbonate: Serum bicarbonate.
        albumin: Serum albumin.
    """
    value = _gap(sodium, chloride, bicarbonate, albumin)
    return Answer(value, meaning(value, GAP_BANDS))


@calculator("Delta gap", unit="mmol/L", citation="Wrenn, Ann Emerg Med 1990;19:1310")
def delta_gap(sodium: Sodium, chloride: Chloride, bicarbonate: Bicarbonate, albumin: Albumin | None = None) -> float:
    """Anion gap less the normal 12.

    Args:
        sodium: Serum sodium.
        chloride: Serum chloride.
        bicarbonate: Serum bicarbonate.
        albumin: Given: the gap is corrected for it first.
    """
    return _gap(sodium, chloride, bicarbonate, NORMAL_ALBUMIN if albumin is None else albumin) - NORMAL_GAP


@calculator("Delta ratio", unit="1", citation="Wrenn, Ann Emerg Med 1990;19:1310")
def delta_ratio(sodium: Sodium, chloride: Chloride, bicarbonate: Bicarbonate, albumin: Albumin | None = None) -> Answer:
    """(Anion gap - 12) / (24 - bicarbonate).

    Args:
        sodium: Serum sodium.
        chloride: Serum chloride.
        bicarbonate: Serum bicarbonate; 24 mmol/L gives no ratio.
        albumin: Given: the gap is corrected for it first.
    """
    return _ratio(_gap(sodium, chloride, bicarbonate, NORMAL_ALBUMIN if albumin is None else albumin), bicarbonate)


@calculator("Expected PaCO2 (Winter)", unit="mmHg", citation="Albert, Ann Intern Med 1967;66:312")
def winter_paco2(bicarbonate: Bicarbonate, paco2: GasPressure | None = None) -> Answer:
    """PaCO2 that compensates a metabolic acidosis: 1.5 bicarbonate + 8, give or take 2.

    Args:
        bicarbonate: Serum bicarbonate.
        paco2: Measured; not given: the expected range alone.
    """
    value = 1.5 * bicarbonate + 8.0
    if paco2 is None:
        return Answer(value, f"{value - 2:g} to {value + 2:g} mmHg is appropriate")
    if abs(paco2 - value) <= 2:
        return Answer(value, "appropriate compensation")
    return Answer(value, "respiratory acidosis beside it" if paco2 > value else "respiratory alkalosis beside it")


@calculator("Alveolar-arterial oxygen gradient", unit="mmHg", citation="Mellemgaard, Acta Physiol Scand 1966;67:10")
def a_a_gradient(fio2: OxygenFraction, paco2: GasPressure, pao2: GasPressure, age: Age | None = None) -> Answer:
    """Alveolar less arterial oxygen pressure at sea level.

    Args:
        fio2: Inspired oxygen fraction.
        paco2: Arterial carbon dioxide pressure.
        pao2: Arterial oxygen pressure.
        age: For the expected value on air, age / 4 + 4; not given: no reading.
    """
    value = alveolar_oxygen(fio2, paco2) - pao2
    if age is None:
        return Answer(value)
    expected = age / 4.0 + 4.0
    return Answer(value, f"expected up to {expected:g} mmHg on air: {'raised' if value > expected else 'normal'}")


def alveolar_oxygen(fio2: float, paco2: float) -> float:
    """Alveolar oxygen pressure at sea level, mmHg.

    Args:
        fio2: Inspired oxygen, fraction.
        paco2: Arterial carbon dioxide pressure, mmHg.

    Source: West, Respiratory Physiology, 9th edition, 2012.
    """
    return fio2 * (AIR_PRESSURE - WATER_VAPOUR) - paco2 / RESPIRATORY_QUOTIENT


@calculator("Serum osmolality", unit="mmol/kg", citation="Dorwart, Clin Chem 1975;21:190; Purssell, Ann Emerg Med 2001;38:653")
def osmolality(sodium: Sodium, glucose: Glucose, urea: Urea, ethanol: Ethanol = 0.0) -> Answer:
    """2 sodium + glucose / 18 + urea nitrogen / 2.8 + ethanol / 4.6.

    Args:
        sodium: Serum sodium.
        glucose: Serum glucose.
        urea: Urea nitrogen.
        ethanol: Blood ethanol; not given: none.
    """
    value = 2.0 * sodium + glucose / 18.0 + urea / 2.8 + ethanol / 4.6
    return Answer(value, meaning(value, OSMOLALITY_BANDS))


@calculator("Calcium corrected for albumin", unit="mg/dL", citation="Payne, BMJ 1973;4:643")
def corrected_calcium(calcium: Calcium, albumin: Albumin) -> Answer:
    """Calcium + 0.8 (4 - albumin in g/dL).

    Args:
        calcium: Total serum calcium.
        albumin: Serum albumin.
    """
    value = calcium + 0.8 * (NORMAL_ALBUMIN - albumin)
    return Answer(value, meaning(value, ((8.499, "low"), (10.5, "normal"), (math.inf, "high"))))


@calculator("Sodium corrected for glucose", unit="mmol/L", citation="Hillier, Am J Med 1999;106:399; Katz, N Engl J Med 1973;289:843")
def corrected_sodium(sodium: Sodium, glucose: Glucose, rule: Literal["Hillier", "Katz"] = "Hillier") -> Answer:
    """Sodium + 2.4 (Hillier) or 1.6 (Katz) for each 100 mg/dL of glucose above 100.

    Args:
        sodium: Measured serum sodium.
        glucose: Serum glucose.
        rule: Whose factor; Hillier's unless said.
    """
    value = sodium + SODIUM_PER_GLUCOSE[rule] * (glucose - 100.0)
    return Answer(value, meaning(value, ((134.999, "low"), (145, "normal"), (math.inf, "high"))))
