"""Rules of giving: when a treatment can begin, how strong it is in this patient at this dose, when it wears off, when a dose harms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clinsim.body_file import load_bodies
from clinsim.condition_file import Condition
from clinsim.condition_parts import Harm, Treatment
from clinsim.hospital.circumstances import all_hold
from clinsim.hospital.flow import Kernel

if TYPE_CHECKING:
    from clinsim.hospital.course import Course

WEAK_DOSE = 0.5
"""Share of the effect that a dose below the useful one has, or any dose where the sheet says that the treatment is weaker (assumption)."""


def new_kernel(condition: Condition, treatment: Treatment) -> Kernel:
    """A kernel for `treatment` at the strength that was fitted for the sheet."""
    return Kernel(treatment.effect * condition.fitted.effect_scale, treatment.onset_minutes)


def is_open(treatment: Treatment, course: Course, minute: float) -> bool:
    """Whether a treatment could help if begun at `minute`: inside its window, and not barred."""
    late = treatment.window_hours is not None and minute - course.onset_at > 60.0 * treatment.window_hours
    return not late and not any(all_hold(when, course, minute) for when in treatment.barred)


def falls_short(treatment: Treatment, code: str, amount: float | None) -> bool:
    """Whether a dose is below the least useful one of a treatment."""
    return treatment.min_dose is not None and amount is not None and code == treatment.any_of[0] and amount < treatment.min_dose


def strength(treatment: Treatment, course: Course, code: str, dose_ok: bool, amount: float | None) -> float:
    """The share of its effect that a treatment has in this patient at this dose."""
    weaker = any(all_hold(when, course, course.stands_at) for when in treatment.weaker)
    return (WEAK_DOSE if falls_short(treatment, code, amount) or not dose_ok else 1.0) * (WEAK_DOSE if weaker else 1.0)


def turn_on(kernel: Kernel, treatment: Treatment, code: str, minute: float, goal: float) -> None:
    """Begin a treatment at a strength; what is short-acting ends by itself."""
    kernel.turn(minute, goal)
    lasts = treatment.lasts_minutes or load_bodies().signs.dose_lasts.get(code)
    if lasts is not None and not treatment.lasting and code in treatment.any_of:
        kernel.changes.append((minute + lasts, 0.0))


def harms_of(condition: Condition) -> tuple[Harm, ...]:
    """The harms of the sheet, and those that harm anybody."""
    return (*condition.harms, *load_bodies().general.harms)


def does_harm(harm: Harm, course: Course, code: str) -> bool:
    """Whether giving `code` once more does this harm to the patient."""
    if harm not in course.condition.harms and course.condition.has_use_for(code):
        return False
    spared = any(course.doses.get(other) for other in harm.unless)
    enough = sum(course.doses.get(other, 0) for other in harm.any_of) + 1 >= harm.from_dose
    return enough and not spared and (not harm.when or any(all_hold(when, course, course.stands_at) for when in harm.when))
