"""Key figures of an episode, in one pass over its log: times from door to care, stays, losses, and time integrals of pools.

    figures = kpis(hospital.log, scenario)
    figures["door_to_doctor"]  # {"value": 23.4, "unit": "minutes", "n": 41}

Figures on patients count those who came through the door after the warm-up; where nobody did (a ward), those who were
there. Times are means in minutes. Utilisation and queue length are integrals over time, not sums of durations.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from math import fsum
from typing import Protocol

from clinsim.metric_pharmacy import Figure, figure
from clinsim.metric_tally import Tally
from clinsim.record import Entry

FROM_DOOR = ("door_to_doctor", "door_to_ecg", "door_to_antibiotic", "door_to_balloon", "door_to_ct")
"""Figures that are minutes from arrival to the first such moment, over the patients who had one."""
DELAYS = ("ct_to_report", "verification_time", "boarding_time")
"""Figures that are minutes from images to report, from drug order to verification, from bed request to bed."""
STAYS = ("home", "ward", "icu")
"""Ways of leaving the department for which the length of stay is given apart."""


class PoolUnits(Protocol):
    """The part of a pool's rule that is read here."""

    @property
    def units(self) -> int:
        """Units at the start."""
        ...


class PoolHouse(Protocol):
    """The part of a hospital file that is read here."""

    @property
    def pools(self) -> Mapping[str, PoolUnits]:
        """Pools by name."""
        ...


class Warmed(Protocol):
    """The part of a scenario file that is read here."""

    @property
    def warm_up_minutes(self) -> float:
        """Minutes at the start that do not count."""
        ...


class Observed(Protocol):
    """The part of a scenario that is read here; `clinsim.scenario_file.Scenario` is one."""

    @property
    def file(self) -> Warmed:
        """The scenario as written."""
        ...

    @property
    def hospital(self) -> PoolHouse:
        """The hospital that it is set in."""
        ...


def kpis(entries: Iterable[Entry], scenario: Observed, opens_at: float | None = None) -> dict[str, Figure]:
    """Key figures of a log, by name: value (None where n is 0), unit, and over how many (for integrals: minutes).

    Args:
        entries: The log.
        scenario: What was played.
        opens_at: Minute from which they count (None: after the scenario's own warm-up).
    """
    pools = {name: rule.units for name, rule in scenario.hospital.pools.items()}
    tally = tallied(entries, Tally(scenario.file.warm_up_minutes if opens_at is None else opens_at, pools))
    return dict((*_of_patients(tally), *_of_outcome(tally), *tally.pharmacy.figures(), *tally.reading.figures(), *_of_pools(tally)))


def census(entries: Iterable[Entry], every: float, minutes: float) -> tuple[float, ...]:
    """Mean number of patients in the department in each interval of `every` minutes, from the start to `minutes`."""
    tally, areas = Tally(), [0.0]
    for entry in entries:
        while entry.minute >= every * len(areas):
            areas.append(tally.present.until(every * len(areas)))
        tally.read(entry)
    areas += [tally.present.until(every * number) for number in range(len(areas), round(minutes / every) + 1)]
    return tuple((after - before) / every for before, after in pairwise(areas[: round(minutes / every) + 1]))


def outcome(entries: Iterable[Entry]) -> dict[str, float]:
    """Expected deaths and utility loss summed over the settled patients, and the number of harm events."""
    figures = dict(_of_outcome(tallied(entries, Tally())))
    return {name: figures[name]["value"] or 0.0 for name in ("expected_deaths", "utility_loss")} | {
        "harm_events": figures["harm_events"]["value"] or 0
    }


def tallied(entries: Iterable[Entry], tally: Tally) -> Tally:
    """`tally` after reading `entries`."""
    for entry in entries:
        tally.read(entry)
    return tally


def _of_patients(tally: Tally) -> Iterator[tuple[str, Figure]]:
    visits = tally.counted()
    yield "arrivals", figure(len(visits), "patients", len(visits))
    for name in FROM_DOOR:
        yield name, _mean([v.moments[name] - v.arrived_at for v in visits if name in v.moments])
    for name in DELAYS:
        yield name, _mean([minutes for v in visits for minutes in v.delays.get(name, ())])
    stays = [(v.left_to, v.left_at - v.arrived_at) for v in visits if v.left_at is not None]
    yield "length_of_stay", _mean([minutes for _, minutes in stays])
    for where in STAYS:
        yield f"length_of_stay_{where}", _mean([minutes for to, minutes in stays if to == where])
    unseen = sum(v.left_to == "left_unseen" for v in visits)
    yield "left_unseen", figure(unseen / max(1, len(visits)), "share", len(visits))


def _of_outcome(tally: Tally) -> Iterator[tuple[str, Figure]]:
    visits = tally.counted()
    settled = [(v.p_death, v.loss) for v in visits if v.p_death is not None]
    yield "harm_events", figure(tally.harms, "events", len(tally.visits))
    yield "deaths", figure(sum(v.died for v in visits), "patients", len(visits))
    yield "expected_deaths", figure(fsum(p for p, _ in settled), "patients", len(settled))
    yield "utility_loss", figure(fsum(loss for _, loss in settled), "utility", len(settled))


def _of_pools(tally: Tally) -> Iterator[tuple[str, Figure]]:
    end, minutes = tally.ends_at, tally.ends_at - tally.opens_at
    n = round(minutes)
    yield "occupancy", figure(tally.present.until(end) / (minutes or 1.0), "patients", n)
    for name, level in tally.pools.items():
        offered = level.units.until(end)
        yield f"utilisation_{name}", figure(level.busy.until(end) / offered if offered else 0.0, "share", n)
        yield f"queue_{name}", figure(level.queue.until(end) / (minutes or 1.0), "requests", n)


def _mean(minutes: list[float]) -> Figure:
    return figure(fsum(minutes) / max(1, len(minutes)), "minutes", len(minutes))
