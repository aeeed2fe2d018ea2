"""Advantages: hand-worked groups, and what must hold for any."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from statistics import fmean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinsim.errors import UsageError
from clinsim.training.advantages import HOW, Baselines, Earned, advantages
from clinsim.training.samples import Group


def doctors(*rewards: float, seed: int = 0) -> list[Earned]:
    return [Earned(Group("first_hour", seed, "doctor"), k, "doctor_1", reward) for k, reward in enumerate(rewards)]


rewards = st.floats(-50, 50).map(lambda value: round(value, 3))


@st.composite
def batches(draw):
    """Episodes of up to three seeds with up to three roles; groups are unequal, some have one member."""
    rows = []
    for episode in range(draw(st.integers(1, 8))):
        seed = draw(st.integers(0, 2))
        for role in draw(st.lists(st.sampled_from(["doctor", "pharmacist", "radiologist"]), min_size=1, max_size=3, unique=True)):
            rows += [Earned(Group("first_hour", seed, role), episode, f"{role}_1", draw(rewards))]
    return rows


def test_a_group_by_hand():
    spread = stdev([1.0, 2.0, 6.0]) + 1e-4
    assert advantages(doctors(1.0, 2.0, 6.0)).values == pytest.approx([-2 / spread, -1 / spread, 3 / spread])


def test_leave_one_out_by_hand():
    assert advantages(doctors(1.0, 2.0, 6.0), "leave_one_out").values == pytest.approx([1 - 4, 2 - 3.5, 6 - 1.5])


def test_team_gives_each_role_the_mean_of_its_episode():
    nurse = [Earned(Group("first_hour", 0, "pharmacist"), k, "pharmacist_1", reward) for k, reward in enumerate([3.0, 0.0])]
    both = advantages(doctors(1.0, 2.0) + nurse, "team").values
    alone = advantages(doctors(2.0, 1.0)).values
    assert both[:2] == pytest.approx(alone)
    assert both[2:] == pytest.approx(alone)


def test_moving_baseline_is_read_before_it_moves():
    baselines = Baselines(decay=0.9)
    assert advantages(doctors(1.0, 2.0), "rae", baselines).values == pytest.approx([0.0, 1.0])
    assert baselines.values == {("first_hour", "doctor"): pytest.approx(0.9 * 1.0 + 0.1 * 2.0)}


@pytest.mark.parametrize("how", ["group", "leave_one_out", "team"])
def test_a_group_of_one_and_a_flat_group_teach_nothing_and_are_counted(how):
    found = advantages(doctors(5.0) + doctors(2.0, 2.0, seed=1) + doctors(1.0, 3.0, seed=2), how)
    assert found.values[:3] == (0.0, 0.0, 0.0)
    assert (found.groups, found.alone, found.flat) == (3, 1, 1)
    assert found.flat_share == 0.5


def test_nothing_earned_is_no_error():
    assert advantages([]).values == ()


def test_mistakes_are_named():
    with pytest.raises(UsageError, match="allowed are group, leave_one_out, rae, team"):
        advantages([], "median")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="baselines"):
        advantages(doctors(1.0), "rae")


@given(batches(), st.sampled_from(["group", "leave_one_out", "team"]))
def test_advantages_of_a_group_sum_to_zero(rows, how):
    by_group = defaultdict(list)
    for row, value in zip(rows, advantages(rows, how).values, strict=True):
        by_group[row.group].append(value)
    assert all(abs(sum(values)) < 1e-6 for values in by_group.values())


@given(batches(), st.floats(-100, 100).map(lambda value: round(value, 2)))
def test_what_all_of_a_group_earned_more_changes_nothing(rows, more):
    shifted = [row._replace(reward=row.reward + more) for row in rows]
    assert advantages(shifted).values == pytest.approx(advantages(rows).values, abs=1e-6)


@given(batches(), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(rows, shuffle):
    order = list(range(len(rows)))
    shuffle.shuffle(order)
    for how in set(HOW) - {"rae"}:
        straight = advantages(rows, how).values
        mixed = advantages([rows[k] for k in order], how).values
        assert mixed == pytest.approx([straight[k] for k in order], abs=1e-9)


@given(st.lists(rewards, min_size=2, max_size=8))
def test_who_earned_more_has_the_greater_advantage(earned):
    values = advantages(doctors(*earned), "leave_one_out").values
    ranked = sorted(zip(earned, values, strict=True))
    assert all(a[1] <= b[1] + 1e-9 for a, b in pairwise(ranked))
    assert fmean(values) == pytest.approx(0.0, abs=1e-6)
