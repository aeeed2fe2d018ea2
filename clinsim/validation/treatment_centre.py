"""A published treatment centre, played on our machinery, against what its published model gives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from math import sqrt
from typing import Any

from clinsim.data_file import checked, read_data
from clinsim.intervals import Estimate, normal_z, of_mean, of_pairs, student_t, welch
from clinsim.processes import shared_out
from clinsim.validation.centre import Arrivals, CentreFile, Day
from clinsim.validation.checks import Check, agrees, apart, holds, part, unjudged, within

PART = "treatment-centre"
FILE = "validation/treatment_centre.yaml"
SEED = 51_000_000
REPLICATIONS = {"quick": (60, 24), "full": (1000, 250)}
"""Replications of the base case, and of each other scenario."""
QUICK_SCENARIOS = ("triage+1", "treat+1")
EQUAL = 1e-6
"""Minutes by which two sums of the same times may differ for rounding, for each patient."""

Run = tuple[str, Arrivals, int]
"""Scenario, arrivals and number of a replication."""


class Result:
    """What is kept of one day: figures, arrivals by hour, and how well the books balance."""

    __slots__ = ("by_hour", "figures", "imbalance", "most_booked", "most_used", "upstream")

    def __init__(self, day: Day) -> None:
        """Read a day that has been played."""
        stages = [stage.stage for kind in day.centre.kinds.values() for stage in kind.path]
        self.figures = day.figures()
        self.by_hour = Counter(int(stay.came // 60.0) for stay in day.stays)
        self.most_booked = max(day.booked_share(stage) for stage in stages if stage != "triage")
        self.most_used = max(day.utilisation(stage) for stage in stages)
        self.imbalance = max(abs(gap) for stage in stages for gap in day.little(stage)) / max(1, len(day.stays))
        self.upstream = [(stay.came, stay.kind, stay.waits.get("triage"), stay.waits.get("registration")) for stay in day.stays]


@lru_cache(maxsize=1)
def centre() -> CentreFile:
    """The centre, read once."""
    return checked(CentreFile, read_data(FILE), FILE)


def play(run: Run) -> Result:
    """Play one replication."""
    scenario, arrivals, number = run
    return Result(Day(centre(), SEED + number, arrivals, centre().scenarios[scenario]).play())


def report(quick: bool = False) -> dict[str, dict[str, Any]]:
    """The part `treatment-centre`.

    Args:
        quick: Fewer replications and scenarios; what takes the full size to tell apart is then told and not judged.
    """
    most, some = REPLICATIONS["quick" if quick else "full"]
    names = QUICK_SCENARIOS if quick else tuple(name for name in centre().scenarios if name != "base")
    runs: list[Run] = [("base", arrivals, number) for arrivals in ("nspp_lagged", "nspp") for number in range(most)]
    runs += [(name, "nspp_lagged", number) for name in names for number in range(some)]
    played = shared_out(play, runs, 4)
    lagged, exact = played[:most], played[most : 2 * most]
    others = {name: played[2 * most + k * some : 2 * most + (k + 1) * some] for k, name in enumerate(names)}
    checks = [*base_case(lagged), *told_apart(exact, quick), *profile(exact, lagged), *books(lagged)]
    return part(PART, [*checks, *columns({"base": lagged, **others}), *effects(lagged, others), upstream(lagged, others["treat+1"])])


def _values(results: list[Result], figure: str) -> list[float]:
    return [value for result in results if (value := result.figures[figure]) is not None]


def _published(figure: str) -> Estimate:
    column = centre().base_column
    mean, low, high = column.values[figure]
    return Estimate(mean, 0.5 * (high - low) / normal_z(), low, high, column.replications)


def base_case(results: list[Result]) -> list[Check]:
    """The base case against the published column, figure by figure, by Welch's difference."""
    return [_against_column(f"base: {figure}", results, figure) for figure in centre().base_column.values]


def _against_column(name: str, results: list[Result], figure: str) -> Check:
    ours, theirs = of_mean(_values(results, figure)), _published(figure)
    return agrees(name, welch(ours, theirs), ours.mean, theirs.mean, group="base")


