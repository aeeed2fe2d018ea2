"""Is this sepsis: SIRS and qSOFA at the bedside, and the definition by the change of SOFA."""

from __future__ import annotations

import math
from typing import Literal

from clinsim.hospital.calculators.declaration import Answer, Bands, calculator, total
from clinsim.hospital.calculators.measures import (
    ComaScale,
    Count,
    GasPressure,
    HeartRate,
    Pressure,
    RespiratoryRate,
    Saturation,
    Temperature,
    WhiteCells,
)
from clinsim.hospital.calculators.news2 import Band, news2

SIRS_BANDS: Bands = ((1, "criteria not met"), (math.inf, "systemic inflammatory response"))
QSOFA_BANDS: Bands = ((1, "low risk; not a reason to stop looking"), (math.inf, "raised risk of death or a long stay in intensive care"))
NEWS2_MEANING: dict[Band, str] = {
    "low": "ward care: checks every 12 hours at 0, else every 4 to 6 hours",
    "low-medium": "one parameter scores 3: urgent review on the ward, checks every hour",
    "medium": "urgent review by a clinician, checks every hour",
    "high": "emergency assessment, continuous monitoring",
    "unknown": "points are low, but inputs are missing",
}


@calculator("SIRS criteria", unit="points", citation="Bone, Chest 1992;101:1644")
def sirs(
    temperature: Temperature,
    heart_rate: HeartRate,
    respiratory_rate: RespiratoryRate,
    white_cells: WhiteCells,
    paco2: GasPressure | None = None,
    bands_over_10_percent: bool = False,
) -> Answer:
    """Criteria of a systemic inflammatory response, 0 to 4; two or more make one.

    Args:
        temperature: Above 38 or below 36 °C counts.
        heart_rate: Above 90/min counts.
        respiratory_rate: Above 20/min counts.
        white_cells: Above 12 or below 4 x 10^9/L counts.
        paco2: Below 32 mmHg counts like fast breathing.
        bands_over_10_percent: More than 10 % immature forms, counts like the white cells.
    """
    points = {
        "temperature": float(temperature > 38.0 or temperature < 36.0),
        "heart_rate": float(heart_rate > 90),
        "breathing": float(respiratory_rate > 20 or (paco2 is not None and paco2 < 32)),
        "white_cells": float(white_cells > 12 or white_cells < 4 or bands_over_10_percent),
    }
    return total(points, SIRS_BANDS)


@calculator("qSOFA", unit="points", citation="Seymour, JAMA 2016;315:762")
def qsofa(respiratory_rate: RespiratoryRate, sbp: Pressure, gcs: ComaScale) -> Answer:
    """Bedside points for a bad course in suspected infection, 0 to 3; two or more are positive.

    Args:
        respiratory_rate: 22/min or more counts.
        sbp: Systolic pressure; 100 mmHg or less counts.
        gcs: Below 15 counts.
    """
    points = {"respiratory_rate": float(respiratory_rate >= 22), "sbp": float(sbp <= 100), "gcs": float(gcs < 15)}
    return total(points, QSOFA_BANDS)


@calculator("NEWS2", unit="points", citation="Royal College of Physicians, NEWS2, London 2017", name="news2")
def news2_points(
    respiratory_rate: RespiratoryRate | None = None,
    spo2: Saturation | None = None,
    sbp: Pressure | None = None,
    heart_rate: HeartRate | None = None,
    temperature: Temperature | None = None,
    gcs: ComaScale | None = None,
    on_oxygen: bool = False,
    spo2_scale: Literal["1", "2"] = "1",
) -> Answer:
    """National Early Warning Score 2, 0 to 20, over the vital signs that were given.

    Args:
        respiratory_rate: Not given: no points, and a low total is read as unknown.
        spo2: Oxygen saturation; not given: as above.
        sbp: Systolic pressure; not given: as above.
        heart_rate: Not given: as above.
        temperature: Not given: as above.
        gcs: Below 15 counts as not alert; not given: as above.
        on_oxygen: Supplemental oxygen is running.
        spo2_scale: 2 only in confirmed hypercapnic failure with a target of 88 to 92 %.
    """
    score = news2(
        rr=respiratory_rate,
        spo2=spo2,
        sbp=sbp,
        hr=heart_rate,
        temp=temperature,
        gcs=gcs,
        on_oxygen=on_oxygen,
        scale=1 if spo2_scale == "1" else 2,
    )
    return Answer(score.total, NEWS2_MEANING[score.band], dict(score.components))


@calculator("Sepsis-3", unit="points of SOFA gained", citation="Singer, JAMA 2016;315:801")
def sepsis_3(
    sofa: Count,
    sofa_before: Count = 0,
    suspected_infection: bool = False,
    vasopressor_for_map_65: bool = False,
    lactate_above_2_after_fluids: bool = False,
) -> Answer:
    """Sepsis and septic shock by the change of SOFA.

    Args:
        sofa: SOFA now, points.
        sofa_before: SOFA before the infection, points; 0 where nothing is known of earlier failure.
        suspected_infection: An infection is suspected or proven.
        vasopressor_for_map_65: A vasopressor is needed to keep the mean pressure at 65 mmHg.
        lactate_above_2_after_fluids: Lactate stays above 2 mmol/L after enough fluid.
    """
    gained = sofa - sofa_before
    if not suspected_infection or gained < 2:
        return Answer(gained, "no sepsis")
    shock = vasopressor_for_map_65 and lactate_above_2_after_fluids
    return Answer(gained, "septic shock" if shock else "sepsis")
