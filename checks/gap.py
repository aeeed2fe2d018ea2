"""The static-to-live gap: the same patients under the same rubric without a clock, with the clock alone, and in whole shifts.

    .venv/bin/python checks/gap.py --patients 24

Rows are kept in `checks/results/gap.jsonl` (one line each, keyed by scenario hash, patient, policy and world), so that an interrupted run goes on
where it stopped. The tables are written to `checks/results/gap.md`. Intervals are 95 %, Student's t over patients; differences are paired.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path

from scipy.stats import kendalltau

from clinsim.benchmark.gap import ALONE, MILD, POLICIES, SHIFTS, STILL, WORLDS, Job, Row, cases, jobs, play, scenario_of
from clinsim.benchmark.gap_tasks import task_scores
from clinsim.benchmark.report import markdown, mean
from clinsim.benchmark.suite import load_suite
from clinsim.intervals import of_mean

RESULTS = Path(__file__).parent / "results"
CHUNK = len(POLICIES) * len(WORLDS)
"""Plays that a process takes at a time: those of one patient."""
TITLES = {STILL: "no clock", ALONE: "clock alone", SHIFTS[0]: "evening", SHIFTS[1]: "surge"}
LIVE = WORLDS[1:]
QUESTIONS = "medical_qa"
"""Domain of the own tasks that are questions with options; those of the others are asked of records, with tools."""


def hashed(job: Job) -> str:
    """What the row of a job holds for: its scenario."""
    return str(scenario_of(job.case, job.world).hash[:12])


def read(store: Path) -> dict[tuple[object, ...], Row]:
    """Rows kept from earlier runs, by hash and key."""
    lines = store.read_text(encoding="utf-8").splitlines() if store.exists() else []
    kept = [json.loads(line) for line in lines if line.endswith("}")]
    rows = [(data.pop("hash"), Row(**data)) for data in kept]
    return {(where, *row.key): row for where, row in rows}


def collect(todo: Sequence[Job], store: Path, processes: int) -> list[Row]:
    """Play what has not been played, and return all rows in order."""
    kept = read(store)
    keys = {job: (hashed(job), job.case.condition, job.case.seed, job.policy, job.world) for job in todo}
    missing = [job for job in todo if keys[job] not in kept]
    with store.open("a", encoding="utf-8") as sink, ProcessPoolExecutor(processes) as pool:
        for done, (job, row) in enumerate(zip(missing, pool.map(play, missing, chunksize=CHUNK), strict=True), 1):
            sink.write(json.dumps({"hash": keys[job][0], **asdict(row)}) + "\n")
            sink.flush()
            kept[keys[job]] = row
            if done % 100 == 0:
                print(f"{done} of {len(missing)}", file=sys.stderr, flush=True)
    return [kept[keys[job]] for job in todo]


def averted(rows: Sequence[Row]) -> float | None:
    """Of the utility loss that the best care would spare these patients, against nobody deciding anything, the share that was spared."""
    known = [(row.loss, row.loss_idle, row.loss_optimal) for row in rows if row.loss is not None]
    at_stake = sum((idle or 0.0) - (best or 0.0) for _, idle, best in known)
    return sum((idle or 0.0) - (loss or 0.0) for loss, idle, _ in known) / at_stake if at_stake else None


class Table:
    """Rows by policy and world."""

    def __init__(self, rows: Sequence[Row]) -> None:
        """Group the rows; those of one policy and world stand in order of patients."""
        self.rows = {(policy, world): [row for row in rows if (row.policy, row.world) == (policy, world)] for policy in POLICIES for world in WORLDS}

    def score(self, policy: str, world: str) -> float | None:
        """Mean strict score."""
        return mean(row.score for row in self.rows[policy, world])

    def gap(self, policy: str, world: str) -> str:
        """How much lower the score is than without a clock, with the interval of the paired difference."""
        pairs = zip(self.rows[policy, STILL], self.rows[policy, world], strict=True)
        found = of_mean([still.score - live.score for still, live in pairs])
        return f"{found.mean:.2f} ({found.low:.2f} to {found.high:.2f})"


def joined(table: Table, tasks: dict[str, tuple[float, ...]]) -> tuple[list[str], list[list[object]]]:
    """One line a policy: questions, static score, live scores, and what became of the patients."""
    head = ["policy", "questions: accuracy", "own tasks: accuracy", "own tasks: strict", "diagnosis, no clock"]
    head += [f"rubric, {TITLES[world]}" for world in WORLDS] + [f"loss averted, {TITLES[world]}" for world in LIVE]
    lines: list[list[object]] = []
    for policy in POLICIES:
        named = mean(float(row.diagnosis) for row in table.rows[policy, STILL])
        lives = [averted(table.rows[policy, world]) for world in LIVE]
        lines.append([policy, *tasks[policy], named, *(table.score(policy, world) for world in WORLDS), *lives])
    return head, lines


PARTS: dict[str, Callable[[Row], float | None]] = {
    "score": lambda row: row.score,
    "key tests": lambda row: row.tests,
    "diagnosis": lambda row: float(row.diagnosis),
    "place": lambda row: float(row.disposition),
    "treatments": lambda row: row.treatments,
    "unsafe": lambda row: float(bool(row.unsafe)),
    "on time": lambda row: row.on_time,
    "seen": lambda row: None if row.world == STILL else float(row.seen_after is not None),
    "minutes to doctor": lambda row: row.seen_after,
    "utility loss": lambda row: row.loss,
}
"""Columns of the table of parts, as means over patients (minutes: over those who were seen)."""


def parts(table: Table) -> tuple[list[str], list[list[object]]]:
    """One line a policy and world: the parts of the rubric, and what only a clock knows."""
    lines: list[list[object]] = []
    for (policy, world), rows in table.rows.items():
        lines.append([policy, TITLES[world], *(mean(part(row) for row in rows) for part in PARTS.values())])
    return ["policy", "world", *PARTS], lines


def disagreement(head: Sequence[str], lines: Sequence[Sequence[object]]) -> tuple[list[str], list[list[object]]]:
    """Kendall's tau-b between the order in which each measure puts the policies and the order by loss averted in the evening."""
    target = [line[head.index(f"loss averted, {TITLES[SHIFTS[0]]}")] for line in lines]
    found: list[list[object]] = []
    for place, name in enumerate(head[1:], 1):
        values = [line[place] for line in lines]
        best = sorted(lines, key=lambda line: -float(str(line[place])))  # used at once
        order = " > ".join(str(line[0]).removeprefix("guideline_") for line in best)
        found.append([name, float(kendalltau(values, target).statistic), order])
    return ["measure", "tau-b", "order of the policies (equal ones as listed above)"], found


