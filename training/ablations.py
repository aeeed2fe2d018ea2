"""Ablations: the same start, about the same work, one thing different in each arm. `checks/ablations.py` makes the table."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import process_time
from typing import Any, Literal, NamedTuple

import torch

from clinsim.agents.cast import Cast
from clinsim.agents.decoding import Engine
from clinsim.agents.local import SHIPPED, model_in
from clinsim.scenario_file import load_scenario
from clinsim.training.course import Tell
from clinsim.training.evaluate import model_values
from clinsim.training.kept import Row, files_in, key_from
from clinsim.training.quick import learnt_by, settled, taught_by
from clinsim.training.recipes import run_grpo
from clinsim.training.run import RunFolder, write_model
from clinsim.training.settings import GrpoSettings, QuickSettings, SftSettings
from clinsim.training.sft import run_sft

SCENARIO = "first_hour"
FIRST_TEST_SEED = 22_000
BASE, TEAM = "shared, own reward", "team reward only"
SHAPE: dict[str, Any] = {
    "scenario": SCENARIO, "threads": 1, "processes": 1, "groups": 8, "group_size": 4, "evaluation_seeds": (10_000, 10_004),
    "lesson_passes": 1, "temperature": 0.4,
}  # fmt: skip
"""Of each step (32 episodes), of how little is looked at on the way (nothing is chosen by it), and of lessons: those of the start in the table."""


@dataclass(frozen=True, slots=True)
class Arm:
    """What is different: settings, from where it starts, lessons that go before, and its steps as a share of those of the base."""

    says: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    start: Literal["given", "fresh", "shipped"] = "given"
    lessons: int = 0
    steps: float = 1.0


ARMS: dict[str, Arm] = {
    "not trained": Arm("the start as it is", steps=0.0),
    BASE: Arm("one policy for all roles, each credited with its own ledger: what all others differ from"),
    "per-role adapters": Arm("a LoRA adapter of rank 16 for each role", {"learners": "adapters"}),
    "a model per role": Arm("a model for each role", {"learners": "models"}),
    TEAM: Arm("everybody is credited with the return", {"credit": "team"}),
    "counterfactual": Arm(
        "credit is what a turn changed (one turn an agent, four futures); a quarter of the starts",
        {"credit": "counterfactual", "groups": 2},
        steps=1 / 3,
    ),
    "no lessons": Arm("random weights with the words of the start", start="fresh"),
    "fewer lessons": Arm("from the shipped start, which was taught too little", start="shipped"),
    "no grammar": Arm(
        "nothing holds the calls: 300 lessons that spell them out, then learning in small steps",
        {"grammar": False, "groups": 2},
        lessons=300,
        steps=1 / 4,
    ),
    "as without grammar": Arm("the lessons and steps of the last arm, under the grammar", {"groups": 2}, lessons=300, steps=1 / 4),
}


class Job(NamedTuple):
    """An arm with a training seed: the start, steps of the base, test seeds, and the folder to work in."""

    arm: str
    seed: int
    start: str
    steps: int
    tested: int
    folder: str


def quick(job: Job, start: Path) -> QuickSettings:
    """The settings of `quick` for an arm: in one process, with its lessons, steps and changes."""
    arm = ARMS[job.arm]
    steps = max(1, round(arm.steps * job.steps))
    own = {
        "start": str(start),
        "seed": job.seed,
        "lessons": max(1, arm.lessons),
        "more_lessons": {},
        "steps": steps,
        "evaluate_every": -(-steps // 3),
    }
    return QuickSettings(**{**SHAPE, **own, **arm.changes})


def learning(job: Job, start: Path) -> GrpoSettings:
    """How an arm learns by itself."""
    return learnt_by(quick(job, start), start)


def lessons(job: Job, start: Path) -> SftSettings | None:
    """The lessons that go before, if the arm has any."""
    return taught_by(quick(job, start)) if ARMS[job.arm].lessons else None


def started(job: Job) -> Path:
    """The model that an arm starts from; fresh weights are drawn by the training seed."""
    kind = ARMS[job.arm].start
    given = model_in(SHIPPED / "start" if kind == "shipped" else Path(job.start))
    if kind != "fresh":
        return given
    place = Path(job.folder) / "fresh"
    if not place.exists():
        engine = next(iter(Cast.load(given).engines.values()))
        torch.manual_seed(job.seed)
        make: Any = type(engine.model)  # declared as any pretrained model
        write_model(Engine(make(engine.model.config), engine.tokenizer, engine.vocabulary), place)
    return place


def trained(job: Job) -> tuple[Cast, float]:
    """The model of the last step, and the seconds of a processor that it took; goes on where it stopped."""
    folder = Path(job.folder)
    start = started(job)
    if not ARMS[job.arm].steps:
        return Cast.load(start), 0.0
    folder.mkdir(parents=True, exist_ok=True)
    clock = folder / "seconds.json"
    tell = clocked(clock)
    taught = lessons(job, start)
    if taught and not (folder / "taught" / "best").exists():
        shutil.rmtree(folder / "taught", ignore_errors=True)
        run_sft(taught, folder / "taught", False, tell)
    run = RunFolder(folder / "run")
    run_grpo(learning(job, model_in(folder / "taught") if taught else start), run.path, run.path.exists(), tell)
    return Cast.load(run.model_folder()), float(json.loads(clock.read_text(encoding="utf-8")))


def clocked(file: Path) -> Tell:
    """Keeps the seconds that this process has worked, and those that others worked before it was cut off."""
    before, began = float(json.loads(file.read_text(encoding="utf-8"))) if file.exists() else 0.0, process_time()

    def tell(_row: Mapping[str, Any]) -> None:
        file.write_text(json.dumps(before + process_time() - began), encoding="utf-8")

    return tell


def row_of(job: Job) -> Row:
    """Train an arm, and play the test seeds with what it has come to, settled as in `quick`; its models are then removed."""
    torch.set_num_threads(1)
    cast, seconds = trained(job)
    values = model_values(settled(cast, quick(job, Path()).settled_temperature), SCENARIO, tested(job.tested))
    shutil.rmtree(job.folder, ignore_errors=True)
    return {"arm": job.arm, "seed": job.seed, "seconds": seconds, "values": values}


def is_base(arm: str, start: str) -> bool:
    """Whether an arm is the base under another name: it begins at the shipped start, and so do all."""
    return ARMS[arm].start == "shipped" and model_in(Path(start)) == model_in(SHIPPED / "start")


def tested(count: int) -> range:
    """The test seeds."""
    return range(FIRST_TEST_SEED, FIRST_TEST_SEED + count)


def key_of(job: Job) -> str:
    """What a row holds for: the scenario, the start, how the arm starts, is taught and learns, and the test seeds."""
    made = quick(job, Path()).model_dump_json()
    return key_from(load_scenario(SCENARIO).hash, files_in(model_in(Path(job.start))), job.arm, ARMS[job.arm], made, job.tested)
