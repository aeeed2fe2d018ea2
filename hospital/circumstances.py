"""Whether circumstances hold for a patient: a table of questions, one per field of a sheet's `when`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from clinsim.condition_parts import When

if TYPE_CHECKING:
    from clinsim.hospital.course import Course

QUESTIONS: dict[str, Callable[[When, Course, float], bool]] = {
    "allergy": lambda when, course, minute: when.allergy in course.person.allergies,
    "comorbidity": lambda when, course, minute: when.comorbidity in course.person.comorbidities,
    "home_drugs": lambda when, course, minute: not set(when.home_drugs).isdisjoint(course.person.home_drugs),
    "onset_after_hours": lambda when, course, minute: minute - course.onset_at > 60.0 * (when.onset_after_hours or 0.0),
    "x_above": lambda when, course, minute: course.x > (when.x_above or 0.0),
    "x_below": lambda when, course, minute: course.x < (when.x_below or 0.0),
    "sign": lambda when, course, minute: _beyond(when, course.true_sign(when.sign, course.stands_at)),
    "age_above": lambda when, course, minute: course.person.age > (when.age_above or 0.0),
    "egfr_below": lambda when, course, minute: course.person.egfr < (when.egfr_below or 0.0),
}
"""What each field asks; fields that a sheet leaves out are not asked."""


def all_hold(when: When, course: Course, minute: float) -> bool:
    """Whether every circumstance that `when` names holds for the patient at `minute`; severity and signs are those where the course stands."""
    return all(question(when, course, minute) for field, question in QUESTIONS.items() if getattr(when, field) not in ("", (), None))


def _beyond(when: When, value: float) -> bool:
    return (when.below is not None and value < when.below) or (when.above is not None and value > when.above)
