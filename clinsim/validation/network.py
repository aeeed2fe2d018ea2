"""Queueing systems as data, played on the clock, the pools, the arrivals and the keyed draws of the hospital.

A system has places (pools), and lines of customers who come at a rate, wait by priority, are served, and go on or leave. Time is in minutes.
"""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from math import pi, sin
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, model_validator

from clinsim.data_file import Rule
from clinsim.hospital.clock import Clock
from clinsim.hospital.pool import Pool
from clinsim.hospital.preemption import PreemptivePool, work
from clinsim.hospital.sampling import draw
from clinsim.hospital.streams import Streams
from clinsim.hospital.thinning import thinned
from clinsim.hospital_file import Duration, NonNegative, Positive, Share

if TYPE_CHECKING:
    from simpy.events import ProcessGenerator

MINUTES_PER_HOUR, HOURS_PER_DAY = 60.0, 24.0
Counts = dict[str, float]
"""What one replication has counted, by name: `wait` and `served` by line, `queue` and `present` by place, and so on."""


class Wave(Rule):
    """A rate that swings over the day: mean `per_hour`, relative amplitude, and the hour at which it rises through its mean."""

    per_hour: Positive
    amplitude: Share
    rises_at_hour: NonNegative


class Line(Rule):
    """Customers of one kind: their rate (one of three forms), where they enter, how long they are served, how long they wait at most."""

    per_minute: Positive | None = None
    by_hour: tuple[NonNegative, ...] = ()
    wave: Wave | None = None
    enters: str = "desk"
    priority: int = 0
    service: Duration
    patience: Duration | None = None

    @model_validator(mode="after")
    def _one_rate(self) -> Line:
        if (self.per_minute is not None) + bool(self.by_hour) + (self.wave is not None) != 1:
            raise ValueError("give one of per_minute, by_hour and wave")
        return self

    @property
    def highest(self) -> float:
        """The highest rate per minute."""
        if self.wave is not None:
            return self.wave.per_hour * (1.0 + self.wave.amplitude) / MINUTES_PER_HOUR
        return self.per_minute if self.per_minute is not None else max(self.by_hour) / MINUTES_PER_HOUR

    def rate(self, minute: float) -> float:
        """Arrivals per minute at a minute."""
        hour = minute / MINUTES_PER_HOUR
        if self.per_minute is not None:
            return self.per_minute
        if self.wave is None:
            return self.by_hour[int(hour) % len(self.by_hour)] / MINUTES_PER_HOUR
        swing = sin(2.0 * pi * (hour - self.wave.rises_at_hour) / HOURS_PER_DAY)
        return self.wave.per_hour * (1.0 + self.wave.amplitude * swing) / MINUTES_PER_HOUR


class Figure(Rule):
    """An exact value, and of which two counts it is the ratio; `scale` is the size that tolerances are shares of (default: the value)."""

    name: str
    of: str
    over: str
    exact: float
    scale: Positive | None = None


class Effort(Rule):
    """How many replications."""

    quick: Annotated[int, Field(ge=2)]
    full: Annotated[int, Field(ge=2)]


class System(Rule):
    """A queueing system: units by place, lines, where customers go on to with which probability, and what is known exactly.

    `preemptive`: whoever is more urgent takes the unit from whoever is less, who goes on later where the service was broken off.
    """

    id: str
    title: str
    units: dict[str, Annotated[int, Field(ge=1)]]
    lines: dict[str, Line]
    routes: dict[str, dict[str, Share]] = Field(default_factory=dict)
    service: dict[str, Duration] = Field(default_factory=dict)
    preemptive: bool = False
    room: Annotated[int, Field(ge=1)] | None = None
    late_after: NonNegative | None = None
    warm_up: NonNegative
    minutes: Positive
    looks: tuple[Positive, ...] = ()
    replications: Effort
    figures: tuple[Figure, ...]
    source: str


