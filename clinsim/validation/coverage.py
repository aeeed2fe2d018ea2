"""Do the intervals of `clinsim experiment` hold the truth as often as they say? Asked of a queue whose exact values are known."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from clinsim.experiment import Outcome, Plan, WarmUp, conduct
from clinsim.processes import shared_out
from clinsim.validation.checks import Check, within
from clinsim.validation.network import Replication, System

EXACT = {"mean wait": 4.0, "utilisation": 0.8}
"""M/M/1 at 0.8 (system A1)."""
WARM_UP, REPLICATIONS, SEED = 400.0, 10, 71_000_000
EXPERIMENTS = {"quick": (40, 300.0, 0.825, 1.0), "full": (200, 1600.0, 0.90, 0.98)}
"""Experiments, minutes of each replication, and the least and largest share of intervals that may hold the exact value.

Of forty honest intervals of 95 %, fewer than 33 hold the truth once in a thousand times.
"""


@dataclass(frozen=True, slots=True)
class Queue:
    """A system with one line as a model of an experiment: mean wait and utilisation of a run of so many minutes."""

    system: System
    minutes: float

    def __call__(self, seed: int, opens_at: tuple[float, ...]) -> Outcome:
        """Play a seed."""
        return Outcome({cut: self._figures(seed, cut) for cut in opens_at})

    def _figures(self, seed: int, cut: float) -> dict[str, float | None]:
        system = self.system.model_copy(update={"minutes": self.minutes, "warm_up": cut, "looks": ()})
        counts = Replication(system, seed).play()
        return {"mean wait": counts["wait a"] / counts["served a"], "utilisation": counts["busy desk"] / self.minutes}


def coverage(system: System, quick: bool, warm_up: float = WARM_UP) -> list[Check]:
    """The share of intervals that hold the exact value, for each figure.

    Args:
        system: System A1.
        quick: Fewer and shorter experiments.
        warm_up: Minutes that are cut.
    """
    number, minutes, low, high = EXPERIMENTS["quick" if quick else "full"]
    held = shared_out(partial(_holds, Queue(system, minutes), warm_up), range(number), 4)
    shares = {figure: sum(found[figure] for found in held) / number for figure in EXACT}
    name = f"{system.id} intervals of {number} experiments that hold the exact"
    return [within(f"{name}: {figure}", share, 0.95, low, high, n=number, group="coverage") for figure, share in shares.items()]


def _holds(model: Queue, warm_up: float, number: int) -> dict[str, bool]:
    """Whether the intervals of one experiment, with seeds of its own, hold the exact values."""
    found = conduct({"base": model}, Plan(REPLICATIONS, first_seed=SEED + REPLICATIONS * number, warm_up=WarmUp(warm_up), processes=1))
    estimates = {figure: found.estimate("base", figure) for figure in EXACT}
    return {figure: one is not None and one.low <= EXACT[figure] <= one.high for figure, one in estimates.items()}
