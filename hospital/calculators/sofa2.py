"""SOFA-2 of 2025: the same six organs with the treatments of today.

The surrogate by saturation, and the rules where a treatment is not available or not wanted, are not part of this declaration.
"""

from __future__ import annotations

import math
from typing import Literal

from clinsim.hospital.calculators.declaration import Answer, Bands, Steps, at_most, calculator, total
from clinsim.hospital.calculators.measures import (
    Acidity,
    Bicarbonate,
    Bilirubin,
    ComaScale,
    Creatinine,
    GasPressure,
    Hours,
    Infusion,
    OxygenFraction,
    Platelets,
    Potassium,
    Pressure,
)

SOFA2_CITATION = "Ranzani, JAMA 2025, doi 10.1001/jama.2025.20516; Moreno, JAMA Netw Open 2025, doi 10.1001/jamanetworkopen.2025.45040"
Ecmo = Literal["none", "respiratory", "cardiac"]
Motor = Literal["obeys", "localises", "withdraws", "flexion", "extension", "none"]

RATIO: Steps = ((75, 4), (150, 3), (225, 2), (300, 1))
"""PaO2/FiO2, mmHg; 3 and 4 only with advanced support. Source: Ranzani 2025."""
PLATELETS: Steps = ((50, 4), (80, 3), (100, 2), (150, 1))
"""10^9/L. Source: Ranzani 2025."""
BILIRUBIN: Steps = ((1.2, 0), (3.0, 1), (6.0, 2), (12.0, 3), (math.inf, 4))
"""mg/dL. Source: Ranzani 2025."""
COMA: Steps = ((5, 4), (8, 3), (12, 2), (14, 1))
"""Glasgow coma scale. Source: Ranzani 2025."""
MOTOR: dict[Motor, int] = {"obeys": 0, "localises": 1, "withdraws": 2, "flexion": 3, "extension": 4, "none": 4}
"""Best motor response where the scale cannot be taken. Source: Ranzani 2025."""
CREATININE: Steps = ((1.2, 0), (2.0, 1), (3.5, 2), (math.inf, 3))
"""mg/dL. Source: Ranzani 2025."""
STRONG: Steps = ((0.0, 0), (0.2, 2), (0.4, 3), (math.inf, 4))
"""Norepinephrine base and epinephrine together, µg/kg/min. Source: Ranzani 2025."""
DOPAMINE: Steps = ((0.0, 0), (20.0, 2), (40.0, 3), (math.inf, 4))
"""Dopamine as the only vasopressor, µg/kg/min. Source: Ranzani 2025."""
BANDS: Bands = ((24, "death in intensive care rises with each point"),)


