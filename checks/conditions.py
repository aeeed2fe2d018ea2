"""Each condition alone, worked up by the guideline team and by nobody: is it found out, treated, and not harmed.

    .venv/bin/python checks/conditions.py                      # 40 test seeds of every sheet; goes on where it stopped
    .venv/bin/python checks/conditions.py --seeds 10 nstemi    # some sheets only

Episodes of `single_patient` are kept in `checks/results/conditions.jsonl`, keyed by a hash of all data, policy, condition and seed.
The table is written to `checks/results/conditions.md`. Exit 1 if the guideline team loses more than an idle one, by more than
chance and more than `ROOM`, on any sheet.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from hashlib import sha256
from math import fsum
from pathlib import Path
from statistics import fmean, stdev

import clinsim
from clinsim.condition_file import load_conditions

RESULTS = Path(__file__).parent / "results"
FIRST_TEST_SEED = 20_000
POLICIES = ("guideline", "idle")
ROOM = 0.005
"""What care may cost where there is nothing to win (utility): a bed, a drug, a test that was not needed; those losses are assumptions."""
T_95 = 2.0
Row = dict[str, object]
Job = tuple[str, str, int]


def state_of_data() -> str:
    """A hash of all sheets, tables, scenarios and protocols: rows of other data are not used again."""
    root = Path(__file__).resolve().parent.parent
    paths = sorted([*(root / "scenarios").rglob("*.yaml"), *(root / "agents" / "protocols").glob("*.yaml")])
    return sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()


def play(job: Job) -> Row:
    """Play one episode and keep what the table needs."""
    condition, policy, seed = job
    scenario = clinsim.load_scenario("single_patient", {"patients.0.condition": condition})
    trace = clinsim.run_episode(clinsim.raw_env(scenario), policy, seed=seed)
    named = [entry.data for entry in trace.entries if entry.kind == "diagnosis_graded"]
    placed = [entry.data for entry in trace.entries if entry.kind == "disposition_graded"]
    return {
        "condition": condition,
        "policy": policy,
        "seed": seed,
        "loss": trace.kpis["utility_loss"]["value"],
        "return": fsum(trace.rewards.values()),
        "named": bool(named and named[-1]["correct"]),
        "placed": bool(placed and placed[-1]["right"]),
        "harms": sum(entry.kind == "harm" for entry in trace.entries),
    }


def stored(path: Path, state: str) -> dict[Job, Row]:
    """What was played before on the same data."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    rows = [json.loads(line) for line in lines]
    return {(row["condition"], row["policy"], row["seed"]): row for row in rows if row["hash"] == state}


def played(jobs: Sequence[Job], path: Path) -> list[Row]:
    """All rows: those that are stored, and the rest, played now."""
    state = state_of_data()
    have = stored(path, state)
    missing = [job for job in jobs if job not in have]
    with path.open("a", encoding="utf-8") as out, ProcessPoolExecutor(max_workers=2) as workers:
        for job, row in zip(missing, workers.map(play, missing, chunksize=8), strict=True):
            have[job] = row
            out.write(json.dumps({"hash": state, **row}) + "\n")
    return [have[job] for job in jobs]


def line_of(condition: str, rows: Iterable[Row]) -> tuple[str, bool]:
    """The row of the table, and whether care is no worse than none."""
    by_policy = {policy: sorted((row for row in rows if row["policy"] == policy), key=lambda row: int(str(row["seed"]))) for policy in POLICIES}
    cared, idle = by_policy["guideline"], by_policy["idle"]
    gains = [float(str(b["loss"])) - float(str(a["loss"])) for a, b in zip(cared, idle, strict=True)]
    error = T_95 * stdev(gains) / len(gains) ** 0.5
    fine = fmean(gains) + error >= -ROOM
    cells = [
        condition,
        load_conditions()[condition].kind,
        f"{fmean(float(str(row['loss'])) for row in idle):.3f}",
        f"{fmean(float(str(row['loss'])) for row in cared):.3f}",
        f"{fmean(gains):.3f} ± {error:.3f}",
        f"{fmean(float(str(row['return'])) for row in cared):.2f}",
        f"{100 * fmean(bool(row['named']) for row in cared):.0f}",
        f"{100 * fmean(bool(row['placed']) for row in cared):.0f}",
        f"{fmean(int(str(row['harms'])) for row in cared):.2f}",
    ]
    return f"| {' | '.join(cells)} |", fine


def table(names: Sequence[str], rows: Sequence[Row], seeds: int) -> tuple[str, list[str]]:
    """The page, and the sheets on which care is worse than none."""
    lines, worse = [], []
    for name in names:
        line, fine = line_of(name, [row for row in rows if row["condition"] == name])
        lines.append(line)
        worse += [] if fine else [name]
    head = "| condition | kind | loss idle | loss guideline | gain (95 %) | return | named right, % | placed right, % | harms a patient |"
    text = [
        "# Each condition alone",
        "",
        f"`python checks/conditions.py --seeds {seeds}`: `single_patient`, {seeds} test seeds from {FIRST_TEST_SEED}, expected utility loss at 30 "
        "days after four hours with the team, then the default care of the hospital. The return of an idle team is 0.",
        "",
        head,
        f"|{' --- |' * head.count(' | ')} --- |",
        *lines,
        "",
    ]
    return "\n".join(text), worse


def main() -> None:
    """Play, write the table, say what is worse than nothing."""
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    parser.add_argument("--seeds", type=int, default=40)
    asked = parser.parse_args()
    names = asked.names or [name for name, sheet in load_conditions().items() if sheet.kind != "inpatient"]
    jobs = [(name, policy, FIRST_TEST_SEED + number) for name in names for policy in POLICIES for number in range(asked.seeds)]
    text, worse = table(names, played(jobs, RESULTS / "conditions.jsonl"), asked.seeds)
    if not asked.names:
        (RESULTS / "conditions.md").write_text(text, encoding="utf-8")
    print(text)
    if worse:
        sys.exit(f"care is worse than none: {', '.join(worse)}")


if __name__ == "__main__":
    main()