def told_apart(exact: list[Result], quick: bool) -> list[Check]:
    """Exact arrivals give other figures than the published model: four of them must show it."""
    checks = []
    for figure in centre().told_apart:
        ours, theirs = of_mean(_values(exact, figure)), _published(figure)
        found = apart(f"exact arrivals are told apart by {figure}", welch(ours, theirs), ours.mean, theirs.mean, group="apart")
        checks.append({**found, "passed": None} if quick else found)
    return checks


def profile(exact: list[Result], lagged: list[Result]) -> list[Check]:
    """Arrivals by hour: the exact process follows the profile in every hour, the lagged one does not."""
    worst = {name: max(abs(z) for z in _by_hour(results)) for name, results in (("exact", exact), ("lagged", lagged))}
    fits = within("arrivals by hour follow the profile, largest |z| (nspp)", worst["exact"], 0.0, 0.0, 4.0, group="arrivals")
    lags = within("arrivals by hour do not follow it, largest |z| (nspp_lagged)", worst["lagged"], 0.0, 4.0, 1e9, group="arrivals")
    return [fits, {**lags, "high": None, "told_apart": True}]


def _by_hour(results: list[Result]) -> list[float]:
    """Standard errors by which each hour's arrivals lie above the profile, as a Poisson process."""
    rates = centre().arrivals.per_hour
    hours = range(int(centre().minutes // 60.0))
    expected = {hour: rates[hour % len(rates)] * len(results) for hour in hours}
    return [(sum(result.by_hour[hour] for result in results) - expected[hour]) / sqrt(expected[hour]) for hour in hours]


def books(results: list[Result]) -> list[Check]:
    """No unit is busy for more time than there is, and the integrals over time are what the patients' own times add up to."""
    used, booked = (max(getattr(result, name) for result in results) for name in ("most_used", "most_booked"))
    return [
        within("largest utilisation of a day, as an integral over time", used, 1.0, 0.0, 1.0 + 1e-9, group="books"),
        unjudged("largest sum of durations over time of a day, the published measure", booked, None, group="books"),
        within("Little's law, largest gap (minutes a patient)", max(result.imbalance for result in results), 0.0, 0.0, EQUAL, group="books"),
    ]


def columns(results: Mapping[str, list[Result]]) -> list[Check]:
    """Published means of the scenarios; their spread is taken to be that of ours, since they were given without."""
    checks = []
    for column in centre().columns:
        for scenario, figures in column.values.items():
            for figure, mean in figures.items():
                if scenario in results:
                    ours = of_mean(_values(results[scenario], figure))
                    theirs = Estimate(mean, ours.error * sqrt(ours.n / column.replications), mean, mean, column.replications)
                    name = f"{scenario}: {figure} ({column.replications} replications)"
                    checks.append(agrees(name, welch(ours, theirs), ours.mean, mean, group=scenario))
    return checks


def effects(base: list[Result], others: Mapping[str, list[Result]]) -> list[Check]:
    """Differences from the base with common random numbers, against the published ones."""
    checks = []
    published = centre().effects
    for scenario, figures in published.values.items():
        for figure, (mean, half) in figures.items():
            if scenario in others:
                pairs = [(one.figures[figure] or 0.0, other.figures[figure] or 0.0) for one, other in zip(others[scenario], base, strict=False)]
                ours = of_pairs([one for one, _ in pairs], [other for _, other in pairs])
                theirs = Estimate(mean, half / student_t(published.replications - 1), mean - half, mean + half, published.replications)
                checks.append(agrees(f"{scenario} less base: {figure}", welch(ours, theirs), ours.mean, mean, group="effects"))
    return checks


def upstream(base: list[Result], more: list[Result]) -> Check:
    """A second cubicle leaves everything before it bit-identical: arrivals, kinds, waits for triage and registration."""
    same = all(one.upstream == other.upstream for one, other in zip(base, more, strict=False))
    return holds("a second cubicle changes nothing upstream, to the last bit", same, group="books")