class Replication:
    """One replication of a system: it is played once and leaves its counts."""

    def __init__(self, system: System, seed: int) -> None:
        """Prepare a replication; nothing has happened yet."""
        self.system = system
        self.clock = Clock()
        self.streams = Streams(seed)
        self.pools = {name: self._pool(name, units) for name, units in system.units.items()}
        self.counts: Counts = defaultdict(float)
        self.here: dict[str, float] = dict.fromkeys(system.units, 0.0)

    def _pool(self, name: str, units: int) -> Pool:
        return PreemptivePool(self.clock, name, units) if self.system.preemptive else Pool(self.clock, name, units)

    def play(self) -> Counts:
        """Play to the end; what was counted after the warm-up."""
        system = self.system
        for name, line in system.lines.items():
            come = partial(self._come, name, line)
            self.clock.process(thinned(self.clock, self.streams, line.highest, line.rate, come, f"{system.id}.{name}"))
        self._reach(system.warm_up)
        self.counts.clear()
        before = self._areas()
        for minute in system.looks:
            self._reach(system.warm_up + minute)
            for name, pool in self.pools.items():
                self.counts[f"present {name} at {minute:g}"] = float(pool.busy + pool.queue)
                self.counts[f"queue {name} at {minute:g}"] = float(pool.queue)
        self._reach(system.warm_up + system.minutes)
        for name, area in self._areas().items():
            self.counts[name] = area - before[name]
        self.counts["minutes"], self.counts["replications"] = system.minutes, 1.0
        return dict(self.counts)

    def _reach(self, minute: float) -> None:
        self.clock.run_through(minute)
        self.clock.advance_to(minute)

    def _areas(self) -> Counts:
        areas: Counts = {}
        for name, pool in self.pools.items():
            busy, queue = pool.integrals()
            areas |= {f"busy {name}": busy, f"queue {name}": queue, f"present {name}": busy + queue}
        return {**areas, "present": sum(area for name, area in areas.items() if name.startswith("present"))}

    def _come(self, name: str, line: Line, index: int) -> None:
        pool = self.pools[line.enters]
        self.counts[f"arrived {name}"] += 1.0
        if self.system.room is not None and pool.busy + pool.queue >= self.system.room:
            self.counts[f"turned away {name}"] += 1.0
            return
        self.clock.process(self._visit(name, line, f"{name}{index}"))

    def _visit(self, name: str, line: Line, entity: str) -> ProcessGenerator:
        counts, came, place, step = self.counts, self.clock.now, line.enters, 0
        while place:
            asked, pool, rule = self.clock.now, self.pools[place], self.system.service.get(place, line.service)
            counts[f"reached {place}"] += 1.0
            if isinstance(pool, PreemptivePool):
                yield from work(pool, line.priority, draw(self.streams, rule, f"{self.system.id}.service", entity, step))
                place, step = self._onward(place, entity, step), step + 1
                continue
            with pool.request(line.priority) as turn:
                if line.patience is None:
                    yield turn
                else:
                    patience = draw(self.streams, line.patience, f"{self.system.id}.patience", entity, step)
                    yield self.clock.first_of(turn, self.clock.timeout(patience))
                counts[f"resolved {name}"] += 1.0
                if not turn.triggered:
                    counts[f"gave up {name}"] += 1.0
                    counts[f"delayed {name}"] += 1.0
                    return
                self._granted(name, self.clock.now - asked)
                yield self.clock.timeout(draw(self.streams, rule, f"{self.system.id}.service", entity, step))
            place = self._onward(place, entity, step)
            step += 1
        counts[f"stay {name}"] += self.clock.now - came
        counts[f"left {name}"] += 1.0

    def _granted(self, name: str, wait: float) -> None:
        counts = self.counts
        counts[f"wait {name}"] += wait
        counts[f"served {name}"] += 1.0
        if wait > 0.0:
            counts[f"delayed {name}"] += 1.0
            if self.system.late_after is not None and wait > self.system.late_after:
                counts[f"late {name}"] += 1.0

    def _onward(self, place: str, entity: str, step: int) -> str:
        left = self.streams.uniform(f"{self.system.id}.route", entity, step) if place in self.system.routes else 0.0
        for name, share in self.system.routes.get(place, {}).items():
            left -= share
            if left < 0.0:
                return name
        return ""
