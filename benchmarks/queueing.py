"""Queueing models on our clock and pools against others: the treatment centre of Nelson, and M/M/3; one process, in turn, CPU time.

    .venv/bin/python benchmarks/queueing.py

Ours are played by the code that `clinsim validate` runs, with keyed draws and every change of every pool in an event log. Against them: treat-sim
(a published model of the same centre), plain SimPy scripts of the same models, and Ciw. Ratios are patients (customers) per CPU-second, ours over
theirs: medians over interleaved pairs.
"""

from __future__ import annotations

import gc
import math
import random
import statistics
import time
from collections.abc import Callable, Generator, Iterable
from typing import Any

import ciw
import simpy
from treat_sim.model import Scenario, single_run

from clinsim.hospital.pool import Pool
from clinsim.hospital_file import Duration
from clinsim.validation.centre import CentreFile, Day
from clinsim.validation.network import Effort, Line, Replication, System
from clinsim.validation.treatment_centre import centre as load_centre

PAIRS = 9
DAYS = 4
ARRIVALS_PER_MINUTE, SERVICE_MINUTES, SERVERS = 2.4, 1.0, 3
CUSTOMER_MINUTES = 2_000.0
Log = list[tuple[Any, ...]]
Run = Callable[[int], int]
"""Plays a replication and says how many came."""


def watched(pools: Iterable[Pool], log: Log) -> None:
    """Write every change of the pools into an event log."""
    for pool in pools:
        pool.watch = lambda pool: log.append((pool.clock.now, "pool", pool.name, pool.busy, pool.queue, pool.units))


# ---------------------------------------------------------------- the treatment centre


def our_centre(centre: CentreFile) -> Run:
    """Days of the centre on our machinery, with its figures."""

    def run(seed: int) -> int:
        day, log = Day(centre, seed), Log()
        watched(day.pools.values(), log)
        day.play().figures()
        return len(day.stays)

    return run


def treat_sim_day(seed: int) -> int:
    """A day of the published model, with its summary."""
    return int(single_run(Scenario(), rc_period=1140.0, random_no_set=seed)["00_arrivals"].iloc[0])


def lognormal(mean: float, variance: float) -> tuple[float, float]:
    """Mean and spread of the logarithm."""
    spread = math.log(1.0 + variance / mean**2)
    return math.log(mean) - 0.5 * spread, math.sqrt(spread)


