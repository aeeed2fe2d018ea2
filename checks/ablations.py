"""What each part of training is worth: the same start, about the same work, one thing different in each arm.

    .venv/bin/python checks/ablations.py                                  # from the shipped start, three training seeds; goes on where it stopped
    .venv/bin/python checks/ablations.py --start runs/quick/0/taught --workers 16 --out runs/ablations

Each arm is `clinsim train grpo` with the settings of `quick`, one process and one thread. Work is fixed as a number of steps, so that a run
repeats to the last bit; the steps of the arms are such that all take about as many seconds. The model of the last step plays test seeds: nothing
is chosen by looking. Rows are kept in `ablations.jsonl` (one for each arm and training seed, keyed by scenario, start and settings), the table is
written to `ablations.md`.

A value is (return - idle) / (guideline - idle), with the means of both over the test seeds below the line. The interquartile mean leaves out a
quarter of the values at either end. Intervals are 95 %, by a bootstrap that draws training seeds and, within the condition of the patient, test
seeds, each for itself; differences are paired over both.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from clinsim.intervals import Estimate, Runs, interquartile_mean, of_runs
from clinsim.rollout import raw_env, run_episode
from clinsim.scenario_file import load_scenario
from clinsim.training.ablations import ARMS, BASE, FIRST_TEST_SEED, SCENARIO, TEAM, Job, is_base, key_of, row_of, tested
from clinsim.training.evaluate import Values, policy_values
from clinsim.training.kept import collected

RESULTS = Path(__file__).resolve().parent / "results"
STEPS, TESTED = 16, 96
ROLES = ("doctor_1", "pharmacist_1", "radiologist_1")


def condition_of(seed: int) -> str:
    """What the patient of a seed has."""
    drawn = load_scenario(SCENARIO).file.patients[0].choices
    trace = run_episode(raw_env(SCENARIO), "idle", seed=seed, observations=False)
    truths = [entry.data["condition"] for entry in trace.entries if entry.kind == "patient_truth"]
    return str(next(condition for condition in truths if condition in drawn))


@dataclass(frozen=True, slots=True)
class Measured:
    """Values of all arms: a matrix (training seeds, test seeds) for each figure, beside those of idle and guideline."""

    arms: Mapping[str, Mapping[str, Runs]]
    scripted: Mapping[str, Values]
    strata: tuple[str, ...]
    seconds: Mapping[str, float]

    @classmethod
    def of(cls, rows: Sequence[Mapping[str, Any]], count: int) -> Measured:
        """From the rows, and from what idle and guideline come to."""
        names = list(dict.fromkeys(str(row["arm"]) for row in rows))
        arms = {name: {figure: _matrix(rows, name, figure) for figure in ("return", *ROLES)} for name in names}
        seconds = {name: fmean(row["seconds"] for row in rows if row["arm"] == name) for name in names}
        scripted = {spec: policy_values(spec, SCENARIO, tested(count)) for spec in ("idle", "guideline")}
        return cls(arms, scripted, tuple(map(condition_of, tested(count))), seconds)

    def shares(self, arm: str) -> Runs:
        """Returns as shares of the way from idle to guideline."""
        nothing, best = (fmean(self.scripted[spec]["return"]) for spec in ("idle", "guideline"))
        return (self.arms[arm]["return"] - nothing) / (best - nothing)

    def middle(self, arm: str) -> Estimate:
        """The interquartile mean of the shares."""
        return of_runs(interquartile_mean, self.shares(arm), strata=self.strata)

    def apart(self, arm: str, other: str) -> Estimate:
        """How much more of the way an arm goes than another, in the interquartile mean."""
        return of_runs(lambda one, two: interquartile_mean(one) - interquartile_mean(two), self.shares(arm), self.shares(other), strata=self.strata)

    def mean_apart(self, arm: str, other: str, figure: str) -> Estimate:
        """How much more an arm earns than another, in the mean."""
        return of_runs(lambda one, two: float(one.mean() - two.mean()), self.arms[arm][figure], self.arms[other][figure], strata=self.strata)


def _matrix(rows: Sequence[Mapping[str, Any]], arm: str, figure: str) -> Runs:
    return np.array([row["values"][figure] for row in rows if row["arm"] == arm], dtype=np.float64)


def shown(estimate: Estimate) -> str:
    """An estimate with its interval."""
    return f"{estimate.mean:.2f} ({estimate.low:.2f} to {estimate.high:.2f})"


def line(measured: Measured, arm: str) -> str:
    """The row of an arm."""
    middle = shown(measured.middle(arm))
    apart = "" if arm == BASE else shown(measured.apart(arm, BASE))
    roles = [f"{measured.arms[arm][role].mean():.2f}" for role in ROLES]
    cells = [arm, ARMS[arm].says, f"{measured.seconds[arm]:.0f}", f"{measured.shares(arm).mean():.2f}", middle, apart, *roles]
    return f"| {' | '.join(cells)} |"


def page(measured: Measured, command: str) -> str:
    """The page of results."""
    runs, seeds = measured.shares(BASE).shape
    head = ["arm", "what is different", "seconds", "share of the way, mean", "interquartile mean", f"less {BASE}", *ROLES]
    scripted = [
        f"| {spec} | | | {share}.00 | | | {' | '.join(f'{fmean(measured.scripted[spec][role]):.2f}' for role in ROLES)} |"
        for share, spec in enumerate(("idle", "guideline"))
    ]
    own = [f"| {figure} | {shown(measured.mean_apart(BASE, TEAM, figure))} |" for figure in ("return", *ROLES)]
    return "\n".join(
        [
            f"# Ablations\n\nMade by `{command}`: {runs} training seeds, {seeds} test seeds of `{SCENARIO}` from {FIRST_TEST_SEED} on.",
            "Seconds are those of a processor in one run (lessons, playing, learning). One learning rate for all arms: none was tuned.\n",
            f"| {' | '.join(head)} |\n|{' --- |' * len(head)}",
            *scripted,
            *(line(measured, arm) for arm in measured.arms),
            "\n## Own reward less team reward\n\nShare of the way, interquartile mean: " + shown(measured.apart(BASE, TEAM)) + ". Rewards, mean:\n",
            "| figure | own less team |\n| --- | --- |",
            *own,
            "",
        ]
    )


def main() -> int:
    """Train, test, write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--start", default="start", help="folder of a model or of a run, or a shipped one")
    parser.add_argument("--seeds", type=int, default=3, help="training seeds")
    parser.add_argument("--steps", type=int, default=STEPS, help="of the base arm")
    parser.add_argument("--tested", type=int, default=TESTED, help="test seeds")
    parser.add_argument("--arms", nargs="+", default=list(ARMS), choices=list(ARMS))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    asked.out.mkdir(parents=True, exist_ok=True)
    arms = list(dict.fromkeys([BASE, TEAM, *(arm for arm in asked.arms if not is_base(arm, asked.start))]))
    jobs = [Job(arm, seed, asked.start, asked.steps, asked.tested, "") for seed in range(asked.seeds) for arm in arms]
    keys = [key_of(job) for job in jobs]
    jobs = [job._replace(folder=str(asked.out / "ablations" / key)) for job, key in zip(jobs, keys, strict=True)]
    rows = collected(jobs, keys, row_of, asked.out / "ablations.jsonl", asked.workers)
    command = f"python checks/ablations.py --start {asked.start} --seeds {asked.seeds} --steps {asked.steps} --tested {asked.tested}"
    if asked.arms != list(ARMS):
        command += f" --arms {shlex.join(asked.arms)}"
    text = page(Measured.of(rows, asked.tested), command)
    (asked.out / "ablations.md").write_text(text, encoding="utf-8")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
