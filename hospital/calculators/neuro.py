"""Brain: Glasgow coma scale and NIHSS."""

from __future__ import annotations

from typing import Literal

from clinsim.hospital.calculators.declaration import Answer, Bands, calculator, meaning, total
from clinsim.hospital.calculators.measures import Count
from clinsim.hospital.calculators.quantity import InputError

Eye = Literal["spontaneous", "to voice", "to pressure", "none", "not testable"]
Verbal = Literal["oriented", "confused", "words", "sounds", "none", "not testable"]
Motor = Literal["obeys", "localises", "withdraws", "flexion", "extension", "none", "not testable"]

EYE: dict[Eye, int] = {"spontaneous": 4, "to voice": 3, "to pressure": 2, "none": 1}
VERBAL: dict[Verbal, int] = {"oriented": 5, "confused": 4, "words": 3, "sounds": 2, "none": 1}
MOTOR: dict[Motor, int] = {"obeys": 6, "localises": 5, "withdraws": 4, "flexion": 3, "extension": 2, "none": 1}
GCS_BANDS: Bands = ((8, "severe"), (12, "moderate"), (15, "mild"))
NIHSS_MAXIMUM: dict[str, int] = {
    "level_of_consciousness": 3,
    "questions": 2,
    "commands": 2,
    "gaze": 2,
    "visual": 3,
    "face": 3,
    "arm_left": 4,
    "arm_right": 4,
    "leg_left": 4,
    "leg_right": 4,
    "ataxia": 2,
    "sensory": 2,
    "language": 3,
    "dysarthria": 2,
    "extinction": 2,
}
"""Highest points of each item. Source: NINDS, NIH stroke scale, 2003."""
NIHSS_BANDS: Bands = ((0, "no deficit"), (4, "minor"), (15, "moderate"), (20, "moderate to severe"), (42, "severe"))
LARGE_VESSEL = 6
"""From here on a large vessel may be closed. Source: Powers, Stroke 2019;50:e344."""


@calculator("Glasgow coma scale", unit="points", citation="Teasdale, Lancet 1974;2:81; Teasdale, Lancet Neurol 2014;13:844")
def gcs(eye: Eye, verbal: Verbal, motor: Motor) -> Answer:
    """Coma scale, 3 to 15; with a part that cannot be tested there is no total, only the parts.

    Args:
        eye: Eye opening.
        verbal: Best verbal response.
        motor: Best motor response.
    """
    found = {"eye": EYE.get(eye), "verbal": VERBAL.get(verbal), "motor": MOTOR.get(motor)}
    parts: dict[str, float] = {name: points for name, points in found.items() if points is not None}
    if len(parts) < 3:
        return Answer(None, "not testable in part: report the parts, no total", parts)
    value = sum(parts.values())
    return Answer(value, meaning(value, GCS_BANDS), parts)


@calculator("NIHSS", unit="points", citation="Brott, Stroke 1989;20:864; NINDS, NIH stroke scale, 2003")
def nihss(
    level_of_consciousness: Count,
    questions: Count,
    commands: Count,
    gaze: Count,
    visual: Count,
    face: Count,
    language: Count,
    sensory: Count,
    extinction: Count,
    arm_left: Count | None = None,
    arm_right: Count | None = None,
    leg_left: Count | None = None,
    leg_right: Count | None = None,
    ataxia: Count | None = None,
    dysarthria: Count | None = None,
) -> Answer:
    """Severity of a stroke, 0 to 42.

    Args:
        level_of_consciousness: Item 1a, 0 to 3.
        questions: Item 1b, 0 to 2.
        commands: Item 1c, 0 to 2.
        gaze: Item 2, 0 to 2.
        visual: Item 3, 0 to 3.
        face: Item 4, 0 to 3.
        language: Item 9, 0 to 3.
        sensory: Item 8, 0 to 2.
        extinction: Item 11, 0 to 2.
        arm_left: Item 5a, 0 to 4; not given: untestable (amputation, fused joint), not counted.
        arm_right: Item 5b, 0 to 4; not given: as above.
        leg_left: Item 6a, 0 to 4; not given: as above.
        leg_right: Item 6b, 0 to 4; not given: as above.
        ataxia: Item 7, 0 to 2; not given: as above.
        dysarthria: Item 10, 0 to 2; not given: as above (tube).
    """
    given = {
        "level_of_consciousness": level_of_consciousness,
        "questions": questions,
        "commands": commands,
        "gaze": gaze,
        "visual": visual,
        "face": face,
        "arm_left": arm_left,
        "arm_right": arm_right,
        "leg_left": leg_left,
        "leg_right": leg_right,
        "ataxia": ataxia,
        "sensory": sensory,
        "language": language,
        "dysarthria": dysarthria,
        "extinction": extinction,
    }
    points = {name: _item(name, value, NIHSS_MAXIMUM[name]) for name, value in given.items() if value is not None}
    answer = total(points, NIHSS_BANDS)
    if sum(points.values()) < LARGE_VESSEL:
        return answer
    return Answer(answer.value, f"{answer.interpretation}; look for a closed large vessel", answer.components)


def _item(name: str, points: float, most: int) -> float:
    if points > most or points != int(points):
        raise InputError(f"{name} = {points:g}; allowed 0 to {most}")
    return points
