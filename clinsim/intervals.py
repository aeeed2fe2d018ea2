"""Confidence intervals: of a mean, of a ratio of means over replications, of a difference between two samples, of pairs, and of runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import cos, exp, fsum, inf, lgamma, log, pi, sin, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.95
DRAWS = 2000
"""Of a bootstrap."""
Runs = NDArray[np.float64]
"""What several trained models came to: a row for each training seed, a column for each seed that they were looked at on."""
STEPS = 400
"""Steps of Simpson's rule in the distribution of t: good to ten digits."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean with its standard error, its interval, and the number of values behind it; the unit is that of the values."""

    mean: float
    error: float
    low: float
    high: float
    n: int


def normal_z(level: float = LEVEL) -> float:
    """How many standard errors to either side hold `level` of a normal distribution."""
    return NormalDist().inv_cdf(0.5 + 0.5 * level)


@lru_cache(maxsize=4096)
def student_t(freedom: float, level: float = LEVEL) -> float:
    """How many standard errors to either side hold `level` of Student's distribution.

    Args:
        freedom: Degrees of freedom, 1 or more; need not be whole.
        level: Share held, between 0 and 1.
    """
    low, high = 0.0, 0.5 * pi
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if _share_within(middle, freedom) < level else (low, middle)
    return sqrt(freedom) * sin(low) / cos(low)


def _share_within(angle: float, freedom: float) -> float:
    """The share of Student's distribution within sqrt(freedom) * tan(angle) on either side: an integral of a power of the cosine."""
    width = angle / STEPS
    rows = fsum((4.0 if k % 2 else 2.0) * cos(k * width) ** (freedom - 1.0) for k in range(1, STEPS))
    area = (1.0 + rows + cos(angle) ** (freedom - 1.0)) * width / 3.0
    return float(2.0 * area * exp(lgamma(0.5 * (freedom + 1.0)) - lgamma(0.5 * freedom) - 0.5 * log(pi)))


def of_mean(values: Sequence[float], level: float = LEVEL) -> Estimate:
    """The mean of independent values, with the interval of Student's t; of a single value it is endless.

    Raises:
        ValueError: There is no value.
    """
    if not values:
        raise ValueError("an interval needs a value")
    n = len(values)
    mean = fsum(values) / n
    if n == 1:
        return Estimate(mean, inf, -inf, inf, 1)
    error = sqrt(fsum((value - mean) ** 2 for value in values) / (n - 1) / n)
    half = student_t(n - 1, level) * error
    return Estimate(mean, error, mean - half, mean + half, n)