@calculator("SOFA-2", unit="points", citation=SOFA2_CITATION)
def sofa2(
    gcs: ComaScale | None = None, motor: Motor | None = None, delirium_drug: bool = False,
    pao2: GasPressure | None = None, fio2: OxygenFraction | None = None, advanced_support: bool = False, ecmo: Ecmo = "none",
    mean_pressure: Pressure | None = None, norepinephrine: Infusion = 0.0, epinephrine: Infusion = 0.0, dopamine: Infusion = 0.0,
    other_vasoactive: bool = False, mechanical_support: bool = False, bilirubin: Bilirubin | None = None, platelets: Platelets | None = None,
    creatinine: Creatinine | None = None, potassium: Potassium | None = None, ph: Acidity | None = None, bicarbonate: Bicarbonate | None = None,
    hours_urine_below_05: Hours = 0.0, hours_urine_below_03: Hours = 0.0, hours_anuria: Hours = 0.0, renal_replacement: bool = False,
) -> Answer:  # fmt: skip
    """Sequential organ failure assessment 2, 0 to 24. An organ of which nothing is given scores 0, and the interpretation names it.

    Args:
        gcs: Glasgow coma scale, before sedation.
        motor: Best motor response, used where there is no gcs.
        delirium_drug: On a drug for delirium; scores 1 at least.
        pao2: Arterial oxygen pressure; needs fio2.
        fio2: Inspired oxygen fraction.
        advanced_support: High flow, CPAP, BiPAP, other non-invasive or invasive ventilation, or ventilation at home.
        ecmo: For the lungs (breathing scores 4) or for the heart (breathing and circulation score 4).
        mean_pressure: Mean arterial pressure; below 70 mmHg without vasopressor scores 1.
        norepinephrine: Dose as base; 2 mg of the bitartrate monohydrate hold 1 mg.
        epinephrine: Dose.
        dopamine: Dose; scores by itself where neither norepinephrine nor epinephrine runs, else as another vasoactive drug.
        other_vasoactive: Another vasopressor or inotrope runs, at any dose.
        mechanical_support: Balloon pump, ventricular assist device or the like.
        bilirubin: Not given: 0 points.
        platelets: Not given: 0 points.
        creatinine: Not given: kidneys score by urine and treatment alone.
        potassium: 6.0 mmol/L or more with creatinine above 1.2 mg/dL is a criterion of renal replacement.
        ph: 7.20 or less with bicarbonate of 12 mmol/L or less and creatinine above 1.2 mg/dL is one too.
        bicarbonate: See ph.
        hours_urine_below_05: Hours with less than 0.5 mL/kg/h.
        hours_urine_below_03: Hours with less than 0.3 mL/kg/h.
        hours_anuria: Hours without urine.
        renal_replacement: On renal replacement.
    """
    urine = _urine(hours_urine_below_05, hours_urine_below_03, hours_anuria)
    pressed = _circulation(mean_pressure, norepinephrine + epinephrine, dopamine, other_vasoactive)
    replaced = renal_replacement or _replacement_criteria(creatinine or 0.0, potassium, ph, bicarbonate)
    points = {
        "brain": max(_brain(gcs, motor), int(delirium_drug)),
        "breathing": 4 if ecmo != "none" else _breathing(pao2, fio2, advanced_support),
        "circulation": 4 if mechanical_support or ecmo == "cardiac" else pressed,
        "liver": _given(bilirubin, BILIRUBIN),
        "clotting": _given(platelets, PLATELETS),
        "kidneys": 4 if replaced else max(_given(creatinine, CREATININE), urine),
    }
    unknown = {
        "brain": gcs is None and motor is None,
        "breathing": ecmo == "none" and (pao2 is None or fio2 is None),
        "circulation": mean_pressure is None and not points["circulation"],
        "liver": bilirubin is None,
        "clotting": platelets is None,
        "kidneys": creatinine is None and not points["kidneys"],
    }
    return total(points, BANDS, [organ for organ, is_unknown in unknown.items() if is_unknown])


def _given(value: float | None, steps: Steps) -> float:
    return 0 if value is None else at_most(value, steps)


def _brain(gcs: float | None, motor: Motor | None) -> float:
    if gcs is None:
        return MOTOR[motor] if motor else 0
    return at_most(gcs, COMA)


def _breathing(pao2: float | None, fio2: float | None, support: bool) -> float:
    if pao2 is None or fio2 is None:
        return 0
    return min(at_most(round(pao2 / fio2, 6), RATIO), 4 if support else 2)


def _circulation(mean_pressure: float | None, strong: float, dopamine: float, other: bool) -> float:
    strong = round(strong, 9)
    if strong > 0:
        # A second kind of drug lifts a low or middle dose by one line.
        return min(4, at_most(strong, STRONG) + (1 if other or dopamine > 0 else 0))
    pressed = max(at_most(dopamine, DOPAMINE), 2 if other else 0)
    return pressed or (1 if mean_pressure is not None and mean_pressure < 70 else 0)


def _urine(below_05: float, below_03: float, anuria: float) -> float:
    lines = ((3, below_03 >= 24 or anuria >= 12), (2, below_05 >= 12), (1, below_05 >= 6))
    return next((points for points, holds in lines if holds), 0)


def _replacement_criteria(creatinine: float, potassium: float | None, ph: float | None, bicarbonate: float | None) -> bool:
    hyperkalaemia = potassium is not None and potassium >= 6.0
    acidosis = ph is not None and bicarbonate is not None and ph <= 7.20 and bicarbonate <= 12
    return creatinine > 1.2 and (hyperkalaemia or acidosis)
