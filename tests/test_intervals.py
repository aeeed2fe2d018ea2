"""Intervals of runs: the interquartile mean by hand, a bootstrap that holds the truth, and factors that are drawn each for itself."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import trim_mean

from clinsim.intervals import interquartile_mean, of_runs


def mean(values):
    return float(values.mean())


def test_the_interquartile_mean_by_hand_and_as_others_trim():
    assert interquartile_mean(np.array([[9.0, 1.0], [2.0, 100.0]])) == 5.5
    for size in range(1, 14):
        values = np.random.default_rng(size).normal(size=(1, size))
        assert interquartile_mean(values) == pytest.approx(trim_mean(values, 0.25, axis=None))


def test_runs_that_differ_by_training_seed_alone_are_as_many_as_there_are_training_seeds():
    """Many evaluation seeds do not stand in for training seeds: the width is that of 4 values, not of 400."""
    runs = np.repeat([[0.0], [1.0], [2.0], [3.0]], 100, axis=1)
    found = of_runs(mean, runs)
    assert found.mean == 1.5
    assert found.error == pytest.approx(np.std([0.0, 1.0, 2.0, 3.0]) / 2.0, rel=0.1)
    assert of_runs(mean, runs.T).error == pytest.approx(found.error, rel=0.1)


def test_columns_are_drawn_within_their_strata():
    runs = np.array([[0.0] * 5 + [10.0] * 5])
    strata = ["mild"] * 5 + ["grave"] * 5
    assert of_runs(mean, runs).error > 0.5
    assert of_runs(mean, runs, strata=strata).error == 0.0


def test_what_is_compared_stays_paired():
    runs = np.random.default_rng(0).normal(size=(3, 50))
    found = of_runs(lambda one, two: mean(one - two), runs + 0.25, runs)
    assert (found.low, found.high) == pytest.approx((0.25, 0.25))


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    random = np.random.default_rng(5)
    held = 0
    for trial in range(100):
        runs = random.normal(size=(12, 1)) + random.normal(size=(1, 20)) + random.normal(size=(12, 20))
        found = of_runs(mean, runs, draws=200, seed=trial)
        held += found.low <= 0.0 <= found.high
    assert 85 <= held <= 100


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="same rows and columns"):
        of_runs(lambda one, two: 0.0, np.zeros((2, 3)), np.zeros((2, 4)))
    with pytest.raises(ValueError, match="same rows and columns"):
        of_runs(mean, np.zeros((2, 3)), strata=["a"])