class PlainCentre:
    """The same centre as a plain SimPy script: its resources, its draws from one generator, waits in lists."""

    def __init__(self, centre: CentreFile, seed: int) -> None:
        self.rng = random.Random(seed)
        self.env = simpy.Environment()
        self.units = {name: simpy.Resource(self.env, units) for name, units in centre.units.items()}
        self.per_hour = centre.arrivals.per_hour
        self.waits: dict[str, list[float]] = {}
        self.totals: list[float] = []
        self.came = 0
        rng = self.rng
        registration, treatment, trauma = lognormal(5.0, 2.0), lognormal(13.3, 2.0), lognormal(30.0, 4.0)
        self.minutes: dict[str, Callable[[], float]] = {
            "triage": lambda: rng.expovariate(1 / 3.0),
            "registration": lambda: rng.lognormvariate(*registration),
            "examination": lambda: max(0.5, rng.normalvariate(16.0, math.sqrt(3.0))),
            "cubicle_1": lambda: rng.lognormvariate(*treatment),
            "trauma": lambda: rng.expovariate(1 / 90.0),
            "cubicle_2": lambda: rng.lognormvariate(*trauma),
        }

    def arrivals(self) -> Generator[simpy.Event, Any, None]:
        """Thinning at the highest rate."""
        highest, rng = max(self.per_hour) / 60.0, self.rng
        while True:
            yield self.env.timeout(rng.expovariate(highest))
            if rng.random() * highest < self.per_hour[int(self.env.now // 60) % len(self.per_hour)] / 60.0:
                self.came += 1
                self.env.process(self.visit())

    def visit(self) -> Generator[simpy.Event, Any, None]:
        """A patient walks the path."""
        rng, came = self.rng, self.env.now
        path = ("triage", "trauma", "cubicle_2") if rng.random() < 0.12 else ("triage", "registration", "examination", "cubicle_1")
        for stage in path:
            if stage == "cubicle_1" and rng.random() >= 0.6:
                continue
            asked = self.env.now
            with self.units[stage].request() as turn:
                yield turn
                self.waits.setdefault(stage, []).append(self.env.now - asked)
                yield self.env.timeout(self.minutes[stage]())
        self.totals.append(self.env.now - came)


def plain_centre(centre: CentreFile) -> Run:
    """Days of the centre as a plain SimPy script."""

    def run(seed: int) -> int:
        day = PlainCentre(centre, seed)
        day.env.process(day.arrivals())
        day.env.run(until=centre.minutes)
        return day.came

    return run


# ---------------------------------------------------------------- M/M/3


def mm3() -> System:
    """M/M/3 at a load of 0.8."""
    service = Duration(kind="exponential", mean=SERVICE_MINUTES, source="benchmark")
    line = Line(per_minute=ARRIVALS_PER_MINUTE, service=service)
    effort = Effort(quick=2, full=2)
    return System(
        id="mm3", title="M/M/3", units={"desk": SERVERS}, lines={"c": line}, warm_up=0.0, minutes=CUSTOMER_MINUTES,
        replications=effort, figures=(), source="benchmark",
    )  # fmt: skip


def our_queue(system: System) -> Run:
    """M/M/3 on our machinery."""

    def run(seed: int) -> int:
        replication, log = Replication(system, seed), Log()
        watched(replication.pools.values(), log)
        return int(replication.play()["arrived c"])

    return run


def bare_queue(seed: int) -> int:
    """M/M/3 in bare SimPy, with the waits in a list."""
    env, rng, waits = simpy.Environment(), random.Random(seed), []
    desk = simpy.Resource(env, SERVERS)

    def customer() -> Generator[simpy.Event, Any, None]:
        asked = env.now
        with desk.request() as turn:
            yield turn
            waits.append(env.now - asked)
            yield env.timeout(rng.expovariate(1.0 / SERVICE_MINUTES))

    def source() -> Generator[simpy.Event, Any, None]:
        while True:
            yield env.timeout(rng.expovariate(ARRIVALS_PER_MINUTE))
            env.process(customer())

    env.process(source())
    env.run(until=CUSTOMER_MINUTES)
    return len(waits)


def ciw_queue(seed: int) -> int:
    """M/M/3 in Ciw, with its records."""
    ciw.seed(seed)
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Exponential(rate=ARRIVALS_PER_MINUTE)],
        service_distributions=[ciw.dists.Exponential(rate=1.0 / SERVICE_MINUTES)],
        number_of_servers=[SERVERS],
    )
    simulation = ciw.Simulation(network)
    simulation.simulate_until_max_time(CUSTOMER_MINUTES)
    return len(simulation.get_all_records())


# ---------------------------------------------------------------- in turn


def rate(run: Run, seeds: range) -> float:
    """Patients or customers per CPU-second."""
    started = time.process_time()
    came = sum(run(seed) for seed in seeds)
    return came / (time.process_time() - started)


def main() -> None:
    """Measure in turn and print rates and ratios."""
    centre, system = load_centre(), mm3()
    table: dict[str, dict[str, tuple[Run, int]]] = {
        "treatment centre": {"ours": (our_centre(centre), DAYS), "treat-sim": (treat_sim_day, 1), "plain SimPy": (plain_centre(centre), DAYS)},
        "M/M/3": {"ours": (our_queue(system), 1), "bare SimPy": (bare_queue, 1), "Ciw": (ciw_queue, 1)},
    }
    for runs in table.values():
        for run, _ in runs.values():
            run(10**6)
    gc.collect()
    gc.freeze()
    for model, runs in table.items():
        rates: dict[str, list[float]] = {name: [] for name in runs}
        for pair in range(PAIRS):
            for name, (run, times) in runs.items():
                rates[name].append(rate(run, range(pair * times, (pair + 1) * times)))
        for name, found in rates.items():
            ratio = statistics.median(a / b for a, b in zip(rates["ours"], found, strict=True))
            print(f"{model:17s} {name:12s} {statistics.median(found):8.0f} a CPU-second" + ("" if name == "ours" else f", ours {ratio:.2f} times"))


if __name__ == "__main__":
    main()
