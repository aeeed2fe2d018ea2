"""Thrombosis: Wells for leg veins and lungs, PERC, D-dimer limit by age, and Caprini before an operation."""

from __future__ import annotations

import math
from typing import Literal

from clinsim.hospital.calculators.declaration import Answer, Bands, Steps, at_least, calculator, total
from clinsim.hospital.calculators.measures import Age, BodyMassIndex, HeartRate, Saturation

Surgery = Literal["none", "minor", "major", "laparoscopic", "arthroscopic", "lower limb arthroplasty"]
Mobility = Literal["normal", "bed rest", "bed over 72 h"]

WELLS_DVT_BANDS: Bands = ((1, "deep vein thrombosis unlikely: D-dimer"), (math.inf, "likely: ultrasound"))
WELLS_PE_BANDS: Bands = ((4, "pulmonary embolism unlikely: D-dimer"), (math.inf, "likely: CT of the pulmonary arteries"))
PERC_BANDS: Bands = ((0, "ruled out where the pre-test chance is under 15 %"), (8, "not ruled out by these criteria"))
CAPRINI_AGE: Steps = ((75, 3), (61, 2), (41, 1))
"""Years. Source: Caprini 2005."""
CAPRINI_SURGERY: dict[Surgery, int] = {
    "none": 0,
    "minor": 1,
    "major": 2,
    "laparoscopic": 2,
    "arthroscopic": 2,
    "lower limb arthroplasty": 5,
}
"""Source: Caprini 2005."""
CAPRINI_MOBILITY: dict[Mobility, int] = {"normal": 0, "bed rest": 1, "bed over 72 h": 2}
"""Source: Caprini 2005."""
CAPRINI_BANDS: Bands = ((0, "very low risk"), (2, "low risk"), (4, "moderate risk"), (math.inf, "high risk"))
"""Source: Gould, Chest 2012;141:e227S."""


@calculator("Wells, deep vein thrombosis", unit="points", citation="Wells, N Engl J Med 2003;349:1227")
def wells_dvt(
    active_cancer: bool = False,
    paralysis_or_plaster: bool = False,
    bedridden_or_surgery: bool = False,
    deep_vein_tenderness: bool = False,
    whole_leg_swollen: bool = False,
    calf_swelling_over_3_cm: bool = False,
    pitting_oedema: bool = False,
    collateral_veins: bool = False,
    previous_dvt: bool = False,
    alternative_as_likely: bool = False,
) -> Answer:
    """Chance of a deep vein thrombosis, -2 to 9.

    Args:
        active_cancer: Treated within 6 months, or palliative.
        paralysis_or_plaster: Paralysis, paresis or plaster of the leg.
        bedridden_or_surgery: In bed for more than 3 days, or major surgery within 12 weeks.
        deep_vein_tenderness: Tender along the deep veins.
        whole_leg_swollen: Whole leg swollen.
        calf_swelling_over_3_cm: Calf more than 3 cm larger than the other.
        pitting_oedema: Only in the leg with symptoms.
        collateral_veins: Superficial veins that are not varicose.
        previous_dvt: Deep vein thrombosis before.
        alternative_as_likely: Another diagnosis is at least as likely; takes two points away.
    """
    points = {
        "active_cancer": int(active_cancer),
        "paralysis_or_plaster": int(paralysis_or_plaster),
        "bedridden_or_surgery": int(bedridden_or_surgery),
        "deep_vein_tenderness": int(deep_vein_tenderness),
        "whole_leg_swollen": int(whole_leg_swollen),
        "calf_swelling": int(calf_swelling_over_3_cm),
        "pitting_oedema": int(pitting_oedema),
        "collateral_veins": int(collateral_veins),
        "previous_dvt": int(previous_dvt),
        "alternative": -2 * alternative_as_likely,
    }
    return total(points, WELLS_DVT_BANDS)


@calculator("Wells, pulmonary embolism", unit="points", citation="Wells, Thromb Haemost 2000;83:416")
def wells_pe(
    heart_rate: HeartRate,
    dvt_signs: bool = False,
    most_likely_diagnosis: bool = False,
    immobile_or_surgery: bool = False,
    previous_dvt_or_pe: bool = False,
    haemoptysis: bool = False,
    cancer: bool = False,
) -> Answer:
    """Chance of a pulmonary embolism, 0 to 12.5.

    Args:
        heart_rate: Above 100/min counts 1.5.
        dvt_signs: Signs of deep vein thrombosis.
        most_likely_diagnosis: Embolism is the first diagnosis, or as likely as the first.
        immobile_or_surgery: In bed for 3 days or more, or surgery within 4 weeks.
        previous_dvt_or_pe: Thrombosis or embolism before.
        haemoptysis: Coughs blood.
        cancer: Treated within 6 months, or palliative.
    """
    points = {
        "dvt_signs": 3.0 * dvt_signs,
        "most_likely_diagnosis": 3.0 * most_likely_diagnosis,
        "heart_rate": 1.5 * (heart_rate > 100),
        "immobile_or_surgery": 1.5 * immobile_or_surgery,
        "previous": 1.5 * previous_dvt_or_pe,
        "haemoptysis": 1.0 * haemoptysis,
        "cancer": 1.0 * cancer,
    }
    return total(points, WELLS_PE_BANDS)


