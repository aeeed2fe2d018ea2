"""Does learning from rewards add to a clone that has learnt what its expert shows? One clone, several runs of GRPO from it, test seeds played once.

    .venv/bin/python checks/beyond.py --scenario crowded_hour
    .venv/bin/python checks/beyond.py --scenario crowded_hour --clone runs/clone --workers 5

The clone (`--clone DIR`: one that was taught before) has learnt what there is when its loss on lessons that it has not seen is no higher than on
its own; both are in the table. Runs are kept in `runs/beyond/SCENARIO`; what is there is not made again. Clone and learnt are made equally sure
before they are tested. The table goes to `beyond_SCENARIO.md` in `--out`. Exit 1 if the gain over the clone is not above zero: the 95 % interval of
Student's t over the runs, of what each gained in pairs of test seeds.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from clinsim.agents.cast import Cast
from clinsim.agents.local import model_in
from clinsim.commands.train import tell
from clinsim.intervals import Estimate, of_mean
from clinsim.processes import shared_out
from clinsim.training import evaluate
from clinsim.training.evaluate import Values, model_values, policy_values
from clinsim.training.experts import expert_turns, lessons, seats_of
from clinsim.training.quick import settled
from clinsim.training.recipes import RECIPES, run_recipe
from clinsim.training.settings import GrpoSettings, SftSettings
from clinsim.training.sft import likelihood

ROOT = Path(__file__).resolve().parent.parent
UNSEEN = range(9_900, 9_960)
"""Training seeds that are kept from lessons, to see whether the clone has learnt what there is to learn."""
TAUGHT: dict[str, Any] = {"drawn": False, "first_seed": 0, "batch_tokens": 1024, "vocabulary": 4096, "temperature": 0.4}
LEARNING: dict[str, Any] = {
    "optimiser": "muon",
    "learning_rate": 1e-3,
    "advantage": "leave_one_out",
    "entropy": 0.0,
    "cool_down": True,
    "batch_tokens": 4096,
}
SHAPE: dict[str, Any] = {"groups": 12, "group_size": 4, "evaluation_seeds": (10_000, 10_064)}
SURE = 0.5
"""As which temperature both play the test seeds."""


@dataclass(frozen=True, slots=True)
class Job:
    """One run: where it is kept, its clone, its scenario, its seed, and how long it learns."""

    folder: Path
    clone: Path
    scenario: str
    seed: int
    steps: int
    tests: tuple[int, int]


def taught(folder: Path, scenario: str, episodes: int, passes: int) -> Path:
    """A clone of the guideline team in a folder, made if it is not there."""
    if not (folder / "best").exists():
        settings = SftSettings(scenario=scenario, episodes=episodes, passes=passes, processes=2, **TAUGHT)
        run_recipe(RECIPES["sft"], settings, folder, False, tell)
    return folder


def unseen_loss(clone: Path, scenario: str) -> float:
    """Nats per decision of the clone on lessons that it was not taught."""
    cast = Cast.load(model_in(clone))
    engine = cast.engines[cast.voices["doctor"].base]
    return likelihood(engine.model, list(lessons(engine, expert_turns(scenario, UNSEEN), seats_of(scenario))))


def learnt(job: Job) -> dict[str, list[float]]:
    """What a run earned on the test seeds, by agent; made if it is not there."""
    found = job.folder / "tested.json"
    if not found.exists():
        settings = GrpoSettings(
            scenario=job.scenario, seed=job.seed, start=str(job.clone), steps=job.steps, evaluate_every=max(1, job.steps // 3), threads=1,
            **LEARNING, **SHAPE,
        )  # fmt: skip
        run_recipe(RECIPES["grpo"], settings, job.folder, (job.folder / "settings.json").exists(), tell)
        found.write_text(json.dumps(tested(job.folder, job)) + "\n", encoding="utf-8")
    values: dict[str, list[float]] = json.loads(found.read_text(encoding="utf-8"))
    return values


def tested(model: Path, job: Job) -> Values:
    """A model on the test seeds, made surer."""
    return model_values(settled(Cast.load(model_in(model)), SURE), job.scenario, range(*job.tests))


def gained(runs: Sequence[Values], before: Values, name: str) -> Estimate:
    """Over the runs: what each gained in the mean of its pairs of test seeds."""
    return of_mean([fmean(after - was for after, was in zip(run[name], before[name], strict=True)) for run in runs])


def table(runs: Sequence[Values], clone: Values, guideline: Values) -> str:
    """Markdown: a row for each figure."""
    lines = ["| figure | guideline | clone | learnt, each run | over the clone | over guideline |", "|---|---|---|---|---|---|"]
    for name in clone:
        each = ", ".join(f"{fmean(run[name]):.2f}" for run in runs)
        over = " | ".join(_interval(gained(runs, before, name)) for before in (clone, guideline))
        lines.append(f"| {name} | {fmean(guideline[name]):.2f} | {fmean(clone[name]):.2f} | {each} | {over} |")
    return "\n".join(lines)


def _interval(estimate: Estimate) -> str:
    return f"{estimate.mean:.2f} ({estimate.low:.2f} to {estimate.high:.2f})"


def page(asked: argparse.Namespace, losses: Mapping[str, float], text: str) -> str:
    """The table under its heading, with what was done."""
    name, (first, end) = Path(asked.scenario).stem, asked.tests
    each = SHAPE["groups"] * SHAPE["group_size"]
    done = f"{asked.runs} runs of {asked.steps} steps of {each} episodes from one clone of guideline, seeds {first} to {end - 1} played once"
    told = "; ".join(f"{what}: {value:.3f} nats a decision" for what, value in losses.items())
    return f"# Beyond the clone: {name}\n\nMade by `python checks/beyond.py --scenario {name}`: {done}. {told}.\n\n{text}\n"


def own_loss(clone: Path) -> dict[str, float]:
    """Nats per decision at the end of its lessons, if their log is there."""
    log = clone / "metrics.jsonl"
    if not log.exists():
        return {}
    rows: list[dict[str, Any]] = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    return {"at the end of its lessons": fmean(row["loss"] for row in rows[-len(rows) // 10 :])}


def main() -> int:
    """Teach, learn, test, write, and say whether there is a gain."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenario", default="crowded_hour")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--episodes", type=int, default=1000, help="lessons of the clone")
    parser.add_argument("--passes", type=int, default=2)
    parser.add_argument("--tests", type=int, nargs=2, default=(22_000, 22_200), help="test seeds, half-open")
    parser.add_argument("--clone", type=Path, help="a clone that was taught before")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--into", type=Path, default=ROOT / "runs" / "beyond", help="where runs are kept")
    parser.add_argument("--out", type=Path, default=ROOT / "checks" / "results")
    asked = parser.parse_args()
    folder = asked.into / Path(asked.scenario).stem
    clone = asked.clone or taught(folder / "clone", asked.scenario, asked.episodes, asked.passes)
    jobs = [Job(folder / str(seed), clone, asked.scenario, seed, asked.steps, tuple(asked.tests)) for seed in range(asked.runs)]
    runs = shared_out(learnt, jobs, processes=asked.workers, preload=evaluate.__name__)
    before = tested(clone, jobs[0])
    text = table(runs, before, policy_values("guideline", asked.scenario, range(*asked.tests)))
    told = {"Loss of the clone on lessons that it was not taught": unseen_loss(clone, asked.scenario), **own_loss(clone)}
    asked.out.mkdir(parents=True, exist_ok=True)
    (asked.out / f"beyond_{Path(asked.scenario).stem}.md").write_text(page(asked, told, text), encoding="utf-8")
    print(text)
    gain = gained(runs, before, "return")
    print(f"return: {_interval(gain)} over the clone")
    return 0 if gain.low > 0.0 else 1


if __name__ == "__main__":
    sys.exit(main())
