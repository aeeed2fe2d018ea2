"""SOFA of 1996: six organs, 0 to 4 points each."""

from __future__ import annotations

import math

from clinsim.hospital.calculators.declaration import Answer, Bands, Steps, at_least, below, calculator, total
from clinsim.hospital.calculators.measures import (
    Bilirubin,
    ComaScale,
    Creatinine,
    GasPressure,
    Infusion,
    OxygenFraction,
    Platelets,
    Pressure,
    Saturation,
    UrineOutput,
)

SOFA_CITATION = "Vincent, Intensive Care Med 1996;22:707; Singer, JAMA 2016;315:801, table 1"
RATIO: Steps = ((100, 4), (200, 3), (300, 2), (400, 1))
"""PaO2/FiO2, mmHg; 3 and 4 only with respiratory support. Source: Vincent 1996."""
SATURATION_RATIO = ((235.0, 200.0), (315.0, 300.0))
"""SpO2/FiO2 (%/1) that stands for PaO2/FiO2 of 200 and 300 mmHg. Source: Rice, Chest 2007;132:410."""
PLATELETS: Steps = ((20, 4), (50, 3), (100, 2), (150, 1))
"""10^9/L. Source: Vincent 1996."""
BILIRUBIN: Steps = ((12.0, 4), (6.0, 3), (2.0, 2), (1.2, 1))
"""mg/dL. Source: Vincent 1996."""
COMA: Steps = ((6, 4), (10, 3), (13, 2), (15, 1))
"""Glasgow coma scale. Source: Vincent 1996."""
CREATININE: Steps = ((5.0, 4), (3.5, 3), (2.0, 2), (1.2, 1))
"""mg/dL. Source: Vincent 1996."""
URINE: Steps = ((200, 4), (500, 3))
"""mL/day. Source: Vincent 1996."""
BANDS: Bands = ((1, "no or little failure"), (6, "death in hospital under 10 %"), (9, "15 to 20 %"), (12, "40 to 50 %"), (24, "above 50 %"))
"""Source: Ferreira, JAMA 2001;286:1754, by the highest score."""


@calculator("SOFA", unit="points", citation=SOFA_CITATION)
def sofa(
    pao2: GasPressure | None = None,
    spo2: Saturation | None = None,
    fio2: OxygenFraction | None = None,
    respiratory_support: bool = False,
    platelets: Platelets | None = None,
    bilirubin: Bilirubin | None = None,
    mean_pressure: Pressure | None = None,
    dopamine: Infusion = 0.0,
    dobutamine: Infusion = 0.0,
    epinephrine: Infusion = 0.0,
    norepinephrine: Infusion = 0.0,
    gcs: ComaScale | None = None,
    creatinine: Creatinine | None = None,
    urine_output: UrineOutput | None = None,
) -> Answer:
    """Sequential organ failure assessment, 0 to 24. An organ of which nothing is given scores 0, and the interpretation names it.

    Args:
        pao2: Arterial oxygen pressure; needs fio2.
        spo2: Oxygen saturation, used where there is no pao2; needs fio2.
        fio2: Inspired oxygen fraction.
        respiratory_support: Ventilation or CPAP; without it breathing scores 2 at most.
        platelets: Not given: 0 points.
        bilirubin: Not given: 0 points.
        mean_pressure: Mean arterial pressure; below 70 mmHg scores 1.
        dopamine: Dose running for an hour or more.
        dobutamine: Dose running for an hour or more.
        epinephrine: Dose running for an hour or more.
        norepinephrine: Dose running for an hour or more.
        gcs: Glasgow coma scale; not given: 0 points.
        creatinine: Not given: kidneys score by urine alone.
        urine_output: Not given: kidneys score by creatinine alone.
    """
    points = {
        "breathing": _breathing(pao2, spo2, fio2, respiratory_support),
        "clotting": _given(platelets, PLATELETS),
        "liver": 0 if bilirubin is None else at_least(bilirubin, BILIRUBIN),
        "circulation": _circulation(mean_pressure, dopamine, dobutamine, max(epinephrine, norepinephrine)),
        "brain": _given(gcs, COMA),
        "kidneys": max(0 if creatinine is None else at_least(creatinine, CREATININE), _given(urine_output, URINE)),
    }
    unknown = {
        "breathing": fio2 is None or (pao2 is None and spo2 is None),
        "clotting": platelets is None,
        "liver": bilirubin is None,
        "circulation": mean_pressure is None and not points["circulation"],
        "brain": gcs is None,
        "kidneys": creatinine is None and urine_output is None,
    }
    return total(points, BANDS, [organ for organ, is_unknown in unknown.items() if is_unknown])


def _given(value: float | None, steps: Steps) -> float:
    return 0 if value is None else below(value, steps)


def _breathing(pao2: float | None, spo2: float | None, fio2: float | None, support: bool) -> float:
    if fio2 is None or (pao2 is None and spo2 is None):
        return 0
    ratio = pao2 / fio2 if pao2 is not None else _stands_for(spo2 or 0.0, fio2)
    return min(below(round(ratio, 6), RATIO), 4 if support else 2)


def _stands_for(spo2: float, fio2: float) -> float:
    """PaO2/FiO2 just under the limit that the saturation ratio stands for; it says nothing beyond the two limits."""
    return next((limit - 1.0 for bound, limit in SATURATION_RATIO if spo2 / fio2 <= bound), math.inf)


def _circulation(mean_pressure: float | None, dopamine: float, dobutamine: float, strong: float) -> float:
    """Points of the strongest line that holds; `strong` is the larger of epinephrine and norepinephrine, µg/kg/min."""
    lines = (
        (4, dopamine > 15 or strong > 0.1),
        (3, dopamine > 5 or strong > 0),
        (2, dopamine > 0 or dobutamine > 0),
        (1, mean_pressure is not None and mean_pressure < 70),
    )
    return next((points for points, holds in lines if holds), 0)
