"""A treatment centre as data, played on the clock, the pools, the arrivals and the keyed draws of the hospital.

Patients of a kind walk a path of stages. `nspp` is the exact process of the stated rates; `nspp_lagged` looks the rate up at the arrival before,
as the published model does, and so comes late at every change of the profile.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from math import exp, fsum, log, sqrt
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from clinsim.data_file import Rule
from clinsim.hospital.clock import Clock
from clinsim.hospital.pool import Pool
from clinsim.hospital.sampling import draw
from clinsim.hospital.streams import Streams
from clinsim.hospital.thinning import thinned
from clinsim.hospital_file import Duration, NonNegative, Positive, Share, Source

if TYPE_CHECKING:
    from simpy.events import ProcessGenerator

Arrivals = Literal["nspp", "nspp_lagged"]
Units = Annotated[int, Field(ge=1)]
Bounds = tuple[float, float, float]


class Service(Rule):
    """Minutes at a stage, as published: exponential by mean, lognormal by mean and variance, or normal and never below `least`."""

    kind: Literal["exponential", "lognormal", "normal"]
    mean: Positive
    variance: NonNegative = 0.0
    least: NonNegative = 0.0

    def minutes(self, streams: Streams, stage: str, entity: str) -> float:
        """Minutes at the stage for the key."""
        if self.kind == "normal":
            return max(self.least, self.mean + sqrt(self.variance) * streams.normal(stage, entity))
        return draw(streams, self._rule, stage, entity)

    @cached_property
    def _rule(self) -> Duration:
        if self.kind == "exponential":
            return Duration(kind="exponential", mean=self.mean, source="as published")
        spread = log(1.0 + self.variance / self.mean**2)
        return Duration(kind="lognormal", median=self.mean * exp(-0.5 * spread), sigma=sqrt(spread), source="as published")


class Stage(Rule):
    """One step of a path: where, how long, and the share of patients who need it."""

    stage: str
    pool: str
    share: Share = 1.0
    service: Service


class Kind(Rule):
    """Patients of one kind: their share among arrivals, and their path."""

    share: Share
    path: tuple[Stage, ...]
    source: Source


class Change(Rule):
    """What a scenario changes: units by pool, mean minutes by stage."""

    units: dict[str, Units] = Field(default_factory=dict)
    means: dict[str, Positive] = Field(default_factory=dict)


class FigureRule(Rule):
    """What a figure is: a mean wait or the booked share of a stage, total time of a kind, arrivals, or patients who were finished."""

    of: Literal["arrivals", "wait", "booked", "total", "throughput"]
    stage: str = ""
    kind: str = ""


class ProfileRule(Rule):
    """Arrivals by hour from the start."""

    per_hour: tuple[NonNegative, ...]
    source: Source


class BaseColumn(Rule):
    """Published means of the base case with their 95 % intervals."""

    replications: Units
    source: Source
    values: dict[str, Bounds]


class Column(Rule):
    """Published means of several scenarios."""

    replications: Units
    source: Source
    values: dict[str, dict[str, float]]


class Effects(Rule):
    """Published differences from the base, with half-widths of their 95 % intervals."""

    replications: Units
    source: Source
    values: dict[str, dict[str, tuple[float, float]]]


class CentreFile(Rule):
    """The file of a treatment centre."""

    id: str
    title: str
    minutes: Positive
    arrivals: ProfileRule
    units: dict[str, Units]
    units_source: Source
    kinds: dict[str, Kind]
    figures: dict[str, FigureRule]
    scenarios: dict[str, Change]
    base_column: BaseColumn
    told_apart: tuple[str, ...]
    columns: tuple[Column, ...]
    effects: Effects


@dataclass(slots=True)
class Stay:
    """One patient: minutes waited and minutes booked by stage; `minute` is when the wait or the service of `at` began."""

    kind: str
    came: float
    waits: dict[str, float] = field(default_factory=dict)
    booked: dict[str, float] = field(default_factory=dict)
    at: str = ""
    minute: float = 0.0
    finished: float | None = None


class Day:
    """One day of the centre."""

    def __init__(self, centre: CentreFile, seed: int, arrivals: Arrivals = "nspp", change: Change | None = None) -> None:
        """Prepare a day; nothing has happened yet."""
        self.centre = centre
        self.change = change or Change()
        self.clock = Clock()
        self.streams = Streams(seed)
        self.pools = {name: Pool(self.clock, name, units) for name, units in {**centre.units, **self.change.units}.items()}
        self.stays: list[Stay] = []
        self._lagged = arrivals == "nspp_lagged"
        self._kinds = tuple((name, kind.share) for name, kind in centre.kinds.items())
        self._services = {stage.stage: self._service(stage) for kind in centre.kinds.values() for stage in kind.path}

    def play(self) -> Day:
        """Play the day to its end."""
        per_hour = self.centre.arrivals.per_hour
        self.clock.process(thinned(self.clock, self.streams, max(per_hour) / 60.0, self._rate(), self._come))
        self.clock.run_through(self.centre.minutes)
        self.clock.advance_to(self.centre.minutes)
        return self

    def _rate(self) -> Callable[[float], float]:
        per_hour = self.centre.arrivals.per_hour

        def rate(minute: float) -> float:
            looked_up = (self.stays[-1].came if self.stays else 0.0) if self._lagged else minute
            return per_hour[int(looked_up // 60.0) % len(per_hour)] / 60.0

        return rate

    def _service(self, stage: Stage) -> Service:
        return stage.service.model_copy(update={"mean": self.change.means.get(stage.stage, stage.service.mean)})

    def _come(self, index: int) -> None:
        stay = Stay(self.streams.pick(self._kinds, "arrival", "kind", index), self.clock.now)
        self.stays.append(stay)
        self.clock.process(self._walk(stay, str(index)))

    def _walk(self, stay: Stay, entity: str) -> ProcessGenerator:
        for stage in self.centre.kinds[stay.kind].path:
            if stage.share < 1.0 and self.streams.uniform(f"{stage.stage}.needed", entity) >= stage.share:
                continue
            stay.at, stay.minute = stage.stage, self.clock.now
            with self.pools[stage.pool].request() as turn:
                yield turn
                stay.waits[stage.stage] = self.clock.now - stay.minute
                stay.minute = self.clock.now
                stay.booked[stage.stage] = self._services[stage.stage].minutes(self.streams, stage.stage, entity)
                yield self.clock.timeout(stay.booked[stage.stage])
        stay.finished = self.clock.now

    # ---------------------------------------------------------------- what came of it

    def figures(self) -> dict[str, float | None]:
        """The figures of the day, by name; None where there was nobody."""
        return {name: self._figure(rule) for name, rule in self.centre.figures.items()}

    def _figure(self, rule: FigureRule) -> float | None:
        if rule.of == "arrivals":
            return float(len(self.stays))
        if rule.of == "throughput":
            return float(sum(stay.finished is not None for stay in self.stays))
        if rule.of == "wait":
            return _mean([stay.waits[rule.stage] for stay in self.stays if rule.stage in stay.waits])
        if rule.of == "total":
            return _mean([stay.finished - stay.came for stay in self.stays if stay.finished is not None and stay.kind == rule.kind])
        return self.booked_share(rule.stage)

    def pool_of(self, stage: str) -> Pool:
        """The pool of a stage."""
        return self.pools[next(step.pool for kind in self.centre.kinds.values() for step in kind.path if step.stage == stage)]

    def booked_share(self, stage: str) -> float:
        """Minutes booked at the stage over minutes there were: the published measure, which can exceed 1."""
        return fsum(stay.booked.get(stage, 0.0) for stay in self.stays) / (self.centre.minutes * self.pool_of(stage).units)

    def utilisation(self, stage: str) -> float:
        """The share of time that the units of the stage were busy, as an integral over time."""
        pool = self.pool_of(stage)
        return pool.integrals()[0] / (self.centre.minutes * pool.units)

    def little(self, stage: str) -> tuple[float, float]:
        """How far the integrals of busy units and of the queue (minutes) lie from what the patients' own times add up to."""
        end, served, waited = self.centre.minutes, 0.0, 0.0
        for stay in self.stays:
            here = stay.at == stage and stay.finished is None
            waited += stay.waits.get(stage, end - stay.minute if here else 0.0)
            booked = stay.booked.get(stage, 0.0)
            served += min(booked, end - stay.minute) if here else booked
        busy, queue = self.pool_of(stage).integrals()
        return busy - served, queue - waited


def _mean(values: list[float]) -> float | None:
    return fsum(values) / len(values) if values else None
