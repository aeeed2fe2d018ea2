"""How people with one illness differ: how much of it shows in them, and what else is so with them that has nothing to do with it.

All of it is drawn once for a person, by key, so that looking changes nothing, and holds for every sheet: a condition says what it does on average.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from clinsim.body_file import load_bodies
from clinsim.condition_file import Condition
from clinsim.hospital.streams import Streams

if TYPE_CHECKING:
    from clinsim.hospital.people import Person


def expression(person: Person, streams: Streams) -> float:
    """How much of an illness shows in a person: about 1 in most, far less where the presentation is atypical, more often so in the old."""
    rule = load_bodies().scatter.expression
    share = rule.atypical_share_old if person.age >= rule.old_from else rule.atypical_share
    atypical = streams.uniform("scatter.atypical", person.id) < share
    return streams.between(*(rule.atypical if atypical else rule.typical), "scatter.expression", person.id)


def is_atypical(person: Person, streams: Streams) -> bool:
    """Whether the illness shows itself in an atypical way."""
    return expression(person, streams) < load_bodies().scatter.expression.typical[0]


def severity_at_arrival(condition: Condition, pid: str, streams: Streams) -> float:
    """Severity at arrival: mostly inside the range of the sheet, at times beyond it."""
    return min(0.95, max(0.5 * condition.course.severity[0], around(condition.course.severity, "course.severity", pid, streams)))


def around(span: tuple[float, float], process: str, pid: str, streams: Streams) -> float:
    """A number that mostly lies in the middle of a range of a sheet, at times beyond its ends."""
    low, high = span
    beyond = load_bodies().scatter.beyond * (high - low)
    middling = 0.5 * (streams.uniform(process, pid) + streams.uniform(process, pid, 1))
    return low - beyond + (high - low + 2.0 * beyond) * middling


def shifts(person: Person, streams: Streams) -> dict[str, float]:
    """By how much each vital sign and analyte is off for reasons that have nothing to do with the illness."""
    found: dict[str, float] = {}
    for state in load_bodies().scatter.states:
        if streams.uniform(f"scatter.{state.id}", person.id) < state.share * person.mixed:
            strength = streams.uniform(f"scatter.{state.id}", person.id, 1)
            for name, (least, most) in state.shifts.items():
                found[name] = found.get(name, 0.0) + least + (most - least) * strength
    return found
