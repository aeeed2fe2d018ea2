"""Does learning from rewards add to a clone that has learnt what its expert shows? One clone, several runs of GRPO from it, test seeds played once.

    .venv/bin/python checks/beyond.py --workers 6
    .venv/bin/python checks/beyond.py --scenario crowded_hour --clone runs/clone --workers 6

The doctor is the model, all others are the guideline's. The clone (`--clone DIR`: one that was taught before) has learnt what there is when its loss
on lessons that it has not seen is that on its own, and its return its expert's; all are in the page. Runs are kept in
`runs/beyond/SCENARIO`; what is there is not made again, and what was cut off goes on. Clone and learnt are made equally sure before they are
tested. The page goes to `beyond_SCENARIO.md` in `--out`. Exit 1 if the gain over the clone is not above zero, in pairs of test seeds: by Student's
t (95 %) over the runs, of what each gained in the mean, and over the test seeds, of what the runs gained in the mean.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from clinsim.agents.cast import Cast
from clinsim.agents.decoding import Engine
from clinsim.agents.local import model_in
from clinsim.commands.train import tell
from clinsim.intervals import Estimate, of_mean, of_pairs
from clinsim.metrics import outcome
from clinsim.processes import shared_out
from clinsim.record import Entry
from clinsim.rollout import Policies, raw_env, run_episode
from clinsim.training import evaluate
from clinsim.training.evaluate import BLOCK, Values
from clinsim.training.experts import expert_turns, lessons, seats_of
from clinsim.training.quick import settled
from clinsim.training.recipes import RECIPES, run_recipe
from clinsim.training.rollouts import Plan, Table, blocks, model_at, opened, play_out, scenarios_of
from clinsim.training.settings import GrpoSettings, SftSettings
from clinsim.training.sft import likelihood

ROOT = Path(__file__).resolve().parent.parent
UNSEEN = range(9_700, 9_900)
"""Training seeds that are kept from lessons, to see whether the clone has learnt what there is to learn."""
LEARNER, PARTNERS = "doctor", {"pharmacist": "guideline", "radiologist": "guideline"}
"""Whose part is learnt, and who plays the others'."""
TAUGHT: dict[str, Any] = {"roles": (LEARNER,), "batch_tokens": 1024, "vocabulary": 4096}
LESSONS: tuple[dict[str, int], ...] = ({"first_seed": 0, "episodes": 1600, "passes": 2}, {"first_seed": 1600, "episodes": 3000, "passes": 1})
"""What a clone is taught, one after the other: the last lessons are shown once, so that there is nothing to learn by heart."""
LEARNING: dict[str, Any] = {
    "optimiser": "muon",
    "learning_rate": 3e-3,
    "advantage": "leave_one_out",
    "entropy": 0.0,
    "cool_down": True,
    "batch_tokens": 4096,
    "credit": "team",
    "partners": PARTNERS,
}
SHAPE: dict[str, Any] = {"groups": 16, "group_size": 4, "block": 32, "evaluation_seeds": (10_000, 10_016)}
LOOKS = 4
"""How often a run is looked at, and kept so that it can go on, besides its beginning."""
SURE = 0.5
"""As which temperature both play the test seeds."""


@dataclass(frozen=True, slots=True)
class Job:
    """One run: where it is kept, its clone, its scenario, its seed, how long it learns (0: what there was before), and the seeds of its test."""

    folder: Path
    clone: Path
    scenario: str
    seed: int
    steps: int
    tests: tuple[int, int]


def taught(folder: Path, scenario: str) -> Path:
    """A clone of the guideline doctor, made if it is not there: each part of its lessons in a folder of its own, the last of which is the clone."""
    start = "fresh"
    for number, part in enumerate(LESSONS):
        place = folder / str(number)
        if not (place / "best").exists():
            shutil.rmtree(place, ignore_errors=True)
            run_recipe(RECIPES["sft"], SftSettings(scenario=scenario, start=start, processes=2, **TAUGHT, **part), place, False, tell)
        start = str(place)
    return Path(start)


def losses(clone: Path, scenario: str) -> Values:
    """Nats per decision of the clone on lessons that it was not taught, and on as many of the last that it was, if it is told which."""
    cast = Cast.load(model_in(clone))
    engine = cast.engines[cast.voices[LEARNER].base]
    seeds = {"on lessons that it was not taught": UNSEEN}
    if (clone / "settings.json").exists():
        given = json.loads((clone / "settings.json").read_text(encoding="utf-8"))
        end = given["first_seed"] + given["episodes"]
        seeds["on its last lessons"] = range(max(given["first_seed"], end - len(UNSEEN)), end)
    return {name: [loss_on(engine, scenario, which)] for name, which in seeds.items()}


