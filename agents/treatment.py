"""From protocols and notes to orders: which steps are due for a patient now, in which dose, and where the patient belongs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from clinsim.agents.criteria import Test, compiled
from clinsim.agents.machine import call
from clinsim.agents.notes import Call, Case
from clinsim.agents.protocol_file import Placement, Step, protocols

TOOL_OF = {
    "test": "order_test",
    "imaging": "order_imaging",
    "drug": "order_drug",
    "procedure": "perform_procedure",
    "consult": "request_consult",
    "stop": "stop_drug",
}
USUAL_WEIGHT_KG = 75.0
"""Weight taken where the chart gives none (assumption)."""
LATER = {"consult": 3.5, "stop": 1.5}
"""Levels below which these steps do not go, whatever the level of their protocol: advice and reconciliation come after the patient's needs."""
LOOKS = frozenset({"test", "imaging"})
FOREVER = 1e9


@dataclass(frozen=True, slots=True)
class Item:
    """A step with its criteria compiled."""

    step: Step
    when: Test
    unless: Test | None
    again_while: Test
    instead: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A protocol with its criteria compiled; each of its steps with its level."""

    when: Test
    items: tuple[tuple[float, Item], ...]


@dataclass(slots=True)
class Plan:
    """What protocols ask for now: calls with their levels, whether tests are among them, and when time alone brings more."""

    calls: list[tuple[float, Call]] = field(default_factory=list)
    looks: bool = False
    next_at: float = FOREVER


@lru_cache(maxsize=1)
def _lines() -> tuple[Line, ...]:
    ordered = sorted(protocols().protocols, key=lambda protocol: protocol.level)
    return tuple(Line(compiled(p.when), tuple(_placed(float(p.level), order, step) for order, step in enumerate(p.steps))) for p in ordered)


def _placed(level: float, order: int, step: Step) -> tuple[float, Item]:
    return max(level, LATER.get(step.do, 0.0)) + order * 0.01, _item(step)


def _item(step: Step) -> Item:
    unless = compiled({"any": list(step.unless)}) if step.unless else None
    return Item(step, compiled(step.when), unless, compiled(step.again_while), tuple(_item(other) for other in step.instead))


@lru_cache(maxsize=1)
def _placements() -> tuple[tuple[Test, Placement], ...]:
    return tuple((compiled(rule.when), rule) for rule in protocols().placements)


def placement(case: Case) -> Placement:
    """Where the patient belongs: the first rule that holds (the last one always does)."""
    return next(rule for holds, rule in _placements() if holds(case))


def active_items(case: Case) -> tuple[tuple[float, Item], ...]:
    """The steps of the protocols that apply to a patient, each with its level."""
    return tuple(placed for line in _lines() if line.when(case) for placed in line.items)


def planned(case: Case, tools: frozenset[str], minute: float) -> Plan:
    """What the protocols that apply ask for at `minute` (`case.active` says which apply)."""
    plan = Plan()
    for level, item in case.active:
        if item.when(case):
            _consider(plan, case, tools, item, level, minute)
    return plan


def _consider(plan: Plan, case: Case, tools: frozenset[str], item: Item, level: float, minute: float) -> None:
    chosen = item if _is_open(item, case, tools) else next((choice for choice in item.instead if _is_open(choice, case, tools)), None)
    due = None if chosen is None else _due(chosen, case)
    if chosen is None or due is None:
        return
    if due > minute:
        plan.next_at = min(plan.next_at, due)
        return
    plan.calls.append((level, as_call(chosen.step, case)))
    plan.looks = plan.looks or chosen.step.do in LOOKS


def dose_meant(case: Case, drug: str) -> float | None:
    """The dose in which the protocols that apply mean a drug for this patient; None if none names it."""
    for _, item in case.active:
        for choice in (item, *item.instead):
            if choice.step.do == "drug" and choice.step.code == drug:
                return dose_for(choice.step, case)
    return None


def _is_open(item: Item, case: Case, tools: frozenset[str]) -> bool:
    """Whether a step may be taken at all: not forbidden here, not turned down, and the tool is granted."""
    step = item.step
    if TOOL_OF[step.do] not in tools or step.code in case.barred:
        return False
    refusal = case.refused.get((TOOL_OF[step.do], case.id, step.code))
    if refusal is not None and refusal.times > 1:
        return False
    return step.code in case.started or item.unless is None or not item.unless(case)


def _due(item: Item, case: Case) -> float | None:
    """The minute from which the step is due (0: at once), or None if it is done with."""
    step = item.step
    started = case.started.get(step.code)
    if started is None and not _is_there(step, case):
        return 0.0
    times = started.times if started else 1
    if step.again is None or times >= step.times or _is_open_order(step, case) or not item.again_while(case):
        return None
    given = case.given.get(step.code)
    return max(started.last if started else 0.0, given.last if given else 0.0, case.resulted.get(step.code, 0.0)) + step.again


def _is_there(step: Step, case: Case) -> bool:
    """Whether somebody else has asked for it, or it is in already."""
    if step.code in case.resulted or step.code in case.reported or step.code in case.given:
        return True
    return _is_open_order(step, case)


def _is_open_order(step: Step, case: Case) -> bool:
    return step.code in [order["code"] for order in case.row.get("orders", ())]


def as_call(step: Step, case: Case) -> Call:
    """The call that a step stands for."""
    return call(TOOL_OF[step.do], patient_id=case.id, **_ARGUMENTS[step.do](step, case))


def dose_for(step: Step, case: Case) -> float:
    """The dose of a step for this patient, in its unit: per kg where it says so, never beyond its cap."""
    dose = step.dose or 0.0
    if step.per_kg:
        dose *= case.numbers.get("weight", USUAL_WEIGHT_KG)
        dose = round(dose, 2) if dose < 10 else float(round(dose))
    return min(dose, step.most) if step.most is not None else dose


def _drug(step: Step, case: Case) -> dict[str, Any]:
    given = {"drug": step.code, "dose": dose_for(step, case), "unit": step.unit, "route": step.route, "priority": step.priority}
    return given | ({"override": True, "reason": step.text or "life at stake"} if step.override else {})


def _imaging(step: Step, case: Case) -> dict[str, Any]:
    asked = step.text or f"{case.row.get('complaint', 'illness').replace('_', ' ')}: {_likeliest(case)}?"
    return {"study": step.code, "priority": step.priority, "indication": asked}


def _likeliest(case: Case) -> str:
    return next(iter(case.chances), "cause").replace("_", " ")


_ARGUMENTS: dict[str, Callable[[Step, Case], dict[str, Any]]] = {
    "test": lambda step, case: {"test": step.code, "priority": step.priority},
    "imaging": _imaging,
    "drug": _drug,
    "procedure": lambda step, case: {"procedure": step.code, "priority": step.priority},
    "consult": lambda step, case: {"service": step.code, "question": step.text or f"Please advise: {_likeliest(case)}."},
    "stop": lambda step, case: {"drug": step.code},
}


def steps_of(step: Step) -> Iterator[Step]:
    """A step and what may stand in for it."""
    yield step
    for other in step.instead:
        yield from steps_of(other)
