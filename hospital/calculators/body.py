"""Body size and what follows from it: BMI, surface, ideal and adjusted weight, target weight, maintenance fluid, mean pressure."""

from __future__ import annotations

import math
from typing import Literal

from clinsim.hospital.calculators.declaration import Answer, Bands, calculator, meaning
from clinsim.hospital.calculators.measures import BodyMassIndex, Height, Pressure, Sex, Weight

BMI_BANDS: Bands = ((18.499, "underweight"), (24.999, "normal weight"), (29.999, "overweight"), (math.inf, "obesity"))
"""kg/m^2. Source: WHO Technical Report Series 894, 2000."""
DEVINE: dict[Sex, float] = {"female": 45.5, "male": 50.0}
"""kg at 60 inches; 2.3 kg for each inch above. Source: Devine, Drug Intell Clin Pharm 1974;8:650."""
INCH = 2.54
"""cm."""


def ideal_weight(sex: Sex, height_cm: float) -> float:
    """Ideal body weight by Devine, kg.

    Args:
        sex: Sex.
        height_cm: Height, cm; below 60 inches the line goes on downward.

    Source: Devine, Drug Intell Clin Pharm 1974;8:650.
    """
    return DEVINE[sex] + 2.3 * (height_cm / INCH - 60.0)


def dosing_weight(sex: Sex, height_cm: float, weight_kg: float) -> float:
    """Weight for drug clearance, kg: actual when underweight, the lesser of ideal and actual when normal, adjusted above.

    Args:
        sex: Sex.
        height_cm: Height, cm.
        weight_kg: Actual weight, kg.

    Source: Winter, Pharmacotherapy 2012;32:604.
    """
    index, ideal = weight_kg / (height_cm / 100.0) ** 2, ideal_weight(sex, height_cm)
    if index < 18.5:
        return weight_kg
    return min(ideal, weight_kg) if index < 25.0 else ideal + 0.4 * (weight_kg - ideal)


@calculator("Body mass index", unit="kg/m^2", citation="WHO Technical Report Series 894, 2000")
def bmi(weight: Weight, height: Height) -> Answer:
    """Weight over the square of height.

    Args:
        weight: Actual weight.
        height: Height.
    """
    value = weight / (height / 100.0) ** 2
    return Answer(value, meaning(value, BMI_BANDS))


@calculator("Body surface area", unit="m^2", citation="Mosteller, N Engl J Med 1987;317:1098; Du Bois, Arch Intern Med 1916;17:863")
def bsa(weight: Weight, height: Height, rule: Literal["Mosteller", "Du Bois"] = "Mosteller") -> float:
    """Square root of (kg cm / 3600), or 0.007184 kg^0.425 cm^0.725.

    Args:
        weight: Actual weight.
        height: Height.
        rule: Whose formula; Mosteller's unless said.
    """
    return math.sqrt(weight * height / 3600.0) if rule == "Mosteller" else float(0.007184 * weight**0.425 * height**0.725)


@calculator("Ideal body weight", unit="kg", citation="Devine, Drug Intell Clin Pharm 1974;8:650")
def ideal_body_weight(sex: Sex, height: Height) -> float:
    """50 (men) or 45.5 kg (women) + 2.3 kg for each inch above 60.

    Args:
        sex: Sex.
        height: Height.
    """
    return ideal_weight(sex, height)


@calculator("Adjusted body weight", unit="kg", citation="Pai, Antimicrob Agents Chemother 2000;44:2004")
def adjusted_body_weight(sex: Sex, weight: Weight, height: Height) -> float:
    """Ideal weight + 0.4 (actual - ideal).

    Args:
        sex: Sex.
        weight: Actual weight.
        height: Height.
    """
    ideal = ideal_weight(sex, height)
    return ideal + 0.4 * (weight - ideal)


@calculator("Target weight", unit="kg", citation="WHO Technical Report Series 894, 2000")
def target_weight(bmi: BodyMassIndex, height: Height) -> float:
    """Weight at which the body mass index would be as wished.

    Args:
        bmi: The index wished for.
        height: Height.
    """
    return bmi * (height / 100.0) ** 2


@calculator("Maintenance fluid", unit="mL/h", citation="Holliday, Pediatrics 1957;19:823")
def maintenance_fluid(weight: Weight) -> float:
    """4 mL/kg/h for the first 10 kg, 2 for the next 10, 1 for each above.

    Args:
        weight: Actual weight.
    """
    return 4.0 * min(weight, 10.0) + 2.0 * min(max(weight - 10.0, 0.0), 10.0) + max(weight - 20.0, 0.0)


@calculator("Mean arterial pressure", unit="mmHg", citation="Meaney, Heart 2000;84:64")
def mean_arterial_pressure(sbp: Pressure, dbp: Pressure) -> Answer:
    """(Systolic + 2 diastolic) / 3.

    Args:
        sbp: Systolic pressure.
        dbp: Diastolic pressure.
    """
    value = (sbp + 2.0 * dbp) / 3.0
    return Answer(value, meaning(value, ((64.999, "below the usual target of 65 mmHg"), (math.inf, "at or above 65 mmHg"))))
