"""Emergency Severity Index, versions 4 and 5: level 1 (now) to 5 (no resource); Revised Trauma Score."""

from __future__ import annotations

import math
from typing import Literal

from clinsim.hospital.calculators.declaration import Answer, Steps, at_least, calculator
from clinsim.hospital.calculators.measures import Age, ComaScale, Count, HeartRate, Pressure, RespiratoryRate, Saturation
from clinsim.hospital.calculators.quantity import InputError

Version = Literal["4", "5"]
Consciousness = Literal["alert", "voice", "pain", "unresponsive"]

DANGER: tuple[tuple[float, float, float], ...] = ((0.25, 180, 50), (3, 160, 40), (8, 140, 30), (math.inf, 100, 20))
"""Age under (years), heart rate and respiratory rate above which signs are dangerous. Source: ENA, ESI handbook, version 4."""
LOW_SATURATION = 92
"""%. Source: ENA, ESI handbook, versions 4 and 5."""
ADULT_FROM = 8.0
"""Years; the limits of version 5 for younger children are not part of this declaration."""
TRAUMA_COMA: Steps = ((13, 4), (9, 3), (6, 2), (4, 1))
TRAUMA_PRESSURE: Steps = ((90, 4), (76, 3), (50, 2), (1, 1))
"""mmHg. Source: Champion 1989, with the coma scale above and the rate below."""
TRAUMA_WEIGHTS = {"coma": 0.9368, "pressure": 0.7326, "breath": 0.2908}
TRAUMA_CENTRE_BELOW = 11
"""Sum of the coded values from which down a trauma centre is advised. Source: Champion 1989."""
TEXTS = {
    1: "now",
    2: "physician within 10 minutes",
    3: "physician within 30 minutes",
    4: "physician within 60 minutes",
    5: "physician within 120 minutes",
}


@calculator("Emergency Severity Index", unit="level", citation="Emergency Nurses Association, ESI handbook, version 4 (2012) and 5 (2023)")
def esi(
    age: Age,
    resources: Count,
    heart_rate: HeartRate | None = None,
    respiratory_rate: RespiratoryRate | None = None,
    spo2: Saturation | None = None,
    lifesaving: bool = False,
    consciousness: Consciousness = "alert",
    high_risk: bool = False,
    new_confusion: bool = False,
    severe_distress: bool = False,
    uptriage: bool = True,
    version: Version = "4",
) -> Answer:
    """Triage level. The danger zone of decision point D is a matter of judgement; `uptriage` says which way it falls.

    Args:
        age: For the limits of the danger zone.
        resources: Kinds of resource expected: laboratory, ECG or X-ray, CT or MRI or ultrasound, IV fluid, IV or IM or nebulised drug,
            consultation, simple procedure 1, complex procedure 2. Not: history, bedside test, lock, tablets, tetanus, prescription, splint.
        heart_rate: Not given: not in the danger zone by it.
        respiratory_rate: Not given: not in the danger zone by it.
        spo2: Not given: not in the danger zone by it.
        lifesaving: Needs an immediate life-saving intervention; oxygen, monitor, ECG, nebuliser and fluid are none.
        consciousness: Response to pain only, or none, is level 1.
        high_risk: A situation that should not wait.
        new_confusion: Newly confused, lethargic or disoriented.
        severe_distress: Severe pain or distress by judgement.
        uptriage: Dangerous signs lift level 3 to 2.
        version: Of the handbook; 5 differs in younger children, whose limits are not here: refused under 8 years.
    """
    if version == "5" and age < ADULT_FROM:
        raise InputError(f"esi: age = {age:g} y: version 5 is declared from 8 years on; allowed version 4")
    dangerous = _dangerous(age, heart_rate, respiratory_rate, spo2)
    steps = (
        (1, lifesaving or consciousness in ("pain", "unresponsive")),
        (2, high_risk or new_confusion or severe_distress),
        (5, resources == 0),
        (4, resources == 1),
        (2, dangerous and uptriage),
    )
    level = next((level for level, holds in steps if holds), 3)
    warned = level == 3 and dangerous
    return Answer(level, TEXTS[level] + (": signs in the danger zone, consider level 2" if warned else ""), {"danger_zone": int(dangerous)})


def _dangerous(age: float, heart_rate: float | None, respiratory_rate: float | None, spo2: float | None) -> bool:
    _, fast_heart, fast_breath = next(row for row in DANGER if age < row[0])
    return (
        (heart_rate is not None and heart_rate > fast_heart)
        or (respiratory_rate is not None and respiratory_rate > fast_breath)
        or (spo2 is not None and spo2 < LOW_SATURATION)
    )


@calculator("Revised Trauma Score", unit="points", citation="Champion, J Trauma 1989;29:623")
def revised_trauma_score(gcs: ComaScale, sbp: Pressure, respiratory_rate: RespiratoryRate) -> Answer:
    """Severity of an injury by its effect on the body, 0 (gravest) to 7.8408.

    Args:
        gcs: Glasgow coma scale.
        sbp: Systolic pressure.
        respiratory_rate: 10 to 29 is best, faster is better than slower.
    """
    coded = {"coma": at_least(gcs, TRAUMA_COMA), "pressure": at_least(sbp, TRAUMA_PRESSURE), "breath": _trauma_breath(respiratory_rate)}
    value = math.fsum(TRAUMA_WEIGHTS[name] * points for name, points in coded.items())
    centre = sum(coded.values()) <= TRAUMA_CENTRE_BELOW
    return Answer(value, "trauma centre advised" if centre else "no criterion for a trauma centre by this score", coded)


def _trauma_breath(rate: float) -> float:
    if rate > 29:
        return 3
    return at_least(rate, ((10, 4), (6, 2), (1, 1)))