@calculator("PERC", unit="criteria not met", citation="Kline, J Thromb Haemost 2004;2:1247")
def perc(
    age: Age,
    heart_rate: HeartRate,
    spo2: Saturation,
    unilateral_leg_swelling: bool = False,
    haemoptysis: bool = False,
    recent_surgery_or_trauma: bool = False,
    previous_dvt_or_pe: bool = False,
    oestrogen: bool = False,
) -> Answer:
    """How many of the eight criteria that rule out a pulmonary embolism fail.

    Args:
        age: 50 or more fails.
        heart_rate: 100/min or more fails.
        spo2: Below 95 % fails.
        unilateral_leg_swelling: One leg swollen.
        haemoptysis: Coughs blood.
        recent_surgery_or_trauma: Within 4 weeks.
        previous_dvt_or_pe: Thrombosis or embolism before.
        oestrogen: Takes oestrogen.
    """
    failed = {
        "age": int(age >= 50),
        "heart_rate": int(heart_rate >= 100),
        "spo2": int(spo2 < 95),
        "leg_swelling": int(unilateral_leg_swelling),
        "haemoptysis": int(haemoptysis),
        "surgery_or_trauma": int(recent_surgery_or_trauma),
        "previous": int(previous_dvt_or_pe),
        "oestrogen": int(oestrogen),
    }
    return total(failed, PERC_BANDS)


@calculator("D-dimer limit by age", unit="µg/L FEU", citation="Righini, JAMA 2014;311:1117")
def d_dimer_limit(age: Age) -> float:
    """Limit under which D-dimer rules out an embolism that is unlikely: 10 per year of age above 50, else 500.

    Args:
        age: Age.
    """
    return 10.0 * age if age > 50 else 500.0


@calculator("Caprini 2005", unit="points", citation="Caprini, Dis Mon 2005;51:70")
def caprini(
    age: Age,
    bmi: BodyMassIndex | None = None,
    surgery: Surgery = "none",
    mobility: Mobility = "normal",
    major_surgery_last_month: bool = False,
    heart_failure_last_month: bool = False,
    sepsis_last_month: bool = False,
    pneumonia_last_month: bool = False,
    plaster_last_month: bool = False,
    hip_pelvis_leg_fracture: bool = False,
    stroke_last_month: bool = False,
    multiple_trauma: bool = False,
    spinal_cord_injury: bool = False,
    varicose_veins: bool = False,
    swollen_legs: bool = False,
    central_line: bool = False,
    previous_dvt_or_pe: bool = False,
    family_history: bool = False,
    thrombophilia: bool = False,
    bowel_inflammation: bool = False,
    acute_infarction: bool = False,
    copd: bool = False,
    malignancy: bool = False,
) -> Answer:
    """Risk of venous thrombosis around an operation, without the lines on pregnancy and hormones.

    Args:
        age: Age.
        bmi: Above 25 kg/m^2 counts; not given: no point.
        surgery: Kind of operation; major, laparoscopic and arthroscopic: longer than 45 minutes.
        mobility: Mobility.
        major_surgery_last_month: 1 point.
        heart_failure_last_month: 1 point.
        sepsis_last_month: 1 point.
        pneumonia_last_month: 1 point.
        plaster_last_month: 2 points.
        hip_pelvis_leg_fracture: Within a month; 5 points.
        stroke_last_month: 5 points.
        multiple_trauma: Within a month; 5 points.
        spinal_cord_injury: Within a month, with paralysis; 5 points.
        varicose_veins: 1 point.
        swollen_legs: 1 point.
        central_line: 2 points.
        previous_dvt_or_pe: 3 points.
        family_history: Of thrombosis; 3 points.
        thrombophilia: A proven thrombophilia; 3 points.
        bowel_inflammation: Inflammatory bowel disease; 1 point.
        acute_infarction: 1 point.
        copd: 1 point.
        malignancy: Now or before; 2 points.
    """
    recent = (major_surgery_last_month, heart_failure_last_month, sepsis_last_month, pneumonia_last_month)
    lasting = (varicose_veins, swollen_legs, bowel_inflammation, acute_infarction, copd, bmi is not None and bmi > 25)
    severe = (hip_pelvis_leg_fracture, stroke_last_month, multiple_trauma, spinal_cord_injury)
    patient = {"age": at_least(age, CAPRINI_AGE), "surgery": CAPRINI_SURGERY[surgery], "mobility": CAPRINI_MOBILITY[mobility]}
    light = {"one_point": sum(recent) + sum(lasting), "two_points": 2 * (plaster_last_month + central_line + malignancy)}
    heavy = {"three_points": 3 * (previous_dvt_or_pe + family_history + thrombophilia), "five_points": 5 * sum(severe)}
    return total(patient | light | heavy, CAPRINI_BANDS)
