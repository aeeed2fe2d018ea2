"""Experiments: parallel equals serial, warm-up by hand cases, intervals that hold the truth, common seeds, enough replications."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from math import sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinsim import experiment, experiment_ward, replications, warm_up
from clinsim.cli import code_of
from clinsim.errors import UsageError
from clinsim.experiment import Outcome, Plan, WarmUp, conduct
from clinsim.hospital.streams import Streams
from clinsim.metrics import census
from clinsim.record import Entry
from clinsim.validation import coverage, queueing

# ---------------------------------------------------------------- warm-up

MSER = [
    ("steady", [1.0, 1.0, 1.0, 1.0], 0),
    ("one high value at the start", [9.0, 1.0, 1.0, 1.0, 1.0, 1.0], 1),
    ("a ramp and then steady", [0.0, 2.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0], 2),
    ("never more than half", [5.0, 4.0, 3.0, 2.0], 2),
    ("worked by hand: 0 gives (9+1+1+1)/16 = .75, 1 gives 0", [4.0, 0.0, 0.0, 0.0], 1),
    ("worked by hand: 0 gives .25, 1 gives (2/3)/9 = .074, 2 gives .125", [3.0, 1.0, 1.0, 2.0], 1),
]


@pytest.mark.parametrize(("values", "cut"), [row[1:] for row in MSER], ids=[row[0] for row in MSER])
def test_mser_by_hand(values, cut):
    assert warm_up.mser(values) == cut


def test_mser5_cuts_whole_batches():
    assert warm_up.mser5([50.0] * 3 + [1.0, 2.0] * 20) == 5
    assert warm_up.mser5([0.0] * 10 + [7.0, 8.0, 9.0] * 20) == 10
    assert warm_up.mser5([0.0] * 10 + [7.0, 8.0, 9.0] * 20 + [99.0]) == 10, "a batch that is not full is left out"
    assert warm_up.cuts(43) == (0, 5, 10, 15, 20)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.integers(0, 50), min_size=4, max_size=60))
def test_mser_is_the_smallest_squared_standard_error(values):
    def score(cut):
        rest = values[cut:]
        mean = sum(rest) / len(rest)
        return sum((value - mean) ** 2 for value in rest) / len(rest) ** 2

    assert score(warm_up.mser(values)) == pytest.approx(min(score(cut) for cut in range(len(values) // 2 + 1)), abs=1e-9)


def test_the_tide_of_the_day_is_no_warm_up():
    tide = [2.0, 8.0, 14.0, 8.0]
    start = [-9.0, -6.0, -3.0, -1.0, -0.5]
    series = [tide[at % 4] + (start[at] if at < 5 else 0.0) for at in range(80)]
    assert warm_up.mser5(warm_up.without_daily_round(series, 4)) == 5
    assert warm_up.without_daily_round(tide * 3, 4) == [0.0] * 12


def test_a_warm_up_is_looked_for_in_runs_of_days_only():
    short, long = (experiment_ward.Team("ed_evening", (("horizon_minutes", days * 1440.0),)).loaded() for days in (0.25, 4.0))
    assert experiment_ward.warm_up_of(short, None).candidates == (0.0,)
    assert experiment_ward.warm_up_of(long, None).candidates[:3] == (0.0, 300.0, 600.0)
    assert experiment_ward.warm_up_of(long, "90").candidates == (90.0,)
    with pytest.raises(UsageError, match="below the horizon"):
        experiment_ward.warm_up_of(short, "9999")


# ---------------------------------------------------------------- a queueing system as a model


def test_intervals_that_leave_the_warm_up_in_are_rejected(monkeypatch):
    """From an empty start the first minutes of a queue at 0.8 are idle ones: with them the intervals miss."""
    monkeypatch.setitem(coverage.EXPERIMENTS, "quick", (40, 30.0, 0.825, 1.0))
    right, wrong = (coverage.coverage(queueing.system("A1"), True, warm_up) for warm_up in (coverage.WARM_UP, 0.0))
    assert all(check["passed"] for check in right)
    assert not all(check["passed"] for check in wrong)


# ---------------------------------------------------------------- replications


def drawn(seed, n, mean, sd):
    return [mean + sd * Streams(seed).normal("enough", "x", k) for k in range(n)]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.floats(0.02, 0.2))
def test_enough_is_the_first_number_that_stays_precise(seed, precision):
    values = drawn(seed, 120, 10.0, 3.0)
    found = replications.enough(values, precision)
    widths = {n: replications.half_width(values[:n]) for n in range(3, 121)}
    holds = [n for n in range(3, 116) if all(widths[m] <= precision for m in range(n, n + 6))]
    assert found == (holds[0] if holds else None) or (found and found > 95)


def test_the_number_found_is_about_what_theory_says():
    """With a variation of 0.3 and a half-width of 0.05, (1.96 * 0.3 / 0.05)^2 = 138 replications are wanted."""
    found = [replications.enough(drawn(seed, 400, 10.0, 3.0), 0.05) for seed in range(12)]
    assert 100 < sum(found) / len(found) < 160


@dataclass(frozen=True)
class Noisy:
    """A normal number with a mean of its own; the luck of a seed is the same for all."""

    mean: float
    sd: float = 1.0

    def __call__(self, seed, opens_at):
        luck, own = Streams(seed).normal("luck", "x"), Streams(seed).normal("own", str(self.mean))
        return Outcome({cut: {"x": self.mean + self.sd * luck + 0.1 * own} for cut in opens_at}, (0.0,) * 20)


def test_common_seeds_make_differences_sharp():
    found = conduct({"base": Noisy(10.0, 3.0), "more": Noisy(10.5, 3.0)}, Plan(40, processes=1))
    apart = found.difference("more", "x")
    assert apart.low < 0.5 < apart.high
    assert apart.error == pytest.approx(0.1 * sqrt(2.0 / 40), rel=0.4)
    assert found.gain("more", "x") > 100
    assert found.estimate("more", "x").error > 10 * apart.error


@pytest.mark.parametrize("round_size", [1, 7])
def test_the_number_found_does_not_depend_on_how_they_are_added(round_size, monkeypatch):
    plan = Plan(precision=0.04, figures=("x",), most=400, processes=1)
    before = conduct({"base": Noisy(10.0), "more": Noisy(12.0)}, plan)
    monkeypatch.setattr(experiment, "ROUND", round_size)
    after = conduct({"base": Noisy(10.0), "more": Noisy(12.0)}, plan)
    assert (before.runs, before.enough) == (after.runs, after.enough)
    assert before.replications == before.enough + 5


def test_what_is_not_reached_is_said():
    found = conduct({"base": Noisy(10.0)}, Plan(precision=0.0001, figures=("x",), most=12, processes=1))
    assert (found.enough, found.replications) == (None, 12)


def test_an_unknown_figure_is_named():
    with pytest.raises(UsageError, match=r"'y' is not measured .*: x$"):
        conduct({"base": Noisy(10.0)}, Plan(precision=0.1, figures=("y",), processes=1))


# ---------------------------------------------------------------- the hospital


def test_parallel_is_serial_bit_for_bit():
    teams = experiment_ward.alternatives("first_hour", ["horizon_minutes=60"], ["hospital.pools.porter.schedule=[[0,1]]"], [])
    one, two = (conduct(teams, Plan(6, warm_up=WarmUp(None, 1.0, 60), processes=processes)) for processes in (1, 2))
    assert (one.runs, one.series, one.warm_up) == (two.runs, two.series, two.warm_up)
    assert one.runs["base"] != one.runs["hospital.pools.porter.schedule=[[0,1]]"]


def test_census_is_the_mean_number_present():
    def entry(minute, kind, subject, **data):
        return Entry(minute, kind, subject, "chart", data)

    log = [
        entry(0.0, "arrival", "P1", origin="ed"),
        entry(15.0, "arrival", "P2", origin="ed"),
        entry(20.0, "departed", "P1", how="home"),
        entry(45.0, "departed", "P2", how="home"),
    ]
    assert census(log, 10.0, 60.0) == (1.0, 1.5, 1.0, 1.0, 0.5, 0.0)


def test_alternatives_are_every_team_with_every_change():
    teams = experiment_ward.alternatives(
        "ed_evening", [], ["arrivals.per_day=90", "hospital.pools.ct.units=1; horizon_minutes=60"], [{}, {"doctor": "idle"}]
    )
    assert list(teams)[:3] == ["base", "arrivals.per_day=90", "hospital.pools.ct.units=1; horizon_minutes=60"]
    assert list(teams)[3:5] == ["doctor=idle", "doctor=idle, arrivals.per_day=90"]
    assert teams["hospital.pools.ct.units=1; horizon_minutes=60"].settings == (("hospital.pools.ct.units", 1), ("horizon_minutes", 60))


# ---------------------------------------------------------------- the command


def test_the_command_leaves_tables_and_figures(tmp_path, capsys):
    folder = tmp_path / "found"
    arguments = ["experiment", "first_hour", "--replications", "3", "--every", "horizon_minutes=45", "--policy", "guideline", "--policy", "idle"]
    assert code_of([*arguments, "--out", str(folder), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said == json.loads((folder / "experiment.json").read_text())
    assert [row["name"] for row in said["alternatives"]] == ["guideline", "idle"]
    rows = list(csv.DictReader((folder / "replications.csv").open()))
    assert [(row["alternative"], row["seed"]) for row in rows] == [(team, str(seed)) for team in ("guideline", "idle") for seed in range(3)]
    mean = sum(float(row["utility_loss"]) for row in rows[:3]) / 3
    assert said["alternatives"][0]["figures"]["utility_loss"]["mean"] == pytest.approx(mean)
    apart = [float(idle["utility_loss"]) - float(good["utility_loss"]) for good, idle in zip(rows[:3], rows[3:], strict=True)]
    assert said["differences"][0]["figures"]["utility_loss"]["mean"] == pytest.approx(sum(apart) / 3)
    assert (folder / "experiment.svg").read_text().count("utility_loss") >= 2
    assert code_of([*arguments, "--out", str(folder)]) == 2
    assert "not empty" in capsys.readouterr().err


def test_a_change_without_effect_is_said(capsys):
    assert code_of(["experiment", "first_hour", "--replications", "2", "--every", "horizon_minutes=30", "--set", "hospital.pools.mri.units=2"]) == 0
    assert "no effect" in capsys.readouterr().out


BAD = [
    (["nowhere"], "nowhere"),
    (["first_hour", "--set", "horizon_minutes"], "FIELD=VALUE"),
    (["first_hour", "--set", "horizon_minutes=[1"], "horizon_minutes"),
    (["first_hour", "--set", "horizon_minutes=2026-01-01"], "horizon_minutes"),
    (["first_hour", "--set", "horizon=3"], "horizon"),
    (["first_hour", "--set", "a=1", "--set", "a=1"], "the same"),
    (["first_hour", "--policy", "nobody"], "nobody"),
    (["first_hour", "--replications", "0"], "replications"),
    (["first_hour", "--replications", "3", "--precision", "0.1"], "--precision"),
    (["first_hour", "--precision", "2"], "between 0 and 1"),
    (["first_hour", "--figure", "utility_loss"], "--figure"),
    (["first_hour", "--warm-up", "long"], "--warm-up"),
]


@pytest.mark.parametrize(("arguments", "named"), BAD, ids=[" ".join(row[0][1:]) or row[1] for row in BAD])
def test_bad_use_is_told_in_one_line(arguments, named, capsys):
    assert code_of(["experiment", *arguments]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert named in said.err
    assert said.err.count("\n") == 1