def report(rows: Sequence[Row], command: str) -> str:
    """The page of results."""
    table, questions = Table(rows), load_suite(QUESTIONS).tasks
    own = tuple(placed for placed in load_suite("own").chosen("test") if placed.task.domain != QUESTIONS)
    patients = len(table.rows[POLICIES[0], STILL])
    kinds = len({row.condition for row in rows})
    head, lines = joined(table, {policy: (task_scores(policy, questions)[0], *task_scores(policy, own)) for policy in POLICIES})
    gaps = [[policy, *(table.gap(policy, world) for world in LIVE)] for policy in POLICIES]
    danger = [row for row in rows if row.condition not in MILD]
    split = [
        [policy, *(Table(some).score(policy, world) for some in (danger, [row for row in rows if row not in danger]) for world in WORLDS)]
        for policy in POLICIES
    ]
    kind_head = ["policy", *(f"{kind}, {TITLES[world]}" for kind in ("dangerous", "mild") for world in WORLDS)]
    return "\n".join(
        [
            f"# The static-to-live gap\n\nMade by `{command}`: {patients} patients with {kinds} conditions on test seeds, {len(questions)} questions",
            f"of `{QUESTIONS}`, {len(own)} own tasks of the other domains (test split).\n",
            f"## Joined\n\n{markdown(head, lines)}",
            f"## Points lost against no clock\n\nPaired over patients, 95 % interval.\n\n{markdown(['policy', *(TITLES[w] for w in LIVE)], gaps)}",
            f"## Which policy is better\n\n{markdown(*disagreement(head, lines))}",
            f"## Dangerous and mild\n\n{markdown(kind_head, split)}",
            f"## Parts\n\n{markdown(*parts(table))}",
        ]
    )


def main() -> int:
    """Play, write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--patients", type=int, default=24)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=RESULTS)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    rows = collect(jobs(cases(args.patients)), args.out / "gap.jsonl", args.workers)
    text = report(rows, f"python checks/gap.py --patients {args.patients}")
    (args.out / "gap.md").write_text(text, encoding="utf-8")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