def loss_on(engine: Engine, scenario: str, seeds: Sequence[int]) -> float:
    """Nats per decision of a model on what the expert does."""
    shown = (turn for turn in expert_turns(scenario, seeds) if turn.role == LEARNER)
    return likelihood(engine.model, list(lessons(engine, shown, seats_of(scenario))))


def done(job: Job) -> dict[str, Values]:
    """What a run came to on the test seeds, by the model of its last step, or what there was before; made if it is not there."""
    found = job.folder / "tested.json"
    if not found.exists():
        values = {"learnt": tested(trained(job), job)} if job.steps else before(job)
        job.folder.mkdir(parents=True, exist_ok=True)
        draft = found.with_suffix(".part")
        draft.write_text(json.dumps(values) + "\n", encoding="utf-8")
        draft.replace(found)
    known: dict[str, Values] = json.loads(found.read_text(encoding="utf-8"))
    return known


def before(job: Job) -> dict[str, Values]:
    """Clone and guideline on the test seeds, and the losses of the clone."""
    return {
        "clone": tested(model_in(job.clone), job),
        "guideline": of_policy("guideline", job.scenario, range(*job.tests)),
        "losses": losses(job.clone, job.scenario),
    }


def trained(job: Job) -> Path:
    """The model of the last step of a run, which goes on where it was cut off."""
    settings = GrpoSettings(
        scenario=job.scenario, seed=job.seed, start=str(job.clone), steps=job.steps, evaluate_every=max(1, job.steps // LOOKS), threads=1,
        **LEARNING, **SHAPE,
    )  # fmt: skip
    run_recipe(RECIPES["grpo"], settings, job.folder, (job.folder / "settings.json").exists(), tell)
    return job.folder / "latest"


def tested(model: Path, job: Job) -> Values:
    """A model on the test seeds, made surer: what it earned and what was done."""
    cast, rows = settled(Cast.load(model), SURE), []
    for block in blocks([Plan(job.scenario, seed, 0, PARTNERS) for seed in range(*job.tests)], BLOCK):
        scenarios = scenarios_of(block)
        tables = [Table(plan, model_at(plan, cast), opened(plan, scenarios)) for plan in block]
        rows += [figures(rollout.rewards, table.ward.hospital.log) for rollout, table in zip(play_out(cast, tables), tables, strict=True)]
    return by_name(rows)


def of_policy(policies: Policies, scenario: str, seeds: Iterable[int]) -> Values:
    """The same of other policies."""
    traces = [run_episode(raw_env(scenario), policies, seed=seed, observations=False) for seed in seeds]
    return by_name([figures(trace.rewards, trace.entries) for trace in traces])


def by_name(rows: Sequence[Mapping[str, float]]) -> Values:
    """Figures of episodes, by name."""
    return {name: [row[name] for row in rows] for name in rows[0]}


def figures(rewards: Mapping[str, float], entries: Sequence[Entry]) -> dict[str, float]:
    """What an episode came to, and what was done in it that tells how."""
    counted = {name: float(sum(what(entry) for entry in entries)) for name, what in DEEDS.items()}
    outside = float(len(claimed_outside(entries)))
    loss = outcome(entries)["utility_loss"]
    return {"return": math.fsum(rewards.values()), "utility_loss": loss, **rewards, **counted, "claimed in the waiting room": outside}


WENT = ("ok", "interrupted", "unfinished")
"""How calls end that were not refused."""
DEEDS: dict[str, Callable[[Entry], bool]] = {
    "calls of the doctor": lambda entry: entry.kind == "action" and entry.subject.startswith(LEARNER),
    "waits": lambda entry: entry.kind == "action" and entry.subject.startswith(LEARNER) and entry.data["tool"] == "wait",
    "refused": lambda entry: entry.kind == "action" and entry.subject.startswith(LEARNER) and entry.data["status"] not in WENT,
    "patients seen": lambda entry: entry.kind == "seen",
    "orders": lambda entry: entry.kind == "order" and entry.data["by"].startswith(LEARNER),
    "diagnoses": lambda entry: entry.kind == "action" and entry.data["tool"] == "record_diagnosis" and entry.data["status"] == "ok",
    "admitted or sent home": lambda entry: entry.kind == "departed" and entry.data["how"] != "died",
    "died within the hour": lambda entry: entry.kind == "death",
}
"""What is counted in an episode."""


def claimed_outside(entries: Iterable[Entry]) -> list[str]:
    """Patients who were in the waiting room when they were claimed."""
    places: dict[str, str] = {}
    found = []
    for entry in entries:
        if entry.kind == "place":
            places[entry.subject] = entry.data["to"]
        elif entry.kind == "claim" and places.get(entry.subject) == "waiting_room":
            found.append(entry.subject)
    return found


def gained(runs: Sequence[Values], before: Values, name: str) -> Estimate:
    """Over the runs: what each gained in the mean of its pairs of test seeds."""
    return of_mean([fmean(after - was for after, was in zip(run[name], before[name], strict=True)) for run in runs])


def in_seeds(runs: Sequence[Values], before: Values, name: str) -> Estimate:
    """Over the test seeds: what the runs gained on each, in the mean."""
    return of_pairs([fmean(each) for each in zip(*(run[name] for run in runs), strict=True)], before[name])


def table(runs: Sequence[Values], clone: Values, guideline: Values) -> str:
    """Markdown: a row for each figure."""
    lines = [
        "| figure | guideline | clone | learnt, each run | over the clone, by runs | by test seeds | over guideline, by runs |",
        "|---" * 7 + "|",
    ]
    for name in clone:
        each = ", ".join(f"{fmean(run[name]):.2f}" for run in runs)
        gains = (gained(runs, clone, name), in_seeds(runs, clone, name), gained(runs, guideline, name))
        over = " | ".join(map(_interval, gains))
        lines.append(f"| {name} | {fmean(guideline[name]):.2f} | {fmean(clone[name]):.2f} | {each} | {over} |")
    return "\n".join(lines)


def _interval(estimate: Estimate) -> str:
    return f"{estimate.mean:.2f} ({estimate.low:.2f} to {estimate.high:.2f})"


def page(asked: argparse.Namespace, lost: Values, text: str) -> str:
    """The table under its heading, with what was done."""
    name, (first, end) = Path(asked.scenario).stem, asked.tests
    each = SHAPE["groups"] * SHAPE["group_size"]
    done = f"{asked.runs} runs of {asked.steps} steps of {each} episodes from one clone of the guideline {LEARNER}, others are guideline"
    told = ", ".join(f"{fmean(value):.3f} {what}" for what, value in lost.items())
    return (
        f"# Beyond the clone: {name}\n\nMade by `python checks/beyond.py --scenario {name}`: {done}; seeds {first} to {end - 1} played once. "
        f"Loss of the clone, nats a decision: {told}.\n\n{text}\n"
    )


def options() -> argparse.ArgumentParser:
    """What may be asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenario", default="one_place")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--steps", type=int, default=36)
    parser.add_argument("--tests", type=int, nargs=2, default=(22_000, 22_400), help="test seeds, half-open")
    parser.add_argument("--clone", type=Path, help="a clone that was taught before")
    parser.add_argument("--workers", type=int, default=1, help="one for each run and one for the clone are the most that are of use")
    parser.add_argument("--into", type=Path, default=ROOT / "runs" / "beyond", help="where runs are kept")
    parser.add_argument("--out", type=Path, default=ROOT / "checks" / "results")
    return parser


def main() -> int:
    """Teach, learn, test, write, and say whether there is a gain."""
    asked = options().parse_args()
    folder, tests = asked.into / Path(asked.scenario).stem, tuple(asked.tests)
    clone = asked.clone or taught(folder / "clone", asked.scenario)
    jobs = [Job(folder / str(seed), clone, asked.scenario, seed, asked.steps, tests) for seed in range(asked.runs)]
    jobs.append(Job(folder / "before", clone, asked.scenario, 0, 0, tests))
    *each, first = shared_out(done, jobs, processes=asked.workers, preload=evaluate.__name__)
    runs, clone_values = [found["learnt"] for found in each], first["clone"]
    text = table(runs, clone_values, first["guideline"])
    asked.out.mkdir(parents=True, exist_ok=True)
    (asked.out / f"beyond_{Path(asked.scenario).stem}.md").write_text(page(asked, first["losses"], text), encoding="utf-8")
    print(text)
    gains = gained(runs, clone_values, "return"), in_seeds(runs, clone_values, "return")
    print("return over the clone: {} by runs, {} by test seeds".format(*map(_interval, gains)))
    return 0 if min(gain.low for gain in gains) > 0.0 else 1


if __name__ == "__main__":
    sys.exit(main())
