"""What becomes of a patient: the course is settled to 30 days after arrival under stated care, and read as probabilities and utility loss.

Nothing here changes a course. Steps are as long as the onset of what was given allows; where rates are constant the step is exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp

from clinsim.condition_file import Condition
from clinsim.hospital.course import Course
from clinsim.hospital.dosing import is_open, new_kernel
from clinsim.hospital.flow import GRID_MINUTES, Kernel, flow, pushed
from clinsim.hospital.people import Person
from clinsim.hospital.streams import Streams

SETTLED_AFTER_MINUTES = 30.0 * 1440.0
STRETCH = 0.5
"""A step may be this share of the time since the last change."""
LONGEST_PUSHED_MINUTES = 60.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """Probabilities of death and, for survivors, of disability at 30 days, and the expected utility loss (0 to 1)."""

    p_death: float
    p_disability: float
    loss: float


def outcome(course: Course, minute: float, care_from: float | None, weaned: bool = False) -> Outcome:
    """The outcome at 30 days after arrival if things go on as said from `minute`.

    Args:
        course: The patient's course; it is not changed.
        minute: From when on nobody decides any more.
        care_from: When whoever takes over begins the condition's essential treatments (minute); None: never.
        weaned: Whether what was given so far stops at `minute` (what lasts, lasts).
    """
    if course.is_over:
        return _of_the_dead(course)
    kernels = {name: kernel.copy() for name, kernel in course.helping.items()}
    if weaned:
        _wean(course, kernels, minute)
    if care_from is not None:
        _take_over(course, kernels, max(care_from, minute))
    hazard, exposure = _settle(course, kernels, [kernel.copy() for kernel in course.harmed.values()])
    return _read(course, hazard, exposure)


def references(condition: Condition, person: Person, streams: Streams, minute: float) -> tuple[Outcome, Outcome]:
    """The outcomes of this very person arriving at `minute`: never cared for, and with all essential treatments at their targets."""
    course = Course(condition, person, streams, minute)
    return planned(course, {}), planned(course, on_target(condition, minute))


def on_target(condition: Condition, minute: float) -> dict[str, float]:
    """Minutes at which the essential treatments begin if all is done in time for a patient who arrives at `minute`."""
    return {treatment.id: minute + (treatment.target_minutes or 0.0) for treatment in condition.essential}


def planned(course: Course, starts: Mapping[str, float]) -> Outcome:
    """The outcome if, from where the course stands, just the treatments of `starts` begin at their minutes (if they are still open then)."""
    return _read(course, *burden(course, starts))


def burden(course: Course, starts: Mapping[str, float]) -> tuple[float, float]:
    """Cumulative hazard of death, and exposure to severity (hours), at 30 days after arrival under that plan."""
    kernels: dict[str, Kernel] = {}
    for treatment in course.condition.treatments:
        start = starts.get(treatment.id)
        if start is not None and is_open(treatment, course, start):
            kernels[treatment.id] = new_kernel(course.condition, treatment)
            kernels[treatment.id].turn(start, 1.0)
    return _settle(course, kernels, [])


def _wean(course: Course, kernels: dict[str, Kernel], minute: float) -> None:
    lasting = {treatment.id for treatment in course.condition.treatments if treatment.lasting}
    for name, kernel in kernels.items():
        if name not in lasting:
            kernel.turn(minute, 0.0)


def _take_over(course: Course, kernels: dict[str, Kernel], minute: float) -> None:
    for treatment in course.condition.essential:
        if treatment.id in kernels or is_open(treatment, course, minute):
            kernels.setdefault(treatment.id, new_kernel(course.condition, treatment)).turn(minute, 1.0)


def _of_the_dead(course: Course) -> Outcome:
    """Treatments stop counting at death, and a death is never cheaper than the untreated course."""
    alone = planned(course, {})
    untreated = planned(Course(course.condition, course.person, course.streams, course.arrived_at), {})
    return Outcome(max(alone.p_death, untreated.p_death), max(alone.p_disability, untreated.p_disability), max(alone.loss, untreated.loss))


def _read(course: Course, hazard: float, exposure: float) -> Outcome:
    fitted = course.condition.fitted
    p_death = 1.0 - exp(-hazard) * (1.0 - course.event_death)
    p_disability = 1.0 - exp(-((fitted.disability_rate * exposure) ** fitted.disability_power))
    loss = p_death + (1.0 - p_death) * p_disability * course.condition.disability_loss + course.event_loss
    return Outcome(p_death, p_disability, min(1.0, loss))


def _settle(course: Course, helping: dict[str, Kernel], harming: list[Kernel]) -> tuple[float, float]:
    """Cumulative hazard and exposure at 30 days with these kernels, from where the course stands."""
    rule = course.condition.course
    turns = course.turns_at * GRID_MINUTES
    end = course.first * GRID_MINUTES + SETTLED_AFTER_MINUTES
    here = changed = course.index * GRID_MINUTES
    x, hazard, exposure = course.x, course.hazard, course.exposure
    helps = list(helping.values())
    while here < end:
        growing = here < turns
        after, changed = _next_step(here, turns if growing and turns < end else end, changed, helps, harming)
        loss = 0.0 if growing else rule.recovery
        for kernel in helps:
            loss += kernel.rate * kernel.mean(here, after)
        push = 0.0
        for kernel in harming:
            push += kernel.rate * kernel.mean(here, after)
        hours = (after - here) / 60.0
        x, area, square = flow(x, rule.growth if growing else 0.0, loss, hours)
        x = pushed(x, push, hours) if push else x
        exposure += area
        hazard += course.danger * square
        here = after
    return hazard, exposure


def _next_step(here: float, limit: float, changed: float, helping: list[Kernel], harming: list[Kernel]) -> tuple[float, float]:
    """Where the next step ends, and when something last changed: no step runs over a change, and steps grow with the time since."""
    moving = False
    for kernel in (*helping, *harming):
        if kernel.changes:
            due = kernel.changes[0][0]
            if due <= here:
                moving, changed = True, here
            else:
                limit = min(limit, due)
                moving = moving or kernel.level != kernel.goal
        elif not kernel.settle():
            moving = True
    if moving:
        limit = min(limit, here + max(GRID_MINUTES, STRETCH * (here - changed)))
    if any(kernel.rate > 0.0 and kernel.level > 0.0 for kernel in harming):
        limit = min(limit, here + LONGEST_PUSHED_MINUTES)
    return limit, changed
