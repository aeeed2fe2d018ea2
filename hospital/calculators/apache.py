"""APACHE II: the worst of twelve measurements in the first day, age and chronic health."""

from __future__ import annotations

import math
from typing import Literal

from clinsim.hospital.calculators.acid_base import alveolar_oxygen
from clinsim.hospital.calculators.declaration import Answer, Steps, at_least, below, calculator
from clinsim.hospital.calculators.measures import (
    Acidity,
    Age,
    ComaScale,
    Creatinine,
    GasPressure,
    Haematocrit,
    HeartRate,
    OxygenFraction,
    Potassium,
    Pressure,
    RespiratoryRate,
    Sodium,
    Temperature,
    WhiteCells,
)
from clinsim.hospital.calculators.quantity import InputError

Admission = Literal["not operated", "elective operation", "emergency operation"]

# Lower bounds and points, descending. Source for all: Knaus, Crit Care Med 1985;13:818, figure 1.
TEMPERATURE: Steps = ((41, 4), (39, 3), (38.5, 1), (36, 0), (34, 1), (32, 2), (30, 3), (0, 4))
PRESSURE: Steps = ((160, 4), (130, 3), (110, 2), (70, 0), (50, 2), (0, 4))
HEART_RATE: Steps = ((180, 4), (140, 3), (110, 2), (70, 0), (55, 2), (40, 3), (0, 4))
RESPIRATION: Steps = ((50, 4), (35, 3), (25, 1), (12, 0), (10, 1), (6, 2), (0, 4))
PH: Steps = ((7.7, 4), (7.6, 3), (7.5, 1), (7.33, 0), (7.25, 2), (7.15, 3), (0, 4))
SODIUM: Steps = ((180, 4), (160, 3), (155, 2), (150, 1), (130, 0), (120, 2), (111, 3), (0, 4))
POTASSIUM: Steps = ((7, 4), (6, 3), (5.5, 1), (3.5, 0), (3, 1), (2.5, 2), (0, 4))
CREATININE: Steps = ((3.5, 4), (2, 3), (1.5, 2), (0.6, 0), (0, 2))
HAEMATOCRIT: Steps = ((60, 4), (50, 2), (46, 1), (30, 0), (20, 2), (0, 4))
WHITE_CELLS: Steps = ((40, 4), (20, 2), (15, 1), (3, 0), (1, 2), (0, 4))
GRADIENT: Steps = ((500, 4), (350, 3), (200, 2))
PAO2: Steps = ((55, 4), (61, 3), (70.000001, 1))
AGE: Steps = ((75, 6), (65, 5), (55, 3), (45, 2))
CHRONIC: dict[Admission, int] = {"not operated": 5, "elective operation": 2, "emergency operation": 5}


@calculator("APACHE II", unit="points", citation="Knaus, Crit Care Med 1985;13:818")
def apache_ii(
    age: Age,
    temperature: Temperature,
    mean_pressure: Pressure,
    heart_rate: HeartRate,
    respiratory_rate: RespiratoryRate,
    fio2: OxygenFraction,
    ph: Acidity,
    sodium: Sodium,
    potassium: Potassium,
    creatinine: Creatinine,
    haematocrit: Haematocrit,
    white_cells: WhiteCells,
    gcs: ComaScale,
    pao2: GasPressure | None = None,
    paco2: GasPressure | None = None,
    a_a_gradient: GasPressure | None = None,
    acute_renal_failure: bool = False,
    chronic_failure: bool = False,
    admission: Admission = "not operated",
) -> Answer:
    """Severity on the first day of intensive care, 0 to 71; each input is the worst of that day.

    Args:
        age: Age.
        temperature: Core temperature.
        mean_pressure: Mean arterial pressure.
        heart_rate: Heart rate.
        respiratory_rate: Respiratory rate.
        fio2: Inspired oxygen; from 0.5 on the gradient scores, below it the arterial pressure.
        ph: Arterial pH.
        sodium: Serum sodium.
        potassium: Serum potassium.
        creatinine: Serum creatinine.
        haematocrit: Haematocrit.
        white_cells: White cells.
        gcs: Glasgow coma scale.
        pao2: Arterial oxygen pressure; needed below a fio2 of 0.5, and for the gradient unless that is given.
        paco2: For the gradient; needed from a fio2 of 0.5 on unless the gradient is given.
        a_a_gradient: Given: used as it is.
        acute_renal_failure: Doubles the points of creatinine.
        chronic_failure: Severe organ failure or immune compromise before.
        admission: Whether and how operated; changes the points of chronic failure.
    """
    points = {
        "temperature": at_least(temperature, TEMPERATURE),
        "mean_pressure": at_least(round(mean_pressure), PRESSURE),
        "heart_rate": at_least(heart_rate, HEART_RATE),
        "respiratory_rate": at_least(respiratory_rate, RESPIRATION),
        "oxygen": _oxygen(fio2, pao2, paco2, a_a_gradient),
        "ph": at_least(ph, PH),
        "sodium": at_least(sodium, SODIUM),
        "potassium": at_least(potassium, POTASSIUM),
        "creatinine": at_least(creatinine, CREATININE) * (2 if acute_renal_failure else 1),
        "haematocrit": at_least(haematocrit, HAEMATOCRIT),
        "white_cells": at_least(white_cells, WHITE_CELLS),
        "coma": 15 - gcs,
        **_reserve(age, admission, chronic_failure),
    }
    return Answer(sum(points.values()), _death(sum(points.values()), admission), points)


def _reserve(age: float, admission: Admission, chronic_failure: bool) -> dict[str, float]:
    return {"age": at_least(age, AGE), "chronic": CHRONIC[admission] if chronic_failure else 0}


def _oxygen(fio2: float, pao2: float | None, paco2: float | None, gradient: float | None) -> float:
    if fio2 < 0.5:
        if pao2 is None:
            raise InputError("apache_ii needs pao2 where fio2 is below 0.5")
        return below(pao2, PAO2)
    if gradient is None:
        if pao2 is None or paco2 is None:
            raise InputError("apache_ii needs a_a_gradient, or pao2 and paco2, where fio2 is 0.5 or more")
        gradient = alveolar_oxygen(fio2, paco2) - pao2
    return at_least(gradient, GRADIENT)


def _death(points: float, admission: Admission) -> str:
    log_odds = -3.517 + 0.146 * points + (0.603 if admission == "emergency operation" else 0.0)
    return f"death {1.0 / (1.0 + math.exp(-log_odds)):.0%} before the weight of the diagnosis"
