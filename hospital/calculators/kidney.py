"""Kidney: clearance and filtration by the common rules, acute injury by KDIGO, FENa, free water deficit."""

from __future__ import annotations

import math
from typing import Literal

from clinsim.hospital.calculators import renal
from clinsim.hospital.calculators.body import dosing_weight
from clinsim.hospital.calculators.declaration import Answer, Bands, at_least, calculator, meaning
from clinsim.hospital.calculators.measures import Age, Creatinine, Height, Hours, Sex, Sodium, UrineCreatinine, UrineSodium, Weight

SEX: dict[Sex, renal.Sex] = {"female": "F", "male": "M"}
STAGES: Bands = ((14.999, "G5"), (29.999, "G4"), (44.999, "G3b"), (59.999, "G3a"), (89.999, "G2"), (math.inf, "G1"))
"""mL/min/1.73 m^2. Source: KDIGO, Kidney Int Suppl 2013;3:1."""
AKI: Bands = ((0, "no acute kidney injury by what is given"), (1, "stage 1"), (2, "stage 2"), (3, "stage 3"))
FENA_BANDS: Bands = ((0.999, "kidneys hold sodium: prerenal"), (2.0, "undecided"), (math.inf, "kidneys lose sodium: tubular injury or diuretic"))
"""%. Source: Espinel, JAMA 1976;236:579."""
NORMAL_SODIUM = 140.0
"""mmol/L; what the water deficit aims at. Source: Adrogue, N Engl J Med 2000;342:1493."""
Race = Literal["black", "other"]


@calculator("Creatinine clearance, Cockcroft-Gault", unit="mL/min", citation="Cockcroft, Nephron 1976;16:31; Winter, Pharmacotherapy 2012;32:604")
def cockcroft_gault(sex: Sex, age: Age, weight: Weight, creatinine: Creatinine, height: Height | None = None) -> Answer:
    """(140 - age) weight / (72 creatinine), times 0.85 in women.

    Args:
        sex: Sex.
        age: Age.
        weight: Actual weight.
        creatinine: Serum creatinine, standing still.
        height: Given: the weight is the actual one when underweight, the lesser of ideal and actual when normal, adjusted above; not
            given: the actual weight.
    """
    used = weight if height is None else dosing_weight(sex, height, weight)
    return Answer(renal.creatinine_clearance(age, used, creatinine, SEX[sex]), "", {"weight_kg": used})


@calculator("eGFR, CKD-EPI 2021", unit="mL/min/1.73 m^2", citation="Inker, N Engl J Med 2021;385:1737")
def ckd_epi_2021(sex: Sex, age: Age, creatinine: Creatinine) -> Answer:
    """Filtration rate from creatinine, without race.

    Args:
        sex: Sex.
        age: Age, adults.
        creatinine: Serum creatinine, standing still.
    """
    value = renal.egfr_ckd_epi_2021(age, creatinine, SEX[sex])
    return Answer(value, meaning(value, STAGES))


@calculator("eGFR, MDRD (four variables, IDMS)", unit="mL/min/1.73 m^2", citation="Levey, Ann Intern Med 2006;145:247")
def mdrd(sex: Sex, age: Age, creatinine: Creatinine, race: Race = "other") -> Answer:
    """175 creatinine^-1.154 age^-0.203, times 0.742 in women and 1.212 by the paper's race term; kept for old results only.

    Args:
        sex: Sex.
        age: Age, adults.
        creatinine: Serum creatinine, standing still.
        race: The paper's term; without it unless said.
    """
    factor = (0.742 if sex == "female" else 1.0) * (1.212 if race == "black" else 1.0)
    value = float(175.0 * creatinine**-1.154 * age**-0.203 * factor)
    return Answer(value, meaning(value, STAGES))


@calculator("KDIGO acute kidney injury", unit="stage", citation="KDIGO, Kidney Int Suppl 2012;2:1")
def kdigo_aki(
    creatinine: Creatinine | None = None,
    lowest_in_7_days: Creatinine | None = None,
    lowest_in_48_hours: Creatinine | None = None,
    hours_urine_below_05: Hours = 0.0,
    hours_urine_below_03: Hours = 0.0,
    hours_anuria: Hours = 0.0,
    renal_replacement: bool = False,
) -> Answer:
    """Stage of acute kidney injury, 0 to 3, by creatinine or urine, whichever is worse.

    Args:
        creatinine: Now; not given: staged by urine and treatment alone.
        lowest_in_7_days: Baseline within a week; not given: the ratio does not count.
        lowest_in_48_hours: Not given: the rise by 0.3 mg/dL does not count.
        hours_urine_below_05: Hours with less than 0.5 mL/kg/h.
        hours_urine_below_03: Hours with less than 0.3 mL/kg/h.
        hours_anuria: Hours without urine.
        renal_replacement: Renal replacement was begun.
    """
    urine = ((3, hours_urine_below_03 >= 24 or hours_anuria >= 12), (2, hours_urine_below_05 >= 12), (1, hours_urine_below_05 >= 6))
    points = {
        "creatinine": _by_creatinine(creatinine, lowest_in_7_days, lowest_in_48_hours),
        "urine": next((stage for stage, holds in urine if holds), 0),
        "replacement": 3 * renal_replacement,
    }
    stage = max(points.values())
    return Answer(stage, meaning(stage, AKI), points)


def _by_creatinine(now: float | None, week: float | None, two_days: float | None) -> float:
    if now is None:
        return 0
    # Nine digits: 1.3 less 1.0 is a rise of 0.3.
    rise = 0.0 if two_days is None else round(now - two_days, 9)
    ratio = 1.0 if week is None else round(now / week, 9)
    stage = max(at_least(ratio, ((3.0, 3), (2.0, 2), (1.5, 1))), 1 if rise >= 0.3 else 0)
    return 3 if stage and now >= 4.0 else stage


@calculator("Fractional excretion of sodium", unit="%", citation="Espinel, JAMA 1976;236:579")
def fena(urine_sodium: UrineSodium, sodium: Sodium, urine_creatinine: UrineCreatinine, creatinine: Creatinine) -> Answer:
    """100 (urine sodium x creatinine) / (sodium x urine creatinine).

    Args:
        urine_sodium: Urine sodium.
        sodium: Serum sodium.
        urine_creatinine: Urine creatinine.
        creatinine: Serum creatinine.
    """
    value = 100.0 * urine_sodium * creatinine / (sodium * urine_creatinine)
    return Answer(value, meaning(value, FENA_BANDS))


@calculator("Free water deficit", unit="L", citation="Adrogue, N Engl J Med 2000;342:1493")
def free_water_deficit(sex: Sex, age: Age, weight: Weight, sodium: Sodium) -> Answer:
    """Body water x (sodium / 140 - 1); negative is a surplus.

    Args:
        sex: Sex.
        age: Body water is 0.6 of the weight under 18 years and in men, 0.5 in women; from 65 years 0.5 in men, 0.45 in women.
        weight: Actual weight.
        sodium: Serum sodium.
    """
    share = _body_water(sex, age)
    return Answer(share * weight * (sodium / NORMAL_SODIUM - 1.0), "", {"body_water_share": share})


def _body_water(sex: Sex, age: float) -> float:
    if age < 18:
        return 0.6
    old = age >= 65
    return (0.5 if old else 0.6) if sex == "male" else (0.45 if old else 0.5)
