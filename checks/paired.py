"""Two models on the same seeds: what the second earns over the first, in pairs.

    .venv/bin/python checks/paired.py runs/quick/0/taught runs/selfplay --scenario first_hour --seeds 25000 25200
    .venv/bin/python checks/paired.py                     # the shipped models, on a few seeds

A model is the folder of a model, of a run (its best), or `local:` and such a folder; a shipped one goes by its name. Both are made surer
(`--settled`), as `quick` does before it tests. The table has means of both and of the guideline team, and the mean of the differences with its
95 % interval (Student's t): for the return, the utility loss, and the reward of each agent.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

import torch

from clinsim.agents.cast import Cast
from clinsim.agents.local import model_in
from clinsim.benchmark.report import markdown
from clinsim.errors import UsageError
from clinsim.intervals import of_pairs
from clinsim.referee import TRAINING_SEEDS
from clinsim.scenario_file import load_scenario
from clinsim.training.evaluate import Values, model_values, policy_values
from clinsim.training.quick import settled

GUIDELINE = "guideline"


def seeds_of(first: int, end: int) -> range:
    """Seeds to play, half-open.

    Raises:
        UsageError: They are fewer than two, or models may have trained on them.
    """
    if first < TRAINING_SEEDS or end - first < 2:
        raise UsageError(f"--seeds {first} {end}: give FROM and TO, two seeds or more, from {TRAINING_SEEDS} on (below are training seeds)")
    return range(first, end)


def played(model: str, scenario: str, seeds: Sequence[int], temperature: float, processes: int) -> Values:
    """What a model earns on the seeds.

    Raises:
        UsageError: There is no such model.
    """
    cast = settled(Cast.load(model_in(Path(model.removeprefix("local:")))), temperature)
    return model_values(cast, scenario, seeds, processes=processes)


def table(first: Values, second: Values, guideline: Values) -> str:
    """Markdown: a row for each figure."""
    rows = []
    for name in first:
        over = of_pairs(second[name], first[name])
        means = [f"{fmean(values[name]):.2f}" for values in (first, second, guideline)]
        rows.append([name.replace("_", " "), *means, f"{over.mean:+.2f} ({over.low:.2f} to {over.high:.2f})"])
    return markdown(["figure", "first", "second", GUIDELINE, "second over first"], rows)


def options() -> argparse.ArgumentParser:
    """What may be asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("first", nargs="?", default="start", metavar="MODEL_A")
    parser.add_argument("second", nargs="?", default="quick", metavar="MODEL_B")
    parser.add_argument("--scenario", default="first_hour")
    parser.add_argument("--seeds", type=int, nargs=2, default=(25_000, 25_032), metavar=("FROM", "TO"), help="half-open; test seeds begin at 20000")
    parser.add_argument(
        "--settled", type=float, default=0.5, help="temperature at which the models are as sure as they are then made; 1: as they are"
    )
    parser.add_argument("--workers", type=int, default=1)
    return parser


def compared(asked: argparse.Namespace) -> str:
    """The table of two models.

    Raises:
        UsageError: A model, the scenario or the seeds are none, or the temperature is not above 0 and at most 1.
    """
    if not 0.0 < asked.settled <= 1.0:
        raise UsageError(f"--settled {asked.settled}: give a temperature above 0 and at most 1")
    seeds = seeds_of(*asked.seeds)
    load_scenario(asked.scenario)
    models = (asked.first, asked.second)
    for model in models:
        model_in(Path(model.removeprefix("local:")))
    first, second = (played(model, asked.scenario, seeds, asked.settled, max(1, asked.workers)) for model in models)
    return table(first, second, policy_values(GUIDELINE, asked.scenario, seeds))


def main() -> int:
    """Play both, print the table; 2 for what cannot be played."""
    asked = options().parse_args()
    torch.set_num_threads(1)
    try:
        text = compared(asked)
    except UsageError as problem:
        print(f"paired: {problem}", file=sys.stderr)
        return 2
    print(f"{asked.scenario}, seeds {asked.seeds[0]} to {asked.seeds[1] - 1}: {asked.first} and {asked.second}, made surer ({asked.settled:g})\n")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