def of_share(mean: float, n: int, level: float = LEVEL) -> Estimate:
    """The mean of `n` independent values between 0 and 1, with Wilson's interval, which stays inside and has a width even where all values agree.

    It is exact for yes and no; values in between scatter less than that, so it is then wider than need be.
    Source: Wilson, J Am Stat Assoc 1927;22:209.

    Raises:
        ValueError: There is no value, or the mean is outside.
    """
    if n < 1 or not 0.0 <= mean <= 1.0:
        raise ValueError("a share needs a value, and lies between 0 and 1")
    z = normal_z(level)
    middle = (mean + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(mean * (1 - mean) / n + z * z / (4 * n * n))
    return Estimate(mean, sqrt(mean * (1 - mean) / n), max(0.0, middle - half), min(1.0, middle + half), n)


def of_ratio(tops: Sequence[float], bottoms: Sequence[float], level: float = LEVEL) -> Estimate:
    """The ratio of two sums over replications, with an error by linearisation.

    Source: Law, Simulation Modeling and Analysis, 5th ed. 2015, 9.5.3 (ratio estimators of regenerative and replicated output).

    Args:
        tops: What is counted above, by replication.
        bottoms: What is counted below, by replication.
        level: Share of such intervals that hold the truth.

    Raises:
        ValueError: There is no replication, or nothing below.
    """
    below = fsum(bottoms)
    if not below:
        raise ValueError("a ratio needs something below the line")
    ratio = fsum(tops) / below
    rest = of_mean([top - ratio * bottom for top, bottom in zip(tops, bottoms, strict=True)], level)
    scale = len(bottoms) / below
    return Estimate(ratio, rest.error * scale, ratio + (rest.low - rest.mean) * scale, ratio + (rest.high - rest.mean) * scale, len(tops))


def of_pairs(ours: Sequence[float], theirs: Sequence[float], level: float = LEVEL) -> Estimate:
    """The mean difference (ours less theirs) of values that belong together, as runs with common random numbers do."""
    return of_mean([one - other for one, other in zip(ours, theirs, strict=True)], level)


def welch(one: Estimate, other: Estimate, level: float = LEVEL) -> Estimate:
    """The difference of two independent means (one less other) with Welch's degrees of freedom.

    Source: Welch, Biometrika 1947;34:28.
    """
    error = sqrt(one.error**2 + other.error**2)
    if error in (0.0, inf):
        return Estimate(one.mean - other.mean, error, one.mean - other.mean - error, one.mean - other.mean + error, one.n + other.n)
    freedom = error**4 / (one.error**4 / (one.n - 1) + other.error**4 / (other.n - 1))
    half = student_t(freedom, level) * error
    return Estimate(one.mean - other.mean, error, one.mean - other.mean - half, one.mean - other.mean + half, one.n + other.n)


def standard_errors(estimate: Estimate, truth: float = 0.0) -> float:
    """How many standard errors an estimate lies above the truth (z); 0 where both are the same number."""
    apart = estimate.mean - truth
    return 0.0 if apart == 0.0 else apart / estimate.error if estimate.error else inf if apart > 0.0 else -inf


def interquartile_mean(values: Runs) -> float:
    """The mean of the middle half: a quarter of the values, rounded down, is left out at either end.

    Source: Agarwal et al., NeurIPS 2021 (arXiv 2108.13264), who trim as much.
    """
    ordered = np.sort(values, axis=None)
    cut = len(ordered) // 4
    return float(ordered[cut : len(ordered) - cut].mean())


def of_runs(
    statistic: Callable[..., float], *runs: Runs, strata: Sequence[str] = (), draws: int = DRAWS, seed: int = 0, level: float = LEVEL
) -> Estimate:
    """A statistic of one or several matrices of runs of one shape, with the interval between percentiles of a bootstrap.

    Training seeds and evaluation seeds are factors of their own that cross: rows and columns are drawn anew, each for itself, columns within their
    strata. All matrices are drawn alike, so that what is compared stays paired. With three training seeds or so the interval is rather too narrow.

    Source: Agarwal et al., NeurIPS 2021 (stratified bootstrap of runs); Owen, Ann Appl Stat 2007;1:386 (both factors of a crossed design).

    Args:
        statistic: Takes as many matrices as there are.
        runs: The matrices.
        strata: What each column belongs to; none: all to the same.
        draws: How often they are drawn.
        seed: Of the draws.
        level: Share of such intervals that hold the truth.

    Raises:
        ValueError: The matrices have not one shape, or the strata are not those of the columns.
    """
    height, width = runs[0].shape
    if any(one.shape != (height, width) for one in runs) or (strata and len(strata) != width):
        raise ValueError("runs that are compared have the same rows and columns, and a stratum for each column or none")
    random = np.random.default_rng(seed)
    parts = [np.array([k for k, other in enumerate(strata or [""] * width) if other == one]) for one in dict.fromkeys(strata or [""])]
    found = []
    for _ in range(draws):
        rows = random.integers(height, size=height)
        columns = np.concatenate([part[random.integers(len(part), size=len(part))] for part in parts])
        found.append(statistic(*(one[np.ix_(rows, columns)] for one in runs)))
    low, high = np.quantile(found, [0.5 - 0.5 * level, 0.5 + 0.5 * level])
    return Estimate(statistic(*runs), float(np.std(found)), float(low), float(high), height * width)
