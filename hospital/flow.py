"""The mathematics of severity: logistic growth against what helps, and the first-order onset of what is given.

`dx/dt = growth x (1 - x) - loss x + push (1 - x)`. Within a step growth and loss are constant, so the step and both exposures have a closed form;
the push is applied at the end of the step. Times are minutes, rates per hour.
"""

from __future__ import annotations

from collections.abc import Callable
from math import exp, expm1, log1p

GRID_MINUTES = 5.0
"""Step of the absolute grid on which severity moves (minutes)."""
SETTLED = 1e-3
"""An effect this close to its goal has reached it."""
NO_GROWTH = 1e-9
"""Below this growth (1/h) severity only decays."""


Step = Callable[[float], tuple[float, float, float]]
"""From severity at the start of a step: severity at its end, and the integrals of severity and of its square over it (hours)."""


def steps(growth: float, loss: float, hours: float) -> Step:
    """The step of `hours` under constant rates, ready to be taken again and again.

    With r = growth - loss: x' = r x - growth x^2, so the integral of x is log(1 + c x) / growth with c = growth (e^(r h) - 1) / r, and the
    integral of x^2 follows from the equation itself.
    """
    rate = growth - loss
    factor = exp(rate * hours)
    span = expm1(rate * hours) / rate if abs(rate) > NO_GROWTH else hours
    if growth <= NO_GROWTH:
        square = expm1(2.0 * rate * hours) / (2.0 * rate) if abs(rate) > NO_GROWTH else hours
        return lambda x: (x * factor, x * span, x * x * square)
    c = growth * span

    def step(x: float) -> tuple[float, float, float]:
        after = x * factor / (1.0 + c * x)
        area = log1p(c * x) / growth
        square = (rate * area - (after - x)) / growth
        return after, area, square if square > 0.0 else 0.0

    return step


def flow(x: float, growth: float, loss: float, hours: float) -> tuple[float, float, float]:
    """Severity after `hours` of constant rates, and the integrals of severity and of its square over them (hours)."""
    return steps(growth, loss, hours)(x)


def pushed(x: float, push: float, hours: float) -> float:
    """Severity after `hours` of a harmful push towards 1."""
    return 1.0 + (x - 1.0) * exp(-push * hours)


class Kernel:
    """Something given: a rate (1/h) that comes on with a first-order onset towards a goal, which changes at given minutes."""

    __slots__ = ("changes", "goal", "level", "rate", "tau")

    def __init__(self, rate: float, tau: float) -> None:
        """Nothing yet: `rate` per hour at full strength, onset time constant `tau` in minutes."""
        self.rate = rate
        self.tau = tau
        self.level = 0.0
        self.goal = 0.0
        self.changes: list[tuple[float, float]] = []

    def copy(self) -> Kernel:
        """An independent copy."""
        twin = Kernel(self.rate, self.tau)
        twin.level, twin.goal, twin.changes = self.level, self.goal, self.changes.copy()
        return twin

    @property
    def aim(self) -> float:
        """The level it is heading for once all that is planned has happened."""
        return self.changes[-1][1] if self.changes else self.goal

    def turn(self, minute: float, goal: float) -> None:
        """From `minute` on, aim at `goal`; what was planned for later is dropped."""
        self.changes = [change for change in self.changes if change[0] < minute]
        self.changes.append((minute, goal))

    def mean(self, start: float, end: float) -> float:
        """The mean level between two minutes; the kernel moves on to `end`."""
        if not self.changes and self.level == self.goal:
            return self.level
        area = 0.0
        here = start
        while self.changes and self.changes[0][0] < end:
            minute, goal = self.changes.pop(0)
            minute = max(minute, here)
            area += self._relax(minute - here)
            self.goal, here = goal, minute
        return (area + self._relax(end - here)) / (end - start)

    def _relax(self, minutes: float) -> float:
        gap = self.level - self.goal
        left = exp(-minutes / self.tau)
        self.level = self.goal + gap * left
        return self.goal * minutes + gap * self.tau * (1.0 - left)

    def settle(self) -> bool:
        """Whether the level has reached its goal and no change is planned; a level close enough is set to its goal."""
        if self.changes or abs(self.level - self.goal) > SETTLED:
            return False
        self.level = self.goal
        return True
